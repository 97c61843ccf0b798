"""What a worker thread does with the broker that all of them share.

A cancelled operation has to end soon and to leave no trace, so each one can be interrupted while it
waits for a lock, and messages that nobody wants any more can be given back.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from typing import Any, cast

from ._inventory import Inventory
from ._library import check
from ._native import ffi, lib
from ._transaction import Transaction
from ._waiting import _outlived, new_options
from .db import BrokerCore

_ASIDE = "simplebroker.aside"

Row = tuple[str, int]
"""A message: its body and its id."""


class Hand(Inventory):
    """Operations on a shared broker with a switch that ends their waiting.

    Used by one thread at a time; `interrupt()` may come from any.
    """

    _ready = None

    def __init__(self, core: BrokerCore) -> None:
        out = ffi.new("sb_cancel **")
        check(lib.sb_cancel_new(out))
        self.core = core
        self._switch = ffi.gc(out[0], lib.sb_cancel_free)
        self._options: Any = ffi.gc(new_options(), partial(_outlived, self._switch))
        self._options.cancel = self._switch

    def _enter(self) -> Any:
        return self.core._broker()

    def _failed(self, status: int, operation: str) -> BaseException:
        return self.core._failed(status, operation)

    def _transaction_began(self) -> None:
        self.core._transaction_began()

    def _transaction_ended(self) -> None:
        self.core._transaction_ended()

    def interrupt(self) -> None:
        """Ends the operation under way if it waits, with StopException; nothing is changed then."""
        lib.sb_cancel_set(self._switch)

    def relax(self) -> None:
        """Makes the hand fit for the next operation."""
        lib.sb_cancel_reset(self._switch)

    # ---- messages that go back ---------------------------------------------------------------

    def give_back(self, queue: str, rows: Sequence[Row]) -> None:
        """Makes claimed messages pending again, each under its id and in its old place."""
        self.give_all_back([(queue, rows)])

    def give_all_back(self, taken: Sequence[tuple[str, Sequence[Row] | Exception]]) -> None:
        """The same for several queues, in one transaction; failures among them are passed over."""
        some = [(queue, rows) for queue, rows in taken if rows and not isinstance(rows, Exception)]
        if not some:
            return
        # Not with the options of this hand: it may be interrupted already.
        with self.core.transaction() as transaction:
            for queue, rows in some:
                for row in rows:
                    _give_back(transaction, queue, row)

    def claim_for_all(self, wanted: Sequence[tuple[str, int]]) -> list[tuple[str, Any]]:
        """Claims from several queues, together while nothing fails: that is one commit.

        Args:
            wanted: names of queues, and how many messages at most.

        Returns:
            Of each queue its name and its rows, or the exception that it failed with.
        """
        if len(wanted) > 1:
            try:
                with Transaction(cast(BrokerCore, self)) as transaction:
                    return [(queue, claim_rows(transaction, queue, most)) for queue, most in wanted]
            except Exception:
                pass  # rolled back; now one by one, to see whose it is
        return [(queue, self._claim_or_failure(queue, most)) for queue, most in wanted]

    def _claim_or_failure(self, queue: str, most: int) -> list[Row] | Exception:
        try:
            return claim_rows(self, queue, most)
        except Exception as error:
            return error


def claim_rows(broker: Inventory, queue: str, most: int) -> list[Row]:
    """Claims the oldest messages, at most so many; a single one in the way that is fastest."""
    if most != 1:
        return broker.claim_many(queue, most)
    row = broker.claim_one(queue)
    return [] if row is None else [row]


def _give_back(transaction: Transaction, queue: str, row: Row) -> None:
    """A move makes a message pending and keeps its place: there and back, nobody sees it there."""
    body, number = row
    aside = _ASIDE if queue != _ASIDE else _ASIDE + "2"
    if transaction.move_one(queue, aside, exact_timestamp=number, require_unclaimed=False):
        transaction.move_one(aside, queue, exact_timestamp=number)
    else:  # it has been vacuumed meanwhile
        transaction.insert_messages([(queue, body, number)])


class Hands:
    """As many hands as threads ask for at a time, over one broker that is opened first."""

    def __init__(self, open_core: Any) -> None:
        self._open_core = open_core
        self._free: list[Hand] = []
        self._opening = threading.Lock()
        self.core: BrokerCore | None = None

    def take(self) -> Hand:
        """A hand that nobody else has.

        Raises:
            RuntimeError: the broker could not be opened; the cause says why.
        """
        try:
            return self._free.pop()
        except IndexError:
            return Hand(self._opened())

    def put(self, hand: Hand) -> None:
        hand.relax()
        self._free.append(hand)

    def _opened(self) -> BrokerCore:
        with self._opening:
            if self.core is None:
                self.core = self._open_core()
            return self.core

    def close(self) -> None:
        """Closes the broker."""
        self._free.clear()
        if self.core is not None:
            self.core.close()
