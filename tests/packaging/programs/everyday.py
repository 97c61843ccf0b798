"""A program as users write it for either implementation; mypy --strict has to accept it."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from simplebroker import (
    BrokerTarget,
    LoadResult,
    Queue,
    QueueMoveWatcher,
    QueueStats,
    QueueWatcher,
    dump_lines,
    format_message_id,
    load_lines,
    open_broker,
    resolve_config,
    target_for_directory,
)
from simplebroker.db import BrokerDB
from simplebroker.ext import BaseWatcher, BrokerError, OperationalError, SQLiteRunner, SQLRunner


def produce(queue: Queue, bodies: list[str]) -> list[int]:
    return [queue.write(body) for body in bodies]


def consume(queue: Queue) -> list[str]:
    taken: list[str] = []
    for item in queue.read_generator(with_timestamps=True, delivery_guarantee="at_least_once"):
        if isinstance(item, tuple):
            taken.append(f"{format_message_id(item[1])} {item[0]}")
    for body, number in queue.stream_messages(batch_processing=True, commit_interval=10):
        taken.append(f"{number} {body}")
    one = queue.read()
    if isinstance(one, str):
        taken.append(one)
    return taken


def admire(path: Path) -> tuple[int, QueueStats]:
    with open_broker(str(path)) as broker:
        broker.add_alias("short", "a.long.name")
        with broker.sidecar(transaction=True) as session:
            session.run("CREATE TABLE IF NOT EXISTS mine (a INTEGER)")
            rows = list(session.run("SELECT a FROM mine WHERE a > ?", (1,), fetch=True))
        broker.broadcast("hello", queue_names=["one", "two"], create_missing=True)
        return len(rows), broker.get_queue_stat("one")


def copy(source: BrokerTarget, destination: Path) -> LoadResult:
    with open_broker(source) as old, BrokerDB(str(destination)) as new:
        lines: Iterator[str] = dump_lines(old)
        return load_lines(new, lines)


def print_it(body: str, number: int) -> None:
    print(number, body)


def give_up(error: Exception, body: str, number: int) -> bool | None:
    return not isinstance(error, BrokerError)


def watch(queue: Queue, stop: threading.Event) -> None:
    with QueueWatcher(queue, print_it, stop_event=stop, error_handler=give_up):
        stop.wait(1)
    watcher = QueueMoveWatcher("from", "to", print_it, db=".broker.db", max_messages=3)
    watcher.run_in_thread()
    watcher.stop()


class Counting(BaseWatcher):
    """A watcher of one's own."""

    seen = 0

    def _drain_queue(self) -> None:
        self.seen += 1


def adopt(path: str, settings: dict[str, Any]) -> int | None:
    runner: SQLRunner = SQLiteRunner(path)
    queue = Queue("tasks", runner=runner, config=resolve_config(settings))
    try:
        return queue.latest_pending_timestamp()
    except OperationalError as error:
        return 1 if error.retryable else None


def main() -> None:
    target = target_for_directory(Path.cwd())
    with Queue("tasks", db_path=target, persistent=True) as queue:
        produce(queue, ["message 1", "message 2"])
        print(consume(queue), queue.stats().pending, queue.last_ts)
    print(admire(Path("a.db")), copy(target, Path("copy.db")))


if __name__ == "__main__":
    main()
