"""Watchers: they wait for messages of a queue and hand each to a function.

A watcher works only through public methods of its `Queue`, so that overrides in subclasses see
everything it does.
"""

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
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from ._activity import ActivityWaiter
from ._config import SNAPSHOT, config_handle
from ._exceptions import OperationalError, StopException, StopWatching
from ._handlers import (
    default_error_handler,
    json_print_handler,
    log_error,
    logger_handler,
    simple_print_handler,
)
from ._polling import PollingStrategy
from ._targets import BrokerTarget
from .db import BrokerDB
from .sbqueue import Queue

__all__ = [
    "BaseWatcher",
    "Message",
    "PollingStrategy",
    "QueueMoveWatcher",
    "QueueWatcher",
    "StopWatching",
    "default_error_handler",
    "json_print_handler",
    "logger_handler",
    "simple_print_handler",
]

Handler = Callable[[str, int], Any]
ErrorHandler = Callable[[Exception, str, int], bool | None]

_StopLoop = StopWatching

_DRAIN_TRIES = 5
_DRAIN_PAUSE = 0.05  # seconds, doubled after each try
_RUN_TRIES = 3
_RUN_PAUSE = 2.0  # seconds, doubled after each run
_RETRY_CAP = 300.0  # seconds for all runs together
_SHOWN_OF_OVERSIZED = 1000  # characters


class Message(NamedTuple):
    """A message as programs may want to pass it around."""

    id: int
    body: str
    timestamp: int
    queue: str


def config_aware_default_error_handler(exc: Exception, message: str, timestamp: int) -> bool:
    """Goes on; the watcher itself logs the error where `BROKER_LOGGING_ENABLED` says so."""
    return True


def _path_of(db: BrokerDB | str | Path | BrokerTarget | None) -> str | BrokerTarget | None:
    if db is None or isinstance(db, (str, BrokerTarget)):
        return db
    if isinstance(db, os.PathLike):
        return os.fspath(db)
    from .db import BrokerDB

    if isinstance(db, BrokerDB):
        return str(db.db_path)
    raise TypeError(
        f"Watcher db= must be a path, BrokerTarget, or BrokerDB, not {type(db).__name__}"
    )


def _require_callable(name: str, value: object) -> None:
    if not callable(value):
        raise TypeError(f"{name} must be callable, got {type(value).__name__}")


