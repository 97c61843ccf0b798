"""Runners written in Python under the C library, without the classes above it."""

from __future__ import annotations

import gc
import sqlite3
import weakref
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.ours

_callbacks = pytest.importorskip("simplebroker._callbacks")
_library = pytest.importorskip("simplebroker._library")
native = pytest.importorskip("simplebroker._native")
ffi, lib = native.ffi, native.lib


class Settings:
    native = ffi.NULL


class Recorder:
    """A runner over sqlite3 that can be made to fail or to answer garbage."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.calls: list[str] = []
        self.hook: Callable[[str], Any] | None = None

    def run(self, sql: str, params: tuple[Any, ...] = (), *, fetch: bool = False) -> Any:
        self.calls.append(sql)
        if self.hook is not None:
            answer = self.hook(sql)
            if answer is not NotImplemented:
                return answer
        rows = self.connection.execute(sql, params).fetchall()
        return rows if fetch else []

    def begin_immediate(self) -> None:
        self.calls.append("begin")
        self.connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self.calls.append("commit")
        self.connection.execute("COMMIT")

    def rollback(self) -> None:
        self.calls.append("rollback")
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")


def opened(runner: Recorder) -> Any:
    return _callbacks.open_runner(runner, Settings)


def write(broker: Any, body: bytes = b"body") -> None:
    _library.check(lib.sb_write(ffi.NULL, broker, b"q", 1, body, len(body), ffi.NULL))


def claim(broker: Any, limit: int = 1) -> list[bytes]:
    out = ffi.new("sb_messages **")
    status = _library.check(lib.sb_claim(out, broker, b"q", 1, limit, ffi.NULL))
    if status:
        return []
    size = ffi.new("size_t *")
    found = [
        ffi.unpack(lib.sb_messages_body(size, out[0], i), size[0])
        for i in range(lib.sb_messages_count(out[0]))
    ]
    lib.sb_messages_free(out[0])
    return found


def test_a_write_is_one_insert_in_one_transaction() -> None:
    runner = Recorder()
    broker = opened(runner)
    runner.calls.clear()
    write(broker)
    assert runner.calls[0] == "begin" and runner.calls[-1] == "commit"
    assert sum("INSERT INTO messages" in call for call in runner.calls) == 1
    assert len(runner.calls) == 4


def test_several_messages_are_claimed_in_two_statements_and_in_order() -> None:
    runner = Recorder()
    broker = opened(runner)
    bodies = [f"{i} é\0\U0001f600".encode() for i in range(10)]
    for body in bodies:
        write(broker, body)
    runner.calls.clear()
    assert claim(broker, 10) == bodies
    assert len(runner.calls) == 4


@pytest.mark.parametrize(
    "exception",
    [ValueError("v"), KeyboardInterrupt(), SystemExit(3), GeneratorExit(),
     sqlite3.IntegrityError("simulated"), sqlite3.OperationalError("no such thing"),
     ValueError("long " * 1000), ValueError("nul \0 inside")],
)  # fmt: skip
def test_an_exception_comes_back_as_the_same_object_after_a_rollback(
    exception: BaseException,
) -> None:
    runner = Recorder()
    broker = opened(runner)

    def fail(sql: str) -> Any:
        if "INSERT" in sql:
            raise exception
        return NotImplemented

    runner.hook = fail
    with pytest.raises(type(exception)) as caught:
        write(broker)
    assert caught.value is exception
    assert runner.calls[-1] == "rollback" and not runner.connection.in_transaction
    runner.hook = None
    write(broker)
    assert claim(broker) == [b"body"]


def test_a_lock_error_is_tried_again_and_then_forgotten() -> None:
    runner = Recorder()
    broker = opened(runner)
    error: sqlite3.OperationalError | None = sqlite3.OperationalError("database is locked")

    class Marker:
        pass

    marker = Marker()
    error.marker = marker  # type: ignore[union-attr]
    gone = weakref.ref(marker)
    failures = [error]

    def fail(sql: str) -> Any:
        if "INSERT" in sql and failures:
            raise failures.pop()  # type: ignore[misc]
        return NotImplemented

    runner.hook = fail
    write(broker)
    del marker, error
    gc.collect()
    assert gone() is None
    assert claim(broker) == [b"body"]


@pytest.mark.parametrize(
    "answer",
    [None, 5, [None], [5], [()], [(1,)], [(1, "b")], [("b", "b", "b")], [(1, None, 5)],
     [(2**70, "b", 1)], [(1, "\ud800", 1)], [(1, object(), 1)], [object()], "ab"],
)  # fmt: skip
def test_garbage_for_rows_is_an_error_and_changes_nothing(answer: Any) -> None:
    runner = Recorder()
    broker = opened(runner)
    write(broker)
    runner.hook = lambda sql: answer if "SELECT" in sql else NotImplemented
    with pytest.raises((TypeError, ValueError)):
        claim(broker)
    runner.hook = None
    assert claim(broker) == [b"body"]


def test_a_runner_that_calls_its_own_broker_gets_an_error() -> None:
    runner = Recorder()
    broker = opened(runner)

    def again(sql: str) -> Any:
        if "INSERT" in sql:
            write(broker)
        return NotImplemented

    runner.hook = again
    with pytest.raises(RuntimeError):
        write(broker)
    runner.hook = None
    write(broker)
    assert claim(broker, 10) == [b"body"]


def test_a_failing_commit_rolls_back() -> None:
    class Failing(Recorder):
        error: Exception | None = None

        def commit(self) -> None:
            if self.error is not None:
                raise self.error
            super().commit()

    runner = Failing()
    broker = opened(runner)
    runner.error = ValueError("commit")
    with pytest.raises(ValueError, match="commit") as caught:
        write(broker)
    assert caught.value is runner.error
    assert not runner.connection.in_transaction
    runner.error = None
    assert claim(broker) == []


def test_an_enqueue_can_be_part_of_the_applications_transaction() -> None:
    class Application(Recorder):
        """The transaction is the application's; the broker's is a part of it."""

        def begin_immediate(self) -> None:
            if not self.connection.in_transaction:
                super().begin_immediate()

        def commit(self) -> None:
            pass

    runner = Application()
    broker = opened(runner)
    runner.connection.execute("COMMIT")
    runner.connection.execute("CREATE TABLE orders (id INTEGER)")
    runner.connection.execute("BEGIN IMMEDIATE")
    runner.connection.execute("INSERT INTO orders VALUES (1)")
    write(broker)
    runner.connection.rollback()
    assert runner.connection.execute("SELECT count(*) FROM orders").fetchone() == (0,)
    assert runner.connection.execute("SELECT count(*) FROM messages").fetchone() == (0,)


def test_a_runner_that_holds_its_broker_is_collected() -> None:
    runner = Recorder()
    runner.hook = None
    runner.broker = opened(runner)  # type: ignore[attr-defined]
    gone = weakref.ref(runner)
    del runner
    gc.collect()
    assert gone() is None


def test_values_come_through_exactly() -> None:
    values = _callbacks.native_values(
        (None, 0, 2**63 - 1, -(2**63), 1.5, float("inf"), "a\0\U0001f600", "", b"\0\xff", b"", True)
    )
    assert _callbacks.python_values(values) == (
        None, 0, 2**63 - 1, -(2**63), 1.5, float("inf"), "a\0\U0001f600", "", b"\0\xff", b"", 1,
    )  # fmt: skip
