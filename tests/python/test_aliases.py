"""Aliases, broadcast and rename."""

import pytest

from simplebroker import QueueRenameResult
from simplebroker.db import BrokerDB
from simplebroker.ext import MessageError, QueueNameError


@pytest.fixture
def stocked(broker):
    """A broker with the queues `a`, `b.x`, `b.y` and the claimed-only `c`."""
    for queue in ("a", "b.x", "b.y", "c"):
        broker.write(queue, "first")
    broker.claim_one("c")
    return broker


def last(broker, *queues):
    """The newest pending body of each queue."""
    return [(broker.peek_many(queue, with_timestamps=False) or [None])[-1] for queue in queues]


# ---- aliases -------------------------------------------------------------------------------------


def test_aliases_are_listed_in_order(broker):
    for alias, target in (("z", "q"), ("a", "r"), ("m", "q")):
        assert broker.add_alias(alias, target) is None
    assert broker.list_aliases() == [("a", "r"), ("m", "q"), ("z", "q")]
    assert broker.aliases_for_target("q") == ["m", "z"]
    assert broker.aliases_for_target("nothing") == []
    assert broker.resolve_alias("a") == "r"
    assert broker.resolve_alias("nothing") is None
    assert broker.has_alias("a") is True
    assert broker.has_alias("q") is False


def test_removing_an_unknown_alias_is_no_error(broker):
    broker.add_alias("x", "q")
    assert broker.remove_alias("x") is broker.remove_alias("x") is None
    assert broker.list_aliases() == []


def test_every_change_has_a_larger_version(broker):
    versions = [broker.get_alias_version()]
    for change in (
        lambda: broker.add_alias("x", "q"),
        lambda: broker.add_alias("y", "q"),
        lambda: broker.remove_alias("x"),
    ):
        change()
        versions.append(broker.get_alias_version())
    assert versions == sorted(set(versions))


def test_others_see_a_change_at_their_next_call(broker, path):
    with BrokerDB(path) as another:
        assert another.canonicalize_queue("q") == "q"
        broker.add_alias("x", "q")
        assert another.canonicalize_queue("@x") == "q"
        broker.remove_alias("x")
        assert another.resolve_alias("x") is None
        assert another.get_alias_version() == broker.get_alias_version()


@pytest.mark.parametrize("name", ["q", "a.b", "x"])
def test_plain_names_are_themselves(broker, name):
    broker.add_alias("x", "q")
    assert broker.canonicalize_queue(name) == name
    assert broker.canonicalize_queue("@x") == "q"


@pytest.mark.parametrize(
    "name, text",
    [("@nothing", "Alias 'nothing' is not defined"), ("@", "Alias name cannot be empty")],
)
def test_names_that_do_not_resolve(broker, name, text):
    with pytest.raises(ValueError, match=text):
        broker.canonicalize_queue(name)


@pytest.mark.parametrize(
    "alias, target, text",
    [("x", "r", "Alias 'x' already exists"), ("x", "q", "Alias 'x' already exists"),
     ("y", "x", "Cannot target another alias"), ("q", "r", "Cannot turn an existing alias target"),
     ("y", "y", "Alias and target must differ"), ("y", "@q", "should not include the '@' prefix"),
     ("y", "", "Alias target cannot be empty"), ("", "q", ""), ("@y", "q", ""), ("-y", "q", ""),
     ("y", "-q", ""), ("y\ud800", "q", ""), ("a" * 513, "q", "exceeds 512 characters")],
)  # fmt: skip
def test_aliases_that_cannot_be(broker, alias, target, text):
    broker.add_alias("x", "q")
    version = broker.get_alias_version()
    with pytest.raises(ValueError) as caught:
        broker.add_alias(alias, target)
    assert text in str(caught.value)
    assert broker.list_aliases() == [("x", "q")] and broker.get_alias_version() == version


@pytest.mark.parametrize("name", ["-x", "a b"])
def test_a_badly_formed_alias_is_a_queue_name_error(broker, name):
    with pytest.raises(QueueNameError):
        broker.add_alias(name, "q")


def test_a_queue_behind_an_alias_is_warned_about(broker):
    broker.write("x", "hidden")
    with pytest.warns(RuntimeWarning, match="Queue 'x' already exists with messages"):
        broker.add_alias("x", "q")
    assert broker.resolve_alias("x") == "q"


def test_names_of_methods_are_literal(broker, make_queue):
    broker.add_alias("x", "q")
    with pytest.raises(QueueNameError):
        broker.write("@x", "a")
    with pytest.raises(QueueNameError):
        make_queue("@x")
    broker.write("x", "not in q")
    assert broker.list_queues() == ["x"]


