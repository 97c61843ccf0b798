"""Connections to brokers: one for each thread, shared by the handles of a process that may.

A session keeps a broker per thread. Persistent handles with the same target and settings share one
session, which closes when the last of them does.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Mapping
from types import TracebackType

from ._config import SNAPSHOT, Config, config_handle
from ._exceptions import InvalidConfigError, StopException
from ._later import _runner, typing
from ._targets import BrokerTarget, as_target
from ._waiting import UNSTOPPED, Waiting, waiting_for
from .db import BrokerCore, BrokerDB


def open_at(target: BrokerTarget, config: Config, waiting: Waiting = UNSTOPPED) -> BrokerDB:
    """A broker of its own at a target.

    Raises:
        RuntimeError: it could not be opened; the cause says why.
    """
    try:
        return BrokerDB._at(target, config, waiting)
    except (StopException, InvalidConfigError):
        raise
    except Exception as error:
        raise RuntimeError(f"Failed to get database connection: {error}") from error


def _file_at(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


class Session:
    """A broker per thread at one target."""

    def __init__(self, target: BrokerTarget, config: Config) -> None:
        self.target = target
        self.config = config
        self.local = threading.local()
        self.inherited: threading.local | None = None  # of the parent, in a forked child
        self._cores: weakref.WeakSet[BrokerDB] = weakref.WeakSet()
        self._lock = threading.Lock()
        _sessions.add(self)

    def core(self, waiting: Waiting = UNSTOPPED) -> BrokerDB:
        """The calling thread's broker."""
        self.require_own_process()
        core: BrokerDB | None = getattr(self.local, "core", None)
        if core is None:
            core = open_at(self.target, self.config, waiting)
            core._use(UNSTOPPED)
            with self._lock:
                self._cores.add(core)
            self.local.file = _file_at(self.target.target)
            self.local.core = core
        return core

    def require_own_process(self) -> None:
        """Raises RuntimeError in a forked child."""
        if self.inherited is not None:
            raise RuntimeError(
                "this persistent handle was opened before the process was forked and belongs to "
                "the parent; open a new one in the forked process"
            )

    def drop_thread(self) -> None:
        """Closes the calling thread's broker; the next use opens another."""
        core: BrokerDB | None = self.local.__dict__.pop("core", None)
        if core is not None:
            core.close()

    def drop_if_replaced(self) -> bool:
        """Closes the calling thread's broker if its file was deleted or replaced; whether it was."""
        if "core" not in self.local.__dict__ or self.local.file == _file_at(self.target.target):
            return False
        self.drop_thread()
        return True

    def close(self) -> None:
        """Closes the brokers of all threads. Each thread's next use opens another."""
        with self._lock:
            cores, self._cores = list(self._cores), weakref.WeakSet()
        self.local = threading.local()
        for core in cores:
            core.close()


_sessions: weakref.WeakSet[Session] = weakref.WeakSet()
_connections: weakref.WeakSet[DBConnection] = weakref.WeakSet()
_shared: dict[typing.Any, tuple[Session, int]] = {}
_registry = threading.Lock()


def _leave_to_parent() -> None:
    """In a forked child: the sessions, and locks that somebody may hold, are the parent's."""
    global _registry
    _registry = threading.Lock()
    _shared.clear()
    for session in list(_sessions):
        session.inherited, session.local = session.local, threading.local()
        session._lock = threading.Lock()
    for connection in list(_connections):
        connection._lock = threading.Lock()


os.register_at_fork(after_in_child=_leave_to_parent)


def identity_of(target: BrokerTarget, config: Config) -> typing.Any:
    """Same for whoever may share a broker."""
    options = tuple(sorted(target.backend_options.items()))
    return (target.backend_name, target.target, options, config.key)


def acquire(target: BrokerTarget, config: Config) -> Session:
    """The session that handles of this target and these settings share."""
    identity = identity_of(target, config)
    with _registry:
        session, references = _shared.get(identity) or (Session(target, config), 0)
        _shared[identity] = (session, references + 1)
    return session


def release(session: Session) -> None:
    """Gives a reference back; the last one closes the session."""
    if session.inherited is not None:
        return
    identity = identity_of(session.target, session.config)
    with _registry:
        held, references = _shared.get(identity, (None, 0))
        if held is session and references > 1:
            _shared[identity] = (session, references - 1)
            return
        if held is session:
            del _shared[identity]
    session.close()


