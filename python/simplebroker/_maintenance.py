"""When automatic clean-up is due, for backends and cores written in Python."""

from __future__ import annotations

from typing import Literal

from ._native import lib

DeliveryGuarantee = Literal["exactly_once", "at_least_once"]
"""Whether a message that was taken can be delivered again after a failure."""

RESERVED_TABLE_NAMES = frozenset({"messages", "meta", "queue_aliases", "aliases"})
"""Tables of the broker itself, which sidecar SQL had better leave alone."""


def validate_delivery_guarantee(value: object) -> DeliveryGuarantee:
    """Hands back a delivery guarantee.

    Raises:
        ValueError: it is neither "exactly_once" nor "at_least_once".
    """
    if value == "exactly_once":
        return "exactly_once"
    if value == "at_least_once":
        return "at_least_once"
    raise ValueError(
        f"Invalid delivery_guarantee {value!r}; expected one of: 'exactly_once', 'at_least_once'"
    )


class MaintenanceSchedule:
    """Counts finished work until a check for maintenance is due.

    Args:
        interval: operations between checks; less than 1 means 1.
    """

    __slots__ = ("_completed", "_interval")

    def __init__(self, interval: int) -> None:
        self._interval = max(1, int(interval))
        self._completed = 0

    def record(self, completed: int) -> bool:
        """Adds finished operations.

        Returns:
            True when a check is due, again and again until `mark_check_succeeded()`.

        Raises:
            ValueError: `completed` is negative.
        """
        if completed < 0:
            raise ValueError("completed must be non-negative")
        self._completed += completed
        return completed > 0 and self._completed >= self._interval

    def mark_check_succeeded(self) -> None:
        """The check was made: what is above full intervals counts for the next one."""
        self._completed %= self._interval


def vacuum_is_eligible(*, claimed_count: int, total_count: int, threshold: float) -> bool:
    """Whether automatic vacuum would run.

    Args:
        claimed_count: claimed messages that are still stored.
        total_count: all stored messages.
        threshold: ratio of claimed ones from which on it is worth it, such as 0.1.
    """
    return bool(lib.sb_vacuum_is_eligible(claimed_count, total_count, threshold))
