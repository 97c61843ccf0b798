"""Fixtures of the interoperation tests: the command under test beside the reference.

`BROKER_BIN` is ours. The reference is `REFERENCE_BIN` and `REFERENCE_PYTHON`, or the two of the
environment in `SB_REFERENCE`. A missing one is an error: these tests are never skipped.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from cli.transcript import Result, Shell


def needed(variable, inside=None):
    """The program a variable names; the environment of the reference stands in."""
    value = os.environ.get(variable)
    if not value and inside and os.environ.get("SB_REFERENCE"):
        value = str(Path(os.environ["SB_REFERENCE"]) / "bin" / inside)
    if not value or not os.access(value, os.X_OK):
        pytest.exit(f"interoperation tests need {variable} to name a program; it is {value!r}",
                    returncode=4)
    return os.path.abspath(value)


class Agent:
    """The reference, kept running in its own process."""

    def __init__(self, python, cwd, settings):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("BROKER_")}
        environment.update(settings)
        self.cwd = Path(cwd)
        self.process = subprocess.Popen(
            [python, str(Path(__file__).with_name("reference_agent.py"))], cwd=cwd,
            env={**environment, "LC_ALL": "C.UTF-8", "COLUMNS": "80"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def send(self, **request):
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()

    def receive(self):
        answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, answer
        return answer

    def ask(self, **request):
        self.send(**request)
        return self.receive()

    def call(self, method, *args, **kwargs):
        """A method of the reference's connection to the default file."""
        return self.ask(call=method, path=str(self.cwd / ".broker.db"), args=args,
                        kwargs=kwargs)["value"]

    def __call__(self, *argv, stdin="", env=None, cwd=None):
        """The reference's command, in process."""
        got = self.ask(argv=argv, cwd=str(cwd or self.cwd), env=env or {}, stdin=stdin)
        return Result(argv, got["code"], got["stdout"].encode(), got["stderr"].encode())

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


@pytest.fixture
def ours(tmp_path):
    return Shell([needed("BROKER_BIN")], tmp_path)


@pytest.fixture
def reference(tmp_path):
    """The reference's command, as a process of its own each time."""
    return Shell([needed("REFERENCE_BIN", "broker")], tmp_path)


@pytest.fixture
def agents(tmp_path):
    """Starts as many agents as asked for, with these settings in their environment."""
    started = []

    def start(count=1, **settings):
        started.extend(Agent(needed("REFERENCE_PYTHON", "python"), tmp_path, settings)
                       for _ in range(count))
        return started[-count:]

    yield start
    for agent in started:
        agent.close()


@pytest.fixture
def agent(agents):
    return agents()[0]


@pytest.fixture(params=["ours then reference", "reference then ours"])
def pair(request, ours, agent):
    """Both commands on one file: the first makes it, the second goes on."""
    return (ours, agent) if request.param.startswith("ours") else (agent, ours)