# ---- broadcast -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "selector, reached",
    [({}, ["a", "b.x", "b.y", "c"]), ({"pattern": ""}, ["a", "b.x", "b.y", "c"]),
     ({"pattern": "b*"}, ["b.x", "b.y"]), ({"pattern": "[ac]"}, ["a", "c"]),
     ({"pattern": "b.[!x]"}, ["b.y"]), ({"pattern": "B*"}, []),
     ({"queue_names": ["a", "c", "a"]}, ["a", "c"]), ({"queue_names": {"a"}}, ["a"]),
     ({"queue_names": iter(["a", "nothing"])}, ["a"]), ({"queue_names": []}, [])],
    ids=str,
)  # fmt: skip
def test_a_broadcast_reaches_the_selected_queues(stocked, selector, reached):
    before = stocked.refresh_last_timestamp()
    assert stocked.broadcast("news", **selector) == len(reached)
    assert stocked.list_queues() == ["a", "b.x", "b.y", "c"]
    assert [q for q in stocked.list_queues() if last(stocked, q) == ["news"]] == reached
    assert (stocked.refresh_last_timestamp() > before) is bool(reached)


def test_each_copy_has_an_id_of_its_own(stocked):
    stocked.broadcast("news")
    ids = [stocked.latest_pending_timestamp(queue) for queue in stocked.list_queues()]
    assert len(set(ids)) == 4 and max(ids) == stocked.refresh_last_timestamp()


def test_create_missing_writes_to_every_named_queue(stocked):
    assert stocked.broadcast("news", queue_names=["a", "new", "new"], create_missing=True) == 2
    assert last(stocked, "a", "new", "b.x") == ["news", "news", "first"]
    assert stocked.broadcast("news", queue_names=(), create_missing=True) == 0


def test_a_broadcast_in_an_empty_broker_reaches_nothing(broker):
    assert broker.broadcast("news") == 0
    assert broker.refresh_last_timestamp() == 0


@pytest.mark.parametrize(
    "selectors, error, text",
    [({"pattern": "", "queue_names": ["a"]}, ValueError, "pattern and queue_names cannot"),
     ({"create_missing": True}, ValueError, "create_missing requires queue_names"),
     ({"create_missing": 1, "queue_names": ["a"]}, TypeError, "create_missing must be a boolean"),
     ({"queue_names": "a"}, TypeError, "queue_names must be a sequence"),
     ({"queue_names": ["a", "@x"]}, QueueNameError, "Invalid queue name"),
     ({"queue_names": ["new", "-bad"], "create_missing": True}, QueueNameError, "Invalid")],
    ids=str,
)  # fmt: skip
def test_selectors_that_cannot_be(stocked, selectors, error, text):
    with pytest.raises(error, match=text):
        stocked.broadcast("news", **selectors)
    assert stocked.list_queues() == ["a", "b.x", "b.y", "c"]
    assert last(stocked, "a", "b.x", "b.y", "c") == ["first", "first", "first", None]


@pytest.mark.parametrize(
    "body, selectors, error",
    [(5, {"pattern": "", "queue_names": "a", "create_missing": 1}, MessageError),
     ("x", {"pattern": "", "queue_names": "a", "create_missing": 1}, ValueError),
     ("x", {"queue_names": "a", "create_missing": 1}, TypeError)],
)  # fmt: skip
def test_selectors_are_checked_in_order(stocked, body, selectors, error):
    with pytest.raises(error):
        stocked.broadcast(body, **selectors)


# ---- rename --------------------------------------------------------------------------------------


def test_rename_takes_claimed_messages_and_aliases_along(stocked):
    stocked.add_alias("x", "c")
    stocked.add_alias("y", "c")
    result = stocked.rename_queue("c", "d")
    assert result == QueueRenameResult("c", "d", messages_renamed=1, aliases_retargeted=2)
    assert result.renamed is True
    assert stocked.aliases_for_target("d") == ["x", "y"]
    assert stocked.list_queues() == ["a", "b.x", "b.y", "d"]


def test_rename_can_leave_aliases_alone(stocked):
    stocked.add_alias("x", "a")
    result = stocked.rename_queue("a", "d", retarget_aliases=False)
    assert result == QueueRenameResult("a", "d", 1, 0)
    assert stocked.resolve_alias("x") == "a"


def test_rename_of_a_missing_queue_changes_nothing(stocked):
    stocked.add_alias("x", "none")
    assert stocked.rename_queue("none", "d") == QueueRenameResult("none", "d", 0, 0)
    assert stocked.resolve_alias("x") == "none"


@pytest.mark.parametrize(
    "old, new, text",
    [("a", "c", "Target queue already exists"), ("none", "c", "Target queue already exists"),
     ("a", "a", "Source and target queues cannot be the same")],
)  # fmt: skip
def test_renames_that_cannot_be(stocked, old, new, text):
    with pytest.raises(ValueError, match=text):
        stocked.rename_queue(old, new)
    assert stocked.list_queues() == ["a", "b.x", "b.y", "c"]
