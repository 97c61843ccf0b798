"""Transactions in which several operations, and SQL of the application's own, commit together."""

from __future__ import annotations

from collections.abc import Sequence
from threading import get_ident
from types import TracebackType

from ._inventory import Inventory
from ._later import db, typing
from ._native import ffi, lib
from ._sidecar import run_sql
from ._waiting import options_like


class Transaction(Inventory):
    """Operations that commit or vanish together; made by `transaction()` of a broker or queue.

    As a context manager it commits at a clean exit and rolls back when an exception passes. It
    holds the database's write lock from its begin to its end, and belongs to the thread that began
    it. The methods are those of the broker.
    """

    def __init__(self, core: db.BrokerCore) -> None:
        self._core = core
        self._broker: typing.Any = None
        self._owner = get_ident()
        self._txn = ffi.gc(ffi.new("sb_txn **"), lib.sbpy_txn_rollback)
        broker = core._ready or core._enter()
        try:
            core._done(lib.sb_txn_begin(self._txn, broker, core._options), "transaction")
            self._options = options_like(core._options)
            self._options.txn = self._txn[0]
            self._broker = broker
            core._transaction_began()
        except BaseException:
            lib.sbpy_txn_rollback(self._txn)
            raise

    @property
    def _ready(self) -> typing.Any:
        return self._broker if self._owner == get_ident() else self._enter()

    def _enter(self) -> typing.Any:
        if self._txn[0] and self._owner != get_ident():
            raise self._failed_elsewhere()
        raise RuntimeError("the transaction is over")

    def _failed(self, status: int, operation: str) -> BaseException:
        return self._core._failed(status, operation)

    def _poison(self) -> None:
        self._core._poison()

    def run(
        self, sql: str, params: Sequence[typing.Any] = (), *, fetch: bool = False
    ) -> list[tuple[typing.Any, ...]]:
        """Runs one statement of the application's own; see `SidecarSession.run()`."""
        broker = self._ready or self._enter()
        return run_sql(broker, self._options, self._failed, sql, params, fetch)

    def commit(self) -> None:
        """Makes everything durable. The transaction is over afterwards.

        Raises:
            OperationalError: rolled back, or begun by another thread and still open.
        """
        if not self._txn[0] or self._owner != get_ident():
            self._enter()
        self._end()
        self._core._done(lib.sbpy_txn_commit(self._txn), "commit")

    def rollback(self) -> None:
        """Undoes everything. The transaction is over afterwards; harmless when it is already.

        Raises:
            OperationalError: begun by another thread and still open.
        """
        if self._txn[0]:
            if self._owner != get_ident():
                self._enter()
            self._end()
            lib.sbpy_txn_rollback(self._txn)

    def _failed_elsewhere(self) -> BaseException:
        from ._exceptions import OperationalError

        error = OperationalError(
            "the transaction belongs to another thread; it is used on the thread that began it"
        )
        error.retryable = False
        return error

    def _end(self) -> None:
        self._broker = None
        self._core._transaction_ended()

    def __enter__(self) -> Transaction:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if exception is None and self._txn[0]:
                self.commit()
        finally:
            self.rollback()

    def __del__(self) -> None:
        if getattr(self, "_broker", None) is not None:
            self._end()
            lib.sbpy_txn_rollback(self._txn)

    def __repr__(self) -> str:
        return f"<Transaction, {'open' if self._txn[0] else 'over'}>"
