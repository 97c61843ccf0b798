"""Generators over the library's cursors.

With at-least-once delivery a batch is claimed or moved in an open transaction, which belongs to one
thread. A generator that is finalised on another one cannot end its transaction there in order: the
batch is rolled back and the broker refuses further work.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from threading import get_ident

from ._config import config_handle
from ._ids import queue_name
from ._later import _operations, typing
from ._library import NULL
from ._native import ffi, lib

_FOREIGN = b"the cursor's batch was taken by another thread"
_GUARANTEES = ("exactly_once", "at_least_once")
_unpack = ffi.unpack
_CLOSED = lib.SB_ECLOSED
_next = lib.sb_cursor_next
_at_hand = lib.sb_cursor_at_hand
_take = lib.sbpy_cursor_take


def check_guarantee(value: object) -> None:
    """Raises ValueError for what is no delivery guarantee."""
    if not isinstance(value, str) or value not in _GUARANTEES:
        raise ValueError(
            f"Invalid delivery_guarantee {value!r}; expected one of: 'exactly_once', "
            "'at_least_once'"
        )


class Selection:
    """Which messages a generator is about; checked when it is first asked for one."""

    __slots__ = ("after", "before", "exact")

    def __init__(self, after: object, before: object, exact: object) -> None:
        self.after = after
        self.before = before
        self.exact: typing.Any = exact


class Delivery:
    """How a generator takes messages; checked when it is first asked for one."""

    __slots__ = ("_batch_size", "_config", "_guarantee")

    def __init__(
        self, guarantee: object, batch_size: int | None, config: Mapping[str, typing.Any] | None
    ) -> None:
        self._guarantee = guarantee
        self._batch_size = batch_size
        self._config = config

    def check(self) -> bool:
        """Whether batches stay open until their last message has been worked on."""
        check_guarantee(self._guarantee)
        return self._guarantee == "at_least_once"

    def batch_size(self) -> int:
        """Messages of a batch; 0 means what the broker's settings say."""
        if self._batch_size is not None:
            return max(1, int(self._batch_size))
        if self._config is None:
            return 0
        configured = config_handle(self._config).values["BROKER_GENERATOR_BATCH_SIZE"]
        return max(1, int(configured))


class _Cursor:
    """A cursor of the library's, and the thread that its open batch belongs to."""

    __slots__ = ("_given", "_open", "_operation", "_operations", "_owner", "_what", "native")

    def __init__(
        self,
        operations: _operations.Operations,
        kind: int,
        ends: tuple[typing.Any, ...],
        size: int,
        options: typing.Any,
    ) -> None:
        self._operations = operations
        self._open = (kind, *ends, size, options)
        self._owner = 0
        self._given = 0
        claims = kind == lib.SB_CURSOR_CLAIM
        self._what = "claim_generator" if claims else "move_generator"
        self._operation = {
            lib.SB_CURSOR_CLAIM: "claim operation",
            lib.SB_CURSOR_PEEK: "peek operation",
            lib.SB_CURSOR_MOVE: "move operation",
        }[kind]
        self.native = ffi.gc(ffi.new("sb_cursor **"), lib.sbpy_cursor_close)
        self._begin()

    def _begin(self) -> None:
        broker = self._operations._ready or self._operations._enter()
        status = lib.sb_cursor_open(self.native, broker, *self._open)
        self._operations._done(status, self._operation)

    def _begin_again(self) -> None:
        """Goes on with the broker opened again, after it was closed while no batch was open."""
        lib.sbpy_cursor_close(self.native)
        self._begin()
        if self._open[0] == lib.SB_CURSOR_PEEK:  # what was shown is still there
            unseen = ffi.NULL
            for _ in range(self._given):
                if _next(ffi.new("int64_t *"), unseen, unseen, self.native[0]):
                    break

    def rows(self, with_timestamps: bool, batches: bool) -> Iterator[typing.Any]:
        """The messages; closes the cursor when it ends."""
        number, data, size = ffi.new("int64_t *"), ffi.new("char const **"), ffi.new("size_t *")
        try:
            while True:
                self._operations._ready or self._operations._enter()
                cursor = self.native[0]
                status = _next(number, data, size, cursor)
                if status == _CLOSED and not self._owner:
                    self._begin_again()
                    continue
                if batches:
                    self._note_batch(status)
                if status:
                    self._operations._done(status, self._operation)
                    return
                body = str(_unpack(data[0], size[0]), "utf-8")
                self._given += 1
                yield (body, number[0]) if with_timestamps else body
                if _at_hand(cursor):
                    rows = self._rows_at_hand(with_timestamps)
                    yield from self._of_open_batch(rows) if batches else rows
        finally:
            lib.sbpy_cursor_close(self.native)  # here: a method could be kept by Ctrl-C
            self.closed()

    def _rows_at_hand(self, with_timestamps: bool) -> list[typing.Any]:
        """What the library need not turn to the database for, with one call for all of it."""
        rows: list[typing.Any] = []
        status = _take(id(rows), self.native[0], 1 if with_timestamps else 0)
        if status == _CLOSED and not self._owner:
            return rows
        self._operations._done(status, self._operation)
        self._given += len(rows)
        return rows

    def _of_open_batch(self, rows: list[typing.Any]) -> Iterator[typing.Any]:
        operations = self._operations
        for row in rows:
            operations._ready or operations._enter()
            if self._owner != get_ident():
                operations._done(
                    lib.sb_error_set(lib.SB_ETHREAD, _FOREIGN, len(_FOREIGN), -1), self._operation
                )
            yield row

    def _note_batch(self, status: int) -> None:
        if status and self._owner:
            self._owner = 0
            self._operations._batch_ended()
        elif not status and not self._owner:
            self._owner = get_ident()
            self._operations._batch_began(self._what)

    def closed(self) -> None:
        """Tells of the end of an open batch."""
        owner, self._owner = self._owner, 0
        if not owner:
            return
        self._operations._batch_ended()
        if owner != get_ident():
            self._operations._poison()
            warnings.warn(
                f"an at_least_once {self._what} batch was finalized on another thread; it is "
                "rolled back, and its broker cannot be used any more",
                RuntimeWarning,
                stacklevel=3,
            )