class BaseWatcher(ABC):
    """Runs `_drain_queue` at the start and whenever the database has changed.

    Args:
        queue: a queue, or the name of one in `db`.
        db: where a queue given by name is. Of a `BrokerDB` only the path is taken.
        stop_event: set by `stop()`, or by whoever else wants the end.
        polling_strategy: how to wait; by default one made from the configuration.
        config: settings; by default those of the process at its start.

    Raises:
        TypeError: `db` is of another type.
    """

    def __init__(
        self,
        queue: str | Queue,
        *,
        db: BrokerDB | str | Path | BrokerTarget | None = None,
        stop_event: threading.Event | None = None,
        polling_strategy: PollingStrategy | None = None,
        config: Mapping[str, Any] = SNAPSHOT,
    ) -> None:
        self._thread: threading.Thread | None = None
        self._stop_event = threading.Event() if stop_event is None else stop_event
        self._lock = threading.Lock()
        self._runs = 0
        path = _path_of(db)
        self._config = config_handle(config, ambient="snapshot").values
        self._owns_queue = not isinstance(queue, Queue)
        self._queue_obj = (
            queue
            if isinstance(queue, Queue)
            else Queue(queue, db_path=path, persistent=True, config=config)
        )
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
        self._enter()
        self._run()

    def run(self) -> None:
        """The same as `run_forever`."""
        self.run_forever()

    def run_in_thread(self) -> threading.Thread:
        """Starts a daemon thread that works until stopped, and returns it."""
        thread = threading.Thread(target=self._run, daemon=True)
        self._enter()
        try:
            thread.start()
        except BaseException:
            self._leave()
            raise
        self._thread = thread
        return thread

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
        thread = self._thread
        if join and thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def is_running(self) -> bool:
        """Whether a run has begun and has not yet cleaned up."""
        return self._runs > 0

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
        if getattr(self, "_thread", None) is not None and not self._stop_event.is_set():
            warnings.warn(f"{type(self).__name__} was not stopped", ResourceWarning, stacklevel=2)

    def _enter(self) -> None:
        with self._lock:
            self._runs += 1

    def _leave(self) -> None:
        with self._lock:
            self._runs -= 1

    def _run(self) -> None:
        try:
            with self._signals_stop():
                self._run_with_retries()
        finally:
            try:
                self._cleanup()
            finally:
                self._leave()

    def _cleanup(self) -> None:
        try:
            self._strategy.close()
        finally:
            self._queue_obj.cleanup_connections()
            if self._owns_queue:
                self._queue_obj.close()

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
        # for ever: a bare thread does it.
        _thread.start_new_thread(self._stop_event.set, ())

    # ---- the work ----------------------------------------------------------------------------

    def _run_with_retries(self) -> None:
        began = time.monotonic()
        for attempt in range(1, _RUN_TRIES + 1):
            try:
                self._work()
                return
            except (StopWatching, StopException):
                return
            except Exception as error:
                if attempt == _RUN_TRIES:
                    log_error(f"Watcher failed after {_RUN_TRIES} retries. Last error: {error}")
                    raise
                if time.monotonic() - began > _RETRY_CAP:
                    raise TimeoutError(f"Watcher retried for {_RETRY_CAP:.0f} s") from error
            if self._stop_event.wait(_RUN_PAUSE * 2 ** (attempt - 1)):
                return

    def _work(self) -> None:
        self._check_stop()
        queue = self._queue_obj
        queue.set_stop_event(self._stop_event)
        self._strategy.start(
            queue.get_data_version,
            on_data_version_change=self._on_change,
            activity_waiter=self._create_activity_waiter(queue),
        )
        self._drain()
        while True:
            self._check_stop()
            self._strategy.wait_for_activity()
            self._check_stop()
            if self._may_have_messages():
                self._drain()

    def _create_activity_waiter(self, queue: Queue) -> ActivityWaiter | None:
        return queue.create_activity_waiter(stop_event=self._stop_event)

    def _on_change(self) -> None:
        self._queue_obj.refresh_last_ts()

    def _check_stop(self) -> None:
        if self._stop_event.is_set():
            raise StopWatching

    def _may_have_messages(self) -> bool:
        """Whether a drain is worth its while. A subclass that knows a cheap answer overrides it."""
        return True

    @abstractmethod
    def _drain_queue(self) -> None:
        """Handles what is there."""

    def _drain(self) -> None:
        for attempt in range(1, _DRAIN_TRIES + 1):
            try:
                self._drain_queue()
                return
            except StopException:
                raise
            except OperationalError:
                if attempt == _DRAIN_TRIES:
                    raise
            pause = _DRAIN_PAUSE * 2 ** (attempt - 1)
            self._stop_event.wait(pause * random.uniform(1.0, 1.25))
            self._check_stop()


class _HandlingWatcher(BaseWatcher):
    """Hands messages to a handler, and a handler's failures to an error handler."""

    _handler: Handler
    _error_handler: ErrorHandler

    def _skips_idle_check(self) -> bool:
        return bool(self._config["BROKER_SKIP_IDLE_CHECK"])

    def _log(self, text: str) -> None:
        if self._config["BROKER_LOGGING_ENABLED"]:
            log_error(text)

    def _handle(self, message: str, timestamp: int) -> bool:
        """Whether the handler succeeded.

        Raises:
            StopWatching: the watcher is to end.
        """
        limit = self._config["BROKER_MAX_MESSAGE_SIZE"]
        size = len(message) if message.isascii() else len(message.encode())
        if size > limit:
            error = ValueError(f"Message size ({size} bytes) exceeds {limit} byte limit")
            self._log(str(error))
            self._report(error, message[:_SHOWN_OF_OVERSIZED] + "...", timestamp)
            return False
        try:
            self._handler(message, timestamp)
        except StopWatching:
            raise
        except Exception as error:
            if self._error_handler is config_aware_default_error_handler:
                self._log(f"Handler error: {error}")
            self._report(error, message, timestamp)
            return False
        return True

    def _report(self, error: Exception, message: str, timestamp: int) -> None:
        try:
            verdict = self._error_handler(error, message, timestamp)
        except StopWatching:
            raise
        except Exception as second:
            self._log(f"Error handler failed: {second}\nOriginal error: {error}")
            return
        if verdict is False:
            raise StopWatching


