"""The Python rows of the table: against the C API, and against the reference.

Every implementation runs in a process of its own (peer.py, bench_peer.c) and is told what to do in
turns, so that each round compares what the machine did within one moment.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
BODIES_A_BATCH = 1000


class Side:
    """A process that answers `OPERATION COUNT` with the seconds it took."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(command, env=environment, text=True,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def seconds(self, operation: str, count: int) -> float:
        self._process.stdin.write(f"{operation} {count}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            sys.exit(f"a side of the comparison ended at {operation}")
        return float(answer)

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()


class Sides:
    """Starts the sides of a comparison, and ends them."""

    def __init__(self, programs: Path, package: Path, python: Path, reference: Path) -> None:
        self.programs, self.package = programs, package
        self.python, self.reference = str(python), str(reference / "bin/python")
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("PYTHON", "BROKER_"))}
        self.ours_environment = {**self.environment, "PYTHONPATH": str(package)}

    def ours(self, use: str, sync: str, directory: str) -> Side:
        path = os.path.join(directory, f"ours-{use}-{sync}.db")
        return Side([self.python, str(HERE / "peer.py"), use, sync, path], self.ours_environment)

    def theirs(self, use: str, sync: str, directory: str) -> Side:
        path = os.path.join(directory, f"theirs-{use}-{sync}.db")
        return Side([self.reference, str(HERE / "peer.py"), use, sync, path], self.environment)

    def plain_c(self, sync: str, directory: str) -> Side:
        return Side([str(self.programs / "bench_peer"), sync],
                    {**self.environment, "BENCH_DIR": directory})


def speed(ours: Side, other: Side, operation: str, count: int, rounds: int,
          theirs: str = "") -> tuple[float, float]:
    """How many times as fast as the other side, and our microseconds an operation: medians."""
    ratios, mine = [], []
    sides = [(ours, operation), (other, theirs or operation)]
    for round_number in range(rounds):
        took = {}
        for side, asked in sides if round_number % 2 else reversed(sides):
            took[side] = side.seconds(asked, count)
        ratios.append(took[other] / took[ours])
        mine.append(took[ours] / count * 1e6)
    return statistics.median(ratios), statistics.median(mine)


def persistent(sides: Sides, want: Callable, note: Callable, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        ours = sides.ours("persistent", "OFF", directory)
        plain = sides.plain_c("OFF", directory)
        theirs = sides.theirs("persistent", "OFF", directory)
        measured = (("write", 1000, 0.85, 3.2), ("read", 900, 0.85, 5), ("peek", 2000, 0.4, 10))
        for operation, count, of_c, of_reference in measured:
            ratio, mine = speed(ours, plain, operation, count, rounds)
            want(f"Python {operation}, persistent at OFF, of the C API from C", ratio, ">=", of_c)
            note(f"{mine:.1f} us")
            ratio, mine = speed(ours, theirs, operation, count // 4, rounds)
            want("the same against the reference's persistent API", ratio, ">=", of_reference)
        batches(ours, theirs, want, note, rounds)
        for side in (ours, plain, theirs):
            side.close()


def batches(ours: Side, theirs: Side, want: Callable, note: Callable, rounds: int) -> None:
    ratio, mine = speed(ours, theirs, "write_batch", 1, rounds,
                        theirs="generate_and_insert_batch")
    want("write_many of 1000, against the reference's best way", ratio, ">=", 8)
    inserts, _ = speed(ours, theirs, "write_batch", 1, rounds, theirs="insert_batch")
    note(f"{mine / BODIES_A_BATCH:.2f} us a message; {inserts:.1f} x inserts with ids made up")
    ratio, mine = speed(ours, theirs, "read_batch", 1, rounds)
    want("read_many(1000), against the reference's", ratio, ">=", 8)
    note(f"{mine / BODIES_A_BATCH:.2f} us a message")


def ephemeral(sides: Sides, want: Callable, note: Callable, rounds: int) -> None:
    for sync, bound in (("OFF", 2.2), ("FULL", 1.6)):
        with tempfile.TemporaryDirectory() as directory:
            ours = sides.ours("ephemeral", sync, directory)
            theirs = sides.theirs("ephemeral", sync, directory)
            for operation, count in (("write", 30), ("read", 25), ("peek", 30)):
                ratio, mine = speed(ours, theirs, operation, count, rounds)
                want(f"Python {operation}, ephemeral at {sync}, against the reference", ratio,
                     ">=", bound)
                note(f"{mine:.0f} us")
            ours.close()
            theirs.close()


def runner(sides: Sides, want: Callable, note: Callable, rounds: int) -> None:
    measured = (("write", 1000), ("read", 200), ("peek", 500), ("move", 200),
                ("has_pending", 300), ("generate_timestamp", 300), ("insert_batch", 1),
                ("peek_many_100", 5), ("peek_1000_one_by_one", 1),
                ("claim_batch_of_100", 1), ("read_many_100", 3), ("read_many_100_after", 2),
                ("move_many_100", 1))
    with tempfile.TemporaryDirectory() as directory:
        ours = sides.ours("runner", "OFF", directory)
        theirs = sides.theirs("runner", "OFF", directory)
        for operation, count in measured:
            ratio, mine = speed(ours, theirs, operation, count, rounds)
            want(f"a Python runner over sqlite3: {operation}, against the reference",
                 ratio, ">=", 1)
            note(f"{mine:.1f} us")
        ours.close()
        theirs.close()


def importing(sides: Sides, want: Callable, note: Callable, rounds: int) -> None:
    """`import simplebroker` beyond a bare start, with .pyc files present on both sides."""
    starts = {"ours": (sides.python, sides.ours_environment),
              "theirs": (sides.reference, sides.environment)}

    def once(name: str, code: str) -> float:
        python, environment = starts[name]
        start = time.perf_counter()
        pid = os.posix_spawn(python, [python, "-c", code], environment)
        if os.waitpid(pid, 0)[1]:
            sys.exit(f"failed: {name}: {code}")
        return time.perf_counter() - start

    def beyond(name: str) -> float:
        return once(name, "import simplebroker") - once(name, "pass")

    for name in starts:
        beyond(name)
    taken = [(beyond("ours"), beyond("theirs")) for _ in range(rounds * 3)]
    mine, other = (statistics.median(side) for side in zip(*taken, strict=True))
    want("import simplebroker beyond a bare start, of the reference's", mine / other, "<=", 0.25)
    note(f"{mine * 1000:.1f} ms; the reference {other * 1000:.1f} ms")


def rows(sides: Sides, want: Callable, note: Callable, quick: bool) -> None:
    rounds = 7 if quick else 21
    persistent(sides, want, note, rounds)
    ephemeral(sides, want, note, rounds)
    runner(sides, want, note, rounds)
    importing(sides, want, note, rounds)
