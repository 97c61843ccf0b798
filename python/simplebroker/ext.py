"""For those who extend the package: runners, backends, watchers, and what they need.

Names are looked up when they are first used, so that a program pays only for what it imports.
"""

from __future__ import annotations

from ._later import TYPE_CHECKING, typing

__all__ = [
    "ActivityWaiter",
    "BACKEND_API_VERSION",
    "BackendAwareRunner",
    "BackendPlugin",
    "BaseWatcher",
    "BrokerConnection",
    "BrokerError",
    "DataError",
    "DatabaseError",
    "DeliveryGuarantee",
    "IntegrityError",
    "InvalidConfigError",
    "MaintenanceSchedule",
    "MessageError",
    "MultiQueueActivityWaiterHook",
    "OperationalError",
    "PollingStrategy",
    "QueueNameError",
    "RESERVED_TABLE_NAMES",
    "SQLRunner",
    "SQLiteRunner",
    "SetupPhase",
    "SidecarSession",
    "SidecarUnavailableError",
    "StopWatching",
    "TimestampError",
    "TimestampGenerator",
    "default_error_handler",
    "find_project_config",
    "get_backend_plugin",
    "project_config_path_for_directory",
    "resolve_project_target",
    "vacuum_is_eligible",
    "validate_delivery_guarantee",
]

if TYPE_CHECKING:
    from ._activity import ActivityWaiter as ActivityWaiter
    from ._activity import MultiQueueActivityWaiterHook as MultiQueueActivityWaiterHook
    from ._exceptions import BrokerError as BrokerError
    from ._exceptions import DatabaseError as DatabaseError
    from ._exceptions import DataError as DataError
    from ._exceptions import IntegrityError as IntegrityError
    from ._exceptions import InvalidConfigError as InvalidConfigError
    from ._exceptions import MessageError as MessageError
    from ._exceptions import OperationalError as OperationalError
    from ._exceptions import QueueNameError as QueueNameError
    from ._exceptions import SidecarUnavailableError as SidecarUnavailableError
    from ._exceptions import StopWatching as StopWatching
    from ._exceptions import TimestampError as TimestampError
    from ._maintenance import RESERVED_TABLE_NAMES as RESERVED_TABLE_NAMES
    from ._maintenance import DeliveryGuarantee as DeliveryGuarantee
    from ._maintenance import MaintenanceSchedule as MaintenanceSchedule
    from ._maintenance import vacuum_is_eligible as vacuum_is_eligible
    from ._maintenance import validate_delivery_guarantee as validate_delivery_guarantee
    from ._plugins import BACKEND_API_VERSION as BACKEND_API_VERSION
    from ._plugins import BackendPlugin as BackendPlugin
    from ._plugins import get_backend_plugin as get_backend_plugin
    from ._runner import BackendAwareRunner as BackendAwareRunner
    from ._runner import SetupPhase as SetupPhase
    from ._runner import SQLRunner as SQLRunner
    from ._sidecar import SidecarSession as SidecarSession
    from ._sqlite_runner import SQLiteRunner as SQLiteRunner
    from ._timestamp import TimestampGenerator as TimestampGenerator
    from .db import BrokerConnection as BrokerConnection
    from .project import find_project_config as find_project_config
    from .project import project_config_path_for_directory as project_config_path_for_directory
    from .project import resolve_project_target as resolve_project_target
    from .watcher import BaseWatcher as BaseWatcher
    from .watcher import PollingStrategy as PollingStrategy
    from .watcher import default_error_handler as default_error_handler

_HOMES = {
    "_activity": ("ActivityWaiter", "MultiQueueActivityWaiterHook"),
    "_exceptions": (
        "BrokerError",
        "DataError",
        "DatabaseError",
        "IntegrityError",
        "InvalidConfigError",
        "MessageError",
        "OperationalError",
        "QueueNameError",
        "SidecarUnavailableError",
        "StopWatching",
        "TimestampError",
    ),
    "_maintenance": (
        "RESERVED_TABLE_NAMES",
        "DeliveryGuarantee",
        "MaintenanceSchedule",
        "vacuum_is_eligible",
        "validate_delivery_guarantee",
    ),
    "_plugins": ("BACKEND_API_VERSION", "BackendPlugin", "get_backend_plugin"),
    "_runner": ("BackendAwareRunner", "SQLRunner", "SetupPhase"),
    "_sidecar": ("SidecarSession",),
    "_sqlite_runner": ("SQLiteRunner",),
    "_timestamp": ("TimestampGenerator",),
    "db": ("BrokerConnection",),
    "project": (
        "find_project_config",
        "project_config_path_for_directory",
        "resolve_project_target",
    ),
    "watcher": ("BaseWatcher", "PollingStrategy", "default_error_handler"),
}

_home_of = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> typing.Any:
    home = _home_of.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f".{home}", __package__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
