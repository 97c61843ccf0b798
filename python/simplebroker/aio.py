"""Queues for asyncio.

    async with async_broker("jobs.db") as broker:
        queue = broker.queue("thumbnails")
        await queue.write("cat.png")
        async for name in queue.watch():
            await make_thumbnail(name)

Storage work runs in a few threads, and no thread waits for messages: the event loop watches the
descriptor of the core's waiter. All methods are coroutines that may run side by side, on the loop
that used the broker first.

Cancellation, also by `asyncio.timeout()`: a message is delivered when the coroutine that reads it
returns. One that is cancelled before claims nothing, or makes the message pending again under the
same id before it raises CancelledError. A cancelled write, move or delete that waits for a lock does
nothing; otherwise it may have been done.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Literal, TypeVar, overload

from . import _aio_streams as _streams
from ._aio_hands import Hand, Hands, Row, claim_rows
from ._aio_jobs import Jobs, settled
from ._aio_lines import Lines
from ._config import SNAPSHOT, config_handle
from ._exceptions import HandleClosed
from ._inventory import Inventory
from ._results import QueueStats
from ._session import open_at
from ._targets import BrokerTarget, as_target

T = TypeVar("T")


class AsyncBroker:
    """Every queue of one file. Opened by its first operation, or by `async with`.

    Args:
        db_path: path of the file, which is created, or a target.
        config: settings; the environment at the first import of the package by default.
        threads: how many operations run at a time, at least 1; others wait for their turn in the
            order they came.

    Raises:
        ValueError: for less than one thread.
        InvalidConfigError: for a setting with a value that it cannot take.

    All coroutines raise RuntimeError: the broker is closed, belongs to another event loop or to the
    parent of this process, or cannot be opened (then the cause says why). They raise QueueNameError
    for a name that no queue can have, and OperationalError when the storage fails.
    """

    def __init__(
        self,
        db_path: str | os.PathLike[str] | BrokerTarget,
        *,
        config: Mapping[str, Any] = SNAPSHOT,
        threads: int = 4,
    ) -> None:
        if threads < 1:
            raise ValueError("threads must be at least 1")
        self.db_path = db_path
        self._config = config_handle(config)
        self._target = as_target(db_path)
        self._threads = threads
        self._process = os.getpid()
        self._parts: tuple[Jobs, Lines, _streams.Rests] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._closed = False

    # ---- messages ----------------------------------------------------------------------------

    async def write(self, queue: str, message: str) -> int:
        """Appends a message to a queue.

        Returns:
            Its id; the message is durable.

        Raises:
            MessageError: for a message that cannot be stored.
        """
        return await self._run(lambda hand: hand.write(queue, message))

    async def read(self, queue: str) -> str | None:
        """Takes the oldest message of a queue; None when there is none."""
        rows = await self._claim(queue, 1)
        return rows[0][0] if rows else None

    async def get(self, queue: str) -> str:
        """The same, but waits for a message. Who has waited longest gets the next one."""
        return (await self._lines().take(queue))[0]

    async def read_batch(self, queue: str, batch_size: int) -> list[str]:
        """Takes the oldest messages of a queue, at most so many, in one transaction."""
        return [body for body, _ in await self._claim(queue, batch_size)]

    async def peek(self, queue: str) -> str | None:
        """The oldest message of a queue, which stays there; None when there is none."""
        body: str | None = await self._run(lambda hand: hand.peek_one(queue, with_timestamps=False))
        return body

    async def move(self, source: str, destination: str) -> str | None:
        """Moves the oldest message of a queue to another.

        Returns:
            The message; None when there is none.

        Raises:
            ValueError: for the same queue twice.
        """
        body: str | None = await self._run(
            lambda hand: hand.move_one(source, destination, with_timestamps=False)
        )
        return body

    async def delete(self, queue: str, message_id: int | str | None = None) -> int:
        """Removes messages of a queue, claimed ones included.

        Args:
            queue: its name.
            message_id: only this one; None: all.

        Returns:
            How many were removed.
        """
        if message_id is None:
            return await self._run(lambda hand: hand.delete(queue))
        number = message_id
        return await self._run(lambda hand: hand.delete_message_ids(queue, [number]))

    async def broadcast(
        self,
        message: str,
        *,
        pattern: str | None = None,
        queue_names: Sequence[str] | None = None,
        create_missing: bool = False,
    ) -> int:
        """Writes a copy of a message to several queues, all or none.

        Args:
            message: the body.
            pattern: shell-style, case-sensitive; None and "": all existing queues.
            queue_names: these queues instead; missing ones are passed over.
            create_missing: write to named queues that do not exist yet, too.

        Returns:
            How many queues were reached.
        """
        return await self._run(
            lambda hand: hand.broadcast(
                message, pattern=pattern, queue_names=queue_names, create_missing=create_missing
            )
        )

    # ---- iterators ---------------------------------------------------------------------------

    def stream(self, queue: str, batch_size: int = 10) -> AsyncIterator[str]:
        """Takes messages until the queue is empty.

        What was claimed and is not asked for goes back when the iterator is closed: soon after a
        `break`, at once by `contextlib.aclosing()`.

        Args:
            queue: its name.
            batch_size: how many are claimed at a time.
        """
        return _streams.stream(self._claim, self._ready()[2], queue, batch_size)

    stream_read = stream

    @overload
    def watch(
        self,
        queue: str,
        *,
        peek: bool = ...,
        after: int | None = ...,
        with_timestamps: Literal[False] = ...,
    ) -> AsyncIterator[str]: ...
    @overload
    def watch(
        self,
        queue: str,
        *,
        peek: bool = ...,
        after: int | None = ...,
        with_timestamps: Literal[True],
    ) -> AsyncIterator[tuple[str, int]]: ...
    def watch(
        self,
        queue: str,
        *,
        peek: bool = False,
        after: int | None = None,
        with_timestamps: bool = False,
    ) -> AsyncIterator[Any]:
        """Messages as they come, without an end: it waits for new ones.

        The next one is claimed when it is asked for; until then it may go to somebody else.

        Args:
            queue: its name.
            peek: leave the messages where they are, and show each once, in the order of their ids.
            after: with `peek`, an id; only messages after it. None: all that are there, too.
            with_timestamps: yield `(body, id)` instead of the body.

        Raises:
            ValueError: `after` without `peek`.
        """
        if after is not None and not peek:
            raise ValueError("after requires peek")
        jobs, lines, _ = self._ready()
        rows = _streams.shown(jobs, lines, queue, after) if peek else _streams.taken(lines, queue)
        return rows if with_timestamps else _streams.bodies(rows)

    # ---- questions ---------------------------------------------------------------------------

    async def queue_size(self, queue: str) -> int:
        """How many messages of a queue are pending."""
        return (await self.stats(queue)).pending

    size = queue_size

    async def list_queues(self) -> list[tuple[str, int]]:
        """Name and number of pending messages of each queue that has some, in byte order.

        `simplebroker.open_broker()` has a method of this name that answers with names alone.
        """
        every = await self.stats()
        return [(stats.queue, stats.pending) for stats in every if stats.pending]

    @overload
    async def stats(self, queue: str) -> QueueStats: ...
    @overload
    async def stats(self, queue: None = None) -> list[QueueStats]: ...
    async def stats(self, queue: str | None = None) -> QueueStats | list[QueueStats]:
        """Counts of one queue, which need not exist; None: of all that do."""
        if queue is None:
            return await self._run(lambda hand: hand.list_queue_stats())
        name = queue
        return await self._run(lambda hand: hand.get_queue_stat(name))

    async def call(self, function: Callable[[Inventory], T]) -> T:
        """Runs a function in one of the threads, for what there is no method for.

        Args:
            function: gets the broker, whose methods are those of `open_broker()`; it must not keep
                it. It is not undone when the caller is cancelled.
        """
        return await self._run(function)

    # ---- handles -----------------------------------------------------------------------------

    def queue(self, name: str) -> AsyncQueue:
        """A queue of this broker; a context manager over it does not close the broker."""
        queue = AsyncQueue(name, self)
        queue._closes_core = False
        return queue

    async def close(self) -> None:
        """Closes the broker. Repeatable.

        Tasks that wait for messages get a RuntimeError; operations under way are finished, and what
        iterators have claimed and not handed out goes back.
        """
        if self._process != os.getpid():
            self._closed = True
            return
        if self._parts is not None and self._closing is None:
            self._ready()
            self._closing = asyncio.get_running_loop().create_task(self._close(*self._parts))
        self._closed = True
        if self._closing is not None:
            cancelled = await settled(self._closing)
            if cancelled is not None:
                raise cancelled
            self._closing.result()

    async def _close(self, jobs: Jobs, lines: Lines, rests: _streams.Rests) -> None:
        await lines.close(HandleClosed("the broker was closed"))
        await jobs.drain()
        await rests.close()
        await jobs.close()

    async def __aenter__(self) -> AsyncBroker:
        await self._run(lambda hand: None)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({os.fspath(self._target.display_target)!r})"

    def __reduce__(self) -> Any:
        raise TypeError("AsyncBroker instances cannot be pickled. Create one in each process.")

    # ---- what runs it ------------------------------------------------------------------------

    def _ready(self) -> tuple[Jobs, Lines, _streams.Rests]:
        if self._process != os.getpid():
            raise RuntimeError(
                "this broker belongs to the parent of this forked process; open a new one"
            )
        if self._closed:
            raise HandleClosed("the broker is closed")
        if self._parts is None:
            jobs = Jobs(Hands(lambda: open_at(self._target, self._config)), self._threads)
            lines = Lines(jobs, self._config.values["BROKER_MAX_INTERVAL"])
            self._parts = (jobs, lines, _streams.Rests(jobs))
        elif self._parts[0].loop is not asyncio.get_running_loop():
            raise RuntimeError("this broker belongs to another event loop; open a new one")
        return self._parts

    async def _run(
        self, work: Callable[[Hand], T], undo: Callable[[Hand, T], object] | None = None
    ) -> T:
        return await self._ready()[0].run(work, undo)

    async def _claim(self, queue: str, most: int) -> list[Row]:
        return await self._run(
            lambda hand: claim_rows(hand, queue, most),
            lambda hand, rows: hand.give_back(queue, rows),
        )

    def _lines(self) -> Lines:
        return self._ready()[1]


AsyncBrokerCore = AsyncBroker


class AsyncQueue:
    """One queue of an asynchronous broker.

    Args:
        name: of the queue, literally.
        core: its broker, or the path of its file. As a context manager the queue closes it, unless
            the queue was made by `AsyncBroker.queue()`.
    """

    _closes_core = True

    def __init__(self, name: str, core: AsyncBroker | str | os.PathLike[str]) -> None:
        self.name = name
        self._core = core if isinstance(core, AsyncBroker) else AsyncBroker(core)

    async def write(self, message: str) -> int:
        """Appends a message, and returns its id; see `AsyncBroker.write()`."""
        return await self._core.write(self.name, message)

    async def read(self) -> str | None:
        """Takes the oldest message; None when there is none."""
        return await self._core.read(self.name)

    async def get(self) -> str:
        """Takes the oldest message, and waits for one; see `AsyncBroker.get()`."""
        return await self._core.get(self.name)

    async def read_batch(self, size: int = 10) -> list[str]:
        """Takes the oldest messages, at most `size`, in one transaction."""
        return await self._core.read_batch(self.name, size)

    async def peek(self) -> str | None:
        """The oldest message, which stays there; None when there is none."""
        return await self._core.peek(self.name)

    async def move(self, destination: str | AsyncQueue) -> str | None:
        """Moves the oldest message to another queue; see `AsyncBroker.move()`."""
        other = destination.name if isinstance(destination, AsyncQueue) else destination
        return await self._core.move(self.name, other)

    async def delete(self, message_id: int | str | None = None) -> int:
        """Removes all messages, or one, and returns how many; see `AsyncBroker.delete()`."""
        return await self._core.delete(self.name, message_id)

    def stream(self, batch_size: int = 10) -> AsyncIterator[str]:
        """Takes messages until the queue is empty; see `AsyncBroker.stream()`."""
        return self._core.stream(self.name, batch_size)

    @overload
    def watch(
        self, *, peek: bool = ..., after: int | None = ..., with_timestamps: Literal[False] = ...
    ) -> AsyncIterator[str]: ...
    @overload
    def watch(
        self, *, peek: bool = ..., after: int | None = ..., with_timestamps: Literal[True]
    ) -> AsyncIterator[tuple[str, int]]: ...
    def watch(
        self, *, peek: bool = False, after: int | None = None, with_timestamps: bool = False
    ) -> AsyncIterator[Any]:
        """Messages as they come, without an end; see `AsyncBroker.watch()`."""
        if with_timestamps:
            return self._core.watch(self.name, peek=peek, after=after, with_timestamps=True)
        return self._core.watch(self.name, peek=peek, after=after)

    def __aiter__(self) -> AsyncIterator[str]:
        """The same as `watch()`."""
        return self.watch()

    async def size(self) -> int:
        """How many messages are pending."""
        return await self._core.queue_size(self.name)

    async def stats(self) -> QueueStats:
        """Counts of the queue."""
        return await self._core.stats(self.name)

    async def __aenter__(self) -> AsyncQueue:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._closes_core:
            await self._core.close()

    def __repr__(self) -> str:
        return f"AsyncQueue({self.name!r})"


@asynccontextmanager
async def async_broker(
    db_path: str | os.PathLike[str] | BrokerTarget = "async.db",
    *,
    config: Mapping[str, Any] = SNAPSHOT,
    threads: int = 4,
) -> AsyncIterator[AsyncBroker]:
    """Opens a broker for the time of an `async with` block; for the arguments see AsyncBroker."""
    async with AsyncBroker(db_path, config=config, threads=threads) as broker:
        yield broker


__all__ = ["AsyncBroker", "AsyncBrokerCore", "AsyncQueue", "async_broker"]
