"""What several names of one file, odd moments and odd streams must not change."""

import fcntl
import sqlite3
import subprocess
import time

import pytest

from .disks import fill, small_file_system


def companions(directory):
    return sorted(path.name for path in directory.iterdir() if not path.is_dir())


def test_link__companions_bear_the_name_of_the_real_file(run):
    run("-f", "real.db", "write", "q", "one").ok()
    (run.cwd / "real.db.lock").unlink()
    (run.cwd / "link.db").symlink_to("real.db")
    run("-f", "link.db", "read", "q").out("one\n")
    assert run("-f", "link.db", "--vacuum").code == 0
    assert companions(run.cwd) == ["link.db", "real.db", "real.db.lock", "real.db.vacuum.lock"]


def test_link__to_a_missing_file_creates_it_with_its_own_companions(run):
    (run.cwd / "place").mkdir()
    (run.cwd / "link.db").symlink_to("place/real.db")
    run("-f", "link.db", "write", "q", "one").ok()
    assert companions(run.cwd) == ["link.db"]
    assert companions(run.cwd / "place") == ["real.db", "real.db.lock"]
    assert run("-f", "link.db", "--cleanup").code == 0
    assert companions(run.cwd / "place") == []


@pytest.fixture
def tiny(run):
    """The command in a directory of 1 MiB."""
    with small_file_system(run.cwd / "tiny", "1m") as directory:
        yield run.at(directory)


@pytest.mark.ours
def test_full_disk__error_names_the_file_and_the_disk(tiny):
    tiny("write", "q", "one").ok()
    tiny("write", "q", "-", stdin=b"x" * 2_000_000).fails(1, "disk is full", "tiny/.broker.db")
    fill(tiny.cwd)
    for command in (["read", "q"], ["peek", "q"], ["--status"], ["--vacuum"]):
        tiny(*command).fails(1, "disk may be full", "tiny/.broker.db")
    (tiny.cwd / "filler").unlink()
    tiny("read", "q").out("one\n")


def test_foreign_lock__is_given_up_after_half_a_minute_sqlite_waiting_included(run):
    run("write", "q", "one").ok()
    holder = sqlite3.connect(run.cwd / ".broker.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    start = time.monotonic()
    run("write", "q", "two").fails(1, "database is locked")
    assert 25 < time.monotonic() - start < 33
    holder.execute("ROLLBACK")
    holder.close()
    run("read", "q", "--all").out("one\n")


@pytest.mark.ours
def test_new_file__commands_that_meet_it_half_made_wait_for_it(run):
    """An empty file whose F.lock is held is one that somebody is making."""
    (run.cwd / ".broker.db").touch()
    with open(run.cwd / ".broker.db.lock", "wb") as lock:
        lock.write(b"\0")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        readers = [run.popen(*argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                   for argv in (["exists", "q"], ["read", "q"], ["list"], ["stats", "q"])]
        for reader in readers:
            with pytest.raises(subprocess.TimeoutExpired):
                reader.wait(timeout=0.3)
        made = sqlite3.connect(run.cwd / "made.db")
        made.execute("PRAGMA user_version = 0")
        made.execute("CREATE TABLE application (x)")
        made.close()
        (run.cwd / ".broker.db").write_bytes((run.cwd / "made.db").read_bytes())
    assert [reader.communicate()[1] for reader in readers] == [b"", b"", b"", b""]
    assert [reader.returncode for reader in readers] == [2, 2, 0, 0]
