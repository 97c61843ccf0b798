"""Tests of the package. They run on the reference as well, but for those marked `ours`."""

import importlib.util
import os
import subprocess
import sys
import textwrap
import threading

import pytest

from simplebroker import Queue
from simplebroker.db import BrokerDB
from simplebroker.ext import SQLiteRunner

from .calling import call as call

REFERENCE = importlib.util.find_spec("simplebroker._native") is None


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "ours: behaviour that the reference does not have, or not like this"
    )


def pytest_collection_modifyitems(config, items):
    if not REFERENCE:
        return
    dropped = [item for item in items if item.get_closest_marker("ours")]
    config.hook.pytest_deselected(items=dropped)
    items[:] = [item for item in items if not item.get_closest_marker("ours")]


def pytest_sessionfinish(session, exitstatus):
    """A file for our package alone is in order with the reference."""
    if REFERENCE and exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
        session.exitstatus = pytest.ExitCode.OK


@pytest.fixture
def path(tmp_path):
    """Where a broker's file goes; nothing is there yet."""
    return str(tmp_path / "broker.db")


@pytest.fixture
def make_queue(path):
    """Makes queues of one broker, and closes them."""
    made = []

    def make(name="q", **keywords):
        made.append(Queue(name, **{"db_path": path, **keywords}))
        return made[-1]

    yield make
    for queue in made:
        queue.close()


@pytest.fixture(params=["ephemeral", "persistent", "runner"])
def kind(request, path):
    """Keywords for each kind of handle of a queue."""
    if request.param != "runner":
        yield {"persistent": request.param == "persistent"}
        return
    with SQLiteRunner(path) as runner:
        yield {"runner": runner}


@pytest.fixture
def queue(make_queue, kind):
    """The queue `q`, once for each kind of handle."""
    return make_queue(**kind)


@pytest.fixture
def other(make_queue, kind):
    """The queue `other` of the same broker, with a handle of the same kind."""
    return make_queue("other", **kind)


@pytest.fixture
def broker(path):
    """A broker of its own on the same file."""
    with BrokerDB(path) as opened:
        yield opened


@pytest.fixture
def elsewhere():
    """Calls a function in another thread and hands over what it returns or raises."""

    def call(function):
        outcome = []

        def run():
            try:
                outcome.append((function(), None))
            except BaseException as error:
                outcome.append((None, error))

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        value, error = outcome[0]
        if error is not None:
            raise error
        return value

    return call


@pytest.fixture
def refused(make_queue, broker):
    """Calls with the queue and a broker; expects the exception, and everything as it was."""
    queue = make_queue()
    queue.write("body one")
    queue.write("body two")
    queue.read()
    tables = ("messages", "meta", "queue_aliases")

    def stored():
        with broker.sidecar() as session:
            return [session.run(f"SELECT * FROM {table}", fetch=True) for table in tables]

    def check(call, exception, match=None):
        before = stored()
        with pytest.raises(exception, match=match) as caught:
            call(queue, broker)
        assert stored() == before
        assert queue.peek() == "body two"
        assert broker.peek_one("q", with_timestamps=False) == "body two"
        return caught.value

    return check


@pytest.fixture
def program(tmp_path):
    """Runs a program in a Python of its own, which must end well and say nothing on stderr.

    Returns what it printed. Development mode, warnings are errors.
    """

    def run(source, *arguments, flags=("-X", "dev", "-W", "error"), timeout=100):
        file = tmp_path / "program.py"
        file.write_text(textwrap.dedent(source), encoding="utf-8")
        result = subprocess.run(
            [sys.executable, *flags, str(file), *map(str, arguments)],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
        )
        assert (result.returncode, result.stderr) == (0, ""), result.stdout + result.stderr
        return result.stdout

    return run


@pytest.fixture(scope="session")
def reference_python():
    """The command that starts the reference's Python, kept apart from ours."""
    python = os.path.join(os.environ.get("SB_REFERENCE", ""), "bin", "python")
    assert os.access(python, os.X_OK), "SB_REFERENCE does not name the reference's environment"
    return [python, "-E"]
