"""What all watchers share: runs, their end, tries after errors, and how a handler is called."""

from __future__ import annotations

import _thread
import os
import random
import signal
import threading
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from ._activity import ActivityWaiter
from ._config import SNAPSHOT, config_handle
from ._exceptions import OperationalError, StopException, StopWatching
from ._handlers import log_debug, log_error
from ._native_waiter import NativeWaiter
from ._polling import PollingStrategy
from ._running import Running
from ._targets import BrokerTarget
from .db import BrokerDB
from .sbqueue import Queue

_PLAIN = Queue.create_activity_waiter  # not overridden: nobody wants to see it called
Handler = Callable[[str, int], Any]
ErrorHandler = Callable[[Exception, str, int], bool | None]
_Result = TypeVar("_Result")

_TRIES = 5
_TRY_PAUSE = 0.05  # seconds at most, doubled after each try
_RUN_TRIES = 3
_RUN_PAUSE = 2.0  # seconds, doubled after each run
_RETRY_CAP = 300.0  # seconds for all runs together
_SHOWN_OF_OVERSIZED = 1000  # characters
_ENDS = (StopWatching, StopException)  # a run ends with these, quietly


def config_aware_default_error_handler(exc: Exception, message: str, timestamp: int) -> bool:
    """Goes on; the watcher itself logs the error where `BROKER_LOGGING_ENABLED` says so."""
    return True


def _path_of(db: BrokerDB | str | Path | BrokerTarget | None) -> str | BrokerTarget | None:
    if db is None or isinstance(db, (str, BrokerTarget)):
        return db
    if isinstance(db, os.PathLike):
        return os.fspath(db)
    if isinstance(db, BrokerDB):
        return str(db.db_path)
    raise TypeError(
        f"Watcher db= must be a path, BrokerTarget, or BrokerDB, not {type(db).__name__}"
    )


