"""Tasks that wait for messages, in a line for each queue.

What comes to a queue is claimed for its line, as many messages as tasks stand there, and handed out
from its head. Queues that have something at the same time are claimed from together. So a message
wakes one task, the one that has waited longest, and a thousand queues cost a handful of commits.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from typing import Any

from ._aio_bell import Bell, open_waiter
from ._aio_hands import Hand, Row
from ._aio_jobs import Job, Jobs, settled
from ._exceptions import StopException
from ._ids import queue_name

_QUEUES_AT_ONCE = 250  # claimed from in one transaction, during which no writer gets its turn
_MESSAGES_AT_ONCE = 1000
_EMPTY_LINES = 1024  # kept, since most are stood in again soon


class _Line:
    """Who waits at one queue."""

    def __init__(self, name: str, count: int) -> None:
        self.name = name
        self.takers: deque[asyncio.Future[Row]] = deque()
        self.lookers: list[asyncio.Future[None]] = []
        self.count = count  # another number after each time that something came
        self.ready = False  # there may be messages
        self.claim: Job[Any] | None = None  # under way
        self.settled: asyncio.Future[None] | None = None  # when what it takes is handed out or back

    def is_empty(self) -> bool:
        return not self.takers and not self.lookers and self.claim is None


class Lines:
    """The lines of a broker.

    Args:
        jobs: where claims are run.
        pause: seconds between two looks where nothing can wake the waiter.
    """

    def __init__(self, jobs: Jobs, pause: float) -> None:
        self._jobs = jobs
        self._pause = pause
        self._lines: dict[str, _Line] = {}
        self._due: dict[str, _Line] = {}
        self._empty: dict[str, _Line] = {}  # the longest empty first
        self._counter = itertools.count()
        self._bell: Bell | None = None
        self._opening: asyncio.Task[None] | None = None
        self._serving = False
        self.claims = 0  # operations that claimed, so far
        self._closed: Exception | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    # ---- those who wait ----------------------------------------------------------------------

    async def take(self, name: str) -> Row:
        """Waits for a message of a queue, and claims it."""
        line = await self._line(name)
        place: asyncio.Future[Row] = self._jobs.loop.create_future()
        line.takers.append(place)
        if line.ready and line.claim is None:
            self._due[name] = line
            self._serve_due()
        try:
            return await place
        except BaseException as error:
            leaving = self._leave(line, place)
            if leaving is not None and isinstance(error, asyncio.CancelledError):
                await settled(leaving)
            raise

    def _leave(self, line: _Line, place: asyncio.Future[Row]) -> asyncio.Future[None] | None:
        """A task stops waiting. Answers with what has to be over before it may go on."""
        if place in line.takers:
            line.takers.remove(place)
        if place.done() and not place.cancelled() and place.exception() is None:
            return self._give_back([(line.name, [place.result()])])
        place.cancel()
        self._keep_or_drop(line)
        if line.claim is not None:
            line.claim.hurry()  # if it waits for a lock, it begins anew for the others
        return line.settled  # perhaps what was meant for this task; it goes to the next, or back

    async def news(self, name: str, seen: int) -> int:
        """Waits until something came to a queue since a number that this returned; -1: at once."""
        line = await self._line(name)
        if line.count == seen:
            looker: asyncio.Future[None] = self._jobs.loop.create_future()
            line.lookers.append(looker)
            try:
                await looker
            finally:
                if looker in line.lookers:
                    line.lookers.remove(looker)
                self._keep_or_drop(line)
        return line.count

    async def _line(self, name: str) -> _Line:
        encoded = queue_name(name)
        if self._closed is not None:
            raise self._closed
        if self._bell is None:
            if self._opening is None:
                self._opening = self._start(self._open())
            await asyncio.shield(self._opening)
        assert self._bell is not None
        if self._closed is not None:
            raise self._closed
        self._empty.pop(name, None)
        line = self._lines.get(name)
        if line is None:
            self._bell.add(encoded)
            line = self._lines[name] = _Line(name, next(self._counter))
        return line

    def _keep_or_drop(self, line: _Line) -> None:
        """A line may be empty. Only so many of these are kept."""
        if not line.is_empty() or self._lines.get(line.name) is not line:
            return
        self._empty[line.name] = line
        if len(self._empty) > _EMPTY_LINES:
            oldest = next(iter(self._empty.values()))
            self._drop(oldest)

    def _drop(self, line: _Line) -> None:
        """Whoever stands in it next adds it again, and is told of what is there."""
        self._empty.pop(line.name, None)
        del self._lines[line.name]
        if self._bell is not None and self._closed is None:
            self._bell.remove(queue_name(line.name))

    async def _open(self) -> None:
        try:
            waiter, core = await self._jobs.run(lambda hand: (open_waiter(hand.core), hand.core))
            self._bell = Bell(core, waiter, self._heard, self._fail, self._pause)
        finally:
            self._opening = None  # who comes after a failure tries again

    # ---- what comes --------------------------------------------------------------------------

    def _heard(self, names: list[str]) -> None:
        for name in names:
            line = self._lines.get(name)
            if line is not None:
                self._came(line)
        self._serve_due()

    def _came(self, line: _Line) -> None:
        if self._closed is not None:
            return
        line.count = next(self._counter)
        lookers, line.lookers = line.lookers, []
        for looker in lookers:
            if not looker.done():
                looker.set_result(None)
        if line.takers:
            if line.claim is None:
                self._due[line.name] = line
        elif line.ready and not lookers and line.is_empty():
            self._drop(line)  # nobody has come for it since the last time
        line.ready = True

    def _serve_due(self) -> None:
        if self._due and not self._serving:
            self._serving = True
            self._start(self._serve())

    def _start(self, coroutine: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = self._jobs.loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _serve(self) -> None:
        """Claims for the lines that are due; one claim at a time, for all that came meanwhile."""
        try:
            while self._due:
                async with self._jobs.turn():
                    lines = self._next_due()
                    if lines:
                        await self._claim_for(lines)
        finally:
            self._serving = False

    def _next_due(self) -> list[_Line]:
        lines = list(itertools.islice(self._due.values(), _QUEUES_AT_ONCE))
        for line in lines:
            del self._due[line.name]
        return [line for line in lines if line.takers]  # the others have been left

    async def _claim_for(self, lines: list[_Line]) -> None:
        wanted = [(line.name, min(len(line.takers), _MESSAGES_AT_ONCE)) for line in lines]
        job = self._jobs.job(lambda hand: hand.claim_for_all(wanted), Hand.give_all_back)
        over = self._jobs.loop.create_future()
        self.claims += 1
        for line in lines:
            line.ready, line.claim, line.settled = False, job, over
        try:
            claimed = await self._outcome(job, wanted)
            left = [
                (line.name, self._hand_out(line, rows, most))
                for line, (_, most), (_, rows) in zip(lines, wanted, claimed, strict=True)
            ]
            if any(rows for _, rows in left):
                await settled(self._give_back(left))
        finally:
            for line in lines:
                line.claim = None
            over.set_result(None)

    async def _outcome(self, job: Job[Any], wanted: list[tuple[str, int]]) -> Any:
        try:
            return await job.outcome()
        except Exception as error:
            return [(name, error) for name, _ in wanted]

    def _hand_out(self, line: _Line, rows: Any, most: int) -> list[Row]:
        """Gives each row, or a failure, to a task; answers with the rows that there is none for."""
        line.claim = None
        failed = isinstance(rows, Exception)
        if isinstance(rows, StopException):
            rest: deque[Any] = deque()  # somebody was in a hurry
        else:
            rest = deque([rows] if failed else rows)
        line.ready = line.ready or failed or len(rest) == most  # there may be more
        while rest and line.takers:
            place = line.takers.popleft()
            if not place.done():
                give = place.set_exception if failed else place.set_result
                give(rest.popleft())
        if line.ready and line.takers:
            self._due[line.name] = line
        self._keep_or_drop(line)
        return [] if failed else list(rest)

    def _give_back(self, taken: list[tuple[str, list[Row]]]) -> asyncio.Task[None]:
        return self._start(self._return(taken))

    async def _return(self, taken: list[tuple[str, list[Row]]]) -> None:
        await self._jobs.finish(lambda hand: hand.give_all_back(taken))
        for name, rows in taken:
            line = self._lines.get(name)
            if line is not None and rows:
                self._came(line)
        self._serve_due()

    # ---- the end -----------------------------------------------------------------------------

    def _fail(self, error: Any) -> None:
        self._closed = error
        for line in self._lines.values():
            places: list[asyncio.Future[Any]] = [*line.takers, *line.lookers]
            for place in places:
                if not place.done():
                    place.set_exception(error)
            line.takers.clear()
            line.lookers.clear()
        self._due.clear()

    async def close(self, error: Exception) -> None:
        """Ends all waiting with an exception, and waits for what is under way."""
        self._fail(error)
        await asyncio.sleep(0)  # who has been given a message, and is cancelled, gives it back
        while self._tasks:
            await asyncio.wait(self._tasks)
        if self._bell is not None:
            self._bell.close()