def _rows(
    operations: _operations.Operations,
    kind: int,
    ends: tuple[typing.Any, ...],
    options: typing.Any,
    size: int,
    with_timestamps: bool,
    batches: bool,
) -> Iterator[typing.Any]:
    return _Cursor(operations, kind, ends, size, options).rows(with_timestamps, batches)


def claims(
    operations: _operations.Operations,
    queue: str,
    selection: Selection,
    delivery: Delivery,
    with_timestamps: bool,
) -> Iterator[typing.Any]:
    """Claims messages one after the other."""
    batches = delivery.check()
    if selection.exact is not None:
        row = operations.claim_one(
            queue, exact_timestamp=selection.exact, with_timestamps=with_timestamps
        )
        if row is not None:
            yield row
        return
    flags = lib.SB_AT_LEAST_ONCE if batches else 0
    options = operations._bounded(selection.after, selection.before, flags)
    name = queue_name(queue)
    ends = (name, len(name), NULL, 0)
    size = delivery.batch_size()
    yield from _rows(operations, lib.SB_CURSOR_CLAIM, ends, options, size, with_timestamps, batches)


def moves(
    operations: _operations.Operations,
    source_queue: str,
    target_queue: str,
    selection: Selection,
    delivery: Delivery,
    with_timestamps: bool,
) -> Iterator[typing.Any]:
    """Moves messages one after the other."""
    batches = delivery.check()
    if selection.exact is not None:
        row = operations.move_one(
            source_queue,
            target_queue,
            exact_timestamp=selection.exact,
            with_timestamps=with_timestamps,
        )
        if row is not None:
            yield row
        return
    flags = lib.SB_AT_LEAST_ONCE if batches else 0
    options = operations._bounded(selection.after, selection.before, flags)
    source, target = operations._ends(source_queue, target_queue)
    ends = (source, len(source), target, len(target))
    size = delivery.batch_size()
    yield from _rows(operations, lib.SB_CURSOR_MOVE, ends, options, size, with_timestamps, batches)


def peeks(
    operations: _operations.Operations,
    queue: str,
    selection: Selection,
    batch_size: int | None,
    include_claimed: bool,
    with_timestamps: bool,
) -> Iterator[typing.Any]:
    """Shows messages one after the other, a page at a time."""
    if selection.exact is not None:
        row = operations.peek_one(
            queue,
            exact_timestamp=selection.exact,
            with_timestamps=with_timestamps,
            include_claimed=include_claimed,
        )
        if row is not None:
            yield row
        return
    flags = lib.SB_INCLUDE_CLAIMED if include_claimed else 0
    options = operations._bounded(selection.after, selection.before, flags)
    name = queue_name(queue)
    ends = (name, len(name), NULL, 0)
    size = 0 if batch_size is None else max(1, int(batch_size))
    yield from _rows(operations, lib.SB_CURSOR_PEEK, ends, options, size, with_timestamps, False)
