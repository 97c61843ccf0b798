"""Bodies that are no text: only another program can have stored them."""

import sqlite3

import pytest

from simplebroker import Queue
from simplebroker.ext import OperationalError

TAKING = {
    "peek": lambda queue: queue.peek(),
    "peek_many": lambda queue: queue.peek_many(5),
    "peek_generator": lambda queue: list(queue.peek_generator()),
    "read": lambda queue: queue.read(),
    "read_many": lambda queue: queue.read_many(5),
    "read_generator": lambda queue: list(queue.read_generator()),
    "move": lambda queue: queue.move("elsewhere"),
}


@pytest.fixture
def damaged(tmp_path):
    path = tmp_path / "broker.db"
    queue = Queue("jobs", db_path=str(path))
    queue.write("damaged")
    queue.write("good")
    with sqlite3.connect(path) as database:
        database.execute("UPDATE messages SET body = CAST(x'ff41' AS TEXT) WHERE body = 'damaged'")
    database.close()
    return queue


@pytest.mark.parametrize("take", TAKING.values(), ids=TAKING.keys())
def test_body_that_is_not_utf8__is_refused_and_stays_pending(damaged, take):
    with pytest.raises(OperationalError, match="Could not decode to UTF-8"):
        take(damaged)
    assert damaged.stats().pending == 2
