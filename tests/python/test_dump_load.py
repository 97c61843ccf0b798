"""dump_lines and load_lines (contract: python-api 7, cli 6)."""

import copy
import json
import pickle
import time
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simplebroker import DumpClockSkewWarning, LoadResult, dump_lines, load_lines
from simplebroker.db import BrokerDB
from simplebroker.ext import (
    IntegrityError,
    InvalidConfigError,
    MessageError,
    QueueNameError,
    TimestampError,
)

SECOND = 10**9
SKEW = "BROKER_LOAD_MAX_FUTURE_SKEW_SECONDS"


def header(last_ts=100, **changes):
    record = {"type": "header", "format": "simplebroker-dump", "version": 1, "last_ts": last_ts}
    return json.dumps(record | changes)


def message(ident, queue="q", body="m"):
    return json.dumps({"type": "message", "queue": queue, "body": body, "id": ident})


def alias(name="a", target="q"):
    return json.dumps({"type": "alias", "alias": name, "target": target})


class Recorder:
    """A destination that notes what is asked of it, and has nothing else."""

    def __init__(self, **failures):
        self.calls = []
        self.failures = failures

    def _note(self, method, *arguments):
        self.calls.append((method, *arguments))
        if method in self.failures:
            raise self.failures[method]

    def add_alias(self, alias, target):
        self._note("add_alias", alias, target)

    def insert_messages(self, records):
        self._note("insert_messages", list(records))

    def advance_last_timestamp(self, last_ts):
        self._note("advance_last_timestamp", last_ts)
        return last_ts


@pytest.fixture
def broker(tmp_path):
    with BrokerDB(str(tmp_path / "source.db")) as core:
        yield core


@pytest.fixture
def fresh(tmp_path):
    with BrokerDB(str(tmp_path / "fresh.db")) as core:
        yield core


def records(lines):
    return [json.loads(line) for line in lines]


# dump


def test_dump__lines_are_what_json_dumps_gives(broker):
    bodies = ['"é\\\u2028\0\n\x7f', "", "plain", "\U0001f600"]
    for body in bodies:
        broker.write("q", body)
    broker.add_alias("z", "q")
    broker.add_alias("b", "other")
    lines = list(dump_lines(broker))
    for line in lines:
        assert line == json.dumps(json.loads(line), ensure_ascii=False, sort_keys=True)
    found = records(lines)
    assert [r["type"] for r in found] == ["header", "alias", "alias"] + ["message"] * 4
    assert [r["alias"] for r in found[1:3]] == ["b", "z"]
    assert [r["body"] for r in found[3:]] == bodies


def test_dump__of_an_empty_broker_is_a_header(broker):
    assert records(dump_lines(broker)) == [
        {
            "backend": "sqlite",
            "format": "simplebroker-dump",
            "last_ts": "0" * 19,
            "type": "header",
            "version": 1,
        }
    ]


def test_dump__high_water_is_read_at_the_first_next(broker):
    first = broker.write("q", "first")
    lines = dump_lines(broker)
    second = broker.write("q", "second")
    head = json.loads(next(lines))
    broker.write("q", "third")
    assert int(head["last_ts"]) == second
    assert [int(r["id"]) for r in records(lines)] == [first, second]


def test_dump__globs_choose_queues_and_aliases(broker):
    for name in ("a.1", "a.2", "b"):
        broker.write(name, name)
    broker.add_alias("short", "b")

    def names(**globs):
        found = records(dump_lines(broker, **globs))[1:]
        return [r.get("queue", r.get("alias")) for r in found]

    assert names(include=["a*"]) == ["a.1", "a.2"]
    assert names(include=("b",)) == ["short", "b"]
    assert names(exclude=["a.[2-9]"]) == ["short", "a.1", "b"]
    assert names(include=["*"], exclude=["short"]) == ["a.1", "a.2", "b"]
    assert names(include=[], exclude=[]) == ["short", "a.1", "a.2", "b"]
    assert names(include=["\ud800", ""]) == []


