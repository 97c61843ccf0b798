"""A runner for tests: in memory, with a history of its calls, and with errors on demand.

Code that takes a Queue can be tested without a file, and what it does when storage fails can be
tested at all. test_with_mock_runner.py shows fixtures and tests.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable
from typing import Any, NamedTuple

from simplebroker import Queue
from simplebroker.ext import SQLRunner


class Call(NamedTuple):
    """One call of a runner's method; `sql` and `params` are empty for all but `run`."""

    method: str
    sql: str = ""
    params: tuple[Any, ...] = ()


class MockRunner(SQLRunner):
    """A runner over a database in memory, which any number of threads may share."""

    def __init__(self) -> None:
        self.history: list[Call] = []
        self._connection = sqlite3.connect(
            ":memory:", isolation_level=None, check_same_thread=False
        )
        self._turn = threading.RLock()  # one connection: a transaction has it for itself
        self._failures: list[tuple[str, BaseException]] = []

    def fail_next(self, error: BaseException, when: str = "") -> None:
        """Raises `error` once: at the next call whose method or SQL contains `when`."""
        self._failures.append((when, error))

    def count(self, text: str) -> int:
        """How many calls so far have `text` in their method or SQL."""
        return sum(1 for call in self.history if text in call.method or text in call.sql)

    def pending(self, queue: str) -> list[str]:
        """The bodies that wait in a queue, oldest first, without asking the broker."""
        rows = self._connection.execute(
            "SELECT body FROM messages WHERE queue = ? AND claimed = 0 ORDER BY id", (queue,)
        )
        return [body for (body,) in rows]

    def run(
        self, sql: str, params: tuple[Any, ...] = (), *, fetch: bool = False
    ) -> Iterable[tuple[Any, ...]]:
        with self._turn:
            self._note(Call("run", sql, tuple(params)))
            cursor = self._connection.execute(sql, params)
            return cursor.fetchall() if fetch else []

    def begin_immediate(self) -> None:
        self._turn.acquire()
        try:
            self._note(Call("begin_immediate"))
            self._connection.execute("BEGIN IMMEDIATE")
        except BaseException:
            self._turn.release()
            raise

    def commit(self) -> None:
        self._note(Call("commit"))
        self._connection.commit()
        self._turn.release()

    def rollback(self) -> None:
        self.history.append(Call("rollback"))  # never fails on demand: it is the way out
        self._connection.rollback()
        self._turn.release()

    def close(self) -> None:
        """Closes nothing: the messages would be gone. `dispose` does."""
        self.history.append(Call("close"))

    def dispose(self) -> None:
        self._connection.close()

    def _note(self, call: Call) -> None:
        self.history.append(call)
        for failure in self._failures:
            when, error = failure
            if when in call.method or when in call.sql:
                self._failures.remove(failure)
                raise error


def main() -> None:
    runner = MockRunner()
    tasks = Queue("tasks", runner=runner)
    tasks.write("one")
    runner.fail_next(sqlite3.OperationalError("disk on fire"), when="INSERT INTO messages")
    try:
        tasks.write("two")
    except sqlite3.OperationalError as error:
        print("write failed:", error)
    print("last call:", runner.history[-1].method)
    print("pending:", runner.pending("tasks"))
    print("inserts tried:", runner.count("INSERT INTO messages"))
    runner.dispose()


if __name__ == "__main__":
    main()
