"""Event loops for tests: each test runs on asyncio's own and on uvloop."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager

import pytest

pytest.importorskip("simplebroker.aio")
import uvloop  # noqa: E402 - only where our package is

LONG = 60  # seconds after which something that should have happened will not


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request):
    """Runs a coroutine to its end, on each kind of loop; fails if the loop was told of an error."""
    factory = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}[request.param]
    errors = []

    def run(coroutine):
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.get_loop().set_exception_handler(lambda loop, context: errors.append(context))
            return runner.run(asyncio.wait_for(coroutine, LONG))

    yield run
    assert errors == []


async def turns(count):
    """Lets the loop run what is ready, so many times."""
    for _ in range(count):
        await asyncio.sleep(0)


async def until(condition):
    """Waits until a coroutine function answers with something true."""
    while not await condition():
        await asyncio.sleep(0.001)


@contextmanager
def busy_threads(broker, count=1):
    """Keeps threads of a broker busy without taking anybody's turn: what is begun, waits."""
    jobs = broker._ready()[0]
    at_work, go = threading.Semaphore(0), threading.Event()

    def hold(hand):
        at_work.release()
        assert go.wait(LONG)

    for _ in range(count):
        jobs.start(hold)
    for _ in range(count):
        assert at_work.acquire(timeout=LONG)
    try:
        yield
    finally:
        go.set()
