"""The core's waiter in an event loop: the loop watches its descriptor, no thread waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ._library import EMPTY, sized_text
from ._native import ffi, lib
from ._waiting import new_options
from .db import BrokerCore


def open_waiter(core: BrokerCore) -> Any:
    """An owned `sb_waiter *` of a broker."""
    out = ffi.new("sb_waiter **")
    core._done(lib.sb_waiter_open(out, core._broker()), "watch")
    return ffi.gc(out[0], lib.sb_waiter_close)


class Bell:
    """Tells which of its queues may have messages.

    Args:
        core: the broker.
        waiter: of it.
        heard: called in the loop with the names of queues that something came to. It comes once for
            what came since the last time: whoever hears it looks until nothing is left.
        failed: called in the loop when it cannot wait any more.
        pause: seconds between two looks where nothing can wake the waiter.
    """

    def __init__(
        self,
        core: BrokerCore,
        waiter: Any,
        heard: Callable[[list[str]], None],
        failed: Callable[[BaseException], None],
        pause: float,
    ) -> None:
        self._core = core
        self._waiter = waiter
        self._heard = heard
        self._failed = failed
        self._pause = max(pause, 0.001)
        self._loop = asyncio.get_running_loop()
        self._fd = -1
        self._timer: asyncio.TimerHandle | None = None
        self._at_once = new_options()
        self._at_once.timeout_ms = 0
        self._name, self._size = ffi.new("const char **"), ffi.new("size_t *")

    def add(self, queue: bytes) -> None:
        """Adds a queue; it is told of at once if it has messages now."""
        status = lib.sb_waiter_add(self._waiter, queue, len(queue), ffi.NULL)
        self._core._done(status, "watch")
        self._attend()

    def remove(self, queue: bytes) -> None:
        """Removes a queue."""
        lib.sb_waiter_remove(self._waiter, queue, len(queue))

    def _attend(self) -> None:
        """Has the loop call `_look()`: the descriptor may come and go."""
        fd = lib.sb_waiter_fd(self._waiter)
        if fd != self._fd:
            if self._fd >= 0:
                self._loop.remove_reader(self._fd)
            self._fd = fd
            if fd >= 0:
                self._loop.add_reader(fd, self._look)
        if fd < 0 and self._timer is None:
            self._timer = self._loop.call_later(self._pause, self._poll)

    def _poll(self) -> None:
        self._timer = None
        self._look()

    def _look(self) -> None:
        status = lib.sb_waiter_wait(self._waiter, self._at_once)
        names: list[str] = []
        if status == 0:
            while lib.sb_waiter_next(self._name, self._size, self._waiter) != EMPTY:
                names.append(sized_text(self._name[0], self._size[0]))
        if status < 0:
            error = self._core._failed(status, "watch")
            self.close()
            self._failed(error)
            return
        self._attend()
        if names:
            self._heard(names)

    def close(self) -> None:
        """Ends it for good. Repeatable."""
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            self._fd = -1
        if self._timer is not None:
            self._timer.cancel()
        ffi.release(self._waiter)
