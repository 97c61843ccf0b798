"""Ctrl-C at any moment: it is raised, soon, and leaves everything in order.

`Storm` lets a timer raise it at times that nobody chose. What it raises must come out, each time: a
callback that swallowed one would be noticed. (Python itself swallows what is raised in a finaliser;
it tells `sys.unraisablehook`.)
"""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager

import pytest

from simplebroker import Queue, commands, dump_lines, load_lines
from simplebroker.db import BrokerDB
from simplebroker.ext import SQLiteRunner
from simplebroker.watcher import QueueWatcher

FOR_EVER = {"BROKER_BUSY_TIMEOUT": 3_600_000}
PATIENCE = 60


@pytest.fixture
def foreign(path):
    """A connection of somebody else's that holds the write lock; entered when it begins."""
    with BrokerDB(path):
        pass
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection


@contextmanager
def ctrl_c_when(waits):
    """Sends SIGINT to this process once the main thread waits; expects it to be raised."""
    main = threading.get_ident()

    def send():
        deadline = time.monotonic() + PATIENCE
        while not waits(sys._current_frames()[main]) and time.monotonic() < deadline:
            os.sched_yield()
        os.kill(os.getpid(), signal.SIGINT)

    sender = threading.Thread(target=send)
    with pytest.raises(KeyboardInterrupt):
        sender.start()
        try:
            yield
        finally:
            sender.join()


class Stuck:
    """Whether a thread has not moved within the package for a while."""

    def __init__(self):
        self.last, self.same = None, 0

    def __call__(self, frame):
        here = (id(frame), frame.f_lasti, "simplebroker" in frame.f_code.co_filename)
        self.same = self.same + 1 if here == self.last and here[2] else 0
        self.last = here
        return self.same > 2000


def locked(path):
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other:
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        return False


# ---- while it waits ---------------------------------------------------------------------------

BLOCKED = {
    "write": lambda queue: queue.write("a"),
    "read": lambda queue: queue.read(),
    "read_many": lambda queue: queue.read_many(5),
    "move": lambda queue: queue.move("other"),
    "delete": lambda queue: queue.delete(),
    "generator": lambda queue: next(queue.read_generator()),
    "batch": lambda queue: next(queue.read_generator(delivery_guarantee="at_least_once")),
    "timestamp": lambda queue: queue.generate_timestamp(),
    "sidecar": lambda queue: queue.sidecar(transaction=True).__enter__(),
    "insert": lambda queue: queue.insert_messages([("a", 1)]),
}


@pytest.mark.ours
@pytest.mark.parametrize("call", BLOCKED.values(), ids=BLOCKED)
@pytest.mark.parametrize("persistent", [True, False], ids=["persistent", "ephemeral"])
def test_a_wait_for_the_lock_ends(make_queue, path, foreign, call, persistent):
    queue = make_queue(persistent=persistent, config=FOR_EVER)
    queue.peek()
    with ctrl_c_when(Stuck()):
        call(queue)
    foreign.execute("COMMIT")
    assert not locked(path)
    queue.write("b")
    assert queue.read_many(5) == ["b"]


@pytest.mark.ours
def test_a_wait_with_a_stop_event_ends(make_queue, foreign):
    queue = make_queue(persistent=True, config=FOR_EVER)
    queue.set_stop_event(threading.Event())
    with ctrl_c_when(Stuck()):
        queue.write("a")
    foreign.execute("COMMIT")
    queue.write("b")
    assert queue.read_many(5) == ["b"]


@pytest.mark.ours
def test_a_wait_for_another_thread_ends(path):
    with BrokerDB(path, config=FOR_EVER) as broker:
        begun, done = threading.Event(), threading.Event()

        def hold():
            with broker.transaction() as transaction:
                transaction.write("q", "theirs")
                begun.set()
                done.wait(PATIENCE)

        holder = threading.Thread(target=hold)
        holder.start()
        begun.wait(PATIENCE)
        with ctrl_c_when(Stuck()):
            broker.write("q", "a")
        done.set()
        holder.join()
        broker.write("q", "b")
        assert [body for body, _ in broker.peek_many("q")] == ["theirs", "b"]


@pytest.mark.ours
def test_opening_ends(path):
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with ctrl_c_when(Stuck()):
            BrokerDB(path, config=FOR_EVER)
        other.execute("COMMIT")
    with BrokerDB(path) as broker:
        broker.write("q", "a")


COMMANDS = {
    "write": lambda path: commands.cmd_write(path, "q", "a"),
    "read": lambda path: commands.cmd_read(path, "q"),
    "move": lambda path: commands.cmd_move(path, "q", "other"),
    "delete": lambda path: commands.cmd_delete(path, "q"),
}


