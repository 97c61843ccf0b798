"""Watchers: handlers and error handlers that fail, bodies too large, storage that fails."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from simplebroker import Queue, QueueMoveWatcher, QueueWatcher
from simplebroker._exceptions import StopException
from simplebroker.ext import DatabaseError, OperationalError
from simplebroker.watcher import StopWatching, default_error_handler

from .watching import Hurried, Steps, Watched, failing, fill, nothing, until

LOGGED = {"BROKER_LOGGING_ENABLED": True}
BATCHES = pytest.mark.parametrize("batch", [False, True], ids=["one", "batch"])


def boom(body: str, timestamp: int) -> None:
    raise ValueError(f"boom {body}")


def raises(error: BaseException) -> Callable[..., Any]:
    def function(*arguments: Any) -> None:
        raise error

    return function


def watch(path: str, handler: Callable[..., Any], **options: Any) -> None:
    """Watches until all is drained and there is nothing more."""
    steps = Steps(*[nothing] * 5)
    QueueWatcher(
        "q", handler, db=path, polling_strategy=steps, stop_event=steps.stop_event, **options
    ).run()


class Errors:
    """An error handler that notes its calls."""

    def __init__(self, answer: Any = None) -> None:
        self.calls: list[tuple[str, str, int]] = []
        self._answer = answer

    def __call__(self, error: Exception, body: str, timestamp: int) -> Any:
        self.calls.append((str(error), body, timestamp))
        return self._answer


@BATCHES
@pytest.mark.parametrize("answer", [None, True, 0, "", []], ids=repr)
def test_watcher_goes_on_whatever_the_error_handler_returns(
    path: str, answer: Any, batch: bool
) -> None:
    ids = fill(path, "a", "b")
    errors = Errors(answer)
    watch(path, boom, error_handler=errors, batch_processing=batch)
    assert errors.calls == [("boom a", "a", ids[0]), ("boom b", "b", ids[1])]
    assert Queue("q", db_path=path).stats().pending == 0


@BATCHES
def test_false_of_the_error_handler_stops(path: str, batch: bool) -> None:
    fill(path, "a", "b")
    errors = Errors(False)
    watch(path, boom, error_handler=errors, batch_processing=batch)
    assert [body for _, body, _ in errors.calls] == ["a"]
    assert Queue("q", db_path=path).peek_many() == ["b"]


@BATCHES
@pytest.mark.parametrize("peek", [False, True], ids=["consume", "peek"])
def test_stop_watching_of_the_error_handler_stops(path: str, batch: bool, peek: bool) -> None:
    fill(path, "a", "b")
    bodies: list[str] = []

    def handler(body: str, timestamp: int) -> None:
        bodies.append(body)
        boom(body, timestamp)

    stop = raises(StopWatching())
    watch(path, handler, error_handler=stop, batch_processing=batch, peek=peek)
    assert bodies == ["a"]


def test_stop_exception_of_the_handler_ends_the_run(path: str) -> None:
    fill(path, "a", "b")
    errors = Errors()
    watch(path, raises(StopException("stop")), error_handler=errors)
    assert errors.calls == []
    assert Queue("q", db_path=path).peek_many() == ["b"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)], ids=repr)
def test_what_is_no_exception_passes_through(path: str, error: BaseException) -> None:
    fill(path, "a", "b")
    errors = Errors()
    with pytest.raises(type(error)) as caught:
        watch(path, raises(error), error_handler=errors)
    assert caught.value is error and errors.calls == []
    with pytest.raises(type(error)):
        watch(path, boom, error_handler=raises(error))


def test_handlers_of_another_arity_fail_like_others(path: str) -> None:
    fill(path, "a", "b")
    errors = Errors()
    watch(path, lambda body: None, error_handler=errors)
    assert len(errors.calls) == 2 and "argument" in errors.calls[0][0]
    fill(path, "c", "d")
    watch(path, boom, error_handler=lambda error: None)
    assert Queue("q", db_path=path).stats().pending == 0


def test_storage_errors_of_the_handler_are_the_handlers(path: str) -> None:
    fill(path, "a", "b")
    errors = Errors()
    watch(path, raises(OperationalError("database is locked")), error_handler=errors)
    assert [body for _, body, _ in errors.calls] == ["a", "b"]


def test_failed_peek_is_tried_again_once_for_each_wait(path: str) -> None:
    fill(path, "a", "b")
    errors = Errors()
    watch(path, boom, error_handler=errors, peek=True)
    assert [body for _, body, _ in errors.calls] == ["a"] * 6


def test_nothing_is_logged_by_default(path: str, caplog: pytest.LogCaptureFixture) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise AssertionError("nobody needs the text")

    fill(path, "a", "b", "toolong")
    with caplog.at_level(logging.INFO):
        watch(path, raises(Mute()), config={"BROKER_MAX_MESSAGE_SIZE": 3})
        watch(path, boom, error_handler=raises(KeyError("second")))
    assert caplog.messages == []


def test_default_logs_where_the_configuration_says_so(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    fill(path, "a")
    with caplog.at_level(logging.INFO):
        watch(path, boom, config=LOGGED)
    assert caplog.record_tuples == [
        ("simplebroker.watcher", logging.ERROR, "Handler error: boom a")
    ]


def test_default_error_handler_given_by_hand_logs_always(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    fill(path, "a")
    with caplog.at_level(logging.INFO):
        watch(path, boom, error_handler=default_error_handler)
    assert caplog.messages == ["Handler error: boom a"]


def test_failed_error_handler_is_logged_with_both_errors(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    fill(path, "a")
    second = KeyError("second")
    with caplog.at_level(logging.INFO):
        watch(path, boom, error_handler=raises(second), config=LOGGED)
    assert caplog.messages == ["Error handler failed: 'second'\nOriginal error: boom a"]
    info = caplog.records[0].exc_info
    assert info is not None and info[1] is second


@BATCHES
def test_oversized_bodies_go_to_the_error_handler(path: str, batch: bool) -> None:
    ids = fill(path, "1234567", "éé", "abc")
    errors, seen = Errors(), list[str]()
    config = {"BROKER_MAX_MESSAGE_SIZE": 3}
    watch(path, until(1, seen), error_handler=errors, config=config, batch_processing=batch)
    assert seen == ["abc"]
    assert errors.calls == [
        ("Message size (7 bytes) exceeds 3 byte limit", "1234567...", ids[0]),
        ("Message size (4 bytes) exceeds 3 byte limit", "éé...", ids[1]),
    ]
    assert Queue("q", db_path=path).stats().claimed == 3


def test_oversized_body_is_shown_in_part_and_logged(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    fill(path, "x" * 2500)
    shown: list[str] = []
    config = {"BROKER_MAX_MESSAGE_SIZE": 2000, **LOGGED}
    with caplog.at_level(logging.INFO):
        watch(path, boom, error_handler=lambda e, body, ts: shown.append(body), config=config)
    assert shown == ["x" * 1000 + "..."]
    assert caplog.messages == ["Message size (2500 bytes) exceeds 2000 byte limit"]


def test_oversized_body_stays_in_the_way_of_a_peek(path: str) -> None:
    fill(path, "ab", "toolong", "cd")
    seen: list[str] = []
    errors = Errors()
    config = {"BROKER_MAX_MESSAGE_SIZE": 3}
    watch(path, until(9, seen), error_handler=errors, config=config, peek=True)
    assert seen == ["ab"] and len(errors.calls) > 1


def test_move_is_done_before_its_handler_fails(path: str) -> None:
    fill(path, "a", "b")
    steps = Steps()
    errors = Errors()
    QueueMoveWatcher(
        "q",
        "done",
        boom,
        db=path,
        error_handler=errors,
        polling_strategy=steps,
        stop_event=steps.stop_event,
    ).run()
    assert [body for _, body, _ in errors.calls] == ["a", "b"]
    assert Queue("done", db_path=path).peek_many() == ["a", "b"]


# ---- storage -----------------------------------------------------------------------------------


class Failing(Watched):
    """A queue of which deliveries fail as often as there are errors."""

    def __init__(self, path: str, *errors: BaseException) -> None:
        self._fail = failing(*errors)
        super().__init__("q", db_path=path)

    def read_many(self, *arguments: Any, **options: Any) -> Any:
        self.calls.append(("read_many",))
        self._fail()
        return Queue.read_many(self, *arguments, **options)


def run(queue: Queue) -> tuple[list[str], list[float]]:
    """Watches with pauses that take no time; the bodies handled, and the pauses made."""
    stop, seen = Hurried(), list[str]()
    QueueWatcher(queue, until(1, seen), stop_event=stop, polling_strategy=Steps()).run()
    return seen, stop.pauses


@pytest.mark.ours  # it waits elsewhere than on the event
def test_drain_is_tried_five_times_and_a_run_three_times(path: str) -> None:
    fill(path, "a")
    queue = Failing(path, *[OperationalError("database is locked")] * 99)
    stop = Hurried()
    with pytest.raises(OperationalError, match="database is locked"):
        QueueWatcher(queue, boom, stop_event=stop, polling_strategy=Steps()).run()
    assert len(queue.calls) == 15
    assert [pause for pause in stop.pauses if pause >= 1] == [2.0, 4.0]
    drains = [pause for pause in stop.pauses if pause < 1]
    limits = [0.05, 0.1, 0.2, 0.4] * 3
    assert len(drains) == len(limits)
    assert all(0 <= pause <= limit for pause, limit in zip(drains, limits, strict=True))


@pytest.mark.ours
def test_run_is_tried_again_after_any_error(path: str) -> None:
    fill(path, "a")
    seen, pauses = run(Failing(path, DatabaseError("bad"), ValueError("odd")))
    assert (seen, pauses) == (["a"], [2.0, 4.0])


def test_look_is_tried_again_at_once(path: str) -> None:
    fail = failing(*[OperationalError("database is locked")] * 4)

    class Looking(Watched):
        def has_pending(self, *arguments: Any, **options: Any) -> Any:
            self.calls.append(("has_pending",))
            fail()
            return Queue.has_pending(self, *arguments, **options)

    queue, steps = Looking("q", db_path=path), Steps(lambda: fill(path, "a"), stop_event=Hurried())
    seen: list[str] = []
    QueueWatcher(queue, until(1, seen), polling_strategy=steps, stop_event=steps.stop_event).run()
    assert seen == ["a"]
    assert queue.names() == ["read_many", *["has_pending"] * 5, "read_many"]


def test_drain_is_tried_again_at_once(path: str) -> None:
    fill(path, "a")
    queue = Failing(path, OperationalError("database is locked"))
    seen, _ = run(queue)
    assert seen == ["a"] and queue.names() == ["read_many"] * 2


@pytest.mark.parametrize("error", [StopException("stop"), StopWatching()], ids=repr)
def test_what_ends_a_run_is_not_tried_again(path: str, error: Exception) -> None:
    fill(path, "a")
    queue = Failing(path, error)
    assert run(queue)[0] == [] and queue.names() == ["read_many"]


@pytest.mark.ours
def test_stop_ends_the_pause_between_runs(path: str) -> None:
    class Stopped(Hurried):
        def wait(self, timeout: float | None = None) -> bool:
            self.set()
            return super().wait(timeout)

    queue = Failing(path, ValueError("odd"))
    QueueWatcher(queue, boom, stop_event=Stopped(), polling_strategy=Steps()).run()
    assert queue.names() == ["read_many"]


@pytest.mark.ours
def test_runs_have_a_limit_in_time(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import simplebroker._base_watcher as module

    monkeypatch.setattr(module, "_RETRY_CAP", -1.0)
    queue = Failing(path, ValueError("odd"))
    with pytest.raises(TimeoutError) as caught:
        run(queue)
    assert str(caught.value.__cause__) == "odd"


def test_error_before_another_run_is_logged(path: str, caplog: pytest.LogCaptureFixture) -> None:
    fill(path, "a")
    steps = Steps()

    class Stopping(Failing):
        def cleanup_connections(self) -> None:
            steps.stop_event.set()
            super().cleanup_connections()

    with caplog.at_level(logging.DEBUG, logger="simplebroker.watcher"):
        QueueWatcher(
            Stopping(path, ValueError("odd")),
            boom,
            polling_strategy=steps,
            stop_event=steps.stop_event,
        ).run()
    assert any("Watcher error (retry 1/3): odd" in message for message in caplog.messages)
