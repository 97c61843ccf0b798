"""`sidecar()`: SQL of the application's own on the broker's database."""

import os
import sqlite3
import threading

import pytest

from simplebroker.db import BrokerDB
from simplebroker.ext import (
    RESERVED_TABLE_NAMES,
    DatabaseError,
    IntegrityError,
    OperationalError,
    SidecarSession,
)


@pytest.fixture
def session(broker):
    """A session outside of any transaction, with a table."""
    with broker.sidecar() as opened:
        opened.run("CREATE TABLE mine (id INTEGER PRIMARY KEY, value UNIQUE)")
        yield opened


def rows(broker, sql="SELECT value FROM mine ORDER BY id", params=()):
    with broker.sidecar() as session:
        return list(session.run(sql, params, fetch=True))


def test_rows_come_as_tuples_when_fetched(session):
    assert session.run("INSERT INTO mine (value) VALUES (?), (?)", (1, "two")) == []
    assert session.run("SELECT value FROM mine ORDER BY id") == []
    assert session.run("SELECT value, id FROM mine ORDER BY id", fetch=True) == [(1, 1), ("two", 2)]
    assert session.run("SELECT value FROM mine WHERE id = ?", [2], fetch=True) == [("two",)]
    assert session.run("SELECT value FROM mine WHERE id = 9", fetch=True) == []


@pytest.mark.parametrize(
    "value",
    [None, 0, -1, 2**63 - 1, -(2**63), 1.5, float("inf"), "", "é\0ß", b"", b"\0\xff"],
    ids=repr,
)
def test_values_come_back_as_they_were(session, value):
    session.run("INSERT INTO mine (value) VALUES (?)", (value,))
    assert session.run("SELECT value FROM mine", fetch=True) == [(value,)]
    ((back,),) = session.run("SELECT ?", (value,), fetch=True)
    assert type(back) is type(value)


def test_bools_are_integers(session):
    assert session.run("SELECT ?, ?", (True, False), fetch=True) == [(1, 0)]


@pytest.mark.parametrize("transaction", [False, True])
def test_the_session_is_a_sidecar_session(queue, broker, transaction):
    for handle in (queue, broker):
        with handle.sidecar(transaction=transaction) as session:
            assert isinstance(session, SidecarSession)


# ---- commits and rollbacks -----------------------------------------------------------------------


def test_without_transaction_each_statement_commits(session, path):
    session.run("INSERT INTO mine (value) VALUES (1)")
    with sqlite3.connect(path) as plain:
        assert plain.execute("SELECT value FROM mine").fetchall() == [(1,)]
    plain.close()


def test_without_transaction_the_broker_works_on_between_statements(session, broker):
    broker.write("q", "a")
    session.run("INSERT INTO mine (value) SELECT body FROM messages")
    assert broker.claim_one("q", with_timestamps=False) == "a"
    assert rows(broker) == [("a",)]


def test_a_transaction_commits_at_a_clean_exit(broker, session):
    with broker.sidecar(transaction=True) as transaction:
        transaction.run("INSERT INTO mine (value) VALUES (1)")
        transaction.run("INSERT INTO mine (value) VALUES (2)")
        assert transaction.run("SELECT count(*) FROM mine", fetch=True) == [(2,)]
    assert rows(broker) == [(1,), (2,)]


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt])
def test_a_transaction_rolls_back_when_an_exception_passes(queue, error):
    with queue.sidecar() as session:
        session.run("CREATE TABLE mine (id INTEGER PRIMARY KEY, value)")
    raised = error("mine")
    with pytest.raises(error) as caught, queue.sidecar(transaction=True) as transaction:
        transaction.run("INSERT INTO mine (value) VALUES (1)")
        transaction.run("CREATE TABLE another (a)")
        raise raised
    assert caught.value is raised
    assert rows(queue) == []
    assert rows(queue, "SELECT name FROM sqlite_master WHERE name = 'another'") == []
    queue.write("usable")
    assert queue.read() == "usable"


@pytest.mark.parametrize(
    "operation",
    [lambda b: b.write("q", "x"), lambda b: b.claim_one("q"), lambda b: b.move_one("q", "r"),
     lambda b: b.add_alias("x", "q"),
     lambda b: b.broadcast("x", queue_names=["q"], create_missing=True)],
    ids=["write", "claim", "move", "alias", "broadcast"],
)  # fmt: skip
def test_queue_operations_fail_inside_a_transaction(broker, session, operation):
    with broker.sidecar(transaction=True) as transaction:
        transaction.run("INSERT INTO mine (value) VALUES (1)")
        with pytest.raises(OperationalError):
            operation(broker)
    assert rows(broker) == [(1,)]
    assert broker.list_queues() == []


