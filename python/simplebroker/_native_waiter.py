"""The activity waiter of the built-in backend: the library's, which a commit wakes at once."""

from __future__ import annotations

import math
import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from ._config import Config, issue_warning, issue_warnings
from ._exceptions import StopException
from ._library import EMPTY, OK, check
from ._native import ffi, lib
from ._session import identity_of, open_at
from ._stopping import StopSwitch
from ._targets import BrokerTarget
from ._waiting import NO_BOUND, UNSTOPPED, Waiting, new_options
from .db import BrokerDB

_TURN_PIECE = 0.05  # seconds between two looks whether to go on waiting for another thread's wait
_LONGEST_MS = 2**31 - 1
_DESCRIPTORS = 8  # more than a waiter and its broker need

_process = [0]  # how often the process was forked off, counted from the first one on


def _leave_to_parent() -> None:
    """In a forked child: waiters and their brokers are the parent's."""
    _process[0] += 1
    _brokers.clear()


os.register_at_fork(after_in_child=_leave_to_parent)

# What waiters wait with: a broker of their own, for each target and settings, as long as one of them
# is open. That of a thread or an operation may be closed at any time, and would end their waits.
_brokers: weakref.WeakValueDictionary[Any, BrokerDB] = weakref.WeakValueDictionary()
_warned: set[str] = set()


def _never() -> bool:
    return False


class NativeWaiter:
    """Waits for messages in queues of one broker.

    It is awake from its making on, between waits too: a wait reports what came since the last one,
    once. So take from the queues until nothing is left, then wait again.

    One thread waits at a time; others that try meanwhile wait for their turn. Closing it, from any
    thread, ends a wait that goes on.

    Args:
        broker: keeps what the library waits with open.
        names: of the queues.
        stop_event: ends waits at once when it is set.
        after: messages up to this id are no reason to wake.
        taking: whoever waits takes the messages away: of several such waiters of a process, one is
            woken for each message, and must take it or be closed.

    Attributes:
        patient: for its owner to say that he looks at nothing but the database, and need not look
            while nobody has changed that.
    """

    def __init__(
        self,
        broker: BrokerDB,
        names: Sequence[str],
        stop_event: threading.Event | None,
        after: int | None = None,
        taking: bool = False,
    ) -> None:
        self.stop_event = stop_event
        self.patient = False
        self._made_in = _process[0]
        self._broker: BrokerDB | None = broker
        self._native: Any = None
        self._turn = threading.Lock()
        self._switch = StopSwitch(stop_event)
        self._options = new_options()
        self._options.flags = 0
        self._options.cancel = self._switch.native
        try:
            self._open(broker, names, after, taking)
        except BaseException:
            self.close()
            raise

    def _open(
        self, broker: BrokerDB, names: Sequence[str], after: int | None, taking: bool
    ) -> None:
        out = ffi.new("sb_waiter **")
        check(lib.sb_waiter_open(out, broker._broker()))
        self._native = ffi.gc(out[0], lib.sb_waiter_close)
        options = new_options()
        options.flags = lib.SB_TAKING if taking else 0
        options.after = after if isinstance(after, int) and 0 <= after < 2**63 else NO_BOUND
        for name in names:
            encoded = name.encode()
            check(lib.sb_waiter_add(self._native, encoded, len(encoded), options))

    @property
    def has_events(self) -> bool:
        """Whether messages wake it; False: it would poll."""
        return self._native is not None and bool(lib.sb_waiter_has_events(self._native))

    @property
    def inherited(self) -> bool:
        """Whether it was made before the process was forked: then it is the parent's."""
        return self._made_in != _process[0]

    @property
    def usable(self) -> bool:
        """Whether it can be waited on."""
        return self._native is not None and not self.inherited

    def wait(self, timeout: float) -> bool:
        """Waits at most `timeout` seconds; True is a hint that something may have come.

        False at once when the stop event is set, and when the waiter is closed.

        Raises:
            RuntimeError: it belongs to the parent of this forked process.
            OperationalError: the storage cannot be read any more.
        """
        return self.wait_unless(timeout, _never)

    def wait_unless(
        self, timeout: float, needless: Callable[[], bool], patient: bool = False
    ) -> bool:
        """The same, for those who know more.

        Args:
            timeout: as for `wait()`.
            needless: ends the wait at once; whoever makes it true later calls `wake()`.
            patient: a wait in vain begins anew while nobody has changed the database.
        """
        if self.inherited:
            raise RuntimeError(
                "this waiter was made before the process was forked and belongs to the parent; "
                "make a new one in the forked process"
            )
        end = time.monotonic() + timeout
        if not self._turn.acquire(False) and not self._awaits_turn(end):
            return False
        try:
            return self._wait(end, needless, patient and self._switch.piece is None)
        finally:
            self._turn.release()

    def wake(self) -> None:
        """Ends a wait that goes on now, if there is one."""
        if self._turn.locked():
            self._switch.throw()

    def close(self) -> None:
        """Ends the waiter for good; later calls do nothing."""
        native, self._native = self._native, None
        self._switch.leave()
        if native is None or self.inherited:
            return
        self._switch.throw()
        # A thread that is in a wait has it too: it is freed when nobody has it any more.
        self._broker = None

    def __del__(self) -> None:
        switch = getattr(self, "_switch", None)
        if switch is not None:
            switch.leave()

    def _awaits_turn(self, end: float) -> bool:
        while (left := end - time.monotonic()) > 0 and self.usable and not self._switch.stopped():
            if self._turn.acquire(timeout=min(left, _TURN_PIECE)):
                return True
        return False

    def _wait(self, end: float, needless: Callable[[], bool], patient: bool) -> bool:
        piece = self._switch.piece
        while self._switch.ready():
            native = self._native  # after the switch was made ready: see close()
            if native is None or needless():
                return False
            left = max(0.0, end - time.monotonic())
            last = piece is None or left <= piece
            self._options.timeout_ms = _milliseconds(left if last else piece)
            self._options.flags = lib.SB_IF_CHANGED if patient else 0
            status = lib.sb_waiter_wait(native, self._options)
            if status == OK:
                return True
            # After SB_INTERRUPTED Python runs its signal handlers here, which may raise.
            if status != lib.SB_INTERRUPTED and (status != EMPTY or last):
                return self._ended(status)
        return False

    def _ended(self, status: int) -> bool:
        try:
            if status not in (lib.SB_CANCELLED, lib.SB_ECLOSED):
                check(status)
        finally:
            issue_warnings()
        return False


