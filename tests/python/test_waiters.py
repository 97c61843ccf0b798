"""Activity waiters that a backend offers: for one queue, for several, and in a watcher."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from simplebroker import (
    BrokerTarget,
    Queue,
    QueueWatcher,
    create_activity_waiter_for_queues,
)
from simplebroker.ext import OperationalError, SQLiteRunner, get_backend_plugin

from .watching import LONG, Hurried, Steps, fill, until


class Waiter:
    """Signals when it is told to."""

    def __init__(self, fail: bool = False) -> None:
        self.closes = 0
        self.signal = threading.Event()
        self._fail = fail

    def wait(self, timeout: float) -> bool:
        if self._fail:
            raise OperationalError("connection lost")
        came = self.signal.wait(timeout)
        self.signal.clear()
        return came

    def close(self) -> None:
        self.closes += 1


class Plugin:
    """The SQLite backend, with waiters."""

    def __init__(self, make: Callable[[], Waiter] = Waiter) -> None:
        self.made: list[Waiter] = []
        self.asked: list[dict[str, Any]] = []
        self._make = make
        self._sqlite = get_backend_plugin("sqlite")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sqlite, name)

    def create_activity_waiter(self, **options: Any) -> Waiter:
        self.asked.append(options)
        self.made.append(self._make())
        return self.made[-1]


class ManyPlugin(Plugin):
    """It has waiters for several queues too."""

    def create_activity_waiter_for_queues(self, **options: Any) -> Waiter:
        return self.create_activity_waiter(**options)


class Runner(SQLiteRunner):
    """A runner of a backend."""

    def __init__(self, path: str, plugin: Plugin) -> None:
        super().__init__(path)
        self._mine = plugin

    @property
    def backend_plugin(self) -> Any:
        return self._mine


def backed(path: str, plugin: Plugin, name: str = "q") -> Queue:
    fill(path)
    return Queue(name, runner=Runner(path, plugin))


def test_waiter_is_made_once_until_the_queue_is_closed(path: str) -> None:
    plugin, stop = Plugin(), threading.Event()
    queue = backed(path, plugin)
    first = queue.create_activity_waiter(stop_event=stop)
    assert queue.create_activity_waiter(stop_event=threading.Event()) is first
    assert plugin.asked[0]["queue_name"] == "q" and plugin.asked[0]["stop_event"] is stop
    assert plugin.asked[0]["target"] is None and isinstance(plugin.asked[0]["runner"], Runner)
    queue.close()
    assert plugin.made[0].closes == 1
    assert queue.create_activity_waiter(stop_event=stop) is not first
    queue.cleanup_connections()
    queue.cleanup_connections()
    assert [waiter.closes for waiter in plugin.made] == [1, 1]


def test_runner_of_sqlite_has_no_waiters(path: str) -> None:
    stop = threading.Event()
    with SQLiteRunner(path) as runner:
        queue = Queue("q", runner=runner)
        assert queue.create_activity_waiter(stop_event=stop) is None
        assert create_activity_waiter_for_queues([queue], stop_event=stop) is None


def test_signal_wakes_a_watcher(path: str) -> None:
    plugin, came, seen = Plugin(), threading.Event(), list[str]()

    def handler(body: str, timestamp: int) -> None:
        seen.append(body)
        came.set()

    watcher = QueueWatcher(backed(path, plugin), handler)
    fill(path, "a")
    with watcher:
        assert came.wait(LONG)
        came.clear()
        fill(path, "b")
        plugin.made[0].signal.set()
        assert came.wait(LONG)
        came.clear()
        fill(path, "c")  # without a signal: found by the fallback
        assert came.wait(LONG)
    assert seen == ["a", "b", "c"]
    assert [waiter.closes for waiter in plugin.made] == [1]


def test_each_run_has_a_waiter_of_its_own(path: str) -> None:
    plugin = Plugin()
    for _ in range(2):
        fill(path, "a")
        QueueWatcher(backed(path, plugin), until(1, [])).run()
    assert [waiter.closes for waiter in plugin.made] == [1, 1]


@pytest.mark.ours  # the reference's pauses take their time
def test_lost_waiter_is_replaced_by_the_next_run(path: str) -> None:
    plugin, stop = Plugin(lambda: Waiter(fail=True)), Hurried()
    watcher = QueueWatcher(backed(path, plugin), print, stop_event=stop)
    with pytest.raises(OperationalError, match="connection lost"):
        watcher.run()
    assert [pause for pause in stop.pauses if pause >= 1] == [2.0, 4.0]
    assert [waiter.closes for waiter in plugin.made] == [1, 1, 1]


def test_watcher_may_make_its_own_waiter(path: str) -> None:
    mine = Waiter()
    installed: list[bool] = []

    class Own(QueueWatcher):
        def _create_activity_waiter(self, queue: Queue) -> Any:
            return mine

    steps = Steps(lambda: installed.append(steps.detach_activity_waiter() is mine))
    Own("q", print, db=path, polling_strategy=steps, stop_event=steps.stop_event).run()
    assert installed == [True] and mine.closes == 0

    steps = Steps()
    Own("q", print, db=path, polling_strategy=steps, stop_event=steps.stop_event).run()
    assert mine.closes == 1


# ---- several queues ------------------------------------------------------------------------------


def test_one_waiter_for_the_queues_of_a_runner(path: str) -> None:
    plugin, stop = ManyPlugin(), threading.Event()
    runner = Runner(path, plugin)
    queue, other = Queue("q", runner=runner), Queue("other", runner=runner)
    waiter = create_activity_waiter_for_queues([queue, other, queue], stop_event=stop)
    assert waiter is plugin.made[0]  # type: ignore[comparison-overlap]
    assert plugin.asked[0]["queue_names"] == ("q", "other")
    assert plugin.asked[0]["stop_event"] is stop


def test_backend_without_the_hook_has_none(path: str) -> None:
    queue = backed(path, Plugin())
    assert create_activity_waiter_for_queues([queue], stop_event=threading.Event()) is None


def test_queues_of_one_target_however_it_is_written(path: str) -> None:
    queues = [
        Queue("a", db_path=path),
        Queue("b", db_path=BrokerTarget("sqlite", path)),
        Queue("c", db_path=path, persistent=True, config={"BROKER_BUSY_TIMEOUT": 1}),
    ]
    waiter = create_activity_waiter_for_queues(queues, stop_event=threading.Event())
    if waiter is not None:  # the reference has none
        fill(path, "a", queue="b")
        assert waiter.wait(LONG)
        waiter.close()


def test_queues_that_do_not_belong_together(path: str) -> None:
    plain, other = Queue("a", db_path=path), Queue("a", db_path=path + "2")
    one, two = backed(path, ManyPlugin()), backed(path, ManyPlugin())
    for pair in ((plain, other), (plain, one), (one, plain), (one, two)):
        with pytest.raises(ValueError, match="queues cannot safely share one activity waiter"):
            create_activity_waiter_for_queues(pair, stop_event=threading.Event())
    with pytest.raises(ValueError, match="queues cannot be empty"):
        create_activity_waiter_for_queues([], stop_event=threading.Event())
