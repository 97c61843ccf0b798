"""The records of a dump, whole or spoilt: `header(version=2)`, `message(id="absent")`."""

import json

from .transcript import ident

LAST = str(ident(9))


def header(last_ts=LAST, **changes):
    record = {"backend": "sqlite", "format": "simplebroker-dump", "last_ts": last_ts,
              "type": "header", "version": 1, **changes}
    return json.dumps({k: v for k, v in record.items() if v != "absent"})


def message(n=0, queue="q", body="m", **changes):
    record = {"body": body, "id": str(ident(n)), "queue": queue, "type": "message", **changes}
    return json.dumps({k: v for k, v in record.items() if v != "absent"})


def alias(name, target, **changes):
    return json.dumps({"alias": name, "target": target, "type": "alias", **changes})


def lines(*records):
    return "".join(record + "\n" for record in records)
