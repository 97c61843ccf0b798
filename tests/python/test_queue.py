"""`Queue`: what each method does, for handles that keep connections and those that do not."""

import pytest

from simplebroker import Queue, QueueStats


def fill(queue, *bodies):
    return [queue.write(body) for body in bodies]


# ---- writing and reading -------------------------------------------------------------------------


def test_messages_come_out_in_the_order_in_which_they_went_in(queue):
    ids = fill(queue, "a", "", "c")
    assert ids == sorted(set(ids))
    assert [queue.read(), queue.read(), queue.read(), queue.read()] == ["a", "", "c", None]


@pytest.mark.parametrize("body", ["", "é\u2028😀", "a\0b", "\r\n\t", "x" * 70_000], ids=repr)
def test_bodies_come_back_as_they_were(queue, body):
    identity = queue.write(body)
    assert queue.peek() == body
    assert queue.read(with_timestamps=True) == (body, identity)


def test_read_can_show_the_id(queue):
    identity = queue.write("a")
    assert queue.read(with_timestamps=True) == ("a", identity)
    assert queue.read(with_timestamps=True) is None


def test_read_all_is_lazy(queue):
    fill(queue, "a", "b", "c")
    everything = queue.read(all_messages=True)
    assert next(everything) == "a"
    assert queue.stats().pending == 2
    assert list(everything) == ["b", "c"]


@pytest.mark.parametrize("form", [int, str, lambda identity: f"  {identity:019}\n"])
def test_read_by_id_in_either_form(queue, form):
    _, middle, _ = fill(queue, "a", "b", "c")
    assert queue.read(message_id=form(middle)) == "b"
    assert queue.read(message_id=form(middle)) is None
    assert queue.read_one(exact_timestamp=form(middle)) is None
    assert list(queue.peek_generator()) == ["a", "c"]


def test_both_bounds_are_strict(queue):
    a, b, c = fill(queue, "a", "b", "c")
    assert queue.peek(after_timestamp=a, before_timestamp=c) == "b"
    assert queue.peek_many(after_timestamp=a) == ["b", "c"]
    assert queue.peek_many(before_timestamp=c) == ["a", "b"]
    assert queue.read(after_timestamp=b) == "c"
    assert queue.read(after_timestamp=b) is None
    assert queue.read(before_timestamp=b) == "a"


@pytest.mark.parametrize("flag", [None, 0, 1, "", "yes", [], [0], 2**70, 0.5], ids=repr)
def test_flags_are_taken_by_their_truth(queue, other, flag):
    def shape(body, identity):
        return (body, identity) if flag else body

    a, b, c, d, e, f = fill(queue, "a", "b", "c", "d", "e", "f")
    assert queue.peek(with_timestamps=flag) == queue.peek_one(with_timestamps=flag) == shape("a", a)
    assert queue.peek_many(1, with_timestamps=flag) == [shape("a", a)]
    assert queue.read(with_timestamps=flag) == shape("a", a)
    assert queue.read_one(exact_timestamp=b, with_timestamps=flag) == shape("b", b)
    assert queue.read_many(1, with_timestamps=flag) == [shape("c", c)]
    assert queue.move_one(other, with_timestamps=flag) == shape("d", d)
    assert queue.move_many(other, 1, with_timestamps=flag) == [shape("e", e)]
    assert list(queue.peek_generator(with_timestamps=flag)) == [shape("f", f)]
    once_or_more = {"delivery_guarantee": "at_least_once", "with_timestamps": flag}
    assert list(queue.move_generator(other, **once_or_more)) == [shape("f", f)]
    assert [*other.read_generator(**once_or_more)][-1] == shape("f", f)


def test_read_one(queue):
    a, b = fill(queue, "a", "b")
    assert queue.read_one(exact_timestamp=b, with_timestamps=True) == ("b", b)
    assert queue.read_one() == "a"
    assert queue.read_one() is None


