"""Full, vanishing and busy storage under a command (contract: storage 3, 8, 10, 11)."""

import fcntl
import os
import sqlite3
import subprocess
import time

import pytest

from .disks import fill, small_file_system
from .dumps import header, message
from .transcript import ident


@pytest.fixture
def small(run):
    """The command in a directory of 2 MiB."""
    with small_file_system(run.cwd / "small", "2m") as directory:
        yield run.at(directory)


def test_full_disk__nothing_is_half_written(small):
    small.seed("q:1", "q:2")
    small("write", "q", "3").ok()
    fill(small.cwd)
    for _ in range(3):
        small("write", "q", "-", stdin=b"x" * 50_000).fails(1)
    os.unlink(small.cwd / "filler")
    assert small.db.rows() == ["q:1", "q:2", "q:3"]
    small("write", "q", "4").ok()
    small("read", "q", "--all").out("1\n2\n3\n4\n")
    assert small.db.sql("PRAGMA integrity_check") == [("ok",)]


def test_full_disk__a_claim_that_cannot_be_stored_prints_nothing(small):
    small.seed(*(f"q:{n}" for n in range(2000)))
    small("peek", "q").out("0\n")
    fill(small.cwd)
    small("move", "q", "d", "--all").fails(1)
    small("delete", "q").fails(1)
    os.unlink(small.cwd / "filler")
    assert small.db.count("queue = 'q' AND claimed = 0") == 2000
    small("read", "q").out("0\n")


@pytest.mark.ours
def test_full_disk__a_new_database_leaves_an_error(small):
    fill(small.cwd)
    small("write", "q", "m").fails(1)
    os.unlink(small.cwd / "filler")
    small("write", "q", "m").ok()
    assert small.db.rows() == ["q:m"]


def feeding(run):
    """A load that waits for more input after a first stored batch."""
    process = run.popen("load", stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    lines = [header(str(ident(10**6)))] + [message(n) for n in range(1001)]
    process.stdin.write("".join(line + "\n" for line in lines).encode())
    process.stdin.flush()
    end = time.monotonic() + 20
    while not (run.db.exists() and run.db.sql("SELECT 1 FROM sqlite_master WHERE name='messages'")
               and run.db.count() == 1000):
        assert time.monotonic() < end
        time.sleep(0.01)
    return process


@pytest.mark.ours
@pytest.mark.parametrize("replace", [False, True], ids=["deleted", "replaced"])
def test_database_taken_away_while_open__writes_are_refused(run, replace):
    with feeding(run) as process:
        for suffix in ("", "-wal", "-shm"):
            run.db.path.with_name(run.db.path.name + suffix).unlink(missing_ok=True)
        if replace:
            run.seed("q:other")
        process.stdin.write("".join(message(n) + "\n" for n in range(1001, 3000)).encode())
        process.stdin.close()
        assert process.wait(30) == 1
        error = process.stderr.read().decode()
    assert error.startswith("broker load: ") and error.count("\n") == 1, error
    assert not replace or run.db.rows() == ["q:other"]


def test_setup_lock__is_waited_for(run):
    lock = open(run.cwd / ".broker.db.lock", "ab")
    lock.write(b"\0")
    lock.flush()
    fcntl.flock(lock, fcntl.LOCK_EX)
    with run.popen("write", "q", "m") as waiting:
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(1)
        assert not run.db.exists() or run.db.sql("SELECT count(*) FROM sqlite_master") == [(0,)]
        lock.close()
        assert waiting.wait(20) == 0
    assert run.db.rows() == ["q:m"]


@pytest.mark.ours
def test_setup_lock__is_not_needed_by_a_prepared_file(run):
    run("write", "q", "1").ok()
    with open(run.cwd / ".broker.db.lock", "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        began = time.monotonic()
        run("write", "q", "2").ok()
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("wal", [False, True], ids=["rollback", "wal"])
def test_fresh_file__a_foreign_lock_is_waited_out(run, wal):
    holder = sqlite3.connect(run.db.path, isolation_level=None)
    if wal:
        holder.execute("PRAGMA journal_mode = WAL")
    holder.execute("CREATE TABLE theirs (x)")
    holder.execute("BEGIN EXCLUSIVE")
    holder.execute("INSERT INTO theirs VALUES (1)")
    with run.popen("write", "q", "m") as waiting:
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(1.5)
        holder.execute("COMMIT")
        holder.close()
        assert waiting.wait(30) == 0
    assert run.db.rows() == ["q:m"] and run.db.sql("SELECT x FROM theirs") == [(1,)]
