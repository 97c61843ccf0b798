"""How brokers for asyncio end: closed, with open tasks, in another loop, forked, or not at all."""

import asyncio
import gc
import pickle
import subprocess
import sys
import textwrap

import pytest

from simplebroker import Queue
from simplebroker.db import BrokerDB

from .looping import LONG, busy_threads, turns
from .looping import run as run
from .test_fork import in_child

aio = pytest.importorskip("simplebroker.aio")
pytestmark = pytest.mark.ours

CALLS = {
    "write": lambda queue: queue.write("a"),
    "read": lambda queue: queue.read(),
    "get": lambda queue: queue.get(),
    "size": lambda queue: queue.size(),
    "stream": lambda queue: anext(queue.stream()),
    "watch": lambda queue: anext(queue.watch()),
    "watch that peeks": lambda queue: anext(queue.watch(peek=True)),
}


async def check_refused(queue, text):
    for name, call in CALLS.items():
        with pytest.raises(RuntimeError, match=text):
            await call(queue)
            pytest.fail(name)


def test_use_after_close__is_refused(run, path):
    async def main():
        async with aio.async_broker(path) as broker:
            queue = broker.queue("q")
            await queue.write("a")
        await check_refused(queue, "closed")
        await broker.close()

    run(main())


def test_broker_that_was_not_used__closes(run, path, tmp_path):
    async def main():
        broker = aio.AsyncBroker(path)
        await broker.close()
        await broker.close()
        await check_refused(broker.queue("q"), "closed")

    run(main())
    assert list(tmp_path.iterdir()) == []


def test_close__wakes_those_who_wait(run, path):
    async def main():
        async with aio.async_broker(path) as broker:
            queue = broker.queue("q")
            shown = queue.watch(peek=True)
            tasks = [asyncio.ensure_future(anext(shown)), asyncio.ensure_future(queue.get()),
                     asyncio.ensure_future(anext(queue.watch()))]
            await broker.size("q")
            await turns(5)
        for task in tasks:
            with pytest.raises(RuntimeError, match="closed"):
                await task

    run(main())


def test_close__waits_for_what_is_under_way(run, path):
    async def main():
        async with aio.async_broker(path, threads=1) as broker:
            with busy_threads(broker):
                tasks = [asyncio.create_task(broker.write("q", str(n))) for n in range(20)]
                await turns(2)
                closing = [asyncio.create_task(broker.close()) for _ in range(3)]
                await turns(2)
                assert not any(task.done() for task in closing)
            await asyncio.gather(*closing)
        assert all(task.done() and task.result() for task in tasks)

    run(main())
    assert Queue("q", db_path=path).stats().pending == 20


def test_close_that_is_cancelled__is_finished(run, path):
    async def main():
        broker = aio.AsyncBroker(path, threads=1)
        await broker.write("q", "a")
        with busy_threads(broker):
            closing = asyncio.create_task(broker.close())
            await turns(2)
            closing.cancel()
            await turns(2)
        with pytest.raises(asyncio.CancelledError):
            await closing
        assert broker._closing.done()
        await broker.close()

    run(main())


def test_close_while_tasks_take__loses_nothing(run, path):
    got = []

    async def main():
        for _ in range(100):
            async with aio.async_broker(path, config={"BROKER_SYNC_MODE": "OFF"}) as broker:
                async def consume(broker=broker):
                    async for body in broker.watch("q"):
                        got.append(body)

                tasks = [asyncio.create_task(consume()) for _ in range(3)]
                await broker.call(lambda hand: hand.write_many("q", ["m"] * 5))
                await turns(len(got) % 7)
            await asyncio.wait(tasks)
            assert all("closed" in str(task.exception()) for task in tasks)

    run(main())
    assert len(got) + Queue("q", db_path=path).stats().pending == 500


def test_another_loop__is_refused(run, path):
    async def begin():
        broker = aio.AsyncBroker(path)
        await broker.write("q", "a")
        return broker

    broker = run(begin())
    run(check_refused(broker.queue("q"), "another event loop"))
    with pytest.raises(RuntimeError, match="another event loop"):
        run(broker.close())
    del broker
    gc.collect()
    assert Queue("q", db_path=path).read() == "a"


def test_forked_process__is_refused(run, path):
    async def main():
        async with aio.async_broker(path) as broker:
            task = asyncio.create_task(broker.get("q"))
            await broker.size("q")

            def use():
                broker.queue("q").read().send(None)

            def close():
                with pytest.raises(StopIteration):
                    broker.close().send(None)

            with pytest.raises(RuntimeError, match="forked"):
                in_child(use)
            in_child(close)
            await broker.write("q", "a")
            assert await task == "a"

    if sys.version_info >= (3, 12):
        pytest.skip("warns of forks beside threads")
    run(main())


def test_broker__is_not_pickled(path):
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(aio.AsyncBroker(path))


PROGRAMS = {
    "left open": """
        broker = AsyncBroker(path)
        await broker.write("q", "a")
        await broker.get("q")
        """,
    "a task that waits": """
        broker = AsyncBroker(path)
        task = asyncio.create_task(broker.get("q"))
        await broker.write("other", "a")
        """,
    "a watch in a block": """
        async with async_broker(path) as broker:
            task = asyncio.create_task(anext(broker.watch("q")))
            await broker.write("other", "a")
        """,
    "a stream that is left": """
        broker = AsyncBroker(path)
        await broker.write("q", "a")
        await broker.write("q", "b")
        async for body in broker.stream("q"):
            break
        """,
    "an exit": """
        broker = AsyncBroker(path)
        await broker.write("q", "a")
        raise SystemExit(0)
        """,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program__ends_soon_and_silently(path, name):
    program = ("import asyncio, sys\n"
               "from simplebroker.aio import AsyncBroker, async_broker\n"
               "path = sys.argv[1]\n"
               "async def main():\n"
               + textwrap.indent(textwrap.dedent(PROGRAMS[name]), "    ")
               + "\nasyncio.run(main())\n")
    result = subprocess.run([sys.executable, "-X", "dev", "-c", program, path],
                            capture_output=True, encoding="utf-8", timeout=LONG)
    told = [line for line in result.stderr.splitlines() if "never retrieved" not in line]
    if name != "a watch in a block":  # nobody asks that task why it ended
        assert told == []
    assert result.returncode == 0
    with BrokerDB(path) as broker:
        if name == "a stream that is left":
            assert broker.peek_many("q", with_timestamps=False) == ["b"]
