"""Batches of messages that came out of the library, as Python's values."""

from __future__ import annotations

from ._later import typing
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