def test_dump__bad_globs_are_refused_at_the_first_next(broker):
    broker.write("q", "x")
    for bad in ([5], [None], 5):
        lines = dump_lines(broker, include=bad)
        with pytest.raises(TypeError):
            list(lines)


def test_dump__closed_early_leaves_the_broker_usable(broker):
    for i in range(3):
        broker.write("q", str(i))
    lines = dump_lines(broker)
    next(lines)
    lines.close()
    assert list(lines) == []
    broker.write("q", "still")
    assert len(list(dump_lines(broker))) == 5


def test_dump__keeps_its_broker_alive(tmp_path):
    core = BrokerDB(str(tmp_path / "x.db"))
    core.write("q", "x")
    lines = dump_lines(core)
    next(lines)
    del core
    assert len(list(lines)) == 1


# load into a broker


def test_load__takes_what_dump_gave(broker, fresh):
    ids = [broker.write(f"q{i % 7}", f"body {i} é") for i in range(2500)]
    broker.add_alias("a", "q0")
    result = load_lines(fresh, dump_lines(broker))
    assert result == LoadResult(messages=2500, aliases=1)
    assert list(dump_lines(fresh))[1:] == list(dump_lines(broker))[1:]
    assert fresh.write("q", "new") > ids[-1]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.text(st.characters(codec="utf-8")))))
def test_load__every_text_makes_the_round_trip(tmp_path_factory, pairs):
    directory = tmp_path_factory.mktemp("round")
    with BrokerDB(str(directory / "a.db")) as a, BrokerDB(str(directory / "b.db")) as b:
        for queue, body in pairs:
            a.write(queue, body)
        assert load_lines(b, dump_lines(a)).messages == len(pairs)
        assert list(dump_lines(b))[1:] == list(dump_lines(a))[1:]


def test_load__ids_are_never_overwritten(fresh):
    assert load_lines(fresh, [header(), message(5, body="first")]).messages == 1
    with pytest.raises(IntegrityError) as stored:
        load_lines(fresh, [header(), message(6), message("0000000000000000005")])
    assert "UNIQUE constraint failed" in str(stored.value)
    assert "load targets" not in str(stored.value)
    with pytest.raises(IntegrityError, match="^duplicate message ID in insert batch$"):
        load_lines(fresh, [header(), message(7), message(7)])
    assert [r["body"] for r in records(dump_lines(fresh))[1:]] == ["first"]


def test_load__what_came_before_an_error_stays(fresh):
    lines = [header(9999), alias()] + [message(i + 1) for i in range(1500)]
    with pytest.raises(ValueError, match="^invalid dump input at line 1503: "):
        load_lines(fresh, [*lines, "{}"])
    assert len(list(dump_lines(fresh))) == 1 + 1 + 1000


@pytest.mark.parametrize(
    ("line", "error", "text"),
    [
        (message(5, queue="b!d"), QueueNameError, "Invalid queue name"),
        (message(5, queue=""), QueueNameError, "cannot be empty"),
        (message(5, body="\ud800"), MessageError, "Message must be UTF-8 encodable"),
        (alias("a", "a"), ValueError, "Alias and target must differ"),
        (alias("", "q"), QueueNameError, "cannot be empty"),
    ],
)
def test_load__matters_of_the_broker_have_the_plain_reason(fresh, line, error, text):
    with pytest.raises(error, match=text) as refused:
        load_lines(fresh, [header(), line])
    assert "line" not in str(refused.value)


# load into anything


def test_load__uses_three_methods_of_any_object():
    to = Recorder()
    lines = ["\n", header(), alias(), message(5), "  ", message("0000000000000000006", body="")]
    assert load_lines(to, lines) == LoadResult(2, 1)
    assert to.calls == [
        ("add_alias", "a", "q"),
        ("insert_messages", [("q", "m", 5), ("q", "", 6)]),
        ("advance_last_timestamp", 100),
    ]


