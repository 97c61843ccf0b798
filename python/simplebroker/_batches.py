"""Batches of messages that came out of the library, as Python's values."""

from __future__ import annotations

from ._ids import exact_id, message_body, queue_name
from ._later import typing
from ._library import EMPTY, check
from ._native import ffi, lib

Row = tuple[str, int] | str

_unpack = ffi.unpack
_body = lib.sb_messages_body
_id = lib.sb_messages_id
_free = lib.sb_messages_free
_take = lib.sbpy_take


def take_all(out: typing.Any, with_timestamps: bool) -> list[typing.Any]:
    """All messages of a batch; the batch is freed."""
    messages = out[0]
    rows: list[typing.Any] = []
    try:
        if _take(id(rows), messages, 1 if with_timestamps else 0):
            # For the exception, that of a body that is not UTF-8 most likely.
            count = lib.sb_messages_count(messages)
            rows = [_row(messages, index, with_timestamps) for index in range(count)]
        return rows
    finally:
        _free(messages)


def _row(messages: typing.Any, index: int, with_timestamps: bool) -> Row:
    size = ffi.new("size_t *")
    data = _body(size, messages, index)
    body = str(_unpack(data, size[0]), "utf-8")
    return (body, _id(messages, index)) if with_timestamps else body


def take_ids(out: typing.Any) -> list[int]:
    """The ids of a batch; the batch is freed."""
    messages = out[0]
    ids: list[int] = []
    try:
        if lib.sbpy_take_ids(id(ids), messages):
            raise MemoryError
        return ids
    finally:
        _free(messages)


def _new_batch() -> typing.Any:
    batch = ffi.gc(lib.sb_messages_new(), _free)
    if not batch:
        raise MemoryError
    return batch


def batch_of_bodies(queue: bytes, bodies: list[str]) -> typing.Any:
    """An owned `sb_messages *` for one queue.

    Raises:
        MessageError: one of them is no message.
    """
    batch, added = _new_batch(), ffi.new("size_t *")
    where = (queue, len(queue))
    while (status := lib.sbpy_add_bodies(batch, id(bodies), added, *where)) == EMPTY:
        body = message_body(bodies[added[0]])
        check(lib.sb_messages_add(batch, *where, body, len(body), 0))
        added[0] += 1
    check(status)
    return batch


def batch_of_records(records: list[typing.Any]) -> typing.Any:
    """An owned `sb_messages *` of tuples of queue, message and id.

    Raises:
        TypeError, ValueError, MessageError: one of them is no such record.
    """
    batch, added = _new_batch(), ffi.new("size_t *")
    while (status := lib.sbpy_add_records(batch, id(records), added)) == EMPTY:
        _add_record(batch, records[added[0]])
        added[0] += 1
    check(status)
    return batch


def _add_record(batch: typing.Any, record: typing.Any) -> None:
    try:
        queue, message, message_id = record
    except (TypeError, ValueError) as error:
        raise TypeError("insert records must be (queue, message, message_id) tuples") from error
    name, body, number = queue_name(queue), message_body(message), exact_id(message_id)
    check(lib.sb_messages_add(batch, name, len(name), body, len(body), number))
