"""Message ids without a broker: a generator over any storage of the high-water."""

from __future__ import annotations

from typing import Any

from ._callbacks import HighWater
from ._library import check
from ._native import ffi, lib
from ._plugins import BackendPlugin, ensure_capabilities, get_backend_plugin
from ._runner import SQLRunner

_MAXIMUM = 2**63 - 1


class TimestampGenerator:
    """Allocates ids that are above every one allocated before, by whatever process.

    Args:
        runner: how the database is reached; it must be initialised. Nothing is read yet.
        backend_plugin: who stores the high-water, through `read_last_ts` and `advance_last_ts`
            alone; by default the runner's own `backend_plugin`, else SQLite's.

    Raises:
        RuntimeError: the backend was made for another version of this package.
    """

    def __init__(self, runner: SQLRunner, *, backend_plugin: BackendPlugin | None = None) -> None:
        plugin = backend_plugin or getattr(runner, "backend_plugin", None) or get_backend_plugin()
        ensure_capabilities(plugin)
        self._store = HighWater(runner, plugin)
        out = ffi.new("sb_generator **")
        check(
            lib.sb_generator_new(
                out,
                lib.sbpy_high_water_read,
                lib.sbpy_high_water_advance,
                self._store.payload,
                ffi.NULL,
            )
        )
        self._native = ffi.gc(out[0], lib.sb_generator_free)

    def _ask(self, function: Any, *arguments: int) -> int:
        out = ffi.new("int64_t *")
        check(function(out, self._native, *arguments))
        return int(out[0])

    def generate(self) -> int:
        """A new id, stored as the high-water.

        Raises:
            TimestampError: the high-water is missing, or the counter is exhausted.
            IntegrityError: others were faster, again and again.
        """
        return self._ask(lib.sb_generator_next)

    def get_cached_last_ts(self) -> int:
        """The high-water as last seen; read once if it was never seen."""
        return self._ask(lib.sb_generator_cached)

    def refresh_last_ts(self) -> int:
        """The stored high-water; 0 if there is none."""
        return self._ask(lib.sb_generator_refresh)

    def advance_to_at_least(self, timestamp: int) -> int:
        """Raises the high-water where it is lower.

        Args:
            timestamp: the floor, 0 to 2**63 - 1.

        Returns:
            What is stored then.

        Raises:
            TimestampError: what is stored is still lower.
        """
        if type(timestamp) is not int:
            raise TypeError("timestamp must be an int")
        if timestamp > _MAXIMUM:
            raise ValueError("timestamp exceeds maximum timestamp value")
        if timestamp < 0:
            raise ValueError("timestamp must be non-negative")
        return self._ask(lib.sb_generator_advance, timestamp)

    @staticmethod
    def validate(timestamp_str: str, exact: bool = False) -> int:
        """Parses a bound: a date, seconds, milliseconds, nanoseconds or an id.

        Args:
            timestamp_str: the text.
            exact: accept only an id of 19 digits.

        Returns:
            The id.

        Raises:
            TimestampError: the text is none of these.
            TypeError: it is no text.
        """
        if not isinstance(timestamp_str, str):
            raise TypeError(f"a timestamp must be a string, not {type(timestamp_str).__name__}")
        encoded = timestamp_str.encode("utf-8", "surrogatepass")
        parse = lib.sb_timestamp_parse_exact if exact else lib.sb_bound_parse
        out = ffi.new("int64_t *")
        check(parse(out, encoded, len(encoded)))
        return int(out[0])
