"""Runners that raise, answer nonsense, call back, or die at the worst moment."""

from __future__ import annotations

import sqlite3
import traceback
from pathlib import Path
from typing import Any

import pytest

from simplebroker import Queue, open_broker
from simplebroker.ext import (
    BrokerError,
    DataError,
    OperationalError,
    TimestampGenerator,
)

from .runners import PASS, WAYS, ConnectionRunner, Recorder


@pytest.fixture(autouse=True)
def somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class Odd(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def interrupting(exception: BaseException) -> Any:
    """The reference leaves the transaction open."""
    return pytest.param(exception, marks=pytest.mark.ours)


EXCEPTIONS = [
    ValueError("v"),
    interrupting(KeyboardInterrupt()),
    interrupting(SystemExit(3)),
    interrupting(GeneratorExit()),
    StopIteration("s"),
    MemoryError(),
    RecursionError("deep"),
    BrokerError("b"),
    sqlite3.IntegrityError("CHECK constraint failed: t"),
    sqlite3.OperationalError("no such thing"),
    sqlite3.ProgrammingError("closed"),
    ValueError("long " * 1000),
    ValueError("nul \0 inside"),
    ValueError("lone \ud800 surrogate"),
    Exception(),
]


def state(runner: ConnectionRunner) -> Any:
    rows = runner.connection.execute("SELECT queue, body, ts, claimed FROM messages ORDER BY id")
    return rows.fetchall()


def two_messages(runner: Recorder) -> Queue:
    queue = Queue("q", runner=runner)
    queue.write("one")
    queue.write("two")
    runner.forget()
    return queue


def still_works(queue: Queue, runner: Recorder) -> None:
    runner.hook = None
    runner.fails.clear()
    assert not runner.connection.in_transaction
    written = queue.write("three")
    assert queue.peek_many(with_timestamps=True)[-1] == ("three", written)
    assert queue.read_many(3) == ["one", "two", "three"]


def raising(exception: BaseException, word: str) -> Any:
    def hook(sql: str, params: Any, fetch: bool) -> Any:
        if sql.startswith(word):
            raise exception
        return PASS

    return hook


# ---- exceptions ------------------------------------------------------------------------------


@pytest.mark.parametrize("exception", EXCEPTIONS, ids=lambda e: f"{type(e).__name__}-{len(e.args)}")
@pytest.mark.parametrize("word", ["INSERT", "UPDATE messages", "SELECT"])
def test_an_exception_is_the_same_object_and_nothing_changes(
    exception: BaseException, word: str
) -> None:
    runner = Recorder()
    queue = two_messages(runner)
    before = state(runner)
    runner.hook = raising(exception, word)
    operation = {"INSERT": lambda: queue.write("x"), "SELECT": queue.peek}.get(word, queue.read)
    with pytest.raises(type(exception)) as caught:
        operation()
    assert caught.value is exception
    assert state(runner) == before
    still_works(queue, runner)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "exception",
    [ValueError("v"), interrupting(KeyboardInterrupt()), interrupting(SystemExit(1))],
    ids=repr,
)
def test_it_is_the_same_object_at_every_level(way: Any, exception: BaseException) -> None:
    runner = Recorder()
    with way(runner) as broker:
        broker.write("q", "m")
        runner.hook = raising(exception, "INSERT")
        with pytest.raises(type(exception)) as caught:
            broker.write("q", "n")
        assert caught.value is exception
        runner.hook = None
        assert broker.claim_many("q", 5, with_timestamps=False) == ["m"]


def test_the_traceback_leads_into_the_runner() -> None:
    runner = Recorder()
    queue = two_messages(runner)

    def where_it_happens(sql: str, params: Any, fetch: bool) -> Any:
        raise LookupError("deep inside")

    runner.hook = where_it_happens
    with pytest.raises(LookupError) as caught:
        queue.write("x")
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names[-1] == "where_it_happens" and "write" in names


def test_it_is_raised_after_the_rollback() -> None:
    runner = Recorder()
    queue = two_messages(runner)
    runner.hook = raising(ValueError("v"), "INSERT")
    with pytest.raises(ValueError):
        queue.write("x")
    assert runner.calls[0] == "begin" and runner.calls[-1] == "rollback"
    assert "commit" not in runner.calls


