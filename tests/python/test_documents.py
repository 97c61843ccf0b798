"""The Python programs of README.md and of the guides run, and print what is shown below them.

A block "```python name.py" is a program, "```text name.py" its output, in which "..." stands for some
text. Each program runs in an empty directory.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

os.environ.setdefault("SB_SOURCE_DIR", str(Path(__file__).parents[2]))

from docs.markdown import blocks  # noqa: E402

pytestmark = pytest.mark.ours

PROGRAMS = blocks("python")
SHOWN = {(path, name): text for path, name, text in blocks("text")}


def matches(printed, shown):
    pattern = ".*".join(re.escape(piece) for piece in shown.split("..."))
    return re.fullmatch(pattern, printed) is not None


@pytest.mark.parametrize("path, name, text", PROGRAMS,
                         ids=[f"{path.name}-{name}" for path, name, _ in PROGRAMS])
def test_program__prints_what_is_shown(path, name, text, tmp_path):
    (tmp_path / name).write_text(text, encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("BROKER_")}
    result = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", name], cwd=tmp_path, env=environment,
        capture_output=True, encoding="utf-8", timeout=60,
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert matches(result.stdout, SHOWN[path, name]), result.stdout


def test_programs__have_names_of_their_own():
    names = [(path, name) for path, name, _ in PROGRAMS]
    assert len(set(names)) == len(names)
    assert all(name for _, name in names)
