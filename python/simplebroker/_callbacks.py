"""What the library calls in Python: runners, row sinks, warnings, and the end of their payloads.

A payload is a cffi handle of one of the objects below. A callback never lets an exception through
the C code: its `onerror` notes it with `callback_failed()`, and `check()` raises the very same
object once the library has rolled back and returned.
"""

from __future__ import annotations

import _sqlite3
import _thread
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice

from ._exceptions import DataError, IntegrityError
from ._later import _config, typing
from ._library import EMPTY, NULL, callback_failed, check, forget_callback_failure
from ._native import ffi, lib

_unpack: Callable[[typing.Any, int], bytes] = ffi.unpack
_from_handle: Callable[[typing.Any], typing.Any] = ffi.from_handle
_take_values = lib.sbpy_take_values

# ---- values ----------------------------------------------------------------------------------


def python_values(values: typing.Any) -> tuple[typing.Any, ...]:
    """The values of an `sb_values *`: int, float, str, bytes or None each, bool in options."""
    items: list[typing.Any] = []
    if _take_values(id(items), values):
        _raise_for_text(values)
    return tuple(items)


def _raise_for_text(values: typing.Any) -> typing.NoReturn:
    """Raises what is wrong with values that could not be made.

    Raises:
        UnicodeDecodeError, MemoryError: always one of them.
    """
    size = ffi.new("size_t *")
    for index in range(lib.sb_values_count(values)):
        if lib.sb_values_type(values, index) == lib.SB_TEXT:
            data = lib.sb_values_text(size, values, index)
            str(_unpack(data, size[0]), "utf-8")
    raise MemoryError


def add_value(values: typing.Any, value: object) -> None:
    """Appends a value to an `sb_values *`.

    Raises:
        DataError: an integer of more than 64 bits.
        UnicodeEncodeError: a text with lone surrogates.
        TypeError: a type that SQL has no value for.
    """
    if value is None:
        status = lib.sb_values_add_null(values)
    elif isinstance(value, int):
        try:
            status = lib.sb_values_add_int64(values, value)
        except OverflowError:
            raise DataError("an integer of more than 64 bits cannot be an SQL value") from None
    elif isinstance(value, str):
        encoded = str.encode(value, "utf-8")
        status = lib.sb_values_add_text(values, encoded, len(encoded))
    elif isinstance(value, float):
        status = lib.sb_values_add_double(values, value)
    elif isinstance(value, (bytes, bytearray, memoryview)):
        blob = bytes(value)
        status = lib.sb_values_add_blob(values, blob, len(blob))
    else:
        raise TypeError(f"a value of type {type(value).__name__} cannot be an SQL value")
    check(status)


def native_values(values: typing.Any) -> typing.Any:
    """An owned `sb_values *` of the items of a sequence; see `add_value()`."""
    native = ffi.gc(lib.sb_values_new(), lib.sb_values_free)
    if not native:
        raise MemoryError
    for value in values:
        add_value(native, value)
    return native


# ---- runners ---------------------------------------------------------------------------------

_ROWS_AT_ONCE = 1000
_push = lib.sbpy_push
_take_call = lib.sbpy_take_call


