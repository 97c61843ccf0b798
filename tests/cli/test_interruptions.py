"""Signals and terminals (contract: cli 1, 9; progress)."""

import array
import fcntl
import os
import pty
import select
import signal
import sqlite3
import subprocess
import termios
import time

import pytest

from .dumps import header, message
from .transcript import File, ident

BIG = "x" * 300_000


def until(condition, seconds=20):
    """Waits for something another process does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def unread(pipe):
    size = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, size)
    return size[0]


def start(run, *argv, **options):
    options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, **options}
    return run.popen(*argv, stderr=subprocess.PIPE, **options)


def interrupt(process):
    """Ctrl-C: the command says so and succeeds."""
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert process.stderr.read().strip() == b"simplebroker: interrupted"


def feed(process, data):
    """Gives the process input and waits until it has taken it."""
    process.stdin.write(data)
    process.stdin.flush()
    until(lambda: unread(process.stdin) == 0)


def test_interrupt__write_waiting_for_input(run):
    with start(run, "write", "q") as process:
        feed(process, b"half a mess")
        interrupt(process)
    assert not run.db.exists() or run.db.rows() == []


def test_interrupt__load_waiting_for_input(run):
    with start(run, "load") as process:
        feed(process, (header() + "\n" + message() + "\n").encode())
        interrupt(process)
    assert run.db.rows() == []


def test_interrupt__read_all_waiting_for_its_reader(run):
    run.seed("q:1", "q:2", "q:" + BIG, "q:4")
    with start(run, "read", "q", "--all") as process:
        assert process.stdout.read(4) == b"1\n2\n"
        until(lambda: unread(process.stdout) > 60_000)
        interrupt(process)
    assert run.db.count("claimed = 1") == 3


def test_interrupt__read_all_gives_an_open_batch_back(run):
    run.seed("q:1", "q:2", "q:" + BIG, "q:4")
    with start(run, "read", "q", "--all", env={"BROKER_READ_COMMIT_INTERVAL": "100"}) as process:
        assert process.stdout.read(4) == b"1\n2\n"
        until(lambda: unread(process.stdout) > 60_000)
        interrupt(process)
    assert run.db.count("claimed = 1") == 0
    run("read", "q").out("1\n")


@pytest.mark.parametrize("argv", [("peek", "q", "--all"), ("dump",), ("move", "q", "d", "--all")],
                         ids=" ".join)
def test_interrupt__while_printing(run, argv):
    run.seed("q:" + BIG)
    with start(run, *argv) as process:
        until(lambda: unread(process.stdout) > 60_000)
        interrupt(process)
    assert run.db.count("claimed = 1") == 0


def test_interrupt__while_waiting_for_a_lock(run):
    run.seed("q:1")
    holder = sqlite3.connect(run.db.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with start(run, "write", "q", "m", env={"BROKER_BUSY_TIMEOUT": "50"}) as process:
        until(lambda: any(os.path.exists(f"/proc/{process.pid}/fd/{fd}") and os.readlink(
            f"/proc/{process.pid}/fd/{fd}").endswith(".broker.db-wal")
            for fd in os.listdir(f"/proc/{process.pid}/fd")))
        interrupt(process)
    holder.close()
    assert run.db.rows() == ["q:1"]


@pytest.mark.parametrize("interval", ["1", "100"])
def test_kill__nothing_is_half_done(run, interval):
    run.seed("q:1", "q:2", "q:" + BIG, "q:4")
    with start(run, "read", "q", "--all",
               env={"BROKER_READ_COMMIT_INTERVAL": interval}) as process:
        assert process.stdout.read(4) == b"1\n2\n"
        until(lambda: unread(process.stdout) > 60_000)
        process.kill()
        process.wait()
    run("stats", "q").out("q: 1 (4 total, 3 claimed)\n" if interval == "1" else "q: 4\n")
    assert run.db.sql("PRAGMA integrity_check") == [("ok",)]


# Progress: only on a terminal, only after a second, never with -q.

@pytest.fixture
def terminal():
    leader, follower = pty.openpty()
    yield leader, follower
    os.close(leader), os.close(follower)


def shown(leader):
    """What has appeared on the terminal so far."""
    data = b""
    while select.select([leader], [], [], 0)[0]:
        data += os.read(leader, 65536)
    return data


def slow_load(run, stderr, *flags, seconds, stop=lambda: False):
    """A load that goes on for so long, or until it is told to stop."""
    with run.popen(*flags, "load", stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                   stderr=stderr) as process:
        process.stdin.write(header(str(ident(10**9))).encode() + b"\n")
        end, n = time.monotonic() + seconds, 0
        while time.monotonic() < end and not stop():
            process.stdin.write(message(n).encode() + b"\n")
            process.stdin.flush()
            n += 1
            time.sleep(0.01)
        process.stdin.close()
        assert process.wait(20) == 0
    assert run.db.count() == n


@pytest.mark.ours
def test_progress__on_a_terminal_after_a_second(run, terminal):
    leader, follower = terminal
    began, seen = time.monotonic(), []

    def stop():
        seen.append(shown(leader))
        return seen[-1]

    slow_load(run, follower, seconds=10, stop=stop)
    assert seen[-1] and time.monotonic() - began > 0.9


def test_progress__never_when_quiet(run, terminal):
    leader, follower = terminal
    slow_load(run, follower, "-q", seconds=1.5)
    assert shown(leader) == b""


def test_progress__never_for_quick_work(run, terminal):
    leader, follower = terminal
    run.seed("q:1", "q:2")
    for argv in (["read", "q", "--all"], ["dump"], ["move", "q", "d", "--all"]):
        with run.popen(*argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=follower) as process:
            process.wait(20)
    assert shown(leader) == b""


def test_progress__never_into_a_pipe(run):
    reader, writer = os.pipe()
    slow_load(run, writer, seconds=1.5)
    os.close(writer)
    with open(reader, "rb") as pipe:
        assert pipe.read() == b""


# backup

@pytest.mark.ours
def test_backup__a_database_of_its_own(run):
    run.seed("q:1", "q:2!", "p:3", aliases=[("a", "q")], last_ts=ident(9))
    before = run.db.rows()
    result = run("backup", "copy.db")
    assert (result.code, result.stdout) == (0, "")
    copy = File(run.cwd / "copy.db")
    assert copy.rows() == before == run.db.rows() and copy.meta() == run.db.meta()
    run("-f", "copy.db", "read", "@a").out("1\n")
    assert run.db.rows() == before


@pytest.mark.ours
def test_backup__while_another_one_writes(run):
    run.seed("q:1")
    holder = sqlite3.connect(run.db.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    holder.execute("INSERT INTO messages (queue, body, ts) VALUES ('q', 'open', 7)")
    assert run("backup", "copy.db").code == 0
    holder.execute("COMMIT")
    holder.close()
    assert File(run.cwd / "copy.db").rows() == ["q:1"]


@pytest.mark.ours
@pytest.mark.parametrize("argv", [(), ("a", "b"), ("gone/sub/copy.db",), (".broker.db",), ("",),
                                  ("dir",)], ids=" ".join)
def test_backup__refused(run, argv):
    run.seed("q:1")
    (run.cwd / "dir").mkdir()
    run("backup", *argv).fails(1)
    assert run.db.rows() == ["q:1"]


@pytest.mark.ours
def test_backup__help(run):
    assert run("backup", "--help").stdout.startswith("usage: simplebroker backup")
    assert "backup" in run("--help").stdout
