"""PollingStrategy: steps, hints, the change counter, and waiters put in and taken out."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from simplebroker._exceptions import StopException
from simplebroker.watcher import PollingStrategy

from .watching import LONG, Hurried


class Waiter:
    """Signals at each wait, or as often as it is told to; calls a function before."""

    def __init__(self, *answers: bool, before: Callable[[], Any] | None = None) -> None:
        self.waits = 0
        self.closes = 0
        self._answers = iter(answers)
        self._before = before

    def wait(self, timeout: float) -> bool:
        assert timeout > 0
        self.waits += 1
        if self._before is not None:
            self._before()
        return next(self._answers, True)

    def close(self) -> None:
        self.closes += 1


def counting(*versions: Any) -> Callable[[], Any]:
    """A change counter; it raises what is an exception, and stays at its last value."""
    left = list(versions)

    def read() -> Any:
        version = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(version, BaseException):
            raise version
        return version

    return read


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


def test_wait_returns_none_without_a_start() -> None:
    assert strategy().wait_for_activity() is None  # type: ignore[func-returns-value]


def test_stopped_strategy_reads_nothing() -> None:
    stop = threading.Event()
    polling = PollingStrategy(stop)
    polling.start(counting(AssertionError("read")))
    stop.set()
    polling.wait_for_activity()


def test_stop_ends_a_delay() -> None:
    stop = threading.Event()
    polling = PollingStrategy(stop, initial_checks=0, max_interval=3600, jitter_factor=0)
    polling.start(lambda: 1)
    threading.Timer(0.05, stop.set).start()
    while not stop.is_set():
        polling.wait_for_activity()


def test_change_ends_a_delay() -> None:
    version = [1]
    polling = strategy(initial_checks=0, max_interval=3600, jitter_factor=0)
    seen = threading.Event()
    polling.start(lambda: version[0], on_data_version_change=seen.set)
    polling.wait_for_activity()
    seen.clear()
    threading.Timer(0.05, version.__setitem__, (0, 2)).start()
    while not seen.is_set():
        polling.wait_for_activity()


def test_unknown_versions_are_no_changes() -> None:
    calls: list[int] = []
    polling = strategy()
    polling.start(counting(None, 1, None, 1, 2), on_data_version_change=lambda: calls.append(1))
    for _ in range(10):
        polling.wait_for_activity()
    assert len(calls) == 2


def delays(polling: PollingStrategy, stop: Hurried, steps: int) -> list[float]:
    """How long each step took, had anybody waited."""
    taken = []
    for _ in range(steps):
        stop.pauses.clear()
        polling.wait_for_activity()
        taken.append(round(sum(stop.pauses), 6))
    return taken


@pytest.mark.ours  # the reference does not wait on the event
def test_delays_grow_after_a_burst() -> None:
    stop = Hurried()
    polling = PollingStrategy(stop, 3, max_interval=0.1, burst_sleep=0.0002, jitter_factor=0)
    polling.start(lambda: 1)
    taken = delays(polling, stop, 108)
    assert taken[:8] == [0.0002] * 3 + [0, 0.001, 0.002, 0.003, 0.004]
    assert taken[-6:] == [0.099, 0.1, 0.1, 0.1, 0.1, 0.1]
    assert max(stop.pauses) <= 0.02


@pytest.mark.ours
def test_jitter_is_a_part_of_the_delay() -> None:
    stop = Hurried()
    polling = PollingStrategy(stop, 0, max_interval=0.1, jitter_factor=0.15)
    polling.start(lambda: 1)
    delays(polling, stop, 100)
    taken = delays(polling, stop, 200)
    assert len(set(taken)) > 100
    assert all(0.085 - 1e-6 <= delay <= 0.115 + 1e-6 for delay in taken)


@pytest.mark.ours
def test_only_local_activity_begins_another_burst() -> None:
    version, stop = [1], Hurried()
    polling = PollingStrategy(stop, 2, max_interval=1.0, burst_sleep=0, jitter_factor=0)
    polling.start(lambda: version[0])
    delays(polling, stop, 10)
    version[0] = 2
    assert delays(polling, stop, 2) == [0, 0.08]
    polling.notify_activity()
    assert delays(polling, stop, 5) == [0, 0, 0, 0, 0.01]
    polling.start(lambda: version[0])
    assert delays(polling, stop, 4) == [0, 0, 0, 0.01]


@pytest.mark.parametrize(
    "options",
    [
        {"initial_checks": -5},
        {"max_interval": -1},
        {"max_interval": 0},
        {"burst_sleep": -1},
        {"jitter_factor": -1},
        {"initial_checks": 0, "max_interval": 0, "burst_sleep": 0},
    ],
    ids=str,
)
def test_odd_settings_do_no_harm(options: dict[str, float]) -> None:
    polling = strategy(**options)
    polling.start(lambda: 1)
    for _ in range(5):
        polling.wait_for_activity()


def test_failed_reads_are_counted_in_total() -> None:
    odd = OSError("gone")
    polling = strategy()
    polling.start(counting(*[odd] * 5, 1, 2, *[odd] * 9))
    for _ in range(11):
        polling.wait_for_activity()
    with pytest.raises(RuntimeError, match="gone"):
        polling.wait_for_activity()
    polling.start(counting(odd))
    with pytest.raises(RuntimeError, match="gone"):
        polling.wait_for_activity()


@pytest.mark.ours  # the reference counts it as a failed read
def test_stop_exception_of_the_counter_passes_through() -> None:
    polling = strategy()
    polling.start(counting(StopException("stop")))
    with pytest.raises(StopException):
        polling.wait_for_activity()


def test_failing_callback_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ValueError("odd")

    polling = strategy()
    polling.start(counting(1, 2), on_data_version_change=fail)
    with caplog.at_level(logging.ERROR, logger="simplebroker.watcher"):
        polling.wait_for_activity()
        polling.wait_for_activity()
    assert [str((record.exc_info or (0, 0))[1]) for record in caplog.records] == ["odd"] * 2


def test_marks_and_hints_are_independent() -> None:
    polling = strategy()
    polling.mark_local_activity_as_empty_check()
    assert not polling.consume_local_activity_hint()
    assert polling.consume_local_empty_check_hint()
    polling.mark_local_activity_as_empty_check()
    polling.notify_activity()
    assert polling.consume_local_activity_hint() and polling.consume_local_empty_check_hint()
    polling.notify_activity()
    polling.wait_for_activity()
    polling.start(lambda: 1)
    assert polling.consume_local_activity_hint()
    assert not polling.consume_native_activity_hint()


# ---- native waiters ------------------------------------------------------------------------------


def test_with_a_native_waiter_nothing_is_read() -> None:
    polling = strategy()
    polling.start(counting(AssertionError("read")), activity_waiter=Waiter())
    for _ in range(3):
        polling.wait_for_activity()


def test_waits_on_until_the_waiter_signals() -> None:
    waiter, polling = Waiter(False, False, True), strategy()
    polling.start(lambda: 1, activity_waiter=waiter)
    polling.wait_for_activity()
    assert waiter.waits == 3 and polling.consume_native_activity_hint()


def test_waits_no_longer_than_the_fallback() -> None:
    pause = threading.Event()
    waiter = Waiter(*[False] * 10**6, before=lambda: pause.wait(0.01))
    polling = strategy()
    polling.start(lambda: 1, activity_waiter=waiter)
    polling.wait_for_activity()
    assert not polling.consume_native_activity_hint()


def test_local_activity_ends_a_native_wait() -> None:
    polling = strategy()
    waiter = Waiter(*[False] * 1000, before=lambda: polling.notify_activity())
    polling.start(lambda: 1, activity_waiter=waiter)
    polling.wait_for_activity()
    assert waiter.waits == 1 and polling.consume_local_activity_hint()
    waits = waiter.waits
    polling.notify_activity()
    polling.wait_for_activity()
    assert waiter.waits == waits


def test_stop_ends_a_native_wait() -> None:
    stop = threading.Event()
    waiter = Waiter(*[False] * 1000, before=stop.set)
    polling = PollingStrategy(stop)
    polling.start(lambda: 1, activity_waiter=waiter)
    polling.wait_for_activity()
    assert waiter.waits == 1


@pytest.mark.parametrize("how", ["replaced", "polling", "closed"])
def test_waiter_may_be_taken_out_during_a_wait(how: str) -> None:
    other, polling = Waiter(), strategy()
    act = {
        "replaced": lambda: polling.replace_activity_waiter(other),
        "polling": lambda: polling.replace_activity_waiter(None),
        "closed": polling.close,
    }
    waiter = Waiter(*[False] * 1000, before=act[how])
    polling.start(lambda: 1, activity_waiter=waiter)
    done = threading.Thread(target=polling.wait_for_activity, daemon=True)
    done.start()
    done.join(LONG)
    assert not done.is_alive() and waiter.waits == 1
    assert waiter.closes == (how == "closed")
    assert polling.consume_native_activity_hint() == (how == "replaced") == (other.waits == 1)


def test_error_of_a_waiter_passes_through() -> None:
    def fail() -> None:
        raise OSError("lost")

    polling = strategy()
    polling.start(lambda: 1, activity_waiter=Waiter(before=fail))
    with pytest.raises(OSError, match="lost"):
        polling.wait_for_activity()
    assert polling.uses_native_activity()


def test_waiter_that_fails_to_close_is_gone() -> None:
    class Stuck(Waiter):
        def close(self) -> None:
            super().close()
            raise ValueError("stuck")

    stuck, polling = Stuck(), strategy()
    polling.start(activity_waiter=stuck)
    with pytest.raises(ValueError, match="stuck"):
        polling.close()
    polling.close()
    assert stuck.closes == 1 and not polling.uses_native_activity()
    polling.start(activity_waiter=stuck)
    with pytest.raises(ValueError, match="stuck"):
        polling.start(activity_waiter=Waiter())
    assert polling.detach_activity_waiter() is None


def test_replacing_calls_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(**options: Any) -> None:
        raise AssertionError("called")

    first, second = Waiter(before=forbidden), Waiter(before=forbidden)
    polling = strategy()
    polling.start(forbidden, on_data_version_change=forbidden, activity_waiter=first)
    monkeypatch.setattr(polling, "detach_activity_waiter", forbidden)
    assert polling.replace_activity_waiter(second) is first
    assert (first.closes, second.closes, second.waits) == (0, 0, 0)
