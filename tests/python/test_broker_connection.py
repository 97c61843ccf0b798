"""`BrokerDB`, `BrokerCore` and `open_broker`: every method of a broker's connection."""

import os
import pickle
from pathlib import Path

import pytest

from simplebroker import BrokerTarget, QueueRenameResult, QueueStats, open_broker
from simplebroker.db import BrokerCore, BrokerDB, DBConnection
from simplebroker.ext import SQLiteRunner


def fill(broker, **queues):
    """Writes bodies into queues, in the order given; the ids, flat."""
    return [broker.write(queue, body) for queue, bodies in queues.items() for body in bodies]


@pytest.fixture(params=["BrokerDB", "BrokerCore", "open_broker", "DBConnection"])
def broker(request, path):
    """A connection made in each of the four ways."""
    if request.param == "BrokerDB":
        with BrokerDB(path) as made:
            yield made
    elif request.param == "BrokerCore":
        with SQLiteRunner(path) as runner:
            made = BrokerCore(runner, config={})
            yield made
            made.close()
    elif request.param == "open_broker":
        with open_broker(path) as made:
            yield made
    else:
        with DBConnection(path) as connection:
            yield connection.get_connection()


# ---- messages ------------------------------------------------------------------------------------


def test_claims_show_the_id_unless_told(broker):
    a, b, c, d = fill(broker, q="abcd")
    assert broker.claim_one("q") == ("a", a)
    assert broker.claim_one("q", exact_timestamp=str(c), with_timestamps=False) == "c"
    assert broker.claim_many("q", 5, after_timestamp=b) == [("d", d)]
    assert broker.claim_many("q", 5, with_timestamps=False) == ["b"]
    assert broker.claim_one("q") is None and broker.claim_many("q", 1) == []


def test_peeks_show_the_id_unless_told(broker):
    a, b, c = fill(broker, q="abc")
    assert broker.peek_one("q") == ("a", a)
    assert broker.peek_one("q", exact_timestamp=b, with_timestamps=False) == "b"
    assert broker.peek_many("q", 2) == [("a", a), ("b", b)]
    assert broker.peek_many("q", after_timestamp=a, before_timestamp=c) == [("b", b)]
    assert broker.peek_many("q", with_timestamps=False) == ["a", "b", "c"]
    broker.claim_one("q")
    assert broker.peek_one("q", include_claimed=True) == ("a", a)
    assert broker.peek_many("q", include_claimed=True, with_timestamps=False) == ["a", "b", "c"]


def test_moves_show_the_id_unless_told(broker):
    a, b, c, d = fill(broker, q="abcd")
    assert broker.move_one("q", "r") == ("a", a)
    assert broker.move_one("q", "r", exact_timestamp=c, with_timestamps=False) == "c"
    assert broker.move_many("q", "r", 9, after_timestamp=b) == [("d", d)]
    broker.claim_one("q")
    assert broker.move_many("q", "r", 9) == []
    assert broker.move_many("q", "r", 9, require_unclaimed=False) == [("b", b)]
    assert broker.get_queue_stats() == [("r", 4, 4)]


@pytest.mark.parametrize("guarantee", ["exactly_once", "at_least_once"])
@pytest.mark.parametrize("batch_size", [None, 1, 2, 1000])
def test_generators_of_any_batch_size_yield_everything(broker, guarantee, batch_size):
    ids = fill(broker, q="abcde")
    how = {"delivery_guarantee": guarantee, "batch_size": batch_size}
    assert list(broker.peek_generator("q", batch_size=batch_size)) == [
        *zip("abcde", ids, strict=True)
    ]
    assert list(broker.move_generator("q", "r", **how)) == [*zip("abcde", ids, strict=True)]
    assert list(broker.claim_generator("r", with_timestamps=False, **how)) == list("abcde")
    assert broker.get_queue_stats() == [("r", 0, 5)]


def test_generators_take_the_selectors(broker):
    a, b, c, d = fill(broker, q="abcd")
    assert list(broker.peek_generator("q", after_timestamp=a, before_timestamp=d)) == [
        ("b", b),
        ("c", c),
    ]
    assert list(broker.peek_generator("q", exact_timestamp=b)) == [("b", b)]
    assert list(broker.claim_generator("q", exact_timestamp=b)) == [("b", b)]
    assert list(broker.claim_generator("q", after_timestamp=c)) == [("d", d)]
    assert list(broker.move_generator("q", "r", before_timestamp=c)) == [("a", a)]
    assert list(broker.move_generator("q", "r", exact_timestamp=str(c))) == [("c", c)]
    everything = broker.peek_generator("q", with_timestamps=False, include_claimed=True)
    assert list(everything) == ["b", "d"]


