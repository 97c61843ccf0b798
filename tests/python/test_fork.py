"""Forked and spawned processes: what they inherit belongs to the parent, what they open works."""

import gc
import multiprocessing
import os
import pickle
import sqlite3
import threading
from contextlib import closing

import pytest

from simplebroker import Queue, dump_lines
from simplebroker.db import BrokerDB, DBConnection
from simplebroker.ext import SQLiteRunner


def in_child(function):
    """What a function returns or raises in a forked process, which then ends at once."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            try:
                outcome = (function(), None)
            except BaseException as error:
                outcome = (None, error)
            os.write(writer, pickle.dumps(outcome))
            os._exit(0)
        finally:
            os._exit(1)
    os.close(writer)
    with open(reader, "rb") as pipe:
        answer = pipe.read()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    value, error = pickle.loads(answer)
    if error is not None:
        raise error
    return value


def bodies(path):
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [row[0] for row in connection.execute("SELECT body FROM messages ORDER BY id")]


QUEUE_CALLS = {
    "write": lambda q: q.write("x"),
    "read": lambda q: q.read(),
    "read_many": lambda q: q.read_many(1),
    "read_generator": lambda q: next(q.read_generator()),
    "peek": lambda q: q.peek(),
    "peek_many": lambda q: q.peek_many(),
    "peek_generator": lambda q: next(q.peek_generator()),
    "move": lambda q: q.move("other"),
    "move_many": lambda q: q.move_many("other", 1),
    "move_generator": lambda q: next(q.move_generator("other")),
    "delete": lambda q: q.delete(),
    "delete_many": lambda q: q.delete_many([1]),
    "insert_messages": lambda q: q.insert_messages([("x", 1)]),
    "generate_timestamp": lambda q: q.generate_timestamp(),
    "refresh_last_ts": lambda q: q.refresh_last_ts(),
    "find_message_ids": lambda q: q.find_message_ids(body_contains="abc"),
    "has_pending": lambda q: q.has_pending(),
    "latest_pending_timestamp": lambda q: q.latest_pending_timestamp(),
    "exists": lambda q: q.exists(),
    "stats": lambda q: q.stats(),
    "stream_messages": lambda q: next(q.stream_messages()),
    "get_data_version": lambda q: q.get_data_version(),
    "get_connection": lambda q: q.get_connection().__enter__(),
    "sidecar": lambda q: q.sidecar().__enter__(),
}

BROKER_CALLS = {
    "write": lambda b: b.write("q", "x"),
    "insert_messages": lambda b: b.insert_messages([("q", "x", 1)]),
    "generate_timestamp": lambda b: b.generate_timestamp(),
    "get_cached_last_timestamp": lambda b: b.get_cached_last_timestamp(),
    "refresh_last_timestamp": lambda b: b.refresh_last_timestamp(),
    "advance_last_timestamp": lambda b: b.advance_last_timestamp(1),
    "claim_one": lambda b: b.claim_one("q"),
    "claim_many": lambda b: b.claim_many("q", 1),
    "claim_generator": lambda b: next(b.claim_generator("q")),
    "peek_one": lambda b: b.peek_one("q"),
    "peek_many": lambda b: b.peek_many("q"),
    "peek_generator": lambda b: next(b.peek_generator("q")),
    "move_one": lambda b: b.move_one("q", "r"),
    "move_many": lambda b: b.move_many("q", "r", 1),
    "move_generator": lambda b: next(b.move_generator("q", "r")),
    "delete": lambda b: b.delete("q"),
    "delete_all": lambda b: b.delete(),
    "delete_message_ids": lambda b: b.delete_message_ids("q", [1]),
    "delete_from_queues": lambda b: b.delete_from_queues(["q"]),
    "rename_queue": lambda b: b.rename_queue("q", "r"),
    "find_message_ids": lambda b: b.find_message_ids("q", body_contains="abc"),
    "broadcast": lambda b: b.broadcast("x"),
    "list_queues": lambda b: b.list_queues(),
    "list_queue_stats": lambda b: b.list_queue_stats(),
    "get_queue_stats": lambda b: b.get_queue_stats(),
    "get_queue_stat": lambda b: b.get_queue_stat("q"),
    "queue_exists": lambda b: b.queue_exists("q"),
    "queue_exists_and_has_messages": lambda b: b.queue_exists_and_has_messages("q"),
    "get_overall_stats": lambda b: b.get_overall_stats(),
    "count_claimed_messages": lambda b: b.count_claimed_messages(),
    "status": lambda b: b.status(),
    "has_pending_messages": lambda b: b.has_pending_messages("q"),
    "latest_pending_timestamp": lambda b: b.latest_pending_timestamp("q"),
    "get_data_version": lambda b: b.get_data_version(),
    "vacuum": lambda b: b.vacuum(),
    "add_alias": lambda b: b.add_alias("a", "q"),
    "remove_alias": lambda b: b.remove_alias("a"),
    "resolve_alias": lambda b: b.resolve_alias("a"),
    "list_aliases": lambda b: b.list_aliases(),
    "canonicalize_queue": lambda b: b.canonicalize_queue("@a"),
    "get_meta": lambda b: b.get_meta(),
    "sidecar": lambda b: b.sidecar().__enter__(),
    "dump_lines": lambda b: next(dump_lines(b)),
}


def refusals(calls, handle):
    """For each call its exception's class and whether it names the reason."""
    found = {}
    for name, call in calls.items():
        try:
            call(handle)
        except Exception as error:
            found[name] = (type(error), "forked process" in str(error))
        else:
            found[name] = None
    return found


