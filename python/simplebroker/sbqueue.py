"""`Queue`: one queue of a broker as an object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from . import _stream
from ._ids import batch_limit, bound, checked_name, exact_id
from ._later import typing
from ._old_names import accepts_since
from ._queue_handle import QueueHandle
from ._results import QueueStats
from .db import BrokerCore


class Queue(QueueHandle):
    """One queue of a broker.

    Nothing is opened before the first operation. A queue is no container: it has no length and is
    not iterated; `stats()` and the generators say what is meant.

    Args:
        name: 1 to 512 characters out of letters, digits, `_`, `.` and `-`; literal, never an alias.
        db_path: path of the file, or a target; None and "" mean the configured default.
        persistent: keep connections open between operations, one for each thread, shared by all
            persistent queues with the same target and settings. False: each operation opens and
            closes its own.
        runner: executes the SQL instead; it stays the caller's and is never closed. `db_path` is
            then only a label.
        config: settings that lie over the environment's; a `ResolvedConfig` keeps these out.

    Raises:
        QueueNameError: for a name that no queue can have.
        InvalidConfigError: for a setting with a value that it cannot take.
    """

    # ---- writing -----------------------------------------------------------------------------

    def write(self, message: str) -> int:
        """Appends a message.

        Args:
            message: any text, the empty one included.

        Returns:
            The message's id; the message is durable.

        Raises:
            MessageError: before anything is changed.
            OperationalError: the storage could not be written.
        """
        written: int = self._do(BrokerCore.write, self._name, message)
        self._last_ts = written
        return written

    def write_many(self, messages: Iterable[str]) -> list[int]:
        """Appends messages, all or none, in one transaction.

        Args:
            messages: bodies; all are taken and checked before the first one is written.

        Returns:
            Their ids, in order; the messages are durable.

        Raises:
            MessageError: before anything is changed.
        """
        # Taken before anything is opened, for they may come out of this very broker.
        bodies = messages if isinstance(messages, str) else list(messages)
        ids: list[int] = self._do(BrokerCore.write_many, self._name, bodies)
        if ids:
            self._last_ts = ids[-1]
        return ids

    def insert_messages(self, records: Iterable[tuple[str, int | str]]) -> None:
        """Inserts messages with given ids as pending, all or none.

        Args:
            records: tuples of message and id.

        Raises:
            TypeError, ValueError, MessageError: for a record that cannot be stored.
            IntegrityError: for an id that is stored already, or stands twice among the records.
        """
        named = [(self._name, *_record(record)) for record in records]
        self._do(BrokerCore.insert_messages, named)
        if named:
            self._last_ts = None

    # ---- reading -----------------------------------------------------------------------------

    @accepts_since
    def read(
        self,
        *,
        all_messages: bool = False,
        with_timestamps: bool = False,
        after_timestamp: int | None = None,
        before_timestamp: int | None = None,
        message_id: int | str | None = None,
    ) -> typing.Any:
        """Claims the oldest pending message that matches.

        Args:
            all_messages: return a generator of all of them instead.
            with_timestamps: `(body, id)` instead of the body.
            after_timestamp: only ids above this one.
            before_timestamp: only ids below this one.
            message_id: the message of this id; alone.

        Returns:
            The message, or None; or a generator.

        Raises:
            ValueError: for selectors that do not go together.
        """
        if message_id is not None:
            _alone(all_messages, after_timestamp, before_timestamp)
            return self.read_one(exact_timestamp=message_id, with_timestamps=with_timestamps)
        if all_messages:
            return self.read_generator(
                with_timestamps=with_timestamps,
                after_timestamp=after_timestamp,
                before_timestamp=before_timestamp,
            )
        if after_timestamp is None and before_timestamp is None:
            return self._do(BrokerCore._claim_oldest, self._native_name, with_timestamps)
        return _first(
            self.read_many(
                1,
                with_timestamps=with_timestamps,
                after_timestamp=after_timestamp,
                before_timestamp=before_timestamp,
            )
        )

    def read_one(
        self, *, exact_timestamp: int | str | None = None, with_timestamps: bool = False
    ) -> typing.Any:
        """Claims the oldest pending message, or the one of an id; None when none matches.

        Args:
            exact_timestamp: an id; None: the oldest.
            with_timestamps: `(body, id)` instead of the body.
        """
        if exact_timestamp is not None:
            exact_timestamp = exact_id(exact_timestamp, "exact_timestamp")
        return self._do(
            BrokerCore.claim_one,
            self._name,
            exact_timestamp=exact_timestamp,
            with_timestamps=with_timestamps,
        )

    @accepts_since
    def read_many(
        self,
        limit: int,
        *,
        with_timestamps: bool = False,
        delivery_guarantee: str = "exactly_once",
        after_timestamp: int | None = None,
        before_timestamp: int | None = None,
    ) -> list[typing.Any]:
        """Claims the oldest pending messages in one transaction, committed on return.

        Args:
            limit: at most so many, at least 1.
            with_timestamps: `(body, id)` tuples instead of bodies.
            delivery_guarantee: checked; it makes no difference here.
            after_timestamp: only ids above this one.
            before_timestamp: only ids below this one.
        """
        _stream.check_guarantee(delivery_guarantee)
        batch_limit(limit)
        _check_bounds(after_timestamp, before_timestamp)
        many: list[typing.Any] = self._do(
            BrokerCore.claim_many,
            self._name,
            limit,
            with_timestamps=with_timestamps,
            after_timestamp=after_timestamp,
            before_timestamp=before_timestamp,
        )
        return many

    @accepts_since
    def read_generator(
        self,
        *,
        with_timestamps: bool = False,
        delivery_guarantee: str = "exactly_once",
        after_timestamp: int | None = None,
        before_timestamp: int | None = None,
        exact_timestamp: int | str | None = None,
    ) -> Iterator[typing.Any]:
        """Claims messages one after the other; see `BrokerCore.claim_generator()`.

        Args:
            with_timestamps: `(body, id)` tuples instead of bodies.
            delivery_guarantee: `exactly_once` or `at_least_once`.
            after_timestamp: only ids above this one.
            before_timestamp: only ids below this one.
            exact_timestamp: only the message of this id.
        """
        return self._delivered(
            BrokerCore.claim_generator,
            (),
            with_timestamps,
            delivery_guarantee,
            after_timestamp,
            before_timestamp,
            exact_timestamp,
        )

    def _delivered(
        self,
        operation: typing.Any,
        arguments: tuple[typing.Any, ...],
        with_timestamps: bool,
        guarantee: str,
        after: int | None,
        before: int | None,
        exact: int | str | None,
        batch_size: int | None = None,
    ) -> Iterator[typing.Any]:
        _stream.check_guarantee(guarantee)
        _check_bounds(after, before)
        if exact is not None:
            exact = exact_id(exact, "exact_timestamp")
        yield from self._stream(
            operation,
            *arguments,
            with_timestamps=with_timestamps,
            delivery_guarantee=guarantee,
            batch_size=batch_size,
            after_timestamp=after,
            before_timestamp=before,
            exact_timestamp=exact,
        )

    @accepts_since
    def stream_messages(
        self,
        *,
        peek: bool = False,
        all_messages: bool = True,
        after_timestamp: int | None = None,
        before_timestamp: int | None = None,
        batch_processing: bool = False,
        commit_interval: int = 1,
    ) -> Iterator[tuple[str, int]]:
        """Yields `(body, id)` of messages.

        Args:
            peek: show them instead of claiming them.
            all_messages: False: the oldest one only.
            after_timestamp: only ids above this one.
            before_timestamp: only ids below this one.
            batch_processing: with `commit_interval` above 1, claim at-least-once in batches of
                that many.
            commit_interval: messages of a batch.
        """
        _check_bounds(after_timestamp, before_timestamp)
        bounds: dict[str, typing.Any] = {
            "after_timestamp": after_timestamp,
            "before_timestamp": before_timestamp,
        }
        if not all_messages:
            many = self.peek_many if peek else self.read_many
            yield from many(1, with_timestamps=True, **bounds)
        elif peek:
            yield from self._stream(BrokerCore.peek_generator, with_timestamps=True, **bounds)
        else:
            batches = batch_processing and commit_interval > 1
            yield from self._stream(
                BrokerCore.claim_generator,
                with_timestamps=True,
                delivery_guarantee="at_least_once" if batches else "exactly_once",
                batch_size=commit_interval if batches else None,
                **bounds,
            )

    # ---- peeking -----------------------------------------------------------------------------

    @accepts_since
    def peek(
        self,
        *,
        all_messages: bool = False,
        with_timestamps: bool = False,
        after_timestamp: int | None = None,
        before_timestamp: int | None = None,
        message_id: int | str | None = None,
        include_claimed: bool = False,
    ) -> typing.Any:
        """Shows the oldest pending message that matches and changes nothing.

        Args:
            all_messages: return a generator of all of them instead.
            with_timestamps: `(body, id)` instead of the body.
            after_timestamp: only ids above this one.
            before_timestamp: only ids below this one.
            message_id: the message of this id; alone.
            include_claimed: claimed messages too, while they are not vacuumed.

        Raises:
            ValueError: for selectors that do not go together.
        """
        if message_id is not None:
            _alone(all_messages, after_timestamp, before_timestamp)
            return self.peek_one(
                exact_timestamp=message_id,
                with_timestamps=with_timestamps,
                include_claimed=include_claimed,
            )
        if all_messages:
            return self.peek_generator(
                with_timestamps=with_timestamps,
                after_timestamp=after_timestamp,
                before_timestamp=before_timestamp,
                include_claimed=include_claimed,
            )
        if after_timestamp is None and before_timestamp is None:
            return self._do(
                BrokerCore._peek_oldest, self._native_name, with_timestamps, include_claimed
            )
        return _first(
            self.peek_many(
                1,
                with_timestamps=with_timestamps,
                after_timestamp=after_timestamp,
                before_timestamp=before_timestamp,
                include_claimed=include_claimed,
            )
        )

    def peek_one(
        self,
        *,
        exact_timestamp: int | str | None = None,
        with_timestamps: bool = False,
        include_claimed: bool = False,
    ) -> typing.Any:
        """Shows the oldest pending message, or the one of an id; None when none matches.

        Args:
            exact_timestamp: an id; None: the oldest.
            with_timestamps: `(body, id)` instead of the body.
            include_claimed: claimed messages too, while they are not vacuumed.
        """
        if exact_timestamp is not None:
            exact_timestamp = exact_id(exact_timestamp, "exact_timestamp")
        return self._do(
            BrokerCore.peek_one,
            self._name,
            exact_timestamp=exact_timestamp,
            with_timestamps=with_timestamps,
            include_claimed=include_claimed,
        )

    @accepts_since
    def peek_many(
        self,
        limit: int = 1000,
        *,
        with_timestamps: bool = False,
        after_timestamp: int | None = None,
        before_timestamp: int | None = None,
        include_claimed: bool = False,
    ) -> list[typing.Any]:
        """Shows the oldest pending messages and changes nothing.

        Args:
            limit: at most so many, at least 1.
            with_timestamps: `(body, id)` tuples instead of bodies.
            after_timestamp: only ids above this one.
            before_timestamp: only ids below this one.
            include_claimed: claimed messages too, while they are not vacuumed.
        """
        batch_limit(limit)
        _check_bounds(after_timestamp, before_timestamp)
        many: list[typing.Any] = self._do(
            BrokerCore.peek_many,
            self._name,
            limit,
            with_timestamps=with_timestamps,
            after_timestamp=after_timestamp,
            before_timestamp=before_timestamp,
            include_claimed=include_claimed,
        )
        return many

    @accepts_since
    def peek_generator(
        self,
        *,
        with_timestamps: bool = False,
        after_timestamp: int | None = None,
        before_timestamp: int | None = None,
        exact_timestamp: int | str | None = None,
        include_claimed: bool = False,
    ) -> Iterator[typing.Any]:
        """Shows messages one after the other, a page at a time, as the queue is then.

        Args:
            with_timestamps: `(body, id)` tuples instead of bodies.
            after_timestamp: only ids above this one.
            before_timestamp: only ids below this one.
            exact_timestamp: only the message of this id.
            include_claimed: claimed messages too, while they are not vacuumed.
        """
        _check_bounds(after_timestamp, before_timestamp)
        if exact_timestamp is not None:
            exact_timestamp = exact_id(exact_timestamp, "exact_timestamp")
        yield from self._stream(
            BrokerCore.peek_generator,
            with_timestamps=with_timestamps,
            after_timestamp=after_timestamp,
            before_timestamp=before_timestamp,
            exact_timestamp=exact_timestamp,
            include_claimed=include_claimed,
        )

    # ---- moving ------------------------------------------------------------------------------

    @accepts_since
    def move(
        self,
        destination: str | Queue,
        *,
        message_id: int | str | None = None,
        after_timestamp: int | None = None,
        before_timestamp: int | None = None,
        all_messages: bool = False,
    ) -> dict[str, typing.Any] | None | Iterator[dict[str, typing.Any]]:
        """Moves the oldest pending message that matches to another queue.

        Args:
            destination: a name, or a queue of the same broker.
            message_id: the message of this id, a claimed one too; alone.
            after_timestamp: only ids above this one.
            before_timestamp: only ids below this one.
            all_messages: return a generator that moves all of them instead.

        Returns:
            `{"message": body, "timestamp": id}`, or None; or a generator of such.

        Raises:
            ValueError: for selectors that do not go together, the same queue, or a queue of
                another broker.
        """
        target = self._destination(destination)
        if message_id is not None:
            _alone(all_messages, after_timestamp, before_timestamp)
            row = self.move_one(
                target,
                exact_timestamp=message_id,
                require_unclaimed=False,
                with_timestamps=True,
            )
            return None if row is None else _moved(row)
        bounds: dict[str, typing.Any] = {
            "after_timestamp": after_timestamp,
            "before_timestamp": before_timestamp,
        }
        if all_messages:
            moved = self.move_generator(target, with_timestamps=True, **bounds)
            return (_moved(row) for row in moved)
        if after_timestamp is None and before_timestamp is None:
            row = self.move_one(target, with_timestamps=True)
        else:
            row = _first(self.move_many(target, 1, with_timestamps=True, **bounds))
        return None if row is None else _moved(row)

    def move_one(
        self,
        destination: str | Queue,
        *,
        exact_timestamp: int | str | None = None,
        require_unclaimed: bool = True,
        with_timestamps: bool = False,
    ) -> typing.Any:
        """Moves the oldest message, or the one of an id; None when none matches.

        Args:
            destination: a name, or a queue of the same broker.
            exact_timestamp: an id; None: the oldest.
            require_unclaimed: pending messages only; False: claimed ones too.
            with_timestamps: `(body, id)` instead of the body.
        """
        target = self._destination(destination)
        if exact_timestamp is not None:
            exact_timestamp = exact_id(exact_timestamp, "exact_timestamp")
        return self._do(
            BrokerCore.move_one,
            self._name,
            target,
            exact_timestamp=exact_timestamp,
            require_unclaimed=require_unclaimed,
            with_timestamps=with_timestamps,
        )

    @accepts_since
    def move_many(
        self,
        destination: str | Queue,
        limit: int,
        *,
        with_timestamps: bool = False,
        delivery_guarantee: str = "exactly_once",
        after_timestamp: int | None = None,
        before_timestamp: int | None = None,
        require_unclaimed: bool = True,
    ) -> list[typing.Any]:
        """Moves the oldest messages in one transaction.

        Args:
            destination: a name, or a queue of the same broker.
            limit: at most so many, at least 1.
            with_timestamps: `(body, id)` tuples instead of bodies.
            delivery_guarantee: checked; it makes no difference here.
            after_timestamp: only ids above this one.
            before_timestamp: only ids below this one.
            require_unclaimed: pending messages only; False: claimed ones too.
        """
        _stream.check_guarantee(delivery_guarantee)
        batch_limit(limit)
        _check_bounds(after_timestamp, before_timestamp)
        many: list[typing.Any] = self._do(
            BrokerCore.move_many,
            self._name,
            self._destination(destination),
            limit,
            with_timestamps=with_timestamps,
            after_timestamp=after_timestamp,
            before_timestamp=before_timestamp,
            require_unclaimed=require_unclaimed,
        )
        return many

    @accepts_since
    def move_generator(
        self,
        destination: str | Queue,
        *,
        with_timestamps: bool = False,
        delivery_guarantee: str = "exactly_once",
        after_timestamp: int | None = None,
        before_timestamp: int | None = None,
        exact_timestamp: int | str | None = None,
    ) -> Iterator[typing.Any]:
        """Moves messages one after the other; see `read_generator()` for the arguments.

        Args:
            destination: a name, or a queue of the same broker.
            with_timestamps: `(body, id)` tuples instead of bodies.
            delivery_guarantee: `exactly_once` or `at_least_once`.
            after_timestamp: only ids above this one.
            before_timestamp: only ids below this one.
            exact_timestamp: only the message of this id.
        """
        target = self._destination(destination)
        return self._delivered(
            BrokerCore.move_generator,
            (target,),
            with_timestamps,
            delivery_guarantee,
            after_timestamp,
            before_timestamp,
            exact_timestamp,
        )

    def _destination(self, destination: str | Queue | None) -> str:
        if destination is None:
            raise ValueError("target_queue is required for move operation")
        if isinstance(destination, Queue):
            self._require_same_broker(destination)
            destination = destination._name
        if destination == self._name:
            raise ValueError("Source and destination queues cannot be the same")
        return checked_name(destination)

    # ---- removing ----------------------------------------------------------------------------

    def delete(self, *, message_id: int | str | None = None) -> bool:
        """Removes messages, claimed ones included.

        Args:
            message_id: the message of this id; None: all.

        Returns:
            Whether anything was there.
        """
        if message_id is None:
            return bool(self._do(BrokerCore.delete, self._name))
        return bool(self.delete_many([exact_id(message_id)]))

    def delete_many(self, message_ids: Sequence[int | str]) -> int:
        """Removes messages by id, claimed ones included, in one transaction.

        Args:
            message_ids: exact ids; repeated ones count once.

        Returns:
            How many were removed.
        """
        ids = [exact_id(message_id) for message_id in message_ids]
        if not ids:
            return 0
        removed: int = self._do(BrokerCore.delete_message_ids, self._name, ids)
        return removed

    # ---- questions ---------------------------------------------------------------------------

    @accepts_since
    def find_message_ids(
        self,
        *,
        body_contains: str,
        limit: int = 100,
        after_timestamp: int | None = None,
        before_timestamp: int | None = None,
        include_claimed: bool = False,
    ) -> list[int]:
        """Ids of messages whose body contains a text; see `BrokerCore.find_message_ids()`.

        Args:
            body_contains: 3 to 1024 characters, of which 3 are not blank.
            limit: 1 to 1000.
            after_timestamp: only ids above this one.
            before_timestamp: only ids below this one.
            include_claimed: claimed messages too, while they are not vacuumed.
        """
        found: list[int] = self._do(
            BrokerCore.find_message_ids,
            self._name,
            body_contains=body_contains,
            limit=limit,
            after_timestamp=after_timestamp,
            before_timestamp=before_timestamp,
            include_claimed=include_claimed,
        )
        return found

    @accepts_since
    def has_pending(self, after_timestamp: int | None = None) -> bool:
        """Whether there is a pending message.

        Args:
            after_timestamp: only ids above this one.
        """
        _check_bounds(after_timestamp, None)
        return bool(self._do(BrokerCore.has_pending_messages, self._name, after_timestamp))

    def latest_pending_timestamp(self) -> int | None:
        """The greatest id of the pending messages; None when there are none."""
        latest: int | None = self._do(BrokerCore.latest_pending_timestamp, self._name)
        return latest

    def exists(self) -> bool:
        """Whether there is any message, claimed ones included."""
        return bool(self._do(BrokerCore.queue_exists, self._name))

    def stats(self) -> QueueStats:
        """Counts of the queue."""
        stats: QueueStats = self._do(BrokerCore.get_queue_stat, self._name)
        return stats


def _record(record: typing.Any) -> tuple[typing.Any, typing.Any]:
    try:
        message, message_id = record
    except (TypeError, ValueError) as error:
        raise TypeError("queue insert records must be (message, message_id) tuples") from error
    return message, message_id


def _alone(all_messages: bool, after: object, before: object) -> None:
    if all_messages or after is not None or before is not None:
        raise ValueError(
            "message_id cannot be used with all_messages, after_timestamp, or before_timestamp"
        )


def _check_bounds(after: object, before: object) -> None:
    bound(after, "after_timestamp")
    bound(before, "before_timestamp")


def _first(rows: list[typing.Any]) -> typing.Any:
    return rows[0] if rows else None


def _moved(row: tuple[str, int]) -> dict[str, typing.Any]:
    return {"message": row[0], "timestamp": row[1]}


__all__ = ["Queue"]
