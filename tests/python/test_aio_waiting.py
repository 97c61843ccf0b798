"""Tasks that wait for messages: whom one wakes, in which order, and what that takes."""

import asyncio
import subprocess
import sys
import threading
import time

import pytest

from simplebroker import Queue
from simplebroker.db import BrokerDB

from .looping import LONG, turns, until
from .looping import run as run

aio = pytest.importorskip("simplebroker.aio")
pytestmark = pytest.mark.ours


def waiting(broker, name="q", count=1):
    return [asyncio.create_task(broker.get(name)) for _ in range(count)]


async def in_line(broker, name="q", count=1):
    """Waits until so many tasks stand in the line of a queue."""
    async def stand():
        line = broker._lines()._lines.get(name)
        return line is not None and len(line.takers) == count
    await until(stand)


def test_tasks__get_messages_in_the_order_they_came(run, path):
    async def main():
        async with aio.async_broker(path) as broker:
            tasks = waiting(broker, count=20)
            await in_line(broker, count=20)
            for number in range(20):
                await broker.write("q", str(number))
            assert await asyncio.gather(*tasks) == [str(number) for number in range(20)]

    run(main())


def test_message__wakes_one_task(run, path):
    async def main():
        async with aio.async_broker(path) as broker:
            tasks = waiting(broker, count=10)
            await in_line(broker, count=10)
            for number in range(10):
                Queue("q", db_path=path).write(str(number))
                assert await tasks[number] == str(number)
                await turns(5)
                assert sum(task.done() for task in tasks) == number + 1

    run(main())


def test_task_that_comes_later__does_not_overtake(run, path):
    async def main():
        async with aio.async_broker(path) as broker:
            order = []

            async def get(name):
                while len(order) < 30:
                    await broker.get("q")
                    order.append(name)

            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(get(name)) for name in "abc"]
                await in_line(broker, count=3)
                for _ in range(32):
                    await broker.write("q", "m")
                await until(lambda: turns_and(len(order) >= 30))
                for task in tasks:
                    task.cancel()
            assert {order.count(name) for name in "abc"} <= {9, 10, 11}

    run(main())


async def turns_and(answer):
    await turns(1)
    return answer


def test_message_of_before__is_got_at_once(run, path):
    Queue("q", db_path=path).write("a")

    async def main():
        async with aio.async_broker(path) as broker:
            assert await broker.get("q") == "a"

    run(main())


def test_moved_and_handed_back_messages__wake_too(run, path):
    async def main():
        async with aio.async_broker(path) as broker, aio.async_broker(path) as other:
            await other.write("elsewhere", "old")
            await other.write("q", "first")
            assert await broker.get("q") == "first"
            task, = waiting(broker)
            await in_line(broker)
            await other.move("elsewhere", "q")
            assert await task == "old"
            await other.broadcast("x", queue_names=["q"])
            rows = await other._claim("q", 1)
            task, = waiting(broker)
            await in_line(broker)
            await other.call(lambda hand: hand.give_back("q", rows))
            assert await task == "x"

    run(main())


def test_lines_that_nobody_stands_in__are_given_up(run, path):
    async def main():
        async with aio.async_broker(path) as broker:
            await broker.write("q", "a")
            assert await broker.get("q") == "a"
            lines = broker._lines()._lines

            async def given_up():
                await broker.write("q", "b")
                return "q" not in lines
            await until(given_up)
            assert await broker.get("q") == "b"

    run(main())


def test_empty_lines__are_kept_up_to_a_number(run, path, monkeypatch):
    import simplebroker._aio_lines as lines

    monkeypatch.setattr(lines, "_EMPTY_LINES", 10)

    async def main():
        async with aio.async_broker(path, config={"BROKER_SYNC_MODE": "OFF"}) as broker:
            kept = broker._lines()._lines
            for round_ in range(2):
                for number in range(50):
                    task, = waiting(broker, f"q{number}")
                    await turns(4)
                    await broker.write(f"q{number}", str(round_))
                    assert await task == str(round_)
                    assert len(kept) <= 11
            for number in range(50):
                task, = waiting(broker, f"q{number}")
                await turns(4)
                task.cancel()
                await asyncio.wait([task])
                assert len(kept) <= 11
            shown = [broker.watch(f"q{number}", peek=True) for number in range(30)]
            tasks = [asyncio.ensure_future(anext(watch)) for watch in shown]
            await in_line(broker, "q29", 0)
            await broker.broadcast("m", queue_names=[f"q{number}" for number in range(30)],
                                   create_missing=True)
            assert await asyncio.gather(*tasks) == ["m"] * 30

    run(main())


