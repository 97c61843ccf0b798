"""Generators: both guarantees, what an open batch forbids, early ends, the wrong thread."""

import gc
import threading
import warnings

import pytest

from simplebroker.db import BrokerDB
from simplebroker.ext import OperationalError

ONCE, AT_LEAST_ONCE = "exactly_once", "at_least_once"


@pytest.fixture
def onlooker(path):
    """Another broker on the same file."""
    with BrokerDB(path) as another:
        yield another


@pytest.fixture
def stocked(broker):
    """A broker with five messages in `q`, claimed in batches of two."""
    for body in "abcde":
        broker.write("q", body)
    return broker


def claims(broker, guarantee=AT_LEAST_ONCE, **keywords):
    keywords = {"batch_size": 2, "with_timestamps": False, **keywords}
    return broker.claim_generator("q", delivery_guarantee=guarantee, **keywords)


def moves(broker, guarantee=AT_LEAST_ONCE):
    return broker.move_generator(
        "q", "r", delivery_guarantee=guarantee, batch_size=2, with_timestamps=False
    )


# ---- exactly once --------------------------------------------------------------------------------


@pytest.mark.parametrize("generator", [claims, moves])
def test_exactly_once_commits_each_message_before_it_is_seen(stocked, onlooker, generator):
    stream = generator(stocked, ONCE)
    for taken, body in enumerate("abc", start=1):
        assert next(stream) == body
        assert onlooker.get_queue_stat("q").pending == 5 - taken
    stream.close()
    assert onlooker.peek_many("q", with_timestamps=False) == ["d", "e"]


def test_exactly_once_lets_others_in_between(stocked, onlooker):
    stream = claims(stocked, ONCE)
    assert next(stream) == "a"
    assert onlooker.claim_one("q", with_timestamps=False) == "b"
    stocked.write("q", "f")
    assert list(stream) == ["c", "d", "e", "f"]


# ---- at least once -------------------------------------------------------------------------------


@pytest.mark.parametrize("generator", [claims, moves])
def test_a_batch_commits_when_the_message_after_it_is_asked_for(stocked, onlooker, generator):
    stream = generator(stocked)
    pending = []
    for _ in range(5):
        next(stream)
        pending.append(onlooker.get_queue_stat("q").pending)
    assert pending == [5, 5, 3, 3, 1]
    assert next(stream, None) is None
    assert onlooker.get_queue_stat("q").pending == 0


@pytest.mark.parametrize("generator", [claims, moves])
@pytest.mark.parametrize("end", [lambda s: s.close(), lambda s: s.throw(KeyError), lambda s: None])
def test_an_early_end_gives_the_batch_back(stocked, onlooker, generator, end):
    stream = generator(stocked)
    assert [next(stream), next(stream), next(stream)] == ["a", "b", "c"]
    try:
        end(stream)
    except KeyError:
        pass
    del stream
    gc.collect()
    assert onlooker.peek_many("q", with_timestamps=False) == ["c", "d", "e"]
    assert stocked.claim_one("q", with_timestamps=False) == "c"


def test_leaving_a_loop_does_not_close(stocked):
    stream = claims(stocked)
    for body in stream:
        if body == "b":
            break
    assert list(stream) == ["c", "d", "e"]
    assert stocked.count_claimed_messages() == 5


@pytest.mark.parametrize("kind", [{}, {"persistent": True}], ids=["ephemeral", "persistent"])
def test_a_queues_generator_takes_batches_of_the_configured_size(make_queue, onlooker, kind):
    queue = make_queue(config={"BROKER_GENERATOR_BATCH_SIZE": 2}, **kind)
    for body in "abc":
        queue.write(body)
    stream = queue.read_generator(delivery_guarantee=AT_LEAST_ONCE)
    next(stream)
    next(stream)
    assert onlooker.count_claimed_messages() == 0
    next(stream)
    assert onlooker.count_claimed_messages() == 2
    stream.close()
    assert onlooker.peek_many("q", with_timestamps=False) == ["c"]


def test_other_brokers_read_on_and_wait_to_write(stocked, make_queue):
    stream = claims(stocked)
    next(stream)
    other = make_queue()
    assert other.peek() == "a"
    done = threading.Event()
    writer = threading.Thread(target=lambda: (other.write("f"), done.set()))
    writer.start()
    assert not done.wait(0.1)
    stream.close()
    assert done.wait(10)
    writer.join()
    assert stocked.get_queue_stat("q").pending == 6