# ---- inherited handles ------------------------------------------------------------------------


def test_what_was_open_is_the_parents(make_queue, broker):
    queue = make_queue(persistent=True)
    queue.write("a")
    broker.peek_one("q")
    for call in (lambda: queue.write("x"), queue.read, queue.stats, lambda: broker.write("q", "x")):
        with pytest.raises(RuntimeError, match="forked process"):
            in_child(call)
    assert queue.read() == "a" and queue.read() is None


@pytest.mark.ours
@pytest.mark.parametrize("used", [True, False])
def test_every_operation_of_a_persistent_queue_is_refused(make_queue, used):
    queue = make_queue(persistent=True)
    if used:
        queue.write("a")
    refused = in_child(lambda: refusals(QUEUE_CALLS, queue))
    assert refused == dict.fromkeys(QUEUE_CALLS, (RuntimeError, True))
    queue.write("b")
    assert queue.read() == ("a" if used else "b")


@pytest.mark.ours
def test_every_operation_of_a_broker_is_refused(broker, path):
    broker.write("q", "a")
    refused = in_child(lambda: refusals(BROKER_CALLS, broker))
    assert refused == dict.fromkeys(BROKER_CALLS, (RuntimeError, True))
    broker.write("q", "b")
    assert bodies(path) == ["a", "b"]


def test_inherited_handles_are_closed_without_effect(path):
    queue = Queue("q", db_path=path, persistent=True)
    connection = DBConnection(path)
    broker = connection.get_connection()
    queue.write("a")
    broker.write("q", "b")

    def close():
        broker.close()
        connection.close()
        queue.close()
        gc.collect()
        return os.path.exists(path + "-wal")

    assert in_child(close)
    queue.write("c")
    broker.write("q", "d")
    assert bodies(path) == ["a", "b", "c", "d"]
    connection.close()
    queue.close()


def test_a_queue_made_in_the_child_may_have_the_parents_settings(make_queue, path):
    queue = make_queue(persistent=True)
    queue.write("a")

    def use():
        with Queue("q", db_path=path, persistent=True) as own:
            own.write("b")
            return own.peek_many()

    assert in_child(use) == ["a", "b"]
    assert queue.peek_many() == ["a", "b"]


def test_an_ephemeral_queue_works_on_both_sides(make_queue):
    queue = make_queue()
    queue.write("a")
    assert in_child(lambda: (queue.write("b") > 0, queue.read())) == (True, "a")
    assert queue.read() == "b"


