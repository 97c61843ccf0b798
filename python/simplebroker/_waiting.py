"""What ends a call that waits: Ctrl-C, and a stop event.

The library asks while it waits, on the waiting thread. Asking runs Python code, and that is when
Python's own signal handlers run: so Ctrl-C ends every wait of the main thread.
"""

from __future__ import annotations

import os
import threading
from functools import partial

from ._exceptions import StopException
from ._later import typing
from ._library import NULL, callback_failed, check
from ._native import ffi, lib

NO_BOUND = -1

# os.fork() holds the interpreter's lock, which those who are asked would need.
os.register_at_fork(before=lib.sb_fork_soon)


def _interrupted(kind: typing.Any, exception: BaseException, traceback: typing.Any) -> int:
    return callback_failed(exception, lib.SB_CANCELLED)


@ffi.def_extern(error=1, onerror=_interrupted)
def sbpy_poll(payload: typing.Any) -> int:
    """Whether the waiting call is to end: its stop event is set."""
    return int(payload != NULL and ffi.from_handle(payload).is_set())


def _outlived(*kept: typing.Any) -> None:
    """Ends what had to live as long as a native object: nothing to do, they are let go."""


class Waiting:
    """Options of calls that wait, and the event that ends them."""

    __slots__ = ("_cancel", "_payload", "event", "options")

    def __init__(self, event: threading.Event | None = None) -> None:
        out = ffi.new("sb_cancel **")
        check(lib.sb_cancel_new(out))
        self._cancel = ffi.gc(out[0], lib.sb_cancel_free)
        self._payload = NULL if event is None else ffi.new_handle(event)
        lib.sb_cancel_on_poll(self._cancel, lib.sbpy_poll, self._payload)
        self.event = event
        # Whoever has the options may be waiting with them: they keep the switch.
        self.options = ffi.gc(new_options(), partial(_outlived, self._cancel, self._payload))
        self.options.cancel = self._cancel

    def raise_if_stopped(self) -> None:
        """Raises StopException when the event is set."""
        if self.event is not None and self.event.is_set():
            raise StopException("Connection interrupted: the stop event is set")


def new_options() -> typing.Any:
    """An owned `sb_options *` with defaults, and bodies that are text."""
    options = ffi.new("sb_options *")
    check(lib.sb_options_init(options, lib.SB_OPTIONS_VERSION))
    options.flags = lib.SB_UTF8
    return options


def options_like(
    options: typing.Any, after: int = NO_BOUND, before: int = NO_BOUND, flags: int = 0
) -> typing.Any:
    """A copy of options with bounds and flags."""
    copy = ffi.new("sb_options *")
    if options is not UNSTOPPED.options:
        copy = ffi.gc(copy, partial(_outlived, options))  # the switch is theirs
    copy[0] = options[0]
    copy.after = after
    copy.before = before
    copy.flags |= flags
    return copy


UNSTOPPED = Waiting()


def waiting_for(event: threading.Event | None) -> Waiting:
    """What a call that this event may end waits with."""
    return UNSTOPPED if event is None else Waiting(event)
