"""Watchers, with real threads and real signals."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from simplebroker import BrokerTarget, Queue, QueueMoveWatcher, QueueWatcher
from simplebroker._exceptions import StopException
from simplebroker.db import BrokerDB
from simplebroker.ext import InvalidConfigError, QueueNameError
from simplebroker.watcher import StopWatching, _StopLoop

from .watching import LONG, Steps, fill, until


@pytest.fixture
def db(path: str) -> str:
    return path


@pytest.mark.parametrize("batch", [False, True])
def test_consumes_what_is_there_in_order(db: str, batch: bool) -> None:
    fill(db, "a", "b", "c")
    seen: list[str] = []
    QueueWatcher("q", until(3, seen), db=db, batch_processing=batch).run()
    assert seen == ["a", "b", "c"]
    assert not Queue("q", db_path=db).has_pending()


@pytest.mark.parametrize("batch", [False, True])
def test_peek_leaves_messages_and_tries_a_failed_one_again(db: str, batch: bool) -> None:
    fill(db, "a", "b")
    seen: list[str] = []

    def handler(body: str, timestamp: int) -> None:
        seen.append(body)
        if seen == ["a"]:
            raise ValueError("not yet")
        if body == "b":
            raise StopWatching

    QueueWatcher("q", handler, db=db, peek=True, batch_processing=batch).run()
    assert seen == ["a", "a", "b"]
    assert Queue("q", db_path=db).stats().pending == 2


def test_bound_leaves_older_messages(db: str) -> None:
    ids = fill(db, "a", "b")
    seen: list[str] = []
    QueueWatcher("q", until(1, seen), db=db, after_timestamp=ids[0]).run()
    assert seen == ["b"]
    assert Queue("q", db_path=db).peek() == "a"


@pytest.mark.ours
def test_old_name_of_the_bound(db: str) -> None:
    ids = fill(db, "a", "b")
    seen: list[str] = []
    QueueWatcher("q", until(1, seen), db=db, since_timestamp=ids[0]).run()
    assert seen == ["b"]
    with pytest.raises(TypeError):
        QueueWatcher("q", print, db=db, after_timestamp=1, since_timestamp=1)


def test_sees_messages_written_later(db: str) -> None:
    came = threading.Event()
    with QueueWatcher("q", lambda body, timestamp: came.set(), db=db) as watcher:
        assert watcher.is_running()
        fill(db, "later")
        assert came.wait(LONG)


def test_thread_is_a_daemon_and_ends_with_stop(db: str) -> None:
    watcher = QueueWatcher("q", print, db=db)
    assert not watcher.is_running()
    thread = watcher.start()
    assert thread.daemon and watcher.is_running()
    watcher.stop(timeout=LONG)
    watcher.stop(timeout=LONG)
    assert not thread.is_alive() and not watcher.is_running()


def test_stopped_watcher_ends_at_once_when_started_again(db: str) -> None:
    fill(db, "a")
    seen: list[str] = []
    watcher = QueueWatcher("q", until(1, seen), db=db)
    watcher.stop()
    watcher.run()
    assert seen == []


def test_stop_in_the_handler_lets_no_other_call_begin(db: str) -> None:
    fill(db, "a", "b", "c")
    seen: list[str] = []

    def handler(body: str, timestamp: int) -> None:
        seen.append(body)
        watcher.stop(join=False)

    watcher = QueueWatcher("q", handler, db=db, batch_processing=True)
    watcher.run()
    assert seen == ["a"]


def test_moves_and_counts_up_to_its_maximum(db: str) -> None:
    fill(db, "a", "b", "c")
    seen: list[str] = []
    watcher = QueueMoveWatcher("q", "done", until(9, seen), db=db, max_messages=2)
    watcher.run()
    assert (seen, watcher.move_count) == (["a", "b"], 2)
    assert (watcher.source_queue, watcher.dest_queue) == ("q", "done")
    assert Queue("done", db_path=db).peek_many() == ["a", "b"]


def test_wrong_arguments(db: str) -> None:
    for arguments, options, error, text in (
        (("q", 3), {}, TypeError, "handler must be callable"),
        (("q", print), {"error_handler": 3}, TypeError, "error_handler must be callable"),
        (("q", print), {"db": 3}, TypeError, "Watcher db= must be a path"),
    ):
        with pytest.raises(error, match=text):
            QueueWatcher(*arguments, **{"db": db, **options})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="Cannot move messages to the same queue"):
        QueueMoveWatcher("q", "q", print, db=db)
    assert _StopLoop is StopWatching


def test_of_a_broker_only_the_path_is_taken(db: str) -> None:
    seen: list[str] = []
    with BrokerDB(db) as broker:
        watcher = QueueWatcher("q", until(1, seen), db=broker)
    fill(db, "a")
    watcher.run()
    assert seen == ["a"]


def test_start_hands_over_a_running_watcher_and_with_stops_it(db: str) -> None:
    watcher = QueueWatcher("q", print, db=db)
    with watcher as entered:
        assert entered is watcher and watcher.is_running()
    assert not watcher.is_running()
    with pytest.raises(KeyError), QueueWatcher("q", print, db=db) as watcher:
        raise KeyError
    assert not watcher.is_running()


def test_is_running_while_it_runs_in_the_calling_thread(db: str) -> None:
    fill(db, "a")
    states: list[bool] = []

    def handler(body: str, timestamp: int) -> None:
        states.append(watcher.is_running())
        watcher.stop()  # does not wait for the thread that it is called in

    watcher = QueueWatcher("q", handler, db=db)
    watcher.run()
    assert [*states, watcher.is_running()] == [True, False]


def test_two_runs_at_once(db: str) -> None:
    watcher = QueueWatcher("q", print, db=db)
    threads = [watcher.start(), watcher.start()]
    assert threads[0] is not threads[1]
    watcher.stop(timeout=LONG)
    for thread in threads:
        thread.join(LONG)
    assert not any(thread.is_alive() for thread in threads) and not watcher.is_running()


@pytest.mark.parametrize("peek", [False, True], ids=["consume", "peek"])
@pytest.mark.parametrize("batch", [False, True], ids=["one", "batch"])
def test_no_handler_call_begins_after_stop(db: str, batch: bool, peek: bool) -> None:
    fill(db, "a", "b", "c")
    entered, stopped, seen = threading.Event(), threading.Event(), list[str]()

    def handler(body: str, timestamp: int) -> None:
        seen.append(body)
        entered.set()
        assert stopped.wait(LONG)

    watcher = QueueWatcher("q", handler, db=db, batch_processing=batch, peek=peek)
    thread = watcher.start()
    assert entered.wait(LONG)
    stops = [threading.Thread(target=watcher.stop) for _ in range(4)]
    for stop in stops:
        stop.start()
    watcher.stop(join=False)
    stopped.set()
    for stop in [*stops, thread]:
        stop.join(LONG)
    assert seen == ["a"]
    assert Queue("q", db_path=db).stats().pending == (3 if peek else 2)


def test_stop_waits_no_longer_than_its_timeout(db: str) -> None:
    fill(db, "a")
    entered, go_on = threading.Event(), threading.Event()

    def handler(body: str, timestamp: int) -> None:
        entered.set()
        assert go_on.wait(LONG)

    watcher = QueueWatcher("q", handler, db=db)
    thread = watcher.start()
    assert entered.wait(LONG)
    watcher.stop(timeout=0.01)
    assert watcher.is_running() and thread.is_alive()
    go_on.set()
    watcher.stop(timeout=LONG)
    assert not watcher.is_running() and not thread.is_alive()


def test_stop_takes_keywords_only(db: str) -> None:
    with pytest.raises(TypeError):
        QueueWatcher("q", print, db=db).stop(True)  # type: ignore[misc]


def test_event_of_the_caller_stops(db: str) -> None:
    stop = threading.Event()
    thread = QueueWatcher("q", print, db=db, stop_event=stop).start()
    stop.set()
    thread.join(LONG)
    assert not thread.is_alive()


def test_cleared_event_lets_it_start_again(db: str) -> None:
    stop, seen = threading.Event(), list[str]()
    watcher = QueueWatcher("q", until(1, seen), db=db, stop_event=stop)
    stop.set()
    watcher.run()
    stop.clear()
    fill(db, "a")
    watcher.run()
    assert seen == ["a"]


def test_queue_of_a_watcher_is_stopped_with_it(db: str) -> None:
    queue, stop = Queue("q", db_path=db), threading.Event()
    QueueWatcher(queue, print, stop_event=stop)
    stop.set()
    with pytest.raises(StopException):
        queue.write("a")
    queue.set_stop_event(None)
    queue.write("a")


def test_after_stop_watching_it_can_run_again(db: str) -> None:
    seen: list[str] = []
    watcher = QueueWatcher("q", until(1, seen), db=db)
    for body in "ab":
        fill(db, body)
        seen.clear()
        watcher.run()
        assert seen == [body]


@pytest.mark.parametrize("form", [str, Path, "target", "broker"])
def test_forms_of_the_place(db: str, form: Any) -> None:
    fill(db, "a")
    with BrokerDB(db) as broker:
        place = {"target": BrokerTarget("sqlite", db), "broker": broker}.get(form) or form(db)
        watcher = QueueWatcher("q", until(1, []), db=place)
    watcher.run()
    assert not Queue("q", db_path=db).has_pending()


def test_default_place_is_that_of_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fill(str(tmp_path / "mine.db"), "a")
    seen: list[str] = []
    config = {"BROKER_DEFAULT_DB_NAME": "mine.db"}
    QueueWatcher("q", until(1, seen), config=config).run()
    assert seen == ["a"]


def test_queue_object_needs_no_place(db: str) -> None:
    fill(db, "a")
    seen: list[str] = []
    place: Any = 3  # not looked at
    QueueWatcher(Queue("q", db_path=db), until(1, seen), db=place).run()
    assert seen == ["a"]


def test_construction_opens_nothing(db: str) -> None:
    QueueWatcher("q", print, db=db)
    QueueMoveWatcher("q", "done", print, db=db)
    assert not Path(db).exists()


@pytest.mark.parametrize("name", ["a b", "", "@alias"])
def test_bad_queue_names(db: str, name: str) -> None:
    with pytest.raises(QueueNameError):
        QueueWatcher(name, print, db=db)


def test_bad_settings(db: str) -> None:
    with pytest.raises(InvalidConfigError):
        QueueWatcher("q", print, db=db, config={"BROKER_MAX_INTERVAL": "often"})


# ---- moves ---------------------------------------------------------------------------------------


def stopping_moves(db: str, limit: int | None) -> QueueMoveWatcher:
    steps = Steps()
    return QueueMoveWatcher(
        "q",
        "done",
        until(9, []),
        db=db,
        max_messages=limit,
        polling_strategy=steps,
        stop_event=steps.stop_event,
    )


@pytest.mark.parametrize("limit, count", [(None, 3), (0, 3), (1, 1), (2, 2), (3, 3), (5, 3)])
def test_maximum_of_moves(db: str, limit: int | None, count: int) -> None:
    fill(db, "a", "b", "c")
    watcher = stopping_moves(db, limit)
    watcher.run()
    assert watcher.move_count == count
    assert Queue("done", db_path=db).peek_many() == ["a", "b", "c"][:count]


def test_at_its_maximum_a_watcher_is_stopped(db: str) -> None:
    fill(db, "a", "b", "c")
    stop = threading.Event()
    watcher = QueueMoveWatcher("q", "d", until(9, []), db=db, max_messages=2, stop_event=stop)
    watcher.run()
    assert stop.is_set()
    watcher.run()
    assert watcher.move_count == 2
    stop.clear()
    watcher.run()
    assert watcher.move_count == 3


def test_failed_handlers_count_as_moves(db: str) -> None:
    fill(db, "a", "b")

    def fail(body: str, timestamp: int) -> None:
        raise ValueError

    watcher = QueueMoveWatcher("q", "done", fail, db=db, max_messages=1)
    watcher.run()
    assert watcher.move_count == 1


def test_move_watcher_checks_no_handler_and_no_destination(db: str) -> None:
    fill(db, "a")
    nobody: Any = None
    steps = Steps()
    QueueMoveWatcher(
        "q", "done", nobody, db=db, polling_strategy=steps, stop_event=steps.stop_event
    ).run()
    assert Queue("done", db_path=db).peek() == "a"
    QueueMoveWatcher("q", "d d", print, db=db, error_handler=nobody)


def test_move_watcher_of_a_queue_object(db: str) -> None:
    queue = Queue("q", db_path=db)
    watcher = QueueMoveWatcher(queue, "done", print)
    assert (watcher.source_queue, watcher.dest_queue, watcher.move_count) == ("q", "done", 0)
    with pytest.raises(ValueError, match="Cannot move messages to the same queue"):
        QueueMoveWatcher(queue, "q", print)
    for name in ("source_queue", "dest_queue", "move_count"):
        with pytest.raises(AttributeError):
            setattr(watcher, name, 1)
