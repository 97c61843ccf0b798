"""The package and Python's own sqlite3 are one SQLite in one process.

POSIX locks belong to a process, and closing any descriptor of a file drops all that the process has
on it. SQLite knows and takes care, but two copies of it do not know of each other. So here both hold
one file open, close in any order, and another process must still find it locked.
"""

import ctypes
import itertools
import sqlite3
import subprocess
import sys
import threading

import pytest

from simplebroker import Queue
from simplebroker.db import BrokerDB

TRY_TO_LOCK = """
import sqlite3, sys
for line in sys.stdin:
    connection = sqlite3.connect(line.rstrip(), timeout=0, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        answer = "free"
    except sqlite3.OperationalError as error:
        answer = error
    connection.close()
    print(answer, flush=True)
"""


@pytest.fixture(scope="module")
def seen_by_another_process():
    """What another process hears that tries to lock the file at a path."""
    process = subprocess.Popen(
        [sys.executable, "-c", TRY_TO_LOCK],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )

    def ask(path):
        process.stdin.write(path + "\n")
        process.stdin.flush()
        return process.stdout.readline().rstrip()

    with process:
        yield ask
        process.stdin.close()


def connect(path):
    return sqlite3.connect(path, timeout=0, isolation_level=None)


def rows(connection):
    return [row[0] for row in connection.execute("SELECT body FROM messages ORDER BY id")]


def insert(connection, body):
    """A message as somebody else's SQL may write it."""
    connection.execute(
        "INSERT INTO messages (queue, body, ts) SELECT 'q', ?, MAX(last) + 1 FROM ("
        "SELECT MAX(ts) AS last FROM messages UNION SELECT CAST(value AS INTEGER) FROM meta "
        "WHERE key = 'last_ts')",
        (body,),
    )


def use_and_close_sqlite3(path):
    connection = connect(path)
    rows(connection)
    connection.close()


def use_and_close_a_broker(path):
    with BrokerDB(path) as broker:
        broker.peek_one("q")


def use_and_close_an_ephemeral_queue(path):
    Queue("q", db_path=path).peek()


def use_and_close_a_session(path):
    with Queue("q", db_path=path, persistent=True) as queue:
        queue.peek()


OTHERS = [
    use_and_close_sqlite3,
    use_and_close_a_broker,
    use_and_close_an_ephemeral_queue,
    use_and_close_a_session,
]


@pytest.mark.parametrize("use_and_close", OTHERS)
def test_the_lock_of_an_open_batch_outlives_others_that_close(
    path, broker, use_and_close, seen_by_another_process
):
    broker.write("q", "a")
    batch = broker.claim_generator("q", delivery_guarantee="at_least_once")
    assert next(batch)[0] == "a"
    assert seen_by_another_process(path) == "database is locked"
    for _ in range(3):
        use_and_close(path)
        assert seen_by_another_process(path) == "database is locked"
    batch.close()
    assert seen_by_another_process(path) == "free"


@pytest.mark.parametrize("use_and_close", OTHERS)
def test_the_lock_of_sqlite3_outlives_others_that_close(
    path, broker, use_and_close, seen_by_another_process
):
    broker.write("q", "a")
    connection = connect(path)
    connection.execute("BEGIN IMMEDIATE")
    for _ in range(3):
        use_and_close(path)
        assert seen_by_another_process(path) == "database is locked"
    broker.close()
    assert seen_by_another_process(path) == "database is locked"
    connection.execute("COMMIT")
    assert seen_by_another_process(path) == "free"
    connection.close()


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_closing_in_any_order_loses_nothing(path, order, seen_by_another_process):
    broker = BrokerDB(path)
    queue = Queue("q", db_path=path, persistent=True)
    queue.write("0")
    connection = connect(path)
    for number in range(1, 31):
        if number % 3 == 0:
            insert(connection, str(number))
        elif number % 3 == 1:
            queue.write(str(number))
        else:
            broker.write("q", str(number))
    expected = [str(number) for number in range(31)]
    assert rows(connection) == expected
    handles = [broker, queue, connection]
    for index in order:
        handles[index].close()
        assert seen_by_another_process(path) == "free"
    after = connect(path)
    assert rows(after) == expected
    assert after.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    after.close()


def test_a_batch_is_waited_for_by_sqlite3(path, broker):
    broker.write("q", "a")
    connection = connect(path)
    batch = broker.claim_generator("q", delivery_guarantee="at_least_once")
    next(batch)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        connection.execute("BEGIN IMMEDIATE")
    batch.close()
    connection.execute("BEGIN IMMEDIATE")
    connection.close()


def test_a_transaction_of_sqlite3_is_waited_for(path, broker):
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    insert(connection, "first")
    started = threading.Event()
    writer = threading.Thread(target=lambda: (started.set(), broker.write("q", "second")))
    writer.start()
    started.wait()
    assert rows(connection) == ["first"]
    connection.execute("COMMIT")
    writer.join()
    assert rows(connection) == ["first", "second"]
    connection.close()


# ---- one library -----------------------------------------------------------------------------


def mapped_files():
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
        files = {line.split(maxsplit=5)[5].strip() for line in maps if "/" in line}
    return {file for file in files if ".so" in file}


@pytest.mark.ours
def test_both_are_of_one_version():
    from simplebroker._native import ffi, lib

    assert ffi.string(lib.sb_sqlite_version()).decode() == sqlite3.sqlite_version


@pytest.mark.ours
def test_one_libsqlite3_is_mapped_and_both_call_into_it(broker):
    import _sqlite3

    from simplebroker import _native

    assert len([file for file in mapped_files() if "sqlite3.so" in file]) == 1
    ours, pythons = ctypes.CDLL(_native.__file__), ctypes.CDLL(_sqlite3.__file__)
    for function in ("sqlite3_open_v2", "sqlite3_step", "sqlite3_close_v2"):
        addresses = {
            ctypes.cast(getattr(library, function), ctypes.c_void_p).value
            for library in (ours, pythons)
        }
        assert len(addresses) == 1


@pytest.mark.ours
def test_no_other_file_of_the_process_contains_a_copy(broker):
    connection = sqlite3.connect(":memory:")
    source_id = connection.execute("SELECT sqlite_source_id()").fetchone()[0]
    connection.close()
    holders = []
    for file in mapped_files():
        with open(file, "rb") as library:
            if source_id.encode() in library.read():
                holders.append(file)
    assert len(holders) == 1 and "libsqlite3" in holders[0]
