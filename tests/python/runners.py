"""Runners for the tests: over a connection of the application's, watched, and made to fail."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from simplebroker import Queue, open_broker, resolve_config
from simplebroker.db import BrokerCore, DBConnection

PASS = object()
"""What a hook answers for statements that are to run as usual."""


class ConnectionRunner:
    """The least that a runner needs, over the application's own connection."""

    def __init__(self, connection: sqlite3.Connection | None = None) -> None:
        self.connection = connection or sqlite3.connect(
            ":memory:", isolation_level=None, check_same_thread=False
        )

    def run(self, sql: str, params: tuple[Any, ...] = (), *, fetch: bool = False) -> Any:
        rows = self.connection.execute(sql, params).fetchall()
        return rows if fetch else []

    def begin_immediate(self) -> None:
        self.connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        if self.connection.in_transaction:
            self.connection.execute("COMMIT")

    def rollback(self) -> None:
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    def close(self) -> None:
        self.connection.close()

    def setup(self, phase: Any) -> None:
        """Nothing to prepare."""

    def is_setup_complete(self, phase: Any) -> bool:
        return False


class Recorder(ConnectionRunner):
    """Notes what it is asked for, its SQL in one line; a hook may answer instead, or raise."""

    def __init__(self, connection: sqlite3.Connection | None = None) -> None:
        super().__init__(connection)
        self.calls: list[str] = []
        self.statements: list[tuple[str, tuple[Any, ...], bool]] = []
        self.hook: Callable[[str, tuple[Any, ...], bool], Any] | None = None
        self.fails: dict[str, BaseException] = {}

    def run(self, sql: str, params: tuple[Any, ...] = (), *, fetch: bool = False) -> Any:
        self._note("run")
        text = " ".join(sql.split())
        self.statements.append((text, params, fetch))
        if self.hook is not None:
            answer = self.hook(text, params, fetch)
            if answer is not PASS:
                return answer
        return super().run(sql, params, fetch=fetch)

    def begin_immediate(self) -> None:
        self._note("begin")
        super().begin_immediate()

    def commit(self) -> None:
        self._note("commit")
        super().commit()

    def rollback(self) -> None:
        self._note("rollback")
        super().rollback()

    def close(self) -> None:
        self._note("close")
        super().close()

    def _note(self, call: str) -> None:
        self.calls.append(call)
        if call in self.fails:
            raise self.fails[call]

    def forget(self) -> None:
        self.calls.clear()
        self.statements.clear()


@contextmanager
def of_a_queue(runner: Any) -> Iterator[Any]:
    with Queue("q", runner=runner) as queue, queue.get_connection() as broker:
        yield broker


@contextmanager
def of_a_persistent_queue(runner: Any) -> Iterator[Any]:
    with Queue("q", runner=runner, persistent=True) as queue, queue.get_connection() as broker:
        yield broker


@contextmanager
def of_open_broker(runner: Any) -> Iterator[Any]:
    with open_broker("label.db", runner) as broker:
        yield broker


@contextmanager
def of_a_core(runner: Any) -> Iterator[Any]:
    yield BrokerCore(runner, config=resolve_config())


@contextmanager
def of_a_connection(runner: Any) -> Iterator[Any]:
    with DBConnection("label.db", runner) as connection:
        yield connection.get_connection()


WAYS = [of_a_queue, of_a_persistent_queue, of_open_broker, of_a_core, of_a_connection]


def file_runner(path: Path) -> Recorder:
    return Recorder(sqlite3.connect(path, isolation_level=None, check_same_thread=False))
