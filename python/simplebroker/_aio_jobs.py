"""Operations of the storage, run by a few threads for an event loop.

Why a cancelled operation loses nothing: a job is over in one of two ways, and a lock decides which.
Either the loop says first that nobody wants it; then the thread does not begin, or is interrupted,
or undoes what it has done. Or the thread says first that it has finished; then it touches the job
no more, and the loop, which holds the result, has it undone by another job when its task turns out
to be cancelled. Between the result and the task that gets it there is no other await. A cancelled
task goes on only when all of that is over, so that whoever waits for it sees the messages back.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

from ._aio_hands import Hand, Hands
from ._exceptions import HandleClosed

T = TypeVar("T")


async def settled(future: asyncio.Future[Any]) -> asyncio.CancelledError | None:
    """Waits for the end of a future, however often the task is cancelled meanwhile.

    Returns:
        What the task was cancelled with; to be raised when all is done.
    """
    cancelled = None
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError as error:
            cancelled = error
    return cancelled


class Job(Generic[T]):
    """One operation on its way through a thread."""

    def __init__(
        self,
        jobs: Jobs,
        work: Callable[[Hand], T],
        undo: Callable[[Hand, T], object] | None,
    ) -> None:
        self._jobs = jobs
        self._work = work
        self._undo = undo
        self._lock = threading.Lock()
        self._hand: Hand | None = None  # of the thread that is at it
        self._unwanted = False
        self._hurried = False
        self._finished = False
        self._result: Any = None
        self._failure: BaseException | None = None
        self.over: asyncio.Future[None] = jobs.loop.create_future()

    # ---- in the thread -----------------------------------------------------------------------

    def __call__(self) -> None:
        hand = None
        try:
            hand = self._jobs.hands.take()
            if self._begin(hand):
                self._result = self._work(hand)
        except BaseException as error:
            self._failure = error
        unwanted = self._finish()
        if unwanted and hand is not None:
            self._take_back(hand)
        try:
            self._jobs.loop.call_soon_threadsafe(self._tell)
        except RuntimeError:  # the loop is closed: nobody gets it
            if not unwanted and hand is not None:
                self._take_back(hand)
        if hand is not None:
            self._jobs.hands.put(hand)

    def _begin(self, hand: Hand) -> bool:
        with self._lock:
            self._hand = hand
            if self._hurried:
                hand.interrupt()
            return not self._unwanted

    def _finish(self) -> bool:
        with self._lock:
            self._hand = None  # nobody interrupts it from now on
            self._finished = True
            return self._unwanted

    def _take_back(self, hand: Hand) -> None:
        if self._undo is None or self._failure is not None or self._result is None:
            return
        try:
            self._undo(hand, self._result)
        except Exception as error:
            self._jobs.report(error)

    # ---- in the loop -------------------------------------------------------------------------

    def _tell(self) -> None:
        if not self.over.done():
            self.over.set_result(None)

    async def outcome(self) -> T:
        """Runs the job and returns its result; a cancelled one is undone."""
        self._jobs.pool.submit(self)
        try:
            await self.over
        except asyncio.CancelledError:
            await settled(self._withdraw())
            raise
        except BaseException:  # the coroutine is closed: there is no waiting any more
            self._withdraw()
            raise
        return self.result()

    def hurry(self) -> None:
        """Lets it fail with StopException if it waits for a lock; nothing is done then."""
        with self._lock:
            self._hurried = True
            if self._hand is not None:
                self._hand.interrupt()

    def result(self) -> T:
        """The result of a job that is over, or what it raised."""
        if self._failure is not None:
            raise self._failure
        return self._result  # type: ignore[no-any-return]

    def _withdraw(self) -> asyncio.Future[None]:
        """Nobody wants the result. Answers with the end of what that takes."""
        with self._lock:
            self._unwanted = True
            finished = self._finished
        if finished:
            return self._jobs.start(self._take_back).over
        self.hurry()
        self.over = self._jobs.loop.create_future()
        self._jobs.await_at_the_end(self)  # its coroutine may be gone before
        return self.over


class Jobs:
    """A few threads, and the callers that wait for one.

    Args:
        hands: what the threads work with.
        threads: how many operations run at a time; others wait in the order they came, as tasks.
    """

    def __init__(self, hands: Hands, threads: int) -> None:
        self.hands = hands
        self.loop = asyncio.get_running_loop()
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="simplebroker-aio")
        self._threads = threads
        self._closed = False
        self._slots = asyncio.Semaphore(threads)
        self._started: set[asyncio.Future[None]] = set()

    async def run(
        self,
        work: Callable[[Hand], T],
        undo: Callable[[Hand, T], object] | None = None,
    ) -> T:
        """Runs a function in a thread.

        Args:
            work: gets a hand.
            undo: undoes what it has done, when its caller is cancelled; never for None.

        Raises:
            HandleClosed: the broker is closed.
        """
        async with self.turn():
            return await self.job(work, undo).outcome()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Waits until a thread is free, and keeps it for the time of the block.

        Raises:
            HandleClosed: the broker is closed.
        """
        async with self._slots:
            if self._closed:
                raise HandleClosed("the broker is closed")
            yield

    def job(
        self, work: Callable[[Hand], T], undo: Callable[[Hand, T], object] | None = None
    ) -> Job[T]:
        """An operation; for the arguments see `run()`."""
        return Job(self, work, undo)

    def start(self, work: Callable[[Hand], T]) -> Job[T]:
        """Starts what has to be done whatever happens: it waits for nobody's turn."""
        job = self.job(work)
        self.await_at_the_end(job)
        self.pool.submit(job)
        return job

    def await_at_the_end(self, job: Job[Any]) -> None:
        """Lets `drain()` wait for a job that has no turn."""
        self._started.add(job.over)
        job.over.add_done_callback(self._started.discard)

    async def finish(self, work: Callable[[Hand], T]) -> T:
        """The same, and waits for its end; a cancelled task goes on only then."""
        job = self.start(work)
        cancelled = await settled(job.over)
        if cancelled is not None:
            raise cancelled
        return job.result()

    def report(self, error: Exception) -> None:
        """Tells the loop's exception handler what nobody waits for."""
        context = {"message": "messages of a cancelled read stay claimed", "exception": error}
        try:
            self.loop.call_soon_threadsafe(self.loop.call_exception_handler, context)
        except RuntimeError:
            pass  # the loop is closed

    async def drain(self) -> None:
        """Waits for all operations that were called before."""
        for _ in range(self._threads):
            await self._slots.acquire()
        for _ in range(self._threads):
            self._slots.release()
        while self._started:
            await asyncio.wait(self._started)
        await asyncio.sleep(0)  # whose results are there now, gets them

    async def close(self) -> None:
        """Closes the broker and ends the threads. Nothing is under way any more."""
        self._closed = True
        if self.hands.core is not None:
            await self.finish(lambda hand: self.hands.close())
        self.pool.shutdown(wait=False)
