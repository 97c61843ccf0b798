"""Bodies and names that cannot be: the contract's exception, nothing changed, the handles as good
as before."""

import threading

import pytest

from simplebroker import Queue
from simplebroker.db import BrokerDB
from simplebroker.ext import DataError, IntegrityError, MessageError, QueueNameError

from .ways import each

BAD_NAMES = ["", "-a", ".a", "a b", "@a", "a\n", "a\0", "é", "a/b", "a" * 513, "\ud800"]

# How a queue and a broker take a body, a name.
BY_BODY = {
    "write": lambda q, b, v: q.write(v),
    "core write": lambda q, b, v: b.write("q", v),
    "insert": lambda q, b, v: q.insert_messages([("fine", 7), (v, 8)]),
    "core insert": lambda q, b, v: b.insert_messages([("q", v, 9)]),
    "broadcast": lambda q, b, v: b.broadcast(v),
}
BY_NAME = {
    "Queue": lambda q, b, v: Queue(v, db_path="unused.db"),
    "move": lambda q, b, v: q.move(v),
    "move_one": lambda q, b, v: q.move_one(v),
    "move_many": lambda q, b, v: q.move_many(v, 1),
    "move_generator": lambda q, b, v: list(q.move_generator(v)),
    "write": lambda q, b, v: b.write(v, "x"),
    "insert": lambda q, b, v: b.insert_messages([(v, "x", 7)]),
    "claim_one": lambda q, b, v: b.claim_one(v),
    "claim_many": lambda q, b, v: b.claim_many(v, 1),
    "claim_generator": lambda q, b, v: list(b.claim_generator(v)),
    "peek_one": lambda q, b, v: b.peek_one(v),
    "peek_many": lambda q, b, v: b.peek_many(v),
    "peek_generator": lambda q, b, v: list(b.peek_generator(v)),
    "core move_one from": lambda q, b, v: b.move_one(v, "r"),
    "core move_one to": lambda q, b, v: b.move_one("q", v),
    "core move_many": lambda q, b, v: b.move_many("q", v, 1),
    "core move_generator": lambda q, b, v: list(b.move_generator("q", v)),
    "delete": lambda q, b, v: b.delete(v),
    "delete_message_ids": lambda q, b, v: b.delete_message_ids(v, [1]),
    "delete_from_queues": lambda q, b, v: b.delete_from_queues(["q", v]),
    "rename from": lambda q, b, v: b.rename_queue(v, "r"),
    "rename to": lambda q, b, v: b.rename_queue("q", v),
    "broadcast": lambda q, b, v: b.broadcast("x", queue_names=["q", v]),
    "find": lambda q, b, v: b.find_message_ids(v, body_contains="body"),
    "stat": lambda q, b, v: b.get_queue_stat(v),
    "exists": lambda q, b, v: b.queue_exists(v),
    "pending": lambda q, b, v: b.has_pending_messages(v),
    "latest": lambda q, b, v: b.latest_pending_timestamp(v),
}


# ---- bodies --------------------------------------------------------------------------------------


@pytest.mark.parametrize("call, value", each(BY_BODY, None, 5, b"bytes", ["x"], True))
def test_a_body_that_is_no_string(refused, call, value):
    refused(lambda q, b: call(q, b, value), MessageError, "Message body must be a string")


@pytest.mark.parametrize("call, value", each(BY_BODY, "\ud800", "fine\udfff", "\udc80" * 100))
def test_a_body_with_a_lone_surrogate(refused, call, value):
    error = refused(lambda q, b: call(q, b, value), MessageError, "Message must be UTF-8 encodable")
    assert isinstance(error.__cause__, UnicodeEncodeError)


@pytest.mark.parametrize("call", BY_BODY.values(), ids=BY_BODY)
def test_a_body_above_the_limit_of_its_handle(path, call):
    small = {"BROKER_MAX_MESSAGE_SIZE": 4}
    with Queue("q", db_path=path, config=small) as queue, BrokerDB(path, config=small) as broker:
        queue.write("éé")
        with pytest.raises(MessageError) as caught:
            call(queue, broker, "ééa")
        assert "Message size (5 bytes) exceeds maximum allowed size (4 bytes)" in str(caught.value)
        assert queue.peek_many() == ["éé"]
        with Queue("q", db_path=path) as roomy:
            roomy.write("more than four bytes")
        assert queue.peek_many() == ["éé", "more than four bytes"]


# ---- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("call, value", each(BY_NAME, *BAD_NAMES))
def test_a_name_that_no_queue_can_have(refused, call, value):
    refused(lambda q, b: call(q, b, value), QueueNameError)


@pytest.mark.parametrize("name", ["a" * 512, "_", "9.-_", "A"])
def test_names_that_queues_can_have(make_queue, name):
    assert make_queue(name).write("a") and make_queue(name).read() == "a"


def test_source_and_destination_differ(refused):
    text = "Source and destination queues cannot be the same"
    refused(lambda q, b: q.move("q"), ValueError, text)
    refused(lambda q, b: q.move_one(q), ValueError, text)
    refused(lambda q, b: q.move_many("q", 1), ValueError, text)
    refused(lambda q, b: list(q.move_generator("q")), ValueError, text)
    text = "Source and target queues cannot be the same"
    refused(lambda q, b: b.move_one("q", "q"), ValueError, text)
    refused(lambda q, b: b.move_many("q", "q", 1), ValueError, text)
    refused(lambda q, b: list(b.move_generator("q", "q")), ValueError, text)


@pytest.mark.parametrize("names", ["abc", b"abc"])
def test_several_queue_names_are_not_one_string(refused, names):
    text = "queue_names must be a sequence of queue names, not a string"
    refused(lambda q, b: b.delete_from_queues(names), TypeError, text)
    refused(lambda q, b: b.broadcast("x", queue_names=names), TypeError, text)


def test_prefix_and_pattern_exclude_each_other(refused):
    text = "prefix and pattern cannot be used together"
    refused(lambda q, b: b.list_queues(prefix="a", pattern="b"), ValueError, text)
    refused(lambda q, b: b.list_queue_stats(prefix="a", pattern="b"), ValueError, text)


@pytest.mark.parametrize("value", ["-", ".", "a b", "é", "@"])
def test_prefixes_and_stems_of_patterns_are_beginnings_of_names(refused, value):
    refused(lambda q, b: b.list_queues(prefix=value), ValueError, "Invalid queue prefix")
    refused(lambda q, b: b.list_queues(pattern=value + "*"), ValueError, "Invalid queue prefix")


# ---- handles -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "misuse", [lambda q: q.write(), lambda q: q.read("q"), lambda q: q.nothing()]
)
def test_calls_that_do_not_fit(queue, misuse):
    with pytest.raises((TypeError, AttributeError)):
        misuse(queue)


def test_errors_in_many_threads_are_each_ones_own(queue):
    found = []

    def fail(body):
        for _ in range(50):
            try:
                queue.write(body)
            except MessageError as error:
                found.append((body, str(error)))

    threads = [threading.Thread(target=fail, args=(body,)) for body in (5, "\ud800")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 100
    assert all(("string" in text) == (body == 5) for body, text in found)


def test_data_errors_are_value_errors():
    assert issubclass(DataError, ValueError) and not issubclass(IntegrityError, ValueError)