class _Driver:
    """A runner as the library's payload."""

    __slots__ = ("failed", "handle", "released", "runner", "stop_event")

    def __init__(self, runner: typing.Any, stop_event: typing.Any = None) -> None:
        self.runner = runner
        self.stop_event = stop_event  # ends a set-up that waits
        self.failed = False  # something is noted that a success makes void
        self.released = False  # the library will not call any more
        self.handle = ffi.new_handle(self)

    def fails(self, exception: BaseException) -> int:
        self.failed = True
        return callback_failed(exception, _status_of(exception))

    def succeeds(self) -> None:
        """After a failure that the library overcame by trying again: lets go of its exception."""
        self.failed = False
        forget_callback_failure()

    def set_up(self, phase: typing.Any) -> None:
        if self.stop_event is not None and hasattr(self.runner, "setup_with_stop_event"):
            self.runner.setup_with_stop_event(phase, self.stop_event)
        else:
            self.runner.setup(phase)

    def push(self, rows: typing.Any, result: typing.Any) -> int:
        if type(result) is list:
            return self._push_list(rows, result)
        status = 0
        source = iter(result)
        while not status and (some := list(islice(source, _ROWS_AT_ONCE))):
            status = self._push_list(rows, some)
        return status

    def _push_list(self, rows: typing.Any, result: list[typing.Any]) -> int:
        pushed = ffi.new("size_t *")
        while (status := _push(rows, id(result), pushed)) == EMPTY:
            status = self._push_row(rows, result[pushed[0]])
            if status:
                break
            pushed[0] += 1
        return int(status)

    def _push_row(self, rows: typing.Any, row: typing.Any) -> int:
        """One that is not quite what the fast way takes: subtypes, or nonsense."""
        values = native_values(row)
        return int(lib.sb_rows_push(rows, values))


def _status_of(exception: BaseException) -> int:
    """What the library is told, for it treats lock errors and conflicts as its own.

    Only the package's own IntegrityError is a conflict of ids; what else fails an integrity check
    is the application's.
    """
    if isinstance(exception, _sqlite3.OperationalError):
        return int(lib.SB_EOPERATIONAL)
    if isinstance(exception, IntegrityError):
        return int(lib.SB_EINTEGRITY)
    return int(lib.SB_EUSER)


# What a callback raises goes to its `onerror`, since Ctrl-C may come before the first line of it.


def _payload_of(traceback: typing.Any) -> typing.Any:
    return traceback.tb_frame.f_locals["payload"]


def _runner_failed(kind: object, exception: BaseException, traceback: typing.Any) -> int:
    driver: _Driver = _from_handle(_payload_of(traceback))
    return driver.fails(exception.with_traceback(traceback))


def _begin_failed(kind: object, exception: BaseException, traceback: typing.Any) -> int:
    driver: _Driver = _from_handle(_payload_of(traceback))
    if not isinstance(exception, Exception):  # Ctrl-C, perhaps when it had begun
        with suppress(Exception):
            driver.runner.rollback()
    return driver.fails(exception)


def _rollback_failed(kind: object, exception: BaseException, traceback: typing.Any) -> int:
    driver: _Driver = _from_handle(_payload_of(traceback))
    if driver.failed and isinstance(exception, Exception):
        return int(lib.SB_EUSER)  # what led to the rollback is what the caller hears of
    return driver.fails(exception.with_traceback(traceback))


@ffi.def_extern(error=lib.SB_EUSER, onerror=_runner_failed)
def sbpy_runner_run(
    payload: typing.Any, sql: typing.Any, sql_len: int, params: typing.Any, rows: typing.Any
) -> int:
    driver: _Driver = _from_handle(payload)
    call: list[typing.Any] = []
    if _take_call(id(call), sql, sql_len, params):
        _raise_for_text(params)
    if not rows:
        driver.runner.run(*call)
        return 0
    status = driver.push(rows, driver.runner.run(*call, fetch=True))
    if driver.failed:
        driver.succeeds()
    return status


@ffi.def_extern(error=lib.SB_EUSER, onerror=_begin_failed)
def sbpy_runner_begin(payload: typing.Any) -> int:
    driver: _Driver = _from_handle(payload)
    driver.runner.begin_immediate()
    if driver.failed:
        driver.succeeds()
    return 0


@ffi.def_extern(error=lib.SB_EUSER, onerror=_runner_failed)
def sbpy_runner_commit(payload: typing.Any) -> int:
    _from_handle(payload).runner.commit()
    return 0


@ffi.def_extern(error=lib.SB_EUSER, onerror=_rollback_failed)
def sbpy_runner_rollback(payload: typing.Any) -> int:
    _from_handle(payload).runner.rollback()
    return 0


