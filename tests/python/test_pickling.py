"""What can be copied to another process, and what says that it cannot."""

import copy
import multiprocessing
import pickle
import threading

import pytest

from simplebroker import LoadResult, Queue, resolve_config, target_for_directory
from simplebroker.db import BrokerCore, BrokerDB, DBConnection
from simplebroker.ext import (
    InvalidConfigError,
    MaintenanceSchedule,
    MessageError,
    OperationalError,
    SetupPhase,
    SQLiteRunner,
    TimestampError,
    TimestampGenerator,
)
from simplebroker.watcher import Message, PollingStrategy, QueueMoveWatcher, QueueWatcher

PROTOCOLS = range(2, pickle.HIGHEST_PROTOCOL + 1)


class Shouting(Queue):
    def write(self, message):
        return super().write(message.upper())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_ephemeral_queue_is_pickled(path, protocol):
    queue = Queue("q", db_path=path)
    queue.write("a")
    with pickle.loads(pickle.dumps(queue, protocol)) as same:
        assert (same.name, same.db_target, repr(same)) == ("q", path, repr(queue))
        assert same.read() == "a"
    assert queue.read() is None


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_an_ephemeral_queue_is_copied(path, duplicate):
    queue = Queue("q", db_path=path)
    same = duplicate(queue)
    same.write("a")
    same.close()
    assert queue.read() == "a"


def test_the_configuration_goes_along(path):
    queue = Queue("q", db_path=path, config={"BROKER_MAX_MESSAGE_SIZE": 4})
    same = pickle.loads(pickle.dumps(queue))
    same.write("1234")
    with pytest.raises(MessageError):
        same.write("12345")


@pytest.mark.parametrize("given", ["b.db", None])
def test_a_path_stays_what_it_was_at_construction(tmp_path, monkeypatch, given):
    monkeypatch.chdir(tmp_path)
    pickled = pickle.dumps(Queue("q", db_path=given))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    pickle.loads(pickled).write("a")
    assert (tmp_path / (given or ".broker.db")).exists()
    assert not any((tmp_path / "elsewhere").iterdir())


def test_a_subclass_stays_one(path):
    same = pickle.loads(pickle.dumps(Shouting("q", db_path=path)))
    assert type(same) is Shouting
    same.write("a")
    assert same.read() == "A"


class Numbered(Queue):
    """Made with other arguments, and with an attribute of its own."""

    def __init__(self, number, path):
        super().__init__(f"q{number}", db_path=path)
        self.number = number


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda q: pickle.loads(pickle.dumps(q))]
)
def test_a_subclass_keeps_its_attributes(path, duplicate):
    same = duplicate(Numbered(5, path))
    assert (same.number, same.name, same.db_target) == (5, "q5", path)
    same.write("a")
    assert Numbered(5, path).read() == "a"


def test_a_copy_of_a_persistent_queue_is_another_handle(make_queue):
    queue = make_queue(persistent=True)
    queue.write("a")
    same = copy.copy(queue)
    assert same.read() == "a"
    queue.write("b")
    assert same.read() == "b"
    same.close()
    queue.write("c")
    assert queue.read() == "c"


def _consume(queue, done):
    done.put([queue.read(), queue.name])


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_an_ephemeral_queue_is_an_argument_of_another_process(path, method):
    queue = Queue("q", db_path=path)
    queue.write("a")
    context = multiprocessing.get_context(method)
    done = context.SimpleQueue()
    process = context.Process(target=_consume, args=(queue, done))
    process.start()
    assert done.get() == ["a", "q"]
    process.join()
    assert process.exitcode == 0 and queue.read() is None
    process.close()
    done.close()


def _unpicklable(path):
    runner = SQLiteRunner(path)
    persistent = Queue("q", db_path=path, persistent=True)
    with BrokerDB(path) as core:
        core.write("q", "a")
        generator = core.claim_generator("q")
        yield persistent
        yield persistent.conn
        yield Queue("q", db_path=path, runner=runner)
        yield runner
        yield core
        yield BrokerCore(runner)
        yield DBConnection(path)
        yield generator
        yield TimestampGenerator(runner)
        yield PollingStrategy(threading.Event())
        yield QueueWatcher("q", print, db=path)
        yield QueueMoveWatcher("q", "r", print, db=path)
    runner.close()
    persistent.close()


def test_what_holds_connections_is_not_pickled(path):
    count = 0
    for value in _unpicklable(path):
        for protocol in PROTOCOLS:
            with pytest.raises(TypeError, match="cannot|can't"):
                pickle.dumps(value, protocol)
        with pytest.raises(TypeError):
            copy.deepcopy(value)
        count += 1
    assert count == 12


@pytest.mark.ours
def test_sessions_and_transactions_are_not_pickled(broker):
    with broker.sidecar() as session, pytest.raises(TypeError):
        pickle.dumps(session)
    with broker.transaction() as transaction, pytest.raises(TypeError):
        pickle.dumps(transaction)


def test_values_are_pickled_and_equal(broker, tmp_path):
    broker.write("q", "a")
    values = [
        broker.get_queue_stat("q"),
        broker.rename_queue("q", "r"),
        target_for_directory(tmp_path),
        resolve_config({"BROKER_CACHE_MB": 3}),
        LoadResult(1, 2),
        Message(1, "b", 1, "q"),
        SetupPhase.SCHEMA,
    ]
    for value in values:
        for protocol in PROTOCOLS:
            same = pickle.loads(pickle.dumps(value, protocol))
            assert same == value and type(same) is type(value)
        assert copy.copy(value) == copy.deepcopy(value) == value


def test_a_schedule_is_pickled_with_what_it_counted():
    schedule = MaintenanceSchedule(3)
    schedule.record(2)
    assert pickle.loads(pickle.dumps(schedule)).record(1) is True


def test_exceptions_are_pickled_with_their_attributes():
    ambiguous = TimestampError("a", outcome_ambiguous=True)
    assert pickle.loads(pickle.dumps(ambiguous)).outcome_ambiguous is True
    locked = OperationalError("b")
    locked.retryable = False
    same = pickle.loads(pickle.dumps(locked))
    assert (str(same), same.retryable) == ("b", False)


@pytest.mark.ours
def test_a_configuration_error_is_pickled_with_its_fields():
    with pytest.raises(InvalidConfigError) as caught:
        resolve_config({"BROKER_CACHE_MB": "x"})
    same = pickle.loads(pickle.dumps(caught.value))
    assert (str(same), same.key) == (str(caught.value), "BROKER_CACHE_MB")
