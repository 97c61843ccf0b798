"""Fan-out: one message for many queues, and names that can be pointed elsewhere.

A broadcast copies a message into several queues in one transaction: all of them get it, or none.
An alias is a second name for a queue, kept in the database: producers write to `@reports`, and
operations decide which queue that is.
"""

from __future__ import annotations

from simplebroker import open_broker
from simplebroker.ext import BrokerConnection


def write_to(broker: BrokerConnection, name: str, body: str) -> None:
    """Writes to a queue or, if the name begins with @, to what the alias stands for."""
    broker.write(broker.canonicalize_queue(name), body)


def show(broker: BrokerConnection) -> None:
    for stats in broker.list_queue_stats():
        print(f"  {stats.queue}: {broker.peek_many(stats.queue, with_timestamps=False)}")


def main() -> None:
    with open_broker("fan_out.db") as broker:
        subscribers = ["mail.anna", "mail.ben", "log"]
        reached = broker.broadcast("hello", queue_names=subscribers, create_missing=True)
        print("all subscribers, reached:", reached)

        # A pattern reaches the queues that exist, which means: those with messages.
        print("only mail.*, reached:", broker.broadcast("you have mail", pattern="mail.*"))
        show(broker)

        broker.add_alias("reports", "reports.v1")
        write_to(broker, "@reports", "monday")
        # Later a new consumer takes over. The alias is pointed at it, producers do not notice.
        broker.remove_alias("reports")
        broker.add_alias("reports", "reports.v2")
        write_to(broker, "@reports", "tuesday")
        for queue in broker.list_queues(prefix="reports"):
            print(queue, broker.claim_many(queue, 10, with_timestamps=False))


if __name__ == "__main__":
    main()