class DBConnection:
    """A way to a broker: one connection for each thread.

    Args:
        db_path: path of the file, or a target.
        runner: executes the SQL instead; it stays the caller's, and `db_path` is only a label.
        config: settings; the environment at the first import of the package by default.
        share_in_process: use the connections of persistent queues with the same settings.
    """

    def __init__(
        self,
        db_path: str | BrokerTarget,
        runner: _runner.SQLRunner | None = None,
        *,
        config: Mapping[str, typing.Any] = SNAPSHOT,
        share_in_process: bool = False,
    ) -> None:
        settings = config_handle(config)
        target = None if runner is not None else as_target(db_path)
        self._start(target, runner, settings, share_in_process)

    @classmethod
    def _at(cls, target: BrokerTarget, config: Config) -> typing.Self:
        """A shared connection to a target whose settings are known."""
        connection = cls.__new__(cls)
        connection._start(target, None, config, True)
        return connection

    @classmethod
    def _over(cls, runner: _runner.SQLRunner, config: Config) -> typing.Self:
        """A connection over a runner; the schema is set up through it."""
        connection = cls.__new__(cls)
        connection._start(None, runner, config, False)
        connection.get_core()
        return connection

    def _start(
        self,
        target: BrokerTarget | None,
        runner: _runner.SQLRunner | None,
        config: Config,
        share: bool,
    ) -> None:
        self._target = target
        self._runner = runner
        self._config = config
        self._share = share
        self._lock = threading.Lock()
        _connections.add(self)
        self._core: BrokerCore | None = None
        self._waiting = UNSTOPPED
        self._session: Session | None = None
        if target is not None:
            self._session = self._new_session(target)

    def _thread_core(self, waiting: Waiting) -> BrokerCore:
        session = self._session  # another thread may close meanwhile
        if session is None:
            if self._target is None:
                return self.get_core()
            with self._lock:
                session = self._session
                if session is None:  # closed; used again
                    session = self._session = self._new_session(self._target)
        return session.core(waiting)

    def _require_own_process(self) -> None:
        session = self._session
        if session is not None:
            session.require_own_process()

    def _new_session(self, target: BrokerTarget) -> Session:
        if self._share:
            return acquire(target, self._config)
        return Session(target, self._config)

    def get_connection(self, *, config: Mapping[str, typing.Any] | None = None) -> BrokerCore:
        """The calling thread's broker; over a runner the one of all threads.

        Args:
            config: accepted for older programs; the settings are those of this connection.

        Raises:
            RuntimeError: it could not be opened (the cause says why), or belongs to the parent of
                this forked process.
        """
        core = self._thread_core(self._waiting)
        if self._waiting is not UNSTOPPED:
            core._use(self._waiting)
        return core

    def get_core(self) -> BrokerCore:
        """The broker that all threads may share, made at the first call."""
        if self._target is not None and self._share:
            return self.get_connection()
        with self._lock:
            if self._core is None:
                self._core = self._new_core()
            return self._core

    def _new_core(self) -> BrokerCore:
        if self._runner is None:
            assert self._target is not None
            return open_at(self._target, self._config, self._waiting)
        core = BrokerCore.__new__(BrokerCore)
        core._runner = self._runner
        core._prepare(self._config, None)
        core._use(self._waiting)
        core._enter()
        return core

    def set_stop_event(self, stop_event: threading.Event | None) -> None:
        """Lets an event end operations with StopException; None: nothing does."""
        self._waiting = waiting_for(stop_event)
        if self._core is not None:
            self._core._use(self._waiting)

    def release_connection_after_use(self) -> None:
        """Closes the calling thread's broker, unless it is shared in the process."""
        session = self._session
        if session is not None and not self._share:
            session.drop_thread()

    def cleanup(self, *, config: Mapping[str, typing.Any] | None = None) -> None:
        """The same as `close()`."""
        self.close()

    def close(self) -> None:
        """Closes what this connection holds, in all threads. Usable again afterwards."""
        with self._lock:
            session, self._session = self._session, None
            core, self._core = self._core, None
        if session is not None:
            if self._share:
                release(session)
            else:
                session.close()
        if core is not None:
            core.close()

    def __enter__(self) -> typing.Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_session", None) is not None and self._share:
            self.close()

    def __reduce__(self) -> typing.Any:
        raise TypeError("DBConnection instances cannot be pickled. Create one in each process.")