@pytest.mark.ours
def test_waiting_for_oneself_is_noticed_at_once(stocked, make_queue):
    stream = claims(stocked)
    next(stream)
    with pytest.raises(OperationalError, match="database is locked: this thread") as caught:
        make_queue().write("f")
    assert caught.value.retryable is False
    stream.close()
    make_queue().write("f")


MUTATIONS = {
    "write": lambda b: b.write("z", "x"),
    "insert_messages": lambda b: b.insert_messages([("z", "x", 9)]),
    "generate_timestamp": lambda b: b.generate_timestamp(),
    "advance_last_timestamp": lambda b: b.advance_last_timestamp(1),
    "claim_one": lambda b: b.claim_one("q"),
    "claim_many": lambda b: b.claim_many("q", 1),
    "claim_generator": lambda b: next(b.claim_generator("q")),
    "move_one": lambda b: b.move_one("q", "r"),
    "move_many": lambda b: b.move_many("q", "r", 1),
    "move_generator": lambda b: next(b.move_generator("q", "r")),
    "delete": lambda b: b.delete("q"),
    "delete_message_ids": lambda b: b.delete_message_ids("q", [1]),
    "delete_from_queues": lambda b: b.delete_from_queues(["q"]),
    "rename_queue": lambda b: b.rename_queue("q", "r"),
    "broadcast": lambda b: b.broadcast("x"),
    "vacuum": lambda b: b.vacuum(),
    "add_alias": lambda b: b.add_alias("x", "q"),
    "remove_alias": lambda b: b.remove_alias("x"),
    "sidecar": lambda b: b.sidecar().__enter__(),
}


@pytest.mark.parametrize("mutate", MUTATIONS.values(), ids=MUTATIONS)
@pytest.mark.parametrize(
    "generator, name", [(claims, "claim_generator"), (moves, "move_generator")]
)
def test_an_open_batch_forbids_changes_by_its_thread(stocked, generator, name, mutate):
    stream = generator(stocked)
    assert next(stream) == "a"
    with pytest.raises(RuntimeError) as caught:
        mutate(stocked)
    assert f"while an at_least_once {name} batch" in str(caught.value)
    assert "separate BrokerDB/Queue instance" in str(caught.value)
    assert list(stream) == ["b", "c", "d", "e"]


def test_an_open_batch_allows_reading(stocked):
    stream = claims(stocked)
    assert next(stream) == "a"
    assert stocked.peek_one("r") is None
    assert stocked.list_queues() == ["q"]
    assert stocked.has_alias("x") is False
    assert stocked.find_message_ids("q", body_contains="abc") == []
    assert stocked.get_data_version() is not None
    assert list(stocked.peek_generator("q", with_timestamps=False)) == ["c", "d", "e"]
    assert list(stream) == ["b", "c", "d", "e"]


# ---- threads -------------------------------------------------------------------------------------


def abandoned(make):
    """A generator or block that another thread began, and nobody ended."""
    begun = []
    thread = threading.Thread(target=lambda: begun.append(make()))
    thread.start()
    thread.join()
    return begun.pop()


def begin_batch(broker):
    stream = claims(broker)
    next(stream)
    return stream


def begin_sidecar(broker):
    block = broker.sidecar(transaction=True)
    block.__enter__().run("CREATE TABLE mine (a)")
    return block


@pytest.mark.parametrize(
    "begin, end",
    [(begin_batch, lambda stream: stream.close()),
     (begin_sidecar, lambda block: block.__exit__(None, None, None))],
    ids=["batch", "sidecar"],
)  # fmt: skip
def test_the_wrong_thread_poisons_the_broker_and_commits_nothing(path, onlooker, begin, end):
    broker = BrokerDB(path)
    broker.write("q", "a")
    begun = abandoned(lambda: begin(broker))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            end(begun)
        except OperationalError:
            pass
    assert RuntimeWarning in [warning.category for warning in caught]
    for _ in range(2):
        with pytest.raises(OperationalError, match="^cross-thread finalization") as failure:
            broker.write("q", "b")
        assert failure.value.retryable is False
        with pytest.raises(OperationalError, match="^cross-thread finalization"):
            broker.peek_one("q")