def test_statements_wait_for_the_locks_of_others(session, path):
    with BrokerDB(path) as other:
        other.write("q", "a")
        stream = other.claim_generator("q", delivery_guarantee="at_least_once")
        next(stream)
        written = threading.Event()

        def insert():
            session.run("INSERT INTO mine (value) VALUES (1)")
            written.set()

        thread = threading.Thread(target=insert)
        thread.start()
        assert not written.wait(0.1)
        stream.close()
        assert written.wait(10)
        thread.join()


# ---- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize("transaction", [False, True])
def test_after_its_block_a_session_is_closed(queue, transaction):
    with queue.sidecar(transaction=transaction) as session:
        assert session.run("SELECT 1", fetch=True) == [(1,)]
    with pytest.raises(RuntimeError, match="session is closed"):
        session.run("SELECT 1")


@pytest.mark.parametrize(
    "sql, params, error, text",
    [("SELEC 1", (), OperationalError, "syntax error"),
     ("SELECT * FROM absent", (), OperationalError, "no such table: absent"),
     ("INSERT INTO mine VALUES (1, 'same')", (), IntegrityError, "UNIQUE constraint failed: mine"),
     ("INSERT INTO mine VALUES (3, ?)", ("same",), IntegrityError, "mine.value")],
)  # fmt: skip
def test_errors_of_sqlite_keep_their_text(session, sql, params, error, text):
    session.run("INSERT INTO mine VALUES (1, 'same')")
    with pytest.raises(error, match=text):
        session.run(sql, params)
    assert session.run("SELECT * FROM mine", fetch=True) == [(1, "same")]


@pytest.mark.parametrize(
    "sql, params",
    [("SELECT 1; SELECT 2", ()), ("SELECT ?", ()), ("SELECT 1", (1,)), ("SELECT ?", (object(),)),
     ("SELECT ?", ("\ud800",)), ("SELECT ?", (2**63,)), ("SELECT '\ud800'", ())],
    ids=["two", "few", "many", "type", "surrogate", "big", "sql surrogate"],
)  # fmt: skip
def test_statements_that_cannot_be_run_leave_the_session_usable(session, sql, params):
    with pytest.raises(Exception):  # noqa: B017, which one is SQLite's matter
        session.run(sql, params)
    assert session.run("SELECT 1", fetch=True) == [(1,)]


def test_a_failed_statement_does_not_end_the_transaction(broker, session):
    with broker.sidecar(transaction=True) as transaction:
        transaction.run("INSERT INTO mine VALUES (1, 'a')")
        with pytest.raises(IntegrityError):
            transaction.run("INSERT INTO mine VALUES (1, 'b')")
        transaction.run("INSERT INTO mine VALUES (2, 'b')")
    assert rows(broker) == [("a",), ("b",)]


@pytest.mark.ours
@pytest.mark.parametrize("sql", ["BEGIN", " commit", "ROLLBACK", "SAVEPOINT x", "RELEASE x", "END"])
def test_transactions_are_not_begun_or_ended_in_sql(session, sql):
    with pytest.raises(DatabaseError, match="is not allowed in sidecar SQL"):
        session.run(sql)
    assert session.run("SELECT 1", fetch=True) == [(1,)]


# ---- beside the queues ---------------------------------------------------------------------------


def test_tables_survive_everything_that_queues_do(broker, session):
    session.run("INSERT INTO mine (value) VALUES (1)")
    broker.write("q", "a")
    broker.claim_one("q")
    broker.write("q", "b")
    broker.rename_queue("q", "r")
    broker.vacuum(compact=True)
    broker.delete()
    assert rows(broker) == [(1,)]


def test_all_handles_of_a_file_see_the_tables(broker, session, queue):
    session.run("INSERT INTO mine (value) VALUES (1)")
    assert rows(queue) == [(1,)]


def test_names_of_tables_that_are_the_brokers():
    assert RESERVED_TABLE_NAMES == frozenset({"messages", "meta", "queue_aliases", "aliases"})


def test_in_a_forked_child_the_parents_sidecar_cannot_be_entered(broker):
    child = os.fork()
    if child == 0:
        outcome = 1
        try:
            with broker.sidecar():
                pass
        except RuntimeError:
            outcome = 0
        finally:
            os._exit(outcome)
    assert os.waitpid(child, 0)[1] == 0