@pytest.mark.parametrize("guarantee", ["exactly_once", "at_least_once"])
def test_read_many_claims_before_it_returns(queue, guarantee):
    a, b, c = fill(queue, "a", "b", "c")
    assert queue.read_many(2, with_timestamps=True, delivery_guarantee=guarantee) == [
        ("a", a),
        ("b", b),
    ]
    assert queue.read_many(5, after_timestamp=b, before_timestamp=c + 1) == ["c"]
    assert queue.read_many(1) == []
    assert queue.stats() == QueueStats("q", pending=0, claimed=3, total=3)


@pytest.mark.parametrize("guarantee", ["exactly_once", "at_least_once"])
def test_read_generator(queue, guarantee):
    a, b, c = fill(queue, "a", "b", "c")
    exact = queue.read_generator(exact_timestamp=b, delivery_guarantee=guarantee)
    assert list(exact) == ["b"]
    rest = queue.read_generator(
        with_timestamps=True, after_timestamp=a, before_timestamp=c + 1,
        delivery_guarantee=guarantee,
    )  # fmt: skip
    assert list(rest) == [("c", c)]


# ---- peeking -------------------------------------------------------------------------------------


def test_peek_changes_nothing(queue):
    a, b = fill(queue, "a", "b")
    assert queue.peek() == queue.peek() == queue.peek_one() == "a"
    assert queue.peek(with_timestamps=True) == ("a", a)
    assert queue.peek(message_id=b) == queue.peek_one(exact_timestamp=str(b)) == "b"
    assert list(queue.peek(all_messages=True, with_timestamps=True)) == [("a", a), ("b", b)]
    assert queue.stats() == QueueStats("q", pending=2, claimed=0, total=2)


def test_peek_can_include_what_is_claimed(queue):
    a, b = fill(queue, "a", "b")
    queue.read()
    assert queue.peek() == "b"
    assert queue.peek(include_claimed=True) == queue.peek_one(include_claimed=True) == "a"
    assert queue.peek(message_id=a) is None
    assert queue.peek(message_id=a, include_claimed=True) == "a"
    assert queue.peek_many(include_claimed=True) == ["a", "b"]
    assert list(queue.peek_generator(include_claimed=True, exact_timestamp=a)) == ["a"]
    assert list(queue.peek(all_messages=True, include_claimed=True)) == ["a", "b"]


def test_peek_many_shows_a_thousand_unless_told_and_peek_generator_all(queue):
    queue.insert_messages((str(n), n + 1) for n in range(1005))
    assert queue.peek_many() == [str(n) for n in range(1000)]
    assert queue.peek_many(3) == ["0", "1", "2"]
    assert list(queue.peek_generator()) == [str(n) for n in range(1005)]


def test_peek_generator_sees_what_is_written_meanwhile(queue):
    fill(queue, "a")
    seen = queue.peek_generator()
    assert next(seen) == "a"
    queue.insert_messages((str(n), n + 1) for n in range(1000))
    assert len(list(seen)) == 0
    assert len(list(queue.peek_generator())) == 1001


# ---- moving --------------------------------------------------------------------------------------


def test_move_takes_the_oldest_and_keeps_its_id(queue, other):
    a, _ = fill(queue, "a", "b")
    assert queue.move("other") == {"message": "a", "timestamp": a}
    assert queue.move(other) == {"message": "b", "timestamp": other.latest_pending_timestamp()}
    assert queue.move("other") is None
    assert other.peek_many() == ["a", "b"]


def test_move_all_and_between_bounds(queue, other):
    a, b, c, d = fill(queue, "a", "b", "c", "d")
    assert queue.move(other, after_timestamp=a, before_timestamp=c)["timestamp"] == b
    assert [moved["message"] for moved in queue.move("other", all_messages=True)] == ["a", "c", "d"]
    assert sorted(other.peek_many()) == ["a", "b", "c", "d"]
    assert not queue.exists()