def test_load__messages_come_in_batches_of_1000():
    to = Recorder()
    load_lines(to, [header(9999)] + [message(i + 1) for i in range(2500)])
    assert [len(call[1]) for call in to.calls[:-1]] == [1000, 1000, 500]


def test_load__rules_are_the_destinations():
    to = Recorder()
    load_lines(to, [header(), alias("a", "a"), message(5, "b!d", "\ud800"), message(5, "b!d")])
    assert to.calls[1] == ("insert_messages", [("b!d", "\ud800", 5), ("b!d", "m", 5)])


class Custom(Exception):
    pass


@pytest.mark.parametrize("method", ["add_alias", "insert_messages", "advance_last_timestamp"])
@pytest.mark.parametrize(
    "failure",
    [
        Custom("boom"),
        Custom("long\n\0" * 5000),
        IntegrityError("duplicate"),
        TimestampError("unconfirmed", outcome_ambiguous=True),
        KeyboardInterrupt(),
        SystemExit(3),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_load__failures_come_through_as_they_are(method, failure):
    to = Recorder(**{method: failure})
    with pytest.raises(type(failure)) as raised:
        load_lines(to, [header(), alias(), message(5)])
    assert raised.value is failure
    assert to.calls[-1][0] == method


def test_load__the_inputs_failure_comes_through():
    failure = Custom("no more")

    def lines():
        yield header()
        yield message(5)
        raise failure

    to = Recorder()
    with pytest.raises(Custom) as raised:
        load_lines(to, lines())
    assert raised.value is failure
    assert to.calls == []


def test_load__a_destination_may_load_itself():
    inner = Recorder()

    class Outer(Recorder):
        def add_alias(self, alias, target):
            load_lines(inner, [header(7), message(3)])
            with pytest.raises(ValueError, match="missing header"):
                load_lines(inner, [])

    assert load_lines(Outer(), [header(), alias(), message(5)]) == LoadResult(1, 1)
    assert inner.calls[-1] == ("advance_last_timestamp", 7)


def test_load__a_destination_without_advance_is_refused_before_input_is_read():
    class Without:
        advance_last_timestamp = 5

    def lines():
        raise AssertionError("input was read")
        yield

    for to in (object(), Without(), None):
        with pytest.raises(TypeError, match="advance_last_timestamp"):
            load_lines(to, lines())


def test_load__a_missing_method_is_noticed_when_it_is_needed():
    class Only:
        def advance_last_timestamp(self, last_ts):
            return last_ts

    assert load_lines(Only(), [header()]) == LoadResult(0, 0)
    for line in (alias(), message(5)):
        with pytest.raises(AttributeError):
            load_lines(Only(), [header(), line])


def test_load__lines_must_be_text():
    for bad in (5, None, ["x"]):
        with pytest.raises((TypeError, AttributeError)):
            load_lines(Recorder(), [bad])
    with pytest.raises(TypeError):
        load_lines(Recorder(), None)


# malformed input


@pytest.mark.parametrize("lines", [[], ["", "\n", " \t\u2003\n"]])
def test_load__missing_header(lines):
    with pytest.raises(ValueError, match="^invalid dump input: missing header"):
        load_lines(Recorder(), lines)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["x"], "line 1: malformed JSON ("),
        (["", "{"], "line 2: malformed JSON ("),
        (["1" * 4301], "line 1: malformed JSON (numeric value is too large)"),
        (["[]"], "line 1: record must be a JSON object"),
        ([message(5)], "line 1: first record must be the dump header"),
        ([header(format="x")], "line 1: unrecognized dump format"),
        ([header(version=2)], "line 1: unsupported dump version 2 (supported: 1)"),
        ([header(-1)], "line 1: invalid header last_ts"),
        ([header(), header()], "line 2: duplicate header"),
        ([header(), '{"type": "foo"}'], "line 2: unknown record type 'foo'"),
        ([header(), '{"type": "alias"}'], "line 2: alias record requires string"),
        ([header(), '{"type": "message"}'], "line 2: message record requires string"),
        ([header(), message("5")], "line 2: invalid message ID: expected exactly 19 digits"),
        ([header(), message(0)], "line 2: message_id 0 is reserved; "),
        ([header(), message(101)], "line 2: message id exceeds header last_ts"),
    ],
)
def test_load__malformed_input_names_the_line(lines, reason):
    to = Recorder()
    with pytest.raises(ValueError) as refused:
        load_lines(to, lines)
    assert type(refused.value) is ValueError
    assert str(refused.value).startswith("invalid dump input at " + reason)
    assert to.calls == []


