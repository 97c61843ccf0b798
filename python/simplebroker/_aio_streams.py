"""Asynchronous iterators over queues: to their end, or without one.

An iterator may be left in the middle of what it has claimed. Then it gives the rest back: when it is
closed, which the event loop sees to soon after a `break`, and at the latest when its broker is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from ._aio_hands import Hand, Row
from ._aio_jobs import Jobs
from ._aio_lines import Lines
from ._ids import queue_name

_PAGE = 100


class Rests:
    """What iterators have claimed and not handed out yet."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._rests: dict[int, tuple[str, deque[Row]]] = {}

    def keep(self, queue: str, rows: list[Row]) -> deque[Row]:
        """A rest, to be taken from at its left, and ended."""
        rest = deque(rows)
        self._rests[id(rest)] = (queue, rest)
        return rest

    async def end(self, rest: deque[Row]) -> None:
        """Gives back what is left of one."""
        kept = self._rests.pop(id(rest), None)
        if kept is not None and rest:
            await self._return([kept])

    async def close(self) -> None:
        """Gives all of them back."""
        kept, self._rests = list(self._rests.values()), {}
        if any(rest for _, rest in kept):
            await self._return(kept)

    async def _return(self, kept: list[tuple[str, deque[Row]]]) -> None:
        taken = [(queue, list(rest)) for queue, rest in kept]
        for _, rest in kept:
            rest.clear()
        await self._jobs.finish(lambda hand: hand.give_all_back(taken))


async def stream(
    claim: Callable[[str, int], Awaitable[list[Row]]], rests: Rests, queue: str, batch_size: int
) -> AsyncIterator[str]:
    """Messages until the queue is empty."""
    while rows := await claim(queue, batch_size):
        rest = rests.keep(queue, rows)
        try:
            while rest:
                yield rest.popleft()[0]
        finally:
            await rests.end(rest)


async def taken(lines: Lines, queue: str) -> AsyncIterator[Row]:
    """Messages as they come, each claimed when it is asked for."""
    while True:
        yield await lines.take(queue)


async def shown(jobs: Jobs, lines: Lines, queue: str, after: int | None) -> AsyncIterator[Row]:
    """Messages as they come, left where they are, each once."""
    queue_name(queue)
    seen = -1
    while True:
        seen = await lines.news(queue, seen)
        while True:
            rows: list[Row] = await jobs.run(_page_after(queue, after))
            for row in rows:
                yield row
                after = row[1]
            if len(rows) < _PAGE:
                break


def _page_after(queue: str, after: int | None) -> Callable[[Hand], Any]:
    return lambda hand: hand.peek_many(queue, _PAGE, after_timestamp=after)


async def bodies(rows: AsyncIterator[Row]) -> AsyncIterator[str]:
    """The bodies of messages."""
    async for body, _ in rows:
        yield body
