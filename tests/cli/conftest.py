"""Fixtures of the command tests; `BROKER_BIN` names the command under test."""

import os
import shutil
import sqlite3
import tempfile
import threading
import time
from pathlib import Path

import pytest

from .transcript import Shell


def broker_bin():
    path = os.environ.get("BROKER_BIN")
    if not path:
        pytest.exit("set BROKER_BIN to the `broker` command to test", returncode=4)
    return Path(path).absolute()


def is_reference():
    """The reference is a script; ours is a program. ORACLE=0 or 1 decides otherwise."""
    if "ORACLE" in os.environ:
        return os.environ["ORACLE"] == "1"
    return broker_bin().read_bytes()[:2] == b"#!"


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "ours: behaviour in which this project departs from the reference")


def pytest_collection_modifyitems(config, items):
    if not is_reference():
        return
    dropped = [item for item in items if item.get_closest_marker("ours")]
    config.hook.pytest_deselected(items=dropped)
    items[:] = [item for item in items if not item.get_closest_marker("ours")]


@pytest.fixture
def run(tmp_path):
    """The command in an empty directory."""
    return Shell([broker_bin()], tmp_path)


@pytest.fixture
def nobody():
    """The command as an ordinary user, in an empty directory of theirs."""
    directory = Path(tempfile.mkdtemp(prefix="broker-cli-"))
    command = [broker_bin()]
    if os.getuid() == 0:
        directory.chmod(0o755)
        os.chown(directory, 65534, 65534)
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
    shell = Shell(command, directory)
    if shell("--version").code != 0:
        pytest.skip("an ordinary user cannot run the command from where it is")
    yield shell
    for place, _, _ in os.walk(directory):
        os.chmod(place, 0o700)
    shutil.rmtree(directory)


@pytest.fixture(scope="session", autouse=True)
def blocked_write(request, tmp_path_factory):
    """A write to a database that stays locked: its result and the seconds it took. It takes half
    a minute, so it begins with the session and runs beside the other tests."""
    if not any("blocked_write_outcome" in item.fixturenames for item in request.session.items):
        yield None
        return
    run, answer = Shell([broker_bin()], tmp_path_factory.mktemp("blocked")), []
    run.seed("q:m")
    holder = sqlite3.connect(run.db.path, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")

    def write():
        began = time.monotonic()
        answer.append(run("write", "q", "x", "--json", env={"BROKER_BUSY_TIMEOUT": "1"}))
        answer.append(time.monotonic() - began)

    thread = threading.Thread(target=write)
    thread.start()
    yield thread, answer, run
    thread.join()
    holder.close()


@pytest.fixture
def blocked_write_outcome(blocked_write):
    """Waits for the blocked write: its result, the seconds it took, and where it ran."""
    thread, answer, run = blocked_write
    thread.join()
    return (*answer, run)
