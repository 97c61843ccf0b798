"""Questions about queues, counts, ids and aliases, on a broker and inside a transaction."""

from __future__ import annotations

from ._config import issue_warnings
from ._ids import new_high_water, queue_name
from ._later import typing
from ._library import EMPTY, NULL, owned_text, sized_text
from ._native import ffi, lib
from ._old_names import accepts_since
from ._operations import Operations
from ._results import QueueRenameResult, QueueStats

_new = ffi.new


class Inventory(Operations):
    """Questions about queues, counts, ids and aliases."""

    # ---- queues ------------------------------------------------------------------------------

    def list_queues(self, *, prefix: str | None = None, pattern: str | None = None) -> list[str]:
        """Names of the queues that exist, claimed-only ones included, in byte order.

        Args:
            prefix: literal beginning of the names.
            pattern: shell-style, case-sensitive.

        Raises:
            ValueError: for both, or for one that no name can match.
        """
        return [row[0] for row in self._queues(prefix, pattern, lib.SB_WITHOUT_STATS)]

    def list_queue_stats(
        self, *, prefix: str | None = None, pattern: str | None = None
    ) -> list[QueueStats]:
        """Counts of the queues that exist; see `list_queues()`."""
        return [
            QueueStats(name, pending, claimed, pending + claimed)
            for name, pending, claimed in self._queues(prefix, pattern, 0)
        ]

    def get_queue_stats(self) -> list[tuple[str, int, int]]:
        """Name, pending and all messages of every queue."""
        return [
            (name, pending, pending + claimed)
            for name, pending, claimed in self._queues(None, None, 0)
        ]

    def _queues(
        self, prefix: str | None, pattern: str | None, flags: int
    ) -> list[tuple[str, int, int]]:
        if prefix is not None and pattern is not None:
            raise ValueError("prefix and pattern cannot be used together")
        texts: list[typing.Any] = []
        for text in (prefix, pattern):
            encoded = NULL if text is None else queue_name(text)
            texts += [encoded, 0 if text is None else len(encoded)]
        out, size = _new("sb_queues **"), _new("size_t *")
        options = self._bounded(None, None, flags)
        broker = self._ready or self._enter()
        status = lib.sb_queues_list(out, broker, *texts, options)
        if status == lib.SB_EQUEUENAME:
            raise ValueError(str(self._failed(status, "list_queues")))
        self._done(status, "list_queues")
        queues = ffi.gc(out[0], lib.sb_queues_free)
        return [
            (
                sized_text(lib.sb_queues_name(size, queues, i), size[0]),
                lib.sb_queues_pending(queues, i),
                lib.sb_queues_claimed(queues, i),
            )
            for i in range(lib.sb_queues_count(queues))
        ]

    def get_queue_stat(self, queue: str) -> QueueStats:
        """Counts of one queue, which need not exist."""
        name = queue_name(queue)
        pending, claimed = _new("int64_t *"), _new("int64_t *")
        broker = self._ready or self._enter()
        status = lib.sb_queue_stats(pending, claimed, broker, name, len(name), self._options)
        self._done(status, "get_queue_stat")
        return QueueStats(queue, pending[0], claimed[0], pending[0] + claimed[0])

    def queue_exists(self, queue: str) -> bool:
        """Whether a queue has any message, pending or claimed."""
        name = queue_name(queue)
        broker = self._ready or self._enter()
        status = lib.sb_exists(broker, name, len(name), self._options)
        return self._done(status, "queue_exists") != EMPTY

    def queue_exists_and_has_messages(self, queue: str) -> bool:
        """The same as `queue_exists()`."""
        return self.queue_exists(queue)

    @accepts_since
    def has_pending_messages(self, queue: str, after_timestamp: int | None = None) -> bool:
        """Whether a queue has a pending message.

        Args:
            queue: its name.
            after_timestamp: only ids above this one.
        """
        name = queue_name(queue)
        options = self._bounded(after_timestamp, None)
        broker = self._ready or self._enter()
        status = lib.sb_has_pending(broker, name, len(name), options)
        return self._done(status, "has_pending_messages") != EMPTY

    def latest_pending_timestamp(self, queue: str) -> int | None:
        """The greatest id of a queue's pending messages; None when there are none."""
        name = queue_name(queue)
        out = _new("int64_t *")
        broker = self._ready or self._enter()
        status = lib.sb_latest_pending(out, broker, name, len(name), self._options)
        return None if self._done(status, "latest_pending_timestamp") == EMPTY else out[0]

    def rename_queue(
        self, old_queue: str, new_queue: str, *, retarget_aliases: bool = True
    ) -> QueueRenameResult:
        """Renames a queue with all its messages, in one transaction.

        Args:
            old_queue: its name.
            new_queue: must have no messages.
            retarget_aliases: aliases of the old name follow.

        Raises:
            ValueError: for the same name twice, or a new one that has messages.
        """
        old, new = queue_name(old_queue), queue_name(new_queue)
        options = self._bounded(None, None, 0 if retarget_aliases else lib.SB_KEEP_ALIASES)
        renamed, retargeted = _new("int64_t *"), _new("int64_t *")
        broker = self._ready or self._enter()
        status = lib.sb_rename(renamed, retargeted, broker, old, len(old), new, len(new), options)
        if self._done(status, "rename_queue") == EMPTY:
            return QueueRenameResult(old_queue, new_queue, 0, 0)
        return QueueRenameResult(old_queue, new_queue, renamed[0], retargeted[0])

    # ---- counts ------------------------------------------------------------------------------

    def get_overall_stats(self) -> tuple[int, int]:
        """Claimed messages and all messages of the broker."""
        claimed, total = _new("int64_t *"), _new("int64_t *")
        broker = self._ready or self._enter()
        status = lib.sb_overall_stats(claimed, total, broker, self._options)
        self._done(status, "get_overall_stats")
        return claimed[0], total[0]

    def count_claimed_messages(self) -> int:
        """Claimed messages of the broker that are not vacuumed yet."""
        return self.get_overall_stats()[0]

    def status(self) -> dict[str, int]:
        """`total_messages` (claimed ones included), `last_timestamp`, and `db_size` in bytes."""
        total, last, size = _new("int64_t *"), _new("int64_t *"), _new("int64_t *")
        broker = self._ready or self._enter()
        self._done(lib.sb_broker_status(total, last, size, broker, self._options), "status")
        return {"total_messages": total[0], "last_timestamp": last[0], "db_size": size[0]}

    def get_meta(self) -> dict[str, int | str]:
        """What the database says of itself: magic, schema_version, last_ts, alias_version."""
        rows: list[tuple[typing.Any, ...]] = []
        payload = ffi.new_handle(rows.append)
        broker = self._ready or self._enter()
        status = lib.sb_meta_list(broker, self._options, lib.sbpy_row, payload)
        self._done(status, "get_meta")
        return dict(rows)

    # ---- ids ---------------------------------------------------------------------------------

    def _ask_id(self, function: typing.Any, operation: str) -> int:
        out = _new("int64_t *")
        broker = self._ready or self._enter()
        self._done(function(out, broker, self._options), operation)
        return int(out[0])

    def generate_timestamp(self) -> int:
        """Allocates an id without a message; nobody else gets it."""
        return self._ask_id(lib.sb_timestamp_generate, "generate_timestamp")

    def get_ts(self) -> int:
        """The same as `generate_timestamp()`."""
        return self.generate_timestamp()

    def refresh_last_timestamp(self) -> int:
        """Reads the high-water of ids: no message has a greater one."""
        return self._ask_id(lib.sb_timestamp_refresh, "refresh_last_timestamp")

    def advance_last_timestamp(self, timestamp: int) -> int:
        """Raises the high-water of ids to at least a value; never lowers it.

        Returns:
            The stored value, read back.

        Raises:
            TypeError, ValueError: for what is no id.
            TimestampError: not confirmed; see its `outcome_ambiguous`.
        """
        floor = new_high_water(timestamp)
        out = _new("int64_t *")
        broker = self._ready or self._enter()
        status = lib.sb_timestamp_advance(out, broker, floor, self._options)
        self._done(status, "advance_last_timestamp")
        return int(out[0])

    # ---- aliases -----------------------------------------------------------------------------

    def add_alias(self, alias: str, target: str) -> None:
        """Adds an alias of a queue.

        Warns (RuntimeWarning) when a queue of the alias's name has messages.

        Raises:
            ValueError: the alias exists, or one of the two cannot be.
            QueueNameError: for a badly formed name.
        """
        name, queue = queue_name(alias), queue_name(target)
        broker = self._ready or self._enter()
        status = lib.sb_alias_add(broker, name, len(name), queue, len(queue), self._options)
        self._done(status, "add_alias")
        issue_warnings()

    def remove_alias(self, alias: str) -> None:
        """Removes an alias; an unknown one is no error."""
        name = queue_name(alias)
        broker = self._ready or self._enter()
        self._done(lib.sb_alias_remove(broker, name, len(name), self._options), "remove_alias")

    def resolve_alias(self, alias: str) -> str | None:
        """The queue of an alias, given without `@`; None for an unknown one."""
        name = queue_name(alias)
        out, size = _new("char **"), _new("size_t *")
        broker = self._ready or self._enter()
        status = lib.sb_alias_resolve(out, size, broker, name, len(name), self._options)
        if self._done(status, "resolve_alias") == EMPTY:
            return None
        return owned_text(out[0], size[0])

    def has_alias(self, alias: str) -> bool:
        """Whether an alias exists."""
        return self.resolve_alias(alias) is not None

    def list_aliases(self) -> list[tuple[str, str]]:
        """Aliases with their queues, sorted."""
        return self._aliases(NULL, 0)

    def aliases_for_target(self, target: str) -> list[str]:
        """Aliases of a queue, sorted."""
        name = queue_name(target)
        return [alias for alias, _ in self._aliases(name, len(name))]

    def _aliases(self, target: typing.Any, target_size: int) -> list[tuple[str, str]]:
        out, size = _new("sb_aliases **"), _new("size_t *")
        broker = self._ready or self._enter()
        status = lib.sb_alias_list(out, broker, target, target_size, self._options)
        self._done(status, "list_aliases")
        aliases = ffi.gc(out[0], lib.sb_aliases_free)
        return [
            (
                sized_text(lib.sb_aliases_name(size, aliases, i), size[0]),
                sized_text(lib.sb_aliases_target(size, aliases, i), size[0]),
            )
            for i in range(lib.sb_aliases_count(aliases))
        ]

    def get_alias_version(self) -> int:
        """A number that grows with every change of an alias."""
        return self._ask_id(lib.sb_alias_version, "get_alias_version")

    def canonicalize_queue(self, queue: str) -> str:
        """The queue of `@alias`; any other name unchanged.

        Raises:
            ValueError: for an unknown or empty alias.
        """
        name = queue_name(queue)
        out, size = _new("char **"), _new("size_t *")
        broker = self._ready or self._enter()
        status = lib.sb_queue_resolve(out, size, broker, name, len(name), self._options)
        self._done(status, "canonicalize_queue")
        return owned_text(out[0], size[0])