@pytest.mark.ours
def test_a_generator_is_the_parents(broker):
    for number in range(5):
        broker.write("q", str(number))
    generator = broker.claim_generator("q", with_timestamps=False)
    assert next(generator) == "0"
    with pytest.raises(RuntimeError, match="forked process"):
        in_child(lambda: next(generator))
    assert list(generator) == ["1", "2", "3", "4"]


@pytest.mark.ours
def test_a_runner_of_the_parent_refuses(path):
    with SQLiteRunner(path) as runner:
        queue = Queue("q", db_path=path, runner=runner)
        queue.write("a")
        with pytest.raises(RuntimeError):
            in_child(lambda: queue.write("b"))
        queue.write("c")
    assert bodies(path) == ["a", "c"]


# ---- inside a transaction ---------------------------------------------------------------------


def leave(handle):
    def child():
        handle.close()
        gc.collect()

    return child


@pytest.mark.parametrize("ends", ["commits", "rolls back"])
def test_a_child_that_ends_leaves_an_open_batch_alone(broker, path, ends):
    for number in range(4):
        broker.write("q", str(number))
    batch = broker.claim_generator(
        "q", with_timestamps=False, delivery_guarantee="at_least_once", batch_size=2
    )
    assert next(batch) == "0"
    in_child(lambda: None)
    with closing(sqlite3.connect(path, timeout=0)) as other:
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
    if ends == "commits":
        assert list(batch) == ["1", "2", "3"]
        assert broker.peek_one("q") is None
    else:
        batch.close()
        assert broker.peek_one("q", with_timestamps=False) == "0"


@pytest.mark.ours
def test_closing_an_inherited_batch_changes_nothing_for_the_parent(broker):
    for number in range(3):
        broker.write("q", str(number))
    batch = broker.claim_generator(
        "q", with_timestamps=False, delivery_guarantee="at_least_once", batch_size=3
    )
    assert next(batch) == "0"
    in_child(leave(batch))
    in_child(leave(broker))
    assert list(batch) == ["1", "2"]
    assert broker.count_claimed_messages() == 3


@pytest.mark.ours
def test_a_transaction_goes_on_in_the_parent_only(broker, path):
    with broker.transaction() as transaction:
        transaction.write("q", "a")
        with pytest.raises(RuntimeError):
            in_child(lambda: transaction.write("q", "b"))
        with pytest.raises(RuntimeError):
            in_child(transaction.commit)
        in_child(transaction.rollback)
        transaction.write("q", "c")
    assert bodies(path) == ["a", "c"]


@pytest.mark.ours
def test_a_sidecar_transaction_goes_on_in_the_parent_only(broker):
    with broker.sidecar(transaction=True) as session:
        session.run("CREATE TABLE t (a)")
        with pytest.raises(RuntimeError):
            in_child(lambda: session.run("INSERT INTO t VALUES (1)"))
        session.run("INSERT INTO t VALUES (2)")
    with broker.sidecar() as session:
        assert session.run("SELECT a FROM t", fetch=True) == [(2,)]


@pytest.mark.ours
def test_a_child_forked_inside_a_transaction_is_told_so(broker, path):
    """SQLite would take no locks for it: better no access than lost messages."""
    with broker.transaction() as transaction:
        transaction.write("q", "a")
        with pytest.raises(RuntimeError, match="forked inside a transaction"):
            in_child(lambda: Queue("q", db_path=path).write("b"))
    assert bodies(path) == ["a"]


# ---- nothing is lost --------------------------------------------------------------------------


