"""Brokers whose SQL an object of the application runs."""

from __future__ import annotations

import gc
import sqlite3
import threading
import weakref
from pathlib import Path
from typing import Any

import pytest

from simplebroker import Queue, resolve_config
from simplebroker.db import BrokerCore, DBConnection
from simplebroker.ext import SetupPhase, SQLiteRunner, TimestampGenerator

from .runners import WAYS, ConnectionRunner, Recorder, file_runner

BODIES = ["", "plain", "é\U0001f600\u2028", "a\0b\0", "\0", "x" * 10_000, "'; DROP TABLE messages"]


@pytest.fixture(autouse=True)
def somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


# ---- every way to a broker -------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_every_operation_goes_through_the_runner(way: Any, tmp_path: Path) -> None:
    runner = Recorder()
    with way(runner) as broker:
        ids = [broker.write("q", body) for body in BODIES]
        assert ids == sorted(set(ids))
        assert broker.peek_many("q") == list(zip(BODIES, ids, strict=True))
        assert broker.claim_one("q") == (BODIES[0], ids[0])
        assert broker.claim_many("q", 2, with_timestamps=False) == BODIES[1:3]
        assert broker.move_one("q", "other", with_timestamps=False) == BODIES[3]
        assert broker.move_many("q", "other", 3, with_timestamps=False) == BODIES[4:]
        assert broker.list_queues() == ["other", "q"]
        assert broker.get_queue_stats() == [("other", 4, 4), ("q", 0, 3)]
        assert broker.delete("q") == 3
        assert broker.broadcast("to all") == 1
        broker.add_alias("short", "other")
        assert broker.list_aliases() == [("short", "other")]
        assert [m for m, _ in broker.peek_generator("other")] == [*BODIES[3:], "to all"]
        rows = runner.connection.execute("SELECT queue, body FROM messages ORDER BY id")
        assert [body for _, body in rows] == [*BODIES[3:], "to all"]
    assert list(tmp_path.iterdir()) == []  # the path is only a label


@pytest.mark.parametrize("way", WAYS)
def test_the_runner_is_never_closed(way: Any) -> None:
    runner = Recorder()
    with way(runner) as broker:
        broker.write("q", "kept")
    gc.collect()
    assert "close" not in runner.calls
    assert Queue("q", runner=runner).read() == "kept"


def test_a_runner_can_serve_several_queues_one_after_the_other() -> None:
    runner = ConnectionRunner()
    one, two = Queue("one", runner=runner), Queue("two", runner=runner, persistent=True)
    first = one.write("1")
    two.write("2")
    assert one.move(two) == {"message": "1", "timestamp": first}
    assert two.read_many(5) == ["1", "2"]
    one.close()
    assert two.write("3") > 0


def test_nothing_keeps_the_runner_alive_afterwards() -> None:
    runner = ConnectionRunner()
    queue = Queue("q", runner=runner)
    queue.write("m")
    gone = weakref.ref(runner)
    queue.close()
    del queue, runner
    gc.collect()
    assert gone() is None


@pytest.mark.ours
def test_a_runner_that_knows_its_queue_is_collected_with_it() -> None:
    runner: Any = ConnectionRunner()
    runner.queue = Queue("q", runner=runner)
    runner.queue.write("m")
    gone = weakref.ref(runner)
    del runner
    gc.collect()
    assert gone() is None


def test_the_runner_is_called_on_the_thread_that_called_the_broker() -> None:
    runner = Recorder()
    threads: set[int] = set()

    def note(sql: str, params: Any, fetch: bool) -> Any:
        from .runners import PASS

        threads.add(threading.get_ident())
        return PASS

    queue = Queue("q", runner=runner)
    queue.write("first")
    runner.hook = note
    worker = threading.Thread(target=queue.write, args=("m",))
    worker.start()
    ident = worker.ident
    worker.join()
    assert threads == {ident}
    assert queue.read_many(2) == ["first", "m"]


# ---- what arrives ----------------------------------------------------------------------------


