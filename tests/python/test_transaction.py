"""`transaction()`: operations over several queues, and SQL, that commit or vanish together."""

import gc
import threading

import pytest

from simplebroker.db import BrokerDB
from simplebroker.ext import IntegrityError, MessageError, OperationalError, QueueNameError

pytestmark = pytest.mark.ours


@pytest.fixture
def onlooker(path):
    """Another broker on the same file: it sees what is committed."""
    with BrokerDB(path) as another:
        yield another


@pytest.fixture(params=["broker", "ephemeral", "persistent"])
def begin(request, broker, make_queue):
    """`transaction()` of a broker, and of both kinds of queue."""
    if request.param == "broker":
        return broker.transaction
    return make_queue(persistent=request.param == "persistent").transaction


def bodies(broker, queue):
    return broker.peek_many(queue, with_timestamps=False)


def test_everything_commits_together(begin, onlooker):
    onlooker.write("orders", "one")
    with begin() as t:
        assert t.claim_one("orders", with_timestamps=False) == "one"
        t.write("invoices", "one")
        t.write_many("letters", ["x", "y"])
        t.run("CREATE TABLE ledger (entry)")
        t.run("INSERT INTO ledger VALUES (?)", ("one",))
        assert t.run("SELECT entry FROM ledger", fetch=True) == [("one",)]
        assert bodies(onlooker, "orders") == ["one"]
        assert onlooker.list_queues() == ["orders"]
    assert bodies(onlooker, "orders") == []
    assert bodies(onlooker, "invoices") == ["one"]
    assert bodies(onlooker, "letters") == ["x", "y"]
    with onlooker.sidecar() as session:
        assert session.run("SELECT entry FROM ledger", fetch=True) == [("one",)]


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt])
def test_everything_vanishes_when_an_exception_passes(begin, onlooker, error):
    onlooker.write("orders", "one")
    before = onlooker.get_meta(), onlooker.list_queue_stats()
    raised = error("mine")
    with pytest.raises(error) as caught, begin() as t:
        t.move_one("orders", "done")
        t.write("invoices", "one")
        t.add_alias("x", "done")
        raise raised
    assert caught.value is raised
    onlooker.refresh_last_timestamp()
    assert (onlooker.get_meta(), onlooker.list_queue_stats()) == before
    assert onlooker.list_aliases() == []


def test_a_transaction_sees_its_own_changes(begin):
    with begin() as t:
        first = t.write("q", "a")
        assert t.write("q", "b") > first
        assert t.peek_one("q") == ("a", first)
        assert t.move_many("q", "r", 5, with_timestamps=False) == ["a", "b"]
        assert t.list_queues() == ["r"]
        assert t.delete("r") == 2
        assert not t.queue_exists("r")


def test_every_kind_of_change_can_be_part(begin, onlooker):
    for body in "abcdef":
        onlooker.write("q", body)
    with begin() as t:
        t.insert_messages([("z", "given", 5)])
        assert t.claim_many("q", 2, with_timestamps=False) == ["a", "b"]
        assert t.move_one("q", "r", with_timestamps=False) == "c"
        assert t.broadcast("to all") == 3
        t.rename_queue("r", "s")
        t.add_alias("x", "s")
        assert t.delete_message_ids("z", [5]) == 1
        assert t.delete_from_queues(["nothing"]) == 0
    assert bodies(onlooker, "q") == ["d", "e", "f", "to all"]
    assert bodies(onlooker, "s") == ["c", "to all"]
    assert bodies(onlooker, "z") == ["to all"]
    assert onlooker.list_aliases() == [("x", "s")]


def test_a_refused_operation_undoes_only_itself(begin, onlooker):
    onlooker.insert_messages([("q", "taken", 7)])
    with begin() as t:
        t.write("r", "a")
        with pytest.raises(IntegrityError):
            t.insert_messages([("q", "new", 6), ("q", "twice", 7)])
        with pytest.raises(MessageError):
            t.write_many("r", ["b", "\ud800"])
        with pytest.raises(QueueNameError):
            t.write("@r", "c")
        with pytest.raises(OperationalError):
            t.run("SELEC 1")
        t.write("r", "d")
    assert bodies(onlooker, "q") == ["taken"]
    assert bodies(onlooker, "r") == ["a", "d"]


