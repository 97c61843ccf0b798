"""Rates of the reference's persistent Python API at synchronous=OFF: write, claim, peek a second.

Run with the interpreter of the environment the reference is installed in; argument: a directory.
"""

import os
import statistics
import sys
import time

from simplebroker import Queue

BODY = ("A message of one hundred bytes, which is about what a job "
        "description or an event takes in practice.")
ROUNDS, COUNT = 7, 1000


def rate(operation, count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        operation()
    return count / (time.perf_counter() - start)


def main() -> None:
    path = os.path.join(sys.argv[1], "reference.db")
    config = {"BROKER_SYNC_MODE": "OFF", "BROKER_AUTO_VACUUM": "0"}
    with Queue("tasks", db_path=path, persistent=True, config=config) as queue:
        queue.write(BODY)
        writes = [rate(lambda: queue.write(BODY), COUNT) for _ in range(ROUNDS)]
        claims = [rate(queue.read, COUNT - 1) for _ in range(ROUNDS)]
        peeks = [rate(queue.peek, COUNT) for _ in range(ROUNDS)]
    for name, rates in (("write", writes), ("claim", claims), ("peek", peeks)):
        print(f"reference_{name}_per_second\t{statistics.median(rates):.6g}")


if __name__ == "__main__":
    main()
