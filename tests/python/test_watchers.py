"""Watchers, with real threads and real signals."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simplebroker import Queue, QueueMoveWatcher, QueueWatcher
from simplebroker.db import BrokerDB
from simplebroker.watcher import StopWatching, _StopLoop

LONG = 60.0  # seconds after which a test gives up


@pytest.fixture
def db(tmp_path: Path) -> str:
    return str(tmp_path / "w.db")


def until(count: int, seen: list[str]) -> Callable[[str, int], None]:
    """A handler that ends its watcher with the message number `count`."""

    def handler(body: str, timestamp: int) -> None:
        seen.append(body)
        if len(seen) == count:
            raise StopWatching

    return handler


def fill(db: str, *bodies: str) -> list[int]:
    queue = Queue("q", db_path=db)
    return [queue.write(body) for body in bodies]


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


def test_error_handler_decides_with_false_alone(db: str) -> None:
    fill(db, "a", "b", "c")
    calls: list[tuple[Any, ...]] = []

    def fail(body: str, timestamp: int) -> None:
        raise ValueError(body)

    def on_error(*arguments: Any) -> bool | None:
        calls.append(arguments)
        return False if len(calls) == 2 else None

    QueueWatcher("q", fail, db=db, error_handler=on_error).run()
    assert [(str(error), body) for error, body, _ in calls] == [("a", "a"), ("b", "b")]
    assert Queue("q", db_path=db).stats().pending == 1


def test_errors_are_logged_where_the_configuration_says_so(
    db: str, caplog: pytest.LogCaptureFixture
) -> None:
    fill(db, "a")

    def fail(body: str, timestamp: int) -> None:
        threading.Thread(target=watcher.stop, kwargs={"join": False}).start()
        raise ValueError("first")

    def on_error(error: Exception, body: str, timestamp: int) -> bool:
        raise KeyError("second")

    config = {"BROKER_LOGGING_ENABLED": True}
    watcher = QueueWatcher("q", fail, db=db, error_handler=on_error, config=config)
    with caplog.at_level(logging.ERROR, logger="simplebroker.watcher"):
        watcher.run()
    assert "Error handler failed: 'second'\nOriginal error: first" in caplog.messages


def test_oversized_body_goes_to_the_error_handler(db: str) -> None:
    fill(db, "1234567")
    calls: list[tuple[str, str]] = []

    def on_error(error: Exception, body: str, timestamp: int) -> bool:
        calls.append((str(error), body))
        return False

    config = {"BROKER_MAX_MESSAGE_SIZE": 3}
    QueueWatcher("q", print, db=db, error_handler=on_error, config=config).run()
    assert calls == [("Message size (7 bytes) exceeds 3 byte limit", "1234567...")]


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


def test_works_through_the_methods_of_its_queue(db: str) -> None:
    calls: list[str] = []

    class Counting(Queue):
        def read_many(self, *arguments: Any, **options: Any) -> Any:
            calls.append("read_many")
            return super().read_many(*arguments, **options)

    fill(db, "a")
    QueueWatcher(Counting("q", db_path=db, persistent=True), until(1, [])).run()
    assert calls == ["read_many"]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_signal_ends_the_run_in_the_main_thread(db: str, name: str) -> None:
    fill(db, "a")
    program = f"""
import os, signal
from simplebroker import QueueWatcher
number = signal.{name}
before = signal.getsignal(number)
QueueWatcher("q", lambda body, timestamp: os.kill(os.getpid(), number), db={db!r}).run()
assert signal.getsignal(number) == before
print("returned")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=LONG, check=False
    )
    assert (done.returncode, done.stdout) == (0, "returned\n"), done.stderr
