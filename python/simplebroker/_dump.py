"""Dumps: a broker's aliases and pending messages as lines of JSON, and back again.

The library writes and reads the lines. Loading goes through the methods of the given broker, so
that it works with any object that has them.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping

from . import _callbacks as _callbacks  # implements sbpy_warning
from ._config import config_handle
from ._later import typing
from ._library import NULL, OK, check, last_error, sized_text
from ._native import ffi, lib

__all__ = ["DumpClockSkewWarning", "LoadResult", "dump_lines", "load_lines"]


class DumpClockSkewWarning(UserWarning):
    """The high-water of a dump being loaded is ahead of the local clock."""


class LoadResult:
    """How many records `load_lines()` has applied. Immutable and comparable."""

    __slots__ = ("aliases", "messages")
    __match_args__ = ("messages", "aliases")

    messages: int
    """Messages inserted."""
    aliases: int
    """Aliases added."""

    def __init__(self, messages: int, aliases: int) -> None:
        object.__setattr__(self, "messages", messages)
        object.__setattr__(self, "aliases", aliases)

    def __setattr__(self, name: str, value: object) -> None:
        raise _frozen(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise _frozen(f"cannot delete field {name!r}")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return (self.messages, self.aliases) == (other.messages, other.aliases)

    def __hash__(self) -> int:
        return hash((self.messages, self.aliases))

    def __repr__(self) -> str:
        return f"{type(self).__qualname__}(messages={self.messages!r}, aliases={self.aliases!r})"

    def __reduce__(self) -> tuple[typing.Any, ...]:
        return (type(self), (self.messages, self.aliases))


def _frozen(message: str) -> AttributeError:
    from dataclasses import FrozenInstanceError  # the import is too slow for those who never err

    return FrozenInstanceError(message)


# ---- dump ------------------------------------------------------------------------------------


def dump_lines(
    broker: typing.Any,
    *,
    include: Iterable[str] | None = None,
    exclude: Iterable[str] | None = None,
) -> Iterator[str]:
    """Yields a dump of a broker, one JSON object a line, without line feeds.

    First the header, whose `last_ts` is read at the first `next()`: messages written later may be
    missing, but none in the dump is newer. Then the aliases, and the pending messages of each queue,
    read in pages so that memory stays bounded. Nothing is changed.

    Args:
        broker: an open broker, such as `open_broker()` gives.
        include: shell-style patterns of queue names; None or empty: all queues. An alias belongs to
            both its names.
        exclude: patterns of queues left out, stronger than `include`.

    Raises:
        TypeError: at the first `next()`, if a pattern is not a string.
        DatabaseError, OperationalError: the storage failed.
    """
    out = ffi.new("sb_dump **")
    line, size = ffi.new("const char **"), ffi.new("size_t *")
    wanted, unwanted = _patterns(include), _patterns(exclude)
    check(lib.sb_dump_open(out, broker._broker(), wanted, unwanted, NULL))
    dump = ffi.gc(out[0], lib.sb_dump_close)
    try:
        while check(lib.sb_dump_next(line, size, dump)) == OK:
            yield sized_text(line[0], size[0])
    finally:
        ffi.release(dump)


def _patterns(globs: Iterable[str] | None) -> typing.Any:
    """An owned `sb_strings *`; NULL for None."""
    if globs is None:
        return NULL
    strings = ffi.gc(lib.sb_strings_new(), lib.sb_strings_free)
    if not strings:
        raise MemoryError
    for glob in globs:
        if not isinstance(glob, str):
            raise TypeError(f"a pattern must be a string, not {type(glob).__name__}")
        encoded = glob.encode("utf-8", "surrogatepass")
        check(lib.sb_strings_add(strings, encoded, len(encoded)))
    return strings


# ---- load ------------------------------------------------------------------------------------


def load_lines(
    broker: typing.Any,
    lines: Iterable[str],
    *,
    force: bool = False,
    config: Mapping[str, typing.Any] | None = None,
) -> LoadResult:
    """Applies the lines of a dump to a broker; ids and the order of messages are kept.

    Uses nothing of the broker but `add_alias(alias, target)`, at once for each alias,
    `insert_messages([(queue, body, id), ...])`, for up to 1000 messages at a time, and at the end
    `advance_last_timestamp(last_ts)`. What they raise ends the load and passes through. What was
    applied before an error stays; ids are never overwritten, so load into a fresh broker.

    Args:
        broker: where to load.
        lines: with or without line feeds; blank ones are skipped.
        force: accept a header that is too far ahead of the local clock.
        config: settings instead of those of the environment;
            `BROKER_LOAD_MAX_FUTURE_SKEW_SECONDS` is looked at.

    Returns:
        The numbers of messages and aliases.

    Raises:
        TypeError: the broker cannot advance its last timestamp; a line is not text.
        ValueError: malformed input; the message names the line, or the missing header.
        InvalidConfigError: a setting is not valid.
        IntegrityError: an id is stored already.
        TimestampError: the high-water is not confirmed.

    Warns:
        DumpClockSkewWarning: the header is ahead of the local clock.
    """
    if not callable(getattr(broker, "advance_last_timestamp", None)):
        raise TypeError("broker must provide callable advance_last_timestamp() for dump load")
    load = _Load(broker, config_handle(config, ambient="environment").native, bool(force))
    try:
        for line in lines:
            encoded = _encoded(line)
            load.settle(lib.sb_load_line(load.native, encoded, len(encoded)))
        messages, aliases = ffi.new("int64_t *"), ffi.new("int64_t *")
        load.settle(lib.sb_load_finish(messages, aliases, load.native))
        return LoadResult(messages[0], aliases[0])
    finally:
        load.close()


def _encoded(line: str) -> bytes:
    if isinstance(line, str):
        return line.encode("utf-8", "surrogatepass")  # the library refuses what is not UTF-8
    if isinstance(line, (bytes, bytearray)):
        return bytes(line)
    raise TypeError(f"a line must be a string, not {type(line).__name__}")


class _Load:
    """A load under way, and the payload of its callbacks."""

    def __init__(self, broker: typing.Any, config: typing.Any, force: bool) -> None:
        self.broker = broker
        self.failure: BaseException | None = None
        self.skews: list[str] = []  # texts of warnings
        self._payload = ffi.new_handle(self)
        self._listener = ffi.new_handle(self._hear)
        self._config = self._listening_copy(config)
        options = ffi.gc(lib.sb_options_new(), lib.sb_options_free)
        if not options:
            raise MemoryError
        lib.sb_options_set_flags(options, lib.SB_FORCE if force else 0)
        out = ffi.new("sb_load **")
        callbacks = lib.sbpy_load_alias, lib.sbpy_load_messages, lib.sbpy_load_advance
        check(lib.sb_load_open_with(out, self._config, options, *callbacks, self._payload))
        self.native = ffi.gc(out[0], lib.sb_load_close)

    def _listening_copy(self, config: typing.Any) -> typing.Any:
        """The configuration may be shared; warnings of this load are for its caller."""
        out = ffi.new("sb_config **")
        check(lib.sb_config_copy(out, config))
        copy = ffi.gc(out[0], lib.sb_config_free)
        check(lib.sb_config_on_warning(copy, lib.sbpy_warning, self._listener, NULL))
        return copy

    def _hear(self, kind: int, text: str) -> None:
        if kind == lib.SB_WARN_CLOCK_SKEW:
            self.skews.append(text)

    def settle(self, status: int) -> None:
        """Warns on behalf of the caller of `load_lines()`, then raises what ended the call."""
        error = self.failure or (last_error(status) if status < 0 else None)
        while self.skews:
            warnings.warn(self.skews.pop(0), DumpClockSkewWarning, stacklevel=3)
        if error is not None:
            raise error

    def close(self) -> None:
        ffi.release(self.native)
        ffi.release(self._config)
        # Cycles that would keep the broker alive until the next collection.
        self.failure = self._payload = self._listener = None


def _keep(kind: object, exception: BaseException, traceback: typing.Any) -> None:
    """Keeps what ended a callback for `settle()`, a Ctrl-C before its first line included."""
    ffi.from_handle(traceback.tb_frame.f_locals["payload"]).failure = exception.with_traceback(
        traceback
    )


@ffi.def_extern(error=lib.SB_EUSER, onerror=_keep)
def sbpy_load_alias(
    payload: typing.Any, alias: typing.Any, size: int, target: typing.Any, target_size: int
) -> int:
    broker = ffi.from_handle(payload).broker
    broker.add_alias(_loose_text(alias, size), _loose_text(target, target_size))
    return OK


@ffi.def_extern(error=lib.SB_EUSER, onerror=_keep)
def sbpy_load_messages(payload: typing.Any, messages: typing.Any) -> int:
    ffi.from_handle(payload).broker.insert_messages(_records(messages))
    return OK


@ffi.def_extern(error=lib.SB_EUSER, onerror=_keep)
def sbpy_load_advance(payload: typing.Any, last_ts: int) -> int:
    ffi.from_handle(payload).broker.advance_last_timestamp(last_ts)
    return OK


def _records(messages: typing.Any) -> list[tuple[str, str, int]]:
    queue_size, body_size = ffi.new("size_t *"), ffi.new("size_t *")
    records = []
    for i in range(lib.sb_messages_count(messages)):
        queue = lib.sb_messages_queue(queue_size, messages, i)
        body = lib.sb_messages_body(body_size, messages, i)
        records.append(
            (
                _loose_text(queue, queue_size[0]),
                _loose_text(body, body_size[0]),
                int(lib.sb_messages_id(messages, i)),
            )
        )
    return records


def _loose_text(pointer: typing.Any, size: int) -> str:
    """A text that the destination is to judge: lone surrogates stay what they were."""
    encoded: bytes = ffi.unpack(pointer, size)
    return encoded.decode("utf-8", "surrogatepass")