def test_commit_and_rollback_by_hand(broker, onlooker):
    t = broker.transaction()
    t.write("q", "a")
    t.commit()
    assert bodies(onlooker, "q") == ["a"]
    t = broker.transaction()
    t.write("q", "b")
    t.rollback()
    t.rollback()
    assert bodies(onlooker, "q") == ["a"]


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_what_is_over_is_over(begin, end):
    with begin() as t:
        getattr(t, end)()
    assert "over" in repr(t)
    for use in (lambda: t.write("q", "a"), lambda: t.run("SELECT 1"), t.commit, t.list_queues,
                lambda: t.write_many("q", ["a"])):  # fmt: skip
        with pytest.raises(RuntimeError, match="the transaction is over"):
            use()


def test_a_forgotten_transaction_is_rolled_back(broker, onlooker):
    t = broker.transaction()
    t.write("q", "a")
    del t
    gc.collect()
    onlooker.write("q", "b")
    assert bodies(onlooker, "q") == ["b"]


def test_one_transaction_at_a_time(begin):
    with begin() as t:
        t.write("q", "a")
        with pytest.raises(OperationalError), begin():
            pass
        assert t.list_queues() == ["q"]


def test_outside_of_it_its_broker_refuses_changes(broker):
    with broker.transaction() as t:
        t.write("q", "a")
        for change in (lambda: broker.write("q", "b"), lambda: broker.claim_one("q"),
                       lambda: broker.sidecar(transaction=True).__enter__()):  # fmt: skip
            with pytest.raises(OperationalError):
                change()
    assert bodies(broker, "q") == ["a"]


def test_other_threads_wait_for_its_end(broker):
    done = threading.Event()
    with broker.transaction() as t:
        t.write("q", "a")
        writer = threading.Thread(target=lambda: (broker.write("q", "b"), done.set()))
        writer.start()
        assert not done.wait(0.1)
    assert done.wait(10)
    writer.join()
    assert bodies(broker, "q") == ["a", "b"]


def test_it_is_committed_on_the_thread_that_began_it(broker, elsewhere):
    t = broker.transaction()
    t.write("q", "a")
    with pytest.raises(OperationalError, match="on the thread that began it"):
        elsewhere(t.commit)
    t.commit()
    assert bodies(broker, "q") == ["a"]


def test_it_is_used_on_the_thread_that_began_it(broker, elsewhere):
    with broker.transaction() as t:
        with pytest.raises((OperationalError, RuntimeError)):
            elsewhere(lambda: t.write("q", "b"))
        t.write("q", "a")
    assert bodies(broker, "q") == ["a"]


def test_not_while_a_batch_is_open(broker):
    broker.write("q", "a")
    stream = broker.claim_generator("q", delivery_guarantee="at_least_once")
    next(stream)
    with pytest.raises(RuntimeError, match="Cannot perform transaction"):
        broker.transaction()
    stream.close()


def test_write_many_of_a_broker(broker):
    ids = broker.write_many("q", (str(n) for n in range(3)))
    assert broker.peek_many("q") == [("0", ids[0]), ("1", ids[1]), ("2", ids[2])]
    with pytest.raises(MessageError):
        broker.write_many("q", ["fine", 5])
    assert broker.get_overall_stats() == (0, 3)


def test_an_iterable_that_fails_writes_nothing(broker):
    def failing():
        yield "a"
        raise KeyError

    with pytest.raises(KeyError):
        broker.write_many("q", failing())
    assert broker.list_queues() == []
    broker.write("q", "usable")


def test_closing_the_broker_with_a_transaction_open_rolls_back(path, onlooker):
    broker = BrokerDB(path)
    t = broker.transaction()
    t.write("q", "a")
    broker.close()
    with pytest.raises((RuntimeError, OperationalError)):
        t.write("q", "b")
    t.rollback()
    assert onlooker.list_queues() == []
    broker.write("q", "c")
    assert bodies(onlooker, "q") == ["c"]
    broker.close()
