"""A checkpointing worker: it reads a queue like a log and remembers how far it came.

Messages are peeked, not taken, so that any number of such workers can follow one queue, each at its
own pace. What a worker makes of a message and its new checkpoint are stored in one transaction, in
tables of its own beside the messages: after a crash it goes on exactly where its results end, and
nothing is counted twice.
"""

from __future__ import annotations

from simplebroker import Queue


class Totals:
    """Adds up the amounts in a queue, by customer."""

    def __init__(self, name: str, queue: Queue) -> None:
        self._name = name
        self._queue = queue
        with queue.sidecar(transaction=True) as sidecar:
            for table in (
                "checkpoints (worker TEXT PRIMARY KEY, id INTEGER)",
                "totals (customer TEXT PRIMARY KEY, amount INTEGER)",
            ):
                sidecar.run(f"CREATE TABLE IF NOT EXISTS {table}")
            sidecar.run("INSERT OR IGNORE INTO checkpoints VALUES (?, 0)", (name,))

    def checkpoint(self) -> int:
        """The id of the last message that is in the totals, 0 before the first."""
        with self._queue.sidecar() as sidecar:
            ((last,),) = sidecar.run(
                "SELECT id FROM checkpoints WHERE worker = ?", (self._name,), fetch=True
            )
        return int(last)

    def catch_up(self, batch: int = 100) -> int:
        """Works through what is new; returns how many messages that were."""
        done = 0
        while messages := self._queue.peek_many(
            batch, with_timestamps=True, after_timestamp=self.checkpoint()
        ):
            self._add(messages)
            done += len(messages)
        return done

    def totals(self) -> dict[str, int]:
        with self._queue.sidecar() as sidecar:
            return dict(sidecar.run("SELECT * FROM totals ORDER BY customer", fetch=True))

    def _add(self, messages: list[tuple[str, int]]) -> None:
        with self._queue.sidecar(transaction=True) as sidecar:
            for body, _ in messages:
                customer, amount = body.split()
                sidecar.run("INSERT OR IGNORE INTO totals VALUES (?, 0)", (customer,))
                sidecar.run(
                    "UPDATE totals SET amount = amount + ? WHERE customer = ?",
                    (int(amount), customer),
                )
            # Ids grow in a queue that is only written to. Moved messages keep their older ids: a
            # queue that is followed like this must not be the target of moves.
            _, newest = messages[-1]
            sidecar.run("UPDATE checkpoints SET id = ? WHERE worker = ?", (newest, self._name))


def main() -> None:
    with Queue("payments", db_path="checkpoint.db", persistent=True) as payments:
        for body in ("anna 10", "ben 5", "anna 7"):
            payments.write(body)
        worker = Totals("totals", payments)
        print("new:", worker.catch_up(batch=2), worker.totals())

        payments.write("ben 20")
        restarted = Totals("totals", payments)  # knows from the file where to go on
        print("new:", restarted.catch_up(), restarted.totals())
        print("new:", restarted.catch_up(), "still in the queue:", payments.stats().pending)


if __name__ == "__main__":
    main()
