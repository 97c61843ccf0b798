"""One transaction over several queues and the application's own tables.

Inside `with broker.transaction() as t:` everything that is done through `t` commits or vanishes
together: what is claimed is back in its queue if the block raises, and what is written was never
there. So a worker that takes, computes, stores and answers does it all exactly once.
"""

from __future__ import annotations

from simplebroker import open_broker
from simplebroker.ext import BrokerConnection


def book(broker: BrokerConnection) -> bool:
    """Takes one transfer, changes both accounts, tells the owner. False if there was none."""
    with broker.transaction() as t:
        body = t.claim_one("transfers", with_timestamps=False)
        if body is None:
            return False
        source, target, amount = body.split()
        for owner, change in ((source, -int(amount)), (target, int(amount))):
            t.run("UPDATE accounts SET amount = amount + ? WHERE owner = ?", (change, owner))
            t.write("notices", f"{owner}: {change:+}")
        ((left,),) = t.run("SELECT amount FROM accounts WHERE owner = ?", (source,), fetch=True)
        if left < 0:
            raise ValueError(f"{source} has no {amount}")
    return True


def main() -> None:
    with open_broker("bank.db") as broker:
        with broker.sidecar(transaction=True) as sidecar:
            sidecar.run("CREATE TABLE accounts (owner TEXT PRIMARY KEY, amount INTEGER)")
            sidecar.run("INSERT INTO accounts VALUES ('anna', 10), ('ben', 0)")
        broker.write("transfers", "anna ben 7")
        broker.write("transfers", "anna ben 5")

        working = True
        while working:
            try:
                working = book(broker)
            except ValueError as error:
                # The claim was undone as well. Set the message aside, or it would come again.
                broker.move_one("transfers", "transfers.refused")
                print("refused:", error)

        print("notices:", broker.claim_many("notices", 10, with_timestamps=False))
        print("refused:", broker.peek_many("transfers.refused", with_timestamps=False))
        with broker.sidecar() as sidecar:
            print("accounts:", dict(sidecar.run("SELECT * FROM accounts", fetch=True)))


if __name__ == "__main__":
    main()
