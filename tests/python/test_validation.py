"""Ids, bounds, limits, guarantees that are not: the contract's exception, nothing changed, the
handles as good as before."""

import pytest

from simplebroker import Queue, format_message_id

from .ways import each

TOP = 2**63
WRONG_TYPES = [True, 1.0, b"1000000000000000000", object(), [1]]
WRONG_IDS = [-1, TOP, 2**200, "", "12", "x" * 19, "9" * 19, "1" * 20, "-" + "1" * 18]

# How a queue and a broker take an exact id, a bound, a limit, a delivery guarantee.
BY_ID = {
    "read": lambda q, b, v: q.read(message_id=v),
    "read_one": lambda q, b, v: q.read_one(exact_timestamp=v),
    "read_generator": lambda q, b, v: list(q.read_generator(exact_timestamp=v)),
    "peek": lambda q, b, v: q.peek(message_id=v),
    "peek_one": lambda q, b, v: q.peek_one(exact_timestamp=v),
    "peek_generator": lambda q, b, v: list(q.peek_generator(exact_timestamp=v)),
    "move": lambda q, b, v: q.move("r", message_id=v),
    "move_one": lambda q, b, v: q.move_one("r", exact_timestamp=v),
    "move_generator": lambda q, b, v: list(q.move_generator("r", exact_timestamp=v)),
    "delete": lambda q, b, v: q.delete(message_id=v),
    "delete_many": lambda q, b, v: q.delete_many([v]),
    "insert": lambda q, b, v: q.insert_messages([("x", v)]),
    "format": lambda q, b, v: format_message_id(v),
    "claim_one": lambda q, b, v: b.claim_one("q", exact_timestamp=v),
    "claim_generator": lambda q, b, v: list(b.claim_generator("q", exact_timestamp=v)),
    "core peek_one": lambda q, b, v: b.peek_one("q", exact_timestamp=v),
    "core peek_generator": lambda q, b, v: list(b.peek_generator("q", exact_timestamp=v)),
    "core move_one": lambda q, b, v: b.move_one("q", "r", exact_timestamp=v),
    "core move_generator": lambda q, b, v: list(b.move_generator("q", "r", exact_timestamp=v)),
    "delete_message_ids": lambda q, b, v: b.delete_message_ids("q", [v]),
    "core insert": lambda q, b, v: b.insert_messages([("q", "x", v)]),
}
BY_BOUND = {
    "read": lambda q, b, **k: q.read(**k),
    "read all": lambda q, b, **k: list(q.read(all_messages=True, **k)),
    "read_many": lambda q, b, **k: q.read_many(5, **k),
    "read_generator": lambda q, b, **k: list(q.read_generator(**k)),
    "peek": lambda q, b, **k: q.peek(**k),
    "peek_many": lambda q, b, **k: q.peek_many(**k),
    "peek_generator": lambda q, b, **k: list(q.peek_generator(**k)),
    "move": lambda q, b, **k: q.move("r", **k),
    "move all": lambda q, b, **k: list(q.move("r", all_messages=True, **k)),
    "move_many": lambda q, b, **k: q.move_many("r", 5, **k),
    "move_generator": lambda q, b, **k: list(q.move_generator("r", **k)),
    "find": lambda q, b, **k: q.find_message_ids(body_contains="body", **k),
    "stream": lambda q, b, **k: list(q.stream_messages(**k)),
    "claim_many": lambda q, b, **k: b.claim_many("q", 5, **k),
    "claim_generator": lambda q, b, **k: list(b.claim_generator("q", **k)),
    "core peek_many": lambda q, b, **k: b.peek_many("q", **k),
    "core move_many": lambda q, b, **k: b.move_many("q", "r", 5, **k),
    "core find": lambda q, b, **k: b.find_message_ids("q", body_contains="body", **k),
}
BY_LIMIT = {
    "read_many": lambda q, b, v: q.read_many(v),
    "peek_many": lambda q, b, v: q.peek_many(v),
    "move_many": lambda q, b, v: q.move_many("r", v),
    "claim_many": lambda q, b, v: b.claim_many("q", v),
    "core peek_many": lambda q, b, v: b.peek_many("q", v),
    "core move_many": lambda q, b, v: b.move_many("q", "r", v),
}
BY_GUARANTEE = {
    "read_many": lambda q, b, v: q.read_many(1, delivery_guarantee=v),
    "read_generator": lambda q, b, v: next(q.read_generator(delivery_guarantee=v)),
    "move_many": lambda q, b, v: q.move_many("r", 1, delivery_guarantee=v),
    "move_generator": lambda q, b, v: next(q.move_generator("r", delivery_guarantee=v)),
    "claim_many": lambda q, b, v: b.claim_many("q", 1, delivery_guarantee=v),
    "claim_generator": lambda q, b, v: next(b.claim_generator("q", delivery_guarantee=v)),
    "core move_many": lambda q, b, v: b.move_many("q", "r", 1, delivery_guarantee=v),
    "core move_generator": lambda q, b, v: next(b.move_generator("q", "r", delivery_guarantee=v)),
}


