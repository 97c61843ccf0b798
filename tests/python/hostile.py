"""Calls what is public with arguments that nobody should give; see test_hostile_input.py.

Usage: hostile.py AREA LOG. Each call is noted in the file LOG before it is made, so that a crash
shows its cause. Prints the calls that ended in a way that none may end.
"""

import contextlib
import inspect
import io
import sys
import threading
import warnings
from pathlib import Path

import simplebroker
from simplebroker import Queue, commands, ext, watcher
from simplebroker.db import BrokerCore, BrokerDB, DBConnection, open_broker


class Boom(Exception):
    pass


def boom(*arguments, **keywords):
    raise Boom


class Evil:
    """Raises whatever it is asked."""

    __str__ = __repr__ = __index__ = __int__ = __float__ = __bool__ = __len__ = __iter__ = boom
    __eq__ = __hash__ = __fspath__ = __bytes__ = __contains__ = __getitem__ = __call__ = boom
    __lt__ = __enter__ = __exit__ = __next__ = keys = items = boom


class Liar(str):
    """A string that says that it is something else."""

    def __str__(self):
        return 5

    def encode(self, *arguments):
        return "not bytes"

    def __len__(self):
        return 3

    def strip(self, *arguments):
        return None

    __eq__ = lambda self, other: True  # noqa: E731
    __hash__ = str.__hash__


class Number(int):
    __str__ = __repr__ = __index__ = __int__ = boom


class WrongIndex:
    def __index__(self):
        return "five"


class Shrinking(list):
    """Loses its items while it is iterated."""

    def __iter__(self):
        for _ in range(3):
            self.clear()
            yield "q"


def breaking():
    yield "q"
    raise Boom


def recursive():
    outer = []
    outer.append(outer)
    return outer


HOSTILE = {
    "None": lambda: None,
    "True": lambda: True,
    "-1": lambda: -1,
    "0": lambda: 0,
    "7": lambda: 7,
    "2**31": lambda: 2**31,
    "2**63-1": lambda: 2**63 - 1,
    "2**63": lambda: 2**63,
    "2**64": lambda: 2**64,
    "-2**63-1": lambda: -(2**63) - 1,
    "10**40": lambda: 10**40,
    "nan": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "1.5": lambda: 1.5,
    "b''": lambda: b"",
    "b'\\xff\\0'": lambda: b"\xff\0",
    "bytearray": lambda: bytearray(b"q"),
    "memoryview": lambda: memoryview(b"q"),
    "''": lambda: "",
    "nul": lambda: "\0",
    "a nul b": lambda: "a\0b",
    "surrogate": lambda: "\ud800",
    "long": lambda: "x" * 3_000,
    "@a": lambda: "@a",
    "-x": lambda: "-x",
    "../x": lambda: "../x",
    "%s%n": lambda: "%s%n%s%n",
    "19 digits": lambda: "9" * 19,
    "other digits": lambda: "١" * 19,
    "object": object,
    "list": list,
    "[None]": lambda: [None],
    "[5]": lambda: [5],
    "[()]": lambda: [()],
    "[evil]": lambda: [Evil()],
    "recursive": recursive,
    "shrinking": lambda: Shrinking(["q"] * 5),
    "breaking": breaking,
    "range": lambda: range(1_000),
    "dict": dict,
    "{1: 2}": lambda: {1: 2},
    "{nul: nul}": lambda: {"\0": "\0"},
    "{setting: evil}": lambda: {"BROKER_CACHE_MB": Evil()},
    "evil": Evil,
    "Evil": lambda: Evil,
    "liar": lambda: Liar("q"),
    "number": lambda: Number(5),
    "wrong index": WrongIndex,
    "boom": lambda: boom,
    "path with nul": lambda: Path("a\0b"),
    "event": threading.Event,
    "queue": lambda: Queue("q", db_path="other.db"),
    "closed queue": lambda: _closed(Queue("q", db_path="other.db", persistent=True)),
    "target": lambda: simplebroker.BrokerTarget("nonsense", "\0", {"a": Evil()}),
    "module": lambda: sys,
}

