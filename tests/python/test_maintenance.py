"""Schedules and limits for backends written in Python, and the runner protocol."""

from __future__ import annotations

from typing import Any

import pytest

from simplebroker.ext import (
    BACKEND_API_VERSION,
    RESERVED_TABLE_NAMES,
    MaintenanceSchedule,
    SetupPhase,
    SQLRunner,
    get_backend_plugin,
    vacuum_is_eligible,
    validate_delivery_guarantee,
)


def test_a_schedule_is_due_until_its_check_succeeded() -> None:
    schedule = MaintenanceSchedule(3)
    assert [schedule.record(n) for n in (1, 1, 1, 0, 5)] == [False, False, True, False, True]
    schedule.mark_check_succeeded()
    assert [schedule.record(n) for n in (0, 1)] == [False, True]


def test_an_interval_is_at_least_one_and_counts_are_not_negative() -> None:
    assert MaintenanceSchedule(0).record(1)
    with pytest.raises(ValueError, match="completed must be non-negative"):
        MaintenanceSchedule(1).record(-1)


@pytest.mark.parametrize(
    "claimed, total, threshold, expected",
    [(1, 2, 0.5, True), (0, 0, 0.0, False), (1, 2, 0.6, False), (10001, 10**9, 0.9, True),
     (10000, 10**9, 0.9, False)],
)  # fmt: skip
def test_when_vacuum_is_worth_it(
    claimed: int, total: int, threshold: float, expected: bool
) -> None:
    answer = vacuum_is_eligible(claimed_count=claimed, total_count=total, threshold=threshold)
    assert answer is expected


def test_delivery_guarantees() -> None:
    assert validate_delivery_guarantee("exactly_once") == "exactly_once"
    assert validate_delivery_guarantee("at_least_once") == "at_least_once"
    for wrong in ("x", None, 3):
        with pytest.raises(ValueError, match="'exactly_once', 'at_least_once'") as caught:
            validate_delivery_guarantee(wrong)
        assert repr(wrong) in str(caught.value)


def test_names_and_numbers() -> None:
    assert BACKEND_API_VERSION == 7
    assert RESERVED_TABLE_NAMES == {"messages", "meta", "queue_aliases", "aliases"}
    assert isinstance(RESERVED_TABLE_NAMES, frozenset)
    assert [phase.value for phase in SetupPhase] == ["connection", "schema", "optimization"]


def test_the_protocol_can_be_inherited_with_the_five_methods() -> None:
    class Runner(SQLRunner):
        def run(self, sql: str, params: tuple[Any, ...] = (), *, fetch: bool = False) -> Any:
            return []

        def begin_immediate(self) -> None: ...
        def commit(self) -> None: ...
        def rollback(self) -> None: ...
        def close(self) -> None: ...

    Runner().setup(SetupPhase.SCHEMA)


def test_the_built_in_backend() -> None:
    plugin = get_backend_plugin()
    assert plugin is get_backend_plugin("sqlite")
    assert (plugin.name, plugin.backend_api_version, plugin.schema_version) == ("sqlite", 7, 5)
    assert plugin.sql is not None
    assert plugin.init_backend({}) == {"target": "", "backend_options": {}}
    waiter = plugin.create_activity_waiter(target="x", queue_name="q", stop_event=None)
    assert waiter is None


@pytest.mark.parametrize("name", ["nope", "", "postgres"])
def test_unknown_backends(name: str) -> None:
    with pytest.raises(RuntimeError, match=f"Unknown backend plugin: {name}"):
        get_backend_plugin(name)