class QueueWatcher(_HandlingWatcher):
    """Hands each message of a queue to a function.

    Args:
        queue: a queue, or the name of one in `db`.
        handler: called with body and id, after the claim was committed.
        db, stop_event, polling_strategy, config: as for `BaseWatcher`.
        peek: looks only; a message whose handler failed is tried again, later ones wait.
        after_timestamp: only messages with greater ids. `since_timestamp` is its old name.
        batch_processing: takes all there is in one pass.
        error_handler: called with exception, body and id; False ends the watcher.

    Raises:
        TypeError: a handler cannot be called; both names of the bound are given.
    """

    def __init__(
        self,
        queue: str | Queue,
        handler: Callable[[str, int], None],
        *,
        db: BrokerDB | str | Path | BrokerTarget | None = None,
        stop_event: threading.Event | None = None,
        peek: bool = False,
        after_timestamp: int | None = None,
        batch_processing: bool = False,
        polling_strategy: PollingStrategy | None = None,
        error_handler: ErrorHandler = config_aware_default_error_handler,
        config: Mapping[str, Any] = SNAPSHOT,
        since_timestamp: int | None = None,
    ) -> None:
        _require_callable("handler", handler)
        _require_callable("error_handler", error_handler)
        if since_timestamp is not None:
            if after_timestamp is not None:
                raise TypeError("after_timestamp and since_timestamp cannot be used together")
            after_timestamp = since_timestamp
        super().__init__(
            queue, db=db, stop_event=stop_event, polling_strategy=polling_strategy, config=config
        )
        self._handler = handler
        self._error_handler = error_handler
        self._peek = peek
        self._batch = batch_processing
        self._after = after_timestamp

    def _may_have_messages(self) -> bool:
        return self._skips_idle_check() or self._queue_obj.has_pending(self._after)

    def _drain_queue(self) -> None:
        if self._peek:
            drain = self._stream_peeked
        else:
            drain = self._stream_claimed if self._batch else self._consume_one
        while drain():
            self._check_stop()

    def _consume_one(self) -> bool:
        for body, timestamp in self._queue_obj.read_many(
            1, with_timestamps=True, after_timestamp=self._after
        ):
            self._handle(body, timestamp)
            return True
        return False

    def _stream(self) -> Iterator[tuple[str, int]]:
        return self._queue_obj.stream_messages(
            peek=self._peek,
            all_messages=self._batch,
            after_timestamp=self._after,
            commit_interval=self._config.get("BROKER_READ_COMMIT_INTERVAL", 1),
        )

    def _stream_claimed(self) -> bool:
        found = False
        for body, timestamp in self._stream():
            found = True
            self._handle(body, timestamp)
            self._check_stop()
        return found

    def _stream_peeked(self) -> bool:
        """Whether all went well and there was something; progress is made only by success."""
        found = False
        for body, timestamp in self._stream():
            if not self._handle(body, timestamp):
                return False
            self._after = timestamp
            found = True
            self._check_stop()
        return found


class QueueMoveWatcher(_HandlingWatcher):
    """Moves each message of a queue to another one, then hands it to a function.

    Args:
        source_queue: a queue, or the name of one in `db`.
        dest_queue: name of the destination.
        handler: called with body and id, after the move was committed.
        db, stop_event, polling_strategy, config: as for `BaseWatcher`.
        max_messages: ends after so many moves.
        error_handler: as for `QueueWatcher`.

    Raises:
        ValueError: both names are the same.
    """

    def __init__(
        self,
        source_queue: str | Queue,
        dest_queue: str,
        handler: Callable[[str, int], None],
        *,
        db: BrokerDB | str | Path | BrokerTarget | None = None,
        stop_event: threading.Event | None = None,
        max_messages: int | None = None,
        polling_strategy: PollingStrategy | None = None,
        error_handler: ErrorHandler = config_aware_default_error_handler,
        config: Mapping[str, Any] = SNAPSHOT,
    ) -> None:
        name = source_queue.name if isinstance(source_queue, Queue) else source_queue
        if name == dest_queue:
            raise ValueError("Cannot move messages to the same queue")
        super().__init__(
            source_queue,
            db=db,
            stop_event=stop_event,
            polling_strategy=polling_strategy,
            config=config,
        )
        self._handler = handler
        self._error_handler = error_handler
        self._dest_queue = dest_queue
        self._max_messages = max_messages
        self._move_count = 0

    @property
    def move_count(self) -> int:
        """How many messages have been moved."""
        return self._move_count

    @property
    def source_queue(self) -> str:
        """Name of the source."""
        return self._queue_obj.name

    @property
    def dest_queue(self) -> str:
        """Name of the destination."""
        return self._dest_queue

    def _may_have_messages(self) -> bool:
        return self._skips_idle_check() or self._queue_obj.has_pending(None)

    def _drain_queue(self) -> None:
        while True:
            self._check_stop()
            moved = self._queue_obj.move(self._dest_queue)
            if not isinstance(moved, dict):
                return
            self._move_count += 1
            self._handle(moved["message"], moved["timestamp"])
            if self._max_messages is not None and self._move_count >= self._max_messages:
                self._stop_event.set()
                raise StopWatching
