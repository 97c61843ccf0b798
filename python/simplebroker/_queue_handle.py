"""What a `Queue` is before it does anything: its name, its place, its way to the broker."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType

from ._config import Config, config_handle
from ._exceptions import HandleClosed
from ._ids import checked_name
from ._later import _activity, _native_waiter, _runner, typing
from ._session import DBConnection, open_at
from ._sidecar import SidecarSession
from ._targets import BrokerTarget, target_or_default
from ._transaction import Transaction
from ._waiting import UNSTOPPED, Waiting, waiting_for
from .db import BrokerCore


class QueueHandle:
    """A queue's identity and connections; `Queue` adds the operations and documents the whole."""

    def __init__(
        self,
        name: str,
        *,
        db_path: str | BrokerTarget | None = None,
        persistent: bool = False,
        runner: _runner.SQLRunner | None = None,
        config: Mapping[str, typing.Any] | None = None,
    ) -> None:
        self._rename(name)
        self._config_argument = config
        self._config: Config = config_handle(config)
        self._shows_path = db_path is not None and db_path != ""
        self._runner = runner
        self._persistent = bool(persistent)
        self._target = target_or_default(db_path, self._config)
        self._waiting: Waiting = UNSTOPPED
        self._last_ts: int | None = None
        self._waiter: _activity.ActivityWaiter | None = None
        self._connection: DBConnection | None = None
        if runner is not None:
            self._connection = DBConnection._over(runner, self._config)
        elif self._persistent:
            self._connection = DBConnection._at(self._target, self._config)

    # ---- identity ----------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The queue's name. Derived classes may set it, to any that is valid."""
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        self._rename(name)

    def _rename(self, name: str) -> None:
        self._name = checked_name(name)
        self._native_name = self._name.encode()

    @property
    def db_target(self) -> str | BrokerTarget:
        """Absolute path of the file, or the target that was given or found."""
        if self._target.backend_name == "sqlite" and self._shows_path and not self._given_target():
            return self._target.target
        return self._target

    def _given_target(self) -> bool:
        return self._target.config_path is not None or not self._target.legacy_sqlite_path_mode

    @property
    def conn(self) -> DBConnection | None:
        """The connection of a persistent queue, or one over a runner; else None."""
        return self._connection

    @property
    def last_ts(self) -> int | None:
        """The broker's high-water of ids as this queue last saw it; 0 on an empty broker.

        Read when it is first asked for; None when that fails. Ids of others show after
        `refresh_last_ts()`.
        """
        if self._last_ts is None:
            try:
                self._last_ts = self._do(BrokerCore.get_cached_last_timestamp)
            except Exception:
                return None
        return self._last_ts

    def _shares_broker(self, other: QueueHandle) -> bool:
        """Whether both have the very same runner, or none and the same target."""
        if self._runner is not None or other._runner is not None:
            return self._runner is other._runner
        return _place(self._target) == _place(other._target)

    def _require_same_broker(self, other: QueueHandle) -> None:
        if not self._shares_broker(other):
            raise ValueError(
                "Cannot move messages between different broker targets: "
                f"source={self._target.display_target!r}, "
                f"destination={other._target.display_target!r}"
            )

    def __str__(self) -> str:
        return self._name

    def __repr__(self) -> str:
        parts = [repr(self._name)]
        if self._shows_path:
            parts.append(f"db_path={self._target.display_target!r}")
        if self._persistent:
            parts.append("persistent=True")
        return f"Queue({', '.join(parts)})"

    def __reduce__(self) -> typing.Any:
        if self._persistent or self._runner is not None:
            raise TypeError("a persistent queue cannot be pickled; open one in each process")
        made_of = (self._name, self._target, self._shows_path, self._config_argument)
        of_subclass = {name: value for name, value in vars(self).items() if name not in _OWN}
        return (_restored, (type(self), *made_of), of_subclass or None)

    def __copy__(self) -> typing.Self:
        same = type(self).__new__(type(self))
        vars(same).update(vars(self), _waiter=None)
        if self._persistent and self._runner is None:
            same._connection = DBConnection._at(self._target, self._config)
        return same

    # ---- connections -------------------------------------------------------------------------

    def _do(
        self, operation: typing.Any, *arguments: typing.Any, **keywords: typing.Any
    ) -> typing.Any:
        """Runs a method of the broker on this thread's connection, or on one of its own.

        When another thread closes the connection under it, before anything was done, it runs on the
        next one: arguments are not iterators.
        """
        connection = self._connection
        if connection is None:
            with open_at(self._target, self._config, self._waiting) as core:
                return operation(core, *arguments, **keywords)
        while True:
            try:
                if self._waiting is not UNSTOPPED:
                    return self._do_stoppable(connection, operation, *arguments, **keywords)
                try:
                    session: typing.Any = connection._session
                    shared = session.local.core
                except AttributeError:
                    shared = connection._thread_core(UNSTOPPED)
                return operation(shared, *arguments, **keywords)
            except HandleClosed:
                continue

    def _do_stoppable(
        self,
        connection: DBConnection,
        operation: typing.Any,
        *arguments: typing.Any,
        **keywords: typing.Any,
    ) -> typing.Any:
        shared = connection._thread_core(self._waiting)
        before = shared._waiting
        shared._use(self._waiting)
        try:
            return operation(shared, *arguments, **keywords)
        finally:
            shared._use(before)

    def _stream(
        self, operation: typing.Any, *arguments: typing.Any, **keywords: typing.Any
    ) -> Iterator[typing.Any]:
        """Yields from a generator of the broker, on a connection that lasts as long."""
        with self.get_connection() as core:
            yield from operation(core, self._name, *arguments, **keywords)

    @contextmanager
    def get_connection(self) -> Iterator[BrokerCore]:
        """The broker: a persistent queue's of this thread, else a new one for the block.

        Raises:
            RuntimeError: it could not be opened (the cause says why), or belongs to the parent of
                this forked process.
            StopException: the stop event is set.
        """
        self._waiting.raise_if_stopped()
        if self._connection is None:
            with open_at(self._target, self._config, self._waiting) as core:
                yield core
            return
        shared = self._connection._thread_core(self._waiting)
        if self._waiting is UNSTOPPED:
            yield shared
            return
        before = shared._waiting
        shared._use(self._waiting)
        try:
            yield shared
        finally:
            shared._use(before)

    # ---- the broker's counters -----------------------------------------------------------------

    def get_data_version(self) -> int | None:
        """SQLite's counter of commits by other connections; None where there is none."""
        version: int | None = self._do(BrokerCore.get_data_version)
        return version

    def generate_timestamp(self) -> int:
        """Allocates an id without a message; nobody else gets it."""
        generated: int = self._do(BrokerCore.generate_timestamp)
        self._last_ts = generated
        return generated

    def get_ts(self) -> int:
        """The same as `generate_timestamp()`."""
        return self.generate_timestamp()

    def refresh_last_ts(self) -> int:
        """Reads the broker's high-water of ids and keeps it as `last_ts`."""
        read: int = self._do(BrokerCore.refresh_last_timestamp)
        self._last_ts = read
        return read

    # ---- SQL and transactions ----------------------------------------------------------------

    @contextmanager
    def sidecar(self, *, transaction: bool = False) -> Iterator[SidecarSession]:
        """SQL of the application's own on the broker's database; see `BrokerCore.sidecar()`.

        Args:
            transaction: all statements commit together at a clean exit.
        """
        with self.get_connection() as core, core.sidecar(transaction=transaction) as session:
            yield session

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction on the queue's broker; see `BrokerCore.transaction()`."""
        with self.get_connection() as core, core.transaction() as transaction:
            yield transaction

    # ---- waiting and closing -----------------------------------------------------------------

    def create_activity_waiter(
        self, *, stop_event: threading.Event
    ) -> _activity.ActivityWaiter | None:
        """An object that waits for activity on the queue, the same until the queue is closed.

        It is awake from now on: take messages until there is none, then wait for more.

        Args:
            stop_event: ends its waits.

        Returns:
            None where nothing wakes anybody: over a runner, with a backend that has no waiters, on
            a network file system.
        """
        made = self._waiter
        if made is None or (isinstance(made, _native_waiter.NativeWaiter) and made.inherited):
            self._waiter = self._new_waiter(stop_event)
        return self._waiter

    def _new_waiter(self, stop_event: threading.Event) -> _activity.ActivityWaiter | None:
        if self._wakes_natively():
            return self._new_native_waiter(stop_event)
        plugin = getattr(self._runner, "backend_plugin", None) or self._target.plugin
        waiter: _activity.ActivityWaiter | None = plugin.create_activity_waiter(
            **self._place(), queue_name=self._name, stop_event=stop_event
        )
        return waiter

    def _new_native_waiter(
        self,
        stop_event: threading.Event,
        names: typing.Sequence[str] = (),
        after: int | None = None,
        taking: bool = False,
    ) -> _native_waiter.NativeWaiter | None:
        """A waiter of the caller's own, for this queue or others; see `NativeWaiter`."""
        if self._connection is not None:
            self._connection._require_own_process()
        place = (self._target, self._config, names or (self._name,))
        return _native_waiter.open_waiter(
            *place, stop_event, after=after, taking=taking, waiting=self._waiting
        )

    def _wakes_natively(self) -> bool:
        return self._runner is None and self._target.backend_name == "sqlite"

    def _place(self) -> dict[str, typing.Any]:
        """Where the queue is, as a backend's waiter wants to know it: a runner, or a target."""
        if self._runner is not None:
            return {"target": None, "backend_options": None, "runner": self._runner}
        options = dict(self._target.backend_options)
        return {"target": self._target.target, "backend_options": options, "runner": None}

    def set_stop_event(self, stop_event: threading.Event | None) -> None:
        """Lets an event end operations with StopException; None: nothing does."""
        self._waiting = waiting_for(stop_event)

    def cleanup_connections(self) -> None:
        """Closes the calling thread's connection, and the waiter; the queue stays usable."""
        try:
            self._close_waiter()
        finally:
            session = None if self._connection is None else self._connection._session
            if session is not None:
                session.drop_thread()

    def _leave_replaced_file(self) -> bool:
        """Lets go of a file that was deleted or replaced, from which nothing new would be read."""
        session = None if self._connection is None else self._connection._session
        return session is not None and session.drop_if_replaced()

    def _close_waiter(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            waiter.close()

    def close(self) -> None:
        """Releases the connections of all threads. Repeatable; a later use opens them again."""
        try:
            self._close_waiter()
        finally:
            if self._connection is not None and self._runner is None:
                self._connection.close()

    def __enter__(self) -> typing.Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


_OWN = frozenset(
    "_name _native_name _config_argument _config _shows_path _runner _persistent _target _waiting "
    "_last_ts _waiter _connection".split()
)


def _restored(
    cls: type[QueueHandle], name: str, target: BrokerTarget, shows_path: bool, config: typing.Any
) -> QueueHandle:
    queue = cls.__new__(cls)
    QueueHandle.__init__(queue, name, db_path=target, config=config)
    queue._shows_path = shows_path
    return queue


def _place(target: BrokerTarget) -> tuple[typing.Any, ...]:
    return (target.backend_name, target.target, sorted(target.backend_options.items()))