# ---- ids and bounds ------------------------------------------------------------------------------


@pytest.mark.parametrize("call, value", each(BY_ID, *WRONG_IDS))
def test_an_id_out_of_range_or_not_19_digits(refused, call, value):
    refused(lambda q, b: call(q, b, value), ValueError)


@pytest.mark.parametrize("call, value", each(BY_ID, *WRONG_TYPES))
def test_an_id_of_the_wrong_type(refused, call, value):
    refused(lambda q, b: call(q, b, value), TypeError)


@pytest.mark.parametrize(
    "value, text",
    [("12", "invalid message ID: expected exactly 19 digits within range"),
     ("9" * 19, "invalid message ID: expected exactly 19 digits within range"),
     (-1, "must be non-negative"), (TOP, "exceeds maximum timestamp value")],
)  # fmt: skip
def test_the_text_for_a_bad_id(refused, value, text):
    refused(lambda q, b: q.read(message_id=value), ValueError, text)


@pytest.mark.parametrize("name", ["after_timestamp", "before_timestamp"])
@pytest.mark.parametrize("call, value", each(BY_BOUND, *WRONG_TYPES, "5", "1" * 19))
def test_a_bound_of_the_wrong_type(refused, call, value, name):
    text = f"{name} must be an int or None"
    refused(lambda q, b: call(q, b, **{name: value}), TypeError, text)


@pytest.mark.parametrize("name", ["after_timestamp", "before_timestamp"])
@pytest.mark.parametrize("call, value", each(BY_BOUND, -1, TOP, -(2**200), 2**200))
def test_a_bound_out_of_range(refused, call, value, name):
    text = "must be non-negative" if value < 0 else "exceeds maximum timestamp value"
    refused(lambda q, b: call(q, b, **{name: value}), ValueError, f"{name} {text}")


@pytest.mark.parametrize("value", [-1, TOP, True, "5", 1.5])
def test_has_pending_checks_its_bound(refused, value):
    kind = ValueError if type(value) is int else TypeError
    refused(lambda q, b: q.has_pending(value), kind)
    refused(lambda q, b: b.has_pending_messages("q", value), kind)


@pytest.mark.parametrize("value", [None, True, "5", 1.5])
def test_advance_takes_an_int_only(refused, value):
    text = "timestamp must be an int"
    refused(lambda q, b: b.advance_last_timestamp(value), TypeError, text)


@pytest.mark.parametrize("value", [-1, TOP])
def test_advance_takes_an_id_in_range(refused, value):
    refused(lambda q, b: b.advance_last_timestamp(value), ValueError)


# ---- limits, guarantees, selectors ---------------------------------------------------------------


@pytest.mark.parametrize("call, value", each(BY_LIMIT, 0, -1, -(2**70)))
def test_a_limit_below_one(refused, call, value):
    refused(lambda q, b: call(q, b, value), ValueError, "limit must be at least 1")


@pytest.mark.parametrize("call, value", each(BY_GUARANTEE, "twice", None, 1, ""))
def test_an_unknown_delivery_guarantee(refused, call, value):
    error = refused(lambda q, b: call(q, b, value), ValueError, "'exactly_once', 'at_least_once'")
    assert repr(value) in str(error)


@pytest.mark.parametrize("how", [{}, {"persistent": True}], ids=["ephemeral", "persistent"])
def test_a_bad_guarantee_opens_no_file(tmp_path, how):
    with Queue("q", db_path=str(tmp_path / "b.db"), **how) as queue:
        with pytest.raises(ValueError):
            queue.read_many(1, delivery_guarantee="twice")
        stream = queue.read_generator(delivery_guarantee="twice")
        with pytest.raises(ValueError):
            next(stream)
    assert not (tmp_path / "b.db").exists()


@pytest.mark.parametrize(
    "also", [{"all_messages": True}, {"after_timestamp": 1}, {"before_timestamp": 1}], ids=str
)
@pytest.mark.parametrize(
    "method",
    [Queue.read, Queue.peek, lambda q, **k: q.move("r", **k)],
    ids=["read", "peek", "move"],
)
def test_an_id_goes_with_no_other_selector(refused, method, also):
    text = "message_id cannot be used with all_messages, after_timestamp, or before_timestamp"
    refused(lambda q, b: method(q, message_id=1, **also), ValueError, text)


@pytest.mark.parametrize(
    "text, error",
    [("ab", ValueError), ("   ab", ValueError), ("    ", ValueError), ("a" * 1025, ValueError),
     (5, TypeError), (None, TypeError), (b"abc", TypeError)],
    ids=lambda value: repr(value)[:15],
)  # fmt: skip
def test_what_can_be_searched_for(refused, text, error):
    refused(lambda q, b: q.find_message_ids(body_contains=text), error, "body_contains must")


@pytest.mark.parametrize(
    "limit, error", [(0, ValueError), (1001, ValueError), ("x", TypeError), (True, TypeError)]
)
def test_how_many_can_be_found(refused, limit, error):
    refused(lambda q, b: q.find_message_ids(body_contains="body", limit=limit), error)
