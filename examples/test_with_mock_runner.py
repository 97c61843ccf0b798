"""How to test code that uses queues: `pytest test_with_mock_runner.py`."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator

import pytest
from mock_runner import MockRunner

from simplebroker import Queue


@pytest.fixture
def runner() -> Iterator[MockRunner]:
    mock = MockRunner()
    yield mock
    mock.dispose()


@pytest.fixture
def orders(runner: MockRunner) -> Queue:
    return Queue("orders", runner=runner)


def accept(orders: Queue, order: str) -> bool:
    """The code under test: an order is accepted only if it could be queued."""
    try:
        orders.write(order)
    except sqlite3.OperationalError:
        return False
    return True


def test_accepted_order_is_queued(orders: Queue, runner: MockRunner) -> None:
    assert accept(orders, "one pizza")
    assert runner.pending("orders") == ["one pizza"]


def test_write_is_one_insert_in_one_transaction(orders: Queue, runner: MockRunner) -> None:
    orders.exists()
    runner.history.clear()
    accept(orders, "one pizza")
    methods = [call.method for call in runner.history]
    assert runner.count("INSERT INTO messages") == 1
    assert methods.count("begin_immediate") == methods.count("commit") == 1


def test_refused_order_leaves_nothing_behind(orders: Queue, runner: MockRunner) -> None:
    orders.exists()
    runner.fail_next(sqlite3.OperationalError("disk I/O error"), when="INSERT INTO messages")
    assert not accept(orders, "one pizza")
    assert runner.history[-1].method == "rollback"
    assert orders.read() is None


def test_exception_arrives_as_the_same_object(orders: Queue, runner: MockRunner) -> None:
    orders.exists()
    error = KeyboardInterrupt()
    runner.fail_next(error, when="INSERT INTO messages")
    with pytest.raises(KeyboardInterrupt) as caught:
        orders.write("one pizza")
    assert caught.value is error


def test_threads_share_the_runner(runner: MockRunner) -> None:
    queues = [Queue(name, runner=runner) for name in ("a", "b")]
    queues[0].exists()

    def fill(queue: Queue) -> None:
        for number in range(20):
            queue.write(str(number))

    threads = [threading.Thread(target=fill, args=(queue,)) for queue in queues]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert runner.pending("a") == runner.pending("b") == [str(number) for number in range(20)]
