"""What watchers call: of their queue, of their polling strategy, and of subclasses."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from simplebroker import Queue, QueueMoveWatcher, QueueWatcher, resolve_isolated_config
from simplebroker.watcher import BaseWatcher, PollingStrategy

from .watching import LONG, Steps, Watched, fill, nothing

READ = ("read_many", (1,), {"with_timestamps": True, "after_timestamp": None})
LOOK = ("has_pending", (None,), {})


def quiet(body: str, timestamp: int) -> None:
    """A handler."""


def calls(path: str, *steps: Callable[[], Any], **options: Any) -> list[tuple[Any, ...]]:
    queue, waits = Watched("q", db_path=path), Steps(*steps)
    stop = waits.stop_event
    QueueWatcher(queue, quiet, polling_strategy=waits, stop_event=stop, **options).run()
    return queue.calls


def test_one_message_for_each_drain(path: str) -> None:
    fill(path, "a", "b")
    assert calls(path, nothing, nothing, nothing) == [READ, READ, READ, LOOK]


def test_first_drain_is_always_made_and_others_when_something_is_pending(path: str) -> None:
    def others() -> None:
        fill(path, "x", queue="other")

    assert calls(path, others, nothing, lambda: fill(path, "a")) == [READ, LOOK, LOOK, LOOK, READ]


def test_without_the_idle_check_each_step_drains(path: str) -> None:
    config = {"BROKER_SKIP_IDLE_CHECK": "1"}
    assert calls(path, nothing, nothing, config=config) == [READ] * 3


def test_bound_is_a_bound_of_every_look(path: str) -> None:
    first, *_ = fill(path, "a", "b")
    seen = calls(path, nothing, nothing, after_timestamp=first)
    assert [call[2]["after_timestamp"] for call in seen[:-1]] == [first, first]
    assert seen[-1] == ("has_pending", (first,), {})


@pytest.mark.parametrize("peek", [False, True], ids=["consume", "peek"])
def test_batches_are_streamed(path: str, peek: bool) -> None:
    fill(path, "a", "b")
    first = calls(path, batch_processing=True, peek=peek)[0]
    assert first[:2] == ("stream_messages", ())
    options = {"peek": peek, "all_messages": True, "after_timestamp": None}
    assert first[2].items() >= options.items() and "commit_interval" in first[2]


def test_peek_streams_one_message_after_the_last_that_went_well(path: str) -> None:
    ids = fill(path, "a", "b")
    seen = calls(path, nothing, nothing, peek=True)
    assert [call[0] for call in seen] == ["stream_messages"] * 3
    assert [call[2]["all_messages"] for call in seen] == [False] * 3
    assert [call[2]["after_timestamp"] for call in seen] == [None, *ids]


@pytest.mark.ours  # the reference moves at every step
def test_move_looks_before_it_moves(path: str) -> None:
    fill(path, "a")
    queue, steps = Watched("q", db_path=path), Steps(nothing, nothing, lambda: fill(path, "b"))
    QueueMoveWatcher(
        queue, "done", quiet, polling_strategy=steps, stop_event=steps.stop_event
    ).run()
    move = ("move", ("done",), {})
    assert queue.calls == [move, move, move, LOOK, LOOK, move, move]


@pytest.mark.parametrize("peek", [False, True], ids=["consume", "peek"])
@pytest.mark.parametrize("batch", [False, True], ids=["one", "batch"])
def test_strategy_is_told_of_each_drain_that_found_something(
    path: str, peek: bool, batch: bool
) -> None:
    fill(path, "a", "b")
    steps = Steps(nothing, nothing, nothing)
    options: dict[str, Any] = {"peek": peek, "batch_processing": batch}
    QueueWatcher(
        "q", quiet, db=path, polling_strategy=steps, stop_event=steps.stop_event, **options
    ).run()
    assert steps.notified == (1 if batch else 2)


def test_strategy_is_started_with_the_queues_counter_and_closed(path: str) -> None:
    class Seen(Steps):
        def start(self, *arguments: Any, **options: Any) -> None:
            events.append((arguments[0](), sorted(options)))
            super().start(*arguments, **options)

        def close(self) -> None:
            events.append("closed")
            super().close()

    events: list[Any] = []
    steps = Seen()
    watcher = QueueWatcher("q", quiet, db=path, polling_strategy=steps, stop_event=steps.stop_event)
    watcher.run()
    version, names = events[0]
    assert isinstance(version, int)
    assert names == ["activity_waiter", "on_data_version_change"]
    assert events[1:] == ["closed"]


def test_last_ts_of_the_queue_follows_the_database(path: str) -> None:
    queue, ids = Queue("q", db_path=path), list[int]()
    steps = Steps(
        lambda: ids.extend(fill(path, "x", queue="other")),
        lambda: PollingStrategy.wait_for_activity(steps),
        lambda: ids.append(queue.last_ts or 0),
    )
    QueueWatcher(queue, quiet, polling_strategy=steps, stop_event=steps.stop_event).run()
    assert ids[0] == ids[1]


@pytest.mark.parametrize("persistent", [False, True], ids=["ephemeral", "persistent"])
def test_works_with_handles_of_both_kinds(path: str, persistent: bool) -> None:
    came = threading.Event()
    queue = Queue("q", db_path=path, persistent=persistent)
    with QueueWatcher(queue, lambda body, timestamp: came.set()):
        fill(path, "a")
        assert came.wait(LONG)
    queue.set_stop_event(None)
    assert queue.stats().claimed == 1  # the queue is the caller's, and still open
    queue.close()


def test_closed_queue_opens_again(path: str) -> None:
    came = threading.Event()
    queue = Queue("q", db_path=path, persistent=True)
    with QueueWatcher(queue, lambda body, timestamp: came.set()):
        queue.close()
        fill(path, "a")
        assert came.wait(LONG)
    queue.close()


def test_settings_of_the_configuration_reach_the_strategy(path: str) -> None:
    stop = threading.Event()
    config = resolve_isolated_config(
        {"BROKER_INITIAL_CHECKS": 0, "BROKER_MAX_INTERVAL": 3600, "BROKER_JITTER_FACTOR": 0}
    )
    watcher = QueueWatcher("q", quiet, db=path, config=config, stop_event=stop)
    threading.Timer(0.05, stop.set).start()
    watcher.run()  # a step takes up to an hour: only the event ends it so soon


# ---- subclasses --------------------------------------------------------------------------------


class Draining(BaseWatcher):
    """Hands everything it finds to handlers set by hand, as programs do."""

    def __init__(self, path: str, steps: Steps) -> None:
        self._config = {"UNKNOWN": 1}  # set before the base class is ready
        self.results: list[bool | None] = []
        super().__init__(
            Queue("q", db_path=path),
            polling_strategy=steps,
            stop_event=steps.stop_event,
            config=self._config,
        )

    def _drain_queue(self) -> None:
        for body, timestamp in self._queue_obj.read_many(10, with_timestamps=True):
            self.results.append(self._dispatch(body, timestamp, config=self._config))
            self._strategy.notify_activity()


def test_subclass_dispatches_to_its_handlers(path: str) -> None:
    fill(path, "good", "bad")
    watcher = Draining(path, Steps())
    errors: list[str] = []

    def handler(body: str, timestamp: int) -> None:
        if body == "bad":
            raise ValueError(body)

    watcher._handler = handler
    watcher._error_handler = lambda error, body, timestamp: errors.append(str(error))
    watcher.run()
    assert (watcher.results, errors) == ([True, False], ["bad"])


def test_subclass_that_dispatches_false_is_stopped(path: str) -> None:
    fill(path, "a", "b")
    watcher = Draining(path, Steps(nothing))
    watcher._handler = lambda body, timestamp: 1 / 0  # type: ignore[assignment,return-value]
    watcher._error_handler = lambda error, body, timestamp: False
    watcher.run()
    assert watcher.results == []


def test_subclass_says_whether_a_drain_is_due(path: str) -> None:
    drains: list[int] = []

    class Looking(Draining):
        answers = iter([False, True, False])

        def _has_pending_messages(self) -> bool:
            return next(self.answers)

        def _drain_queue(self) -> None:
            drains.append(1)

    Looking(path, Steps(nothing, nothing, nothing)).run()
    assert len(drains) == 2


def test_subclass_without_an_answer_drains_after_every_wait(path: str) -> None:
    drains: list[int] = []

    class Plain(Draining):
        def _drain_queue(self) -> None:
            drains.append(1)

    Plain(path, Steps(nothing, nothing)).run()
    assert len(drains) == 3


def test_subclass_may_extend_how_a_watcher_looks_and_drains(path: str) -> None:
    fill(path, "a")
    order: list[str] = []

    class Extended(QueueWatcher):
        def _has_pending_messages(self) -> bool:
            order.append("look")
            return super()._has_pending_messages()

        def _drain_queue(self) -> None:
            order.append("drain")
            super()._drain_queue()

    steps = Steps(nothing, nothing)
    Extended("q", quiet, db=path, polling_strategy=steps, stop_event=steps.stop_event).run()
    assert order == ["drain", "look", "drain", "look"]


def test_subclass_stops_itself(path: str) -> None:
    class Once(Draining):
        def _drain_queue(self) -> None:
            self.stop(join=False)
            self._check_stop()
            raise AssertionError("it was to stop")

    Once(path, Steps(nothing)).run()


def test_base_class_is_abstract(path: str) -> None:
    with pytest.raises(TypeError, match="_drain_queue"):
        BaseWatcher("q", db=path)  # type: ignore[abstract]
