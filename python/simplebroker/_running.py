"""The runs of a watcher: how many there are, their threads, and their end with the interpreter."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Callable

_PATIENCE_AT_EXIT = 3.0  # seconds, for all threads together

_with_threads: set[Running] = set()


class Running:
    """Counts the runs of a watcher, those in threads of their own included.

    Args:
        stop_event: ends all of them.
    """

    def __init__(self, stop_event: threading.Event) -> None:
        self.count = 0
        self._stop_event = stop_event
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def enter(self) -> None:
        """A run begins."""
        with self._lock:
            self.count += 1

    def leave(self) -> None:
        """A run has ended, and has cleaned up."""
        with self._lock:
            self.count -= 1
            if self.count == 0:
                _with_threads.discard(self)

    def start(self, run: Callable[[], None]) -> threading.Thread:
        """Begins a run in a daemon thread. `run` calls `leave` as its last act."""
        thread = threading.Thread(target=run, daemon=True)
        self.enter()
        _with_threads.add(self)
        try:
            thread.start()
        except BaseException:
            self.leave()
            raise
        with self._lock:
            alive = [other for other in self._threads if other.is_alive()]
            self._threads = [*alive, thread]
        return thread

    def join(self, timeout: float) -> None:
        """Waits for the threads, the calling one left out, at most so many seconds."""
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))

    def stop(self) -> None:
        """Tells the runs to end."""
        self._stop_event.set()


def _stop_all() -> None:
    """Lets no thread work on while the interpreter is taken apart around it."""
    remaining = list(_with_threads)
    for running in remaining:
        running.stop()
    deadline = time.monotonic() + _PATIENCE_AT_EXIT
    for running in remaining:
        running.join(max(0.0, deadline - time.monotonic()))


atexit.register(_stop_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_with_threads.clear)  # a child has none of the threads
