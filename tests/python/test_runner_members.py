"""Members that a runner may have, and the backend that it may name."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simplebroker import Queue, open_broker
from simplebroker.db import BrokerCore, DBConnection
from simplebroker.ext import SetupPhase, get_backend_plugin


class Plain:
    """The seven members, and a list of the calls that are not about SQL."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.calls: list[Any] = []

    def run(self, sql: str, params: Any = (), *, fetch: bool = False) -> list[Any]:
        cursor = self.connection.execute(sql, params)
        return cursor.fetchall() if fetch else []

    def begin_immediate(self) -> None:
        self.connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self.connection.execute("COMMIT")

    def rollback(self) -> None:
        self.connection.execute("ROLLBACK")

    def close(self) -> None:
        self.calls.append("close")

    def setup(self, phase: SetupPhase) -> None:
        self.calls.append(("setup", phase))

    def is_setup_complete(self, phase: SetupPhase) -> bool:
        return False


class Marking(Plain):
    def cleanup_marker_files(self) -> None:
        self.calls.append("cleanup_marker_files")


class Leasing(Marking):
    def release_thread_connection(self) -> None:
        self.calls.append("release_thread_connection")


class Ending(Leasing):
    def shutdown(self) -> None:
        self.calls.append("shutdown")


class Stoppable(Plain):
    def setup_with_stop_event(self, phase: SetupPhase, stop_event: threading.Event) -> None:
        self.calls.append((phase, stop_event))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


@pytest.mark.parametrize(
    "kind, closed, shut",
    [
        (Plain, ["close"], ["close"]),
        (Marking, ["cleanup_marker_files", "close"], ["cleanup_marker_files", "close"]),
        (
            Leasing,
            ["cleanup_marker_files", "release_thread_connection"],
            ["cleanup_marker_files", "close"],
        ),
        (
            Ending,
            ["cleanup_marker_files", "release_thread_connection"],
            ["cleanup_marker_files", "shutdown"],
        ),
    ],
)
def test_a_core_leaves_its_runner_in_the_runners_way(
    kind: type[Plain], closed: list[str], shut: list[str], path: Path
) -> None:
    for leave, expected in (BrokerCore.close, closed), (BrokerCore.shutdown, shut):
        runner = kind(path)
        core = BrokerCore(runner)
        core.write("q", "body")
        runner.calls.clear()
        leave(core)
        assert runner.calls == expected
        runner.connection.close()


WAYS = {
    "Queue": (lambda runner: Queue("q", runner=runner), lambda queue: queue.write("body")),
    "open_broker": (
        lambda runner: open_broker("label.db", runner),
        lambda broker: broker.write("q", "body"),
    ),
    "DBConnection": (
        lambda runner: DBConnection("label.db", runner),
        lambda connection: connection.get_core().write("q", "body"),
    ),
}


@pytest.mark.parametrize("open_one, write", WAYS.values(), ids=WAYS.keys())
def test_queues_and_connections_leave_the_runner_alone(
    open_one: Any, write: Any, path: Path
) -> None:
    runner = Ending(path)
    with open_one(runner) as opened:
        write(opened)
    assert not [call for call in runner.calls if isinstance(call, str)]
    runner.connection.close()


def test_a_runner_that_can_be_stopped_sets_up_with_the_stop_event(path: Path) -> None:
    runner, stop = Stoppable(path), threading.Event()
    core = BrokerCore(runner, stop_event=stop)
    core.write("q", "body")
    phases = [SetupPhase.CONNECTION, SetupPhase.OPTIMIZATION]
    assert runner.calls == [(phase, stop) for phase in phases]
    core.close()
    runner.connection.close()


class OldBackend:
    name = "strange"
    backend_api_version = 6
    sql = object()


class MuteBackend:
    name = "strange"
    backend_api_version = 7
    sql = None


class NoVersion:
    name = "strange"
    sql = object()


@pytest.fixture(params=[OldBackend, MuteBackend, NoVersion])
def unfit(request: pytest.FixtureRequest, path: Path) -> Iterator[Any]:
    runner = type("Aware", (Plain,), {"backend_plugin": request.param()})(path)
    yield runner
    runner.connection.close()


def test_a_backend_that_does_not_fit_is_refused(unfit: Any, path: Path) -> None:
    with pytest.raises(RuntimeError, match="strange"):
        Queue("q", runner=unfit).write("body")
    with pytest.raises(RuntimeError, match="strange"), open_broker("label.db", unfit):
        pass
    with pytest.raises(RuntimeError, match="strange"):
        BrokerCore(unfit).write("q", "body")
    plain = Plain(path)
    with pytest.raises(RuntimeError, match="strange"):
        BrokerCore(plain, backend_plugin=unfit.backend_plugin).write("q", "body")
    assert plain.calls == []
    plain.connection.close()


def test_a_runner_may_name_the_built_in_backend(path: Path) -> None:
    runner = type("Aware", (Plain,), {"backend_plugin": get_backend_plugin("sqlite")})(path)
    queue = Queue("q", runner=runner)
    queue.write("body")
    assert queue.read() == "body"
    runner.connection.close()