class BaseWatcher(ABC):
    """Runs `_drain_queue` at the start, and after each wait in which something may have come.

    A subclass may override `_has_pending_messages`, `_create_activity_waiter` and
    `_create_strategy` too, and may call `_check_stop`, and `_dispatch` once it has set `_handler`
    and, if it likes, `_error_handler`. After a drain that leaves messages it calls
    `_strategy.notify_activity`: then the next one follows without a wait.

    Args:
        queue: a queue, or the name of one in `db`.
        db: where a queue given by name is. Of a `BrokerDB` only the path is taken.
        stop_event: set by `stop()`, or by whoever else wants the end. While it is set, operations
            of the watcher's queue raise `StopException`.
        polling_strategy: how to wait; by default one made from the configuration.
        config: settings; by default those of the process at its start.

    Raises:
        TypeError: `db` is of another type.
    """

    _handler: Handler | None = None
    _error_handler: ErrorHandler | None = None
    _signalled = False

    def __init__(
        self,
        queue: str | Queue,
        *,
        db: BrokerDB | str | Path | BrokerTarget | None = None,
        stop_event: threading.Event | None = None,
        polling_strategy: PollingStrategy | None = None,
        config: Mapping[str, Any] = SNAPSHOT,
    ) -> None:
        self._stop_event = threading.Event() if stop_event is None else stop_event
        self._running = Running(self._stop_event)
        self._config = config_handle(config).values
        self._owns_queue = not isinstance(queue, Queue)
        self._queue_obj = (
            queue
            if isinstance(queue, Queue)
            else Queue(queue, db_path=_path_of(db), persistent=True, config=config)
        )
        self._queue_obj.set_stop_event(self._stop_event)
        self._own_waiter: NativeWaiter | None = None
        self._strategy = polling_strategy or self._create_strategy()

    def _create_strategy(self) -> PollingStrategy:
        return PollingStrategy(
            self._stop_event,
            initial_checks=self._config["BROKER_INITIAL_CHECKS"],
            max_interval=self._config["BROKER_MAX_INTERVAL"],
            burst_sleep=self._config["BROKER_BURST_SLEEP"],
            jitter_factor=self._config["BROKER_JITTER_FACTOR"],
        )

    # ---- starting and stopping ---------------------------------------------------------------

    def run_forever(self) -> None:
        """Works until stopped; in the main thread SIGINT and SIGTERM stop it too."""
        self._running.enter()
        self._run()

    def run(self) -> None:
        """The same as `run_forever`."""
        self.run_forever()

    def run_in_thread(self) -> threading.Thread:
        """Starts a daemon thread that works until stopped, and returns it.

        When the interpreter exits, the thread is stopped and waited for, at most three seconds.
        """
        return self._running.start(self._run)

    def start(self) -> threading.Thread:
        """The same as `run_in_thread`."""
        return self.run_in_thread()

    def stop(self, *, join: bool = True, timeout: float = 2.0) -> None:
        """Ends the work after the message in hand. From any thread, repeatable.

        Args:
            join: whether to wait for the thread.
            timeout: seconds to wait at most.
        """
        self._stop_event.set()
        if join:
            self._running.join(timeout)

    def is_running(self) -> bool:
        """Whether a run has begun and has not yet cleaned up."""
        return self._running.count > 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        self.stop()

    def __del__(self) -> None:
        running = getattr(self, "_running", None)
        if running is not None and running.count and not self._stop_event.is_set():
            warnings.warn(f"{type(self).__name__} was not stopped", ResourceWarning, stacklevel=2)

    def _run(self) -> None:
        try:
            with self._signals_stop():
                self._run_with_retries()
        finally:
            try:
                self._cleanup()
            finally:
                self._running.leave()

    def _cleanup(self) -> None:
        try:
            self._disconnect()
        finally:
            if self._owns_queue:
                self._queue_obj.close()

    def _disconnect(self) -> None:
        """Ends what a run waits on and works with: each waiter is closed by whoever made it."""
        made_by_queue = self._queue_obj._waiter
        if made_by_queue is not None:
            self._strategy.detach_activity_waiter(expected=made_by_queue)
        own, self._own_waiter = self._own_waiter, None
        try:
            self._strategy.close()
        finally:
            try:
                if own is not None:
                    own.close()
            finally:
                self._queue_obj.cleanup_connections()

    @contextmanager
    def _signals_stop(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        previous = [
            (number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)
        ]
        try:
            for number, _ in previous:
                signal.signal(number, self._on_signal)
            yield
        finally:
            for number, handler in previous:
                signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _on_signal(self, number: int, frame: Any) -> None:
        # The interrupted code may hold the event's own lock, so that setting it here could wait
        # for ever: the next look at the flag does it, or a bare thread, to end a wait.
        self._signalled = True
        _thread.start_new_thread(self._stop_event.set, ())

    # ---- the work ----------------------------------------------------------------------------

    def _run_with_retries(self) -> None:
        began = time.monotonic()
        for attempt in range(1, _RUN_TRIES + 1):
            try:
                self._work()
                return
            except _ENDS:
                return
            except Exception as error:
                if attempt == _RUN_TRIES:
                    text = f"Watcher failed after {_RUN_TRIES} retries. Last error: {error}"
                    log_error(text, error)
                    raise
                if time.monotonic() - began > _RETRY_CAP:
                    raise TimeoutError(f"Watcher retried for {_RETRY_CAP:.0f} s") from error
                log_debug(f"Watcher error (retry {attempt}/{_RUN_TRIES}): {error}")
                with suppress(Exception):  # what failed shall not be used again
                    self._disconnect()
            if self._stop_event.wait(_RUN_PAUSE * 2 ** (attempt - 1)):
                return

    def _work(self) -> None:
        self._check_stop()
        self._start_strategy()
        self._insist(self._drain_queue)
        while True:
            self._check_stop()
            self._strategy.wait_for_activity()
            self._check_stop()
            if self._skips_idle_check() or self._insist(self._has_pending_messages):
                self._insist(self._drain_queue)

    def _start_strategy(self) -> None:
        queue = self._queue_obj
        self._refresh_last_ts()
        self._strategy.start(
            queue.get_data_version,
            on_data_version_change=self._refresh_last_ts,
            activity_waiter=self._create_activity_waiter(queue),
        )

    def _refresh_last_ts(self) -> None:
        """Keeps the queue's cached high water new. It is for the handler's use: work goes on."""
        try:
            self._queue_obj.refresh_last_ts()
        except StopException:
            raise
        except Exception as error:
            log_debug("last_ts could not be read", error)

    def _create_activity_waiter(self, queue: Queue) -> ActivityWaiter | None:
        """What wakes the watcher: one of its own with the built-in backend, else the queue's."""
        asked = getattr(queue.create_activity_waiter, "__func__", None)
        if asked is not _PLAIN or not queue._wakes_natively():
            return queue.create_activity_waiter(stop_event=self._stop_event)
        after, taking = self._waits_for()
        self._own_waiter = queue._new_native_waiter(self._stop_event, (), after, taking)
        return self._own_waiter

    def _waits_for(self) -> tuple[int | None, bool]:
        """The bound of what wakes it, and whether its drains take what there is."""
        return None, False

    def _check_stop(self) -> None:
        """Raises StopWatching once the watcher is to stop."""
        if self._signalled:
            self._signalled = False
            self._stop_event.set()
        if self._stop_event.is_set():
            raise StopWatching

    def _skips_idle_check(self) -> bool:
        return False

    def _has_pending_messages(self) -> bool:
        """Whether a drain is worth its while."""
        return True

    @abstractmethod
    def _drain_queue(self) -> None:
        """Handles what is there, or a part of it."""

    def _insist(self, work: Callable[[], _Result]) -> _Result:
        """Does something with the queue, several times if the storage does not let it."""
        for attempt in range(1, _TRIES):
            try:
                return work()
            except StopException:
                raise
            except OperationalError as error:
                log_debug(f"Storage error (try {attempt}/{_TRIES}): {error}")
            pause = _TRY_PAUSE * 2 ** (attempt - 1)
            self._stop_event.wait(random.uniform(0.0, pause))
            self._check_stop()
        return work()

    # ---- a message ---------------------------------------------------------------------------

    def _dispatch(
        self, message: str, timestamp: int, *, config: Mapping[str, Any] | None = None
    ) -> bool:
        """Hands a message to the handler, and a failure of it to the error handler.

        Args:
            config: settings to go by instead of the watcher's.

        Returns:
            Whether the handler succeeded; without a handler, True.

        Raises:
            StopWatching: the watcher is to end.
        """
        settings = self._config
        if config is not None and config is not settings:
            settings = config_handle(config, ambient="snapshot").values
        try:
            self._check_size(message, settings)
        except ValueError as error:
            self._report(error, message[:_SHOWN_OF_OVERSIZED] + "...", timestamp, settings)
            return False
        if self._handler is None:
            return True
        try:
            self._handler(message, timestamp)
        except _ENDS:
            raise
        except Exception as error:
            self._report(error, message, timestamp, settings)
            return False
        return True

    def _check_size(self, message: str, settings: Mapping[str, Any]) -> None:
        limit = settings["BROKER_MAX_MESSAGE_SIZE"]
        size = len(message) if message.isascii() else len(message.encode())
        if size > limit:
            text = f"Message size ({size} bytes) exceeds {limit} byte limit"
            if settings["BROKER_LOGGING_ENABLED"]:
                log_error(text)
            raise ValueError(text)

    def _report(
        self, error: Exception, message: str, timestamp: int, settings: Mapping[str, Any]
    ) -> None:
        handler = self._error_handler or config_aware_default_error_handler
        logs = settings["BROKER_LOGGING_ENABLED"]
        if logs and handler is config_aware_default_error_handler:
            log_error(f"Handler error: {error}")
        try:
            verdict = handler(error, message, timestamp)
        except _ENDS:
            raise
        except Exception as second:
            if logs:
                log_error(f"Error handler failed: {second}\nOriginal error: {error}", second)
            return
        if verdict is False:
            raise StopWatching