@pytest.mark.ours
def test_an_exception_without_text_does_no_harm() -> None:
    runner = Recorder()
    queue = two_messages(runner)
    exception = Odd()
    runner.hook = raising(exception, "INSERT")
    with pytest.raises(Odd) as caught:
        queue.write("x")
    assert caught.value is exception
    still_works(queue, runner)


@pytest.mark.parametrize(
    "exception",
    [ValueError("v"), interrupting(KeyboardInterrupt()), interrupting(SystemExit(1))],
    ids=repr,
)
@pytest.mark.parametrize("call", ["begin", "commit"])
def test_what_begin_or_commit_raises(call: str, exception: BaseException) -> None:
    runner = Recorder()
    queue = two_messages(runner)
    before = state(runner)
    for operation in (lambda: queue.write("x"), queue.read, lambda: queue.move("other")):
        runner.fails[call] = exception
        with pytest.raises(type(exception)) as caught:
            operation()
        assert caught.value is exception
        runner.fails.clear()
        assert not runner.connection.in_transaction
        assert state(runner) == before
    still_works(queue, runner)


@pytest.mark.ours
def test_what_led_to_a_rollback_that_fails_is_what_is_raised() -> None:
    runner = Recorder()
    queue = two_messages(runner)
    first = ValueError("first")
    runner.hook = raising(first, "INSERT")
    runner.fails["rollback"] = LookupError("second")
    with pytest.raises((ValueError, LookupError)) as caught:
        queue.write("x")
    assert caught.value is first
    runner.connection.execute("ROLLBACK")
    still_works(queue, runner)


@pytest.mark.ours
def test_a_lock_error_is_tried_again() -> None:
    runner = Recorder()
    queue = two_messages(runner)
    failures = [sqlite3.OperationalError("database is locked")] * 3

    def hook(sql: str, params: Any, fetch: bool) -> Any:
        if sql.startswith("INSERT") and failures:
            raise failures.pop()
        return PASS

    runner.hook = hook
    queue.write("x")
    assert not failures
    assert queue.read_many(5) == ["one", "two", "x"]


def test_an_error_that_says_it_is_not_retryable_is_raised_at_once() -> None:
    runner = Recorder()
    queue = two_messages(runner)
    error = OperationalError("database is locked")
    error.retryable = False
    runner.hook = raising(error, "INSERT")
    with pytest.raises(OperationalError) as caught:
        queue.write("x")
    assert caught.value is error
    assert [s[0] for s in runner.statements if s[0].startswith("INSERT")] != []
    assert sum(s[0].startswith("INSERT") for s in runner.statements) == 1


@pytest.mark.parametrize("exception", [ValueError("v"), KeyboardInterrupt()], ids=repr)
def test_what_setting_up_raises(exception: BaseException) -> None:
    class Unready(ConnectionRunner):
        def setup(self, phase: Any) -> None:
            if failing:
                raise exception

    failing = True
    runner = Unready()
    with pytest.raises(type(exception)) as caught:
        Queue("q", runner=runner).write("m")
    assert caught.value is exception
    failing = False
    queue = Queue("q", runner=runner)
    assert queue.write("m") > 0 and queue.read() == "m"


@pytest.mark.parametrize("exception", [ValueError("v"), KeyboardInterrupt()], ids=repr)
def test_what_a_generators_runner_raises(exception: BaseException) -> None:
    runner = Recorder()
    queue = two_messages(runner)
    generator = TimestampGenerator(runner)
    before = generator.generate()
    runner.hook = raising(exception, "UPDATE")
    with pytest.raises(type(exception)) as caught:
        generator.generate()
    assert caught.value is exception
    runner.hook = None
    assert generator.generate() > before
    still_works(queue, runner)


# ---- nonsense --------------------------------------------------------------------------------

MESSAGE_ROWS = [
    None, 5, "text", b"bytes", [None], [5], [()], [("x",)], [(1, 2)], [(None, None, None)],
    [(None, None)], [("a", "b", "c")], [(1, "body", None)], [(1, None, 5)], [(1, "body", "ts")],
    [(1, "body", 1.5)], [(object(), object(), object())], [(1, "body", 2**70)],
    [(1, "\ud800", 5)], [{"a": 1}], [[]], {1: 2}, object(),
]  # fmt: skip


