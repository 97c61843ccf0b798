"""Workers for asyncio: they wait for jobs, several at a time, without a thread for each.

A job that fails or takes too long goes to another queue. At the end the workers are cancelled between two
jobs: who is cancelled while waiting takes no message, so nothing is lost.
"""

from __future__ import annotations

import asyncio

from simplebroker.aio import AsyncBroker, async_broker

WORKERS = 3


async def do(job: str) -> None:
    """What a real worker would do."""
    if job == "job 3":
        raise ValueError("cannot do this one")
    if job == "job 5":
        await asyncio.sleep(60)


class Pool:
    """Workers that take jobs from a queue."""

    def __init__(self, broker: AsyncBroker) -> None:
        self.broker = broker
        self.ended = asyncio.Semaphore(0)  # released once for each job

    async def work(self) -> None:
        async for job in self.broker.watch("jobs"):
            try:
                async with asyncio.timeout(0.2):
                    await do(job)
            except TimeoutError:
                await self.broker.write("too-slow", job)
            except ValueError:
                await self.broker.write("failed", job)
            else:
                await self.broker.write("done", job)
            self.ended.release()

    async def run(self, jobs: int) -> None:
        """Works until so many jobs have ended."""
        workers = [asyncio.create_task(self.work()) for _ in range(WORKERS)]
        for _ in range(jobs):
            await self.ended.acquire()
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


async def main() -> None:
    async with async_broker("async_worker.db") as broker:
        pool = Pool(broker)
        async with asyncio.TaskGroup() as group:
            group.create_task(pool.run(jobs=6))
            for number in range(6):
                await broker.write("jobs", f"job {number}")
        await broker.write("jobs", "job 6")

        for name in ("done", "failed", "too-slow"):
            print(f"{name}:", sorted([job async for job in broker.stream(name)]))
        print("left for the next time:", [job async for job in broker.stream("jobs")])


if __name__ == "__main__":
    asyncio.run(main())