def test_a_write_is_one_insert_in_one_transaction() -> None:
    runner = Recorder()
    queue = Queue("tasks", runner=runner)
    queue.write("before")
    runner.forget()
    written = queue.write("a\0é")
    assert (runner.calls[0], runner.calls[-1]) == ("begin", "commit")
    assert runner.calls.count("begin") == runner.calls.count("commit") == 1
    inserts = [s for s in runner.statements if s[0].startswith("INSERT INTO messages")]
    assert len(inserts) == 1
    sql, params, fetch = inserts[0]
    assert params == ("tasks", "a\0é", written) and fetch is False
    assert type(params) is tuple and [type(p) for p in params] == [str, str, int]


@pytest.mark.ours
def test_many_messages_are_stored_in_one_transaction_of_few_statements() -> None:
    runner = Recorder()
    queue = Queue("q", runner=runner)
    bodies = [f"{i} é\0" for i in range(105)]
    queue.write("before")
    runner.forget()
    ids = queue.write_many(bodies)
    assert ids == sorted(set(ids)) and queue.last_ts == ids[-1]
    assert runner.calls.count("begin") == runner.calls.count("commit") == 1
    assert len(runner.statements) <= 20
    assert queue.peek_many(200, with_timestamps=True)[1:] == list(zip(bodies, ids, strict=True))
    runner.forget()
    queue.insert_messages([(body, i + 1) for i, body in enumerate(bodies)])
    assert len(runner.statements) <= 20
    assert queue.peek_many(300, before_timestamp=1000) == bodies


@pytest.mark.ours
@pytest.mark.parametrize("write", [Queue.write, lambda queue, body: queue.write_many([body])[0]])
def test_ids_that_are_in_use_in_spite_of_the_high_water(write: Any, tmp_path: Path) -> None:
    runner = SQLiteRunner(tmp_path / "q.db")  # which raises the package's own IntegrityError
    queue = Queue("q", runner=runner)
    high = queue.write("first") + 2**40
    with queue.sidecar() as session:
        session.run("UPDATE meta SET value = ? WHERE key = 'last_ts'", (high,))
        session.run("INSERT INTO messages (queue, body, ts) VALUES ('q', 'x', ?)", (high + 1,))
    assert write(queue, "second") > high + 1
    assert queue.read_many(5) == ["first", "x", "second"]
    runner.close()


def test_statements_are_text_with_values_apart() -> None:
    runner = Recorder()
    with WAYS[0](runner) as broker:
        for body in BODIES:
            broker.write("some-queue", body)
        broker.claim_many("some-queue", 10, after_timestamp=5, before_timestamp=2**62)
        broker.find_message_ids("some-queue", body_contains="DROP TABLE", include_claimed=True)
        broker.delete("some-queue")
    for sql, params, _ in runner.statements:
        assert type(sql) is str and type(params) is tuple
        assert sql.isascii() and "\0" not in sql
        assert "some-queue" not in sql and "'; DROP" not in sql
        assert all(type(p) in (str, int) for p in params)


def test_rows_are_wanted_only_where_it_says_so() -> None:
    runner = Recorder()
    queue = Queue("q", runner=runner)
    queue.write("m")
    queue.read()
    queue.read_many(3)
    for sql, _, fetch in runner.statements:
        if sql.startswith("SELECT") or "RETURNING" in sql:
            assert fetch is True, sql
        if sql.startswith(("INSERT INTO messages", "CREATE")):
            assert fetch is False, sql


@pytest.mark.parametrize("rows", [list, tuple, iter, lambda rows: (row for row in rows)])
def test_rows_may_come_as_any_iterable(rows: Any) -> None:
    class Lazy(ConnectionRunner):
        def run(self, sql: str, params: Any = (), *, fetch: bool = False) -> Any:
            return rows(super().run(sql, params, fetch=fetch))

    with WAYS[2](Lazy()) as broker:
        ids = [broker.write("q", body) for body in BODIES]
        assert broker.peek_many("q") == list(zip(BODIES, ids, strict=True))
        assert broker.claim_many("q", 100, with_timestamps=False) == BODIES


