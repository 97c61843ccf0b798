"""Queues for asyncio: what every method does, alone and side by side."""

import asyncio
import contextlib
import subprocess
import sys
import threading

import pytest

from simplebroker import Queue
from simplebroker.db import BrokerDB

from .looping import LONG, busy_threads, turns
from .looping import run as run

aio = pytest.importorskip("simplebroker.aio")
pytestmark = pytest.mark.ours


def test_queue__does_what_it_says(run, path):
    async def main():
        async with aio.async_broker(path) as broker:
            queue = broker.queue("q")
            ids = [await queue.write(body) for body in "abcdef"]
            assert ids == sorted(set(ids))
            assert await queue.peek() == "a"
            assert await queue.read() == "a"
            assert await queue.move("other") == "b"
            assert await queue.move(broker.queue("other")) == "c"
            assert await queue.delete(ids[3]) == 1
            assert await queue.delete(ids[3]) == 0
            assert await queue.size() == 2
            assert (await queue.stats()).pending == 2
            assert await broker.list_queues() == [("other", 2), ("q", 2)]
            assert await queue.read_batch() == ["e", "f"]
            assert [await queue.read(), await queue.peek(), await queue.read_batch(3)] == [
                None, None, []]
            assert await broker.delete("other") == 2
            assert await queue.move("other") is None

    run(main())


def test_broker__does_what_it_says(run, path):
    async def main():
        async with aio.async_broker(path) as broker:
            assert await broker.broadcast("m", queue_names=["a", "b"], create_missing=True) == 2
            assert await broker.broadcast("n", pattern="a*") == 1
            assert await broker.broadcast("o") == 2
            assert await broker.size("a") == await broker.queue_size("a") == 3
            assert [stats.pending for stats in await broker.stats()] == [3, 2]
            assert (await broker.stats("b")).total == 2
            assert [body async for body in broker.stream("a", 2)] == ["m", "n", "o"]
            assert [body async for body in broker.stream_read("b")] == ["m", "o"]
            await broker.call(lambda inner: inner.write_many("c", ["x", "y"]))
            assert await broker.read_batch("c", 5) == ["x", "y"]

    run(main())


def test_other_handles__see_the_same(run, path):
    async def main():
        async with aio.async_broker(path) as broker:
            await broker.write("q", "from here")
            assert Queue("q", db_path=path).read() == "from here"
            Queue("q", db_path=path).write("from there")
            assert await broker.get("q") == "from there"

    run(main())


@pytest.mark.parametrize("wrong", ["", "a b", "-a"])
def test_name__is_checked(run, path, wrong):
    async def main():
        async with aio.async_broker(path) as broker:
            queue = broker.queue(wrong)
            for call in (lambda: queue.write("a"), queue.read, queue.get, queue.size):
                with pytest.raises(ValueError):
                    await call()
            for stream in (queue.stream(), queue.watch(), queue.watch(peek=True)):
                with pytest.raises(ValueError):
                    await anext(stream)

    run(main())


def test_first_use__opens(run, path, tmp_path):
    async def main():
        broker = aio.AsyncBrokerCore(path)
        assert list(tmp_path.iterdir()) == []
        await aio.AsyncQueue("q", broker).write("a")
        await broker.close()
        assert Queue("q", db_path=path).read() == "a"

    run(main())


def test_queue_of_its_own__closes_its_broker(run, path):
    async def main():
        async with aio.AsyncQueue("q", path) as queue:
            await queue.write("a")
            other = aio.AsyncQueue("other", queue._core)
            async with queue._core.queue("q") as same:
                assert await same.read() == "a"
            assert await other.read() is None
        with pytest.raises(RuntimeError, match="closed"):
            await other.read()

    run(main())


def test_broker_that_cannot_be_opened__says_so_each_time(run, tmp_path):
    (tmp_path / "no.db").write_text("this is no database, but it is long enough to be one")

    async def main():
        broker = aio.AsyncBroker(tmp_path / "no.db")
        for call in (broker.read, broker.get):
            with pytest.raises(RuntimeError) as caught:
                await call("q")
            assert caught.value.__cause__ is not None
        await broker.close()
        with pytest.raises(RuntimeError):
            async with aio.async_broker(tmp_path / "no.db"):
                pass

    run(main())


def test_settings__are_checked(path):
    with pytest.raises(ValueError, match="threads"):
        aio.AsyncBroker(path, threads=0)
    with pytest.raises(ValueError, match="BROKER_BUSY_TIMEOUT"):
        aio.AsyncBroker(path, config={"BROKER_BUSY_TIMEOUT": "long"})


# ---- side by side --------------------------------------------------------------------------------


