"""A runner whose connection lives in one background thread.

All statements of all threads are executed by that thread. It ends by itself when there was nothing
to do for a while, and the next call starts another one. Who began a transaction has the connection
for itself until commit or rollback: the others wait for their turn.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from simplebroker import Queue
from simplebroker.ext import SQLRunner

Call = Callable[[sqlite3.Connection], Any]


class Daemon:
    """One thread with one connection, and the calls that wait for it."""

    def __init__(self, runner: DaemonRunner) -> None:
        self.calls: queue.SimpleQueue[tuple[Call, Future[Any]] | None] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._loop, args=(runner,), daemon=True)
        self.thread.start()

    def _loop(self, runner: DaemonRunner) -> None:
        connection = sqlite3.connect(runner.path, isolation_level=None)
        connection.execute("PRAGMA busy_timeout = 5000")
        try:
            while True:
                try:
                    item = self.calls.get(timeout=runner.idle_seconds)
                except queue.Empty:
                    if not connection.in_transaction and runner.retire(self):
                        return
                    continue
                if item is None:
                    return
                answer(*item, connection)
        finally:
            connection.close()


def answer(call: Call, future: Future[Any], connection: sqlite3.Connection) -> None:
    """Result or exception, as the very same object, go back to the thread that asked."""
    try:
        future.set_result(call(connection))
    except BaseException as error:
        future.set_exception(error)


class DaemonRunner(SQLRunner):
    """The methods of a runner, each handed to the daemon.

    Args:
        path: The database file.
        idle_seconds: After so many seconds without a call the thread ends.
    """

    def __init__(self, path: str, idle_seconds: float = 30.0) -> None:
        self.path = path
        self.idle_seconds = idle_seconds
        self.started = 0
        self._daemon: Daemon | None = None
        self._switch = threading.Lock()  # held while the daemon comes, goes, or gets a call
        self._turn = threading.RLock()  # held from begin to commit or rollback

    def run(
        self, sql: str, params: tuple[Any, ...] = (), *, fetch: bool = False
    ) -> Iterable[tuple[Any, ...]]:
        def call(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
            cursor = connection.execute(sql, params)
            return cursor.fetchall() if fetch else []

        with self._turn:
            rows: list[tuple[Any, ...]] = self._do(call)
            return rows

    def begin_immediate(self) -> None:
        self._turn.acquire()
        try:
            self._do(lambda connection: connection.execute("BEGIN IMMEDIATE"))
        except BaseException:
            self._turn.release()
            raise

    def commit(self) -> None:
        """If this fails, the transaction is still open, and a rollback follows."""
        self._do(lambda connection: connection.commit())
        self._turn.release()

    def rollback(self) -> None:
        try:
            self._do(lambda connection: connection.rollback())
        finally:
            self._turn.release()

    def close(self) -> None:
        """Ends the thread when it has done what was asked before. A later call starts a new one."""
        with self._switch:
            daemon, self._daemon = self._daemon, None
            if daemon is not None:
                daemon.calls.put(None)
        if daemon is not None:
            daemon.thread.join()

    def wait_until_idle(self) -> None:
        """Returns when the thread has ended for lack of work."""
        daemon = self._daemon
        if daemon is not None:
            daemon.thread.join()

    def retire(self, daemon: Daemon) -> bool:
        """Whether an idle daemon may end: not if a call came in at the last moment."""
        with self._switch:
            if not daemon.calls.empty():
                return False
            if self._daemon is daemon:
                self._daemon = None
            return True

    def _do(self, call: Call) -> Any:
        future: Future[Any] = Future()
        with self._switch:
            if self._daemon is None:
                self._daemon = Daemon(self)
                self.started += 1
            daemon = self._daemon
            daemon.calls.put((call, future))
        return future.result()


def main() -> None:
    runner = DaemonRunner("daemon.db", idle_seconds=0.05)
    tasks = Queue("background", runner=runner)

    with ThreadPoolExecutor(max_workers=4) as threads:  # four threads, one connection
        ids = list(threads.map(lambda n: tasks.write(f"task {n}"), range(20)))
    print("written:", len(set(ids)))

    runner.wait_until_idle()
    print("read:", len(tasks.read_many(100)))
    print("daemon started more than once:", runner.started > 1)
    runner.close()


if __name__ == "__main__":
    main()
