"""A worker that loses nothing: inflight queue, retries, dead letters.

`read` takes a message for good: whoever crashes with it in hand has lost it. This worker *moves* a
message into its own inflight queue, works, and deletes it there. What is found in the inflight
queue at the start was in hand at the last crash. A message that fails three times goes to the dead
letters, where a person can look at it. It keeps its id wherever it goes, so attempts are counted by
id, in a table of the worker's own beside the messages.
"""

from __future__ import annotations

from collections.abc import Callable

from simplebroker import Queue

ATTEMPTS = 3


class Worker:
    """Takes messages of one queue.

    Args:
        name: The queue. `NAME.inflight` and `NAME.dead` stand beside it; several workers need
            an inflight queue each.
        db_path: The database file.
        work: Called with each body. If it raises, the message is tried again later.
    """

    def __init__(self, name: str, db_path: str, work: Callable[[str], None]) -> None:
        self._tasks, self._inflight, self.dead = (
            Queue(each, db_path=db_path, persistent=True)
            for each in (name, f"{name}.inflight", f"{name}.dead")
        )
        self._work = work
        with self._tasks.sidecar() as sidecar:
            sidecar.run(
                "CREATE TABLE IF NOT EXISTS attempts (id INTEGER PRIMARY KEY, count INTEGER)"
            )

    def recover(self) -> int:
        """Puts back what was in hand at a crash. Call it once, before `run`; returns how many."""
        return len(self._inflight.move_many(self._tasks, 1000))

    def run(self) -> None:
        """Works until the queue is empty."""
        while taken := self._tasks.move(self._inflight):
            message_id, body = taken["timestamp"], taken["message"]
            try:
                self._work(body)
            except Exception as error:
                self._failed(message_id, error)
            else:
                self._inflight.delete(message_id=message_id)
                self._forget(message_id)

    def close(self) -> None:
        for queue in (self._tasks, self._inflight, self.dead):
            queue.close()

    def _failed(self, message_id: int, error: Exception) -> None:
        count = self._count(message_id)
        last = count >= ATTEMPTS
        self._inflight.move(self.dead if last else self._tasks, message_id=message_id)
        print(f"attempt {count} failed: {error}{'; given up' if last else ''}")

    def _count(self, message_id: int) -> int:
        """Counts one more failure, and tells how many there were."""
        with self._tasks.sidecar(transaction=True) as sidecar:
            sidecar.run("INSERT OR IGNORE INTO attempts VALUES (?, 0)", (message_id,))
            sidecar.run("UPDATE attempts SET count = count + 1 WHERE id = ?", (message_id,))
            ((count,),) = sidecar.run(
                "SELECT count FROM attempts WHERE id = ?", (message_id,), fetch=True
            )
        return int(count)

    def _forget(self, message_id: int) -> None:
        with self._tasks.sidecar() as sidecar:
            sidecar.run("DELETE FROM attempts WHERE id = ?", (message_id,))


class PowerCut(BaseException):
    """Ends the first worker in the middle of its work."""


def main() -> None:
    tasks = Queue("tasks", db_path="worker.db")
    for body in ("resize cat.png", "resize broken.png", "power cut", "resize dog.png"):
        tasks.write(body)

    def unlucky(body: str) -> None:
        if body == "power cut":
            raise PowerCut
        careful(body)

    def careful(body: str) -> None:
        if "broken" in body:
            raise ValueError(f"cannot {body}")
        print("done:", body)

    worker = Worker("tasks", "worker.db", unlucky)
    try:
        worker.run()
    except PowerCut:
        print("the worker died")
    worker.close()

    worker = Worker("tasks", "worker.db", careful)
    print("recovered:", worker.recover())
    worker.run()
    print("dead letters:", worker.dead.peek_many())
    worker.close()


if __name__ == "__main__":
    main()