@pytest.mark.ours
@pytest.mark.parametrize("call", COMMANDS.values(), ids=COMMANDS)
def test_a_command_ends(path, foreign, call, monkeypatch, capsys):
    monkeypatch.setenv("BROKER_BUSY_TIMEOUT", "3600000")
    with ctrl_c_when(Stuck()):
        call(path)
    foreign.execute("COMMIT")
    assert commands.cmd_write(path, "q", "b") == 0
    assert commands.cmd_read(path, "q") == 0
    assert capsys.readouterr().out == "b\n"


@pytest.mark.ours
def test_a_program_that_waits_dies_of_it(path, foreign):
    source = (
        "import sys; from simplebroker import Queue\n"
        "queue = Queue('q', db_path=sys.argv[1], config={'BROKER_BUSY_TIMEOUT': 3600000})\n"
        "queue.peek(); print('ready', flush=True)\n"
        "queue.write('a')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", source, path],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == -signal.SIGINT
    assert errors.rstrip().endswith("KeyboardInterrupt")


# ---- in Python code that the library calls ----------------------------------------------------


class Interrupting(SQLiteRunner):
    """Ctrl-C is pressed in one of its methods."""

    pressed = None

    def press(self, method):
        if self.pressed == method:
            self.pressed = None
            signal.raise_signal(signal.SIGINT)

    def run(self, sql, params=(), *, fetch=False):
        self.press("run")
        return super().run(sql, params, fetch=fetch)

    def begin_immediate(self):
        self.press("before begin")
        super().begin_immediate()
        self.press("begin")

    def commit(self):
        self.press("commit")
        super().commit()


@pytest.mark.ours
@pytest.mark.parametrize("method", ["run", "before begin", "begin", "commit"])
def test_in_a_runner(path, method):
    with Interrupting(path) as runner:
        queue = Queue("q", db_path=path, runner=runner)
        queue.write("a")
        runner.pressed = method
        with pytest.raises(KeyboardInterrupt):
            queue.write("b")
        assert runner.pressed is None
        assert not runner.get_connection().in_transaction
        queue.write("c")
        assert queue.read_many(5) == ["a", "c"]


@pytest.mark.ours
@pytest.mark.parametrize("failure", [None, RuntimeError("first")], ids=["alone", "after"])
def test_in_a_rollback(path, failure):
    """Whatever led to the rollback, Ctrl-C is what is raised."""

    class Failing(SQLiteRunner):
        armed = False

        def run(self, sql, params=(), *, fetch=False):
            if self.armed and "INSERT" in sql:
                if failure is not None:
                    raise failure
                sql = "no such statement"
            return super().run(sql, params, fetch=fetch)

        def rollback(self):
            super().rollback()
            if self.armed:
                self.armed = False
                signal.raise_signal(signal.SIGINT)

    with Failing(path) as runner:
        queue = Queue("q", db_path=path, runner=runner)
        runner.armed = True
        with pytest.raises(KeyboardInterrupt):
            queue.write("a")
        queue.write("b")
        assert queue.read_many(5) == ["b"]


def test_while_a_batch_is_worked_on(make_queue, path):
    queue = make_queue(persistent=True)
    for number in range(5):
        queue.write(str(number))

    def work():
        for body in queue.read_generator(delivery_guarantee="at_least_once"):
            if body == "2":
                signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert not locked(path)
    assert queue.read_many(9) == ["0", "1", "2", "3", "4"]


def test_while_a_dump_is_written_and_loaded(broker, tmp_path):
    for number in range(20):
        broker.write("q", str(number))
    lines = []

    def dump():
        for line in dump_lines(broker):
            lines.append(line)
            if len(lines) == 11:
                signal.raise_signal(signal.SIGINT)

    def load(into):
        def source():
            yield from dump_lines(broker)
            signal.raise_signal(signal.SIGINT)
            yield ""

        load_lines(into, source())

    with pytest.raises(KeyboardInterrupt):
        dump()
    assert len(lines) == 11
    with BrokerDB(tmp_path / "copy.db") as copy:
        with pytest.raises(KeyboardInterrupt):
            load(copy)
        copy.write("q", "usable")
    broker.write("q", "usable")


def test_a_watcher_ends_in_order_and_gives_ctrl_c_back(path):
    with Queue("q", db_path=path) as queue:
        queue.write("a")
    seen = []

    def handle(body, timestamp):
        seen.append(body)
        signal.raise_signal(signal.SIGINT)

    QueueWatcher("q", handle, db=path).run_forever()
    assert seen == ["a"]
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


# ---- at any moment ----------------------------------------------------------------------------


