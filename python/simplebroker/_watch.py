"""How the command `watch` watches here: with a watcher that prints through the command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ._exceptions import StopWatching
from ._library import check, optional_text, owned_text, text
from ._native import ffi, lib
from ._targets import BrokerTarget, deserialize_broker_target
from .watcher import QueueMoveWatcher, QueueWatcher


def watch(request: Any, config: Mapping[str, Any]) -> None:
    """Does what a `broker_watch *` says until it is stopped, or nobody reads the output.

    Args:
        request: what to watch, and where to print.
        config: settings of the watcher.
    """

    def show(body: str, timestamp: int) -> None:
        encoded = body.encode()
        if lib.broker_watch_print(request, timestamp, encoded, len(encoded)) != 0:
            raise StopWatching

    _watcher(request, show, config).run_forever()


def _watcher(
    request: Any, show: Callable[[str, int], None], config: Mapping[str, Any]
) -> QueueWatcher | QueueMoveWatcher:
    queue, move_to = text(request.queue), optional_text(request.move_to)
    target = _copied(request.target)
    if move_to is not None:
        return QueueMoveWatcher(queue, move_to, show, db=target, config=config)
    after = None if request.after < 0 else request.after
    return QueueWatcher(
        queue, show, db=target, peek=bool(request.peek), after_timestamp=after, config=config
    )


def _copied(native: Any) -> BrokerTarget:
    out, size = ffi.new("char **"), ffi.new("size_t *")
    check(lib.sb_target_serialize(out, size, native))
    return deserialize_broker_target(owned_text(out[0], size[0]))
