"""What questions about queues are answered with."""

from __future__ import annotations

from ._records import Record

_put = object.__setattr__


class QueueStats(Record):
    """Counts of one queue.

    Attributes:
        queue: its name.
        pending: messages that nobody has claimed.
        claimed: messages that are claimed and not vacuumed yet.
        total: both together.
    """

    __match_args__ = ("queue", "pending", "claimed", "total")
    __slots__ = FIELDS = __match_args__

    queue: str
    pending: int
    claimed: int
    total: int

    def __init__(self, queue: str, pending: int, claimed: int, total: int) -> None:
        _put(self, "queue", queue)
        _put(self, "pending", pending)
        _put(self, "claimed", claimed)
        _put(self, "total", total)

    @property
    def exists(self) -> bool:
        """Whether the queue has any message, claimed ones included."""
        return self.total > 0


class QueueRenameResult(Record):
    """What renaming a queue has changed.

    Attributes:
        old_queue: its former name.
        new_queue: its name now.
        messages_renamed: messages that it took along, claimed ones included.
        aliases_retargeted: aliases that follow it.
    """

    __match_args__ = ("old_queue", "new_queue", "messages_renamed", "aliases_retargeted")
    __slots__ = FIELDS = __match_args__

    old_queue: str
    new_queue: str
    messages_renamed: int
    aliases_retargeted: int

    def __init__(
        self, old_queue: str, new_queue: str, messages_renamed: int, aliases_retargeted: int
    ) -> None:
        _put(self, "old_queue", old_queue)
        _put(self, "new_queue", new_queue)
        _put(self, "messages_renamed", messages_renamed)
        _put(self, "aliases_retargeted", aliases_retargeted)

    @property
    def renamed(self) -> bool:
        """Whether anything was renamed."""
        return self.messages_renamed > 0
