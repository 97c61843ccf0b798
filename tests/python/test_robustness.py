"""Long use leaks nothing, and objects die in any order.

What is measured runs in programs of their own: memory there is that of the package alone.
"""

import gc
import itertools
import os
import sqlite3
import textwrap
import weakref
from contextlib import closing

import pytest

from simplebroker import Queue, dump_lines
from simplebroker.db import BrokerCore, BrokerDB, DBConnection
from simplebroker.ext import SQLiteRunner
from simplebroker.watcher import QueueWatcher

SANITIZED = bool(os.environ.get("SB_SANITIZE"))

# ---- leaks ------------------------------------------------------------------------------------

MEASURE = """
import gc, os, sys, threading
from simplebroker import Queue, dump_lines, load_lines
from simplebroker.db import BrokerDB, open_broker
from simplebroker.ext import SQLiteRunner, BrokerError, TimestampGenerator

path = sys.argv[1]
count = int(sys.argv[2])

def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def descriptors():
    return len(os.listdir("/proc/self/fd"))

def state():
    gc.collect()
    return len(gc.get_objects()), sys.getrefcount(None), descriptors()

def leaks(work, limit, times=count):
    '''Bytes by which `times` calls made the process grow; objects and references may not grow.'''
    for _ in range(times // 10):
        work()
    before, memory = state(), resident()
    for _ in range(times):
        work()
    after, grown = state(), resident() - memory
    for name, a, b, slack in zip(("objects", "None", "descriptors"), before, after, (500, 500, 0)):
        assert b - a <= slack, f"{name}: {a} before, {b} after"
    assert grown <= limit, f"{grown} bytes more"
"""

MIB = 1024 * 1024

LEAKS = {
    "a session": """
        queue = Queue("q", db_path=path, persistent=True)
        def work():
            queue.write("a" * 200); queue.peek(); queue.read(with_timestamps=True)
        """,
    "batches": """
        broker = BrokerDB(path)
        def work():
            broker.write_many("q", ["a" * 100] * 10)
            broker.peek_many("q", 100); broker.move_many("q", "r", 5)
            broker.claim_many("q", 100); broker.delete("r")
        count //= 10
        """,
    "generators": """
        broker = BrokerDB(path)
        def work():
            broker.write_many("q", ["a" * 100] * 3)
            generator = broker.claim_generator("q"); next(generator); generator.close()
            batch = broker.claim_generator("q", delivery_guarantee="at_least_once")
            next(batch); del batch
            list(broker.peek_generator("q", with_timestamps=False))
            list(broker.move_generator("q", "r")); broker.delete()
        count //= 10
        """,
    "errors": """
        broker = BrokerDB(path)
        queue = Queue("q", db_path=path, persistent=True)
        def raises(call, *arguments, **keywords):
            try:
                call(*arguments, **keywords)
            except Exception:
                return
            raise AssertionError
        def work():
            raises(queue.write, None); raises(queue.write, "\\ud800"); raises(Queue, "@")
            raises(broker.claim_one, "q", exact_timestamp="x"); raises(queue.peek_many, 0)
            raises(broker.rename_queue, "q", "q"); raises(broker.add_alias, "a", "@")
            raises(next, broker.claim_generator("q", batch_size=object()))
            with broker.sidecar() as session:
                raises(session.run, "no such thing"); raises(session.run, "SELECT ?", (object(),))
        """,
    "a runner": """
        runner = SQLiteRunner(path)
        queue = Queue("q", db_path=path, runner=runner)
        def work():
            queue.write("a" * 200); queue.peek(); queue.read(with_timestamps=True)
        count //= 5
        """,
    "a failing runner": """
        class Failing(SQLiteRunner):
            def run(self, sql, params=(), *, fetch=False):
                if "INSERT INTO messages" in sql:
                    raise ValueError("no")
                return super().run(sql, params, fetch=fetch)
        queue = Queue("q", db_path=path, runner=Failing(path))
        def work():
            try:
                queue.write("a" * 200)
            except ValueError:
                return
            raise AssertionError
        count //= 5
        """,
    "handles": """
        def work():
            with Queue("q", db_path=path) as queue:
                queue.write("a"); queue.read()
            with Queue("q", db_path=path, persistent=True) as queue:
                queue.write("a"); queue.read(); queue.set_stop_event(threading.Event()); queue.peek()
            with open_broker(path) as broker:
                broker.set_stop_event(threading.Event())
                broker.peek_one("q")
        count //= 50
        """,
    "transactions and sidecars": """
        broker = BrokerDB(path)
        with broker.sidecar() as session:
            session.run("CREATE TABLE t (a, b)")
        def work():
            with broker.transaction() as transaction:
                transaction.write("q", "a"); transaction.claim_one("q")
                transaction.run("INSERT INTO t VALUES (?, ?)", ("text" * 20, b"blob" * 20))
            with broker.sidecar(transaction=True) as session:
                session.run("SELECT * FROM t", fetch=True); session.run("DELETE FROM t")
            abandoned = broker.transaction(); abandoned.write("q", "never")
        count //= 10
        """,
    "dumps and loads": """
        broker = BrokerDB(path)
        broker.add_alias("a", "q"); broker.write_many("q", ["x" * 50] * 20)
        class Nowhere:
            def add_alias(self, alias, target): pass
            def insert_messages(self, records): pass
            def advance_last_timestamp(self, timestamp): pass
        def work():
            load_lines(Nowhere(), dump_lines(broker))
            next(dump_lines(broker, include=["q*"]))
        count //= 50
        """,
    "questions": """
        broker = BrokerDB(path)
        broker.write("q", "abc def"); broker.add_alias("a", "q")
        generator = TimestampGenerator(SQLiteRunner(path))
        def work():
            broker.list_queues(); broker.list_queue_stats(); broker.get_meta(); broker.status()
            broker.list_aliases(); broker.resolve_alias("a"); broker.get_queue_stat("q")
            broker.find_message_ids("q", body_contains="abc"); broker.get_data_version()
            broker.delete_message_ids("q", [1, "5" * 18 + "1"]); broker.broadcast("x", queue_names=[])
            generator.get_cached_last_ts()
        count //= 5
        """,
    "threads": """
        queue = Queue("q", db_path=path, persistent=True)
        def work():
            thread = threading.Thread(target=queue.peek); thread.start(); thread.join()
        count //= 50
        """,
}


