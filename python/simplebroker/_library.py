"""The C library as the rest of the package sees it: results become exceptions here, once.

`check()` is called with the result of every function that returns a status. The detail of an
error is kept per thread by the library, so it is read right after the call.
"""

from __future__ import annotations

import builtins
import threading

from . import _exceptions
from ._later import typing
from ._native import ffi, lib

NULL = ffi.NULL
OK: int = lib.SB_OK
EMPTY: int = lib.SB_EMPTY
EXISTS: int = lib.SB_EXISTS

_callbacks = threading.local()


def text(pointer: typing.Any) -> str:
    """A NUL-terminated UTF-8 string of the library's."""
    return str(ffi.string(pointer), "utf-8", "surrogateescape")


def optional_text(pointer: typing.Any) -> str | None:
    """The same for a pointer that may be NULL."""
    return text(pointer) if pointer else None


def sized_text(pointer: typing.Any, size: int) -> str:
    """A UTF-8 string of known length, which may contain NUL."""
    return str(ffi.buffer(pointer, size), "utf-8")


def owned_text(pointer: typing.Any, size: int, errors: str = "surrogatepass") -> str:
    """A string that the library allocated for us; freed here."""
    try:
        return str(ffi.buffer(pointer, size), "utf-8", errors)
    finally:
        lib.sb_free(pointer)


def owned_path(pointer: typing.Any, size: int) -> str:
    """A path that the library allocated for us, with any bytes; freed here."""
    return owned_text(pointer, size, "surrogateescape")


def _text_of(exception: BaseException) -> str:
    try:
        return str(exception)
    except Exception:
        return ""


def callback_failed(exception: BaseException, status: int = lib.SB_EUSER) -> int:
    """Notes the exception that ends a callback; to be returned to the library.

    The exception itself is raised by `check()` when the failure comes back out of the library. Some
    do not, since what was asked for is done, such as those of an automatic vacuum after a write:
    then Ctrl-C is raised by the next operation, see `raise_interrupt()`.
    """
    message = _text_of(exception).encode("utf-8", "replace") or type(exception).__name__.encode()
    retryable = getattr(exception, "retryable", None)
    hint = -1 if retryable is None else int(bool(retryable))
    lib.sb_error_set(status, message, len(message), hint)
    # As the library keeps it, which may be shorter.
    _callbacks.failure = (ffi.string(lib.sb_error_message(NULL)), exception)
    if not isinstance(exception, Exception):
        for ask in ask_for_interrupts:
            ask()
    return status


ask_for_interrupts: list[typing.Callable[[], None]] = []
"""Called so that whoever works with the library calls `raise_interrupt()` before it does."""


def raise_interrupt() -> None:
    """Raises what ended a callback of this thread and is no Exception, if nobody has raised it."""
    failure = getattr(_callbacks, "failure", None)
    if failure is not None and not isinstance(failure[1], Exception):
        _callbacks.failure = None
        raise failure[1]


def forget_callback_failure() -> None:
    """Lets go of an exception that a callback raised and the library overcame; not of Ctrl-C."""
    failure = getattr(_callbacks, "failure", None)
    if failure is not None and isinstance(failure[1], Exception):
        _callbacks.failure = None


def _taken_callback_failure() -> BaseException | None:
    failure = getattr(_callbacks, "failure", None)
    if failure is None:
        return None
    _callbacks.failure = None
    message, exception = failure
    # Ctrl-C is raised whatever else went wrong because of it.
    if isinstance(exception, Exception) and ffi.string(lib.sb_error_message(NULL)) != message:
        return None
    return exception  # type: ignore[no-any-return]


def _exception_class(family: str) -> type[Exception]:
    found = getattr(_exceptions, family, None) or getattr(builtins, family, None)
    return found if isinstance(found, type) else _exceptions.BrokerError


def last_error(status: int) -> BaseException:
    """The exception for a failed call, with the detail that the library keeps for this thread."""
    own = _taken_callback_failure()
    if own is not None:
        return own
    message = text(lib.sb_error_message(NULL)) or text(lib.sb_status_text(status))
    cls = _exception_class(text(lib.sb_status_family(status)))
    if cls is _exceptions.InvalidConfigError:
        return cls(
            key=text(lib.sb_error_field(NULL, lib.SB_ERROR_KEY)),
            source=text(lib.sb_error_field(NULL, lib.SB_ERROR_SOURCE)),
            expected=text(lib.sb_error_field(NULL, lib.SB_ERROR_EXPECTED)),
            value_display=text(lib.sb_error_field(NULL, lib.SB_ERROR_VALUE)),
        )
    if cls is _exceptions.TimestampError:
        ambiguous = bool(lib.sb_error_outcome_ambiguous(NULL))
        return _exceptions.TimestampError(message, outcome_ambiguous=ambiguous)
    exception = cls(message)
    if isinstance(exception, _exceptions.OperationalError):
        retryable = lib.sb_error_retryable(NULL)
        if retryable >= 0:
            exception.retryable = bool(retryable)
    return exception


def check(status: int) -> int:
    """Raises for a failed call; hands back what is no failure (0, EMPTY, EXISTS)."""
    if status < 0:
        raise last_error(status)
    return status
