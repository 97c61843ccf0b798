"""A queue for asyncio: each call runs in a thread of its own, the event loop goes on.

One worker thread is enough: SQLite has one writer, and a persistent queue keeps one connection for
each thread that uses it. async_broker.py does the same for a whole broker.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, TypeVar

from simplebroker import Queue

T = TypeVar("T")


class AsyncQueue:
    """The everyday calls of a Queue, as coroutines.

    A cancelled coroutine stops waiting; its operation is finished by the thread all the same. So
    do not cancel a `read` whose message matters: stop the task between two reads.
    """

    def __init__(self, name: str, db_path: str) -> None:
        self._queue = Queue(name, db_path=db_path, persistent=True)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"queue-{name}")

    async def write(self, body: str) -> int:
        """Returns the id of the message, once it is on the disk."""
        return await self._call(self._queue.write, body)

    async def read(self) -> str | None:
        """The oldest message, taken for good, or None."""
        body: str | None = await self._call(self._queue.read_one)
        return body

    async def read_many(self, limit: int) -> list[str]:
        bodies: list[str] = await self._call(self._queue.read_many, limit)
        return bodies

    async def peek(self) -> str | None:
        body: str | None = await self._call(self._queue.peek_one)
        return body

    async def stream(self, batch: int = 100) -> AsyncIterator[str]:
        """Messages until the queue is empty; `batch` of them are taken at a time."""
        while bodies := await self.read_many(batch):
            for body in bodies:
                yield body

    async def size(self) -> int:
        """How many messages wait."""
        return (await self._call(self._queue.stats)).pending

    async def close(self) -> None:
        await self._call(self._queue.close)
        self._thread.shutdown()

    async def __aenter__(self) -> AsyncQueue:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def _call(self, function: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, function, *arguments
        )


async def consume(queue: AsyncQueue) -> list[str]:
    taken = []
    while (body := await queue.read()) is not None:
        taken.append(body)
    return taken


async def main() -> None:
    async with AsyncQueue("jobs", "async.db") as queue:
        ids = await asyncio.gather(*(queue.write(f"job {n}") for n in range(10)))
        print("written:", len(set(ids)), "waiting:", await queue.size())
        print("next:", await queue.peek())

        shares = await asyncio.gather(consume(queue), consume(queue))
        print("taken by two consumers:", sum(map(len, shares)))

        await asyncio.gather(*(queue.write(f"item {n}") for n in range(5)))
        print("streamed:", [body async for body in queue.stream(batch=2)])


if __name__ == "__main__":
    asyncio.run(main())
