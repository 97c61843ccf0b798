"""Brokers: open databases, with every operation on every queue."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType

from . import _callbacks
from ._config import SNAPSHOT, Config, config_handle, issue_warnings
from ._constants import (
    LOGICAL_COUNTER_BITS,
    MAX_LOGICAL_COUNTER,
    MAX_MESSAGE_SIZE,
    SCHEMA_VERSION,
    SIMPLEBROKER_MAGIC,
)
from ._exceptions import HandleClosed, OperationalError
from ._inventory import Inventory
from ._later import TYPE_CHECKING, _connection, _plugins, _runner, _session, pathlib, typing
from ._library import EMPTY, NULL, ask_for_interrupts, check, last_error, raise_interrupt
from ._native import ffi, lib
from ._sidecar import SidecarSession
from ._targets import BrokerTarget, as_target, native_target
from ._transaction import Transaction
from ._waiting import UNSTOPPED, Waiting, options_like, waiting_for

if TYPE_CHECKING:
    from ._connection import BrokerConnection as BrokerConnection
    from ._session import DBConnection as DBConnection

SQLITE_BUSY_TEXT = "database is locked"

_cores: weakref.WeakSet[BrokerCore] = weakref.WeakSet()


def _look_first() -> None:
    """Lets the next operation of every core look whether Ctrl-C was pressed."""
    for core in list(_cores):
        core._ready = None


ask_for_interrupts.append(_look_first)


def _leave_to_parent() -> None:
    """In a forked child: what was open belongs to the parent."""
    for core in list(_cores):
        core._ready = None
        core._forked = True


os.register_at_fork(after_in_child=_leave_to_parent)


def _call_first(runner: typing.Any, *names: str) -> None:
    """Calls the first of some optional methods that a runner has."""
    for name in names:
        method = getattr(runner, name, None)
        if callable(method):
            method()
            return


class BrokerCore(Inventory):
    """A broker over a runner: somebody who executes its SQL.

    May be shared by threads. It cannot be pickled, nor used in a forked child. After `close()` it
    opens again at its next use.

    Args:
        runner: executes the SQL; the broker's `close()` closes it too.
        config: settings; the environment at the first import of the package by default.
        backend_plugin: the backend that the runner speaks to; by default the runner's own
            `backend_plugin`, else SQLite's. Its version is checked.
        stop_event: when set, operations end with StopException.

    Raises:
        Whatever the runner raises; RuntimeError for a database that is not a broker's, or a backend
        of another version.
    """

    def __init__(
        self,
        runner: _runner.SQLRunner,
        *,
        config: Mapping[str, typing.Any] = SNAPSHOT,
        backend_plugin: _plugins.BackendPlugin | None = None,
        stop_event: threading.Event | None = None,
    ) -> None:
        self._runner = runner
        self._closes_runner = True
        self._backend_plugin = backend_plugin
        self._prepare(config_handle(config), stop_event)
        self._enter()

    _closes_runner = False
    _backend_plugin: _plugins.BackendPlugin | None = None

    def _prepare(self, config: Config, stop_event: threading.Event | None) -> None:
        self._config = config
        self._handle: typing.Any = None
        self._ready: typing.Any = None
        self._forked = False
        self._poisoned = False
        self._batch: str | None = None
        self._in_transaction = False
        self._opening = threading.Lock()
        self._waiting: Waiting = waiting_for(stop_event)
        self._options: typing.Any = self._waiting.options
        _cores.add(self)

    def _open(self) -> typing.Any:
        plugin = self._backend_plugin or getattr(self._runner, "backend_plugin", None)
        if plugin is not None:
            _plugins.ensure_capabilities(plugin)
        event = self._waiting.event
        return _callbacks.open_runner(self._runner, self._config, self._options, event)

    def _enter(self) -> typing.Any:
        if self._forked:
            raise RuntimeError(
                f"{type(self).__name__} belongs to the parent of this forked process; open a new "
                "one in each process"
            )
        if self._poisoned:
            error = OperationalError(
                "cross-thread finalization: an at_least_once generator or sidecar session was "
                "finalized on a foreign thread; this broker instance is permanently unusable"
            )
            error.retryable = False
            raise error
        raise_interrupt()
        self._waiting.raise_if_stopped()
        handle = self._handle
        if handle is None:
            with self._opening:
                handle = self._handle
                if handle is None:
                    try:
                        handle = self._handle = self._open()
                    finally:
                        issue_warnings()
        if self._waiting is UNSTOPPED:
            self._ready = handle
        return handle

    def _broker(self) -> typing.Any:
        """The open broker of the library."""
        return self._ready or self._enter()

    def _failed(self, status: int, operation: str) -> BaseException:
        if status == lib.SB_ECLOSED:
            return HandleClosed("the broker is closed")
        if status != lib.SB_EBUSY_OWNER:
            return last_error(status)
        if self._batch is not None:
            return RuntimeError(
                f"Cannot perform {operation} while an at_least_once {self._batch} batch is being "
                "yielded from this BrokerDB instance. Use delivery_guarantee='exactly_once' or a "
                "separate BrokerDB/Queue instance."
            )
        if self._in_transaction:
            error = OperationalError("cannot start a transaction within a transaction")
        else:
            error = OperationalError(f"{SQLITE_BUSY_TEXT}: {last_error(status)}")
        error.retryable = False
        return error

    # ---- what batches and transactions tell --------------------------------------------------

    def _batch_began(self, what: str) -> None:
        self._batch = what

    def _batch_ended(self) -> None:
        self._batch = None

    def _transaction_began(self) -> None:
        self._in_transaction = True

    def _transaction_ended(self) -> None:
        self._in_transaction = False

    def _poison(self) -> None:
        self._poisoned = True
        self._ready = None

    # ---- transactions and SQL ----------------------------------------------------------------

    def transaction(self) -> Transaction:
        """Begins a transaction: operations on its object commit or vanish together.

            with broker.transaction() as t:
                body = t.claim_one("orders", with_timestamps=False)
                t.write("invoices", body)
                t.run("UPDATE accounts SET orders = orders + 1")

        Raises:
            OperationalError: the write lock was not to be had.
            RuntimeError: this thread has a batch open.
        """
        return Transaction(self)

    @contextmanager
    def sidecar(self, *, transaction: bool = False) -> Iterator[SidecarSession]:
        """SQL of the application's own on the broker's database.

        Args:
            transaction: all statements commit together at a clean exit, and are rolled back when
                an exception passes; operations of this broker fail meanwhile. Without it each
                statement commits by itself.

        Raises:
            RuntimeError: while a batch of this broker is open, and in a forked child.
        """
        broker = self._ready or self._enter()
        if self._batch is not None:
            raise self._failed(lib.SB_EBUSY_OWNER, "sidecar")
        if not transaction:
            session = SidecarSession(self._broker, self._options, self._failed)
            try:
                yield session
            finally:
                session.close()
            return
        txn = ffi.gc(ffi.new("sb_txn **"), lib.sbpy_txn_rollback)
        try:
            self._done(lib.sb_txn_begin(txn, broker, self._options), "sidecar")
            yield from self._sidecar_transaction(txn, broker)
        finally:
            lib.sbpy_txn_rollback(txn)

    def _sidecar_transaction(self, txn: typing.Any, broker: typing.Any) -> Iterator[SidecarSession]:
        owner = threading.get_ident()
        options = options_like(self._options)
        options.txn = txn[0]
        session = SidecarSession(lambda: broker, options, self._failed)
        self._transaction_began()
        try:
            yield session
        finally:
            session.close()
            self._transaction_ended()
            if owner != threading.get_ident():
                lib.sbpy_txn_rollback(txn)
                self._poison()
                self._warn_of_foreign_thread()
        self._done(lib.sbpy_txn_commit(txn), "sidecar")

    def _warn_of_foreign_thread(self) -> None:
        import warnings

        warnings.warn(
            "a sidecar transaction was finalized on another thread; it is rolled back, and its "
            "broker cannot be used any more",
            RuntimeWarning,
            stacklevel=3,
        )

    # ---- the broker itself -------------------------------------------------------------------

    def get_cached_last_timestamp(self) -> int:
        """The high-water of ids as this broker last saw it, read once if it never did."""
        return self._ask_id(lib.sb_timestamp_cached, "get_cached_last_timestamp")

    def get_data_version(self) -> int | None:
        """SQLite's counter of commits by other connections; None where there is none."""
        out = ffi.new("int64_t *")
        status = lib.sb_data_version(out, self._ready or self._enter())
        return None if self._done(status, "get_data_version") == EMPTY else int(out[0])

    def vacuum(self, compact: bool = False) -> None:
        """Removes claimed messages.

        Args:
            compact: also rebuild the file, so that it shrinks.
        """
        options = self._bounded(None, None, lib.SB_COMPACT if compact else 0)
        broker = self._ready or self._enter()
        self._done(lib.sb_vacuum(NULL, broker, options), "vacuum")

    def get_conflict_metrics(self) -> dict[str, int]:
        """Conflicts of ids met and repaired: `ts_conflict_count`, `ts_resync_count`."""
        return self._metrics(0)

    def reset_conflict_metrics(self) -> None:
        """Sets the counts of `get_conflict_metrics()` to 0."""
        self._metrics(1)

    def _metrics(self, reset: int) -> dict[str, int]:
        conflicts, resyncs = ffi.new("int64_t *"), ffi.new("int64_t *")
        broker = self._ready or self._enter()
        self._done(lib.sb_conflict_metrics(conflicts, resyncs, broker, reset), "metrics")
        return {"ts_conflict_count": conflicts[0], "ts_resync_count": resyncs[0]}

    def set_stop_event(self, stop_event: threading.Event | None) -> None:
        """Lets an event end operations, those that wait included, with StopException.

        Args:
            stop_event: None: nothing does.
        """
        self._use(waiting_for(stop_event))

    def _use(self, waiting: Waiting) -> None:
        self._waiting = waiting
        self._options = waiting.options
        if waiting is not UNSTOPPED:
            self._ready = None

    def close(self) -> None:
        """Closes the broker, waiting at most 5 s for operations of other threads. Repeatable.

        A broker made over a runner closes that too; one with `release_thread_connection()` only
        gives back what this thread has of it.

        Raises:
            Whatever the runner raises.
        """
        self._leave("release_thread_connection")

    def shutdown(self) -> None:
        """The same as `close()`, but for a runner that has `shutdown()`, which is called then."""
        self._leave("shutdown")

    def _leave(self, runners_way: str) -> None:
        self._ready = None
        handle, self._handle = self._handle, None
        if self._forked:
            return
        if handle is not None:
            # Another thread may be about to call with it: freed when nobody has it any more.
            lib.sb_shut(handle)
        if self._closes_runner:
            _call_first(self._runner, "cleanup_marker_files")
            _call_first(self._runner, runners_way, "close")

    def __enter__(self) -> typing.Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __reduce__(self) -> typing.Any:
        raise TypeError(
            f"{type(self).__name__} instances cannot be pickled. Create a new instance in each "
            "process."
        )

    __getstate__ = __reduce__