@settings(max_examples=200, deadline=None)
@given(st.text(), st.booleans())
def test_load__any_text_at_all_is_a_value_error(text, with_header):
    lines = [header(), text] if with_header else [text]
    try:
        load_lines(Recorder(), lines)
    except ValueError as refused:
        assert "line" in str(refused) or "header" in str(refused)


# clocks


def ahead(seconds):
    return header((time.time_ns() + seconds * SECOND) & ~4095)


def test_load__a_header_ahead_of_the_clock_warns_the_caller():
    with pytest.warns(DumpClockSkewWarning, match="seconds ahead of local wall time") as caught:
        load_lines(Recorder(), [ahead(100)])
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert issubclass(DumpClockSkewWarning, UserWarning)


def test_load__too_far_ahead_is_refused_unless_forced():
    to = Recorder()
    with pytest.warns(DumpClockSkewWarning), pytest.raises(ValueError, match="line 1: .*300 sec"):
        load_lines(to, [ahead(1000)])
    assert to.calls == []
    with pytest.warns(DumpClockSkewWarning):
        load_lines(to, [ahead(1000)], force=True)
    with pytest.warns(DumpClockSkewWarning):
        load_lines(to, [ahead(1000)], config={SKEW: 2000})
    assert len(to.calls) == 2


def test_load__the_limit_is_the_environments(monkeypatch):
    monkeypatch.setenv(SKEW, "2000")
    with pytest.warns(DumpClockSkewWarning):
        load_lines(Recorder(), [ahead(1000)])
    monkeypatch.setenv(SKEW, "10")
    with pytest.warns(DumpClockSkewWarning), pytest.raises(ValueError, match="10 seconds"):
        load_lines(Recorder(), [ahead(1000)])


def test_load__a_bad_setting_is_refused():
    with pytest.raises(InvalidConfigError) as refused:
        load_lines(Recorder(), [header()], config={SKEW: -2})
    assert refused.value.key == SKEW


def test_load__a_warning_that_is_an_error_ends_it():
    to = Recorder()
    with warnings.catch_warnings(), pytest.raises(DumpClockSkewWarning):
        warnings.simplefilter("error")
        load_lines(to, [ahead(100), message(5)])
    assert to.calls == []


def test_load__a_past_header_is_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_lines(Recorder(), [header()])


# LoadResult


def test_load_result__is_an_immutable_value():
    result = LoadResult(messages=1, aliases=2)
    assert (result.messages, result.aliases) == (1, 2)
    assert repr(result) == "LoadResult(messages=1, aliases=2)"
    assert result == LoadResult(1, 2) and hash(result) == hash(LoadResult(1, 2))
    assert result != LoadResult(2, 1) and result != (1, 2)
    with pytest.raises(AttributeError):
        result.messages = 3
    with pytest.raises(AttributeError):
        del result.aliases
    assert copy.copy(result) == copy.deepcopy(result) == pickle.loads(pickle.dumps(result))
    match result:
        case LoadResult(messages, aliases):
            assert (messages, aliases) == (1, 2)
