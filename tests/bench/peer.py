"""One side of the comparison in Python: does what it is told, line by line.

The same program runs on this package and on the reference, each in an interpreter of its own, so
that a driver can let them take turns. Arguments: how the queue is used (`persistent`, `ephemeral`,
`runner`), the synchronous mode, the database. A line is `OPERATION COUNT`; the answer is the
seconds it took. bench_peer.c is the same in C.
"""

import itertools
import sqlite3
import sys
import time

from simplebroker import Queue

BODY = ("A message of one hundred bytes, which is about what a job "
        "description or an event takes in practice.")
BATCH = 1000


class ConnectionRunner:
    """An application's runner over its own connection."""

    def __init__(self, path: str, sync: str) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute(f"PRAGMA synchronous = {sync}")

    def run(self, sql, params=(), *, fetch=False):
        cursor = self.connection.execute(sql, params)
        return cursor.fetchall() if fetch else []

    def begin_immediate(self) -> None:
        self.connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self.connection.commit()

    def rollback(self) -> None:
        self.connection.rollback()

    def close(self) -> None:
        self.connection.close()

    def setup(self, phase) -> None:
        pass

    def is_setup_complete(self, phase) -> bool:
        return False


def opened(use: str, sync: str, path: str) -> Queue:
    config = {"BROKER_SYNC_MODE": sync, "BROKER_AUTO_VACUUM": "0"}
    runner = ConnectionRunner(path, sync) if use == "runner" else None
    return Queue("tasks", db_path=path, persistent=use == "persistent", runner=runner,
                 config=config)


def insert_batch(queue: Queue) -> int:
    """Many in one transaction, under ids that nobody else should be making at the same time."""
    first = queue.generate_timestamp() + 1
    queue.insert_messages([(BODY, first + i) for i in range(BATCH)])
    return BATCH


def generate_and_insert_batch(queue: Queue) -> int:
    """The same with ids that are ours: the fastest way of the reference to write many."""
    queue.insert_messages([(BODY, queue.generate_timestamp()) for _ in range(BATCH)])
    return BATCH


def take(messages, count: int) -> int:
    taken = sum(1 for _ in itertools.islice(messages, count))
    messages.close()
    return taken


def operations(queue: Queue) -> dict:
    """What can be asked for; each returns something true unless it found no message."""
    return {
        "write": lambda: queue.write(BODY),
        "read": queue.read,
        "peek": queue.peek,
        "move": lambda: queue.move("elsewhere"),
        "has_pending": queue.has_pending,
        "generate_timestamp": queue.generate_timestamp,
        "read_many_100": lambda: queue.read_many(100),
        "peek_many_100": lambda: queue.peek_many(100),
        "read_many_100_after": lambda: queue.read_many(100, after_timestamp=1),
        "move_many_100": lambda: queue.move_many("elsewhere", 100),
        "peek_1000_one_by_one": lambda: take(queue.peek_generator(), BATCH),
        "claim_batch_of_100": lambda: take(queue.read_generator(
            delivery_guarantee="at_least_once"), 101),
        "read_batch": lambda: queue.read_many(BATCH),
        "insert_batch": lambda: insert_batch(queue),
        "generate_and_insert_batch": lambda: generate_and_insert_batch(queue),
        "write_batch": lambda: queue.write_many([BODY] * BATCH),
    }


def main() -> None:
    known = operations(opened(*sys.argv[1:4]))
    for line in sys.stdin:
        name, count = line.split()
        operation = known[name]
        start = time.perf_counter()
        for _ in range(int(count)):
            result = operation()
        elapsed = time.perf_counter() - start
        if not result:
            sys.exit(f"{name} found the queue empty")
        print(f"{elapsed:.9f}", flush=True)


if __name__ == "__main__":
    main()
