"""How a stop event ends a wait in the library at once, without anybody looking at the event.

`threading.Event` has no place to register somebody who is told. But its `set()` sets the flag, then
calls `release()` of each object in the list of those who wait: the locks of sleeping threads. A hook
in that list throws switches instead. It is put there once and stays until the event is set, so that
no wait needs the event's lock: a signal handler that interrupts a wait may set the event.

Nothing is lost: a wait first sees to it that the hook is in the list, then looks at the flag, while
`set()` first sets the flag, then looks into the list. The list is only appended to, which `set()`
expects at any time; what is of no use any more stays there empty, one small object for an event.

An event that is not quite `threading.Event` (another class, or one that has its own `set` or
`is_set`) is looked at in pieces of 50 ms: nobody can know whom it tells.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from typing import Any

from ._library import check
from ._native import ffi, lib

_PIECE = 0.05  # seconds between two looks at an event that tells nobody


class _Hook:
    """Stands in the list of those who wait on an event, like the lock of a thread."""

    __slots__ = ("__weakref__", "_armed", "_list", "switches")

    def __init__(self, waiting: deque[Any]) -> None:
        self._list = waiting
        self._armed = False
        self.switches: set[Any] = set()

    def arm(self) -> None:
        if not self._armed:
            self._armed = True  # before, since the event may be set right after
            self._list.append(self)

    def release(self) -> None:
        """The event is set; it has taken, or takes, the hook off its list."""
        self._armed = False
        for switch in tuple(self.switches):
            lib.sb_cancel_set(switch)


_hooks: weakref.WeakKeyDictionary[threading.Event, _Hook] = weakref.WeakKeyDictionary()


def _leave_to_parent() -> None:
    """In a forked child: a switch that is thrown here would wake the parent, by its pipe."""
    for hook in list(_hooks.values()):
        hook.switches.clear()


os.register_at_fork(after_in_child=_leave_to_parent)


def _hook_of(event: Any) -> _Hook | None:
    condition = getattr(event, "_cond", None)
    waiting = getattr(condition, "_waiters", None)
    if (
        getattr(event.is_set, "__func__", None) is not threading.Event.is_set
        or getattr(getattr(event, "set", None), "__func__", None) is not threading.Event.set
        or type(condition) is not threading.Condition
        or type(waiting) is not deque
    ):
        return None
    try:
        return _hooks.setdefault(event, _Hook(waiting))
    except TypeError:  # it has no hash
        return None


class StopSwitch:
    """A switch of the library's for one who waits, which a stop event throws too.

    Args:
        event: anything with `is_set()`; None: only `throw()` does.

    Attributes:
        native: the `sb_cancel *`.
        piece: seconds after which a wait is to look at the event; None: it is told.

    Raises:
        OSError: no descriptor is left.
    """

    __slots__ = ("_event", "_hook", "native", "piece")

    def __init__(self, event: threading.Event | None) -> None:
        out = ffi.new("sb_cancel **")
        check(lib.sb_cancel_new(out))
        self.native = ffi.gc(out[0], lib.sb_cancel_free)
        self._event = event
        self._hook = None if event is None else _hook_of(event)
        self.piece = _PIECE if self._hook is None and event is not None else None
        if self._hook is not None:
            self._hook.switches.add(self.native)

    def ready(self) -> bool:
        """Prepares a wait; False when the event is set: then there is none."""
        if lib.sb_cancel_is_set(self.native):
            lib.sb_cancel_reset(self.native)
        if self._hook is not None:
            self._hook.arm()
        return not self.stopped()

    def stopped(self) -> bool:
        """Whether the event is set."""
        return self._event is not None and self._event.is_set()

    def throw(self) -> None:
        """Ends a wait that goes on now."""
        lib.sb_cancel_set(self.native)

    def leave(self) -> None:
        """Forgets the event. Repeatable."""
        if self._hook is not None:
            self._hook.switches.discard(self.native)