def test_the_configuration_of_a_generator_sets_its_batch_size(path):
    with BrokerDB(path) as broker, BrokerDB(path) as onlooker:
        fill(broker, q="abc")
        stream = broker.claim_generator(
            "q",
            delivery_guarantee="at_least_once",
            config={"BROKER_GENERATOR_BATCH_SIZE": 1},
        )
        assert [next(stream)[0], next(stream)[0]] == ["a", "b"]
        assert onlooker.count_claimed_messages() == 1
        stream.close()


def test_deletions_count_rows(broker):
    a, b, *_ = fill(broker, q="abc", r="de", s="f")
    broker.claim_one("q")
    assert broker.delete_message_ids("q", [a, str(b), 5]) == 2
    assert broker.delete_message_ids("r", [a]) == broker.delete_message_ids("q", []) == 0
    assert broker.delete("q") == 1
    assert broker.delete("q") == 0
    assert broker.delete() == broker.delete(None) + 3 == 3


def test_delete_from_queues(broker):
    fill(broker, q="a", r="b", s="c")
    last = broker.write("q", "d")
    assert broker.delete_from_queues([]) == 0
    assert broker.delete_from_queues(["q", "q", "r"], before_timestamp=last) == 2
    assert broker.delete_from_queues(("nothing", "q")) == 1
    assert broker.list_queues() == ["s"]


def test_find_message_ids(broker):
    a, b = fill(broker, q=["needle", "a needle"])
    assert broker.find_message_ids("q", body_contains="needle") == [a, b]
    assert broker.find_message_ids("q", body_contains="needle", limit=1) == [a]
    assert broker.find_message_ids("r", body_contains="needle") == []
    broker.claim_one("q")
    assert broker.find_message_ids("q", body_contains="needle", include_claimed=True) == [a, b]


# ---- queues and numbers --------------------------------------------------------------------------


def test_queues_are_listed_in_byte_order(broker):
    fill(broker, Z="x", a="x", _1="x", ab="x")
    broker.write("a.b", "x")
    broker.claim_one("Z")
    assert broker.list_queues() == ["Z", "_1", "a", "a.b", "ab"]
    assert broker.list_queues(prefix="a") == broker.list_queues(pattern="a*") == ["a", "a.b", "ab"]
    assert broker.list_queues(prefix="") == broker.list_queues()
    assert broker.list_queues(pattern="[Z_]*") == ["Z", "_1"]
    assert broker.list_queues(pattern="a?") == ["ab"]
    assert broker.list_queues(pattern="") == broker.list_queues(prefix="nothing") == []


def test_statistics(broker):
    fill(broker, q="ab", r="c")
    broker.claim_one("q")
    q, r = QueueStats("q", 1, 1, 2), QueueStats("r", 1, 0, 1)
    assert broker.get_queue_stat("q") == q
    assert broker.get_queue_stat("none") == QueueStats("none", 0, 0, 0)
    assert broker.list_queue_stats() == [q, r]
    assert broker.list_queue_stats(prefix="r") == broker.list_queue_stats(pattern="[r]") == [r]
    assert broker.get_queue_stats() == [("q", 1, 2), ("r", 1, 1)]
    assert broker.get_overall_stats() == (1, 3)
    assert broker.count_claimed_messages() == 1


def test_status_and_meta(broker):
    last = fill(broker, q="ab")[-1]
    broker.add_alias("x", "q")
    status, meta = broker.status(), broker.get_meta()
    assert (status["total_messages"], status["last_timestamp"]) == (2, last)
    assert status["db_size"] > 0 and len(status) == 3
    assert meta["magic"] == "simplebroker-v1" and meta["schema_version"] == 5
    assert meta["last_ts"] == last and meta["alias_version"] == broker.get_alias_version()


def test_existence_and_pending_messages(broker):
    assert broker.queue_exists("q") is broker.has_pending_messages("q") is False
    assert broker.latest_pending_timestamp("q") is None
    a, b = fill(broker, q="ab")
    assert broker.queue_exists("q") is broker.queue_exists_and_has_messages("q") is True
    assert broker.has_pending_messages("q", a) is True
    assert broker.has_pending_messages("q", after_timestamp=b) is False
    assert broker.latest_pending_timestamp("q") == b
    broker.claim_many("q", 2)
    assert broker.has_pending_messages("q") is False and broker.queue_exists("q") is True


