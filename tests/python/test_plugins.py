"""Backends: the built-in one, and those that other packages register."""

from __future__ import annotations

import importlib.metadata
import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from simplebroker import BrokerTarget, Queue
from simplebroker.ext import (
    BACKEND_API_VERSION,
    DatabaseError,
    SQLiteRunner,
    get_backend_plugin,
)

from .runners import ConnectionRunner, file_runner


@pytest.fixture(autouse=True)
def somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


# ---- the built-in one ------------------------------------------------------------------------


def test_the_built_in_backend_says_what_it_is() -> None:
    plugin: Any = get_backend_plugin()
    assert plugin is get_backend_plugin("sqlite")
    assert (plugin.name, plugin.backend_api_version, plugin.schema_version) == ("sqlite", 7, 5)
    assert BACKEND_API_VERSION == 7 and plugin.sql is not None
    assert plugin.init_backend({}) == {"target": "", "backend_options": {}}
    assert BrokerTarget("sqlite", "/x.db").plugin is plugin


def test_its_runners(tmp_path: Path) -> None:
    plugin: Any = get_backend_plugin()
    runner = plugin.create_runner(str(tmp_path / "a.db"))
    assert isinstance(runner, SQLiteRunner)
    queue = Queue("q", runner=runner)
    queue.write("m")
    assert queue.read() == "m"
    runner.close()
    runner = plugin.create_runner(":memory:")
    assert list(runner.run("SELECT 1", fetch=True)) == [(1,)]
    runner.close()
    assert {path.name for path in tmp_path.iterdir()} <= {"a.db", "a.db.lock", "a.db-wal", "a.db-shm"}


def test_it_makes_checks_and_removes_targets(tmp_path: Path) -> None:
    plugin: Any = get_backend_plugin()
    path = tmp_path / "new.db"
    with pytest.raises(DatabaseError):
        plugin.validate_target(str(path))
    with pytest.raises(DatabaseError):
        plugin.validate_target(str(path), verify_initialized=False)
    plugin.initialize_target(str(path))
    assert plugin.validate_target(str(path)) is None
    assert plugin.validate_target(str(path), verify_initialized=False) is None
    Queue("q", db_path=str(path)).write("m")
    plugin.initialize_target(str(path))
    assert Queue("q", db_path=str(path)).peek() == "m"
    assert plugin.cleanup_target(str(path)) is True
    assert not path.exists()
    assert plugin.cleanup_target(str(path)) is False


def test_a_database_that_is_not_a_brokers(tmp_path: Path) -> None:
    plugin: Any = get_backend_plugin()
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (x)")
    connection.commit()
    connection.close()
    assert plugin.validate_target(str(path), verify_initialized=False) is None
    with pytest.raises(DatabaseError):
        plugin.validate_target(str(path))
    with pytest.raises(DatabaseError):
        plugin.cleanup_target(str(path))
    assert path.exists()


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    plugin: Any = get_backend_plugin()
    path = tmp_path / "text.db"
    path.write_text("no database, and long enough to be seen as one if one only looked at its size")
    for refuse in (plugin.validate_target, plugin.initialize_target, plugin.cleanup_target):
        with pytest.raises(DatabaseError):
            refuse(str(path))
    assert path.read_text().startswith("no database")


def test_it_reads_what_is_stored(tmp_path: Path) -> None:
    plugin: Any = get_backend_plugin()
    runner = SQLiteRunner(tmp_path / "s.db")
    queue = Queue("q", runner=runner)
    written = queue.write("m")
    assert plugin.read_magic(runner) == "simplebroker-v1"
    assert plugin.read_schema_version(runner) == 5
    assert plugin.read_last_ts(runner) == written
    before = plugin.read_alias_version(runner)
    with queue.get_connection() as broker:
        broker.add_alias("a", "q")
    assert plugin.read_alias_version(runner) > before
    assert isinstance(plugin.get_data_version(runner), int)
    assert plugin.database_size_bytes(runner) > 0
    runner.close()