def test_many_writers_and_readers__lose_and_repeat_nothing(run, path):
    async def main():
        async with aio.async_broker(path, config={"BROKER_SYNC_MODE": "OFF"}) as broker:
            async def write(number):
                for k in range(20):
                    await broker.write("q", f"{number}.{k}")

            async def consume():
                return [await broker.get("q") for _ in range(20)]

            async with asyncio.TaskGroup() as group:
                readers = [group.create_task(consume()) for _ in range(10)]
                for number in range(10):
                    group.create_task(write(number))
            got = [body for reader in readers for body in reader.result()]
            assert sorted(got) == sorted(f"{n}.{k}" for n in range(10) for k in range(20))

    run(main())


def test_operations__are_bounded_and_wait_as_tasks(run, path):
    async def main():
        before = threading.active_count()
        async with aio.async_broker(path, threads=2) as broker:
            jobs = broker._ready()[0]
            with busy_threads(broker, 2):
                tasks = [asyncio.create_task(broker.write("q", str(n))) for n in range(100)]
                await turns(5)
                assert jobs.pool._work_queue.qsize() == 2
            await asyncio.gather(*tasks)
            assert threading.active_count() <= before + 2
            assert await broker.size("q") == 100

    run(main())


def test_loop__goes_on_while_the_storage_waits(run, path):
    async def main():
        async with aio.async_broker(path) as broker:
            with BrokerDB(path) as other, other.transaction() as transaction:
                transaction.write("q", "locked")
                writing = asyncio.create_task(broker.write("q", "a"))
                assert await broker.size("q") == 0
                assert not writing.done()
            await writing
            assert await broker.read_batch("q", 9) == ["locked", "a"]

    run(main())


# ---- streams -------------------------------------------------------------------------------------


def test_stream__ends_when_the_queue_is_empty(run, path):
    async def main():
        async with aio.async_broker(path) as broker:
            queue = broker.queue("q")
            assert [body async for body in queue.stream()] == []
            for number in range(25):
                await queue.write(str(number))
            assert [body async for body in queue.stream(batch_size=10)] == [
                str(number) for number in range(25)]

    run(main())


def test_stream_left_early__gives_back_the_rest_in_order(run, path):
    async def main():
        async with aio.async_broker(path) as broker:
            queue = broker.queue("q")
            ids = [await queue.write(str(number)) for number in range(10)]
            async with contextlib.aclosing(queue.stream(batch_size=8)) as stream:
                assert [await anext(stream), await anext(stream)] == ["0", "1"]
                assert await queue.size() == 2
            assert await queue.size() == 8
            shown = Queue("q", db_path=path).peek_many(10, with_timestamps=True)
            assert shown == [(str(number), ids[number]) for number in range(2, 10)]

    run(main())


def test_stream_left_by_break__gives_back_at_close_at_the_latest(run, path):
    async def main():
        async with aio.async_broker(path) as broker:
            for number in range(10):
                await broker.write("q", str(number))
            kept = broker.stream("q", 8)
            assert await anext(kept) == "0"
            async for body in broker.stream("q", 2):
                assert body == "8"
                break
        with pytest.raises(RuntimeError, match="closed"):
            await anext(kept)

    run(main())
    assert Queue("q", db_path=path).peek_many(10) == [str(number) for number in range(1, 8)] + ["9"]


def test_watch__takes_what_is_there_and_what_comes(run, path):
    async def main():
        async with aio.async_broker(path) as broker:
            queue = broker.queue("q")
            await queue.write("a")
            watch = aiter(queue)
            assert await anext(watch) == "a"
            for body in "bc":
                coming = asyncio.ensure_future(anext(watch))
                await turns(3)
                await queue.write(body)
                assert await coming == body
            await queue.write("d")
            await queue.write("e")
            assert await anext(watch) == "d"
            assert await queue.size() == 1  # the next is claimed when it is asked for
            watch = queue.watch(with_timestamps=True)
            body, number = await anext(watch)
            assert (body, type(number)) == ("e", int)

    run(main())


def test_watch_that_peeks__shows_each_once_and_leaves_it(run, path):
    async def main():
        async with aio.async_broker(path) as broker:
            queue = broker.queue("q")
            first = await queue.write("a")
            await queue.write("b")
            one, two = queue.watch(peek=True), queue.watch(peek=True, after=first)
            assert [await anext(one), await anext(one), await anext(two)] == ["a", "b", "b"]
            coming = [asyncio.ensure_future(anext(watch)) for watch in (one, two)]
            await turns(3)
            await queue.write("c")
            assert await asyncio.gather(*coming) == ["c", "c"]
            assert await queue.size() == 3
            with pytest.raises(ValueError, match="peek"):
                queue.watch(after=first)

    run(main())


def test_watch_that_peeks__shows_more_than_a_page(run, path):
    async def main():
        async with aio.async_broker(path) as broker:
            await broker.call(lambda inner: inner.write_many("q", map(str, range(250))))
            watch = broker.watch("q", peek=True)
            assert [await anext(watch) for _ in range(250)] == list(map(str, range(250)))

    run(main())


# ---- the module ----------------------------------------------------------------------------------


def test_package__does_not_import_asyncio():
    program = "import sys, simplebroker; sys.exit('asyncio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=LONG).returncode == 0