def test_move_by_id_makes_a_claimed_message_pending(queue, other):
    a, b = fill(queue, "a", "b")
    queue.read()
    assert queue.move(other, message_id=str(a)) == {"message": "a", "timestamp": a}
    assert other.read() == "a"
    assert queue.move(other, message_id=a) is None


def test_move_one_leaves_claimed_messages_unless_told(queue, other):
    (a,) = fill(queue, "a")
    queue.read()
    assert queue.move_one(other) is None
    assert queue.move_one(other, exact_timestamp=a) is None
    assert queue.move_one(
        other, exact_timestamp=a, require_unclaimed=False, with_timestamps=True
    ) == ("a", a)
    assert other.peek() == "a"


def test_move_many(queue, other):
    a, b, c, d = fill(queue, "a", "b", "c", "d")
    assert queue.move_many(other, 1, delivery_guarantee="at_least_once") == ["a"]
    assert queue.move_many(
        "other", 9, with_timestamps=True, after_timestamp=b, before_timestamp=d
    ) == [("c", c)]
    queue.read()
    assert queue.move_many(other, 9, require_unclaimed=False) == ["b", "d"]
    assert sorted(other.peek_many()) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("guarantee", ["exactly_once", "at_least_once"])
def test_move_generator(queue, other, guarantee):
    a, b, c = fill(queue, "a", "b", "c")
    one = queue.move_generator(other, exact_timestamp=b, delivery_guarantee=guarantee)
    assert list(one) == ["b"]
    rest = queue.move_generator(
        other, with_timestamps=True, after_timestamp=a, delivery_guarantee=guarantee
    )
    assert list(rest) == [("c", c)]
    assert queue.peek_many() == ["a"]


@pytest.mark.parametrize("persistent", [False, True])
def test_a_path_and_a_target_of_one_file_are_one_broker(
    make_queue, monkeypatch, tmp_path, persistent
):
    queue = make_queue(persistent=persistent)
    monkeypatch.chdir(tmp_path)
    fill(queue, "a", "b")
    with Queue("other", db_path="broker.db") as relative:
        monkeypatch.chdir("/")
        assert queue.move(relative)["message"] == "a"
        assert queue.move_one(relative) == "b"


def test_a_queue_of_another_broker_is_no_destination(queue, tmp_path):
    fill(queue, "a")
    with Queue("other", db_path=str(tmp_path / "second.db")) as foreign:
        with pytest.raises(ValueError, match="different broker targets") as caught:
            queue.move(foreign)
    assert "second.db" in str(caught.value) and "broker.db" in str(caught.value)
    assert queue.peek() == "a"


# ---- deleting, inserting, finding ----------------------------------------------------------------


def test_delete_removes_pending_and_claimed(queue):
    a, b, _ = fill(queue, "a", "b", "c")
    queue.read()
    assert queue.delete(message_id=a) is True
    assert queue.delete(message_id=str(b)) is True
    assert queue.delete(message_id=b) is False
    assert queue.delete() is True
    assert queue.delete() is False
    assert not queue.exists()


def test_delete_many_counts_each_id_once(queue):
    a, b, c = fill(queue, "a", "b", "c")
    assert queue.delete_many([]) == 0
    assert queue.delete_many([a, str(a), b, 5]) == 2
    assert queue.delete_many((c,)) == 1


def test_find_message_ids_searches_bodies_literally(queue):
    a, b, c = fill(queue, "xx 50%_off", "xx 50 off", "XX 50%_OFF")
    assert queue.find_message_ids(body_contains="50%_o") == [a]
    assert queue.find_message_ids(body_contains="xx 50") == [a, b]
    assert queue.find_message_ids(body_contains="xx 50", limit=1) == [a]
    assert queue.find_message_ids(body_contains="50%", after_timestamp=a) == [c]
    assert queue.find_message_ids(body_contains="50%", before_timestamp=c) == [a]
    queue.read()
    assert queue.find_message_ids(body_contains="50%_o") == []
    assert queue.find_message_ids(body_contains="50%_o", include_claimed=True) == [a]


