"""The six programs that the project was created from run unchanged, and do what they say.

They stand beside the checkout, not in it; where they are missing there is nothing to run.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from simplebroker import Queue

SEED = Path(__file__).parents[3] / "shared" / "seed" / "examples"

MISSING = pytest.mark.skipif(not SEED.is_dir(), reason="the seed's programs are not here")
pytestmark = [pytest.mark.ours, MISSING]


@pytest.fixture
def run(tmp_path):
    """Runs a program of the seed in an empty directory; returns the lines that it printed."""

    def run(name, *arguments):
        return run_program(shutil.copy(SEED / name, tmp_path), tmp_path, *arguments)

    return run


def run_program(program, directory, *arguments):
    environment = {key: value for key, value in os.environ.items()
                   if not key.startswith("BROKER_")}
    result = subprocess.run(
        [sys.executable, *arguments, program], cwd=directory, env=environment,
        capture_output=True, encoding="utf-8", timeout=100,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    return result


@pytest.fixture
def run_on_aio(tmp_path):
    """Runs an asynchronous program of the seed with its imports in place of its own classes."""

    def run(name, imports):
        source = (SEED / name).read_text(encoding="utf-8")
        usage = source[re.search("^# Usage example", source, re.MULTILINE).start():]
        program = tmp_path / name
        program.write_text(f"import asyncio\nfrom simplebroker.aio import {imports}\n{usage}")
        return run_program(program, tmp_path)

    return run


def lines(result, beginning):
    return [line for line in result.stdout.splitlines() if line.startswith(beginning)]


def test_custom_runner__reads_and_logs(run, tmp_path):
    result = run("custom_runner.py")
    assert result.stdout == "Read: Hello, logged world!\n"
    assert "DEBUG:__main__:BEGIN IMMEDIATE" in result.stderr
    assert "INSERT INTO messages" in result.stderr
    assert "SQL Error" not in result.stderr
    assert [path.name for path in tmp_path.glob("*.db")] == ["logged.db"]
    assert Queue("tasks", db_path=str(tmp_path / "logged.db")).read() is None


def test_daemon_runner__processes_all_in_order(run):
    result = run("daemon_runner.py")
    assert lines(result, "Processed") == [f"Processed: Background task {n}" for n in range(10)]


def test_pooled_runner__loses_and_repeats_nothing(run, tmp_path):
    result = run("pooled_runner.py")
    counts = [int(re.search(r"processed (\d+)", line)[1]) for line in lines(result, "Worker")]
    left = Queue("pooled_tasks", db_path=str(tmp_path / "pooled.db")).stats().pending
    assert len(counts) == 10
    assert sum(counts) + left == 1000


def test_mock_runner__passes_its_own_tests(run):
    result = run("test_mock_runner.py", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert "4 passed" in result.stdout


def test_mock_runner__shows_its_calls(run):
    result = run("test_mock_runner.py")
    assert result.stdout.count("begin: ") >= 5
    assert lines(result, "  Demo") == [f"  Demo message {n}" for n in range(5)]


def check_async_runner(result):
    assert sorted(lines(result, "Processed")) == [f"Processed: Async task {n}" for n in (1, 2, 3)]


def test_async_runner__processes_all(run):
    check_async_runner(run("async_runner.py"))


def test_async_runner__runs_on_aio(run_on_aio):
    imports = "AsyncBroker as AsyncSQLiteRunner, AsyncQueue"
    check_async_runner(run_on_aio("async_runner.py", imports))


def check_async_queue_complete(result):
    assert lines(result, "Processed") == [f"Processed: Task {n}" for n in (1, 2, 3)]
    streamed = lines(result, "Processing: Stream item")
    assert streamed == [f"Processing: Stream item {n}" for n in range(100)]
    consumed = [line.split(": ")[1] for line in lines(result, "Consumer")]
    assert len(set(consumed)) == len(consumed) == 100
    assert result.stdout.endswith("\nQueue Status:\n")


def test_async_queue_complete__ends_with_empty_queues(run):
    check_async_queue_complete(run("async_queue_complete.py"))


def test_async_queue_complete__runs_on_aio(run_on_aio):
    check_async_queue_complete(run_on_aio("async_queue_complete.py", "AsyncQueue, async_broker"))
