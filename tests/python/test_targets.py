"""`BrokerTarget`: values, display without secrets, serialisation, paths, plugins."""

import json
import os
from pathlib import Path

import pytest

from simplebroker import (
    BrokerTarget,
    Queue,
    deserialize_broker_target,
    open_broker,
    serialize_broker_target,
)
from simplebroker.ext import BrokerError, get_backend_plugin

URL = "postgresql://user:secret@host/db"
SERVER = BrokerTarget("postgres", URL, {"schema": "s", "key": "hidden"})
FULL = BrokerTarget(
    "sqlite",
    "/x/é.db",
    {"n": 1, "f": 1.5, "b": True},
    Path("/x"),
    Path("/x/.broker.toml"),
    True,
    True,
)
TARGETS = [BrokerTarget("sqlite", "/x.db"), SERVER, FULL]


# ---- values --------------------------------------------------------------------------------------


def test_a_target_has_defaults():
    target = BrokerTarget("sqlite", "/x.db")
    assert target.backend_options == {}
    assert target.project_root is target.config_path is None
    assert target.used_project_scope is target.legacy_sqlite_path_mode is False


def test_targets_are_equal_by_value_and_frozen():
    assert BrokerTarget("sqlite", "/x.db") == BrokerTarget(backend_name="sqlite", target="/x.db")
    assert BrokerTarget("sqlite", "/x.db") != BrokerTarget("sqlite", "/y.db")
    assert SERVER != BrokerTarget("postgres", URL)
    assert SERVER != "postgres"
    with pytest.raises(AttributeError):
        SERVER.target = "x"


def test_the_path_of_a_target():
    assert FULL.target_path == Path("/x/é.db")
    assert SERVER.target_path is None


@pytest.mark.parametrize(
    "target, shown",
    [(URL, "postgresql://user:***@host/db"), ("redis://:secret@h:6379/0", "redis://:***@h:6379/0"),
     ("host=h password=secret dbname=d", "host=h password=*** dbname=d"),
     ("host=h password='se cret' user=u", "host=h password=*** user=u"),
     ("postgresql://host/db", "postgresql://host/db"), ("host=h", "host=h")],
)  # fmt: skip
def test_passwords_are_not_displayed(target, shown):
    made = BrokerTarget("postgres", target)
    assert made.display_target == shown
    assert "secret" not in repr(made) and "se cret" not in repr(made)


def test_paths_are_displayed_whatever_they_contain():
    odd = "/x/postgresql://user:secret@host/db"
    assert BrokerTarget("sqlite", odd).display_target == odd


def test_repr_shows_no_options():
    assert "secret" not in repr(SERVER) and "hidden" not in repr(SERVER)
    assert repr(SERVER).index("'key'") < repr(SERVER).index("'schema'")
    assert "***" in repr(SERVER)


def test_the_plugin_of_a_target():
    assert FULL.plugin is get_backend_plugin("sqlite")
    with pytest.raises(RuntimeError):
        _ = BrokerTarget("nope", "x").plugin


# ---- serialisation -------------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.target[:9])
def test_serialisation_round_trips(target):
    text = serialize_broker_target(target)
    assert deserialize_broker_target(text) == target
    assert deserialize_broker_target(json.loads(text)) == target
    assert serialize_broker_target(deserialize_broker_target(text)) == text


def test_serialised_targets_are_compact_json_with_all_seven_fields():
    text = serialize_broker_target(SERVER)
    assert list(json.loads(text)) == sorted([
        "backend_name", "target", "backend_options", "project_root", "config_path",
        "used_project_scope", "legacy_sqlite_path_mode",
    ])  # fmt: skip
    assert ": " not in text.replace("://", "") and "secret" in text


@pytest.mark.parametrize(
    "text, fragment",
    [("[]", "must decode to an object"), ("5", "must decode to an object"),
     ('{"target": "x"}', "missing backend_name"), ('{"backend_name": "sqlite"}', "missing target"),
     ('{"backend_name": "sqlite", "target": "x", "backend_options": 5}',
      "backend_options must be an object")],
)  # fmt: skip
def test_what_is_no_target(text, fragment):
    with pytest.raises(ValueError, match=fragment):
        deserialize_broker_target(text)
    if text.startswith("{"):
        with pytest.raises(ValueError, match=fragment):
            deserialize_broker_target(json.loads(text))


@pytest.mark.parametrize("text", ["", "{", "nonsense", "\ud800"])
def test_what_is_no_json(text):
    with pytest.raises(ValueError):
        deserialize_broker_target(text)


def test_missing_fields_have_their_defaults():
    assert deserialize_broker_target({"backend_name": "sqlite", "target": "/x"}) == BrokerTarget(
        "sqlite", "/x"
    )


# ---- what queues make of a path ------------------------------------------------------------------


def test_relative_paths_are_bound_at_construction(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    with Queue("q", db_path="b.db") as queue:
        monkeypatch.chdir("/")
        queue.write("x")
        assert queue.db_target == str(tmp_path / "a" / "b.db")
    assert (tmp_path / "a" / "b.db").exists()


def test_home_and_links_are_followed(tmp_path, monkeypatch):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Queue("q", db_path="~/link/b.db").db_target == str(tmp_path / "real" / "b.db")
    assert Queue("q", db_path="~/link/../b.db").db_target == str(tmp_path / "b.db")


@pytest.mark.parametrize("name", [":memory:", "file:x.db", "x?mode=ro", "a%20b.db", "é.db", "a b"])
def test_odd_names_are_just_names_of_files(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with Queue("q", db_path=name) as queue:
        queue.write("x")
    assert (tmp_path / name).read_bytes().startswith(b"SQLite format 3")
    with Queue("q", db_path=str(tmp_path / name)) as queue:
        assert queue.read() == "x"


def test_a_path_object_works(tmp_path):
    with Queue("q", db_path=tmp_path / "b.db") as queue:
        queue.write("x")
        assert queue.db_target == str(tmp_path / "b.db")


def test_a_target_is_used_and_shown(tmp_path):
    target = BrokerTarget("sqlite", str(tmp_path / "b.db"))
    with Queue("q", db_path=target) as queue:
        queue.write("x")
        assert queue.db_target == target
        assert repr(queue) == f"Queue('q', db_path={target.target!r})"
    with open_broker(target) as broker:
        assert broker.list_queues() == ["q"]


def test_a_directory_is_no_database(tmp_path):
    with Queue("q", db_path=str(tmp_path)) as queue, pytest.raises(RuntimeError):
        queue.peek()


@pytest.mark.parametrize("content", [b"no database", b"no database at all" * 100])
def test_another_file_is_left_alone(tmp_path, content):
    file = tmp_path / "notes.txt"
    file.write_bytes(content)
    with Queue("q", db_path=str(file)) as queue, pytest.raises(RuntimeError):
        queue.write("x")
    assert file.read_bytes() == content


@pytest.mark.filterwarnings("ignore:Could not resolve path")
@pytest.mark.parametrize("path", ["a\0b", "\ud800"], ids=ascii)
def test_paths_that_cannot_be_do_no_harm(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ValueError, RuntimeError, BrokerError)):
        Queue("q", db_path=path).write("x")
    assert os.listdir() == []