# ---- asking --------------------------------------------------------------------------------------


def test_stats_and_existence_follow_the_messages(queue):
    assert queue.stats() == QueueStats(queue="q", pending=0, claimed=0, total=0)
    assert not queue.stats().exists and not queue.exists()
    fill(queue, "a", "b")
    queue.read()
    assert queue.stats() == QueueStats(queue="q", pending=1, claimed=1, total=2)
    assert queue.stats().exists and queue.exists()
    with pytest.raises(AttributeError):
        queue.stats().pending = 5


def test_pending_messages(queue):
    assert queue.has_pending() is False and queue.latest_pending_timestamp() is None
    a, b = fill(queue, "a", "b")
    assert queue.latest_pending_timestamp() == b
    assert queue.has_pending() is queue.has_pending(a) is True
    assert queue.has_pending(after_timestamp=b) is False
    queue.read_many(2)
    assert queue.has_pending() is False and queue.latest_pending_timestamp() is None


def test_last_ts_is_this_handles_view_of_the_high_water(queue, other):
    assert queue.last_ts == 0
    written = queue.write("a")
    assert queue.last_ts == written
    generated = queue.generate_timestamp()
    assert queue.last_ts == generated > written
    newer = other.write("b")
    assert queue.last_ts == generated
    assert queue.refresh_last_ts() == queue.last_ts == newer
    assert queue.get_ts() > newer


def test_data_version_counts_the_commits_of_others(make_queue):
    queue, other = make_queue(persistent=True), make_queue("other")
    first = queue.get_data_version()
    assert isinstance(first, int)
    other.write("a")
    assert queue.get_data_version() > first


def test_a_queue_that_was_never_written_has_nothing(queue):
    assert queue.read() is queue.peek() is queue.move("other") is None
    assert list(queue.read(all_messages=True)) == list(queue.peek(all_messages=True)) == []
    assert queue.read_many(3) == queue.peek_many() == queue.move_many("other", 3) == []


# ---- streams -------------------------------------------------------------------------------------


def test_stream_messages_yields_bodies_with_ids(queue):
    a, b, c = fill(queue, "a", "b", "c")
    assert list(queue.stream_messages(peek=True)) == [("a", a), ("b", b), ("c", c)]
    assert list(queue.stream_messages(peek=True, all_messages=False)) == [("a", a)]
    assert list(queue.stream_messages(after_timestamp=a, before_timestamp=c)) == [("b", b)]
    assert list(queue.stream_messages(all_messages=False)) == [("a", a)]
    assert list(queue.stream_messages()) == [("c", c)]


def test_stream_messages_in_batches_commits_when_the_next_one_is_asked_for(queue, make_queue):
    fill(queue, "a", "b", "c")
    onlooker = make_queue()
    stream = queue.stream_messages(batch_processing=True, commit_interval=2)
    assert [next(stream)[0], next(stream)[0]] == ["a", "b"]
    assert onlooker.stats().claimed == 0
    assert next(stream)[0] == "c"
    assert onlooker.stats().claimed == 2
    stream.close()
    assert queue.peek_many() == ["c"]


# ---- more than the reference has -----------------------------------------------------------------


@pytest.mark.ours
def test_write_many_appends_all_or_nothing(queue):
    ids = queue.write_many(str(n) for n in range(5))
    assert ids == sorted(set(ids)) and queue.last_ts == ids[-1]
    assert queue.peek_many() == ["0", "1", "2", "3", "4"]
    with pytest.raises(ValueError):
        queue.write_many(["a", "\ud800"])
    assert queue.stats().total == 5
    assert queue.write_many([]) == []
    with pytest.raises(TypeError, match="not one string"):
        queue.write_many("abc")
