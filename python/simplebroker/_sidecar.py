"""The application's own SQL in the broker's database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ._callbacks import native_values
from ._exceptions import DatabaseError
from ._later import typing
from ._library import NULL
from ._native import ffi, lib

Failed = Callable[[int, str], BaseException]


def run_sql(
    broker: typing.Any,
    options: typing.Any,
    failed: Failed,
    sql: str,
    params: typing.Any,
    fetch: bool,
) -> list[tuple[typing.Any, ...]]:
    """Runs one statement and collects its rows.

    Raises:
        TypeError: for parameters by name.
        DatabaseError: for a refused or wrong statement, or a wrong number of values.
    """
    if not isinstance(sql, str):
        raise TypeError("sql must be a string")
    if isinstance(params, Mapping):
        raise TypeError("parameters are given by position, for `?` placeholders")
    text = str.encode(sql, "utf-8")
    values = native_values(params) if params else NULL
    rows: list[tuple[typing.Any, ...]] = []
    sink = ffi.new_handle(rows.append) if fetch else NULL
    callback = lib.sbpy_row if fetch else NULL
    status = lib.sb_sidecar_run(broker, text, len(text), values, options, callback, sink)
    if status == lib.SB_EINVALID:
        raise DatabaseError(str(failed(status, "sidecar")))
    if status < 0:
        raise failed(status, "sidecar")
    return rows


class SidecarSession:
    """SQL of the application's own on the broker's database; see `sidecar()` of a broker.

    The tables of the broker (`RESERVED_TABLE_NAMES`) are not to be changed.
    """

    __slots__ = ("_failed", "_options", "_broker")

    def __init__(
        self, broker: Callable[[], typing.Any], options: typing.Any, failed: Failed
    ) -> None:
        self._broker: Callable[[], typing.Any] | None = broker
        self._options = options
        self._failed = failed

    def run(
        self, sql: str, params: Sequence[typing.Any] = (), *, fetch: bool = False
    ) -> list[tuple[typing.Any, ...]]:
        """Runs one statement.

        Args:
            sql: the statement, with `?` placeholders.
            params: values for them: int (64 bits), float, str, bytes or None.
            fetch: collect the rows.

        Returns:
            The rows as tuples; an empty list without `fetch`.

        Raises:
            RuntimeError: after the end of the session's block.
            IntegrityError, OperationalError, DatabaseError: as SQLite reports them.
        """
        if self._broker is None:
            raise RuntimeError("sidecar session is closed; open a new one with sidecar()")
        return run_sql(self._broker(), self._options, self._failed, sql, params, fetch)

    def close(self) -> None:
        """Ends the session, as the end of its block does; a transaction ends with the block."""
        self._broker = None
