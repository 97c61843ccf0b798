"""Watchers that the built-in backend's waiter wakes.

Their own look comes after ten hours at the earliest: what they do sooner, they were woken for.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from simplebroker import Queue, QueueMoveWatcher, QueueWatcher
from simplebroker.ext import BaseWatcher

from .test_fork import in_child
from .watching import LONG, Steps, fill

pytestmark = pytest.mark.ours

CONFIG = {"BROKER_MAX_INTERVAL": 3600}


class Seen:
    """A handler that notes what it was given, and lets others wait for it."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self._came = threading.Condition()

    def __call__(self, body: str, timestamp: int) -> None:
        with self._came:
            self.bodies.append(body)
            self._came.notify_all()

    def wait_for(self, count: int) -> list[str]:
        with self._came:
            assert self._came.wait_for(lambda: len(self.bodies) >= count, LONG)
        return self.bodies


def write_elsewhere(path: str, *bodies: str, queue: str = "q") -> None:
    """Writes in another process."""
    program = (
        "import sys; from simplebroker import Queue; q = Queue(sys.argv[2], db_path=sys.argv[1])\n"
        "for body in sys.argv[3:]: q.write(body)"
    )
    subprocess.run([sys.executable, "-c", program, path, queue, *bodies], check=True)


MAKERS: dict[str, Callable[..., BaseWatcher]] = {
    "consume": lambda path, handler: QueueWatcher("q", handler, db=path, config=CONFIG),
    "batch": lambda path, handler: QueueWatcher(
        "q", handler, db=path, batch_processing=True, config=CONFIG
    ),
    "peek": lambda path, handler: QueueWatcher("q", handler, db=path, peek=True, config=CONFIG),
    "ephemeral": lambda path, handler: QueueWatcher(
        Queue("q", db_path=path), handler, config=CONFIG
    ),
    "move": lambda path, handler: QueueMoveWatcher("q", "to", handler, db=path, config=CONFIG),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_message_of_another_process_wakes(path: str, make: Callable[..., BaseWatcher]) -> None:
    seen = Seen()
    with make(path, seen):
        for number in range(3):
            write_elsewhere(path, f"{number}")
            seen.wait_for(number + 1)
    assert seen.bodies == ["0", "1", "2"]


def test_message_of_this_process_wakes(path: str) -> None:
    seen, queue = Seen(), Queue("q", db_path=path, persistent=True)
    with QueueWatcher(queue, seen, config=CONFIG):
        for number in range(100):
            Queue("q", db_path=path).write(str(number))
            seen.wait_for(number + 1)
        with queue.transaction() as transaction:
            transaction.write("q", "last")
        assert seen.wait_for(101)[-1] == "last"
    queue.close()


def test_several_on_one_queue_take_each_message_once(path: str) -> None:
    seen = Seen()
    with ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(MAKERS["consume"](path, seen))
        for number in range(200):
            fill(path, str(number))
        seen.wait_for(200)
    assert sorted(seen.bodies, key=int) == [str(number) for number in range(200)]


def test_all_who_peek_see_all(path: str) -> None:
    everybody = [Seen() for _ in range(3)]
    with ExitStack() as stack:
        for seen in everybody:
            stack.enter_context(MAKERS["peek"](path, seen))
        for number in range(20):
            fill(path, str(number))
        for seen in everybody:
            assert seen.wait_for(20) == [str(number) for number in range(20)]


def test_one_that_ends_leaves_its_messages_to_another(path: str) -> None:
    seen = Seen()
    with MAKERS["consume"](path, seen):
        for number in range(30):
            with MAKERS["consume"](path, seen):
                fill(path, str(number))
            seen.wait_for(number + 1)


def test_derived_watchers_are_woken(path: str) -> None:
    seen = Seen()

    class Own(BaseWatcher):
        def _drain_queue(self) -> None:
            for body, timestamp in self._queue_obj.read_many(10, with_timestamps=True):
                seen(body, timestamp)

    with Own("q", db=path, config=CONFIG):
        write_elsewhere(path, "a")
        seen.wait_for(1)


def test_own_waiter_is_not_the_queues(path: str) -> None:
    queue, seen, stop = Queue("q", db_path=path), Seen(), threading.Event()
    mine = queue.create_activity_waiter(stop_event=stop)
    assert mine is not None
    with QueueWatcher(queue, seen, config=CONFIG):
        fill(path, "a")
        seen.wait_for(1)
    assert not stop.is_set()
    queue.set_stop_event(None)


def test_overridden_maker_of_waiters_is_asked(path: str) -> None:
    asked: list[Any] = []

    class Own(Queue):
        def create_activity_waiter(self, *, stop_event: threading.Event) -> Any:
            asked.append(stop_event)
            return super().create_activity_waiter(stop_event=stop_event)

    seen, queue = Seen(), Own("q", db_path=path)
    watcher = QueueWatcher(queue, seen, config=CONFIG)
    with watcher:
        fill(path, "a")
        seen.wait_for(1)
    assert asked == [watcher._stop_event]


def test_queue_that_is_closed_meanwhile_goes_on(path: str) -> None:
    seen, queue = Seen(), Queue("q", db_path=path, persistent=True)
    with QueueWatcher(queue, seen, config=CONFIG):
        for number in range(20):
            queue.close()
            fill(path, str(number))
            seen.wait_for(number + 1)
    queue.close()


def test_constructing_one_opens_nothing(path: str) -> None:
    for make in MAKERS.values():
        make(path, print)
    assert not os.path.exists(path)


def test_change_of_another_queue_is_looked_at(path: str) -> None:
    """It has time until the fallback: what it looks at must have been told."""
    looked = threading.Event()

    class Watched(QueueWatcher):
        def _has_pending_messages(self) -> bool:
            looked.set()
            return super()._has_pending_messages()

    class Counted(Queue):
        def read_many(self, *arguments: Any, **options: Any) -> Any:
            reads.append(1)
            return super().read_many(*arguments, **options)

    reads: list[int] = []
    queue = Counted("q", db_path=path)
    with Watched(queue, print):
        assert looked.wait(LONG)
        looked.clear()
        fill(path, "a", queue="other")
        assert looked.wait(LONG)
    assert len(reads) == 1  # the one at the start


# ---- ends ----------------------------------------------------------------------------------------


def test_event_stops_all(path: str) -> None:
    stop = threading.Event()
    watchers = [
        QueueWatcher(f"q{number}", print, db=path, stop_event=stop, config=CONFIG)
        for number in range(10)
    ]
    threads = [watcher.start() for watcher in watchers]
    stop.set()
    for thread in threads:
        thread.join(LONG)
        assert not thread.is_alive()


IN_MAIN_THREAD = """
    import os, signal, sys, threading
    from simplebroker import Queue, QueueWatcher

    watcher = QueueWatcher(
        "q", lambda body, timestamp: None, db=sys.argv[1], config={"BROKER_MAX_INTERVAL": 3600}
    )

    def interrupt():
        while watcher._own_waiter is None or not watcher._own_waiter._turn.locked():
            os.sched_yield()
        os.kill(os.getpid(), int(sys.argv[2]))

    threading.Thread(target=interrupt).start()
    watcher.run_forever()
    print("ended")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_a_run(program: Any, path: str, number: int) -> None:
    assert program(IN_MAIN_THREAD, path, int(number)) == "ended\n"


AT_EXIT = """
    import sys
    from simplebroker import Queue, QueueWatcher

    watchers = [QueueWatcher("q", print, db=sys.argv[1], config={"BROKER_MAX_INTERVAL": 3600})
                for _ in range(3)]
    for watcher in watchers:
        watcher.start()
    waiter = Queue("q", db_path=sys.argv[1]).create_activity_waiter(stop_event=None)
    print("end")
"""


def test_interpreter_ends_with_watchers_in_waits(program: Any, path: str) -> None:
    assert program(AT_EXIT, path) == "end\n"


# ---- handlers ------------------------------------------------------------------------------------


@pytest.fixture
def acted(path: str) -> Iterator[Callable[[Callable[[Queue], Any]], None]]:
    """Runs a watcher whose handler acts once on its queue; it must go on with the next message."""

    def run(act: Callable[[Queue], Any]) -> None:
        seen, queue = Seen(), Queue("q", db_path=path, persistent=True)

        def handler(body: str, timestamp: int) -> None:
            seen(body, timestamp)
            if body == "a":
                act(queue)

        with QueueWatcher(queue, handler, config=CONFIG):
            fill(path, "a")
            seen.wait_for(1)
            fill(path, "z")
            assert seen.wait_for(2)[-1] == "z"
        queue.close()

    yield run


def test_handler_that_raises(acted: Any) -> None:
    acted(lambda queue: [][0])


def test_handler_that_closes_its_queue(acted: Any) -> None:
    acted(lambda queue: queue.close())
    acted(lambda queue: queue.cleanup_connections())


def test_handler_that_works_with_its_queue(acted: Any, path: str) -> None:
    def work(queue: Queue) -> None:
        with Queue("other", db_path=path, persistent=True) as other:
            other.write("b")
            waiter = other.create_activity_waiter(stop_event=threading.Event())
            assert waiter is not None and waiter.wait(LONG)
            assert other.read() == "b"
        assert queue.stats().claimed == 1

    acted(work)


def test_handler_that_forks(acted: Any, path: str) -> None:
    def fork(queue: Queue) -> None:
        assert in_child(lambda: os.getpid()) != os.getpid()

    acted(fork)


def test_peeked_message_is_tried_again(path: str) -> None:
    seen = Seen()

    def handler(body: str, timestamp: int) -> None:
        seen(body, timestamp)
        if len(seen.bodies) == 1:
            raise ValueError("not yet")

    with QueueWatcher("q", handler, db=path, peek=True):  # with the usual fallback
        fill(path, "a")
        assert seen.wait_for(2) == ["a", "a"]


# ---- without descriptors -------------------------------------------------------------------------

POLLS = """
    import os, resource, sys, threading, warnings
    from simplebroker import Queue, QueueWatcher
    from simplebroker.watcher import StopWatching

    path, waits, made = sys.argv[1], threading.Event(), threading.Event()

    def write():
        other = Queue("q", db_path=path, persistent=True)
        other.write("a")
        made.set()
        waits.wait()
        other.write("b")
        other.close()

    def handler(body, timestamp):
        print(body)
        waits.set()
        if body == "b":
            raise StopWatching

    writer = threading.Thread(target=write)
    writer.start()
    made.wait()
    queue = Queue("q", db_path=path, persistent=True)
    watcher = QueueWatcher(queue, handler)
    queue.has_pending()
    used = max(map(int, os.listdir("/proc/self/fd")))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used, used))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        watcher.run_forever()
    print([w.category.__name__ for w in told])
    writer.join()
    queue.close()
"""


def test_out_of_descriptors_it_polls(program: Any, path: str) -> None:
    assert program(POLLS, path) == "a\nb\n['RuntimeWarning']\n"


# ---- the database under it -----------------------------------------------------------------------


@pytest.mark.parametrize("make", [MAKERS["consume"], MAKERS["ephemeral"]], ids=["kept", "new"])
def test_database_that_is_deleted_and_made_anew(
    path: str, make: Callable[..., BaseWatcher]
) -> None:
    seen = Seen()
    with make(path, seen):
        fill(path, "a")
        seen.wait_for(1)
        for name in (path, path + "-wal", path + "-shm", path + ".lock"):
            if os.path.exists(name):
                os.unlink(name)
        fill(path, "b")
        assert seen.wait_for(2) == ["a", "b"]


def test_strategies_of_others_get_it(path: str) -> None:
    installed: list[bool] = []
    steps = Steps(lambda: installed.append(steps.uses_native_activity()))
    QueueWatcher("q", print, db=path, polling_strategy=steps, stop_event=steps.stop_event).run()
    assert installed == [True] and not steps.uses_native_activity()