@ffi.def_extern(error=lib.SB_EUSER, onerror=_runner_failed)
def sbpy_runner_setup(payload: typing.Any, phase: int) -> int:
    _from_handle(payload).set_up(_setup_phase(phase))
    return 0


@ffi.def_extern(error=lib.SB_EUSER, onerror=_runner_failed)
def sbpy_runner_is_setup_complete(payload: typing.Any, phase: int) -> int:
    done = _from_handle(payload).runner.is_setup_complete(_setup_phase(phase))
    return int(lib.SB_OK if done else lib.SB_EMPTY)


def _setup_phase(phase: int) -> typing.Any:
    from ._runner import SetupPhase

    names = {
        lib.SB_SETUP_CONNECTION: SetupPhase.CONNECTION,
        lib.SB_SETUP_SCHEMA: SetupPhase.SCHEMA,
        lib.SB_SETUP_OPTIMIZATION: SetupPhase.OPTIMIZATION,
    }
    return names[phase]


_closing: set[typing.Any] = set()


def _release(payload: typing.Any) -> None:
    _from_handle(payload).released = True
    _closing.discard(payload)


def _put_off(exception: BaseException) -> None:
    """Ctrl-C in a callback that cannot fail: it comes again outside."""
    if not isinstance(exception, KeyboardInterrupt):
        raise exception  # cffi reports it on stderr
    _thread.interrupt_main()


def _release_failed(kind: object, exception: BaseException, traceback: typing.Any) -> None:
    _release(_payload_of(traceback))
    _put_off(exception)


@ffi.def_extern(onerror=_release_failed)
def sbpy_release(payload: typing.Any) -> None:
    _release(payload)


def _runner_members(runner: typing.Any) -> typing.Any:
    """An `sb_runner *` of the callbacks that a runner has members for."""
    calls = ffi.new("sb_runner *")
    check(lib.sb_runner_init(calls, lib.SB_RUNNER_VERSION))
    calls.run = lib.sbpy_runner_run
    calls.begin_immediate = lib.sbpy_runner_begin
    calls.commit = lib.sbpy_runner_commit
    calls.rollback = lib.sbpy_runner_rollback
    if callable(getattr(runner, "setup", None)):
        calls.setup = lib.sbpy_runner_setup
    if callable(getattr(runner, "is_setup_complete", None)):
        calls.is_setup_complete = lib.sbpy_runner_is_setup_complete
    return calls


class RunnerCalls:
    """A runner for the functions of the library that use one without a broker."""

    __slots__ = ("_driver", "native", "payload")

    def __init__(self, runner: typing.Any) -> None:
        self._driver = _Driver(runner)
        self.native = _runner_members(runner)
        self.payload = self._driver.handle


def _close(driver: _Driver, broker: typing.Any) -> None:
    # A cursor or transaction may keep the broker, and with it the payload, for some time.
    if not driver.released:
        _closing.add(driver.handle)
    lib.sb_close(broker)


def open_runner(
    runner: typing.Any,
    config: _config.Config,
    options: typing.Any = NULL,
    stop_event: typing.Any = None,
) -> typing.Any:
    """Opens a broker whose SQL a Python object runs, and sets up the schema through it.

    Args:
        runner: anything with `run`, `begin_immediate`, `commit` and `rollback`, as `SQLRunner`
            describes them; `setup` and `is_setup_complete` are optional. It stays the caller's: its
            `close` is never called.
        config: settings of the broker.
        options: `sb_options *` with `cancel` and `timeout_ms`, or NULL.
        stop_event: handed to the runner's `setup_with_stop_event`, if it has that.

    Returns:
        An owned `sb_broker *`: closed when it is collected, or by `ffi.release()`. While it is open
        it keeps the runner alive, and nothing else of this module does.

    Raises:
        Whatever the runner raises; RuntimeError for a database that is not the package's.
    """
    driver = _Driver(runner, stop_event)
    out = ffi.new("sb_broker **")
    _closing.add(driver.handle)
    check(
        lib.sb_open_runner(
            out, _runner_members(runner), driver.handle, lib.sbpy_release, config.native, options
        )
    )
    _closing.discard(driver.handle)
    return ffi.gc(out[0], partial(_close, driver))