def test_timestamps(broker, path):
    assert broker.get_cached_last_timestamp() == broker.refresh_last_timestamp() == 0
    first = broker.generate_timestamp()
    assert broker.get_ts() > first
    with BrokerDB(path) as another:
        newer = another.generate_timestamp()
    assert broker.get_cached_last_timestamp() < newer == broker.refresh_last_timestamp()
    assert broker.advance_last_timestamp(newer + 10) == newer + 10
    assert broker.advance_last_timestamp(5) == newer + 10
    assert broker.get_cached_last_timestamp() == newer + 10


def test_rename_takes_everything_along(broker):
    fill(broker, q="ab")
    broker.claim_one("q")
    broker.add_alias("x", "q")
    assert broker.rename_queue("q", "r") == QueueRenameResult("q", "r", 2, 1)
    assert broker.get_queue_stats() == [("r", 1, 2)]
    nothing = broker.rename_queue("q", "s")
    assert nothing == QueueRenameResult("q", "s", 0, 0) and not nothing.renamed


def test_vacuum_removes_what_is_claimed(broker):
    fill(broker, q="ab")
    broker.claim_one("q")
    broker.vacuum()
    assert broker.get_overall_stats() == (0, 1)
    broker.claim_one("q")
    broker.vacuum(compact=True)
    broker.vacuum(True)
    assert broker.list_queues() == []


def test_data_version_counts_the_commits_of_others(broker, path):
    before = broker.get_data_version()
    with BrokerDB(path) as another:
        another.write("q", "a")
    assert broker.get_data_version() > before


def test_conflict_metrics(broker):
    assert broker.get_conflict_metrics() == {"ts_conflict_count": 0, "ts_resync_count": 0}
    broker.reset_conflict_metrics()


# ---- handles -------------------------------------------------------------------------------------


def test_a_closed_broker_opens_again_when_it_is_used(broker):
    fill(broker, q="ab")
    broker.close()
    broker.close()
    assert broker.claim_one("q", with_timestamps=False) == "a"
    broker.shutdown()
    assert broker.claim_one("q", with_timestamps=False) == "b"


def test_a_broker_is_not_picklable(broker):
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(broker)


def test_brokers_are_used_in_any_thread(broker, elsewhere):
    fill(broker, q="a")
    assert elsewhere(lambda: broker.claim_one("q", with_timestamps=False)) == "a"


def test_a_forked_child_cannot_use_its_parents_broker(broker):
    fill(broker, q="a")
    child = os.fork()
    if child == 0:
        outcome = 1
        try:
            broker.peek_one("q")
        except RuntimeError as error:
            outcome = 0 if "forked process" in str(error) else 2
        finally:
            os._exit(outcome)
    assert os.waitpid(child, 0)[1] == 0
    assert broker.peek_one("q", with_timestamps=False) == "a"


def test_brokerdb_knows_its_file(tmp_path):
    file = tmp_path / "sub" / "b.db"
    file.parent.mkdir()
    with BrokerDB(file) as broker:
        assert broker.db_path == file and isinstance(broker.db_path, Path)
        assert file.exists()


@pytest.mark.parametrize("form", [str, lambda path: BrokerTarget("sqlite", path)])
def test_open_broker_takes_a_path_or_a_target(path, form):
    with open_broker(form(path)) as broker:
        assert isinstance(broker, BrokerDB)
        broker.write("q", "a")
    with open_broker(form(path), config={"BROKER_MAX_MESSAGE_SIZE": 1}) as broker:
        assert broker.claim_one("q", with_timestamps=False) == "a"


def test_open_broker_over_a_runner_leaves_it_open(path):
    with SQLiteRunner(path) as runner:
        with open_broker("only a label", runner) as broker:
            broker.write("q", "a")
        assert runner.run("SELECT body FROM messages", fetch=True) == [("a",)]
    assert not os.path.exists("only a label")


def test_dbconnection_makes_one_core(path):
    connection = DBConnection(path)
    assert not os.path.exists(path)
    core = connection.get_core()
    assert core is connection.get_core()
    connection.get_connection().write("q", "a")
    connection.release_connection_after_use()
    connection.cleanup()
    connection.set_stop_event(None)
    assert connection.get_connection().claim_one("q", with_timestamps=False) == "a"
    connection.close()
    connection.close()
