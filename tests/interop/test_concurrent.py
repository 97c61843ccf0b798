"""Both implementations at work on one file at the same time: nothing lost, nothing twice."""

import subprocess
import threading

import pytest

from cli.files import BODIES, old_file, structure
from cli.transcript import SCHEMA, File

OFF = {"BROKER_AUTO_VACUUM": "0"}
# Two foreign processes that both checkpoint can lose commits to SQLite's WAL-reset bug, without any
# doing of ours. So where several are at work, they leave the checkpoints to us.
FOREIGN = {**OFF, "BROKER_WAL_AUTOCHECKPOINT": "0"}


class Threads:
    """Runs functions side by side and raises the first thing that went wrong."""

    def __init__(self):
        self.threads, self.errors = [], []

    def start(self, function, *args):
        def guarded():
            try:
                function(*args)
            except BaseException as error:
                self.errors.append(error)
        self.threads.append(threading.Thread(target=guarded))
        self.threads[-1].start()

    def join(self):
        for thread in self.threads:
            thread.join(120)
            assert not thread.is_alive(), "a worker hangs"
        if self.errors:
            raise self.errors[0]


def stress(agent, path, role, count, **more):
    agent.send(stress=role, path=str(path), queue="q", count=count, **more)


def test_writers_claimers_and_movers(ours, agents):
    """Every role is played by processes of both at once."""
    path, written, ids, taken, moved = ours.db.path, [], [], [], []
    writers, takers = agents(2, **FOREIGN), agents(3, **FOREIGN)
    ours("write", "q", "warm").ok()
    taken += ours("read", "q").stdout.split()
    written.append("warm")

    def write(name, count):
        for n in range(count):
            ids.append(ours("write", "-t", "q", f"{name}-{n}", env=OFF).ids()[0])
            written.append(f"{name}-{n}")

    def take(into, argv, count):
        for _ in range(count):
            result = ours(*argv, env=OFF)
            assert result.code in (0, 2) and result.stderr == "", result
            into.extend(result.stdout.split())

    for n, agent in enumerate(writers):
        stress(agent, path, "write", 300, name=f"r{n}")
    for agent, role in zip(takers, ("claim", "claim", "move")):
        stress(agent, path, role, 250, target="d")
    work = Threads()
    for n in range(2):
        work.start(write, f"o{n}", 120)
    work.start(take, taken, ("read", "q"), 100)
    work.start(take, taken, ("read", "q", "--all"), 20)
    work.start(take, moved, ("move", "q", "d"), 60)
    work.start(take, moved, ("move", "q", "d", "--all"), 15)
    work.join()
    for n, agent in enumerate(writers):
        ids += agent.receive()["value"]
        written += [f"r{n}-{k}" for k in range(300)]
    for agent, into in zip(takers, (taken, taken, moved)):
        into += agent.receive()["value"]
    result = ours("read", "q", "--all", env=OFF)
    taken += result.stdout.split()

    assert len(ids) == len(set(ids)) == 840
    assert sorted(taken + moved) == sorted(written)
    stored = ours.db.sql("SELECT ts FROM messages ORDER BY id")
    assert stored == sorted(stored), "an id became visible below one that was there"
    assert set(ids) <= {row[0] for row in stored}
    assert sorted(body for body, in ours.db.sql(
        "SELECT body FROM messages WHERE queue = 'd' AND claimed = 0")) == sorted(moved)
    assert ours.db.count("queue = 'q' AND claimed = 0") == 0
    assert ours.db.sql("PRAGMA integrity_check") == [("ok",)]
    assert ours.db.meta()["last_ts"] >= max(ids)


def test_one_foreign_process_that_checkpoints(ours, agents):
    """Its checkpoints and WAL resets fall among our writers; nothing that was acknowledged is lost."""
    writer, = agents(1, **OFF, BROKER_WAL_AUTOCHECKPOINT="20")
    ours("write", "q", "warm").ok()
    stress(writer, ours.db.path, "write", 600, name="r")
    ids, work = [], Threads()

    def write(name):
        for n in range(150):
            ids.append(ours("write", "-t", "q", f"{name}-{n}", env=OFF).ids()[0])

    work.start(write, "a"), work.start(write, "b")
    work.join()
    ids += writer.receive()["value"]
    stored = {row[0] for row in ours.db.sql("SELECT ts FROM messages")}
    assert len(ids) == len(set(ids)) == 900 and set(ids) <= stored
    assert ours.db.sql("PRAGMA integrity_check") == [("ok",)]