@pytest.mark.ours
@pytest.mark.parametrize("answer", MESSAGE_ROWS, ids=lambda a: repr(a)[:30])
@pytest.mark.parametrize("operation", ["read", "peek", "move", "read_many", "peek_many"])
def test_nonsense_for_messages_is_refused_and_changes_nothing(answer: Any, operation: str) -> None:
    runner = Recorder()
    queue = two_messages(runner)
    before = state(runner)
    runner.hook = lambda sql, params, fetch: answer if fetch else PASS
    arguments = {"move": ("other",), "read_many": (5,), "peek_many": (5,)}.get(operation, ())
    with pytest.raises(
        (DataError, TypeError, ValueError, OverflowError, OperationalError)
    ) as caught:
        getattr(queue, operation)(*arguments)
    assert not isinstance(caught.value, (KeyboardInterrupt, AssertionError))
    assert state(runner) == before
    still_works(queue, runner)


QUESTIONS: list[Any] = [
    ("list_queues", ()), ("list_queue_stats", ()), ("get_queue_stats", ()),
    ("get_queue_stat", ("q",)), ("get_overall_stats", ()), ("count_claimed_messages", ()),
    ("status", ()), ("list_aliases", ()), ("aliases_for_target", ("q",)),
    ("resolve_alias", ("a",)), ("get_alias_version", ()), ("latest_pending_timestamp", ("q",)),
    ("refresh_last_timestamp", ()), ("get_meta", ()),
]  # fmt: skip

SHORT_ROWS = [None, 5, [None], [5], [()], [[]], [(None,)], [(object(),)], [(2**70,)]]


@pytest.mark.ours
@pytest.mark.parametrize("answer", SHORT_ROWS, ids=lambda a: repr(a)[:30])
@pytest.mark.parametrize("method,arguments", QUESTIONS, ids=[m for m, _ in QUESTIONS])
def test_nonsense_for_other_questions_is_refused(
    method: str, arguments: Any, answer: Any
) -> None:
    runner = Recorder()
    with open_broker("label.db", runner) as broker:
        broker.write("q", "one")
        broker.add_alias("a", "q")
        expected = getattr(broker, method)(*arguments)
        runner.hook = lambda sql, params, fetch: answer if fetch else PASS
        try:
            found = getattr(broker, method)(*arguments)
        except (DataError, TypeError, ValueError, OperationalError, BrokerError):
            pass
        else:
            # NULL is what SQL says for "none"; a cached answer is right.
            assert found == expected or answer == [(None,)], found
        runner.hook = None
        assert getattr(broker, method)(*arguments) == expected
        assert broker.claim_one("q", with_timestamps=False) == "one"


@pytest.mark.ours
def test_more_columns_than_were_asked_for_do_no_harm() -> None:
    class Generous(ConnectionRunner):
        def run(self, sql: str, params: Any = (), *, fetch: bool = False) -> Any:
            return [(*row, "more", None) for row in super().run(sql, params, fetch=fetch)]

    queue = Queue("q", runner=Generous())
    queue.write("m")
    assert queue.read_many(5) == ["m"]


@pytest.mark.ours
def test_rows_in_another_order_lose_nothing() -> None:
    class Shuffling(ConnectionRunner):
        def run(self, sql: str, params: Any = (), *, fetch: bool = False) -> Any:
            return super().run(sql, params, fetch=fetch)[::-1]

    queue = Queue("q", runner=Shuffling())
    queue.write_many([str(i) for i in range(120)])
    taken = queue.read_many(100)
    assert len(set(taken)) == 100
    assert sorted(taken + queue.read_many(100)) == sorted(str(i) for i in range(120))


@pytest.mark.ours
def test_a_generator_of_rows_that_fails_in_the_middle() -> None:
    runner = Recorder()
    queue = two_messages(runner)
    error = ValueError("in the middle")

    def rows(sql: str, params: Any, fetch: bool) -> Any:
        yield from runner.connection.execute(sql, params)
        raise error

    runner.hook = lambda sql, params, fetch: rows(sql, params, fetch) if fetch else PASS
    with pytest.raises(ValueError) as caught:
        queue.read_many(5)
    assert caught.value is error
    still_works(queue, runner)


