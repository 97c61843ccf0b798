"""A runner over Python's own `sqlite3`: one connection for each thread."""

from __future__ import annotations

import itertools
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from . import _exceptions
from ._callbacks import RunnerCalls, cancelled_by
from ._config import config_handle, issue_warnings
from ._library import EMPTY, NULL, check
from ._native import ffi, lib
from ._runner import SetupPhase

_numbers = itertools.count()

_PHASES = {
    "connection": lib.SB_SETUP_CONNECTION,
    "schema": lib.SB_SETUP_SCHEMA,
    "optimization": lib.SB_SETUP_OPTIMIZATION,
}

_inherited: list[Any] = []
"""Connections of a parent process: neither used nor closed, for that could harm the parent's."""


class _Held:
    """A thread's connection, closed when the thread is gone."""

    __slots__ = ("__weakref__", "connection", "pid")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.pid = os.getpid()

    def __del__(self) -> None:
        if self.pid == os.getpid():
            self.connection.close()
        else:
            _inherited.append(self.connection)


class _Direct:
    """A connection as a runner, for settings that concern it alone."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def run(self, sql: str, params: tuple[Any, ...] = (), *, fetch: bool = False) -> Any:
        return self._connection.execute(sql, params).fetchall()


def _translated(error: sqlite3.Error) -> _exceptions.DatabaseError:
    """The package's exception for one of `sqlite3`, with the same words."""

    if isinstance(error, sqlite3.OperationalError):
        return _exceptions.OperationalError(str(error))
    if isinstance(error, sqlite3.IntegrityError):
        return _exceptions.IntegrityError(str(error))
    if isinstance(error, sqlite3.DataError):
        return _exceptions.DataError(str(error))
    return _exceptions.DatabaseError(str(error))


