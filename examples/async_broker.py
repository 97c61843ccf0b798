"""A complete broker for asyncio: every queue of a file through one connection in one thread.

The thread owns the connection from open to close, so that whatever belongs to one thread (open
batches, transactions, sidecar sessions) stays on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from simplebroker import open_broker
from simplebroker.ext import BrokerConnection

T = TypeVar("T")


class AsyncBroker:
    """Made by `async_broker`; all its coroutines may be awaited side by side."""

    def __init__(self, connection: BrokerConnection, thread: ThreadPoolExecutor) -> None:
        self._connection = connection
        self._thread = thread

    async def call(self, function: Callable[[BrokerConnection], T]) -> T:
        """Runs any function of the connection in its thread. For what needs several steps, too."""
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, function, self._connection
        )

    async def write(self, queue: str, body: str) -> int:
        return await self.call(lambda broker: broker.write(queue, body))

    async def read(self, queue: str) -> str | None:
        body: Any = await self.call(
            lambda broker: broker.claim_one(queue, with_timestamps=False)
        )
        return None if body is None else str(body)

    async def peek(self, queue: str) -> str | None:
        body: Any = await self.call(lambda broker: broker.peek_one(queue, with_timestamps=False))
        return None if body is None else str(body)

    async def read_batch(self, queue: str, limit: int) -> list[str]:
        """Up to `limit` messages, taken in one transaction."""
        bodies: Any = await self.call(
            lambda broker: broker.claim_many(queue, limit, with_timestamps=False)
        )
        return list(bodies)

    async def stream(self, queue: str, batch: int = 100) -> AsyncIterator[str]:
        """Messages until the queue is empty."""
        while bodies := await self.read_batch(queue, batch):
            for body in bodies:
                yield body

    async def move(self, source: str, target: str) -> str | None:
        body: Any = await self.call(
            lambda broker: broker.move_one(source, target, with_timestamps=False)
        )
        return None if body is None else str(body)

    async def size(self, queue: str) -> int:
        return (await self.call(lambda broker: broker.get_queue_stat(queue))).pending

    async def list_queues(self) -> list[tuple[str, int]]:
        """(queue, waiting messages) of the queues in which something waits."""
        stats = await self.call(lambda broker: broker.list_queue_stats())
        return [(stat.queue, stat.pending) for stat in stats if stat.pending]

    async def broadcast(self, body: str, queues: Iterable[str]) -> int:
        """Returns how many queues got it; those that do not exist are made."""
        names = list(queues)
        return await self.call(
            lambda broker: broker.broadcast(body, queue_names=names, create_missing=True)
        )


@asynccontextmanager
async def async_broker(path: str) -> AsyncIterator[AsyncBroker]:
    """Opens a broker for the time of an `async with` block."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="broker") as thread:
        opened = open_broker(path)
        connection = await loop.run_in_executor(thread, opened.__enter__)
        try:
            yield AsyncBroker(connection, thread)
        finally:
            await loop.run_in_executor(thread, opened.__exit__, None, None, None)


async def produce(broker: AsyncBroker, name: str) -> None:
    for number in range(5):
        await broker.write("work", f"{name} {number}")


async def consume(broker: AsyncBroker, share: int) -> list[str]:
    """Stops at its share; between two looks the producers go on."""
    taken: list[str] = []
    while len(taken) < share:
        body = await broker.read("work")
        if body is not None:
            taken.append(body)
    return taken


async def main() -> None:
    async with async_broker("broker.db") as broker:
        results = await asyncio.gather(
            produce(broker, "a"), produce(broker, "b"), consume(broker, 5), consume(broker, 5)
        )
        print("consumed:", sum(len(taken) for taken in results if taken))

        print("reached:", await broker.broadcast("hello", ["high", "low"]))
        await broker.write("high", "fire")
        print("queues:", await broker.list_queues())
        print("moved:", await broker.move("low", "high"))
        print("high:", [body async for body in broker.stream("high", batch=2)])
        print("left:", await broker.list_queues())


if __name__ == "__main__":
    asyncio.run(main())
