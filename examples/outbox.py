"""An outbox: messages are sent if, and only if, the application's transaction commits.

The queue works on the application's own `sqlite3.Connection`, through a runner of a few lines.
Inside a transaction of the application an enqueue becomes a savepoint of it; outside it is a
transaction of its own. See transaction.py for the other way round: the broker's transaction, and
the application's statements inside it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

from simplebroker import Queue
from simplebroker.ext import SQLRunner


class ConnectionRunner(SQLRunner):
    """A runner over a connection that belongs to the application, and to one thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._nested = False

    def run(
        self, sql: str, params: tuple[Any, ...] = (), *, fetch: bool = False
    ) -> Iterable[tuple[Any, ...]]:
        cursor = self._connection.execute(sql, params)
        return cursor.fetchall() if fetch else []

    def begin_immediate(self) -> None:
        self._nested = self._connection.in_transaction
        self._connection.execute("SAVEPOINT outbox" if self._nested else "BEGIN IMMEDIATE")

    def commit(self) -> None:
        self._connection.execute("RELEASE outbox" if self._nested else "COMMIT")

    def rollback(self) -> None:
        if self._nested:
            self._connection.execute("ROLLBACK TO outbox")
            self._connection.execute("RELEASE outbox")
        elif self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """The connection is the application's."""


def place_order(connection: sqlite3.Connection, outbox: Queue, item: str, count: int) -> None:
    """An order and its message, together."""
    connection.execute("BEGIN IMMEDIATE")
    with connection:  # commits at the end, rolls back if something raises
        connection.execute("UPDATE stock SET count = count - ? WHERE item = ?", (count, item))
        outbox.write(f"ship {count} {item}")
        connection.execute("INSERT INTO orders (item, count) VALUES (?, ?)", (item, count))
        ((left,),) = connection.execute("SELECT count FROM stock WHERE item = ?", (item,))
        if left < 0:
            raise ValueError(f"not enough {item}")


def main() -> None:
    connection = sqlite3.connect("shop.db", isolation_level=None)  # BEGIN and COMMIT are ours
    outbox = Queue("outbox", runner=ConnectionRunner(connection))
    outbox.exists()  # makes the broker's tables, which cannot be done inside a transaction
    connection.execute("CREATE TABLE stock (item TEXT PRIMARY KEY, count INTEGER)")
    connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT, count INTEGER)")
    connection.execute("INSERT INTO stock VALUES ('pizza', 3)")

    for count in (2, 2, 1):
        try:
            place_order(connection, outbox, "pizza", count)
            print("ordered:", count)
        except ValueError as error:
            print("refused:", error)

    print("orders:", connection.execute("SELECT count FROM orders").fetchall())
    connection.close()

    # The other side of the outbox: any program with the file.
    print("to ship:", Queue("outbox", db_path="shop.db").read_many(10))


if __name__ == "__main__":
    main()
