"""A consumer of several queues: urgent messages first, and no queue left behind for ever.

One connection serves them all. A round takes at most `share` messages of each queue, so that a
flood in the first one slows the others down but does not stop them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from simplebroker import open_broker
from simplebroker.ext import BrokerConnection

# How many messages of each queue a round takes, most urgent first.
SHARES = {"urgent": 3, "normal": 2, "bulk": 1}


def rounds(broker: BrokerConnection, shares: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """(queue, body) until all queues are empty. Each share is taken in one transaction."""
    found = True
    while found:
        found = False
        for queue, share in shares.items():
            for body in broker.claim_many(queue, share, with_timestamps=False):
                found = True
                yield queue, str(body)


def main() -> None:
    with open_broker("multi_queue.db") as broker:
        for queue in ("bulk", "normal", "urgent"):
            for number in range(4):
                broker.write(queue, f"{queue} {number}")
        for queue, body in rounds(broker, SHARES):
            print(f"{queue:>6}: {body}")
        print("waiting:", sum(stats.pending for stats in broker.list_queue_stats()))


if __name__ == "__main__":
    main()
