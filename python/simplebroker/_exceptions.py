"""The exceptions of the package.

Storage errors are also errors of Python's `sqlite3`, so that programs written for either catch
them. The classes of `_sqlite3` are those of `sqlite3`, without the import time of its wrapper.
"""

from __future__ import annotations

import _sqlite3

from ._later import typing

__all__ = [
    "BrokerError",
    "DataError",
    "DatabaseError",
    "IntegrityError",
    "InvalidConfigError",
    "MessageError",
    "OperationalError",
    "QueueNameError",
    "SidecarUnavailableError",
    "StopException",
    "StopWatching",
    "TimestampError",
]


class BrokerError(Exception):
    """Root of the exceptions of this package."""


class DatabaseError(BrokerError, _sqlite3.DatabaseError):
    """The storage failed: not a database, damaged, or not accessible."""


class OperationalError(DatabaseError, _sqlite3.OperationalError):
    """A storage operation failed for now: a lock, a full disk, a lost file.

    `retryable` is True or False where whoever failed has said so, and None otherwise: then the
    wording ("database is locked") tells.
    """

    retryable: bool | None = None


class StopException(OperationalError):
    """A stop event was set while an operation waited. Never to be retried or swallowed."""

    retryable = False


class IntegrityError(DatabaseError, _sqlite3.IntegrityError):
    """A constraint was violated, such as an id that is stored already."""


class DataError(DatabaseError, _sqlite3.DataError, ValueError):
    """A value does not fit where it was to be stored."""


class TimestampError(BrokerError):
    """An id could not be parsed, generated or confirmed.

    `outcome_ambiguous` is True when the failed change may have become durable all the same.
    """

    def __init__(self, message: str, *, outcome_ambiguous: bool = False) -> None:
        super().__init__(message)
        self.outcome_ambiguous = outcome_ambiguous


class QueueNameError(BrokerError, ValueError):
    """A queue name is not allowed."""


class MessageError(BrokerError, ValueError):
    """A message body is not a string, not encodable as UTF-8, or too large."""


class InvalidConfigError(BrokerError, ValueError):
    """A setting has a value that it cannot take.

    The value itself is not kept: it may be a password.
    """

    def __init__(self, *, key: str, source: str, expected: str, value_display: str) -> None:
        super().__init__(f"invalid configuration {key}={value_display}: expected {expected}")
        self._key = key
        self._source = source
        self._expected = expected
        self._value_display = value_display

    @property
    def key(self) -> str:
        """Name of the setting."""
        return self._key

    @property
    def source(self) -> str:
        """Where the value came from: environment, override or default."""
        return self._source

    @property
    def expected(self) -> str:
        """What would have been accepted."""
        return self._expected

    @property
    def value_display(self) -> str:
        """The value as it may be shown."""
        return self._value_display

    def __reduce__(self) -> tuple[typing.Any, ...]:
        fields = (self._key, self._source, self._expected, self._value_display)
        return (_rebuild_config_error, (type(self), *fields))


def _rebuild_config_error(
    cls: type[InvalidConfigError], key: str, source: str, expected: str, value_display: str
) -> InvalidConfigError:
    return cls(key=key, source=source, expected=expected, value_display=value_display)


class SidecarUnavailableError(BrokerError):
    """The backend offers no SQL of the application's own."""


class HandleClosed(RuntimeError):
    """Another thread closed the handle before the call had done anything."""


class StopWatching(Exception):
    """Raised by a handler to end its watcher in order."""