SENSIBLE = {
    "queue": "q", "queue_name": "q", "name": "q", "source_queue": "q", "old_queue": "q",
    "target_queue": "r", "destination": "r", "dest_queue": "r", "new_queue": "r",
    "message": "m", "body": "m", "alias": "a", "target": "q", "limit": 2, "timestamp": 5,
    "records": [], "message_ids": [], "queue_names": ["q"], "body_contains": "abc",
    "messages": ["m"], "sql": "SELECT 1", "params": (), "db_path": "test.db",
    "db_target": "test.db", "runner": None, "handler": lambda *a: None, "config": {},
    "exc": ValueError("x"), "directory": Path("."), "starting_dir": Path("."),
    "config_path": Path("none.toml"), "payload": "{}", "value": 5, "message_id_str": None,
    "directory_path": Path("."), "stop_event": None, "queues": [], "lines": [], "threshold": 0.5,
    "claimed_count": 1, "total_count": 2, "interval": 5, "completed": 1, "phase": "schema",
    "timestamp_str": "5", "seconds": 0, "quiet": True, "s": "5", "after_timestamp": None,
    "before_timestamp": None, "exact_timestamp": None, "message_id": None, "waiter": None,
    "timeout": 0.0, "operation": lambda: None, "argv": ["--version"], "args": ["--version"],
}  # fmt: skip

MAY_NOT_BE_RAISED = (SystemError, AssertionError, NameError)
ADVANCE = "advance_last_timestamp"  # leaves no ids, when it is told so
WAITS = {
    "run", "run_forever", "run_in_thread", "start", "wait_for_activity", "cmd_watch", "wait",
    "main", "release_thread_connection", "lease_thread_connection",
}  # fmt: skip


def _closed(queue):
    queue.close()
    return queue


class Calls:
    """Makes calls and judges how they end."""

    def __init__(self, log):
        self.log = log
        self.made = 0
        self.wrong = []

    def every(self, label, function):
        """Calls with each hostile value in each place, and in all places."""
        try:
            parameters = inspect.signature(function).parameters.values()
        except ValueError:
            return
        named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        needed = {p.name: SENSIBLE.get(p.name) for p in named if p.default is p.empty}
        for value_name, make in HOSTILE.items():
            for parameter in named:
                self.one(f"{label}({parameter.name}={value_name})", function,
                         {**needed, parameter.name: make()})  # fmt: skip
            if len(needed) > 1:
                self.one(f"{label}(*{value_name})", function, {name: make() for name in needed})

    def one(self, label, function, keywords):
        self.made += 1
        self.log.seek(0)
        self.log.truncate()
        self.log.write(label)
        self.log.flush()
        try:
            use(function(**keywords))
        except MAY_NOT_BE_RAISED as error:
            self.wrong.append(f"{label}: {error!r}")
        except Exception as error:
            try:
                str(error)
            except Boom:
                pass
        except BaseException as error:
            self.wrong.append(f"{label}: {type(error).__name__}")


def use(result):
    """Generators run, blocks are entered: that is where many arguments are looked at."""
    if inspect.isgenerator(result):
        try:
            for _, _ in zip(range(3), result, strict=False):
                pass
        finally:
            result.close()
    elif isinstance(result, watcher.BaseWatcher):
        result.stop()
    elif hasattr(result, "__enter__") and not isinstance(result, (Evil, type)):
        with result as entered:
            if hasattr(entered, "run") and hasattr(entered, "_end"):
                entered.run("SELECT 1")


def methods(value):
    names = {name for name in dir(type(value)) if not name.startswith("_")} - WAITS
    return {
        name: getattr(value, name) for name in sorted(names) if callable(getattr(type(value), name))
    }


# ---- areas ------------------------------------------------------------------------------------


def of_queue(calls):
    for name in methods(Queue("q", db_path="test.db")):
        with Queue("q", db_path=f"{name}.db", persistent=True) as queue:
            calls.every(f"Queue.{name}", getattr(queue, name))
            queue.set_stop_event(None)
            assert queue.read(message_id=queue.write("usable")) == "usable"


