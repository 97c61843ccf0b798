"""Checking of arguments: each kind of mistake gets the exception that the contract names."""

from __future__ import annotations

from ._exceptions import MessageError, QueueNameError
from ._later import typing
from ._library import check
from ._native import ffi, lib

MAX_ID = 2**63 - 1

MessageId = int | str  # an exact id: an integer, or its 19 digits


def exact_id(value: object, name: str = "message_id") -> int:
    """An exact id as an integer.

    Raises:
        TypeError: neither an int nor a str.
        ValueError: out of range, or not 19 digits.
    """
    if isinstance(value, str):
        out = ffi.new("int64_t *")
        encoded = str.encode(value, "utf-8", "surrogatepass")
        check(lib.sb_id_parse(out, encoded, len(encoded)))
        return int(out[0])
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an int message ID or exact 19-digit string")
    return _in_range(int(value), name)


def _in_range(value: int, name: str) -> int:
    if value < 0:
        raise ValueError(f"{name} must be non-negative")
    if value > MAX_ID:
        raise ValueError(f"{name} exceeds maximum timestamp value")
    return value


def bound(value: object, name: str) -> int:
    """A bound as the library takes it: -1 for None.

    Raises:
        TypeError: neither an int nor None.
        ValueError: out of range.
    """
    if value is None:
        return -1
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an int or None")
    return _in_range(int(value), name)


def new_high_water(value: object) -> int:
    """An integer that may become a high-water."""
    if value is None:
        raise TypeError("timestamp must be an int")
    return bound(value, "timestamp")


def queue_name(value: typing.Any) -> bytes:
    """A queue name as the library takes it; what names look like is the library's to check.

    Raises:
        QueueNameError: None.
        TypeError: another type than str.
    """
    if isinstance(value, str):
        return str.encode(value, "utf-8", "surrogatepass")
    if value is None:
        raise QueueNameError("Invalid queue name: cannot be empty")
    raise TypeError(f"a queue name must be a string, not {type(value).__name__}")


def checked_name(value: typing.Any) -> str:
    """A queue name that the library accepts.

    Raises:
        QueueNameError: for one that it does not.
    """
    encoded = queue_name(value)
    check(lib.sb_queue_name_check(encoded, len(encoded)))
    return str(value)


def message_body(value: typing.Any) -> bytes:
    """A body as UTF-8.

    Raises:
        MessageError: not a string, or with lone surrogates.
    """
    if not isinstance(value, str):
        raise MessageError("Message body must be a string")
    try:
        return str.encode(value, "utf-8")
    except UnicodeEncodeError as error:
        raise MessageError(
            "Message must be UTF-8 encodable (lone surrogates are not allowed)"
        ) from error


def batch_limit(value: typing.Any) -> int:
    """The limit of a batch: at least 1.

    Raises:
        TypeError: not a number.
        ValueError: less than 1.
    """
    if value < 1:
        raise ValueError("limit must be at least 1")
    if not isinstance(value, int):
        raise TypeError("limit must be an int")
    return min(int(value), MAX_ID)


def string_list(names: typing.Any) -> typing.Any:
    """An owned `sb_strings *` of queue names, each checked for its type only."""
    native = ffi.gc(lib.sb_strings_new(), lib.sb_strings_free)
    if not native:
        raise MemoryError
    for name in names:
        encoded = queue_name(name)
        check(lib.sb_strings_add(native, encoded, len(encoded)))
    return native


def format_message_id(value: int | str) -> str:
    """An id as 19 digits.

    Args:
        value: an integer from 0 to 2**63 - 1, or 19 digits.

    Raises:
        TypeError: neither an int nor a str.
        ValueError: out of range, or not 19 digits.
    """
    number = exact_id(value)
    digits = ffi.new("char[]", lib.SB_ID_SIZE)
    check(lib.sb_id_format(digits, lib.SB_ID_SIZE, number))
    return str(ffi.string(digits), "ascii")
