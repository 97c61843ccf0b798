"""Closed pipes and full disks behind stdout (contract: cli 9)."""

import os
import subprocess

import pytest

from .transcript import Result, ident

BIG = "x" * 300_000


def into_closed_pipe(run, *argv, **env):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return run(*argv, stdout=writer, env=env)
    finally:
        os.close(writer)


def after_reading(run, size, *argv, **env):
    """Reads so many bytes of the payload, then goes away."""
    with run.popen(*argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                   stderr=subprocess.PIPE) as process:
        seen = process.stdout.read(size)
        process.stdout.close()
        stderr = process.stderr.read()
        return Result(argv, process.wait(60), seen, stderr)


STOPPING = [("read", "q"), ("read", "q", "--all"), ("read", "q", "-m", str(ident(0))),
            ("read", "q", "--json"), ("read", "q", "--after", "0"), ("peek", "q"),
            ("peek", "q", "--all"), ("peek", "q", "--json", "--all"),
            ("peek", "q", "-m", str(ident(0))), ("move", "q", "d"), ("move", "q", "d", "--all"),
            ("move", "q", "d", "--json", "-m", str(ident(0))), ("dump",)]


@pytest.mark.parametrize("argv", STOPPING, ids=" ".join)
def test_closed_pipe__a_clean_stop(run, argv):
    run.seed("q:1", "q:2", "q:3")
    into_closed_pipe(run, *argv).ok()
    taken = {"read": 1, "move": 3 if "--all" in argv else 1}.get(argv[0], 0)
    assert run.db.count("claimed = 1 OR queue = 'd'") == taken


def test_read_all__the_message_being_printed_is_claimed(run):
    run.seed("q:1", "q:2", "q:" + BIG, "q:4", "q:5")
    after_reading(run, 4, "read", "q", "--all").out("1\n2\n")
    assert [r[:5] for r in run.db.rows()] == ["q:1!", "q:2!", "q:xxx", "q:4", "q:5"]
    assert run.db.count("claimed = 1") == 3


def test_read_all__the_open_batch_is_rolled_back(run):
    run.seed("q:1", "q:2", "q:3", "q:" + BIG, "q:5", "q:6")
    after_reading(run, 4, "read", "q", "--all", BROKER_READ_COMMIT_INTERVAL="2").out("1\n2\n")
    assert run.db.count("claimed = 1") == 2
    after_reading(run, 2, "read", "q", "--all", BROKER_READ_COMMIT_INTERVAL="100").out("3\n")
    assert run.db.count("claimed = 1") == 2


def test_read_all__first_record_of_a_batch(run):
    run.seed("q:1", "q:2")
    into_closed_pipe(run, "read", "q", "--all", BROKER_READ_COMMIT_INTERVAL="10").ok()
    assert run.db.rows() == ["q:1", "q:2"]


def test_peek_all__stops(run):
    run.seed("q:1", "q:" + BIG, "q:3")
    after_reading(run, 2, "peek", "q", "--all").out("1\n")


def test_dump__stops(run):
    run.seed("q:" + BIG)
    after_reading(run, 10, "dump").out('{"backend"')


FAILING = [("list",), ("list", "--json"), ("list", "--stats"), ("stats", "q"),
           ("exists", "q", "--json"), ("write", "-t", "q", "m"), ("write", "--json", "q", "m"),
           ("rename", "q", "d", "--json")]


@pytest.mark.parametrize("argv", FAILING, ids=" ".join)
def test_closed_pipe__an_error_elsewhere(run, argv):
    run.seed("q:1")
    result = into_closed_pipe(run, *argv)
    assert result.code == 1 and result.stderr.count("\n") == 1, result


@pytest.mark.ours
@pytest.mark.parametrize("argv", [("--status",), ("--status", "--json"), ("--version",),
                                  ("alias", "list"), ("--help",)], ids=" ".join)
def test_closed_pipe__an_error_line(run, argv):
    run.seed("q:1", aliases=[("a", "b")])
    result = into_closed_pipe(run, *argv)
    assert result.code == 1 and result.stderr.count("\n") == 1, result


@pytest.mark.parametrize("argv", STOPPING + FAILING, ids=" ".join)
def test_full_disk__an_error_and_the_claim_stays(run, argv):
    run.seed("q:1", "q:2", "q:3")
    with open("/dev/full", "wb") as full:
        result = run(*argv, stdout=full)
    assert result.code == 1 and result.stderr.count("\n") == 1, result
    taken = {"read": 1, "move": 3 if "--all" in argv else 1}.get(argv[0], 0)
    if argv[0] != "rename":
        assert run.db.count("claimed = 1 OR queue = 'd'") == taken


def test_full_disk__the_batch_is_rolled_back(run):
    run.seed("q:1", "q:2", "q:3")
    with open("/dev/full", "wb") as full:
        result = run("read", "q", "--all", stdout=full, env={"BROKER_READ_COMMIT_INTERVAL": "2"})
    assert result.code == 1 and run.db.count("claimed = 1") == 0


def test_no_reader_of_stderr__does_not_matter(run):
    reader, writer = os.pipe()
    os.close(reader)
    with run.popen("write", "b!d", "m", stdin=subprocess.DEVNULL, stderr=writer) as process:
        os.close(writer)
        assert process.wait(60) == 1
