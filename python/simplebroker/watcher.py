"""Watchers: they wait for messages of a queue and hand each to a function.

A watcher works only through public methods of its `Queue`, so that overrides in subclasses see
everything it does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ._activity import ActivityWaiter
from ._base_watcher import BaseWatcher, ErrorHandler, config_aware_default_error_handler
from ._config import SNAPSHOT
from ._exceptions import StopWatching
from ._handlers import (
    default_error_handler,
    json_print_handler,
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

_StopLoop = StopWatching


class Message(NamedTuple):
    """A message as programs may want to pass it around."""

    id: int
    body: str
    timestamp: int
    queue: str


def _require_callable(name: str, value: object) -> None:
    if not callable(value):
        raise TypeError(f"{name} must be callable, got {type(value).__name__}")


class _OneQueueWatcher(BaseWatcher):
    """Looks into its queue whether a drain is worth its while."""

    def _create_activity_waiter(self, queue: Queue) -> ActivityWaiter | None:
        waiter = super()._create_activity_waiter(queue)
        self._looks_again(False)
        return waiter

    def _looks_again(self, soon: bool) -> None:
        """Tells its waiter whether to end waits in vain although nothing has changed: when there
        is something to be tried again, or derived classes look at who knows what."""
        if self._own_waiter is not None:
            looks = (self._drain_queue, self._has_pending_messages)
            derived = any(look.__module__ != __name__ for look in looks)
            asks = type(self._queue_obj).has_pending is not Queue.has_pending
            self._own_waiter.patient = not (soon or derived or asks)

    def _skips_idle_check(self) -> bool:
        return bool(self._config["BROKER_SKIP_IDLE_CHECK"])

    def _has_pending(self, after: int | None) -> bool:
        strategy = self._strategy
        strategy.consume_local_empty_check_hint()  # calls for the look that follows anyway
        if strategy.consume_local_activity_hint():
            return True
        queue, woken = self._queue_obj, strategy.consume_native_activity_hint()
        if queue.has_pending(after):
            return True
        # The waiter also wakes for a database in the place of the one that this thread has open.
        return woken and queue._leave_replaced_file() and queue.has_pending(after)


class QueueWatcher(_OneQueueWatcher):
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

    def _has_pending_messages(self) -> bool:
        return self._has_pending(self._after)

    def _waits_for(self) -> tuple[int | None, bool]:
        takes = type(self)._drain_queue is QueueWatcher._drain_queue
        return self._after, takes and not self._peek

    def _drain_queue(self) -> None:
        """Handles a message, or in batches all there are."""
        if self._peek:
            found = self._handle_peeked()
        elif self._batch:
            found = self._handle_all()
        else:
            found = self._handle_one()
        if found:
            self._strategy.notify_activity()

    def _handle_one(self) -> bool:
        for body, timestamp in self._queue_obj.read_many(
            1, with_timestamps=True, after_timestamp=self._after
        ):
            self._dispatch(body, timestamp)
            return True
        return False

    def _handle_all(self) -> bool:
        found = False
        while self._handle_stream():
            found = True
        return found

    def _handle_stream(self) -> bool:
        found = False
        for body, timestamp in self._stream():
            self._dispatch(body, timestamp)
            self._check_stop()
            found = True
        return found

    def _handle_peeked(self) -> bool:
        """Whether there was something, and all went well: only success makes progress."""
        found = False
        for body, timestamp in self._stream():
            if not self._dispatch(body, timestamp):
                self._looks_again(True)
                return False
            self._after = timestamp
            self._check_stop()
            found = True
        self._looks_again(False)
        return found

    def _stream(self) -> Iterator[tuple[str, int]]:
        return self._queue_obj.stream_messages(
            peek=self._peek,
            all_messages=self._batch,
            after_timestamp=self._after,
            commit_interval=self._config["BROKER_READ_COMMIT_INTERVAL"],
        )


class QueueMoveWatcher(_OneQueueWatcher):
    """Moves each message of a queue to another one, then hands it to a function.

    Args:
        source_queue: a queue, or the name of one in `db`.
        dest_queue: name of the destination.
        handler: called with body and id, after the move was committed.
        db, stop_event, polling_strategy, config: as for `BaseWatcher`.
        max_messages: ends after so many moves; None or 0 is no limit.
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

    def _has_pending_messages(self) -> bool:
        return self._has_pending(None)

    def _waits_for(self) -> tuple[int | None, bool]:
        return None, type(self)._drain_queue is QueueMoveWatcher._drain_queue

    def _drain_queue(self) -> None:
        """Moves and handles all there are."""
        found = False
        while self._move_one():
            self._check_stop()
            found = True
        if found:
            self._strategy.notify_activity()

    def _move_one(self) -> bool:
        moved = self._queue_obj.move(self._dest_queue)
        if not isinstance(moved, dict):
            return False
        self._move_count += 1
        self._dispatch(moved["message"], moved["timestamp"])
        if self._max_messages and self._move_count >= self._max_messages:
            self._stop_event.set()
        return True
