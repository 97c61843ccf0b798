"""A coroutine cancelled at any await: no message is lost, none comes twice.

The places where a read can be cancelled are met one by one, with threads that are held up; then
all of them by chance.
"""

import asyncio
import random
from collections import Counter

import pytest

from simplebroker import Queue
from simplebroker.db import BrokerDB

from .looping import busy_threads, turns
from .looping import run as run

aio = pytest.importorskip("simplebroker.aio")
pytestmark = pytest.mark.ours

READS = {
    "read": lambda broker: broker.read("q"),
    "read_batch": lambda broker: broker.read_batch("q", 2),
    "get": lambda broker: broker.get("q"),
    "stream": lambda broker: anext(broker.stream("q", 2)),
    "watch": lambda broker: anext(broker.watch("q")),
}
BODIES = ["a", "b", "c"]


@pytest.fixture(params=list(READS))
def read(request):
    """A coroutine function that reads from a broker's queue `q` in one of the ways."""
    way = READS[request.param]

    async def read(broker):
        return await way(broker)

    return read


async def filled(broker, path):
    """The ids of some messages; the broker has its waiter, and waits for nothing."""
    await broker.write("q", "first")
    assert await broker.get("q") == "first"
    return [await broker.write("q", body) for body in BODIES]


async def cancelled(task, times=1):
    for _ in range(times):
        task.cancel()
        await turns(1)
    with pytest.raises(asyncio.CancelledError):
        await task


def check_untouched(path, ids):
    """At once after the cancelled task has ended: all are pending, under their ids."""
    rows = Queue("q", db_path=path).peek_many(10, with_timestamps=True)
    assert rows == list(zip(BODIES, ids, strict=True))


async def until_claimed(broker, path):
    """Lets the loop run until it has started a claim, then blocks it until that is committed."""
    pool, started = broker._ready()[0].pool, []
    submit = pool.submit

    def submit_and_note(job):
        started.append(job)
        return submit(job)

    pool.submit = submit_and_note
    while not started:
        await turns(1)
    pool.submit = submit
    while Queue("q", db_path=path).stats().pending == len(BODIES):
        pass


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("steps", [0, 1, 2, 4])
def test_cancelled_before_its_turn__claims_nothing(run, path, read, steps, times):
    async def main():
        async with aio.async_broker(path, threads=1) as broker:
            ids = await filled(broker, path)
            with busy_threads(broker):
                first = asyncio.create_task(broker.size("q"))  # has the only turn
                await turns(2)
                task = asyncio.create_task(read(broker))
                await turns(steps)
                task.cancel()
                await turns(times)
            await cancelled(task, times)
            assert await first == 3
            check_untouched(path, ids)

    run(main())


@pytest.mark.parametrize("times", [1, 3])
def test_cancelled_before_a_thread_begins__claims_nothing(run, path, read, times):
    async def main():
        async with aio.async_broker(path, threads=1) as broker:
            ids = await filled(broker, path)
            with busy_threads(broker):
                task = asyncio.create_task(read(broker))
                await turns(4)
                task.cancel()
                await turns(times)
            await cancelled(task, times)
            check_untouched(path, ids)

    run(main())


def test_cancelled_while_it_waits_for_a_lock__ends_at_once(run, path, read):
    async def main():
        async with aio.async_broker(path) as broker:
            ids = await filled(broker, path)
            with BrokerDB(path) as other, other.transaction() as transaction:
                transaction.write("elsewhere", "a")
                task = asyncio.create_task(read(broker))
                await turns(4)
                await cancelled(task)  # or the lock would never be let go
            check_untouched(path, ids)

    run(main())


def test_one_of_many_cancelled_while_they_wait_for_a_lock__ends_at_once(run, path):
    async def main():
        async with aio.async_broker(path) as broker:
            await filled(broker, path)
            tasks = [asyncio.create_task(broker.get(f"q{n % 3}")) for n in range(12)]
            await turns(5)
            with BrokerDB(path) as other, other.transaction() as transaction:
                for number in range(12):
                    transaction.write(f"q{number % 3}", str(number))
            with BrokerDB(path) as other, other.transaction() as transaction:
                transaction.write("elsewhere", "a")
                while broker._lines().claims < 2:
                    await asyncio.sleep(0.001)
                for task in tasks[:6]:
                    if not task.done():
                        await cancelled(task)
            await asyncio.gather(*tasks[6:])
            got = sum(1 for task in tasks if not task.cancelled())
            left = sum([await broker.size(f"q{n}") for n in range(3)])
            assert got + left == 12

    run(main())


@pytest.mark.parametrize("later", range(4))
def test_cancelled_after_the_claim__gives_back(run, path, read, later):
    """From the moment of the commit, over that when the loop hears of it, to the last step."""
    async def main():
        async with aio.async_broker(path) as broker:
            ids = await filled(broker, path)
            task = asyncio.create_task(read(broker))
            await until_claimed(broker, path)
            await turns(later)
            if task.done():  # then it has its message
                assert later > 1 and task.result()
                return
            await cancelled(task)
            check_untouched(path, ids)

    run(main())


