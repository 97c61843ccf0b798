"""The built-in backend's activity waiters: what wakes them, what ends their waits, and their end.

A message that is there is told at once; so a wait that is to find nothing is given an event that is
set by somebody, never a short timeout, and one that is to find something may last long.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from simplebroker import Queue, create_activity_waiter_for_queues
from simplebroker.ext import ActivityWaiter

from .watching import LONG, fill

pytestmark = pytest.mark.ours


def waiter_on(queue: Queue, stop: Any = None) -> Any:
    waiter = queue.create_activity_waiter(stop_event=stop or threading.Event())
    assert waiter is not None
    return waiter


@pytest.fixture(params=["ephemeral", "persistent"])
def queue(request: pytest.FixtureRequest, path: str) -> Iterator[Queue]:
    with Queue("q", db_path=path, persistent=request.param == "persistent") as queue:
        yield queue


@contextmanager
def running(*functions: Callable[[], Any]) -> Iterator[list[Any]]:
    """Runs functions in threads during the block; what they returned."""
    results: list[Any] = [None] * len(functions)

    def run(index: int) -> None:
        results[index] = functions[index]()

    threads = [
        threading.Thread(target=run, args=(index,), daemon=True)
        for index in range(len(functions))
    ]
    for thread in threads:
        thread.start()
    yield results
    for thread in threads:
        thread.join(LONG)
        assert not thread.is_alive()


def until_waits(*waiters: Any) -> None:
    """Returns when somebody is in a wait of each."""
    deadline = time.monotonic() + LONG
    while not all(waiter._turn.locked() for waiter in waiters):
        assert time.monotonic() < deadline
        os.sched_yield()


# ---- messages ------------------------------------------------------------------------------------


def test_there_is_one_until_the_queue_is_closed(queue: Queue) -> None:
    waiter = waiter_on(queue)
    assert isinstance(waiter, ActivityWaiter)
    assert queue.create_activity_waiter(stop_event=threading.Event()) is waiter
    queue.close()
    assert not waiter.wait(LONG)
    other = waiter_on(queue)
    assert other is not waiter
    queue.cleanup_connections()
    assert not other.wait(LONG)


def test_nothing_is_opened_before_it_is_asked_for(queue: Queue, path: str) -> None:
    assert not os.path.exists(path)
    assert waiter_on(queue)
    assert os.path.exists(path)


def test_what_comes_is_told_once(queue: Queue, path: str) -> None:
    waiter = waiter_on(queue)
    assert not waiter.wait(0)
    fill(path, "a")
    assert waiter.wait(LONG)
    assert not waiter.wait(0)
    queue.write("b")
    assert waiter.wait(LONG)


def test_what_was_there_before_is_told(queue: Queue, path: str) -> None:
    fill(path, "a")
    assert waiter_on(queue).wait(LONG)


def test_other_queues_do_not_wake(queue: Queue, path: str) -> None:
    waiter = waiter_on(queue)
    fill(path, "a", queue="other")
    assert not waiter.wait(0.01)


def test_message_ends_a_wait(queue: Queue, path: str) -> None:
    waiter = waiter_on(queue)
    with running(lambda: waiter.wait(LONG)) as woken:
        until_waits(waiter)
        fill(path, "a")
    assert woken == [True]


def test_one_for_several_queues(path: str) -> None:
    queues = [Queue(name, db_path=path) for name in ("a", "b", "a")]
    waiter = create_activity_waiter_for_queues(queues, stop_event=threading.Event())
    assert waiter is not None
    for name in ("a", "b"):
        fill(path, "x", queue=name)
        assert waiter.wait(LONG)
    waiter.close()


def test_there_is_none_for_what_cannot_be_opened(tmp_path: Any) -> None:
    (tmp_path / "file").write_text("this is no database, whatever it is called")
    queue = Queue("q", db_path=str(tmp_path / "file"))
    assert queue.create_activity_waiter(stop_event=threading.Event()) is None


def test_of_those_who_take_one_is_woken_for_a_message(path: str) -> None:
    stop = threading.Event()
    queue = Queue("q", db_path=path)
    waiters: Any = [queue._new_native_waiter(stop, taking=True) for _ in range(4)]
    woken = threading.Semaphore(0)

    def wait(waiter: Any) -> bool:
        came = bool(waiter.wait(LONG))
        woken.release()
        return came

    with running(*[lambda waiter=waiter: wait(waiter) for waiter in waiters]) as came:
        until_waits(*waiters)
        fill(path, "a")
        assert woken.acquire(timeout=LONG)
        stop.set()
    assert 1 <= came.count(True) < 4


def test_messages_up_to_a_bound_do_not_wake(path: str) -> None:
    last = fill(path, "a", "b")[-1]
    waiter: Any = Queue("q", db_path=path)._new_native_waiter(threading.Event(), after=last)
    assert not waiter.wait(0)
    fill(path, "c")
    assert waiter.wait(LONG)


# ---- stop events ---------------------------------------------------------------------------------


class Counting(threading.Event):
    """Notes that it was set."""

    def __init__(self) -> None:
        super().__init__()
        self.sets = 0

    def set(self) -> None:
        self.sets += 1
        super().set()


class Derived(threading.Event):
    """Has another idea of when it is set."""

    def __init__(self) -> None:
        super().__init__()
        self.stopped = False

    def is_set(self) -> bool:
        return self.stopped

    def set(self) -> None:
        self.stopped = True


class Duck:
    """No event, but it can be asked."""

    stopped = False
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return False

    def is_set(self) -> bool:
        return self.stopped

    def set(self) -> None:
        self.stopped = True


class Unhashable(threading.Event):
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return self is other


EVENTS = [threading.Event, Counting, Derived, Duck, Unhashable, multiprocessing.Event]


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_stop_event_ends_waits(queue: Queue, kind: Callable[[], Any]) -> None:
    stop = kind()
    waiter = waiter_on(queue, stop)
    with running(lambda: waiter.wait(LONG)) as woken:
        until_waits(waiter)
        stop.set()
    assert woken == [False]
    assert not waiter.wait(LONG)


def test_one_event_ends_all_waits(path: str) -> None:
    stop = threading.Event()
    waiters = [waiter_on(Queue("q", db_path=path), stop) for _ in range(20)]
    asleep = threading.Thread(target=stop.wait)  # one who waits on the event itself
    asleep.start()
    with running(*[lambda waiter=waiter: waiter.wait(LONG) for waiter in waiters]) as woken:
        until_waits(*waiters)
        stop.set()
    assert woken == [False] * 20
    asleep.join(LONG)


def test_event_may_be_set_again_and_again(queue: Queue, path: str) -> None:
    stop = threading.Event()
    waiter = waiter_on(queue, stop)
    for _ in range(100):
        with running(lambda: waiter.wait(LONG)) as woken:
            stop.set()
        assert woken == [False]
        stop.clear()
        fill(path, "a")
        assert waiter.wait(LONG)


def test_event_is_found_set_however_close_the_race(path: str) -> None:
    stop, begun, done = threading.Event(), threading.Semaphore(0), threading.Semaphore(0)
    waiter = waiter_on(Queue("q", db_path=path), stop)

    def sets() -> None:
        for _ in range(2000):
            assert begun.acquire(timeout=LONG)
            stop.set()
            done.release()

    with running(sets):
        for _ in range(2000):
            begun.release()
            assert not waiter.wait(LONG)
            assert done.acquire(timeout=LONG)
            stop.clear()


def test_events_that_nobody_waits_on_any_more_keep_little(path: str) -> None:
    stop, before = threading.Event(), len(os.listdir("/proc/self/fd"))
    queue = Queue("q", db_path=path)
    for _ in range(100):
        waiter_on(queue, stop)
        queue.close()
    assert len(os.listdir("/proc/self/fd")) <= before
    assert len(stop._cond._waiters) <= 1  # type: ignore[attr-defined]
    stop.set()


# ---- signals -------------------------------------------------------------------------------------


@contextmanager
def alarm(handler: Callable[..., Any], waiter: Any) -> Iterator[None]:
    """Has a signal handler run in the main thread once that waits."""
    main = threading.main_thread().ident

    def send() -> None:
        until_waits(waiter)
        assert main is not None
        signal.pthread_kill(main, signal.SIGALRM)

    previous = signal.signal(signal.SIGALRM, handler)
    try:
        with running(send):
            yield
    finally:
        signal.signal(signal.SIGALRM, previous)


def test_handler_may_set_the_event(queue: Queue) -> None:
    stop = threading.Event()
    waiter = waiter_on(queue, stop)
    for _ in range(100):
        with alarm(lambda *_: stop.set(), waiter):
            assert not waiter.wait(LONG)
        stop.clear()


def test_handler_may_raise(queue: Queue, path: str) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    waiter = waiter_on(queue)
    for _ in range(100):
        with alarm(interrupt, waiter), pytest.raises(KeyboardInterrupt):
            waiter.wait(LONG)
    fill(path, "a")
    assert waiter.wait(LONG)


def test_handler_that_does_nothing_ends_nothing(queue: Queue, path: str) -> None:
    waiter = waiter_on(queue)
    with alarm(lambda *_: fill(path, "a"), waiter):
        assert waiter.wait(LONG)


def test_handler_may_close_the_queue(queue: Queue) -> None:
    waiter = waiter_on(queue)
    with alarm(lambda *_: queue.close(), waiter):
        assert not waiter.wait(LONG)