def test_advancing_is_compare_and_set(tmp_path: Path) -> None:
    plugin: Any = get_backend_plugin()
    runner = file_runner(tmp_path / "s.db")
    queue = Queue("q", runner=runner)
    written = queue.write("m")
    assert plugin.advance_last_ts(runner, new_ts=written + 10) is True
    assert plugin.advance_last_ts(runner, new_ts=written + 10) is False
    assert plugin.advance_last_ts(runner, new_ts=written) is False
    assert plugin.read_last_ts(runner) == written + 10
    assert queue.write("n") > written + 10
    runner.close()


def test_it_wakes_nobody() -> None:
    plugin: Any = get_backend_plugin()
    waiter = plugin.create_activity_waiter(
        target="x", backend_options={}, runner=None, queue_name="q", stop_event=None
    )
    assert waiter is None


@pytest.mark.ours
@pytest.mark.parametrize("error", [ValueError("v"), KeyboardInterrupt()], ids=repr)
def test_what_the_runner_raises_comes_through(error: BaseException) -> None:
    class Failing(ConnectionRunner):
        def run(self, sql: str, params: Any = (), *, fetch: bool = False) -> Any:
            raise error

    plugin: Any = get_backend_plugin()
    for ask in (plugin.read_magic, plugin.read_last_ts, plugin.get_data_version):
        with pytest.raises(type(error)) as caught:
            ask(Failing())
        assert caught.value is error


# ---- registered ones -------------------------------------------------------------------------


class Direct:
    """A backend with a core of its own."""

    name = "toy"
    backend_api_version = 7
    sql = None
    is_direct_backend = True

    def create_core(self, target: str, **options: Any) -> Any:
        raise NotImplementedError


def register(monkeypatch: pytest.MonkeyPatch, name: str, load: Any) -> None:
    entry = SimpleNamespace(name=name, group="simplebroker.backends", load=load)

    class Entries(list):  # type: ignore[type-arg]
        def select(self, **criteria: Any) -> Any:
            return Entries(
                e for e in self if all(getattr(e, k) == v for k, v in criteria.items())
            )

    def entry_points(**criteria: Any) -> Any:
        return Entries([entry]).select(**criteria)

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)


@pytest.mark.parametrize("name", ["nonesuch", "", "SQLITE"])
def test_an_unknown_backend(name: str) -> None:
    with pytest.raises(RuntimeError):
        get_backend_plugin(name)


@pytest.mark.ours
@pytest.mark.parametrize("load", [lambda: Direct, lambda: Direct(), lambda: lambda: Direct()])
def test_a_registered_backend_is_found(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from simplebroker import _plugins

    monkeypatch.setattr(_plugins, "_found", dict(_plugins._found))
    register(monkeypatch, "toy", load)
    plugin: Any = get_backend_plugin("toy")
    assert plugin.name == "toy" and get_backend_plugin("toy") is plugin


@pytest.mark.ours
@pytest.mark.parametrize(
    "change",
    [
        {"backend_api_version": 6}, {"backend_api_version": None}, {"backend_api_version": "7"},
        {"backend_api_version": True}, {"name": "other"}, {"is_direct_backend": False},
        {"is_direct_backend": 1}, {"create_core": None},
    ],
    ids=repr,
)  # fmt: skip
def test_one_that_does_not_fit_is_refused(
    change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from simplebroker import _plugins

    monkeypatch.setattr(_plugins, "_found", dict(_plugins._found))
    plugin = type("Changed", (Direct,), change)
    register(monkeypatch, "toy", lambda: plugin)
    with pytest.raises(RuntimeError):
        get_backend_plugin("toy")


@pytest.mark.ours
@pytest.mark.parametrize("error", [ImportError("no driver"), ValueError("v"), SyntaxError("s")])
def test_one_that_cannot_be_loaded_says_why(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load() -> Any:
        raise error

    register(monkeypatch, "toy", load)
    with pytest.raises(RuntimeError) as caught:
        get_backend_plugin("toy")
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("config", [{"BROKER_BACKEND": "nonesuch"}])
def test_a_configured_backend_that_is_not_installed(config: dict[str, str]) -> None:
    with pytest.raises(RuntimeError):
        Queue("q", config=config).write("m")
