"""Many threads on one queue, one broker, one session: nothing lost, nothing twice, no crash."""

import gc
import os
import sqlite3
import sys
import threading
from collections import Counter
from contextlib import closing

import pytest

from simplebroker import Queue
from simplebroker._exceptions import BrokerError, StopException
from simplebroker.db import BrokerDB

PATIENCE = 60  # seconds; a wait that takes that long has failed


class Crew:
    """Threads that start together; the first exception of any is raised when they are joined."""

    def __init__(self):
        self.errors = []
        self.threads = []
        self.go = threading.Event()

    def add(self, function, *arguments):
        def run():
            self.go.wait()
            try:
                function(*arguments)
            except BaseException as error:
                self.errors.append(error)

        self.threads.append(threading.Thread(target=run))
        self.threads[-1].start()

    def work(self):
        self.go.set()
        for thread in self.threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
        if self.errors:
            raise self.errors[0]


@pytest.fixture
def crew():
    crew = Crew()
    yield crew
    crew.go.set()
    for thread in crew.threads:
        thread.join(PATIENCE)


@pytest.fixture
def switching():
    """Threads are switched as often as can be."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def bodies(path, queue="q"):
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT body FROM messages WHERE queue = ? AND claimed = 0 ORDER BY id", (queue,)
        )
        return [row[0] for row in rows]


# ---- nothing lost, nothing twice --------------------------------------------------------------


def test_writers_of_one_queue(queue, path, crew):
    ids = []
    for writer in range(8):
        crew.add(lambda w: [ids.append(queue.write(f"{w}-{n}")) for n in range(50)], writer)
    crew.work()
    assert len(set(ids)) == 400
    written = bodies(path)
    assert Counter(written) == Counter(f"{w}-{n}" for w in range(8) for n in range(50))
    for writer in range(8):
        own = [body for body in written if body.startswith(f"{writer}-")]
        assert own == [f"{writer}-{n}" for n in range(50)]


def test_readers_of_one_queue(make_queue, crew):
    queue = make_queue(persistent=True)
    for number in range(300):
        queue.write(str(number))
    taken = [[] for _ in range(6)]

    def take(own):
        while (message := queue.read()) is not None:
            own.append(int(message))

    for own in taken:
        crew.add(take, own)
    crew.work()
    assert sorted(sum(taken, [])) == list(range(300))
    assert all(own == sorted(own) for own in taken)


def test_writers_movers_and_readers_of_one_broker(broker, crew):
    count, finished = 240, threading.Event()
    taken = []

    def until_all_are_taken(step):
        while not finished.is_set():
            step()

    def take():
        message = broker.claim_one("done", with_timestamps=False)
        if message is not None:
            taken.append(message)
            if len(taken) == count:
                finished.set()

    for writer in range(4):
        crew.add(lambda w: [broker.write("new", f"{w}-{n}") for n in range(count // 4)], writer)
    for _ in range(2):
        crew.add(until_all_are_taken, lambda: broker.move_one("new", "done"))
        crew.add(until_all_are_taken, take)
    crew.add(until_all_are_taken, lambda: broker.peek_many("new", 10))
    crew.add(until_all_are_taken, broker.list_queue_stats)
    crew.work()
    assert sorted(taken) == sorted(f"{w}-{n}" for w in range(4) for n in range(count // 4))


def test_batches_of_several_threads(path, crew):
    with Queue("q", db_path=path) as queue:
        for number in range(120):
            queue.write(str(number))
    taken = []

    def consume():
        with BrokerDB(path) as own:
            for body in own.claim_generator(
                "q", with_timestamps=False, delivery_guarantee="at_least_once", batch_size=7
            ):
                taken.append(int(body))

    for _ in range(4):
        crew.add(consume)
    crew.work()
    assert sorted(taken) == list(range(120))


def test_a_batch_given_up_in_one_thread_is_for_another(make_queue, elsewhere):
    queue = make_queue(persistent=True)
    for number in range(5):
        queue.write(str(number))

    def give_up():
        generator = queue.read_generator(delivery_guarantee="at_least_once")
        first = next(generator)
        generator.close()
        return first

    assert elsewhere(give_up) == "0"
    assert list(queue.read(all_messages=True)) == ["0", "1", "2", "3", "4"]


# ---- handles come and go ----------------------------------------------------------------------


def test_handles_of_one_session_come_and_go(path, crew, switching):
    def cycle(worker):
        for number in range(40):
            with Queue("q", db_path=path, persistent=True) as queue:
                queue.write(f"{worker}-{number}")
                queue.cleanup_connections()
                assert queue.exists()

    for worker in range(6):
        crew.add(cycle, worker)
    crew.work()
    assert len(bodies(path)) == 240


def test_closing_while_others_work_loses_no_acknowledged_write(path, crew, switching):
    queue = Queue("q", db_path=path, persistent=True)
    writers = 4
    acknowledged, busy = [], [writers]

    def write(worker):
        try:
            for number in range(150):
                try:
                    queue.write(f"{worker}-{number}")
                except (BrokerError, RuntimeError, sqlite3.Error):
                    continue
                acknowledged.append(f"{worker}-{number}")
        finally:
            busy[0] -= 1

    def close():
        while busy[0]:
            queue.close()

    for worker in range(writers):
        crew.add(write, worker)
    crew.add(close)
    crew.work()
    queue.write("after")
    queue.close()
    written = bodies(path)
    assert set(acknowledged) | {"after"} <= set(written)
    assert len(written) == len(set(written))


@pytest.mark.ours
def test_closing_while_others_work_is_not_noticed_by_them(path, crew, switching):
    queue = Queue("q", db_path=path, persistent=True)
    count, busy = 150, [4]

    def write(worker):
        try:
            for number in range(count):
                queue.write(f"{worker}-{number}")
        finally:
            busy[0] -= 1

    def close():
        while busy[0]:
            queue.close()

    for worker in range(4):
        crew.add(write, worker)
    crew.add(close)
    crew.work()
    queue.close()
    assert len(bodies(path)) == 4 * count


def test_the_connections_of_a_finished_thread_are_closed(make_queue, crew):
    queue = make_queue(persistent=True)
    queue.write("a")
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        crew.add(queue.peek)
    crew.work()
    crew.threads.clear()
    gc.collect()
    queue.close()
    assert len(os.listdir("/proc/self/fd")) <= before


def test_close_releases_the_connections_of_living_threads(path, crew):
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    queue = Queue("q", db_path=path, persistent=True)
    used, closed = threading.Barrier(6), threading.Event()

    def use():
        queue.peek()
        used.wait(PATIENCE)
        closed.wait(PATIENCE)

    for _ in range(5):
        crew.add(use)
    crew.go.set()
    used.wait(PATIENCE)
    queue.close()
    left = len(os.listdir("/proc/self/fd"))
    closed.set()
    crew.work()
    assert left <= before


# ---- at the worst moment ----------------------------------------------------------------------


class Halt:
    """Stops a thread in a function of the package when it has a local variable."""

    def __init__(self, function, variable):
        self.code, self.variable = function.__code__, variable
        self.reached, self.go_on = threading.Event(), threading.Event()

    def __call__(self, frame, event, argument):
        return self.look if frame.f_code is self.code else None

    def look(self, frame, event, argument):
        if self.variable in frame.f_locals and not self.reached.is_set():
            self.reached.set()
            self.go_on.wait(PATIENCE)
        return self.look


@pytest.mark.ours
def test_a_broker_that_is_closed_under_a_call_stays_valid_for_it(path, crew):
    broker = BrokerDB(path)
    halt = Halt(BrokerDB.write, "broker")
    outcome = []

    def write():
        sys.settrace(halt)
        try:
            outcome.append(broker.write("q", "a"))
        except RuntimeError as error:
            outcome.append(error)

    crew.add(write)
    crew.go.set()
    assert halt.reached.wait(PATIENCE)
    broker.close()
    for _ in range(100):  # their memory is used again
        BrokerDB(path).close()
    halt.go_on.set()
    crew.work()
    assert len(outcome) == 1
    broker.write("q", "b")
    assert bodies(path)[-1] == "b"
    broker.close()


@pytest.mark.ours
@pytest.mark.parametrize("successor", [None, threading.Event()], ids=["none", "another"])
def test_a_stop_event_may_be_replaced_while_a_call_waits_with_it(broker, path, crew, successor):
    """The call ends with the event that it began with, or with the lock."""
    first = threading.Event()
    broker.set_stop_event(first)
    foreign = sqlite3.connect(path, isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    waiting = threading.Event()
    asked = first.is_set

    def is_set():
        waiting.set()
        return asked()

    first.is_set = is_set
    stopped = []

    def write():
        try:
            broker.write("q", "a")
        except StopException as error:
            stopped.append(error)

    crew.add(write)
    crew.go.set()
    assert waiting.wait(PATIENCE)
    broker.set_stop_event(successor)
    gc.collect()
    first.set()
    crew.work()
    foreign.execute("ROLLBACK")
    foreign.close()
    assert len(stopped) == 1
    broker.write("q", "b")
    assert bodies(path) == ["b"]


@pytest.mark.ours
def test_a_stop_event_may_be_replaced_under_a_generator(broker):
    broker.set_stop_event(threading.Event())
    for number in range(10):
        broker.write("q", str(number))
    generator = broker.claim_generator("q", with_timestamps=False)
    assert next(generator) == "0"
    broker.set_stop_event(None)
    gc.collect()
    assert list(generator) == [str(number) for number in range(1, 10)]


def test_a_generator_is_used_by_one_thread_at_a_time(broker, crew):
    for number in range(40):
        broker.write("q", str(number))
    generator = broker.claim_generator("q", with_timestamps=False)
    taken = []

    def take():
        while True:
            try:
                taken.append(next(generator))
            except ValueError:  # generator already executing
                continue
            except StopIteration:
                return

    for _ in range(4):
        crew.add(take)
    crew.work()
    assert sorted(map(int, taken)) == list(range(40))


@pytest.mark.ours
def test_a_sidecar_transaction_ended_elsewhere_is_rolled_back(path, elsewhere):
    broker = BrokerDB(path)
    block = broker.sidecar(transaction=True)
    session = block.__enter__()
    session.run("CREATE TABLE t (a)")
    with pytest.warns(RuntimeWarning):
        elsewhere(lambda: block.__exit__(None, None, None))
    with pytest.raises(BrokerError, match="cross-thread finalization"):
        broker.write("q", "a")
    broker.close()
    with BrokerDB(path) as fresh:
        fresh.write("q", "b")
        with fresh.sidecar() as session:
            found = session.run("SELECT 1 FROM sqlite_schema WHERE name = 't'", fetch=True)
    assert found == []
