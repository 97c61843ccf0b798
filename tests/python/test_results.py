"""Records that calls give: `QueueStats`, `QueueRenameResult`, `LoadResult`, `BrokerTarget`."""

import copy
import dataclasses
import pickle
from pathlib import Path

import pytest

from simplebroker import BrokerTarget, LoadResult, QueueRenameResult, QueueStats

RECORDS = [
    (QueueStats, {"queue": "q", "pending": 1, "claimed": 2, "total": 3}),
    (QueueRenameResult,
     {"old_queue": "a", "new_queue": "b", "messages_renamed": 1, "aliases_retargeted": 2}),
    (LoadResult, {"messages": 1, "aliases": 2}),
    (BrokerTarget,
     {"backend_name": "sqlite", "target": "/x.db", "backend_options": {}, "project_root": Path("/"),
      "config_path": None, "used_project_scope": False, "legacy_sqlite_path_mode": True}),
]  # fmt: skip
each = pytest.mark.parametrize("kind, fields", RECORDS, ids=[kind.__name__ for kind, _ in RECORDS])


@each
def test_fields_are_given_by_position_or_name(kind, fields):
    made = kind(**fields)
    assert made == kind(*fields.values())
    assert {name: getattr(made, name) for name in fields} == fields
    assert kind.__match_args__ == tuple(fields)


@each
def test_equal_fields_are_equal(kind, fields):
    first = next(iter(fields))
    assert kind(**fields) == kind(**fields)
    assert kind(**fields) != kind(**{**fields, first: "other"})
    assert kind(**fields) != tuple(fields.values()) or kind is LoadResult


@each
def test_they_do_not_change(kind, fields):
    made = kind(**fields)
    for name in [*fields, "another"]:
        with pytest.raises((AttributeError, TypeError)):
            setattr(made, name, 5)
    assert made == kind(**fields)


@each
def test_they_are_copied_and_pickled(kind, fields):
    made = kind(**fields)
    for again in (copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert again == made and type(again) is kind


@pytest.mark.parametrize("kind, fields", [r for r in RECORDS if r[0] is not LoadResult])
def test_they_are_dataclasses(kind, fields):
    made = kind(**fields)
    assert dataclasses.is_dataclass(kind)
    assert [field.name for field in dataclasses.fields(made)] == [*fields]
    first = next(iter(fields))
    changed = dataclasses.replace(made, **{first: "other"})
    assert getattr(changed, first) == "other" and changed != made


@pytest.mark.parametrize("kind, fields", RECORDS[:2])
def test_counts_can_be_hashed_and_shown(kind, fields):
    made = kind(**fields)
    assert len({made, kind(**fields)}) == 1
    assert dataclasses.asdict(made) == fields
    shown = ", ".join(f"{name}={value!r}" for name, value in fields.items())
    assert repr(made) == f"{kind.__name__}({shown})"


def test_they_can_be_matched():
    match QueueStats("q", 1, 2, 3):
        case QueueStats(queue, pending, total=total):
            assert (queue, pending, total) == ("q", 1, 3)


@pytest.mark.parametrize("total, exists", [(0, False), (1, True)])
def test_a_queue_exists_while_it_has_messages(total, exists):
    assert QueueStats("q", 0, total, total).exists is exists
    assert QueueRenameResult("a", "b", total, 0).renamed is exists
