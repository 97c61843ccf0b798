"""PollingStrategy: steps, hints, the change counter, and waiters put in and taken out."""

from __future__ import annotations

import threading

import pytest

from simplebroker import Queue, create_activity_waiter_for_queues
from simplebroker.watcher import PollingStrategy


class Waiter:
    def __init__(self) -> None:
        self.waits = 0
        self.closes = 0

    def wait(self, timeout: float) -> bool:
        self.waits += 1
        return True

    def close(self) -> None:
        self.closes += 1


def strategy(**options: float) -> PollingStrategy:
    return PollingStrategy(threading.Event(), **options)  # type: ignore[arg-type]


def test_first_version_calls_back_and_each_change_once() -> None:
    versions = iter([1, 1, 2, 2, 3])
    calls: list[int] = []
    polling = strategy()
    polling.start(lambda: next(versions, 3), on_data_version_change=lambda: calls.append(1))
    seen = []
    for _ in range(5):
        polling.wait_for_activity()
        seen.append(len(calls))
    assert seen[0] == 1 and seen[-1] == 3


def test_wait_returns_at_once_when_stopped() -> None:
    stop = threading.Event()
    polling = PollingStrategy(stop, initial_checks=0, max_interval=3600)
    polling.start(lambda: 1)
    stop.set()
    polling.wait_for_activity()


def test_ten_failed_reads_of_the_counter_raise() -> None:
    def fail() -> int:
        raise OSError("gone")

    polling = strategy()
    polling.start(fail)
    with pytest.raises(RuntimeError, match="gone"):
        for _ in range(10):
            polling.wait_for_activity()


def test_hints_are_consumed_once() -> None:
    polling = strategy()
    polling.start(lambda: 1)
    assert not polling.consume_local_activity_hint()
    polling.notify_activity()
    assert polling.consume_local_activity_hint()
    assert not polling.consume_local_activity_hint()
    polling.notify_activity()
    polling.mark_local_activity_as_empty_check()
    assert not polling.consume_local_activity_hint()
    assert polling.consume_local_empty_check_hint()
    assert not polling.consume_local_empty_check_hint()


def test_native_waiter_that_signals_is_waited_on_once() -> None:
    waiter, polling = Waiter(), strategy()
    polling.start(lambda: 1, activity_waiter=waiter)
    assert polling.uses_native_activity()
    polling.wait_for_activity()
    assert waiter.waits == 1
    assert polling.consume_native_activity_hint()
    assert not polling.consume_native_activity_hint()


def test_start_closes_a_different_waiter_only() -> None:
    first, second, polling = Waiter(), Waiter(), strategy()
    polling.start(activity_waiter=first)
    polling.start(activity_waiter=first)
    assert first.closes == 0
    polling.start(activity_waiter=second)
    assert (first.closes, second.closes) == (1, 0)
    polling.start()
    assert not polling.uses_native_activity()


def test_detach_and_replace_give_waiters_back_open() -> None:
    first, second, polling = Waiter(), Waiter(), strategy()
    assert polling.replace_activity_waiter(first) is None
    assert polling.replace_activity_waiter(first) is None
    assert polling.replace_activity_waiter(second) is first
    assert polling.detach_activity_waiter(expected=first) is None
    assert polling.detach_activity_waiter(expected=second) is second
    assert polling.detach_activity_waiter() is None
    assert (first.closes, second.closes) == (0, 0)


def test_close_closes_the_installed_waiter_once() -> None:
    waiter, polling = Waiter(), strategy()
    polling.start(activity_waiter=waiter)
    polling.close()
    polling.close()
    assert waiter.closes == 1


def test_waiter_for_several_queues_needs_one_target(tmp_path: object) -> None:
    stop = threading.Event()
    with pytest.raises(ValueError, match="queues cannot be empty"):
        create_activity_waiter_for_queues([], stop_event=stop)
    a, b = Queue("a", db_path=f"{tmp_path}/1.db"), Queue("b", db_path=f"{tmp_path}/2.db")
    with pytest.raises(ValueError, match="cannot safely share one activity waiter"):
        create_activity_waiter_for_queues([a, b], stop_event=stop)
    assert create_activity_waiter_for_queues([a], stop_event=stop) is None
