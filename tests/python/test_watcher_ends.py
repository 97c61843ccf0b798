"""How watchers end: by signals, with the interpreter, and by being forgotten."""

from __future__ import annotations

import gc
import threading
import warnings
import weakref
from collections.abc import Callable

import pytest

from simplebroker import Queue, QueueWatcher

from .watching import LONG, fill, until

Program = Callable[..., str]

BEGIN = """
import atexit, os, signal, sys, threading
from simplebroker import Queue, QueueMoveWatcher, QueueWatcher
from simplebroker.watcher import StopWatching
path = sys.argv[1]
queue = Queue("q", db_path=path)
"""
SIGNALS = pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])


@pytest.fixture
def watching(program: Program, path: str) -> Program:
    """Runs a program that watches; what it printed, line by line."""

    def run(source: str, *arguments: str) -> str:
        return program(BEGIN + source, path, *arguments)

    return run


@SIGNALS
def test_signal_ends_an_idle_run(watching: Program, name: str) -> None:
    lines = watching(
        """
number = getattr(signal, sys.argv[2])
before = signal.getsignal(number)
steps = []
class Seen(Queue):
    def has_pending(self, *arguments):
        if not steps:
            os.kill(os.getpid(), number)
        steps.append(1)
        return super().has_pending(*arguments)
watcher = QueueWatcher(Seen("q", db_path=path), print)
watcher.run()
print("returned", watcher.is_running(), signal.getsignal(number) == before)
""",
        name,
    )
    assert lines == "returned False True\n"


@SIGNALS
def test_message_in_hand_is_finished_and_no_other_begun(watching: Program, name: str) -> None:
    lines = watching(
        """
def handler(body, timestamp):
    os.kill(os.getpid(), getattr(signal, sys.argv[2]))
    print("finished", body)
queue.write("a")
queue.write("b")
QueueWatcher("q", handler, db=path).run()
print(queue.stats().pending)
""",
        name,
    )
    assert lines == "finished a\n1\n"


@SIGNALS
def test_handlers_of_the_program_are_put_back(watching: Program, name: str) -> None:
    lines = watching(
        """
number = getattr(signal, sys.argv[2])
def mine(*arguments):
    print("mine")
for before in (mine, signal.SIG_IGN, signal.SIG_DFL):
    signal.signal(number, before)
    queue.write("a")
    watcher = QueueWatcher("q", lambda *_: os.kill(os.getpid(), number), db=path)
    watcher.run()
    print(signal.getsignal(number) == before)
    queue.write("b")
    def fail(body, timestamp):
        raise SystemExit
    try:
        QueueWatcher("q", fail, db=path).run()
    except SystemExit:
        print(signal.getsignal(number) == before)
""",
        name,
    )
    assert lines == "True\n" * 6


def test_many_signals(watching: Program) -> None:
    lines = watching(
        """
def handler(body, timestamp):
    for _ in range(100):
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
queue.write("a")
QueueWatcher("q", handler, db=path).run()
print("returned")
"""
    )
    assert lines == "returned\n"


def test_watcher_in_a_thread_leaves_signals_alone(watching: Program) -> None:
    lines = watching(
        """
numbers = (signal.SIGINT, signal.SIGTERM)
before = [signal.getsignal(number) for number in numbers]
seen = threading.Event()
def handler(body, timestamp):
    print([signal.getsignal(number) for number in numbers] == before)
    seen.set()
queue.write("a")
with QueueWatcher("q", handler, db=path):
    seen.wait()
    try:
        os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait(60)
    except KeyboardInterrupt:
        print("interrupted")
"""
    )
    assert lines == "True\ninterrupted\n"


def test_exit_finishes_the_message_in_hand(watching: Program) -> None:
    lines = watching(
        """
entered, leaving = threading.Event(), threading.Event()
def handler(body, timestamp):
    entered.set()
    leaving.wait()
    print("finished", body)
queue.write("a")
queue.write("b")
atexit.register(leaving.set)
watcher = QueueWatcher("q", handler, db=path)
watcher.start()
entered.wait()
"""
    )
    assert lines == "finished a\n"


def test_exit_waits_a_few_seconds_at_most(watching: Program) -> None:
    lines = watching(
        """
entered = threading.Event()
def handler(body, timestamp):
    entered.set()
    threading.Event().wait(60)
    print("too late")
queue.write("a")
watcher = QueueWatcher("q", handler, db=path)
watcher.start()
entered.wait()
print("leaving")
"""
    )
    assert lines == "leaving\n"


def test_exit_with_many_watchers_at_work(watching: Program) -> None:
    lines = watching(
        """
config = {"BROKER_SYNC_MODE": "OFF"}
for number in range(8):
    name = f"q{number}"
    QueueWatcher(name, lambda body, timestamp: None, db=path, config=config).start()
    busy = Queue(name, db_path=path, config=config, persistent=True)
    for _ in range(20):
        busy.write("x")
print("leaving")
"""
    )
    assert lines == "leaving\n"


def test_child_of_a_fork_leaves_with_none_of_the_threads(watching: Program) -> None:
    lines = watching(
        """
import warnings
warnings.simplefilter("ignore")  # of threads and fork
watcher = QueueWatcher("q", print, db=path)
watcher.start()
sys.stdout.flush()
child = os.fork()
if not child:
    sys.exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    )
    assert lines == "7\n"


def test_nothing_keeps_a_watcher_that_has_ended(path: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fill(path, "a")
        for start in ("run", "start"):
            watcher = QueueWatcher("q", until(1, []), db=path)
            thread = getattr(watcher, start)()
            if thread is not None:
                fill(path, "b")
                thread.join(LONG)
            reference = weakref.ref(watcher)
            del watcher, thread
            gc.collect()
            assert reference() is None


def test_watcher_never_started_is_collected_quietly(path: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        reference = weakref.ref(QueueWatcher("q", print, db=path))
        gc.collect()
        assert reference() is None


def test_started_watcher_works_though_nobody_holds_it(path: str) -> None:
    came, stop = threading.Event(), threading.Event()
    thread = QueueWatcher("q", lambda body, timestamp: came.set(), db=path, stop_event=stop).start()
    gc.collect()
    fill(path, "a")
    assert came.wait(LONG)
    stop.set()
    thread.join(LONG)


def test_ended_watchers_leave_no_open_files(path: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        for _ in range(10):
            queue = Queue("q", db_path=path, persistent=True)
            with QueueWatcher(queue, print), QueueWatcher("q", print, db=path):
                pass
            queue.close()
            del queue
            gc.collect()