@pytest.mark.ours
@pytest.mark.parametrize("row", [list, lambda row: (value for value in row)])
def test_a_row_may_be_any_iterable(row: Any) -> None:
    class Listed(ConnectionRunner):
        def run(self, sql: str, params: Any = (), *, fetch: bool = False) -> Any:
            return [row(r) for r in super().run(sql, params, fetch=fetch)]

    with WAYS[2](Listed()) as broker:
        for body in BODIES:
            broker.write("q", body)
        assert broker.claim_many("q", 100, with_timestamps=False) == BODIES


def test_what_run_returns_for_a_statement_without_rows_does_not_matter() -> None:
    class Odd(ConnectionRunner):
        def run(self, sql: str, params: Any = (), *, fetch: bool = False) -> Any:
            rows = super().run(sql, params, fetch=fetch)
            return rows if fetch else None

    queue = Queue("q", runner=Odd())
    queue.write("m")
    assert queue.read() == "m"


def test_named_rows_of_sqlite3_will_do() -> None:
    runner = ConnectionRunner()
    runner.connection.row_factory = sqlite3.Row
    queue = Queue("q", runner=runner)
    queue.write("m")
    assert queue.stats().pending == 1 and queue.read() == "m"


VALUES = [
    0, 1, -1, 2**63 - 1, -(2**63), 0.0, -0.0, 1.5, float("inf"), float("-inf"), 5e-324,
    "", "text", "é\U0001f600", "nul\0nul", "\0", b"", b"\0\xff", b"x" * 10_000, None,
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_come_through_exactly_both_ways(value: Any) -> None:
    runner = Recorder()
    queue = Queue("q", runner=runner)
    with queue.sidecar() as session:
        session.run("CREATE TABLE v (value)")
        session.run("INSERT INTO v VALUES (?)", (value,))
        rows = list(session.run("SELECT value FROM v", fetch=True))
    [row] = rows
    assert len(row) == 1 and type(row[0]) is type(value) and repr(row[0]) == repr(value)
    [inserted] = [params for sql, params, _ in runner.statements if sql.startswith("INSERT INTO v")]
    assert type(inserted[0]) is type(value) and repr(inserted[0]) == repr(value)


def test_many_values_of_all_types_in_one_row() -> None:
    runner = ConnectionRunner()
    queue = Queue("q", runner=runner)
    with queue.sidecar() as session:
        marks = ", ".join("?" for _ in VALUES)
        [row] = list(session.run(f"SELECT {marks}", tuple(VALUES), fetch=True))
    assert [repr(value) for value in row] == [repr(value) for value in VALUES]


# ---- setting up ------------------------------------------------------------------------------


class Phases(ConnectionRunner):
    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Any] = []
        self.done: list[Any] = []

    def setup(self, phase: Any) -> None:
        self.done.append(phase)

    def is_setup_complete(self, phase: Any) -> bool:
        self.asked.append(phase)
        return phase in self.done


def test_the_phases_are_set_up() -> None:
    runner = Phases()
    queue = Queue("q", runner=runner)
    queue.write("m")
    assert runner.done and set(runner.done) <= set(SetupPhase)
    assert len(set(runner.done)) == len(runner.done)
    done = list(runner.done)
    assert queue.read() == "m"
    assert runner.done == done


@pytest.mark.ours
@pytest.mark.parametrize("missing", [("setup",), ("is_setup_complete",), ("setup", "is_setup_complete")])
@pytest.mark.parametrize("way", WAYS)
def test_the_members_for_setting_up_are_optional(way: Any, missing: tuple[str, ...]) -> None:
    class Least:
        def __init__(self) -> None:
            self.inner = ConnectionRunner()

        def __getattr__(self, name: str) -> Any:
            if name in missing or name == "close":
                raise AttributeError(name)
            return getattr(self.inner, name)

    with way(Least()) as broker:
        broker.write("q", "m")
        assert broker.claim_one("q", with_timestamps=False) == "m"


