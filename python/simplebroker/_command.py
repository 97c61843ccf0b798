"""The command in this process: the streams that C writes to and reads from are `sys`'s.

A callback never lets an exception through the C code. It keeps it for the run, every later use of a
stream fails, and `run()` raises it when the command has returned.
"""

from __future__ import annotations

import codecs
import errno
import sys
from collections.abc import Iterable
from typing import Any

from ._config import issue_warnings
from ._library import NULL, last_error, text
from ._native import ffi, lib

_from_handle = ffi.from_handle


class _Run:
    """What one run has on its streams."""

    __slots__ = ("decoder", "failure", "lines", "rest", "warned")

    def __init__(self, stdin: Iterable[str] | None) -> None:
        self.failure: BaseException | None = None
        self.warned: list[str] = []
        self.decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self.lines = stdin
        self.rest = b""

    def read(self, size: int) -> bytes:
        if not self.rest:
            if self.lines is None:
                self.lines = sys.stdin
            line = next(iter(self.lines), "")
            self.rest = line.encode("utf-8", "surrogateescape")
        piece, self.rest = self.rest[:size], self.rest[size:]
        return piece

    def write(self, stream: int, data: bytes) -> None:
        if stream == 1:
            out = self.decoder.decode(data)
            sys.stdout.write(out)
            sys.stdout.flush()
        else:
            sys.stderr.write(data.decode("utf-8", "backslashreplace"))


def _kept(exception: Any, value: Any, traceback: Any) -> int | None:
    """Keeps what a callback raised, even a Ctrl-C before its first line."""
    if traceback is None:
        return None
    payload = traceback.tb_frame.f_locals.get("payload", NULL)
    if payload:
        run: _Run = _from_handle(payload)
        if run.failure is None:
            run.failure = value
    return None


@ffi.def_extern(error=errno.EIO, onerror=_kept)
def sbpy_command_write(payload: Any, stream: int, data: Any, size: int) -> int:
    run: _Run = _from_handle(payload)
    if run.failure is not None:
        return errno.EIO
    try:
        run.write(stream, ffi.unpack(data, size))
    except BrokenPipeError:
        return errno.EPIPE
    return 0


@ffi.def_extern(error=-errno.EIO, onerror=_kept)
def sbpy_command_read(payload: Any, buffer: Any, size: int) -> int:
    piece = _from_handle(payload).read(size)
    ffi.memmove(buffer, piece, len(piece))
    return len(piece)


@ffi.def_extern(error=0, onerror=_kept)
def sbpy_command_is_terminal(payload: Any, stream: int) -> int:
    file = (sys.stdin, sys.stdout, sys.stderr)[stream]
    return int(file.isatty())


@ffi.def_extern(onerror=_kept)
def sbpy_command_warn(payload: Any, message: Any) -> None:
    _from_handle(payload).warned.append(text(message))


def run(
    arguments: Iterable[str],
    *,
    config: Any = NULL,
    target: Any = NULL,
    raises: bool,
    stdin: Iterable[str] | None = None,
) -> int:
    """Runs a command line, without the program's name, on the streams of `sys`.

    Args:
        arguments: options and operands.
        config: an `sb_config *`; NULL: the environment's.
        target: an `sb_target *`; NULL: the one that the arguments select.
        raises: whether failures of the library are raised, and warnings given to `warnings`.
        stdin: what to read instead of `sys.stdin`, in pieces.

    Returns:
        The exit code.

    Raises:
        ValueError: an argument contains a NUL.
        SimpleBrokerError, ValueError: with `raises`, what the library reported.
        BaseException: whatever a stream raised.
    """
    words = [ffi.from_buffer(_word(argument)) for argument in ("broker", *arguments)]
    argv = ffi.new("char *[]", [*words, NULL])
    state = _Run(stdin)
    handle = ffi.new_handle(state)
    streams = ffi.new("broker_streams *")
    streams.payload = handle
    streams.write = lib.sbpy_command_write
    streams.read = lib.sbpy_command_read
    streams.is_terminal = lib.sbpy_command_is_terminal
    streams.warn = lib.sbpy_command_warn if raises else NULL
    raised = ffi.new("sb_status *")
    status = raised if raises else NULL
    code: int = lib.broker_command_run(len(words), argv, config, target, streams, status)
    if state.failure is not None:
        raise state.failure
    if raised[0] != lib.SB_OK:
        raise last_error(raised[0])
    _give_warnings(state.warned)
    return code


def _word(argument: str) -> bytes:
    encoded = argument.encode("utf-8", "surrogateescape")
    if b"\0" in encoded:
        raise ValueError("embedded null character")
    return encoded + b"\0"


def _give_warnings(warned: list[str]) -> None:
    issue_warnings(stacklevel=4)
    if warned:
        import warnings

        for message in warned:
            warnings.warn(message, RuntimeWarning, stacklevel=5)
