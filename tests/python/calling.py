"""What the tests of commands share: calls with their output, and standard input."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from simplebroker import commands


class Outcome(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


class Input(io.TextIOWrapper):
    """Standard input, perhaps a terminal."""

    terminal = False

    def isatty(self) -> bool:
        return self.terminal


def standard_input(data: str | bytes, terminal: bool = False) -> Input:
    stream = Input(io.BytesIO(data.encode() if isinstance(data, str) else data), "utf-8")
    stream.terminal = terminal
    return stream


@pytest.fixture
def call(
    path: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Outcome]:
    """Calls `cmd_<name>` on the broker of the test."""

    def call(name: str, *arguments: Any, stdin: str | bytes = "", **keywords: Any) -> Outcome:
        monkeypatch.setattr(sys, "stdin", standard_input(stdin))
        capsys.readouterr()
        code = getattr(commands, f"cmd_{name}")(path, *arguments, **keywords)
        return Outcome(code, *capsys.readouterr())

    return call


def quiet(name: str, *arguments: Any) -> None:
    """Calls a command for its effect."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        getattr(commands, f"cmd_{name}")(*arguments)