@pytest.mark.ours
@pytest.mark.parametrize("case", LEAKS)
def test_nothing_leaks(case, program, path, monkeypatch):
    """100,000 operations of the cheap kinds, fewer of the others."""
    monkeypatch.setenv("BROKER_SYNC_MODE", "OFF")
    # A sanitizer keeps what is freed for a while, and everything is slower.
    count, limit = (2_000, 256 * MIB) if SANITIZED else (50_000, 3 * MIB)
    source = MEASURE + textwrap.dedent(LEAKS[case]) + f"\nleaks(work, {limit}, count)\n"
    # The allocator of development mode adds to each block; the numbers are those of a program.
    program(source, path, count, flags=("-W", "error"), timeout=300)


# ---- collection -------------------------------------------------------------------------------


def writable(path):
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
    return True


def family(path):
    """Things that hold each other: a broker, and streams of it, one with an open batch."""
    broker = BrokerDB(path)
    stream = broker.claim_generator("a")
    next(stream)
    batch = broker.move_generator("b", "c", delivery_guarantee="at_least_once", batch_size=2)
    next(batch)
    dump = dump_lines(broker)
    next(dump)
    peek = broker.peek_generator("a")
    next(peek)
    return [broker, stream, batch, dump, peek]


@pytest.mark.parametrize("order", list(itertools.permutations(range(5)))[::7])
def test_a_family_dies_in_any_order(path, order):
    with BrokerDB(path) as broker:
        for queue in "ab":
            for number in range(4):
                broker.write(queue, str(number))
    members = family(path)
    for index in order:
        members[index] = None
        gc.collect()
    assert writable(path)
    with BrokerDB(path) as broker:
        assert [body for body, _ in broker.peek_many("a")] == ["1", "2", "3"]
        assert [body for body, _ in broker.peek_many("b")] == ["0", "1", "2", "3"]


@pytest.mark.ours
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_transaction_and_its_broker_die_in_any_order(path, order):
    broker = BrokerDB(path)
    transaction = broker.transaction()
    transaction.write("q", "never")
    members = [broker, transaction, transaction.claim_one]
    del broker, transaction
    for index in order:
        members[index] = None
        gc.collect()
    assert writable(path)
    with BrokerDB(path) as broker:
        assert broker.list_queues() == []


def closed_under(path, close):
    with BrokerDB(path) as broker:
        for number in range(6):
            broker.write("q", str(number))
    broker = BrokerDB(path)
    stream = broker.claim_generator("q", with_timestamps=False)
    assert next(stream) == "0"
    close(broker)
    return broker, stream


@pytest.mark.parametrize("use_again", [True, False])
def test_a_stream_whose_broker_is_closed_ends_or_goes_on(path, use_again):
    broker, stream = closed_under(path, BrokerDB.close)
    if use_again:
        assert broker.claim_one("q", with_timestamps=False) == "1"
    try:
        rest = list(stream)
    except Exception:
        rest = []
    stream.close()
    broker.close()
    with BrokerDB(path) as fresh:
        left = [body for body, _ in fresh.peek_many("q")]
    assert len(rest) + len(left) == (4 if use_again else 5)
    assert writable(path)


class Holder:
    """Something of the application's."""


def cycles(path):
    runner = SQLiteRunner(path)
    queue = Queue("q", db_path=path, persistent=True)
    broker = BrokerDB(path)
    over = BrokerCore(SQLiteRunner(path))
    connection = DBConnection(path)
    watcher = QueueWatcher("q", lambda body, timestamp: None, db=path)
    generator = broker.peek_generator("q")
    next(generator, None)
    queue.write("a")
    connection.get_connection()
    return [runner, queue, broker, over, connection, watcher, generator]


def test_cycles_are_collected(path):
    """Each thing is held by what it holds."""
    references = []
    for thing in cycles(path):
        holder = Holder()
        holder.thing = thing
        if hasattr(thing, "__dict__"):
            thing.holder = holder
        references.append(weakref.ref(holder))
        if isinstance(thing, Queue):
            thing.close()
    del thing, holder
    gc.collect()
    gc.collect()
    assert [reference() for reference in references] == [None] * len(references)
    assert writable(path)


@pytest.mark.ours
def test_a_runner_that_knows_its_queue_is_collected(path):
    class Knowing(SQLiteRunner):
        queue = None

    runner = Knowing(path)
    runner.queue = Queue("q", db_path=path, runner=runner)
    runner.queue.write("a")
    reference = weakref.ref(runner)
    del runner
    gc.collect()
    assert reference() is None
    assert writable(path)


def test_a_batch_that_is_forgotten_is_rolled_back(make_queue, path):
    queue = make_queue(persistent=True)
    queue.write("a")
    batch = queue.read_generator(delivery_guarantee="at_least_once")
    next(batch)
    del batch
    gc.collect()
    assert writable(path)
    assert queue.read() == "a"