@pytest.mark.ours
def test_acknowledged_writes_outlive_the_closing_of_either_side(path):
    parent = BrokerDB(path)
    parent.write("q", "parent 1")
    closed, seen = os.pipe(), os.pipe()

    def child():
        with Queue("q", db_path=path, persistent=True) as queue:
            queue.write("child 1")
            os.write(seen[1], b"x")
            os.read(closed[0], 1)
            queue.write("child 2")

    thread = threading.Thread(target=in_child, args=(child,))
    thread.start()
    os.read(seen[0], 1)
    parent.write("q", "parent 2")
    parent.close()
    os.write(closed[1], b"x")
    thread.join()
    for descriptor in (*closed, *seen):
        os.close(descriptor)
    assert sorted(bodies(path)) == ["child 1", "child 2", "parent 1", "parent 2"]


def _work(path, name):
    with Queue("q", db_path=path, persistent=True) as queue:
        for number in range(25):
            queue.write(f"{name}-{number}")


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_write_to_one_queue(make_queue, path, method):
    queue = make_queue()
    queue.write("parent-0")
    context = multiprocessing.get_context(method)
    processes = [context.Process(target=_work, args=(path, str(n))) for n in range(3)]
    for process in processes:
        process.start()
    _work(path, "parent")
    for process in processes:
        process.join()
        assert process.exitcode == 0
        process.close()
    assert len(bodies(path)) == 1 + 4 * 25


@pytest.mark.ours
def test_forks_while_other_threads_write(path):
    """No lock that one of them holds may stay taken in the child."""
    queue = Queue("q", db_path=path, persistent=True)
    enough = threading.Event()
    written = [0, 0, 0]

    def write(worker):
        while not enough.is_set():
            queue.write(f"parent {worker}")
            written[worker] += 1

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(3)]
    for thread in threads:
        thread.start()
    refused = 0
    for number in range(20):
        try:
            in_child(lambda n=number: Queue("q", db_path=path).write(f"child {n}"))
        except RuntimeError:  # forked inside a transaction of another thread
            refused += 1
    enough.set()
    for thread in threads:
        thread.join()
    queue.close()
    assert len(bodies(path)) == sum(written) + 20 - refused
    assert refused <= 5  # a thread may have been at it for more than a second


@pytest.mark.ours
def test_a_child_may_close_what_another_thread_was_opening(path):
    """That thread's locks would never be given back in the child."""
    opening, go_on = threading.Event(), threading.Event()

    class Slow(SQLiteRunner):
        def run(self, sql, params=(), *, fetch=False):
            opening.set()
            go_on.wait(60)
            return super().run(sql, params, fetch=fetch)

    connection = DBConnection(path, Slow(path))
    thread = threading.Thread(target=connection.get_core)
    thread.start()
    opening.wait(60)
    in_child(connection.close)
    go_on.set()
    thread.join()
    connection.get_core().write("q", "a")
    connection.close()
    assert bodies(path) == ["a"]


def test_children_of_children(path, broker):
    broker.write("q", "a")

    def child():
        with BrokerDB(path) as own:
            own.write("q", "b")
            with pytest.raises(RuntimeError):
                in_child(lambda: own.write("q", "no"))
            return in_child(lambda: Queue("q", db_path=path).write("c")) > 0

    assert in_child(child)
    assert bodies(path) == ["a", "b", "c"]


# ---- ends -------------------------------------------------------------------------------------

ENDS_WITH_INHERITED_HANDLES = """
    import os, sys, threading
    from simplebroker import Queue, QueueWatcher
    from simplebroker.db import BrokerDB
    path = sys.argv[1]
    queue = Queue("q", db_path=path, persistent=True)
    queue.write("a"); queue.write("b")
    broker = BrokerDB(path)
    generator = broker.claim_generator("q")
    next(generator)
    pid = os.fork()
    if pid:
        assert os.waitpid(pid, 0)[1] == 0
        assert next(generator)[0] == "b"
        queue.write("c")
        assert queue.read() == "c"
        generator.close()
    else:
        Queue("r", db_path=path).write("from the child")
        assert os.path.exists(path + "-wal")
"""


def test_a_child_ends_in_order_with_what_it_inherited(program, path):
    assert program(ENDS_WITH_INHERITED_HANDLES, path) == ""
    assert len(bodies(path)) == 4
