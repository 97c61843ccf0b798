"""The rows about wake-ups: how long they take, and what waiting costs."""

import os
import pathlib
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

HERE = pathlib.Path(__file__).parent
SLICES = 10  # of each kind, in turns
IDLE_SECONDS = 60
QUEUES = 1000
GAPS = ("1", "50")  # ms between messages
LONG_GAPS = ("200", "1000")  # by then a watcher that polls has come to its longest pauses


@dataclass
class Sides:
    """Where the programs are."""

    programs: pathlib.Path
    broker: str
    package: pathlib.Path
    interpreter: pathlib.Path
    reference: pathlib.Path
    directory: pathlib.Path
    before: pathlib.Path | None  # the library as it was without wake-ups


Want = Callable[..., None]
Note = Callable[[str], None]


def quantile(samples: list[float], part: float) -> float:
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


class Wake:
    """One run of all rows."""

    def __init__(self, sides: Sides, want: Want, note: Note, quick: bool) -> None:
        self.sides, self.want, self.note, self.quick = sides, want, note, quick
        self.program = str(sides.programs / "bench_wake")

    def ours(self, *arguments: str) -> list[str]:
        return ["env", f"PYTHONPATH={self.sides.package}", str(self.sides.interpreter),
                str(HERE / "wake_peer.py"), *arguments]

    def theirs(self, *arguments: str) -> list[str]:
        return [str(self.sides.reference / "bin/python"), str(HERE / "wake_peer.py"), *arguments]

    def environment(self, sync: str) -> dict[str, str]:
        return dict(os.environ, BROKER_SYNC_MODE=sync)

    def fresh(self, name: str) -> str:
        """A new broker in a directory of its own."""
        directory = self.sides.directory / f"wake-{name}"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        path = str(directory / "x.db")
        subprocess.run([self.sides.broker, "-q", "-f", path, "--status"], check=True,
                       stdout=subprocess.DEVNULL)
        return path

    # ---- how long it takes ----

    def native_samples(self, sync: str, mode: str, count: int,
                       gaps: tuple[str, str] = GAPS) -> list[float]:
        done = subprocess.run([self.program, "latency", sync, mode, str(count), *gaps], check=True,
                              stdout=subprocess.PIPE, text=True)
        return [float(line.split("\t")[1]) for line in done.stdout.splitlines()]

    def python_samples(self, side: Callable[..., list[str]], sync: str, mode: str,
                       count: int, gaps: tuple[str, str] = GAPS) -> list[float]:
        path, environment = self.fresh("python"), self.environment(sync)
        with subprocess.Popen(side("watch", path, mode, str(count)), stdout=subprocess.PIPE,
                              text=True, env=environment) as watcher:
            assert watcher.stdout is not None
            watcher.stdout.readline()
            time.sleep(0.2)  # it has drained by then; the first samples would show if not
            written = subprocess.run(side("write", path, str(count), *gaps), check=True, text=True,
                                     stdout=subprocess.PIPE, env=environment).stdout
            handled = watcher.stdout.read()
        stamps = dict(line.split() for line in written.splitlines())
        return [(int(moment) - int(stamps[number])) / 1000
                for number, moment in (line.split() for line in handled.splitlines())]

    def latency(self) -> None:
        count = (200 if self.quick else 2000) // SLICES
        kinds: dict[str, Callable[[], list[float]]] = {
            "C to C, consume at OFF": lambda: self.native_samples("OFF", "consume", count),
            "C to C, peek at FULL": lambda: self.native_samples("FULL", "peek", count),
            "Python to Python, consume at OFF":
                lambda: self.python_samples(self.ours, "OFF", "consume", count),
            "Python to Python, peek at FULL":
                lambda: self.python_samples(self.ours, "FULL", "peek", count),
            "reference": lambda: self.python_samples(self.theirs, "OFF", "consume", count),
            "polling": lambda: self.native_samples("OFF", "poll", count),
        }
        samples: dict[str, list[float]] = {kind: [] for kind in kinds}
        for _ in range(SLICES):
            for kind, measure in kinds.items():
                samples[kind] += measure()
        for kind in list(kinds)[:4]:
            median, late = (250, 2000) if "Python" in kind else (100, 1000)
            self.want(f"commit to handler, {kind}: median", statistics.median(samples[kind]), "<=",
                      median, "us")
            self.want(f"commit to handler, {kind}: p99", quantile(samples[kind], 0.99), "<=", late,
                      "us")
        theirs = statistics.median(samples["reference"])
        for kind in ("C to C, consume at OFF", "Python to Python, consume at OFF"):
            self.want(f"{kind}, against the reference's watcher",
                      theirs / statistics.median(samples[kind]), ">=", 50)
        self.note(f"the reference: median {theirs / 1000:.1f} ms, "
                  f"p99 {quantile(samples['reference'], 0.99) / 1000:.1f} ms")
        self.long_gaps()
        self.note("a plain loop over SQLite that looks each millisecond: median "
                  f"{statistics.median(samples['polling']):.0f} us, "
                  f"p99 {quantile(samples['polling'], 0.99):.0f} us")

    def long_gaps(self) -> None:
        count = 20 if self.quick else 60
        theirs, native, python = (
            statistics.median(samples) for samples in (
                self.python_samples(self.theirs, "OFF", "consume", count, LONG_GAPS),
                self.native_samples("OFF", "consume", count, LONG_GAPS),
                self.python_samples(self.ours, "OFF", "consume", count, LONG_GAPS)))
        self.want("C to C after gaps of 0.2 to 1 s, against the reference's watcher",
                  theirs / native, ">=", 50)
        self.want("Python to Python after gaps of 0.2 to 1 s, against the reference's watcher",
                  theirs / python, ">=", 50)
        self.note(f"the reference then: median {theirs / 1000:.1f} ms; C {native:.0f} us, "
                  f"Python {python:.0f} us")

    # ---- what it costs ----

    def idle(self) -> None:
        seconds = 6 if self.quick else IDLE_SECONDS
        environment = self.environment("FULL")
        commands = {
            "broker watch (C)": [self.sides.broker, "-f", self.fresh("idle-c"), "watch", "q"],
            "QueueWatcher (Python)": self.ours("idle", self.fresh("idle-python")),
            "QueueWatcher in a thread (Python)":
                self.ours("idle-thread", self.fresh("idle-thread")),
            "AsyncQueue.get (asyncio)": self.ours("aio-idle", self.fresh("idle-aio")),
            "the reference": self.theirs("idle", self.fresh("idle-reference")),
        }
        processes = {name: subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL,
                                            stderr=subprocess.DEVNULL)
                     for name, command in commands.items()}
        time.sleep(3)  # starting is no part of it
        before = {name: cpu_seconds(each.pid) for name, each in processes.items()}
        time.sleep(seconds)
        used = {name: (cpu_seconds(each.pid) - before[name]) * IDLE_SECONDS / seconds * 1000
                for name, each in processes.items()}
        for name, each in processes.items():
            each.kill()
            each.wait()
            if name == "the reference":
                self.note(f"the reference: {used[name]:.0f} ms")
            else:
                self.want(f"CPU of an idle waiter over 60 s, {name}", used[name], "<=", 10, "ms")

    def writing(self, path: str, count: int, library: pathlib.Path | None = None) -> float:
        environment = dict(os.environ)
        if library:
            environment["LD_LIBRARY_PATH"] = str(library)
        done = subprocess.run([self.program, "writes", path, str(count)], check=True, text=True,
                              stdout=subprocess.PIPE, env=environment)
        return float(done.stdout.split("\t")[1])

    def writers_pay(self) -> None:
        """The same program with the library from before wake-ups, in turns of some 100 ms."""
        before = self.sides.before
        if not before:
            self.note("skipped: what wake-ups cost writers (no history to build the old library)")
            return
        count, rounds = (2000, 9) if self.quick else (3000, 41)
        old, free, crowded = [], [], []
        paths = self.fresh("old"), self.fresh("free"), self.fresh("crowded")
        crowd = [subprocess.Popen([self.program, "waiters", paths[2], str(25 * i), "25"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                 for i in range(4)]
        for each in crowd:
            assert each.stdout is not None
            each.stdout.readline()
        for round_number in range(rounds):
            turns = list(zip((old, free, crowded), paths, (before, None, None), strict=True))
            for results, path, library in turns if round_number % 2 else reversed(turns):
                results.append(self.writing(path, count, library))
        for each in crowd:
            each.communicate()
        for name, taken, bound in (("while nobody waits", free, 3),
                                   ("by 100 waiters in 4 processes on other queues", crowded, 25)):
            ratios = [mine / other for mine, other in zip(taken, old, strict=True)]
            self.want(f"writes at OFF, slowed down {name}", (statistics.median(ratios) - 1) * 100,
                      "<=", bound, "%")
        self.note(f"{statistics.median(old):.1f} us a write before, {statistics.median(free):.1f} "
                  f"now, {statistics.median(crowded):.1f} with 100 waiters")

    def throughput(self) -> None:
        count, rounds = ("1000", 3) if self.quick else ("5000", 7)
        ratios = []
        for _ in range(rounds):
            done = subprocess.run([self.program, "throughput", "FULL", count], check=True,
                                  text=True, stdout=subprocess.PIPE)
            found = dict(line.split("\t") for line in done.stdout.splitlines())
            ratios.append(float(found["together_of_alone"]))
        self.want("one writer and one consuming watcher at FULL, of writing alone",
                  statistics.median(ratios), ">=", 0.45)

    def asyncio(self) -> None:
        took: list[float] = []
        threads: list[int] = []
        environment = self.environment("OFF")
        for _ in range(3 if self.quick else 7):
            path = self.fresh("aio")
            with subprocess.Popen(self.ours("aio", path, str(QUEUES)), text=True,
                                  stdout=subprocess.PIPE, env=environment) as process:
                assert process.stdout is not None
                process.stdout.readline()
                done = subprocess.run([self.program, "crowd", path, str(QUEUES)], check=True,
                                      text=True, stdout=subprocess.PIPE)
                end, running = map(int, process.stdout.readline().split())
            threads.append(running)
            took.append((end / 1e9 - float(done.stdout.split("\t")[1])) * 1000)
        self.want(f"asyncio: {QUEUES} queues awaited, one message each", statistics.median(took),
                  "<=", 100, "ms")
        self.want("threads of that process", max(threads), "<=", 10, "")


def cpu_seconds(pid: int) -> float:
    """CPU time of a process's threads, to the nanosecond."""
    tasks = pathlib.Path(f"/proc/{pid}/task")
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9


def rows(sides: Sides, want: Want, note: Note, quick: bool) -> None:
    """Measures, and says what has to be reached."""
    wake = Wake(sides, want, note, quick)
    wake.latency()
    wake.writers_pay()
    wake.throughput()
    wake.asyncio()
    wake.idle()