# ---- high-waters of message ids --------------------------------------------------------------


class HighWater:
    """Where a generator keeps its high-water: the two members of a backend that it needs."""

    __slots__ = ("_plugin", "_runner", "payload")

    def __init__(self, runner: typing.Any, plugin: typing.Any) -> None:
        self._runner = runner
        self._plugin = plugin
        self.payload = ffi.new_handle(self)

    def read(self, out: typing.Any) -> int:
        value = self._plugin.read_last_ts(self._runner)
        if value is None:
            return int(lib.SB_EMPTY)
        try:
            out[0] = value
        except OverflowError:
            raise DataError(f"read_last_ts() returned {value!r}, which is no timestamp") from None
        return 0

    def advance(self, value: int) -> int:
        raised = self._plugin.advance_last_ts(self._runner, new_ts=value)
        return int(lib.SB_OK if raised else lib.SB_EMPTY)


def _store_failed(kind: object, exception: BaseException, traceback: typing.Any) -> int:
    return callback_failed(exception.with_traceback(traceback), _status_of(exception))


@ffi.def_extern(error=lib.SB_EUSER, onerror=_store_failed)
def sbpy_high_water_read(payload: typing.Any, out: typing.Any) -> int:
    return int(_from_handle(payload).read(out))


@ffi.def_extern(error=lib.SB_EUSER, onerror=_store_failed)
def sbpy_high_water_advance(payload: typing.Any, value: int) -> int:
    return int(_from_handle(payload).advance(value))


# ---- stop events -----------------------------------------------------------------------------


def _cancelled(kind: object, exception: BaseException, traceback: typing.Any) -> int:
    return callback_failed(exception.with_traceback(traceback), lib.SB_CANCELLED)


@ffi.def_extern(error=1, onerror=_cancelled)
def sbpy_stop_event(payload: typing.Any) -> int:
    return int(_from_handle(payload).is_set())


@contextmanager
def cancelled_by(stop_event: typing.Any) -> Iterator[typing.Any]:
    """Options whose waiting ends when an event is set; NULL without an event."""
    if stop_event is None:
        yield NULL
        return
    out = ffi.new("sb_cancel **")
    check(lib.sb_cancel_new(out))
    options = ffi.gc(lib.sb_options_new(), lib.sb_options_free)
    payload = ffi.new_handle(stop_event)
    try:
        lib.sb_cancel_on_poll(out[0], lib.sbpy_stop_event, payload)
        lib.sb_options_set_cancel(options, out[0])
        if stop_event.is_set():
            lib.sb_cancel_set(out[0])
        yield options
    finally:
        lib.sb_cancel_free(out[0])


# ---- rows and warnings -----------------------------------------------------------------------


def _row_failed(kind: object, exception: BaseException, traceback: typing.Any) -> int:
    return callback_failed(exception.with_traceback(traceback))


@ffi.def_extern(error=lib.SB_EUSER, onerror=_row_failed)
def sbpy_row(payload: typing.Any, row: typing.Any) -> int:
    """Hands a row to the function that is the payload."""
    _from_handle(payload)(python_values(row))
    return 0


def _warning_failed(kind: object, exception: BaseException, traceback: object) -> None:
    _put_off(exception)


@ffi.def_extern(onerror=_warning_failed)
def sbpy_warning(payload: typing.Any, kind: int, text: typing.Any) -> None:
    """Hands a warning (`SB_WARN_*`, text) to the function that is the payload."""
    _from_handle(payload)(kind, str(ffi.string(text), "utf-8", "replace"))