def test_cancelled_as_its_message_is_handed_out__gives_back_to_the_next(run, path):
    async def main():
        async with aio.async_broker(path) as broker:
            first, second = [asyncio.create_task(broker.get("q")) for _ in range(2)]
            lines = broker._lines()
            await turns(3)
            hand_out = lines._hand_out

            def hand_out_and_cancel(*arguments):
                rest = hand_out(*arguments)
                first.cancel()  # it has its message, and has not been woken
                return rest

            lines._hand_out = hand_out_and_cancel
            await broker.write("q", "a")
            assert await second == "a"
            assert first.cancelled()

    run(main())


def test_timeout__leaves_the_message_to_others(run, path):
    async def main():
        async with aio.async_broker(path) as broker:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await broker.get("q")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(broker.watch("q")), 0.01)
            await broker.write("q", "a")
            assert await asyncio.wait_for(broker.get("q"), 60) == "a"

    run(main())


def test_failing_group__gives_back_what_the_others_were_about_to_take(run, path):
    async def main():
        async with aio.async_broker(path) as broker:
            async def fail():
                raise KeyError

            with pytest.raises(ExceptionGroup):
                async with asyncio.TaskGroup() as group:
                    readers = [group.create_task(broker.get(f"q{n}")) for n in range(50)]
                    await turns(3)
                    await broker.broadcast("m", queue_names=[f"q{n}" for n in range(50)],
                                           create_missing=True)
                    group.create_task(fail())
            got = sum(1 for reader in readers if not reader.cancelled())
            left = sum(count for _, count in await broker.list_queues())
            assert got + left == 50

    run(main())


def test_coroutine_that_is_thrown_away__gives_back(run, path):
    async def main():
        async with aio.async_broker(path) as broker:
            ids = await filled(broker, path)
            for _ in range(20):
                coroutine = broker.read("q")
                waited_for = coroutine.send(None)
                waited_for._asyncio_future_blocking = False
                coroutine.close()
        check_untouched(path, ids)

    run(main())


def test_give_back_that_fails__is_told(path):
    told = []

    async def main():
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda loop, context: told.append(context["exception"]))
        async with aio.async_broker(path, config={"BROKER_BUSY_TIMEOUT": 10}) as broker:
            await broker.write("q", "a")
            def undo(hand, result):
                raise OSError("the disk is on fire")
            task = asyncio.create_task(broker._run(lambda hand: hand.claim_many("q", 1), undo))
            await turns(2)
            task.cancel()
            await asyncio.wait([task])

    for _ in range(200):
        asyncio.run(main())
        if told:
            break
    assert [str(error) for error in told] == ["the disk is on fire"]


# ---- by chance -----------------------------------------------------------------------------------


class Round:
    """Tasks that read in all ways, cancelled after some steps of the loop."""

    def __init__(self, broker, chance):
        self.broker = broker
        self.chance = chance
        self.got = []
        self.ends = Counter()

    async def read(self):
        while (body := await self.broker.read("q")) is not None:
            self.got.append(body)

    async def get(self):
        self.got.append(await self.broker.get("q"))

    async def read_batch(self):
        self.got += await self.broker.read_batch("q", 3)

    async def stream(self):
        async for body in self.broker.stream("q", 4):
            self.got.append(body)
            await turns(self.chance.randrange(2))

    async def watch(self):
        async for body in self.broker.watch("q"):
            self.got.append(body)

    async def one(self, bodies):
        chance = self.chance
        ways = [self.read, self.get, self.read_batch, self.stream, self.watch]
        tasks = [asyncio.create_task(chance.choice(ways)()) for _ in range(chance.randrange(1, 5))]
        writes = [asyncio.create_task(self.broker.write("q", body)) for body in bodies]
        for _ in range(chance.randrange(16)):
            await asyncio.sleep(0 if chance.random() < 0.8 else 0.0002)
        for task in tasks:
            self.ends[task.done()] += 1
            task.cancel()
            if chance.random() < 0.2:
                await turns(1)
                task.cancel()
        await asyncio.wait([*tasks, *writes])


def test_thousands_of_rounds__lose_and_repeat_nothing(run, path):
    async def main():
        async with aio.async_broker(path, config={"BROKER_SYNC_MODE": "OFF"}) as broker:
            rounds = Round(broker, random.Random(1))
            written = 0
            for _ in range(2000):
                count = rounds.chance.randrange(4)
                await rounds.one([str(written + k) for k in range(count)])
                written += count
            assert min(rounds.ends.values()) > 500, rounds.ends
            left = [body async for body in broker.stream("q", 100)]
        left += Queue("q", db_path=path).read_many(1000)
        assert sorted(map(int, rounds.got + left)) == list(range(written))

    run(main())