def test_generators_that_never_began_belong_to_no_thread(stocked, elsewhere):
    stream = claims(stocked)
    assert elsewhere(lambda: list(stream)) == ["a", "b", "c", "d", "e"]
    claims(stocked).close()
    assert stocked.get_queue_stat("q").claimed == 5


def test_exactly_once_generators_may_change_their_thread(stocked, elsewhere):
    stream = claims(stocked, ONCE)
    assert next(stream) == "a"
    assert elsewhere(lambda: next(stream)) == "b"
    elsewhere(stream.close)
    assert stocked.claim_one("q", with_timestamps=False) == "c"


def test_an_open_batch_makes_other_threads_wait(stocked):
    stream = claims(stocked)
    next(stream)
    done = threading.Event()
    writer = threading.Thread(target=lambda: (stocked.write("q", "f"), done.set()))
    writer.start()
    assert not done.wait(0.1)
    stream.close()
    assert done.wait(10)
    writer.join()
    assert stocked.get_queue_stat("q").pending == 6


# ---- laziness ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [lambda b: b.claim_generator("q", exact_timestamp="x"),
     lambda b: b.peek_generator("q", after_timestamp="x"),
     lambda b: b.move_generator("q", "r", before_timestamp=-1),
     lambda b: b.claim_generator("q", delivery_guarantee="x")],
)  # fmt: skip
def test_arguments_are_checked_at_the_first_next(stocked, make):
    stream = make(stocked)
    with pytest.raises((TypeError, ValueError)):
        next(stream)
    assert stocked.get_queue_stat("q").pending == 5


@pytest.mark.parametrize(
    "make",
    [lambda q: q.read_generator(), lambda q: q.peek_generator(), lambda q: q.move_generator("r"),
     lambda q: q.read(all_messages=True), lambda q: q.peek(all_messages=True),
     lambda q: q.move("r", all_messages=True), lambda q: q.stream_messages(),
     lambda q: q.read_generator(delivery_guarantee=AT_LEAST_ONCE)],
)  # fmt: skip
def test_they_are_true_generators(queue, make):
    queue.write("a")
    stream = make(queue)
    assert iter(stream) is stream
    next(stream)
    stream.close()
    assert next(stream, "over") == "over"
    with pytest.raises(KeyError):
        make(queue).throw(KeyError)


def test_a_broker_closed_under_its_generator_gives_the_batch_back(path, onlooker):
    broker = BrokerDB(path)
    broker.write("q", "a")
    stream = claims(broker)
    next(stream)
    stream.close()
    broker.close()
    assert onlooker.get_queue_stat("q").pending == 1


# ---- closing under a generator -------------------------------------------------------------------

ENDLESS = {
    "claim": lambda b: b.claim_generator("q", with_timestamps=False),
    "move": lambda b: b.move_generator("q", "r", with_timestamps=False),
    "peek": lambda b: b.peek_generator("q", with_timestamps=False),
    "peek in pages": lambda b: b.peek_generator("q", with_timestamps=False, batch_size=2),
    "claims of batches": lambda b: claims(b),
}


@pytest.mark.parametrize("make", ENDLESS.values(), ids=ENDLESS)
def test_a_broker_closed_between_messages_opens_again(stocked, make):
    stream = make(stocked)
    stocked.close()
    taken = [next(stream)]
    if make is not ENDLESS["claims of batches"]:
        stocked.close()
        taken.append(next(stream))
        stocked.close()
    assert taken + list(stream) == ["a", "b", "c", "d", "e"]


def test_a_queue_closed_between_messages_opens_again(make_queue, kind):
    queue = make_queue(**kind)
    for body in "abc":
        queue.write(body)
    shown, claimed = queue.peek_generator(), queue.read_generator()
    assert next(shown) == "a"
    queue.close()
    assert list(shown) == ["b", "c"]
    assert next(claimed) == "a"
    queue.close()
    assert list(claimed) == ["b", "c"]


@pytest.mark.ours
def test_a_batch_open_at_a_close_is_pending_again_and_its_generator_says_so(stocked, onlooker):
    stream = claims(stocked)
    next(stream)
    stocked.close()
    assert onlooker.get_queue_stat("q").claimed == 0
    with pytest.raises(RuntimeError, match="closed"):
        next(stream)
    assert stocked.claim_one("q", with_timestamps=False) == "a"
