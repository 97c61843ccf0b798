"""Calls everything public with everything unsuitable, and prints what came of it, a JSON object.

Each parameter in turn gets each value of JUNK while the others are fine. An outcome is the
classes of the exception, or the result, and what the broker then holds where that has changed.
"""

import contextlib
import inspect
import io
import itertools
import json
import os
import re
import sys
import threading
import warnings

import simplebroker
from simplebroker import BrokerTarget, Queue, open_broker, project
from simplebroker.db import BrokerDB, DBConnection
from simplebroker.ext import (
    MaintenanceSchedule,
    SQLiteRunner,
    TimestampGenerator,
    get_backend_plugin,
    vacuum_is_eligible,
    validate_delivery_guarantee,
)
from simplebroker.watcher import PollingStrategy, QueueMoveWatcher, QueueWatcher

PATH = "misuse.db"


class Thing:
    """An object of no use to anybody."""

    def __repr__(self):
        return "<thing>"


JUNK = [None, True, 0, -1, 5, 2**63, -(2**70), 1.5, float("nan"), "", "x", "@x", "a b", "nul\0",
        "\ud800", "0000000000000000005", b"x", (), ["x"], ["q", 5], {"a": 1}, {"q"}, Thing(),
        Thing]  # fmt: skip

# Fine values for the parameters that have to be given.
FINE = {
    "queue": "q", "name": "q", "message": "body", "limit": 2, "destination": "r",
    "source_queue": "q", "target_queue": "r", "old_queue": "q", "new_queue": "new",
    "message_ids": [5, 6], "queue_names": ["q"], "body_contains": "body", "alias": "y",
    "target": "q", "timestamp": 9, "after_timestamp": None, "value": 5, "sql": "SELECT 1",
    "db_path": PATH, "db_target": PATH, "values": {}, "overrides": {}, "backend_name": "sqlite",
    "payload": '{"backend_name": "sqlite", "target": "/x"}', "directory": ".",
    "timestamp_str": "5", "interval": 3, "completed": 1, "claimed_count": 1, "total_count": 2,
    "threshold": 0.5, "handler": print, "dest_queue": "r", "conn": None, "params": (),
    "stop_event": threading.Event(), "waiter": None,
}  # fmt: skip
RECORDS = {"Queue": [("a", 5_000)], "BrokerDB": [("q", "a", 5_000)]}

SKIPPED = {"close", "shutdown", "get_connection", "cleanup_connections", "set_stop_event",
           "get_core", "cleanup", "release_connection_after_use", "vacuum", "get_conflict_metrics",
           "create_activity_waiter", "transaction", "write_many", "setup_with_stop_event"}  # fmt: skip


class Bench:
    """A broker that is put in order before each call."""

    def __init__(self):
        self.broker = BrokerDB(PATH, config={"BROKER_AUTO_VACUUM": 0})

    def reset(self):
        self.broker.delete()
        for alias, _ in self.broker.list_aliases():
            self.broker.remove_alias(alias)
        self.broker.insert_messages([("q", "claimed body", 4), ("q", "body", 5), ("q", "body", 6),
                                     ("r", "other", 7)])  # fmt: skip
        self.broker.claim_one("q")
        self.broker.add_alias("x", "q")

    def holds(self):
        rows = [
            [queue, body, identity]
            for queue in self.broker.list_queues()
            for body, identity in self.broker.peek_many(queue, include_claimed=True)
        ]
        return json.dumps([rows, self.broker.get_queue_stats(), self.broker.list_aliases()])


def shown(value):
    """A result as text, without what differs from run to run."""
    if inspect.isgenerator(value):
        taken = list(itertools.islice(value, 3))
        value.close()
        value = taken
    text = re.sub(r"\d{18,}", "ID", ascii(value).replace(os.getcwd(), "."))
    return re.sub(r"simplebroker[\w.]*\.| at 0x[0-9a-f]+", "", text)[:300]


def outcome(bench, call):
    bench.reset()
    before = bench.holds()
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            result = shown(call())
        except Exception as error:
            result = "!" + "/".join(kind.__name__ for kind in type(error).__mro__[:-1])
    after = bench.holds()
    return [result] if before == after else [result, re.sub(r"\d{18,}", "ID", after)]


def junk_calls(name, function, fine):
    """`label, call` for each parameter and each unsuitable value."""
    parameters = [p for p in inspect.signature(function).parameters.values() if p.name != "self"
                  and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]  # fmt: skip
    needed = {p.name: fine[p.name] for p in parameters if p.default is p.empty}
    for parameter in parameters:
        for number, value in enumerate(JUNK):
            given = {**needed, parameter.name: value}
            yield (
                f"{name}({parameter.name}={number}:{value!a})",
                lambda given=given: function(**given),
            )


def methods(name, target):
    for member, function in inspect.getmembers(target, callable):
        if not member.startswith("_") and member not in SKIPPED:
            yield f"{name}.{member}", function, {**FINE, "records": RECORDS.get(name)}


def subjects(bench):
    yield from methods(
        "Queue", Queue("q", db_path=PATH, persistent=True, config={"BROKER_AUTO_VACUUM": 0})
    )
    yield from methods("BrokerDB", bench.broker)
    for made in (Queue, BrokerTarget, QueueWatcher, QueueMoveWatcher, MaintenanceSchedule,
                 TimestampGenerator.validate, SQLiteRunner, DBConnection,
                 PollingStrategy):  # fmt: skip
        fine = {**FINE, "target": "/x"}
        yield made.__qualname__, made, {**fine, "runner": None}
    for function in (simplebroker.format_message_id, simplebroker.resolve_config,
                     simplebroker.resolve_isolated_config, simplebroker.ResolvedConfig,
                     simplebroker.deserialize_broker_target, simplebroker.serialize_broker_target,
                     simplebroker.target_for_directory, simplebroker.resolve_broker_target,
                     simplebroker.broker_root, project.find_project_config,
                     project.project_config_path_for_directory, vacuum_is_eligible,
                     validate_delivery_guarantee, get_backend_plugin):  # fmt: skip
        names = inspect.signature(function).parameters
        yield function.__name__, function, {**dict.fromkeys(names), **FINE}

    def broker_db(db_path, config=None, stop_event=None):
        with BrokerDB(db_path, config=config, stop_event=stop_event) as broker:
            return broker.list_queues()

    def opened(config=None):
        with open_broker(PATH, config=config) as broker:
            return broker.list_queues()

    def sidecar(sql, params=(), fetch=True):
        with bench.broker.sidecar() as session:
            return session.run(sql, params, fetch=fetch)

    def one_parameter(value):
        return sidecar("SELECT ?", (value,))

    for function in (broker_db, opened, sidecar, one_parameter):
        yield function.__name__, function, FINE


def main():
    bench, found = Bench(), {}
    for name, function, fine in subjects(bench):
        for label, call in junk_calls(name, function, fine):
            found[label] = outcome(bench, call)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
