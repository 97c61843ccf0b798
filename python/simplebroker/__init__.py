"""Durable message queues in one SQLite file.

    >>> from simplebroker import Queue
    >>> queue = Queue("jobs")
    >>> queue.write("resize cat.png")
    >>> queue.read()
    'resize cat.png'

What is used by few programs is imported at its first use.
"""

from ._config import ResolvedConfig, resolve_config, resolve_isolated_config
from ._ids import format_message_id
from ._later import TYPE_CHECKING
from ._library import text as _text
from ._native import lib as _lib
from ._results import QueueRenameResult, QueueStats
from ._targets import (
    BrokerTarget,
    broker_root,
    deserialize_broker_target,
    resolve_broker_target,
    serialize_broker_target,
    target_for_directory,
)
from .db import open_broker
from .sbqueue import Queue

if TYPE_CHECKING:
    from ._activity import ActivityWaiter as ActivityWaiter
    from ._activity import create_activity_waiter_for_queues as create_activity_waiter_for_queues
    from ._dump import DumpClockSkewWarning as DumpClockSkewWarning
    from ._dump import LoadResult as LoadResult
    from ._dump import dump_lines as dump_lines
    from ._dump import load_lines as load_lines
    from .watcher import QueueMoveWatcher as QueueMoveWatcher
    from .watcher import QueueWatcher as QueueWatcher

__version__: str = _text(_lib.sb_contract_version())

_LATER = {
    "ActivityWaiter": "_activity",
    "DumpClockSkewWarning": "_dump",
    "LoadResult": "_dump",
    "QueueMoveWatcher": "watcher",
    "QueueWatcher": "watcher",
    "create_activity_waiter_for_queues": "_activity",
    "dump_lines": "_dump",
    "load_lines": "_dump",
}


def __getattr__(name: str) -> object:
    module = _LATER.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f".{module}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})


__all__ = [
    "ActivityWaiter",
    "BrokerTarget",
    "DumpClockSkewWarning",
    "LoadResult",
    "Queue",
    "QueueMoveWatcher",
    "QueueRenameResult",
    "QueueStats",
    "QueueWatcher",
    "ResolvedConfig",
    "__version__",
    "broker_root",
    "create_activity_waiter_for_queues",
    "deserialize_broker_target",
    "dump_lines",
    "format_message_id",
    "load_lines",
    "open_broker",
    "resolve_broker_target",
    "resolve_config",
    "resolve_isolated_config",
    "serialize_broker_target",
    "target_for_directory",
]
