"""What queries about queues return."""

from ._results import QueueRenameResult, QueueStats

__all__ = ["QueueRenameResult", "QueueStats"]
