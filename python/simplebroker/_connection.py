"""Brokers as the backends offer them: what programs may rely on with any of them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, runtime_checkable

from ._results import QueueRenameResult, QueueStats
from ._sidecar import SidecarSession

Id = int | str


@runtime_checkable
class BrokerConnection(Protocol):
    """What every backend's broker offers."""

    # ---- messages ------------------------------------------------------------------------------

    def write(self, queue: str, message: str) -> int: ...
    def insert_messages(self, records: Iterable[tuple[str, str, Id]]) -> None: ...

    def claim_one(
        self, queue: str, *, exact_timestamp: Id | None = None, with_timestamps: bool = True
    ) -> Any: ...

    def claim_many(
        self,
        queue: str,
        limit: int,
        *,
        with_timestamps: bool = True,
        delivery_guarantee: str = "exactly_once",
        after_timestamp: int | None = None,
        before_timestamp: int | None = None,
    ) -> list[Any]: ...

    def claim_generator(
        self,
        queue: str,
        *,
        with_timestamps: bool = True,
        delivery_guarantee: str = "exactly_once",
        batch_size: int | None = None,
        after_timestamp: int | None = None,
        before_timestamp: int | None = None,
        exact_timestamp: Id | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> Iterator[Any]: ...

    def peek_one(
        self,
        queue: str,
        *,
        exact_timestamp: Id | None = None,
        with_timestamps: bool = True,
        include_claimed: bool = False,
    ) -> Any: ...

    def peek_many(
        self,
        queue: str,
        limit: int = 1000,
        *,
        with_timestamps: bool = True,
        after_timestamp: int | None = None,
        before_timestamp: int | None = None,
        include_claimed: bool = False,
    ) -> list[Any]: ...

    def peek_generator(
        self,
        queue: str,
        *,
        with_timestamps: bool = True,
        batch_size: int | None = None,
        after_timestamp: int | None = None,
        before_timestamp: int | None = None,
        exact_timestamp: Id | None = None,
        include_claimed: bool = False,
    ) -> Iterator[Any]: ...

    def move_one(
        self,
        source_queue: str,
        target_queue: str,
        *,
        exact_timestamp: Id | None = None,
        require_unclaimed: bool = True,
        with_timestamps: bool = True,
    ) -> Any: ...

    def move_many(
        self,
        source_queue: str,
        target_queue: str,
        limit: int,
        *,
        with_timestamps: bool = True,
        delivery_guarantee: str = "exactly_once",
        after_timestamp: int | None = None,
        before_timestamp: int | None = None,
        require_unclaimed: bool = True,
    ) -> list[Any]: ...

    def move_generator(
        self,
        source_queue: str,
        target_queue: str,
        *,
        with_timestamps: bool = True,
        delivery_guarantee: str = "exactly_once",
        batch_size: int | None = None,
        after_timestamp: int | None = None,
        before_timestamp: int | None = None,
        exact_timestamp: Id | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> Iterator[Any]: ...

    def delete(self, queue: str | None = None) -> int: ...
    def delete_message_ids(self, queue: str, message_ids: Sequence[Id]) -> int: ...

    def delete_from_queues(
        self, queue_names: Sequence[str], *, before_timestamp: int | None = None
    ) -> int: ...

    def find_message_ids(
        self,
        queue: str,
        *,
        body_contains: str,
        limit: int = 100,
        after_timestamp: int | None = None,
        before_timestamp: int | None = None,
        include_claimed: bool = False,
    ) -> list[int]: ...

    def broadcast(
        self,
        message: str,
        *,
        pattern: str | None = None,
        queue_names: Sequence[str] | None = None,
        create_missing: bool = False,
    ) -> int: ...

    # ---- queues --------------------------------------------------------------------------------

    def rename_queue(
        self, old_queue: str, new_queue: str, *, retarget_aliases: bool = True
    ) -> QueueRenameResult: ...

    def list_queues(
        self, *, prefix: str | None = None, pattern: str | None = None
    ) -> list[str]: ...

    def list_queue_stats(
        self, *, prefix: str | None = None, pattern: str | None = None
    ) -> list[QueueStats]: ...

    def get_queue_stats(self) -> list[tuple[str, int, int]]: ...
    def get_queue_stat(self, queue: str) -> QueueStats: ...
    def queue_exists(self, queue: str) -> bool: ...
    def queue_exists_and_has_messages(self, queue: str) -> bool: ...
    def has_pending_messages(self, queue: str, after_timestamp: int | None = None) -> bool: ...
    def latest_pending_timestamp(self, queue: str) -> int | None: ...

    # ---- the whole broker ------------------------------------------------------------------------

    def get_overall_stats(self) -> tuple[int, int]: ...
    def count_claimed_messages(self) -> int: ...
    def status(self) -> dict[str, int]: ...
    def get_meta(self) -> dict[str, int | str]: ...
    def generate_timestamp(self) -> int: ...
    def get_cached_last_timestamp(self) -> int: ...
    def refresh_last_timestamp(self) -> int: ...
    def advance_last_timestamp(self, timestamp: int) -> int: ...
    def get_data_version(self) -> int | None: ...
    def vacuum(self, compact: bool = False) -> None: ...

    # ---- aliases -------------------------------------------------------------------------------

    def add_alias(self, alias: str, target: str) -> None: ...
    def remove_alias(self, alias: str) -> None: ...
    def resolve_alias(self, alias: str) -> str | None: ...
    def has_alias(self, alias: str) -> bool: ...
    def list_aliases(self) -> list[tuple[str, str]]: ...
    def aliases_for_target(self, target: str) -> list[str]: ...
    def get_alias_version(self) -> int: ...
    def canonicalize_queue(self, queue: str) -> str: ...

    # ---- sessions ------------------------------------------------------------------------------

    def sidecar(self, *, transaction: bool = False) -> AbstractContextManager[SidecarSession]: ...
    def set_stop_event(self, stop_event: threading.Event | None) -> None: ...
    def close(self) -> None: ...
    def shutdown(self) -> None: ...


def _describe() -> None:
    """Gives the methods the descriptions that they have where they are implemented."""
    from .db import BrokerCore

    for name, method in vars(BrokerConnection).items():
        if callable(method) and not name.startswith("_"):
            method.__doc__ = getattr(BrokerCore, name).__doc__


_describe()