def _milliseconds(seconds: float | None) -> int:
    if seconds is None or seconds * 1000 >= _LONGEST_MS:
        return _LONGEST_MS
    return math.ceil(seconds * 1000)


def open_waiter(
    target: BrokerTarget,
    config: Config,
    names: Sequence[str],
    stop_event: threading.Event | None,
    *,
    after: int | None = None,
    taking: bool = False,
    waiting: Waiting = UNSTOPPED,
) -> NativeWaiter | None:
    """A waiter for queues at a target; None where nothing can wake it, or it cannot be made.

    Then whoever would wait polls, and hears from that what is wrong. The database is opened, and
    made if it is not there.

    Raises:
        StopException: the event of `waiting` is set.
    """
    try:
        broker = _broker_at(target, config, waiting)
        waiter = NativeWaiter(broker, names, stop_event, after, taking)
    except StopException:
        raise
    except Exception as error:
        _tell_of_descriptors(target, error)
        return None
    try:
        issue_warnings()
        wakes = waiter.has_events
    except BaseException:
        waiter.close()
        raise
    if not wakes:
        waiter.close()
        return None
    return waiter


def _broker_at(target: BrokerTarget, config: Config, waiting: Waiting) -> BrokerDB:
    identity = identity_of(target, config)
    broker = _brokers.get(identity)
    if broker is None:
        opened = open_at(target, config, waiting)
        opened._use(UNSTOPPED)
        broker = _brokers.setdefault(identity, opened)
    return broker


def _tell_of_descriptors(target: BrokerTarget, error: Exception) -> None:
    """Warns, once for a target, when what is missing is descriptors."""
    if target.target in _warned or _descriptors_are_left():
        return
    _warned.add(target.target)
    text = f"watchers of {target.display_target} poll: no descriptor is left to wait with ({error})"
    issue_warning(lib.SB_WARN_POLLING, text)


def _descriptors_are_left() -> bool:
    held: list[int] = []
    try:
        for _ in range(_DESCRIPTORS):
            held.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return False
    finally:
        for descriptor in held:
            os.close(descriptor)
    return True
