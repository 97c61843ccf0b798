"""Backends as objects: the built-in one for SQLite, and those that other packages register."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Protocol

from . import _exceptions
from ._callbacks import RunnerCalls
from ._library import EMPTY, check
from ._native import ffi, lib
from ._runner import SQLRunner

BACKEND_API_VERSION = 7
"""Version of the interface between this package and backends; backends must have the same."""

ENTRY_POINTS = "simplebroker.backends"

Options = Mapping[str, Any]


class BackendPlugin(Protocol):
    """What a backend offers. `name` is the one it is asked for by.

    A backend that speaks SQL has `sql`, a namespace of statements that is not None. One that does
    not sets `is_direct_backend = True` and has `create_core(target, **options)`.
    """

    name: str
    backend_api_version: int
    schema_version: int
    sql: Any

    def create_runner(
        self, target: str, *, backend_options: Options | None = None, config: Options | None = None
    ) -> SQLRunner:
        """A runner for a target; it is the caller's to close."""
        ...

    def init_backend(
        self, config: Options, *, toml_target: str = "", toml_options: Options | None = None
    ) -> dict[str, Any]:
        """`target` and `backend_options` out of a project file and the configuration."""
        ...

    def initialize_target(
        self, target: str, *, backend_options: Options | None = None, config: Options | None = None
    ) -> None:
        """Makes a target usable; DatabaseError if it cannot be."""
        ...

    def validate_target(
        self,
        target: str,
        *,
        backend_options: Options | None = None,
        verify_initialized: bool = True,
        config: Options | None = None,
    ) -> None:
        """Checks a target; DatabaseError tells what is wrong."""
        ...

    def cleanup_target(
        self, target: str, *, backend_options: Options | None = None, config: Options | None = None
    ) -> bool:
        """Removes a broker with everything in it; True if anything was removed."""
        ...

    def read_magic(self, runner: SQLRunner) -> str | None:
        """Whose database it is; None if nothing says so."""
        ...

    def read_schema_version(self, runner: SQLRunner) -> int:
        """Version of the schema."""
        ...

    def read_last_ts(self, runner: SQLRunner) -> int:
        """The high-water of message ids."""
        ...

    def advance_last_ts(self, runner: SQLRunner, *, new_ts: int) -> bool:
        """Raises it where it is lower; True if this call raised it."""
        ...

    def read_alias_version(self, runner: SQLRunner) -> int:
        """A number that grows with every change of an alias."""
        ...

    def get_data_version(self, runner: SQLRunner) -> int | None:
        """A number that changes with foreign commits, where there is one."""
        ...

    def database_size_bytes(self, runner: SQLRunner) -> int:
        """Size of the stored data, in bytes."""
        ...

    def create_activity_waiter(
        self,
        *,
        target: str | None,
        backend_options: Options | None = None,
        runner: SQLRunner | None = None,
        queue_name: str,
        stop_event: Any,
    ) -> Any:
        """Something that is woken by activity in a queue, or None: then watchers poll."""
        ...


# ---- SQLite ----------------------------------------------------------------------------------


class _Statements:
    """The statements of SQLite's dialect are the library's; here they only have a name."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<SQL of the built-in backend>"


class SQLiteBackendPlugin:
    """The built-in backend: one SQLite file."""

    name = "sqlite"
    backend_api_version = BACKEND_API_VERSION
    schema_version: int = lib.SB_SCHEMA_VERSION
    sql: Any = _Statements()

    def create_runner(
        self, target: str, *, backend_options: Options | None = None, config: Options | None = None
    ) -> SQLRunner:
        """A `SQLiteRunner` for a path, or for ":memory:"."""
        from ._sqlite_runner import SQLiteRunner

        return SQLiteRunner(target, config=config)

    def init_backend(
        self, config: Options, *, toml_target: str = "", toml_options: Options | None = None
    ) -> dict[str, Any]:
        """The path comes from elsewhere: an empty target without options."""
        return {"target": toml_target, "backend_options": dict(toml_options or {})}

    def initialize_target(
        self, target: str, *, backend_options: Options | None = None, config: Options | None = None
    ) -> None:
        """Creates the broker in a file, or brings it up to date.

        Raises:
            DatabaseError: the file is not a database.
            RuntimeError: it is not a broker's, or of a newer version.
        """
        lib.sb_close(_opened(target, config))

    def validate_target(
        self,
        target: str,
        *,
        backend_options: Options | None = None,
        verify_initialized: bool = True,
        config: Options | None = None,
    ) -> None:
        """Checks that a file is a SQLite database and, if asked to, a broker's.

        Raises:
            DatabaseError: it is not, or there is none.
        """
        from ._config import config_handle

        native = _native_target(target)
        settings = config_handle(config, ambient="environment").native
        if verify_initialized:
            check(lib.sb_target_verify(native, settings))
        elif not os.path.exists(target):
            raise _exceptions.DatabaseError(f"Database file does not exist: {target}")
        else:
            check(lib.sb_target_check(native, settings, lib.SB_CHECK_SQLITE))

    def cleanup_target(
        self, target: str, *, backend_options: Options | None = None, config: Options | None = None
    ) -> bool:
        """Deletes a broker's file and its companions; True if anything was deleted.

        Raises:
            DatabaseError: the file is not a broker's; nothing is deleted.
        """
        from ._config import config_handle

        settings = config_handle(config, ambient="environment")
        return check(lib.sb_cleanup(_native_target(target), settings.native)) != EMPTY

    def read_magic(self, runner: SQLRunner) -> str | None:
        """Whose database it is; None if nothing says so."""
        found = _stored(runner, lib.SB_STORED_MAGIC)
        return None if found is None else str(found)

    def read_schema_version(self, runner: SQLRunner) -> int:
        """Version of the schema; 1, the oldest, if none is stored."""
        return int(_stored(runner, lib.SB_STORED_SCHEMA_VERSION) or 1)

    def read_last_ts(self, runner: SQLRunner) -> int:
        """The high-water of message ids; 0 if none is stored."""
        return int(_stored(runner, lib.SB_STORED_LAST_TS) or 0)

    def advance_last_ts(self, runner: SQLRunner, *, new_ts: int) -> bool:
        """Raises the high-water where it is lower; True if this call raised it."""
        calls = RunnerCalls(runner)
        return check(lib.sb_runner_advance(calls.native, calls.payload, new_ts)) != EMPTY

    def read_alias_version(self, runner: SQLRunner) -> int:
        """A number that grows with every change of an alias; 0 if none is stored."""
        return int(_stored(runner, lib.SB_STORED_ALIAS_VERSION) or 0)

    def get_data_version(self, runner: SQLRunner) -> int | None:
        """SQLite's counter of commits by other connections."""
        found = _stored(runner, lib.SB_STORED_DATA_VERSION)
        return None if found is None else int(found)

    def database_size_bytes(self, runner: SQLRunner) -> int:
        """Bytes of the main file."""
        return int(_stored(runner, lib.SB_STORED_SIZE) or 0)

    def create_activity_waiter(
        self,
        *,
        target: str | None,
        backend_options: Options | None = None,
        runner: SQLRunner | None = None,
        queue_name: str,
        stop_event: Any,
    ) -> Any:
        """None: SQLite wakes nobody, watchers poll its change counter."""
        return None