def test_both_kinds_of_watch__see_every_message(run, path):
    async def main():
        async with aio.async_broker(path) as broker:
            async def show():
                shown = broker.watch("q", peek=True)
                return [await anext(shown) for _ in range(3)]

            tasks = [asyncio.create_task(show()) for _ in range(2)]
            for body in "abc":
                await broker.write("q", body)
            assert await asyncio.gather(*tasks) == [["a", "b", "c"]] * 2
            assert await broker.read_batch("q", 9) == ["a", "b", "c"]

    run(main())


WRITER = """
import sys
from simplebroker.db import BrokerDB
with BrokerDB(sys.argv[1]) as broker:
    print("ready", flush=True)
    sys.stdin.readline()
    names = [f"q{number}" for number in range(1000)]
    broker.broadcast("m", queue_names=names, create_missing=True)
"""


def test_thousand_queues__are_served_together(run, path):
    """Written by another process in one commit; no thread waits, and few commits claim."""
    async def main():
        async with aio.async_broker(path) as broker:
            with subprocess.Popen([sys.executable, "-c", WRITER, path], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE) as writer:
                assert writer.stdout.readline() == b"ready\n"
                tasks = [task for n in range(1000) for task in waiting(broker, f"q{n}")]
                await in_line(broker, "q999")
                assert threading.active_count() <= before + 4
                writer.stdin.close()
                started = time.monotonic()
                assert await asyncio.gather(*tasks) == ["m"] * 1000
                assert time.monotonic() - started < 2  # 0.02 of them when nothing else runs
                assert broker._lines().claims <= 20
                assert threading.active_count() <= before + 4

    before = threading.active_count()
    run(main())


def test_waiting__takes_no_time(run, path):
    async def main():
        async with aio.async_broker(path) as broker:
            tasks = [task for n in range(100) for task in waiting(broker, f"q{n}")]
            await in_line(broker, "q99")
            await broker.write("other", "a")
            begun = time.process_time()
            await asyncio.wait(tasks, timeout=1)
            assert time.process_time() - begun < 0.1
            assert await broker.broadcast("m", pattern="q*") == 0
            for task in tasks:
                task.cancel()

    run(main())


def test_waiter_without_a_descriptor__is_asked_now_and_then(run, path, monkeypatch):
    import simplebroker._aio_bell as bell

    class Library:
        """The library where nothing can wake a waiter."""

        def __getattr__(self, name):
            return getattr(native, name)

        def sb_waiter_fd(self, waiter):
            return -1

    native = bell.lib
    monkeypatch.setattr(bell, "lib", Library())

    async def main():
        async with aio.async_broker(path, config={"BROKER_MAX_INTERVAL": 0.01}) as broker:
            tasks = waiting(broker, count=2)
            await in_line(broker, count=2)
            for body in "ab":
                Queue("q", db_path=path).write(body)
            assert await asyncio.gather(*tasks) == ["a", "b"]

    run(main())


def test_waiter_that_fails__tells_those_who_wait(run, path, monkeypatch):
    async def main():
        async with aio.async_broker(path) as broker:
            task, = waiting(broker)
            await in_line(broker)
            bell = broker._lines()._bell
            bell._core.close()  # under it
            await until(lambda: turns_and(look(bell) or task.done()))
            with pytest.raises(RuntimeError, match="closed"):
                await task

    def look(bell):
        if bell._fd >= 0:
            bell._look()

    run(main())


def test_foreign_writers__wake(run, path):
    """The sqlite3 module knows nothing of doorbells."""
    async def main():
        async with aio.async_broker(path) as broker:
            await broker.write("q", "first")
            assert await broker.get("q") == "first"
            task, = waiting(broker)
            await in_line(broker)
            await asyncio.to_thread(write_as_a_stranger, path)
            assert await asyncio.wait_for(task, LONG) == "strange"

    run(main())


def write_as_a_stranger(path):
    import sqlite3
    from contextlib import closing

    with BrokerDB(path) as broker:
        number = broker.generate_timestamp()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO messages (queue, body, ts) VALUES ('q', 'strange', ?)",
                           (number,))