class BrokerDB(BrokerCore):
    """A broker in a SQLite file.

    Args:
        db_path: of the file; it and missing directories are created.
        config: settings; the environment at the first import of the package by default.
        stop_event: when set, operations end with StopException.

    Attributes:
        db_path: the absolute path.

    Raises:
        DatabaseError, OperationalError: for a file that is no database or cannot be opened.
        RuntimeError: for a database that is not a broker's.
    """

    def __init__(
        self,
        db_path: str | os.PathLike[str],
        *,
        config: Mapping[str, typing.Any] = SNAPSHOT,
        stop_event: threading.Event | None = None,
    ) -> None:
        settings = config_handle(config)
        self._start(as_target(db_path), settings, waiting_for(stop_event))

    @classmethod
    def _at(cls, target: BrokerTarget, config: Config, waiting: Waiting = UNSTOPPED) -> typing.Self:
        """A broker at a target whose settings are known."""
        broker = cls.__new__(cls)
        broker._start(target, config, waiting)
        return broker

    def _start(self, target: BrokerTarget, config: Config, waiting: Waiting) -> None:
        self._target = target
        self._prepare(config, None)
        self._use(waiting)
        self._enter()

    @property
    def db_path(self) -> pathlib.Path:
        """The file's absolute path."""
        return pathlib.Path(self._target.target)

    def _open(self) -> typing.Any:
        out = ffi.new("sb_broker **")
        target, config = native_target(self._target), self._config.native
        try:
            check(lib.sb_open(out, target, config, self._options))
            return ffi.gc(out[0], lib.sb_close)
        except BaseException:
            lib.sb_close(out[0])  # Ctrl-C as it opened
            raise

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._target.display_target!r})"


@contextmanager
def open_broker(
    db_target: str | BrokerTarget,
    runner: _runner.SQLRunner | None = None,
    *,
    config: Mapping[str, typing.Any] = SNAPSHOT,
) -> Iterator[BrokerCore]:
    """Opens a broker of one's own, and closes it at the end of the block.

    Args:
        db_target: path of the file, or a target.
        runner: executes the SQL instead; then `db_target` is only a label.
        config: settings; the environment at the first import of the package by default.

    Raises:
        RuntimeError: the broker could not be opened; its cause says why.
    """
    with _session.DBConnection(db_target, runner, config=config) as connection:
        yield connection.get_connection()


def __getattr__(name: str) -> typing.Any:
    if name == "BrokerConnection":
        return _connection.BrokerConnection
    if name == "DBConnection":
        return _session.DBConnection
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "LOGICAL_COUNTER_BITS",
    "MAX_LOGICAL_COUNTER",
    "MAX_MESSAGE_SIZE",
    "SCHEMA_VERSION",
    "SIMPLEBROKER_MAGIC",
    "BrokerConnection",
    "BrokerCore",
    "BrokerDB",
    "DBConnection",
    "open_broker",
]
