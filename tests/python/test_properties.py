"""What holds for all texts, ids, bounds and limits; and queues against a list in Python."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
)

from simplebroker import Queue, dump_lines, format_message_id, load_lines
from simplebroker.db import BrokerDB
from simplebroker.ext import MessageError, QueueNameError

FAST = {"BROKER_SYNC_MODE": "OFF", "BROKER_AUTO_VACUUM": 0}
LAST = 2**63 - 1

texts = st.text(st.characters(exclude_categories=["Cs"]))
ids = st.integers(1, LAST - 1)
ever = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def shared():
    """A broker for many examples, each of which leaves it empty."""
    with tempfile.TemporaryDirectory() as directory:
        with BrokerDB(str(Path(directory) / "b.db"), config=FAST) as broker:
            yield broker


# ---- texts ------------------------------------------------------------------------------------


@ever
@given(texts)
def test_any_text_comes_back(shared, text):
    written = shared.write("q", text)
    assert shared.peek_one("q") == (text, written)
    assert list(shared.peek_generator("q")) == [(text, written)]
    assert shared.peek_many("q", 1, with_timestamps=False) == [text]
    assert shared.move_one("q", "r") == (text, written)
    assert shared.claim_one("r") == (text, written)
    shared.delete()


@ever
@given(st.lists(texts, max_size=20))
def test_texts_come_in_their_order(shared, bodies):
    written = [shared.write("q", body) for body in bodies]
    assert written == sorted(set(written))
    assert shared.claim_many("q", 100) == list(zip(bodies, written, strict=True))
    shared.delete()


@ever
@given(st.text(min_size=1))
def test_a_text_is_written_or_refused(shared, text):
    try:
        text.encode()
    except UnicodeEncodeError:
        with pytest.raises(MessageError):
            shared.write("q", text)
        assert not shared.queue_exists("q")
    else:
        shared.write("q", text)
        assert shared.claim_one("q", with_timestamps=False) == text
        shared.delete()


@ever
@given(texts, st.integers(1, 40))
def test_the_limit_of_a_body_counts_bytes(tmp_path_factory, text, limit):
    path = tmp_path_factory.mktemp("limit") / "b.db"
    config = {**FAST, "BROKER_MAX_MESSAGE_SIZE": limit}
    with Queue("q", db_path=str(path), config=config) as queue:
        if len(text.encode()) <= limit:
            queue.write(text)
            assert queue.read() == text
        else:
            with pytest.raises(MessageError):
                queue.write(text)


@ever
@given(st.text(max_size=12))
def test_a_name_is_taken_as_it_is_or_refused(shared, name):
    good = (
        0 < len(name) <= 512
        and all(c.isascii() and (c.isalnum() or c in "_.-") for c in name)
        and name[0] not in ".-"
    )
    if good:
        shared.write(name, "a")
        assert shared.list_queues() == [name]
        shared.delete()
    else:
        with pytest.raises(QueueNameError):
            shared.write(name, "a")
        assert shared.list_queues() == []


@ever
@given(st.lists(texts, max_size=8), st.text(st.sampled_from("aäb%_*\\'\" "), min_size=3, max_size=5))
def test_a_search_is_literal(shared, bodies, wanted):
    stored = [(f"{body}{wanted if index % 2 else ''}", index) for index, body in enumerate(bodies)]
    written = [shared.write("q", body) for body, _ in stored]
    try:
        found = shared.find_message_ids("q", body_contains=wanted)
    except ValueError:
        assert len(wanted.replace(" ", "")) < 3
    else:
        expected = zip(stored, written, strict=True)
        assert found == [identity for (body, _), identity in expected if wanted in body]
    shared.delete()


# ---- ids, bounds, limits ----------------------------------------------------------------------


@ever
@given(st.integers(0, LAST))
def test_both_forms_of_an_id_are_one(value):
    text = format_message_id(value)
    assert text == f"{value:019d}" == format_message_id(text)


@ever
@given(st.integers() | st.floats() | st.text() | st.none() | st.booleans() | st.binary())
def test_what_is_no_id_is_refused(value):
    valid = type(value) is int and 0 <= value <= LAST
    text = value.strip() if isinstance(value, str) else ""
    valid |= len(text) == 19 and text.isascii() and text.isdigit() and int(text) <= LAST
    if not valid:
        with pytest.raises((TypeError, ValueError)):
            format_message_id(value)


@ever
@given(st.lists(ids, unique=True, max_size=12), st.none() | ids, st.none() | ids, st.integers(1, 15))
def test_bounds_are_strict_and_limits_kept(tmp_path_factory, present, after, before, limit):
    path = str(tmp_path_factory.mktemp("bounds") / "b.db")
    bounds = {"after_timestamp": after, "before_timestamp": before}
    with BrokerDB(path, config=FAST) as broker:
        broker.insert_messages([("q", str(identity), identity) for identity in present])
        low, high = after or 0, before or LAST
        expected = [(str(i), i) for i in present if low < i < high]
        assert broker.peek_many("q", limit, **bounds) == expected[:limit]
        assert list(broker.peek_generator("q", **bounds)) == expected
        assert broker.has_pending_messages("q", after) == any(i > low for i in present)
        assert broker.move_many("q", "r", limit, **bounds) == expected[:limit]
        assert broker.claim_many("r", limit, **bounds) == expected[:limit]
        assert list(broker.claim_generator("q", **bounds)) == expected[limit:]
        left = [i for i in present if not low < i < high]
        assert [i for _, i in broker.peek_many("q", 100)] == left


@ever
@given(st.lists(st.tuples(st.sampled_from("abc"), texts), max_size=15))
def test_a_dump_is_loaded_as_it_was(tmp_path_factory, messages):
    directory = tmp_path_factory.mktemp("dump")
    with BrokerDB(str(directory / "a.db"), config=FAST) as one:
        for queue, body in messages:
            one.write(queue, body)
        lines = list(dump_lines(one))
        with BrokerDB(str(directory / "b.db"), config=FAST) as two:
            assert load_lines(two, lines).messages == len(messages)
            for queue in "abc":
                assert two.peek_many(queue, 100) == one.peek_many(queue, 100)
            assert list(dump_lines(two))[1:] == lines[1:]
            assert two.generate_timestamp() > one.refresh_last_timestamp()


# ---- a model ----------------------------------------------------------------------------------

names = st.sampled_from(["a", "b", "c", "d"])
limits = st.integers(1, 6)


class Row:
    """A message as the model has it; rows are in the order in which they were stored."""

    def __init__(self, queue, body, identity):
        self.queue, self.body, self.identity, self.claimed = queue, body, identity, False

    def __repr__(self):
        return f"{self.queue}/{self.body}/{self.identity}{'-' if self.claimed else ''}"


class Broker(RuleBasedStateMachine):
    """Operations on a broker and on a list of rows; both give the same, always."""

    known = Bundle("known")

    @initialize()
    def begin(self):
        self.directory = tempfile.TemporaryDirectory()
        self.path = str(Path(self.directory.name) / "b.db")
        self.broker = BrokerDB(self.path, config=FAST)
        self.rows = []

    def teardown(self):
        if hasattr(self, "broker"):
            self.broker.close()
            self.directory.cleanup()

    def of(self, queue, *, claimed=False, after=None, before=None):
        return [
            row
            for row in self.rows
            if row.queue == queue
            and (claimed or not row.claimed)
            and (after or 0) < row.identity < (before or LAST)
        ]

    def pairs(self, rows):
        return [(row.body, row.identity) for row in rows]

    # -- writing --

    @rule(target=known, queue=names, body=texts)
    def write(self, queue, body):
        identity = self.broker.write(queue, body)
        assert identity > max((row.identity for row in self.rows), default=0)
        self.rows.append(Row(queue, body, identity))
        return identity

    @rule(target=known, queue=names, bodies=st.lists(texts, min_size=1, max_size=3), step=ids)
    def insert(self, queue, bodies, step):
        high = self.broker.refresh_last_timestamp()
        fresh = [high + 1 + (step % 1000) * n for n in range(1, len(bodies) + 1)]
        fresh = list(dict.fromkeys(fresh))
        records = list(zip([queue] * len(bodies), bodies, reversed(fresh), strict=False))
        self.broker.insert_messages(records)
        self.rows += [Row(*record) for record in records]
        assert self.broker.refresh_last_timestamp() == max(fresh) + 1
        return multiple(*fresh[: len(records)])

    @rule(queue=names, identity=known)
    def insert_what_is_there(self, queue, identity):
        if any(row.identity == identity for row in self.rows):
            with pytest.raises(Exception, match="(?i)unique|exists|duplicate|constraint|already"):
                self.broker.insert_messages([(queue, "new", identity + 1), (queue, "no", identity)])

    @rule(body=texts, wanted=st.none() | st.lists(names, max_size=4), create=st.booleans())
    def broadcast(self, body, wanted, create):
        existing = {row.queue for row in self.rows}
        if wanted is None:
            reached = existing
            count = self.broker.broadcast(body)
        else:
            reached = set(wanted) if create else set(wanted) & existing
            count = self.broker.broadcast(body, queue_names=wanted, create_missing=create)
        assert count == len(reached)
        high = max((row.identity for row in self.rows), default=0)
        new = []
        for queue in reached:
            [(text, identity)] = self.broker.peek_many(queue, 5, after_timestamp=high)
            assert text == body
            new.append(Row(queue, body, identity))
        self.rows += sorted(new, key=lambda row: row.identity)

    # -- taking --

    @rule(queue=names, limit=limits)
    def claim(self, queue, limit):
        expected = self.of(queue)[:limit]
        assert self.broker.claim_many(queue, limit) == self.pairs(expected)
        for row in expected:
            row.claimed = True

    @rule(queue=names, identity=known)
    def claim_by_id(self, queue, identity):
        expected = [row for row in self.of(queue) if row.identity == identity]
        found = self.broker.claim_one(queue, exact_timestamp=identity)
        assert found == (self.pairs(expected)[0] if expected else None)
        for row in expected:
            row.claimed = True

    @rule(queue=names, after=known, before=st.none() | known, limit=limits)
    def claim_between(self, queue, after, before, limit):
        expected = self.of(queue, after=after, before=before)[:limit]
        found = self.broker.claim_many(
            queue, limit, after_timestamp=after, before_timestamp=before
        )
        assert found == self.pairs(expected)
        for row in expected:
            row.claimed = True

    @rule(queue=names, size=limits, taken=limits, guarantee=st.booleans())
    def iterate(self, queue, size, taken, guarantee):
        """At least once, what belongs to a batch that is not finished stays."""
        expected = self.of(queue)
        generator = self.broker.claim_generator(
            queue,
            batch_size=size,
            delivery_guarantee="at_least_once" if guarantee else "exactly_once",
        )
        got = []
        for pair in generator:
            got.append(pair)
            if len(got) == taken:
                break
        generator.close()
        assert got == self.pairs(expected[:taken])
        if not guarantee:
            kept = len(got)
        elif len(got) < taken:
            kept = len(got)  # to the end: all batches are committed
        else:
            kept = (taken - 1) // size * size
        for row in expected[:kept]:
            row.claimed = True

    # -- moving and removing --

    @rule(source=names, into=names, limit=limits, pending=st.booleans())
    def move(self, source, into, limit, pending):
        if source == into:
            with pytest.raises(ValueError):
                self.broker.move_many(source, into, limit)
            return
        expected = self.of(source, claimed=not pending)[:limit]
        found = self.broker.move_many(source, into, limit, require_unclaimed=pending)
        assert found == self.pairs(expected)
        for row in expected:
            row.queue, row.claimed = into, False

    @rule(source=names, into=names, identity=known, pending=st.booleans())
    def move_by_id(self, source, into, identity, pending):
        if source == into:
            return
        expected = [row for row in self.of(source, claimed=not pending) if row.identity == identity]
        found = self.broker.move_one(
            source, into, exact_timestamp=identity, require_unclaimed=pending
        )
        assert found == (self.pairs(expected)[0] if expected else None)
        for row in expected:
            row.queue, row.claimed = into, False

    @rule(old=names, new=names)
    def rename(self, old, new):
        moved = [row for row in self.rows if row.queue == old]
        taken = any(row.queue == new for row in self.rows)
        if old == new or (moved and taken):
            with pytest.raises(ValueError):
                self.broker.rename_queue(old, new)
        elif not taken:
            assert self.broker.rename_queue(old, new).messages_renamed == len(moved)
            for row in moved:
                row.queue = new

    @rule(queue=names)
    def delete(self, queue):
        gone = [row for row in self.rows if row.queue == queue]
        assert self.broker.delete(queue) == len(gone)
        self.rows = [row for row in self.rows if row not in gone]

    @rule(queue=names, wanted=st.lists(known, max_size=4))
    def delete_ids(self, queue, wanted):
        gone = [row for row in self.rows if row.queue == queue and row.identity in wanted]
        assert self.broker.delete_message_ids(queue, wanted) == len(gone)
        self.rows = [row for row in self.rows if row not in gone]

    @rule()
    def vacuum(self):
        self.broker.vacuum()
        self.rows = [row for row in self.rows if not row.claimed]

    @rule()
    def reopen(self):
        self.broker.close()
        self.broker = BrokerDB(self.path, config=FAST)

    # -- always --

    @invariant()
    def agrees(self):
        if not hasattr(self, "broker"):
            return
        queues = sorted({row.queue for row in self.rows})
        assert self.broker.list_queues() == queues
        for queue in queues:
            everything, pending = self.of(queue, claimed=True), self.of(queue)
            assert self.broker.peek_many(queue, 99) == self.pairs(pending)
            assert self.broker.peek_many(queue, 99, include_claimed=True) == self.pairs(everything)
            stats = self.broker.get_queue_stat(queue)
            assert (stats.pending, stats.total) == (len(pending), len(everything))
            latest = max((row.identity for row in pending), default=None)
            assert self.broker.latest_pending_timestamp(queue) == latest


TestBroker = Broker.TestCase
TestBroker.settings = settings(
    max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
