"""The extension point for who executes the SQL: connections, pools, threads, mocks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any, Protocol, runtime_checkable

from ._later import _plugins


class SetupPhase(Enum):
    """What is prepared before a database can be used, in this order."""

    CONNECTION = "connection"
    """The file, its journal mode."""
    SCHEMA = "schema"
    """Tables and indexes."""
    OPTIMIZATION = "optimization"
    """Settings of the connection that make it fast."""


class SQLRunner(Protocol):
    """Executes SQL for a broker. Any object with these methods will do; to inherit is optional.

    The broker calls a runner on the thread that called the broker, one call at a time for each
    broker. The runner belongs to whoever made it: only `BrokerCore.close()` closes it. An exception
    ends the operation: the transaction is rolled back and the caller gets the same exception. One
    with an attribute `retryable` that is true, or an `OperationalError` of `sqlite3` with the
    words "database is locked", makes the broker try again for a while.
    """

    def run(
        self, sql: str, params: tuple[Any, ...] = (), *, fetch: bool = False
    ) -> Iterable[tuple[Any, ...]]:
        """Executes one statement.

        Args:
            sql: the statement, with `?` or `?N` for the values.
            params: the values: int, float, str, bytes or None each.
            fetch: whether rows are wanted.

        Returns:
            The rows, if they are wanted; else what is returned is not looked at.
        """
        ...

    def begin_immediate(self) -> None:
        """Begins a transaction that may write."""
        ...

    def commit(self) -> None:
        """Commits it."""
        ...

    def rollback(self) -> None:
        """Undoes it."""
        ...

    def close(self) -> None:
        """Releases what the runner holds; called by its owner, or by `BrokerCore.close()`."""
        ...

    def setup(self, phase: SetupPhase) -> None:
        """Prepares a phase. Optional."""

    def is_setup_complete(self, phase: SetupPhase) -> bool:
        """Whether a phase has been prepared. Optional."""
        return True


class SetupAwareRunner(Protocol):
    """Members that a runner may have beyond those of `SQLRunner`. All optional."""

    def setup_with_stop_event(self, phase: SetupPhase, stop_event: threading.Event | None) -> None:
        """Called instead of `setup` by a broker with a stop event, which ends it when it is set."""
        ...

    def run_exclusive_setup(self, phase: SetupPhase, operation: Callable[[], None]) -> bool:
        """Runs an operation unless the phase is done; True if it ran. For programs: brokers set up
        the schema in a transaction, which excludes others by itself."""
        ...

    def cleanup_marker_files(self) -> None:
        """Forgets what it saw of the set-up; called before a broker closes the runner."""
        ...

    def release_thread_connection(self) -> None:
        """Called by `BrokerCore.close()` instead of `close`: gives back this thread's part."""
        ...

    def shutdown(self) -> None:
        """Called by `BrokerCore.shutdown()` instead of `close`."""
        ...


@runtime_checkable
class BackendAwareRunner(Protocol):
    """A runner that knows the backend it speaks to."""

    @property
    def backend_plugin(self) -> _plugins.BackendPlugin:
        """The backend; see `get_backend_plugin`."""
        ...