@pytest.mark.ours
def test_a_foreign_database_is_refused_and_left_alone() -> None:
    runner = ConnectionRunner()
    runner.connection.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT)")
    runner.connection.execute("INSERT INTO meta VALUES ('magic', 'somebody else')")
    with pytest.raises(RuntimeError), WAYS[2](runner) as broker:
        broker.write("q", "m")
    tables = runner.connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    assert tables.fetchall() == [("meta",)]


# ---- the application's transaction -----------------------------------------------------------


class Enlisted(ConnectionRunner):
    """Leaves the transactions to the application while it has one."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self.is_ours = True

    def begin_immediate(self) -> None:
        self.is_ours = not self.connection.in_transaction
        if self.is_ours:
            super().begin_immediate()

    def commit(self) -> None:
        if self.is_ours:
            super().commit()

    def rollback(self) -> None:
        if self.is_ours:
            super().rollback()


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
def test_an_enqueue_is_part_of_the_applications_transaction(end: str, tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "app.db", isolation_level=None)
    connection.execute("CREATE TABLE orders (id INTEGER)")
    queue = Queue("orders", runner=Enlisted(connection))
    assert queue.peek() is None
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO orders VALUES (7)")
    queue.write("order 7")
    queue.write("order 7 again")
    assert queue.read() == "order 7"
    connection.execute(end)
    kept = end == "COMMIT"
    other = sqlite3.connect(tmp_path / "app.db")
    assert other.execute("SELECT count(*) FROM orders").fetchone() == (int(kept),)
    assert other.execute("SELECT count(*) FROM messages").fetchone() == (2 * int(kept),)
    other.close()
    assert queue.read() == ("order 7 again" if kept else None)
    queue.write("outside")
    assert queue.read() == "outside"
    connection.close()


def test_others_see_what_a_runner_wrote_to_a_file(tmp_path: Path) -> None:
    runner = file_runner(tmp_path / "shared.db")
    through = Queue("q", runner=runner)
    direct = Queue("q", db_path=str(tmp_path / "shared.db"))
    through.write("1")
    direct.write("2")
    assert direct.read() == "1" and through.read() == "2"
    runner.close()


# ---- generators of ids -----------------------------------------------------------------------


def test_a_generator_over_a_runner() -> None:
    runner = Recorder()
    queue = Queue("q", runner=runner)
    first = queue.write("m")
    generator = TimestampGenerator(runner)
    runner.forget()
    second = generator.generate()
    assert second > first and runner.calls
    assert generator.get_cached_last_ts() == second
    assert queue.refresh_last_ts() == second
    assert queue.write("n") > second
    assert generator.refresh_last_ts() == queue.last_ts


def test_a_generator_touches_nothing_at_construction() -> None:
    runner = Recorder()
    TimestampGenerator(runner)
    assert runner.calls == []


def test_a_connection_keeps_its_core() -> None:
    connection = DBConnection("label.db", ConnectionRunner())
    assert connection.get_core() is connection.get_core()
    connection.close()


# ---- closing ---------------------------------------------------------------------------------


@pytest.mark.parametrize("close", [BrokerCore.close, BrokerCore.shutdown])
def test_a_core_made_over_a_runner_closes_it_and_can_be_used_again(close: Any) -> None:
    class Reopening(Recorder):
        def close(self) -> None:
            self._note("close")

    runner = Reopening()
    core = BrokerCore(runner, config=resolve_config())
    core.write("q", "m")
    close(core)
    assert runner.calls[-1] == "close"
    assert core.claim_one("q", with_timestamps=False) == "m"
    close(core)


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()], ids=repr)
def test_what_the_runners_close_raises_is_raised_by_the_core(error: BaseException) -> None:
    runner = Recorder()
    core = BrokerCore(runner, config=resolve_config())
    core.write("q", "m")
    runner.fails["close"] = error
    with pytest.raises(type(error)) as caught:
        core.close()
    assert caught.value is error
    assert core.claim_one("q", with_timestamps=False) == "m"
    runner.fails.clear()
    core.close()