def of_broker(calls):
    with BrokerDB("test.db") as broker:
        names = methods(broker)
    for name in names:
        with BrokerDB(f"{name}.db") as broker:
            calls.every(f"BrokerDB.{name}", getattr(broker, name))
            broker.set_stop_event(None)
            if name != ADVANCE:
                assert broker.write("usable", "m") > 0


def of_transaction(calls):
    with BrokerDB("test.db") as broker:
        with broker.transaction() as example:
            found = {name: inspect.signature(method) for name, method in methods(example).items()}
        with broker.sidecar() as session:
            calls.every("SidecarSession.run", session.run)
            assert session.run("SELECT 1", fetch=True) == [(1,)]
    for name, signature in found.items():
        with BrokerDB(f"{name}.db") as broker:

            def call(name=name, broker=broker, **keywords):
                with broker.transaction() as transaction:
                    use(getattr(transaction, name)(**keywords))

            call.__signature__ = signature
            calls.every(f"Transaction.{name}", call)
            if name != ADVANCE:
                with broker.transaction() as transaction:
                    assert transaction.write("q", "usable") > 0


def of_constructors(calls):
    names = set(ext.__all__) | set(watcher.__all__) | set(simplebroker.__all__)
    for name in sorted(names):
        member = getattr(ext, name, None) or getattr(watcher, name, None)
        member = member or getattr(simplebroker, name)
        if callable(member) and name not in ("BaseWatcher", "BrokerConnection", "SQLRunner"):
            calls.every(name, member)
    for member in (BrokerDB, BrokerCore, DBConnection, open_broker):
        calls.every(member.__name__, member)


def of_objects(calls):
    """Methods of what constructors give."""
    with ext.SQLiteRunner("test.db") as runner:
        made = [
            runner,
            ext.TimestampGenerator(runner),
            ext.MaintenanceSchedule(5),
            ext.get_backend_plugin(),
            DBConnection("test.db"),
            watcher.PollingStrategy(threading.Event()),
            watcher.QueueWatcher("q", print, db="test.db"),
            watcher.QueueMoveWatcher("q", "r", print, db="test.db"),
        ]
        for value in made:
            for name, method in methods(value).items():
                calls.every(f"{type(value).__name__}.{name}", method)
            if hasattr(value, "stop"):
                value.stop()
        made[4].close()


def of_commands(calls):
    for name in commands.__all__:
        if name not in WAITS:
            calls.every(name, getattr(commands, name))


def of_closed(calls):
    """What was closed opens again, or says that it is over."""
    with BrokerDB("test.db") as broker:
        transaction = broker.transaction()
        transaction.rollback()
        for name, method in methods(transaction).items():
            calls.every(f"ended Transaction.{name}", method)
        with broker.sidecar() as session:
            pass
        calls.every("ended SidecarSession.run", session.run)
    broker.close()
    for name, method in methods(broker).items():
        calls.every(f"closed BrokerDB.{name}", method)
        broker.close()
    broker.close()


def of_elsewhere(calls):
    """What belongs to one thread is used on another."""
    with BrokerDB("test.db") as broker, broker.transaction() as transaction:
        thread = threading.Thread(
            target=lambda: [
                calls.every(f"foreign Transaction.{name}", method)
                for name, method in methods(transaction).items()
            ]
        )
        thread.start()
        thread.join()
        assert transaction.write("q", "usable") > 0


AREAS = {
    "queue": of_queue,
    "broker": of_broker,
    "transaction": of_transaction,
    "constructors": of_constructors,
    "objects": of_objects,
    "commands": of_commands,
    "closed": of_closed,
    "elsewhere": of_elsewhere,
}


def main(area, log):
    warnings.simplefilter("ignore")
    calls = Calls(open(log, "w", encoding="utf-8"))
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        AREAS[area](calls)
    calls.log.close()
    for line in calls.wrong:
        print(line)
    print(calls.made, "calls")


if __name__ == "__main__":
    main(*sys.argv[1:])