def test_automatic_and_explicit_vacuum_meanwhile(ours, agents):
    """Rows vanish under everybody's feet; deliveries stay exact."""
    path, seen = ours.db.path, []
    writer, claimer = agents(2, BROKER_WAL_AUTOCHECKPOINT="0")
    ours("write", "q", "warm").ok()
    stress(writer, path, "write", 600, name="r")
    stress(claimer, path, "claim", 500)

    def take():
        for _ in range(40):
            seen.extend(ours("read", "q", "--all",
                             env={"BROKER_AUTO_VACUUM_INTERVAL": "1"}).stdout.split())

    def vacuum():
        for _ in range(60):
            result = ours("--vacuum")
            assert result.code == 0, result

    work = Threads()
    work.start(take), work.start(take), work.start(vacuum)
    work.join()
    writer.receive()
    seen += claimer.receive()["value"]
    seen += ours("read", "q", "--all").stdout.split()
    assert sorted(seen) == sorted(["warm", *(f"r-{n}" for n in range(600))])
    ours("--vacuum")
    assert ours.db.rows() == []


@pytest.mark.parametrize("prepare", [lambda path: None, lambda path: path.touch()],
                         ids=["missing", "empty"])
def test_first_creation_by_everybody(ours, agents, prepare):
    """All open the same fresh file at once: one sets it up, the others wait, all succeed."""
    helpers = agents(3)
    for agent in helpers:
        agent("-f", "warm.db", "write", "q", "x").ok()
    for turn in range(8):
        name = f"fresh{turn}.db"
        prepare(ours.cwd / name)
        for n, agent in enumerate(helpers):
            agent.send(argv=["-f", name, "write", "q", f"r{n}"], cwd=str(ours.cwd))
        processes = [ours.popen("-f", name, "write", "q", f"o{n}") for n in range(4)]
        assert [process.wait(60) for process in processes] == [0] * 4
        assert [agent.receive()["code"] for agent in helpers] == [0] * 3
        db = File(ours.cwd / name)
        assert sorted(db.rows()) == sorted([f"q:o{n}" for n in range(4)] +
                                           [f"q:r{n}" for n in range(3)])
        assert set(structure(db)) == set(SCHEMA) and db.ids() == sorted(set(db.ids()))
        assert db.sql("PRAGMA auto_vacuum") == [(2,)]


@pytest.mark.parametrize("version", [1, "2.5.1", 3])
def test_migration_by_everybody(ours, agents, version):
    helpers = agents(2)
    for turn in range(3):
        name = f"old{turn}.db"
        db = old_file(ours.cwd / name, version)
        for agent in helpers:
            agent.send(argv=["-f", name, "read", "q"], cwd=str(ours.cwd))
        processes = [ours.popen("-f", name, "write", "q", "new") for _ in range(3)]
        assert [process.wait(60) for process in processes] == [0] * 3
        assert sorted(agent.receive()["stdout"] for agent in helpers) == ["one\n", "two\n"]
        assert db.count() == len(BODIES) + 3 and db.meta()["schema_version"] == 5


def test_broadcast_is_all_or_none_for_the_other(ours, agents):
    """A reader of the other implementation never sees half a broadcast."""
    reader, writer = agents(2)
    ours.seed(*(f"q{n}:x" for n in range(20)))
    path = str(ours.db.path)
    work = Threads()

    def broadcast():
        for n in range(40):
            ours("broadcast", f"o{n}").ok()

    work.start(broadcast)
    writer.send(call="broadcast", path=path, args=["r"])
    for _ in range(100):
        counts = reader.call("get_overall_stats")[1]
        assert counts % 20 == 0, counts
    writer.receive()
    work.join()
    assert ours.db.count() == 20 * 42


def test_killed_in_the_middle__the_other_goes_on(ours, agents):
    """Commands are killed at any moment while the reference writes and claims."""
    writer, claimer = agents(2, **FOREIGN)
    path = ours.db.path
    ours("write", "q", "warm").ok()
    stress(writer, path, "write", 300, name="r")
    stress(claimer, path, "claim", 200)
    for n in range(60):
        argv = ("write", "q", f"o{n}") if n % 2 else ("move", "q", "d")
        with ours.popen(*argv, stdout=subprocess.DEVNULL, env=OFF) as process:
            try:
                process.wait(0.0003 * n)
            except subprocess.TimeoutExpired:
                process.kill()
    ids = writer.receive()["value"]
    claimed = claimer.receive()["value"]
    assert ours.db.sql("PRAGMA integrity_check") == [("ok",)]
    stored = {row[0] for row in ours.db.sql("SELECT ts FROM messages")}
    assert set(ids) <= stored and len(claimed) == len(set(claimed))
    claimed_rows = ours.db.sql("SELECT body FROM messages WHERE claimed = 1 AND queue = 'q'")
    assert sorted(claimed) == sorted(body for body, in claimed_rows)