class Storm:
    """Interrupts calls at random moments; counts what was raised, and what came out."""

    def __init__(self):
        self.raised = self.caught = self.swallowed = 0
        self.random = random.Random(7)

    def __enter__(self):
        self._handler = signal.signal(signal.SIGALRM, self._raise)
        self._hook, sys.unraisablehook = sys.unraisablehook, self._count
        return self

    def __exit__(self, *_):
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._handler)
        sys.unraisablehook = self._hook

    def _raise(self, number, frame):
        self.raised += 1
        raise KeyboardInterrupt

    def _count(self, unraisable):
        if isinstance(unraisable.exc_value, KeyboardInterrupt):
            self.swallowed += 1
        else:
            self._hook(unraisable)

    def call(self, function, longest):
        """Calls a function, which is interrupted or is not.

        Args:
            longest: seconds within which the timer goes off.
        """
        try:
            signal.setitimer(signal.ITIMER_REAL, self.random.uniform(1e-6, longest))
            function()
            signal.setitimer(signal.ITIMER_REAL, 0)
        except KeyboardInterrupt:
            self.caught += 1
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


def measured(function):
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def storm(path, function, calls):
    """Calls many times; nothing is lost, and nobody holds the lock afterwards."""
    longest = max(measured(function), measured(function)) * 1.2
    with Storm() as weather:
        for _ in range(calls):
            weather.call(function, longest)
            assert not locked(path)
        # One that comes when the work is done, in an automatic vacuum, is for the next call.
        weather.call(function, PATIENCE)
    assert weather.caught + weather.swallowed == weather.raised
    assert weather.caught > 0


@pytest.mark.ours
@pytest.mark.parametrize("persistent", [True, False], ids=["persistent", "ephemeral"])
def test_writes_at_any_moment(make_queue, path, persistent):
    queue = make_queue(persistent=persistent)
    storm(path, lambda: queue.write("a"), 150)
    queue.write("z")
    assert queue.peek_many(1000)[-1] == "z"


@pytest.mark.ours
def test_writes_over_a_runner_at_any_moment(path):
    class Plain:
        """Hardly any Python code of its own: most of the time is the library's."""

        def __init__(self):
            self.connection = sqlite3.connect(path, isolation_level=None)

        def run(self, sql, params=(), *, fetch=False):
            rows = self.connection.execute(sql, params).fetchall()
            return rows if fetch else []

        def begin_immediate(self):
            self.connection.execute("BEGIN IMMEDIATE")

        def commit(self):
            self.connection.execute("COMMIT")

        def rollback(self):
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")

        def close(self):
            self.connection.close()

        def setup(self, phase):
            pass

        def is_setup_complete(self, phase):
            return False

    runner = Plain()
    queue = Queue("q", runner=runner)
    storm(path, lambda: queue.write("a"), 300)
    queue.write("z")
    assert queue.peek_many(1000)[-1] == "z"
    runner.close()


@pytest.mark.ours
@pytest.mark.parametrize("guarantee", ["exactly_once", "at_least_once"])
def test_generators_at_any_moment(make_queue, path, guarantee):
    queue = make_queue(persistent=True)
    taken = []

    def consume():
        queue.write_many(["x"] * 8)
        for body in queue.read_generator(delivery_guarantee=guarantee):
            taken.append(body)

    storm(path, consume, 100)
    queue.delete()
    queue.write("z")
    assert list(queue.read_generator()) == ["z"]
    with queue.sidecar() as session:
        assert session.run("SELECT 1", fetch=True) == [(1,)]


@pytest.mark.ours
def test_transactions_at_any_moment(broker, path):
    with broker.sidecar() as session:
        session.run("CREATE TABLE pairs (a)")

    def work():
        with broker.transaction() as transaction:
            transaction.write("q", "a")
            transaction.run("INSERT INTO pairs VALUES (1)")
        with broker.sidecar(transaction=True) as session:
            session.run("INSERT INTO pairs VALUES (2)")
            session.run("INSERT INTO pairs VALUES (2)")

    storm(path, work, 150)
    with broker.sidecar() as session:
        ones, twos = session.run("SELECT SUM(a = 1), SUM(a = 2) FROM pairs", fetch=True)[0]
    assert ones == broker.get_queue_stat("q").pending
    assert twos % 2 == 0


@pytest.mark.ours
def test_dumps_and_loads_at_any_moment(broker, path, tmp_path):
    for number in range(30):
        broker.write("q", str(number))
    copies = [0]

    def work():
        copies[0] += 1
        with BrokerDB(tmp_path / f"{copies[0]}.db") as copy:
            load_lines(copy, dump_lines(broker))

    storm(path, work, 40)
    assert len(list(dump_lines(broker))) == 31
