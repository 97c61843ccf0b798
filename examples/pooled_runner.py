"""A runner over a pool of connections.

A statement outside a transaction borrows any free connection; a transaction keeps one, for its
thread, from begin to commit or rollback. SQLite lets one of them write at a time, while readers go
on beside it.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from simplebroker import Queue
from simplebroker.ext import SQLRunner


class PooledRunner(SQLRunner):
    """At most `size` connections, made when they are first needed."""

    def __init__(self, path: str, size: int = 4) -> None:
        self._path = path
        # The last one returned is the first one lent: its cache is warm. None is one to be made.
        self._pool: queue.LifoQueue[sqlite3.Connection | None] = queue.LifoQueue()
        for _ in range(size):
            self._pool.put(None)
        self._size = size
        self._mine = threading.local()

    def run(
        self, sql: str, params: tuple[Any, ...] = (), *, fetch: bool = False
    ) -> Iterable[tuple[Any, ...]]:
        with self._borrowed() as connection:
            cursor = connection.execute(sql, params)
            return cursor.fetchall() if fetch else []

    def begin_immediate(self) -> None:
        connection = self._take()
        try:
            connection.execute("BEGIN IMMEDIATE")
        except BaseException:
            self._pool.put(connection)
            raise
        self._mine.connection = connection

    def commit(self) -> None:
        """If this fails, the thread keeps the connection, and a rollback follows."""
        self._mine.connection.commit()
        self._give_back()

    def rollback(self) -> None:
        try:
            self._mine.connection.rollback()
        finally:
            self._give_back()

    def close(self) -> None:
        """Waits for what is lent, and closes everything. The pool can be used again afterwards."""
        for connection in [self._pool.get() for _ in range(self._size)]:
            if connection is not None:
                connection.close()
            self._pool.put(None)

    def _take(self) -> sqlite3.Connection:
        connection = self._pool.get()
        if connection is not None:
            return connection
        try:
            connection = sqlite3.connect(
                self._path, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA busy_timeout = 5000")
        except BaseException:
            self._pool.put(None)
            raise
        return connection

    def _give_back(self) -> None:
        connection, self._mine.connection = self._mine.connection, None
        self._pool.put(connection)

    @contextmanager
    def _borrowed(self) -> Iterator[sqlite3.Connection]:
        """The connection of this thread's transaction, or a free one for a moment."""
        connection = getattr(self._mine, "connection", None)
        if connection is not None:
            yield connection
            return
        connection = self._take()
        try:
            yield connection
        finally:
            self._pool.put(connection)


def drain(tasks: Queue) -> list[str]:
    """What one of several readers gets."""
    taken = []
    while (body := tasks.read()) is not None:
        taken.append(str(body))
    return taken


def main() -> None:
    runner = PooledRunner("pooled.db", size=4)
    tasks = Queue("tasks", runner=runner)
    tasks.exists()  # sets the file up, once, before the threads start

    with ThreadPoolExecutor(max_workers=8) as threads:
        list(threads.map(lambda n: tasks.write(f"task {n}"), range(100)))
        taken = [threads.submit(drain, tasks) for _ in range(8)]
    counts = Counter(body for future in taken for body in future.result())
    print("tasks:", len(counts))
    print("taken twice:", sum(1 for count in counts.values() if count > 1))
    runner.close()


if __name__ == "__main__":
    main()
