"""A runner that logs: who executes the SQL can be wrapped like any other object.

A runner is whatever has the methods below; no base class is needed. This one hands every call on to
another runner and tells a logger what passed, and how long each transaction was open.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable
from typing import Any

from simplebroker import Queue
from simplebroker.ext import SetupPhase, SQLiteRunner, SQLRunner


class LoggingRunner:
    """Passes every call to `inner`; logs statements at DEBUG, failures at ERROR."""

    def __init__(self, inner: SQLRunner, logger: logging.Logger) -> None:
        self._inner = inner
        self._logger = logger
        self._began = 0.0

    def run(
        self, sql: str, params: tuple[Any, ...] = (), *, fetch: bool = False
    ) -> Iterable[tuple[Any, ...]]:
        """One statement. Whatever it raises is logged and passed on as it is."""
        try:
            rows = list(self._inner.run(sql, params, fetch=fetch))
        except Exception as error:
            self._logger.error("%s failed: %s", summary(sql), error)
            raise
        self._logger.debug("%s", summary(sql))
        return rows

    def begin_immediate(self) -> None:
        self._inner.begin_immediate()
        self._began = time.perf_counter()
        self._logger.debug("begin")

    def commit(self) -> None:
        self._inner.commit()
        self._logger.debug("commit (%s)", "slow" if self._elapsed() > 1 else "fast")

    def rollback(self) -> None:
        self._inner.rollback()
        self._logger.debug("rollback")

    def close(self) -> None:
        self._inner.close()

    # Setting up a file may need several connections and a lock; the inner runner knows how.

    def setup(self, phase: SetupPhase) -> None:
        self._inner.setup(phase)

    def is_setup_complete(self, phase: SetupPhase) -> bool:
        return self._inner.is_setup_complete(phase)

    def _elapsed(self) -> float:
        return time.perf_counter() - self._began


def summary(sql: str) -> str:
    """The first three words of a statement."""
    return " ".join(sql.split()[:3])


def main() -> None:
    logger = logging.getLogger("example.sql")
    queue = Queue("tasks", runner=LoggingRunner(SQLiteRunner("logged.db"), logger))
    queue.exists()  # sets the file up, before anybody listens

    logging.basicConfig(stream=sys.stdout, level=logging.DEBUG, format="%(levelname)s %(message)s")
    queue.write("hello")
    print("read:", queue.read())


if __name__ == "__main__":
    main()
