"""A database that others hold locked (contract: cli 8, storage 10)."""

import sqlite3
import time

import pytest


@pytest.fixture
def holder(run):
    """Another program's open write transaction on the database."""
    run("write", "q", "m").ok()
    connection = sqlite3.connect(run.db.path, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    connection.close()


def test_write__waits_for_the_lock(run, holder):
    with run.popen("write", "q", "x", env={"BROKER_BUSY_TIMEOUT": "1"}) as waiting:
        with pytest.raises(Exception, match="timed out"):
            waiting.wait(1)
        holder.execute("COMMIT")
        assert waiting.wait(20) == 0
    assert run.db.rows() == ["q:m", "q:x"]


@pytest.mark.parametrize("argv", [("peek", "q"), ("list",), ("exists", "q"), ("stats", "q"),
                                  ("dump",), ("--status",)], ids=" ".join)
def test_reading__does_not_wait(run, holder, argv):
    began = time.monotonic()
    assert run(*argv).code == 0
    assert time.monotonic() - began < 2


def test_write__gives_up_after_half_a_minute_without_progress(blocked_write_outcome):
    result, seconds, run = blocked_write_outcome
    result.json_fails("ERROR", "locked")
    assert 29 < seconds < 45
    assert run.db.rows() == ["q:m"]
