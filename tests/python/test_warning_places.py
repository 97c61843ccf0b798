"""Warnings point at the line of the program that led to them."""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import simplebroker
from simplebroker import Queue, open_broker, resolve_config, resolve_isolated_config
from simplebroker.db import BrokerDB, DBConnection
from simplebroker.ext import SQLiteRunner

RELATIVE = {"BROKER_DEFAULT_DB_LOCATION": "not/absolute"}
NEGATIVE = {"BROKER_WAL_AUTOCHECKPOINT": -5}


class Derived(Queue):
    def __init__(self, path: Path, config: dict[str, Any]) -> None:
        super().__init__("q", db_path=str(path), config=config)


def opened(path: Path) -> None:
    with open_broker(str(path), config=NEGATIVE) as broker:
        broker.write("q", "body")


def over_a_runner(path: Path) -> None:
    with SQLiteRunner(str(path), config=NEGATIVE) as runner:
        Queue("q", runner=runner).write("body")
        assert runner.run("PRAGMA wal_autocheckpoint", fetch=True) == [(1000,)]


def heard(call: Callable[[], Any]) -> list[warnings.WarningMessage]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [warning for warning in caught if warning.category is not ResourceWarning]


SETTINGS: dict[str, Callable[[Path], Any]] = {
    "resolve_config": lambda path: resolve_config(RELATIVE),
    "resolve_isolated_config": lambda path: resolve_isolated_config(RELATIVE),
    "ResolvedConfig": lambda path: simplebroker.ResolvedConfig(RELATIVE),
    "Queue": lambda path: Queue("q", db_path=str(path), config=RELATIVE),
    "a queue of a derived class": lambda path: Derived(path, RELATIVE),
    "BrokerDB": lambda path: BrokerDB(str(path), config=RELATIVE).close(),
    "DBConnection": lambda path: DBConnection(str(path), config=RELATIVE).close(),
    "target_for_directory": lambda path: simplebroker.target_for_directory(".", config=RELATIVE),
    "resolve_broker_target": lambda path: simplebroker.resolve_broker_target(".", config=RELATIVE),
}

CHECKPOINTS: dict[str, Callable[[Path], Any]] = {
    "a write": lambda path: Queue("q", db_path=str(path), config=NEGATIVE).write("body"),
    "a write of a derived class": lambda path: Derived(path, NEGATIVE).write("body"),
    "open_broker": opened,
    "BrokerDB": lambda path: BrokerDB(str(path), config=NEGATIVE).close(),
    "a runner": over_a_runner,
}


@pytest.mark.ours
@pytest.mark.parametrize("call", SETTINGS.values(), ids=SETTINGS)
def test_a_relative_location_warns_the_caller_once(
    call: Callable[[Path], Any], tmp_path: Path
) -> None:
    caught = heard(lambda: call(tmp_path / "a.db"))
    assert [(w.category, w.filename) for w in caught] == [(UserWarning, __file__)]
    assert "must be an absolute path" in str(caught[0].message)


@pytest.mark.ours
@pytest.mark.parametrize("call", CHECKPOINTS.values(), ids=CHECKPOINTS)
def test_negative_pages_between_checkpoints_warn_the_caller_and_mean_the_default(
    call: Callable[[Path], Any], tmp_path: Path
) -> None:
    caught = heard(lambda: call(tmp_path / "a.db"))
    assert [(w.category, w.filename) for w in caught] == [(UserWarning, __file__)]
    assert "BROKER_WAL_AUTOCHECKPOINT" in str(caught[0].message)


def test_warnings_come_with_an_error_not_with_a_later_call(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    project = tmp_path / ".broker.toml"
    project.write_text('version = 1\nbackend = "none"\ntarget = "x://user:secret@host"\n')
    project.chmod(0o600)
    for find in simplebroker.target_for_directory, simplebroker.resolve_broker_target:
        with pytest.raises(RuntimeError):
            find(tmp_path)
        assert capfd.readouterr().err.count("embeds a backend password") == 1
        simplebroker.target_for_directory(tmp_path.parent)
        assert capfd.readouterr().err == ""


@pytest.mark.parametrize("persistent", [False, True])
def test_ids_that_stay_in_use_are_warned_of_while_the_write_runs(
    tmp_path: Path, persistent: bool
) -> None:
    path = tmp_path / "a.db"
    with Queue("q", db_path=str(path), persistent=persistent) as queue:
        queue.write("body")
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute(
            "CREATE TRIGGER no BEFORE INSERT ON messages BEGIN "
            "SELECT RAISE(ABORT, 'UNIQUE constraint failed: messages.ts'); END"
        )
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with pytest.raises(RuntimeError, match="after 3 attempts"):
                queue.write("body")
        categories = {w.category for w in caught if w.category is not ResourceWarning}
        assert categories == {RuntimeWarning}
        connection.execute("DROP TRIGGER no")
        connection.close()
        assert heard(lambda: queue.write("body")) == []
