"""The programs of examples/ run as they are, in empty directories, and print what they should."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

# What each program prints. A line that begins with "..." stands for any number of lines.
PRINTED = {
    "logging_runner.py": """\
        DEBUG begin
        ...
        DEBUG INSERT INTO messages
        ...
        DEBUG commit (fast)
        ...
        read: hello
        """,
    "daemon_runner.py": """\
        written: 20
        read: 20
        daemon started more than once: True
        """,
    "pooled_runner.py": """\
        tasks: 100
        taken twice: 0
        """,
    "mock_runner.py": """\
        write failed: disk on fire
        last call: rollback
        pending: ['one']
        inserts tried: 2
        """,
    "async_queue.py": """\
        written: 10 waiting: 10
        next: job 0
        taken by two consumers: 10
        streamed: ['item 0', 'item 1', 'item 2', 'item 3', 'item 4']
        """,
    "async_broker.py": """\
        consumed: 10
        reached: 2
        queues: [('high', 2), ('low', 1)]
        moved: hello
        high: ['hello', 'hello', 'fire']
        left: []
        """,
    "async_worker.py": """\
        done: ['job 0', 'job 1', 'job 2', 'job 4']
        failed: ['job 3']
        too-slow: ['job 5']
        left for the next time: ['job 6']
        """,
    "worker.py": """\
        done: resize cat.png
        attempt 1 failed: cannot resize broken.png
        attempt 2 failed: cannot resize broken.png
        attempt 3 failed: cannot resize broken.png; given up
        the worker died
        recovered: 1
        done: power cut
        done: resize dog.png
        dead letters: ['resize broken.png']
        """,
    "fan_out.py": """\
        all subscribers, reached: 3
        only mail.*, reached: 2
          log: ['hello']
          mail.anna: ['hello', 'you have mail']
          mail.ben: ['hello', 'you have mail']
        reports.v1 ['monday']
        reports.v2 ['tuesday']
        """,
    "checkpoint.py": """\
        new: 3 {'anna': 17, 'ben': 5}
        new: 1 {'anna': 17, 'ben': 25}
        new: 0 still in the queue: 4
        """,
    "multi_queue.py": """\
        urgent: urgent 0
        urgent: urgent 1
        urgent: urgent 2
        normal: normal 0
        normal: normal 1
          bulk: bulk 0
        urgent: urgent 3
        normal: normal 2
        normal: normal 3
          bulk: bulk 1
          bulk: bulk 2
          bulk: bulk 3
        waiting: 0
        """,
    "outbox.py": """\
        ordered: 2
        refused: not enough pizza
        ordered: 1
        orders: [(2,), (1,)]
        to ship: ['ship 2 pizza', 'ship 1 pizza']
        """,
    "transaction.py": """\
        refused: anna has no 5
        notices: ['anna: -7', 'ben: +7']
        refused: ['anna ben 5']
        accounts: {'anna': 3, 'ben': 7}
        """,
}

# Programs with more than the reference has.
OURS = {"async_worker.py", "transaction.py"}


def run(arguments, directory):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("BROKER_")}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    return subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", *arguments],
        cwd=directory, env=environment, capture_output=True, encoding="utf-8", timeout=60,
    )


def pattern(shown):
    """A regular expression for the lines of PRINTED."""
    lines = [line.removeprefix(" " * 8) for line in shown.splitlines()[:-1]]
    return "".join("(?:.*\n)*" if line == "..." else re.escape(line) + "\n" for line in lines)


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=[pytest.mark.ours] if name in OURS else []) for name in PRINTED
])
def test_example__prints_what_it_should(name, tmp_path):
    result = run([EXAMPLES / name], tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert re.fullmatch(pattern(PRINTED[name]), result.stdout), result.stdout


def test_tests_with_the_mock_runner__pass(tmp_path):
    tests = EXAMPLES / "test_with_mock_runner.py"
    result = run(["-m", "pytest", "-q", "-p", "no:cacheprovider", tests], tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "5 passed" in result.stdout


def test_every_program__is_run():
    programs = {path.name for path in EXAMPLES.glob("*.py")}
    assert programs == {*PRINTED, "test_with_mock_runner.py"}


def test_every_program__is_listed():
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in EXAMPLES.glob("*.py") if f"({path.name})" not in readme] == []
