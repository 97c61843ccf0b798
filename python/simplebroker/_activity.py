"""What wakes a watcher: waiters that a backend may offer, for one queue or for several."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from .sbqueue import Queue


@runtime_checkable
class ActivityWaiter(Protocol):
    """Waits for activity in queues."""

    def wait(self, timeout: float) -> bool:
        """Waits at most `timeout` seconds; True is a hint that something may have come."""
        ...

    def close(self) -> None:
        """Ends the waiter for good; later calls do nothing."""
        ...


class MultiQueueActivityWaiterHook(Protocol):
    """`create_activity_waiter_for_queues` of a backend that wakes one waiter for several queues."""

    def __call__(
        self,
        *,
        target: str | None,
        backend_options: Mapping[str, Any] | None = None,
        runner: Any = None,
        queue_names: Sequence[str],
        stop_event: Any,
    ) -> ActivityWaiter | None:
        """A waiter for all of the queues, or None: then watchers poll."""
        ...


def create_activity_waiter_for_queues(
    queues: Sequence[Queue], *, stop_event: threading.Event
) -> ActivityWaiter | None:
    """One waiter for several queues; None where nothing wakes anybody, as over a runner of SQLite.

    Args:
        queues: queues that share one runner object, or have no runner and one target.
        stop_event: ends its waits.

    Raises:
        ValueError: no queues, or queues that do not belong together.
    """
    queues = list(queues)
    if not queues:
        raise ValueError("queues cannot be empty")
    first = queues[0]
    if not all(first._shares_broker(queue) for queue in queues):
        raise ValueError("queues cannot safely share one activity waiter")
    names = tuple(dict.fromkeys(queue.name for queue in queues))
    if first._wakes_natively():
        return first._new_native_waiter(stop_event, names)
    plugin = getattr(first._runner, "backend_plugin", None) or first._target.plugin
    hook: MultiQueueActivityWaiterHook | None = getattr(
        plugin, "create_activity_waiter_for_queues", None
    )
    if hook is None:
        return None
    return hook(**first._place(), queue_names=names, stop_event=stop_event)
