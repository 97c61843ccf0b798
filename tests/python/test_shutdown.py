"""The interpreter ends with everything open: exit code 0, soon, and nothing on stderr."""

import sqlite3
import textwrap
from contextlib import closing

import pytest

from simplebroker import Queue

OPEN = """
import atexit, sys, threading
from simplebroker import Queue, QueueWatcher, dump_lines
from simplebroker.db import BrokerDB, BrokerCore, DBConnection
from simplebroker.ext import SQLiteRunner
path = sys.argv[1]
queue = Queue("q", db_path=path, persistent=True)
for number in range(10):
    queue.write(str(number))
"""

PROGRAMS = {
    "handles": """
        broker = BrokerDB(path)
        broker.peek_one("q")
        runner = SQLiteRunner(path)
        over = Queue("q", db_path=path, runner=runner)
        over.peek()
        connection = DBConnection(path)
        connection.get_connection().peek_one("q")
        """,
    "generators": """
        broker = BrokerDB(path)
        stream = queue.read_generator()
        next(stream)
        peek = broker.peek_generator("q")
        next(peek)
        dump = dump_lines(broker)
        next(dump)
        """,
    "an open batch": """
        batch = queue.read_generator(delivery_guarantee="at_least_once")
        next(batch)
        """,
    "a cycle of an open batch": """
        class Holder:
            pass
        holder = Holder()
        holder.me = holder
        holder.queue = queue
        holder.batch = queue.read_generator(delivery_guarantee="at_least_once")
        next(holder.batch)
        del holder, queue
        """,
    "a watcher in its thread": """
        seen = threading.Event()
        watcher = QueueWatcher(queue, lambda body, timestamp: seen.set())
        watcher.start()
        seen.wait(60)
        watcher.stop(join=False)
        """,
    "a watcher with a handler at work": """
        seen = threading.Event()
        def handle(body, timestamp):
            seen.set()
            threading.Event().wait()
        watcher = QueueWatcher(queue, handle)
        watcher.start()
        seen.wait(60)
        watcher.stop(join=False)
        """,
    "daemon threads at work": """
        working = threading.Barrier(5)
        def work(number):
            own = Queue(f"own{number}", db_path=path, persistent=True)
            own.write("a")
            working.wait(60)
            while True:
                own.write("a")
                own.read()
                queue.peek()
        for number in range(4):
            threading.Thread(target=work, args=(number,), daemon=True).start()
        working.wait(60)
        """,
    "a daemon thread over a runner": """
        working = threading.Event()
        def work():
            with SQLiteRunner(path) as runner:
                own = Queue("own", db_path=path, runner=runner)
                while True:
                    own.write("a")
                    own.read()
                    working.set()
        threading.Thread(target=work, daemon=True).start()
        working.wait(60)
        """,
    "other threads that end later": """
        go = threading.Event()
        def work():
            go.wait(60)
            queue.write("late")
        threading.Thread(target=work).start()
        go.set()
        """,
    "a stop event": """
        queue.set_stop_event(threading.Event())
        queue.peek()
        broker = BrokerDB(path, stop_event=threading.Event())
        broker.write("q", "a")
        """,
    "an exit in a block": """
        with BrokerDB(path) as broker, broker.sidecar(transaction=True) as session:
            session.run("CREATE TABLE t (a)")
            sys.exit(0)
        """,
    "modules that are gone": """
        broker = BrokerDB(path)
        broker.claim_generator("q").__next__()
        for name in [name for name in sys.modules if name.startswith("simplebroker")]:
            del sys.modules[name]
        """,
}

OURS = {
    "a daemon thread that waits for the lock": """
        import sqlite3
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        begun = threading.Event()
        def work():
            begun.set()
            queue.write("a")
        threading.Thread(target=work, daemon=True).start()
        begun.wait(60)
        queue.peek()
        """,
    "a daemon thread in an open batch": """
        begun = threading.Event()
        def work():
            batch = queue.read_generator(delivery_guarantee="at_least_once")
            next(batch)
            begun.set()
            threading.Event().wait()
        threading.Thread(target=work, daemon=True).start()
        begun.wait(60)
        """,
    "work in atexit and finalisers": """
        class Late:
            def __init__(self):
                self.queue = Queue("late", db_path=path)
                self.queue.write("a")
            def __del__(self):
                assert self.queue.read() == "a"
        late = Late()
        atexit.register(lambda: queue.write("in atexit"))
        """,
    "an open transaction": """
        transaction = BrokerDB(path).transaction()
        transaction.write("q", "never")
        """,
    "a daemon thread in a transaction": """
        begun = threading.Event()
        def work():
            with queue.transaction() as transaction:
                transaction.write("q", "never")
                begun.set()
                threading.Event().wait()
        threading.Thread(target=work, daemon=True).start()
        begun.wait(60)
        """,
    "a daemon thread that waits for another": """
        begun, waits = threading.Event(), threading.Event()
        broker = BrokerDB(path)
        def hold():
            with broker.transaction() as transaction:
                begun.set()
                threading.Event().wait()
        def wait():
            waits.set()
            broker.write("q", "a")
        threading.Thread(target=hold, daemon=True).start()
        begun.wait(60)
        threading.Thread(target=wait, daemon=True).start()
        waits.wait(60)
        """,
}


@pytest.mark.parametrize(
    "name",
    [*PROGRAMS, *(pytest.param(name, marks=pytest.mark.ours) for name in OURS)],
)
def test_a_program_ends_in_order(name, program, path):
    assert program(OPEN + textwrap.dedent({**PROGRAMS, **OURS}[name]), path, timeout=30) == ""
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.execute("COMMIT")
    with Queue("q", db_path=path) as queue:
        assert "never" not in queue.peek_many()
