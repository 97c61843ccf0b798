"""Names and keywords of the 2.5 series, for the programs of its time."""

import threading

import pytest

from simplebroker import Queue, QueueMoveWatcher, QueueWatcher, __version__
from simplebroker._constants import DEFAULT_DB_NAME, load_config
from simplebroker._exceptions import (
    BrokerError,
    DatabaseError,
    MessageError,
    OperationalError,
    QueueNameError,
    StopException,
)
from simplebroker.db import BrokerCore, BrokerDB, DBConnection

BY_KEYWORD = {
    "read": lambda q, **k: q.read(**k),
    "read all": lambda q, **k: next(iter(q.read(all_messages=True, **k)), None),
    "read_many": lambda q, **k: next(iter(q.read_many(1, **k)), None),
    "read_generator": lambda q, **k: next(q.read_generator(**k), None),
    "peek": lambda q, **k: q.peek(**k),
    "peek_many": lambda q, **k: next(iter(q.peek_many(**k)), None),
    "peek_generator": lambda q, **k: next(q.peek_generator(**k), None),
    "move": lambda q, **k: (q.move("r", **k) or {}).get("message"),
    "move_many": lambda q, **k: next(iter(q.move_many("r", 1, **k)), None),
    "move_generator": lambda q, **k: next(q.move_generator("r", **k), None),
    "stream_messages": lambda q, **k: next(q.stream_messages(**k), (None,))[0],
}
OF_BROKERS = {
    "claim_many": lambda b, **k: b.claim_many("q", 1, with_timestamps=False, **k),
    "claim_generator": lambda b, **k: list(b.claim_generator("q", with_timestamps=False, **k)),
    "peek_many": lambda b, **k: b.peek_many("q", with_timestamps=False, **k),
    "peek_generator": lambda b, **k: list(b.peek_generator("q", with_timestamps=False, **k)),
    "move_many": lambda b, **k: b.move_many("q", "r", 1, with_timestamps=False, **k),
    "move_generator": lambda b, **k: list(b.move_generator("q", "r", with_timestamps=False, **k)),
}


@pytest.mark.ours
@pytest.mark.parametrize("call", BY_KEYWORD.values(), ids=BY_KEYWORD)
def test_since_timestamp_is_after_timestamp(queue, call):
    a, b = queue.write("a"), queue.write("b")
    assert call(queue, since_timestamp=a) == "b"
    assert call(queue, since_timestamp=b) is None
    assert call(queue, since_timestamp=None) == "a"


@pytest.mark.ours
@pytest.mark.parametrize("call", OF_BROKERS.values(), ids=OF_BROKERS)
def test_since_timestamp_of_a_broker(broker, call):
    a = broker.write("q", "a")
    broker.write("q", "b")
    assert call(broker, since_timestamp=a) == ["b"]


@pytest.mark.ours
def test_since_timestamp_of_has_pending(queue, broker):
    identity = queue.write("a")
    assert queue.has_pending(since_timestamp=0) is True
    assert queue.has_pending(since_timestamp=identity) is False
    assert broker.has_pending_messages("q", since_timestamp=identity) is False


@pytest.mark.ours
@pytest.mark.parametrize("call", BY_KEYWORD.values(), ids=BY_KEYWORD)
def test_both_names_at_once_are_refused(queue, call):
    queue.write("a")
    with pytest.raises(TypeError):
        call(queue, since_timestamp=1, after_timestamp=1)
    assert queue.peek() == "a"


@pytest.mark.ours
@pytest.mark.parametrize("value, error", [(-1, ValueError), ("5", TypeError)])
def test_since_timestamp_is_checked_like_after_timestamp(queue, value, error):
    with pytest.raises(error, match="after_timestamp"):
        queue.read(since_timestamp=value)


@pytest.mark.ours
def test_since_timestamp_of_a_watcher(queue):
    a = queue.write("a")
    queue.write("b")
    seen, done = [], threading.Event()

    def handler(body, identity):
        seen.append(body)
        done.set()

    with QueueWatcher(queue, handler, since_timestamp=a):
        assert done.wait(10)
    assert seen == ["b"]
    with pytest.raises(TypeError):
        QueueWatcher(queue, handler, since_timestamp=a, after_timestamp=a)


def test_the_names_of_the_package_are_there():
    assert all(isinstance(name, type) for name in (Queue, QueueWatcher, QueueMoveWatcher))
    assert issubclass(BrokerDB, BrokerCore) and isinstance(DBConnection, type)
    assert __version__.count(".") == 2
    assert DEFAULT_DB_NAME == ".broker.db" and len(load_config()) == 32


@pytest.mark.parametrize(
    "name",
    ["BaseWatcher", "Message", "PollingStrategy", "QueueMoveWatcher", "QueueWatcher",
     "default_error_handler", "json_print_handler", "logger_handler", "simple_print_handler"],
)  # fmt: skip
def test_names_of_the_watcher_module(name):
    import simplebroker.watcher

    assert callable(getattr(simplebroker.watcher, name))


@pytest.mark.ours
def test_stop_loop_is_stop_watching():
    from simplebroker.watcher import StopWatching, _StopLoop

    assert _StopLoop is StopWatching


@pytest.mark.ours
def test_constants_of_the_db_module():
    from simplebroker.db import (
        LOGICAL_COUNTER_BITS,
        MAX_LOGICAL_COUNTER,
        MAX_MESSAGE_SIZE,
        SCHEMA_VERSION,
        SIMPLEBROKER_MAGIC,
    )

    assert MAX_LOGICAL_COUNTER == 2**LOGICAL_COUNTER_BITS
    assert (MAX_MESSAGE_SIZE, SCHEMA_VERSION) == (10 * 2**20, 5)
    assert SIMPLEBROKER_MAGIC == "simplebroker-v1"


def test_magic_stays_in_the_db_module():
    from simplebroker.db import SIMPLEBROKER_MAGIC

    assert SIMPLEBROKER_MAGIC == "simplebroker-v1"


@pytest.mark.ours
def test_interruptible_sleep():
    from simplebroker.helpers import interruptible_sleep

    event = threading.Event()
    assert interruptible_sleep(0.001) is True
    assert interruptible_sleep(0.001, event, chunk_size=0.01) is True
    event.set()
    assert interruptible_sleep(60, event) is False


def test_exceptions_derive_as_today():
    assert issubclass(DatabaseError, BrokerError) and not issubclass(DatabaseError, OSError)
    assert issubclass(QueueNameError, ValueError) and issubclass(MessageError, ValueError)
    assert issubclass(StopException, OperationalError)


def test_calls_of_that_time_still_work(path):
    with BrokerDB(path) as broker:
        broker.write("q", "a")
        broker.write("q", "b")
        assert broker.get_queue_stats() == [("q", 2, 2)]
        assert broker.list_queues() == ["q"]
        broker.claim_one("q")
        broker.vacuum()
        broker.broadcast("c")
        assert broker.get_queue_stats() == [("q", 2, 2)]
        broker.delete("q")
    connection = DBConnection(path, None)
    assert connection.get_connection().list_queues() == []
    connection.close()
