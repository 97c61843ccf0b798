"""Transcripts: each block runs in a shell of its own, in an empty directory. "..." stands for some text."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from .markdown import blocks

TRANSCRIPTS = blocks("console")


def steps(text):
    """(command, expected output) of a transcript; a command goes on in lines that begin with '> '."""
    result = []
    for line in text.splitlines():
        if line.startswith("$ "):
            result.append([line[2:], ""])
        elif line.startswith("> "):
            result[-1][0] += "\n" + line[2:]
        else:
            result[-1][1] += line + "\n"
    return result


def matches(printed, shown):
    pattern = ".*".join(re.escape(piece) for piece in shown.split("..."))
    return re.fullmatch(pattern, printed) is not None


@pytest.mark.parametrize("block", TRANSCRIPTS,
                         ids=[f"{path.name}-{n}" for n, (path, _, _) in enumerate(TRANSCRIPTS)])
def test_transcript__is_what_happens(block, tmp_path):
    environment = {key: value for key, value in os.environ.items()
                   if not key.startswith("BROKER_")}
    bin_directory = Path(os.environ["BROKER_BIN"]).absolute().parent
    environment["PATH"] = f"{bin_directory}:{environment['PATH']}"
    commands = steps(block[2])
    mark = "-- end of step --"
    script = "".join(f"{command}\n(code=$?; echo '{mark}'; exit $code)\n" for command, _ in commands)
    result = subprocess.run(["sh"], input=script, cwd=tmp_path, env=environment,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
                            timeout=60)
    printed = result.stdout.split(mark + "\n")[:-1]
    assert len(printed) == len(commands), result.stdout
    wrong = [(command, got, shown) for (command, shown), got in zip(commands, printed)
             if not matches(got, shown)]
    assert wrong == []
