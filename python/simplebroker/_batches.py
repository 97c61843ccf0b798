"""Batches of messages that came out of the library, as Python's values."""

from __future__ import annotations

from ._later import typing
from ._native import ffi, lib

Row = tuple[str, int] | str

_unpack = ffi.unpack
_body = lib.sb_messages_body
_id = lib.sb_messages_id
_free = lib.sb_messages_free


def take_one(out: typing.Any, with_timestamps: bool) -> typing.Any:
    """The only message of a batch; the batch is freed."""
    messages = out[0]
    try:
        size = ffi.new("size_t *")
        data = _body(size, messages, 0)
        body = str(_unpack(data, size[0]), "utf-8")
        return (body, _id(messages, 0)) if with_timestamps else body
    finally:
        _free(messages)


def take_all(out: typing.Any, with_timestamps: bool) -> list[typing.Any]:
    """All messages of a batch; the batch is freed."""
    messages = out[0]
    try:
        size = ffi.new("size_t *")
        rows: list[typing.Any] = []
        for index in range(lib.sb_messages_count(messages)):
            data = _body(size, messages, index)
            body = str(_unpack(data, size[0]), "utf-8")
            rows.append((body, _id(messages, index)) if with_timestamps else body)
        return rows
    finally:
        _free(messages)


def take_ids(out: typing.Any) -> list[int]:
    """The ids of a batch; the batch is freed."""
    messages = out[0]
    try:
        return [_id(messages, index) for index in range(lib.sb_messages_count(messages))]
    finally:
        _free(messages)
