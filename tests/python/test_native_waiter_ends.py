"""The end of the built-in backend's waiters: closed, forked, out of descriptors, many of them."""

from __future__ import annotations

import gc
import os
import resource
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from simplebroker import Queue
from simplebroker.watcher import PollingStrategy

from .test_fork import in_child
from .test_native_waiters import running, until_waits, waiter_on
from .watching import LONG, fill

pytestmark = pytest.mark.ours


@pytest.fixture
def queue(path: str) -> Iterator[Queue]:
    with Queue("q", db_path=path) as queue:
        yield queue


def test_close_ends_a_wait(queue: Queue) -> None:
    for _ in range(100):
        waiter = waiter_on(queue)
        with running(lambda waiter=waiter: waiter.wait(LONG)) as woken:
            until_waits(waiter)
            queue.close()
        assert woken == [False]
        waiter.close()


def test_closed_one_waits_no_more(queue: Queue, path: str) -> None:
    waiter = waiter_on(queue)
    waiter.close()
    waiter.close()
    fill(path, "a")
    assert not waiter.wait(LONG)


def test_threads_wait_by_turns(queue: Queue, path: str) -> None:
    stop = threading.Event()
    waiter = waiter_on(queue, stop)
    with running(*[lambda: waiter.wait(LONG)] * 3) as woken:
        until_waits(waiter)
        fill(path, "a")
        while True not in woken:
            os.sched_yield()
        stop.set()
    assert woken.count(True) == 1


def test_forgotten_one_leaves_nothing_open(path: str) -> None:
    stop = threading.Event()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(10):
        waiter_on(Queue("q", db_path=path), stop)
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= before


# ---- forked processes ----------------------------------------------------------------------------


def test_child_cannot_wait_with_its_parents(queue: Queue, path: str) -> None:
    stop = threading.Event()
    waiter = waiter_on(queue, stop)

    def child() -> bool:
        with pytest.raises(RuntimeError, match="belongs to the parent"):
            waiter.wait(LONG)
        stop.set()
        waiter.close()
        waiter.close()
        return True

    with running(lambda: waiter.wait(LONG)) as woken:
        until_waits(waiter)
        assert in_child(child)
        assert not stop.is_set()
        fill(path, "a")
    assert woken == [True]
    assert not waiter.wait(0)


def test_child_makes_its_own(queue: Queue, path: str) -> None:
    waiter_on(queue)

    def child() -> bool:
        fill(path, "a")
        return bool(waiter_on(queue).wait(LONG))

    assert in_child(child)


def test_child_cannot_make_one_for_a_persistent_queue_of_its_parents(path: str) -> None:
    with Queue("q", db_path=path, persistent=True) as queue:
        waiter_on(queue)
        queue.write("a")
        with pytest.raises(RuntimeError, match="belongs to the parent"):
            in_child(lambda: queue.create_activity_waiter(stop_event=threading.Event()))


# ---- descriptors ---------------------------------------------------------------------------------


def test_thousand_of_them(path: str) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(1000, hard // 8)
    stop = threading.Event()
    try:
        queues = [Queue(f"q{number}", db_path=path) for number in range(count)]
        waiters = [waiter_on(queue, stop) for queue in queues]
        with running(*[lambda waiter=waiter: waiter.wait(LONG) for waiter in waiters[:50]]) as came:
            until_waits(*waiters[:50])
            for queue in queues:
                queue.write("a")
        assert came == [True] * 50
        assert all(waiter.wait(LONG) for waiter in waiters[50:])
        for queue in queues:
            queue.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


OUT_OF_DESCRIPTORS = """
    import os, resource, sys, threading, warnings
    from simplebroker import Queue, QueueWatcher

    path, came, stop = sys.argv[1], threading.Event(), threading.Event()
    queues = [Queue(f"q{i}", db_path=path, persistent=True) for i in range(3)]
    for queue in queues:
        queue.write("a")
    used = max(map(int, os.listdir("/proc/self/fd")))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used, used))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for queue in queues:
            assert queue.create_activity_waiter(stop_event=stop) is None
    print([(w.category.__name__, w.filename == __file__, "descriptor" in str(w.message))
           for w in told])
"""


def test_out_of_descriptors_warns_once(program: Any, path: str) -> None:
    assert program(OUT_OF_DESCRIPTORS, path).strip() == "[('RuntimeWarning', True, True)]"


# ---- in a strategy -------------------------------------------------------------------------------

IDLE = 3600.0  # seconds: with it a strategy looks by itself after ten hours only


@pytest.fixture
def sleeping(queue: Queue) -> tuple[PollingStrategy, Any]:
    """A strategy and its waiter; only something that happens ends its waits."""
    stop = threading.Event()
    polling = PollingStrategy(stop, max_interval=IDLE)
    waiter = waiter_on(queue, stop)
    polling.start(activity_waiter=waiter)
    return polling, waiter


def test_strategy_sleeps_in_one_wait(
    sleeping: tuple[PollingStrategy, Any], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    polling, waiter = sleeping
    waits: list[float] = []
    wait = waiter.wait_unless
    monkeypatch.setattr(
        waiter, "wait_unless", lambda *options: waits.append(options[0]) or wait(*options)
    )
    with running(polling.wait_for_activity):
        until_waits(waiter)
        fill(path, "a")
    assert len(waits) == 1 and waits[0] > IDLE
    assert polling.consume_native_activity_hint()


@pytest.mark.parametrize("how", ["notified", "stopped", "replaced", "detached", "closed"])
def test_strategy_hears_of_all_else(sleeping: tuple[PollingStrategy, Any], how: str) -> None:
    polling, waiter = sleeping
    act: Any = {
        "notified": polling.notify_activity,
        "stopped": polling._stop_event.set,
        "replaced": lambda: polling.replace_activity_waiter(None),
        "detached": polling.detach_activity_waiter,
        "closed": polling.close,
    }
    with running(polling.wait_for_activity):
        until_waits(waiter)
        act[how]()
    assert not polling.consume_native_activity_hint()
    assert waiter.usable == (how != "closed")


def test_strategy_polls_when_its_waiter_was_closed_by_another(
    sleeping: tuple[PollingStrategy, Any],
) -> None:
    polling, waiter = sleeping
    with running(polling.wait_for_activity):
        until_waits(waiter)
        waiter.close()
    assert not polling.uses_native_activity()


def test_strategy_looks_after_an_event_that_the_waiter_does_not_know(
    queue: Queue,
) -> None:
    polling = PollingStrategy(threading.Event(), max_interval=IDLE)
    waiter = waiter_on(queue, threading.Event())
    polling.start(activity_waiter=waiter)
    with running(polling.wait_for_activity):
        until_waits(waiter)
        polling._stop_event.set()
