"""Operations on messages, the same on a broker and inside a transaction.

Methods check their arguments, call the library and turn its result into Python's values. Where the
open broker and the options of a call come from is up to the class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from . import _stream
from ._batches import Row, batch_of_bodies, batch_of_records, take_all, take_ids
from ._ids import batch_limit, bound, exact_id, message_body, queue_name, string_list
from ._later import typing
from ._library import EMPTY, NULL
from ._native import ffi, lib
from ._old_names import accepts_since
from ._waiting import options_like

_INCLUDE_CLAIMED: int = lib.SB_INCLUDE_CLAIMED
_write = lib.sb_write
_claim_one = lib.sbpy_claim_one
_peek_one = lib.sbpy_peek_one
_new = ffi.new
_ID = ffi.typeof("int64_t *")


class Operations:
    """Operations on messages.

    `_ready` is the open broker while nothing has to be looked at first, else None; `_enter()` looks
    and answers with the open broker. `_options` are the options of a call without any of its own.
    `_failed()` is the exception for an operation that ended with a status.
    """

    _ready: typing.Any
    _options: typing.Any
    _enter: Callable[[], typing.Any]
    _failed: Callable[[int, str], BaseException]

    def _batch_began(self, what: str) -> None:
        """An at_least_once batch is open; transactions have none, the library refuses it."""

    def _batch_ended(self) -> None:
        """It was committed, or rolled back."""

    def _poison(self) -> None:
        """It was ended on a foreign thread."""

    def _done(self, status: int, operation: str) -> int:
        if status < 0:
            raise self._failed(status, operation)
        return status

    def _bounded(self, after: object, before: object, flags: int = 0) -> typing.Any:
        if after is None and before is None and not flags:
            return self._options
        lower = bound(after, "after_timestamp")
        upper = bound(before, "before_timestamp")
        return options_like(self._options, lower, upper, flags)

    def _taken(
        self, out: typing.Any, status: int, operation: str, with_timestamps: bool
    ) -> typing.Any:
        """The only message of a batch; None when the call found none."""
        if self._done(status, operation) == EMPTY:
            return None
        return take_all(out, with_timestamps)[0]

    # ---- writing -----------------------------------------------------------------------------

    def write(self, queue: str, message: str) -> int:
        """Appends a message to a queue, which comes into being with it.

        Args:
            queue: its name, literally.
            message: any text, the empty one included.

        Returns:
            The new message's id; the message is durable.

        Raises:
            QueueNameError, MessageError: before anything is changed.
            OperationalError: the storage could not be written.
        """
        broker = self._ready or self._enter()
        name = queue_name(queue)
        body = message_body(message)
        out = _new(_ID)
        status = _write(out, broker, name, len(name), body, len(body), self._options)
        if status:
            raise self._failed(status, "write")
        return out[0]  # type: ignore[no-any-return]

    def write_many(self, queue: str, messages: Iterable[str]) -> list[int]:
        """Appends messages to a queue, all or none, in one transaction.

        Args:
            queue: its name.
            messages: bodies; all are taken and checked before the first one is written.

        Returns:
            The new ids, in order; the messages are durable.

        Raises:
            QueueNameError, MessageError: before anything is changed.
            TypeError: a single string, whose characters would be the messages.
        """
        if isinstance(messages, str):
            raise TypeError("messages must be an iterable of strings, not one string")
        name, bodies = queue_name(queue), list(messages)
        batch = batch_of_bodies(name, bodies)
        broker = self._ready or self._enter()
        ids = _new("int64_t[]", len(bodies))
        self._done(lib.sb_write_many(ids, broker, batch, self._options), "write_many")
        return ffi.unpack(ids, len(bodies)) if bodies else []

    def insert_messages(self, records: Iterable[tuple[str, str, int | str]]) -> None:
        """Inserts messages with given ids as pending, all or none.

        Args:
            records: tuples of queue, message and id.

        Raises:
            TypeError, ValueError, QueueNameError, MessageError: for a record that cannot be stored.
            IntegrityError: for an id that is stored already, or stands twice among the records.
        """
        batch = batch_of_records(list(records))
        if lib.sb_messages_count(batch):
            broker = self._ready or self._enter()
            self._done(lib.sb_insert(broker, batch, self._options), "insert_messages")

    def broadcast(
        self,
        message: str,
        *,
        pattern: str | None = None,
        queue_names: Sequence[str] | None = None,
        create_missing: bool = False,
    ) -> int:
        """Writes a copy of a message, each with its own id, to several queues; all or none.

        Args:
            message: the body.
            pattern: shell-style, case-sensitive; None and "": all existing queues.
            queue_names: these queues instead; missing ones are passed over.
            create_missing: write to named queues that do not exist yet, too.

        Returns:
            How many queues were reached.

        Raises:
            ValueError, TypeError: for arguments that do not go together.
            QueueNameError, MessageError: before anything is changed.
        """
        body = message_body(message)
        if pattern is not None and queue_names is not None:
            raise ValueError("pattern and queue_names cannot be used together")
        if not isinstance(create_missing, bool):
            raise TypeError("create_missing must be a boolean")
        if create_missing and queue_names is None:
            raise ValueError("create_missing requires queue_names")
        out = _new("int64_t *")
        if queue_names is None:
            text = NULL if pattern is None else queue_name(pattern)
            size = 0 if pattern is None else len(text)
            broker = self._ready or self._enter()
            status = lib.sb_broadcast(out, broker, body, len(body), text, size, self._options)
        else:
            options = self._bounded(None, None, lib.SB_CREATE_MISSING if create_missing else 0)
            names = _names(queue_names)
            broker = self._ready or self._enter()
            status = lib.sb_broadcast_to(out, broker, body, len(body), names, options)
        return out[0] if self._done(status, "broadcast") != EMPTY else 0

    # ---- claiming ----------------------------------------------------------------------------

    def claim_one(
        self, queue: str, *, exact_timestamp: int | str | None = None, with_timestamps: bool = True
    ) -> typing.Any:
        """Claims the oldest pending message, or the one of an id.

        The claim is committed on return; nobody else gets the message.

        Args:
            queue: its name.
            exact_timestamp: an id; None: the oldest.
            with_timestamps: return `(body, id)` instead of the body.

        Returns:
            The message, or None when none matches.
        """
        if exact_timestamp is None:
            return self._claim_oldest(queue_name(queue), with_timestamps)
        broker = self._ready or self._enter()
        name = queue_name(queue)
        number = exact_id(exact_timestamp, "exact_timestamp")
        out = _new("sb_messages **")
        status = lib.sb_claim_id(out, broker, name, len(name), number, self._options)
        return self._taken(out, status, "claim operation", with_timestamps)

    def _claim_oldest(self, name: bytes, with_timestamps: bool) -> typing.Any:
        broker = self._ready or self._enter()
        rows: list[typing.Any] = []
        shape = 1 if with_timestamps else 0
        status = _claim_one(id(rows), broker, name, len(name), self._options, shape)
        if status:
            self._done(status, "claim operation")
            return None
        return rows[0]

    @accepts_since
    def claim_many(
        self,
        queue: str,
        limit: int,
        *,
        with_timestamps: bool = True,
        delivery_guarantee: str = "exactly_once",
        after_timestamp: int | None = None,
        before_timestamp: int | None = None,
    ) -> list[typing.Any]:
        """Claims the oldest pending messages, all in one transaction.

        Args:
            queue: its name.
            limit: at most so many, at least 1.
            with_timestamps: return `(body, id)` tuples instead of bodies.
            delivery_guarantee: checked; the claim is committed before the return either way.
            after_timestamp: only ids above this one.
            before_timestamp: only ids below this one.
        """
        _stream.check_guarantee(delivery_guarantee)
        most = batch_limit(limit)
        name = queue_name(queue)
        options = self._bounded(after_timestamp, before_timestamp)
        out = _new("sb_messages **")
        broker = self._ready or self._enter()
        status = lib.sb_claim(out, broker, name, len(name), most, options)
        if self._done(status, "claim operation") == EMPTY:
            return []
        return take_all(out, with_timestamps)

    @accepts_since
    def claim_generator(
        self,
        queue: str,
        *,
        with_timestamps: bool = True,
        delivery_guarantee: str = "exactly_once",
        batch_size: int | None = None,
        after_timestamp: int | None = None,
        before_timestamp: int | None = None,
        exact_timestamp: int | str | None = None,
        config: Mapping[str, typing.Any] | None = None,
    ) -> Iterator[Row]:
        """Claims messages one after the other.

        Args:
            queue: its name.
            with_timestamps: yield `(body, id)` tuples instead of bodies.
            delivery_guarantee: `exactly_once`: each claim is committed before its message is
                yielded. `at_least_once`: a batch is claimed in an open transaction that commits
                when the message after its last one is asked for; closing earlier rolls it back.
            batch_size: messages of a batch; None: BROKER_GENERATOR_BATCH_SIZE.
            after_timestamp: only ids above this one.
            before_timestamp: only ids below this one.
            exact_timestamp: only the message of this id.
            config: its BROKER_GENERATOR_BATCH_SIZE replaces the broker's.
        """
        selection = _stream.Selection(after_timestamp, before_timestamp, exact_timestamp)
        delivery = _stream.Delivery(delivery_guarantee, batch_size, config)
        return _stream.claims(self, queue, selection, delivery, with_timestamps)

    # ---- peeking -----------------------------------------------------------------------------

    def peek_one(
        self,
        queue: str,
        *,
        exact_timestamp: int | str | None = None,
        with_timestamps: bool = True,
        include_claimed: bool = False,
    ) -> typing.Any:
        """Shows the oldest pending message, or the one of an id, and changes nothing.

        Args:
            queue: its name.
            exact_timestamp: an id; None: the oldest.
            with_timestamps: return `(body, id)` instead of the body.
            include_claimed: claimed messages too, while they are not vacuumed.

        Returns:
            The message, or None when none matches.
        """
        if exact_timestamp is None:
            return self._peek_oldest(queue_name(queue), with_timestamps, include_claimed)
        broker = self._ready or self._enter()
        name = queue_name(queue)
        options = self._bounded(None, None, _INCLUDE_CLAIMED if include_claimed else 0)
        number = exact_id(exact_timestamp, "exact_timestamp")
        out = _new("sb_messages **")
        status = lib.sb_peek_id(out, broker, name, len(name), number, options)
        return self._taken(out, status, "peek operation", with_timestamps)

    def _peek_oldest(self, name: bytes, with_timestamps: bool, include_claimed: bool) -> typing.Any:
        broker = self._ready or self._enter()
        options = self._bounded(None, None, _INCLUDE_CLAIMED) if include_claimed else self._options
        rows: list[typing.Any] = []
        shape = 1 if with_timestamps else 0
        status = _peek_one(id(rows), broker, name, len(name), options, shape)
        if status:
            self._done(status, "peek operation")
            return None
        return rows[0]

    @accepts_since
    def peek_many(
        self,
        queue: str,
        limit: int = 1000,
        *,
        with_timestamps: bool = True,
        after_timestamp: int | None = None,
        before_timestamp: int | None = None,
        include_claimed: bool = False,
    ) -> list[typing.Any]:
        """Shows the oldest pending messages and changes nothing.

        Args:
            queue: its name.
            limit: at most so many, at least 1.
            with_timestamps: return `(body, id)` tuples instead of bodies.
            after_timestamp: only ids above this one.
            before_timestamp: only ids below this one.
            include_claimed: claimed messages too, while they are not vacuumed.
        """
        most = batch_limit(limit)
        name = queue_name(queue)
        flags = _INCLUDE_CLAIMED if include_claimed else 0
        options = self._bounded(after_timestamp, before_timestamp, flags)
        out = _new("sb_messages **")
        broker = self._ready or self._enter()
        status = lib.sb_peek(out, broker, name, len(name), most, options)
        if self._done(status, "peek operation") == EMPTY:
            return []
        return take_all(out, with_timestamps)

    @accepts_since
    def peek_generator(
        self,
        queue: str,
        *,
        with_timestamps: bool = True,
        batch_size: int | None = None,
        after_timestamp: int | None = None,
        before_timestamp: int | None = None,
        exact_timestamp: int | str | None = None,
        include_claimed: bool = False,
    ) -> Iterator[Row]:
        """Shows messages one after the other, a page at a time, and changes nothing.

        Args:
            queue: its name.
            with_timestamps: yield `(body, id)` tuples instead of bodies.
            batch_size: messages of a page; None: 1000.
            after_timestamp: only ids above this one.
            before_timestamp: only ids below this one.
            exact_timestamp: only the message of this id.
            include_claimed: claimed messages too, while they are not vacuumed.
        """
        selection = _stream.Selection(after_timestamp, before_timestamp, exact_timestamp)
        return _stream.peeks(self, queue, selection, batch_size, include_claimed, with_timestamps)

    # ---- moving ------------------------------------------------------------------------------

    def move_one(
        self,
        source_queue: str,
        target_queue: str,
        *,
        exact_timestamp: int | str | None = None,
        require_unclaimed: bool = True,
        with_timestamps: bool = True,
    ) -> typing.Any:
        """Moves the oldest message, or the one of an id, to another queue, where it is pending.

        Args:
            source_queue: where it is.
            target_queue: where it goes.
            exact_timestamp: an id; None: the oldest.
            require_unclaimed: pending messages only; False: claimed ones too.
            with_timestamps: return `(body, id)` instead of the body.

        Returns:
            The message, or None when none matches.

        Raises:
            ValueError: for the same queue twice.
        """
        source, target = self._ends(source_queue, target_queue)
        options = self._bounded(None, None, 0 if require_unclaimed else _INCLUDE_CLAIMED)
        out = _new("sb_messages **")
        ends = (source, len(source), target, len(target))
        if exact_timestamp is None:
            broker = self._ready or self._enter()
            status = lib.sb_move(out, broker, *ends, 1, options)
        else:
            number = exact_id(exact_timestamp, "exact_timestamp")
            broker = self._ready or self._enter()
            status = lib.sb_move_id(out, broker, *ends, number, options)
        return self._taken(out, status, "move operation", with_timestamps)

    @accepts_since
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
    ) -> list[typing.Any]:
        """Moves the oldest messages to another queue, all in one transaction.

        Args:
            source_queue: where they are.
            target_queue: where they go.
            limit: at most so many, at least 1.
            with_timestamps: return `(body, id)` tuples instead of bodies.
            delivery_guarantee: checked; the move is committed before the return either way.
            after_timestamp: only ids above this one.
            before_timestamp: only ids below this one.
            require_unclaimed: pending messages only; False: claimed ones too.

        Raises:
            ValueError: for the same queue twice.
        """
        _stream.check_guarantee(delivery_guarantee)
        most = batch_limit(limit)
        source, target = self._ends(source_queue, target_queue)
        flags = 0 if require_unclaimed else _INCLUDE_CLAIMED
        options = self._bounded(after_timestamp, before_timestamp, flags)
        out = _new("sb_messages **")
        broker = self._ready or self._enter()
        status = lib.sb_move(out, broker, source, len(source), target, len(target), most, options)
        if self._done(status, "move operation") == EMPTY:
            return []
        return take_all(out, with_timestamps)

    @accepts_since
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
        exact_timestamp: int | str | None = None,
        config: Mapping[str, typing.Any] | None = None,
    ) -> Iterator[Row]:
        """Moves messages one after the other; see `claim_generator()` for the arguments.

        Raises:
            ValueError: for the same queue twice.
        """
        selection = _stream.Selection(after_timestamp, before_timestamp, exact_timestamp)
        delivery = _stream.Delivery(delivery_guarantee, batch_size, config)
        return _stream.moves(self, source_queue, target_queue, selection, delivery, with_timestamps)

    def _ends(self, source_queue: object, target_queue: object) -> tuple[bytes, bytes]:
        source, target = queue_name(source_queue), queue_name(target_queue)
        if source == target:
            raise ValueError("Source and target queues cannot be the same")
        return source, target

    # ---- removing ----------------------------------------------------------------------------

    def delete(self, queue: str | None = None) -> int:
        """Removes all messages of a queue, claimed ones included.

        Args:
            queue: its name; None: every queue.

        Returns:
            How many were removed.
        """
        out = _new("int64_t *")
        if queue is None:
            broker = self._ready or self._enter()
            status = lib.sb_delete_all(out, broker, self._options)
        else:
            name = queue_name(queue)
            broker = self._ready or self._enter()
            status = lib.sb_delete_queue(out, broker, name, len(name), self._options)
        return out[0] if self._done(status, "delete") != EMPTY else 0

    def delete_message_ids(self, queue: str, message_ids: Sequence[int | str]) -> int:
        """Removes messages of a queue by id, claimed ones included, in one transaction.

        Args:
            queue: its name.
            message_ids: exact ids; repeated ones count once.

        Returns:
            How many were removed.
        """
        name = queue_name(queue)
        ids = [exact_id(message_id) for message_id in message_ids]
        out = _new("int64_t *")
        broker = self._ready or self._enter()
        status = lib.sb_delete_ids(
            out, broker, name, len(name), _new("int64_t[]", ids), len(ids), self._options
        )
        return out[0] if self._done(status, "delete_message_ids") != EMPTY else 0

    def delete_from_queues(
        self, queue_names: Sequence[str], *, before_timestamp: int | None = None
    ) -> int:
        """Removes the messages of several queues, claimed ones included, in one transaction.

        Args:
            queue_names: names; repeated ones count once.
            before_timestamp: only ids below this one.

        Returns:
            How many were removed.

        Raises:
            TypeError: for a string in place of names.
        """
        options = self._bounded(None, before_timestamp)
        names = _names(queue_names)
        out = _new("int64_t *")
        broker = self._ready or self._enter()
        status = lib.sb_delete_queues(out, broker, names, options)
        return out[0] if self._done(status, "delete_from_queues") != EMPTY else 0

    # ---- searching ---------------------------------------------------------------------------

    @accepts_since
    def find_message_ids(
        self,
        queue: str,
        *,
        body_contains: str,
        limit: int = 100,
        after_timestamp: int | None = None,
        before_timestamp: int | None = None,
        include_claimed: bool = False,
    ) -> list[int]:
        """Ids of messages whose body contains a text, literally, in storage order.

        Args:
            queue: its name.
            body_contains: 3 to 1024 characters, of which 3 are not blank.
            limit: 1 to 1000.
            after_timestamp: only ids above this one.
            before_timestamp: only ids below this one.
            include_claimed: claimed messages too, while they are not vacuumed.

        Raises:
            TypeError, ValueError: for arguments beyond that.
        """
        if not isinstance(body_contains, str):
            raise TypeError("body_contains must be a string")
        if not isinstance(limit, int) or isinstance(limit, bool):
            raise TypeError("limit must be an int")
        most = min(max(limit, 0), 2**31)
        name, text = queue_name(queue), str.encode(body_contains, "utf-8")
        flags = _INCLUDE_CLAIMED if include_claimed else 0
        options = self._bounded(after_timestamp, before_timestamp, flags)
        out = _new("sb_messages **")
        broker = self._ready or self._enter()
        status = lib.sb_search(out, broker, name, len(name), text, len(text), most, options)
        return take_ids(out) if self._done(status, "find_message_ids") != EMPTY else []


def _names(queue_names: object) -> typing.Any:
    if isinstance(queue_names, (str, bytes, bytearray)):
        raise TypeError("queue_names must be a sequence of queue names, not a string")
    return string_list(queue_names)