@pytest.mark.ours
def test_an_endless_result_ends_with_what_was_asked_for() -> None:
    def endless(with_rowid: bool) -> Any:
        number = 0
        while True:
            number += 1
            yield (number,) * with_rowid + (f"m{number}", number)

    runner = Recorder()
    queue = two_messages(runner)
    runner.hook = lambda sql, params, fetch: endless("id, body" in sql) if fetch else PASS
    assert queue.peek_many(5) == ["m1", "m2", "m3", "m4", "m5"]
    still_works(queue, runner)


@pytest.mark.ours
@pytest.mark.parametrize("word", ["body, ts", "id, body, ts"])
def test_a_stream_goes_on_after_messages_that_vanish_or_a_runner_that_fails(word: str) -> None:
    runner = Recorder()
    queue = Queue("q", runner=runner)
    bodies = [str(i) for i in range(2500)]
    queue.write_many(bodies)
    error = ValueError("once")
    asked: list[str] = []

    def hook(sql: str, params: Any, fetch: bool) -> Any:
        asked.append(sql)
        if sql.startswith("SELECT id, body, ts") and "ts = ?2" in sql:
            if word == "body, ts":
                raise error
            return []  # as if the last message of the page had gone
        return PASS

    runner.hook = hook
    if word == "body, ts":
        with pytest.raises(ValueError) as caught:
            list(queue.peek_generator())
        assert caught.value is error
    else:
        assert list(queue.peek_generator()) == bodies
        assert any(sql.startswith("SELECT id, body, ts") and "ORDER BY" in sql for sql in asked)
    runner.hook = None
    assert list(queue.peek_generator()) == bodies


# ---- calling back ----------------------------------------------------------------------------


@pytest.mark.ours
@pytest.mark.parametrize("call", ["write", "read", "delete", "generate_timestamp"])
def test_a_runner_that_uses_its_queue_gets_an_error(call: str) -> None:
    runner = Recorder()
    queue = two_messages(runner)
    errors: list[BaseException] = []

    def hook(sql: str, params: Any, fetch: bool) -> Any:
        if sql.startswith("INSERT"):
            runner.hook = None
            try:
                getattr(queue, call)(*(("again",) if call == "write" else ()))
            except Exception as error:
                errors.append(error)
        return PASS

    runner.hook = hook
    queue.write("x")
    assert len(errors) == 1 and isinstance(errors[0], (RuntimeError, OperationalError))
    assert queue.read_many(5) == ["one", "two", "x"]


@pytest.mark.ours
def test_what_the_queue_raises_inside_its_runner_may_pass_through() -> None:
    runner = Recorder()
    queue = two_messages(runner)

    def hook(sql: str, params: Any, fetch: bool) -> Any:
        if sql.startswith("INSERT"):
            queue.write("again")
        return PASS

    runner.hook = hook
    with pytest.raises((RuntimeError, OperationalError)):
        queue.write("x")
    still_works(queue, runner)


@pytest.mark.ours
def test_a_runner_may_close_its_queue() -> None:
    runner = Recorder()
    queue = two_messages(runner)

    def hook(sql: str, params: Any, fetch: bool) -> Any:
        runner.hook = None
        queue.close()
        return PASS

    runner.hook = hook
    queue.write("x")
    assert queue.read_many(5) == ["one", "two", "x"]


# ---- members that are not there --------------------------------------------------------------


@pytest.mark.ours
@pytest.mark.parametrize("thing", [object(), 5, "text", type, {}], ids=repr)
def test_what_is_no_runner_is_refused(thing: Any) -> None:
    with pytest.raises((TypeError, AttributeError)):
        Queue("q", runner=thing).write("m")


@pytest.mark.ours
@pytest.mark.parametrize("missing", ["run", "begin_immediate", "commit", "rollback"])
def test_a_member_that_vanished_is_an_attribute_error(missing: str) -> None:
    runner: Any = Recorder()
    queue = two_messages(runner)

    class Without(Recorder):
        def __getattribute__(self, name: str) -> Any:
            if name == missing:
                raise AttributeError(name)
            return super().__getattribute__(name)

    runner.__class__ = Without
    if missing == "rollback":
        runner.hook = raising(ValueError("v"), "INSERT")
    with pytest.raises((AttributeError, ValueError)):
        queue.write("x")
    runner.__class__ = Recorder
    runner.rollback()
    still_works(queue, runner)