def _stored(runner: SQLRunner, which: int) -> Any:
    from ._callbacks import native_values, python_values

    values, calls = native_values(()), RunnerCalls(runner)
    if check(lib.sb_runner_read(values, calls.native, calls.payload, which)) == EMPTY:
        return None
    return python_values(values)[0]


def _native_target(path: str) -> Any:
    out = ffi.new("sb_target **")
    encoded = os.fsencode(path)
    check(lib.sb_target_sqlite(out, encoded, len(encoded)))
    return ffi.gc(out[0], lib.sb_target_free)


def _opened(path: str, config: Options | None) -> Any:
    from ._config import config_handle

    out = ffi.new("sb_broker **")
    settings = config_handle(config, ambient="environment")
    check(lib.sb_open(out, _native_target(path), settings.native, ffi.NULL))
    return out[0]


# ---- finding ---------------------------------------------------------------------------------

_SQLITE = SQLiteBackendPlugin()
_found: dict[str, Any] = {"sqlite": _SQLITE}


def get_backend_plugin(name: str = "sqlite") -> BackendPlugin:
    """The backend of that name.

    Others than "sqlite" are looked for among the installed packages' entry points of the group
    `simplebroker.backends`.

    Raises:
        RuntimeError: there is none, or it was made for another version of this interface.
    """
    found = _found.get(name)
    if found is None:
        found = _loaded(name)
        ensure_capabilities(found)
        _found[name] = found
    return found  # type: ignore[no-any-return]


def _loaded(name: str) -> Any:
    from importlib.metadata import entry_points

    for entry_point in entry_points(group=ENTRY_POINTS):
        if entry_point.name == name:
            return _checked(name, entry_point)
    raise RuntimeError(f"Unknown backend plugin: {name}")


def _checked(name: str, entry_point: Any) -> Any:
    """What an entry point leads to: the backend, or what makes it."""
    try:
        loaded = entry_point.load()
        plugin = loaded() if callable(loaded) else loaded
    except Exception as error:
        raise RuntimeError(
            f"Backend plugin {name!r} could not be loaded: {error}. Install a version of it that "
            f"matches backend API v{BACKEND_API_VERSION}"
        ) from error
    own_name = getattr(plugin, "name", "<unknown>")
    if own_name != name:
        raise RuntimeError(
            f"Backend plugin {name!r} resolved to object with mismatched name {own_name!r}"
        )
    return plugin


def ensure_capabilities(plugin: Any) -> None:
    """Checks that a backend fits.

    Raises:
        RuntimeError: another version of the interface, or neither SQL nor a core of its own.
    """
    name = getattr(plugin, "name", "<unknown>")
    version = getattr(plugin, "backend_api_version", None)
    if type(version) is not int:
        raise RuntimeError(f"Backend plugin {name!r} must declare integer backend_api_version")
    if version != BACKEND_API_VERSION:
        raise RuntimeError(
            f"Backend plugin {name!r} was built against backend API v{version} but this package "
            f"provides backend API v{BACKEND_API_VERSION}; install versions of both that match"
        )
    if getattr(plugin, "sql", None) is not None:
        return
    is_direct = getattr(plugin, "is_direct_backend", False) is True
    if not is_direct or not callable(getattr(plugin, "create_core", None)):
        raise RuntimeError(
            f"Backend plugin {name!r} must have a SQL namespace, or be a direct backend with "
            "create_core()"
        )