class SQLiteRunner:
    """Runs SQL on a SQLite file through `sqlite3`, in autocommit mode, one connection per thread.

    While one thread has a transaction open, what other threads ask for waits until it ends, at most
    for the busy timeout. Can be inherited from; a broker calls what the subclass has.

    Args:
        db_path: the file, or ":memory:" for a database of each thread's own. Nothing is opened
            until the first use.
        config: settings, of which the busy timeout, cache size, synchronous mode and checkpoint
            interval matter here.

    Raises:
        InvalidConfigError: a setting is not valid.
    """

    def __init__(
        self, db_path: str | os.PathLike[str], *, config: Mapping[str, Any] | None = None
    ) -> None:
        path = os.fspath(db_path)
        self._in_memory = path in ("", ":memory:")
        self._path = path if self._in_memory else os.path.abspath(path)
        self._config = config_handle(config, ambient="environment")
        self._timeout = self._config.values["BROKER_BUSY_TIMEOUT"] / 1000
        self._admission = threading.Condition()
        self._exclusive: tuple[int, Any] | None = None
        self._memory_phases: set[str] = set()
        self._is_optimised = False
        self.instance_id = next(_numbers)
        """A number that no other runner of this process has."""
        self._forget_connections()

    def _forget_connections(self) -> None:
        self._pid = os.getpid()
        self._local = threading.local()
        self._all: weakref.WeakSet[_Held] = weakref.WeakSet()
        self._owner: int | None = None
        self._owner_name = ""

    # ---- connections

    def get_connection(self) -> sqlite3.Connection:
        """The calling thread's connection, made at first use."""
        if self._pid != os.getpid():
            self._leave_to_parent()
        held: _Held | None = getattr(self._local, "held", None)
        return self._connect() if held is None else held.connection

    def _leave_to_parent(self) -> None:
        _inherited.extend([held.connection for held in self._all])
        self._admission = threading.Condition()
        self._forget_connections()

    def _connect(self) -> sqlite3.Connection:

        try:
            connection = sqlite3.connect(
                self._path, timeout=self._timeout, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise _translated(error) from error
        held = _Held(connection)
        if self._is_optimised:
            self._apply_settings(connection)
        self._local.held = held
        self._all.add(held)
        return connection

    def _apply_settings(self, connection: sqlite3.Connection) -> None:

        calls = RunnerCalls(_Direct(connection))
        try:
            check(lib.sb_runner_apply_settings(calls.native, calls.payload, self._config.native))
        except sqlite3.Error as error:
            raise _translated(error) from error
        issue_warnings()

    def close(self) -> None:
        """Closes the connections of all threads; the runner can be used again.

        Raises:
            OperationalError: another thread's transaction was open for all of the busy timeout.
        """
        if self._pid != os.getpid():
            self._leave_to_parent()
        with self._admission:
            self._wait_for_owner("close")
            everything = list(self._all)
            self._forget_connections()
            self._admission.notify_all()
        for held in everything:
            held.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # ---- whose turn it is

    def _is_anothers(self) -> bool:
        return self._owner is not None and self._owner != threading.get_ident()

    def _description(self) -> str:
        return (
            f"SQLiteRunner {self.instance_id} transaction is owned by thread "
            f"{self._owner_name} ({self._owner})"
        )

    def _wait_for_owner(self, operation: str) -> None:
        """With the condition held: until no other thread has a transaction."""
        if self._admission.wait_for(lambda: not self._is_anothers(), self._timeout):
            return
        error = _exceptions.OperationalError(
            f"database is locked: {self._description()}; {operation} timed out waiting for "
            "transaction admission"
        )
        error.retryable = True
        raise error

    def _take_ownership(self) -> bool:
        """Waits for other threads; whether the transaction is a new one."""
        with self._admission:
            self._wait_for_owner("begin_immediate")
            is_new = self._owner is None
            self._owner = threading.get_ident()
            self._owner_name = threading.current_thread().name
            return is_new

    def _give_up_ownership(self) -> None:
        with self._admission:
            self._owner = None
            self._admission.notify_all()

    # ---- SQL

    def run(
        self, sql: str, params: tuple[Any, ...] = (), *, fetch: bool = False
    ) -> list[tuple[Any, ...]]:
        """Executes one statement; see `SQLRunner.run`.

        Returns:
            The rows if they are wanted, else an empty list.

        Raises:
            DatabaseError: or one of its subclasses, with SQLite's words and `sqlite3`'s exception
                as the cause.
        """
        connection = self.get_connection()
        if self._owner is not None and self._is_anothers():
            with self._admission:
                self._wait_for_owner("run")
        return self._execute(connection, sql, params, fetch)

    def _execute(
        self, connection: sqlite3.Connection, sql: str, params: tuple[Any, ...], fetch: bool
    ) -> list[tuple[Any, ...]]:
        try:
            cursor = connection.execute(sql, params)
            return cursor.fetchall() if fetch else []
        except connection.Error as error:
            raise _translated(error) from error

    def begin_immediate(self) -> None:
        """Begins a transaction, which is this thread's until it commits or rolls back.

        Raises:
            OperationalError: another one was open for all of the busy timeout.
        """
        connection = self.get_connection()
        is_new = self._take_ownership()
        try:
            self._execute(connection, "BEGIN IMMEDIATE", (), False)
        except BaseException:
            if is_new and not connection.in_transaction:
                self._give_up_ownership()
            raise

    def commit(self) -> None:
        """Commits this thread's transaction; does nothing without one.

        Raises:
            OperationalError: the transaction is another thread's, or SQLite failed to commit.
        """
        self._end("commit")

    def rollback(self) -> None:
        """Undoes this thread's transaction; does nothing without one.

        Raises:
            OperationalError: the transaction is another thread's.
        """
        self._end("rollback")

    def _end(self, operation: str) -> None:
        connection = self.get_connection()
        if self._is_anothers():
            error = _exceptions.OperationalError(
                f"{self._description()}; foreign thread cannot {operation}"
            )
            error.retryable = False
            raise error
        try:
            if connection.in_transaction:
                self._execute(connection, operation.upper(), (), False)
        finally:
            if not connection.in_transaction and self._owner is not None:
                self._give_up_ownership()

    # ---- set-up

    def _native_path(self) -> tuple[bytes, int]:
        encoded = os.fsencode(self._path)
        return encoded, len(encoded)

    def setup(self, phase: SetupPhase) -> None:
        """Prepares a phase: the file, nothing (tables are the broker's), or the settings.

        Raises:
            OperationalError: the file is not a SQLite database, or cannot be made.
        """
        self.setup_with_stop_event(phase, None)

    def setup_with_stop_event(self, phase: SetupPhase, stop_event: threading.Event | None) -> None:
        """Like `setup`, but ends with a `StopException` when the event is set meanwhile."""
        if phase.value == "optimization":
            self._apply_settings(self.get_connection())
            self._is_optimised = True
        if self._in_memory:
            self._memory_phases.add(phase.value)
        elif phase.value == "connection":
            self._make_file(stop_event)
        else:
            check(lib.sb_setup_mark(*self._native_path(), _PHASES[phase.value]))

    def _make_file(self, stop_event: threading.Event | None) -> None:
        held = self._exclusive
        lock = held[1] if held is not None and held[0] == threading.get_ident() else NULL
        try:
            with cancelled_by(stop_event) as options:
                check(lib.sb_setup_file(*self._native_path(), lock, options))
        except _exceptions.OperationalError:
            raise
        except _exceptions.DatabaseError as error:
            raise _exceptions.OperationalError(str(error)) from error

    def is_setup_complete(self, phase: SetupPhase) -> bool:
        """Whether a phase is marked as done for the file, by whomever."""
        if self._in_memory:
            return phase.value in self._memory_phases
        return check(lib.sb_setup_is_done(*self._native_path(), _PHASES[phase.value])) != EMPTY

    def run_exclusive_setup(self, phase: SetupPhase, operation: Callable[[], None]) -> bool:
        """Runs an operation under the lock of the database's set-up, unless the phase is done.

        Returns:
            True if it ran; the phase is then done. What it raises passes through, and leaves the
            phase undone.

        Raises:
            OperationalError: somebody else held the lock for too long.
        """
        return self.run_exclusive_setup_with_stop_event(phase, operation, None)

    def run_exclusive_setup_with_stop_event(
        self,
        phase: SetupPhase,
        operation: Callable[[], None],
        stop_event: threading.Event | None,
    ) -> bool:
        """The same; ends with a `StopException` when the event is set while it waits."""
        if self._in_memory:
            return self._run_operation(phase, operation)
        out = ffi.new("sb_setup_lock **")
        with cancelled_by(stop_event) as options:
            check(lib.sb_setup_lock_take(out, *self._native_path(), options))
        self._exclusive = (threading.get_ident(), out[0])
        try:
            return self._run_operation(phase, operation)
        finally:
            self._exclusive = None
            lib.sb_setup_lock_release(out[0])

    def _run_operation(self, phase: SetupPhase, operation: Callable[[], None]) -> bool:
        if self.is_setup_complete(phase):
            return False
        operation()
        if self._in_memory:
            self._memory_phases.add(phase.value)
        else:
            check(lib.sb_setup_mark(*self._native_path(), _PHASES[phase.value]))
        return True

    def cleanup_marker_files(self) -> None:
        """Forgets what was seen of the set-up; deletes nothing."""
        self._memory_phases.clear()
