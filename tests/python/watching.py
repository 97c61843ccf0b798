"""What tests of watchers share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from simplebroker import Queue
from simplebroker.watcher import PollingStrategy, StopWatching

LONG = 60.0  # seconds after which a test gives up


class Hurried(threading.Event):
    """An event on which nobody waits for long: pauses of a watcher are only noted."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout or 0.0)
        return self.is_set()


class Steps(PollingStrategy):
    """Runs one of some functions instead of each wait, and ends the watcher after the last."""

    def __init__(self, *steps: Callable[[], Any], stop_event: threading.Event | None = None):
        self.stop_event = threading.Event() if stop_event is None else stop_event
        super().__init__(self.stop_event)
        self.notified = 0
        self._steps = iter(steps)

    def wait_for_activity(self) -> None:
        step = next(self._steps, self.stop_event.set)
        step()

    def notify_activity(self) -> None:
        self.notified += 1
        super().notify_activity()


class Watched(Queue):
    """A queue that notes which of its methods a watcher calls, and with what."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.calls: list[tuple[Any, ...]] = []
        super().__init__(*arguments, **options)

    def names(self) -> list[str]:
        return [call[0] for call in self.calls]

    def read_many(self, *arguments: Any, **options: Any) -> Any:
        self.calls.append(("read_many", arguments, options))
        return super().read_many(*arguments, **options)

    def stream_messages(self, *arguments: Any, **options: Any) -> Any:
        self.calls.append(("stream_messages", arguments, options))
        return super().stream_messages(*arguments, **options)

    def move(self, *arguments: Any, **options: Any) -> Any:
        self.calls.append(("move", arguments, options))
        return super().move(*arguments, **options)

    def has_pending(self, *arguments: Any, **options: Any) -> Any:
        self.calls.append(("has_pending", arguments, options))
        return super().has_pending(*arguments, **options)


def nothing() -> None:
    """A step in which nothing happens."""


def until(count: int, seen: list[str]) -> Callable[[str, int], None]:
    """A handler that ends its watcher with the message number `count`."""

    def handler(body: str, timestamp: int) -> None:
        seen.append(body)
        if len(seen) == count:
            raise StopWatching

    return handler


def fill(path: str, *bodies: str, queue: str = "q") -> list[int]:
    """Writes messages; their ids."""
    target = Queue(queue, db_path=path)
    return [target.write(body) for body in bodies]


def failing(*errors: BaseException) -> Callable[[], None]:
    """A function that raises one error after the other, then nothing."""
    left: Iterable[BaseException] = iter(errors)

    def fail() -> None:
        for error in left:
            raise error

    return fail
