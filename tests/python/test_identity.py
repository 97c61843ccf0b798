"""Exact ids: inserting them, integer and string forms, the high-water, formatting."""

import time

import pytest

from simplebroker import format_message_id
from simplebroker.ext import IntegrityError, MessageError, TimestampError

TOP = 2**63 - 1


def pending(queue):
    return queue.peek_many(with_timestamps=True)


# ---- formatting ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value, text",
    [(0, "0" * 19), (5, "0" * 18 + "5"), (TOP, str(TOP)), ("1837025672140161024",) * 2,
     (" 0000000000000000005\n", "0" * 18 + "5")],
)  # fmt: skip
def test_ids_are_formatted_as_19_digits(value, text):
    assert format_message_id(value) == text


@pytest.mark.parametrize("value", [-1, TOP + 1, "5", "", "x" * 19, str(TOP + 1)])
def test_what_is_no_id_is_not_formatted(value):
    with pytest.raises(ValueError):
        format_message_id(value)


@pytest.mark.parametrize("value", [True, 1.0, None, b"1837025672140161024"])
def test_what_has_no_type_of_ids_is_not_formatted(value):
    with pytest.raises(TypeError):
        format_message_id(value)


# ---- inserting -----------------------------------------------------------------------------------


def test_messages_are_inserted_with_their_ids_as_pending(queue):
    assert queue.insert_messages([("b", 20), ("a", f"{10:019}")]) is None
    assert pending(queue) == [("b", 20), ("a", 10)]
    assert queue.read(message_id=10) == "a"
    assert queue.read(message_id=f"{20:019}", with_timestamps=True) == ("b", 20)


def test_a_broker_inserts_into_many_queues_at_once(broker):
    assert broker.insert_messages(iter([("q", "a", 1), ("r", "b", 2), ("q", "c", 3)])) is None
    assert broker.peek_many("q") == [("a", 1), ("c", 3)]
    assert broker.peek_many("r") == [("b", 2)]


def test_the_high_water_rises_above_the_largest_id(queue, broker):
    queue.insert_messages([("a", 1000), ("b", 900)])
    assert broker.refresh_last_timestamp() == queue.refresh_last_ts() == 1001
    assert queue.last_ts == 1001


def test_ids_below_the_high_water_do_not_move_it(queue):
    written = queue.write("new")
    queue.insert_messages([("old", 7)])
    assert queue.refresh_last_ts() == written
    assert queue.write("newer") > written


def test_new_ids_are_above_inserted_ones(queue):
    far = TOP - 10_000_000
    queue.insert_messages([("far", far)])
    assert queue.write("further") > far + 1
    assert queue.generate_timestamp() > far + 2


def test_nothing_is_inserted_from_nothing(queue, broker):
    queue.insert_messages([])
    broker.insert_messages(iter(()))
    assert broker.refresh_last_timestamp() == 0 and broker.list_queues() == []


@pytest.mark.parametrize(
    "records, error, text",
    [([("a", 0)], ValueError, "message_id 0 is reserved"),
     ([("a", 5), ("b", 0)], ValueError, "message_id 0 is reserved"),
     ([("a", TOP)], ValueError, "insert high-water timestamp exceeds maximum timestamp value"),
     ([("a", 5), ("b", 5)], IntegrityError, "duplicate message ID in insert batch"),
     ([("a", 5), ("b", f"{5:019}")], IntegrityError, "duplicate message ID in insert batch"),
     ([("a", 5), ("b", 7)], IntegrityError, ""),
     ([("a", 5), ("b", f"{7:019}")], IntegrityError, ""),
     ([("a", 5), (5, 6)], MessageError, "Message body must be a string"),
     ([("a", 5), ("\ud800", 6)], MessageError, "Message must be UTF-8 encodable"),
     ([("a", 5), ("b", "6")], ValueError, "expected exactly 19 digits"),
     ([("a", 5), ("b", True)], TypeError, ""), ([("a", 5), ("b",)], TypeError, ""),
     ([("a", 5), ("b", 6, 7)], TypeError, ""), ([("a", 5), 6], TypeError, ""),
     ([("a", 5), None], TypeError, ""), (None, TypeError, ""), (5, TypeError, "")],
    ids=repr,
)  # fmt: skip
def test_a_bad_record_spoils_the_batch(queue, broker, records, error, text):
    queue.insert_messages([("taken", 7)])
    before = broker.refresh_last_timestamp()
    with pytest.raises(error) as caught:
        queue.insert_messages(records)
    assert text in str(caught.value)
    with pytest.raises(error) as caught:
        broker.insert_messages(
            [("q", *r) if isinstance(r, tuple) else r for r in records]
            if isinstance(records, list)
            else records
        )
    assert text in str(caught.value)
    assert pending(queue) == [("taken", 7)]
    assert broker.refresh_last_timestamp() == before
    queue.insert_messages([("fine", 5)])


def test_an_id_is_taken_in_every_queue_and_while_claimed(queue, other):
    queue.insert_messages([("a", 7)])
    queue.read()
    with pytest.raises(IntegrityError):
        other.insert_messages([("b", 7)])
    queue.delete()
    other.insert_messages([("b", 7)])
    assert other.read(message_id=7) == "b"


def test_an_iterator_that_fails_inserts_nothing(queue, broker):
    def failing():
        yield ("a", 5)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        queue.insert_messages(failing())
    assert broker.list_queues() == [] and broker.refresh_last_timestamp() == 0


# ---- where an id goes ----------------------------------------------------------------------------


def test_an_id_belongs_to_its_queue(queue, other):
    identity = queue.write("a")
    assert other.peek(message_id=identity) is other.read(message_id=identity) is None
    assert other.delete(message_id=identity) is False
    assert other.delete_many([identity]) == 0
    assert other.move("q", message_id=identity) is None
    assert queue.peek(message_id=identity) == "a"


def test_a_moved_message_keeps_its_id(queue, other):
    identity = queue.write("a")
    queue.move(other)
    assert other.peek(message_id=identity, with_timestamps=True) == ("a", identity)
    assert queue.peek(message_id=identity, include_claimed=True) is None


@pytest.mark.parametrize("identity", [0, 1, TOP])
def test_ids_at_the_ends_are_just_not_there(queue, identity):
    queue.write("a")
    for look in (queue.peek, queue.read, queue.delete):
        assert not look(message_id=identity)
    assert queue.move("other", message_id=identity) is None
    assert queue.peek() == "a"


def test_ids_ascend_over_all_queues_and_handles(queue, other, broker):
    ids = []
    for _ in range(50):
        ids += [queue.write("a"), other.write("b"), broker.generate_timestamp()]
    assert ids == sorted(set(ids))


def test_ids_carry_the_time(queue):
    before = time.time_ns()
    identity = queue.write("a")
    assert before // 4096 * 4096 - 4096 <= identity <= time.time_ns() + 4096


def test_advance_never_lowers(broker):
    assert broker.advance_last_timestamp(50) == 50
    assert broker.advance_last_timestamp(0) == 50
    far = TOP - 10_000_000
    assert broker.advance_last_timestamp(far) == far
    assert broker.generate_timestamp() > far


def test_no_id_is_above_the_last_one(broker):
    broker.advance_last_timestamp(TOP)
    for allocate in (broker.generate_timestamp, lambda: broker.write("q", "a")):
        with pytest.raises(TimestampError):
            allocate()
    assert broker.list_queues() == []
