"""What a runner may do to the very broker that is calling it, and what it is told."""

import gc
import os
import threading

import pytest

from simplebroker import Queue
from simplebroker.db import BrokerCore
from simplebroker.ext import OperationalError, SQLiteRunner

pytestmark = pytest.mark.ours


class Acting(SQLiteRunner):
    """Does something once, in the middle of an operation."""

    act = None

    def run(self, sql, params=(), *, fetch=False):
        act, self.act = self.act, None
        if act is not None:
            act()
        return super().run(sql, params, fetch=fetch)


@pytest.fixture
def runner(path):
    with Acting(path) as acting:
        yield acting


@pytest.fixture
def core(runner):
    made = BrokerCore(runner)
    made.write("q", "a")
    yield made
    made.close()


def bodies(core):
    return [body for body, _ in core.peek_many("q")]


def test_it_closes_the_broker_when_the_operation_is_done(runner, core, monkeypatch):
    monkeypatch.setattr(runner, "close", lambda: None)  # which the broker would close too
    runner.act = core.close
    core.write("q", "b")
    assert bodies(core) == ["a", "b"]


def test_it_collects_garbage(runner, core):
    forgotten = core.peek_generator("q")
    next(forgotten)
    cycle = [forgotten]
    cycle.append(cycle)
    del forgotten, cycle
    runner.act = gc.collect
    core.write("q", "b")
    assert bodies(core) == ["a", "b"]


def test_it_reads_but_does_not_write(runner, core):
    seen = []

    def act():
        seen.append(core.peek_one("q", with_timestamps=False))
        with pytest.raises(OperationalError, match="(?i)separate broker"):
            core.write("q", "inner")

    runner.act = act
    core.write("q", "b")
    assert seen == ["a"]
    assert bodies(core) == ["a", "b"]


def test_it_uses_other_brokers(runner, core, tmp_path):
    other = Queue("q", db_path=str(tmp_path / "other.db"), persistent=True)
    runner.act = lambda: other.write("theirs")
    core.write("q", "b")
    assert other.read() == "theirs"
    other.close()
    assert bodies(core) == ["a", "b"]


def test_other_threads_wait_their_turn(runner, core):
    threads = [threading.Thread(target=core.write, args=("q", "c")) for _ in range(3)]

    def act():
        for thread in threads:
            thread.start()

    runner.act = act
    core.write("q", "b")
    for thread in threads:
        thread.join()
    assert bodies(core) == ["a", "b", "c", "c", "c"]


def test_it_forks(runner, core):
    ends = []

    def act():
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        ends.append(os.waitpid(pid, 0)[1])

    runner.act = act
    core.write("q", "b")
    assert ends == [0]
    assert bodies(core) == ["a", "b"]


def test_it_replaces_the_stop_event(runner, core):
    def act():
        core.set_stop_event(threading.Event())
        gc.collect()

    core.set_stop_event(threading.Event())
    runner.act = act
    core.write("q", "b")
    assert bodies(core) == ["a", "b"]
