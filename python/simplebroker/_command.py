"""The command in this process: its streams are those of `sys`, and what it waits for can be stopped.

A callback never lets an exception through the C code. What the system refuses to a stream is the
command's to tell, as it is in the program; any other exception is kept for the run, every later use
of a stream fails, and `run()` raises it when the command has returned.
"""

from __future__ import annotations

import codecs
import errno
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ._config import issue_warning
from ._library import NULL, callback_failed, last_error, text
from ._native import ffi, lib

_from_handle = ffi.from_handle


class _Run:
    """What one run has on its streams."""

    __slots__ = ("decoder", "failure", "lines", "refused", "rest", "watch")

    def __init__(self, stdin: Iterable[str] | None, watch: Callable[[Any], None] | None) -> None:
        self.failure: BaseException | None = None
        self.refused: OSError | None = None  # by the system, to a stream
        self.decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self.lines: Iterator[str | bytes] | None = None if stdin is None else iter(stdin)
        self.rest = b""
        self.watch = watch

    def read(self, size: int) -> bytes:
        if not self.rest:
            if self.lines is None:
                self.lines = _pieces_of(sys.stdin)
            piece = next(self.lines, b"")
            self.rest = piece if isinstance(piece, bytes) else _encoded(piece)
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken

    def write(self, stream: int, data: bytes) -> int:
        file = sys.stdout if stream == 1 else sys.stderr
        if file is None:
            return errno.EBADF
        if stream == 1:
            file.write(self.decoder.decode(data))
        else:
            file.write(data.decode("utf-8", "backslashreplace"))
        file.flush()
        return 0


def _pieces_of(stream: Any) -> Iterator[str | bytes]:
    """What a stream gives: its bytes where it has any, since line ends are taken verbatim."""
    source = getattr(stream, "buffer", stream)
    read = getattr(source, "read1", None)
    if read is None:
        return iter(source)
    return iter(lambda: read(65536), b"")


def _encoded(argument: str) -> bytes:
    """Bytes that come back as they were given to the process; of what is no text, no text either."""
    try:
        return argument.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return argument.encode("utf-8", "surrogatepass")


def _kept(exception: Any, value: Any, traceback: Any) -> int | None:
    """Keeps what a callback raised, even a Ctrl-C before its first line."""
    payload = traceback.tb_frame.f_locals["payload"]
    run: _Run = _from_handle(payload)
    if run.failure is None:
        run.failure = value.with_traceback(traceback)
    return None


@ffi.def_extern(error=errno.EIO, onerror=_kept)
def sbpy_command_write(payload: Any, stream: int, data: Any, size: int) -> int:
    run: _Run = _from_handle(payload)
    if run.failure is not None:
        return errno.EIO
    try:
        return run.write(stream, ffi.unpack(data, size))
    except OSError as error:
        if error.errno is None:
            raise
        if stream == 1:
            run.refused = error
        return error.errno


@ffi.def_extern(error=-errno.EIO, onerror=_kept)
def sbpy_command_read(payload: Any, buffer: Any, size: int) -> int:
    if sys.stdin is None:
        return -errno.EBADF
    run: _Run = _from_handle(payload)
    try:
        piece = run.read(size)
    except OSError as error:
        if error.errno is None:
            raise
        run.refused = error
        return -error.errno
    ffi.memmove(buffer, piece, len(piece))
    return len(piece)


@ffi.def_extern(error=0, onerror=_kept)
def sbpy_command_is_terminal(payload: Any, stream: int) -> int:
    file = (sys.stdin, sys.stdout, sys.stderr)[stream]
    return int(file is not None and file.isatty())


@ffi.def_extern(onerror=_kept)
def sbpy_command_warn(payload: Any, kind: int, message: Any) -> None:
    issue_warning(kind, text(message))


@ffi.def_extern(error=1, onerror=_kept)
def sbpy_command_stop(payload: Any) -> int:
    """Lets Python run the handlers of signals that have come; one that raises ends the waiting."""
    return 0


@ffi.def_extern(error=lib.SB_EUSER, onerror=_kept)
def sbpy_command_watch(payload: Any, watch: Any) -> int:
    try:
        _from_handle(payload).watch(watch)
    except Exception as error:
        return callback_failed(error)
    return 0


def run(
    arguments: Iterable[str],
    *,
    config: Any = NULL,
    target: Any = NULL,
    raises: bool,
    stdin: Iterable[str] | None = None,
    watch: Callable[[Any], None] | None = None,
) -> int:
    """Runs a command line, without the program's name, on the streams of `sys`.

    Args:
        arguments: options and operands.
        config: an `sb_config *`; NULL: the environment's.
        target: an `sb_target *`; NULL: the one that the arguments select.
        raises: whether failures of the library are raised, and warnings given to `warnings`.
        stdin: what to read instead of `sys.stdin`, in pieces.
        watch: watches a queue as a `broker_watch *` says; without it there is no command `watch`.

    Returns:
        The exit code.

    Raises:
        ValueError: an argument contains a NUL.
        BrokerError, ValueError, OSError: with `raises`, what the library reported.
        BaseException: whatever a stream raised.
    """
    state = _Run(stdin, watch)
    handle = ffi.new_handle(state)
    host = _host(handle, raises, watch is not None)
    words = [_word(argument) for argument in ("broker", *arguments)]
    argv = ffi.new("char *[]", [*words, NULL])
    raised = ffi.new("sb_status *")
    code: int = lib.broker_command_run(
        len(words), argv, config, target, host, raised if raises else NULL
    )
    if state.failure is not None:
        raise state.failure
    if raised[0] != lib.SB_OK:
        raise state.refused or last_error(raised[0])
    if isinstance(state.refused, BrokenPipeError) or (state.refused and not raises):
        _let_go_of_output()
    return code


def _let_go_of_output() -> None:
    """What is still buffered would fail again when the process ends."""
    try:
        descriptor = sys.stdout.fileno()
    except (AttributeError, OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _host(handle: Any, raises: bool, watches: bool) -> Any:
    host = ffi.new("broker_host *")
    host.payload = handle
    host.write = lib.sbpy_command_write
    host.read = lib.sbpy_command_read
    host.is_terminal = lib.sbpy_command_is_terminal
    host.warn = lib.sbpy_command_warn if raises else NULL
    host.stop = lib.sbpy_command_stop
    host.watch = lib.sbpy_command_watch if watches else NULL
    return host


def _word(argument: str) -> Any:
    if not isinstance(argument, str):
        raise TypeError(f"an argument must be a string, not {type(argument).__name__}")
    encoded = _encoded(argument)
    if b"\0" in encoded:
        raise ValueError("embedded null character")
    return ffi.new("char[]", encoded)
