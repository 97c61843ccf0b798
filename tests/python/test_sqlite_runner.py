"""The runner over Python's sqlite3."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from simplebroker.ext import (
    DatabaseError,
    IntegrityError,
    OperationalError,
    SetupPhase,
    SQLiteRunner,
    get_backend_plugin,
)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "a.db")


@pytest.fixture
def runner(path: str) -> Iterator[SQLiteRunner]:
    with SQLiteRunner(path, config={"BROKER_BUSY_TIMEOUT": 100}) as made:
        made.run("CREATE TABLE t (a UNIQUE)")
        yield made


def in_thread(function: Callable[[], Any]) -> Any:
    """What a function returns or raises on another thread."""
    result: list[Any] = []

    def work() -> None:
        try:
            result.append(function())
        except Exception as error:
            result.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return result[0]


def test_rows_are_tuples_and_only_fetched_if_wanted(runner: SQLiteRunner) -> None:
    assert runner.run("INSERT INTO t VALUES (?)", (1,)) == []
    assert runner.run("SELECT a FROM t") == []
    assert runner.run("SELECT a FROM t", fetch=True) == [(1,)]


def test_errors_keep_the_words_and_the_cause(runner: SQLiteRunner) -> None:
    runner.run("INSERT INTO t VALUES (1)")
    with pytest.raises(IntegrityError, match="UNIQUE constraint failed: t.a") as caught:
        runner.run("INSERT INTO t VALUES (1)")
    assert isinstance(caught.value.__cause__, sqlite3.IntegrityError)
    with pytest.raises(OperationalError, match="syntax error"):
        runner.run("SELEC")
    with pytest.raises(DatabaseError):
        runner.run("SELECT ?", ())


def test_the_connection_is_the_threads_own(runner: SQLiteRunner) -> None:
    connection = runner.get_connection()
    assert connection is runner.get_connection()
    assert connection.isolation_level is None and not connection.in_transaction
    assert in_thread(runner.get_connection) is not connection


def test_transactions(runner: SQLiteRunner) -> None:
    runner.commit()
    runner.rollback()
    runner.begin_immediate()
    assert runner.get_connection().in_transaction
    runner.run("CREATE TABLE u (a)")
    runner.rollback()
    with pytest.raises(OperationalError, match="no such table"):
        runner.run("SELECT * FROM u")
    runner.begin_immediate()
    with pytest.raises(OperationalError, match="within a transaction"):
        runner.begin_immediate()
    runner.run("INSERT INTO t VALUES (7)")
    runner.commit()
    assert runner.run("SELECT a FROM t", fetch=True) == [(7,)]


def test_other_threads_wait_for_the_owner_and_cannot_end_its_transaction(
    runner: SQLiteRunner,
) -> None:
    runner.begin_immediate()
    for waiting in (lambda: runner.run("SELECT 1"), runner.begin_immediate, runner.close):
        error = in_thread(waiting)
        assert isinstance(error, OperationalError) and error.retryable is True
        assert "database is locked" in str(error)
    for foreign in (runner.commit, runner.rollback):
        error = in_thread(foreign)
        assert isinstance(error, OperationalError) and error.retryable is False
    runner.run("INSERT INTO t VALUES (1)")
    runner.commit()
    assert in_thread(lambda: runner.run("SELECT a FROM t", fetch=True)) == [(1,)]


def test_a_closed_runner_can_be_used_again(runner: SQLiteRunner) -> None:
    runner.begin_immediate()
    runner.run("INSERT INTO t VALUES (1)")
    runner.close()
    assert runner.run("SELECT a FROM t", fetch=True) == []


def test_set_up_makes_the_file_and_marks_it(path: str) -> None:
    with SQLiteRunner(path) as runner, SQLiteRunner(path) as other:
        for phase in SetupPhase:
            assert not other.is_setup_complete(phase)
            runner.setup(phase)
            assert other.is_setup_complete(phase)
        runner.cleanup_marker_files()
    assert Path(path).stat().st_size > 0


def test_set_up_refuses_other_files(tmp_path: Path) -> None:
    other = tmp_path / "text"
    other.write_text("this is a text and not a database" * 10)
    with SQLiteRunner(str(other)) as runner:
        with pytest.raises(OperationalError, match="not a valid SQLite database"):
            runner.setup(SetupPhase.CONNECTION)
        with pytest.raises(DatabaseError, match="file is not a database"):
            runner.run("SELECT * FROM sqlite_master")


def test_an_exclusive_set_up_runs_once(path: str) -> None:
    calls: list[str] = []
    with SQLiteRunner(path) as runner, SQLiteRunner(path) as other:
        runner.setup(SetupPhase.CONNECTION)
        with pytest.raises(ZeroDivisionError):
            runner.run_exclusive_setup(SetupPhase.SCHEMA, lambda: 1 // 0)  # type: ignore[arg-type]
        assert not runner.is_setup_complete(SetupPhase.SCHEMA)
        assert runner.run_exclusive_setup(SetupPhase.SCHEMA, lambda: calls.append("a")) is True
        assert other.run_exclusive_setup(SetupPhase.SCHEMA, lambda: calls.append("b")) is False
    assert calls == ["a"]


def test_each_runner_has_a_number(path: str) -> None:
    assert SQLiteRunner(path).instance_id != SQLiteRunner(path).instance_id


def test_the_backend_reads_and_raises_stored_values(path: str) -> None:
    plugin = get_backend_plugin()
    plugin.initialize_target(path)
    plugin.validate_target(path)
    with SQLiteRunner(path) as runner:
        assert plugin.read_magic(runner) == "simplebroker-v1"
        assert plugin.read_schema_version(runner) == 5
        assert plugin.read_last_ts(runner) == plugin.read_alias_version(runner) == 0
        assert plugin.advance_last_ts(runner, new_ts=5) is True
        assert plugin.advance_last_ts(runner, new_ts=5) is False
        assert plugin.read_last_ts(runner) == 5
        assert plugin.database_size_bytes(runner) > 0
        assert isinstance(plugin.get_data_version(runner), int)
    assert plugin.cleanup_target(path) is True
    assert plugin.cleanup_target(path) is False
    with pytest.raises(DatabaseError, match="does not exist"):
        plugin.validate_target(path)
