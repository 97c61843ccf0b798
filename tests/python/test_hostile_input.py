"""Whatever is given to what is public: an exception, no crash, and the handle usable afterwards.

The calls are made by hostile.py in a process of its own, in development mode.
"""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from simplebroker import Queue
from simplebroker.db import BrokerDB

from . import hostile

pytestmark = pytest.mark.ours

PROGRAM = Path(hostile.__file__)


@pytest.mark.parametrize("area", hostile.AREAS)
def test_hostile_arguments(area, tmp_path):
    log = tmp_path / "log"
    (tmp_path / "work").mkdir()
    result = subprocess.run(
        [sys.executable, "-X", "dev", str(PROGRAM), area, str(log)],
        cwd=tmp_path / "work",
        env={**os.environ, "BROKER_SYNC_MODE": "OFF"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=300,
    )
    last = log.read_text(encoding="utf-8", errors="replace")
    assert result.returncode == 0, f"in {last}: {result.stderr}"
    *wrong, count = result.stdout.splitlines()
    assert wrong == []
    assert int(count.split()[0]) > 1000


def test_a_file_descriptor_is_no_path(tmp_path):
    """open() takes a number for a descriptor, and closes it."""
    from simplebroker.project import resolve_project_target

    with open(tmp_path / "mine", "w") as mine:
        with pytest.raises(TypeError):
            resolve_project_target(mine.fileno())
        with pytest.raises(TypeError):
            Queue("q", db_path=mine.fileno())
        mine.write("still open")


def test_an_exception_of_an_argument_comes_through(broker):
    class Mine(Exception):
        pass

    def breaking():
        yield ("q", "a", broker.generate_timestamp())
        raise Mine

    for call in (
        lambda: broker.insert_messages(breaking()),
        lambda: broker.write_many("q", breaking()),
        lambda: broker.delete_message_ids("q", breaking()),
        lambda: broker.delete_from_queues(breaking()),
    ):
        with pytest.raises((Mine, TypeError, ValueError)):
            call()
    assert broker.list_queues() == []


def test_text_subclasses_are_the_text_that_they_are(broker):
    assert broker.write("q", hostile.Liar("body")) > 0
    assert broker.claim_one("q", with_timestamps=False) == "body"


def test_an_exception_of_a_stop_event_comes_through(path):
    """It is asked before a call, and while it waits."""
    foreign = sqlite3.connect(path, isolation_level=None)
    with BrokerDB(path) as broker:
        foreign.execute("BEGIN IMMEDIATE")
        for patience in range(3):
            asked = iter(range(patience))
            broker.set_stop_event(Event(lambda asked=asked: next(asked) < 0))
            with pytest.raises(StopIteration):
                broker.write("q", "a")
        broker.set_stop_event(None)
        foreign.execute("COMMIT")
        broker.write("q", "b")
        assert broker.peek_many("q", with_timestamps=False) == ["b"]
    foreign.close()


class Event:
    def __init__(self, is_set):
        self.is_set = is_set
