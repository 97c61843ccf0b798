"""Runs inside the reference's own Python: takes one JSON request a line, answers with one.

    {"argv": [...], "cwd": ..., "env": {...}, "stdin": text}   the reference's command, in process
    {"call": "write", "path": ..., "args": [...], "kwargs": {}} a method of its `BrokerConnection`
    {"batch": "open" | "next" | "close", "path": ..., "queue": ..., "size": n}
"""

import io
import itertools
import json
import os
import sys

import simplebroker.cli
from simplebroker import open_broker

ANSWERS = sys.stdout
HELD = {}
BROKERS = {}


def command(request):
    """What `main` prints and returns for these arguments."""
    os.chdir(request["cwd"])
    os.environ.update(request.get("env", {}))
    stdout, stderr = io.BytesIO(), io.BytesIO()
    sys.argv = ["broker", *request["argv"]]
    sys.stdin = io.TextIOWrapper(io.BytesIO(request.get("stdin", "").encode()), "utf-8")
    streams = io.TextIOWrapper(stdout, "utf-8"), io.TextIOWrapper(stderr, "utf-8")
    sys.stdout, sys.stderr = streams
    try:
        code = simplebroker.cli.main()
    except SystemExit as stop:
        code = stop.code or 0
    finally:
        for stream in streams:
            stream.flush()
        sys.stdout, sys.stderr = ANSWERS, sys.__stderr__
        for key in request.get("env", {}):
            os.environ.pop(key, None)
    return {"code": code, "stdout": stdout.getvalue().decode(),
            "stderr": stderr.getvalue().decode()}


def broker(path):
    """A persistent connection for the path."""
    if path not in BROKERS:
        BROKERS[path] = open_broker(path).__enter__()
    return BROKERS[path]


def call(request):
    value = getattr(broker(request["path"]), request["call"])(
        *request.get("args", ()), **request.get("kwargs", {}))
    if hasattr(value, "__next__"):
        value = list(value)
    return {"value": value if isinstance(value, (type(None), bool, int, str, list, tuple, dict))
            else repr(value)}


def batch(request):
    """An at-least-once batch that stays open between requests."""
    if request["batch"] == "open":
        HELD["items"] = broker(request["path"]).claim_generator(
            request["queue"], delivery_guarantee="at_least_once", batch_size=request["size"],
            with_timestamps=False)
    if request["batch"] == "close":
        HELD.pop("items").close()
        return {"value": None}
    return {"value": list(itertools.islice(HELD["items"], 1))}


def stress(request):
    """One role of the concurrent run, repeated; the bodies or ids it saw are the answer."""
    connection, seen = broker(request["path"]), []
    role, source, target = request["stress"], request["queue"], request.get("target")
    for n in range(request["count"]):
        if role == "write":
            seen.append(connection.write(source, f"{request['name']}-{n}"))
        else:
            taken = (connection.claim_one(source, with_timestamps=False) if role == "claim" else
                     connection.move_one(source, target, with_timestamps=False))
            if taken is not None:
                seen.append(taken)
    return {"value": seen}


def answer(request):
    for name, action in (("argv", command), ("call", call), ("batch", batch),
                         ("stress", stress)):
        if name in request:
            try:
                return action(request)
            except Exception as error:
                return {"error": f"{type(error).__name__}: {error}"}
    return {"error": "unknown request"}


for line in sys.stdin.buffer:
    print(json.dumps(answer(json.loads(line))), file=ANSWERS, flush=True)
