"""The manual page: well-formed, and in step with what the command says about itself."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MANUAL = ROOT / "docs" / "man" / "broker.1"
SOURCES = ROOT / "core" / "src"


def plain_manual():
    """The page's text: macro arguments joined, `Fl -all` as --all."""
    text = MANUAL.read_text()
    text = re.sub(r"\bFl -?([A-Za-z-]+)", lambda m: "-" + m.group(0).split()[1], text)
    return text


def help_of(*argv):
    return subprocess.run([os.environ["BROKER_BIN"], *argv, "--help"], check=True,
                          capture_output=True, text=True).stdout


def commands():
    """The first words of the lines beneath "commands:" in the help."""
    lines = help_of().split("\ncommands:\n", 1)[1].split("\n\n", 1)[0].splitlines()
    return [line.split()[0] for line in lines]


def test_manual__passes_lint():
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not installed")
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", MANUAL],
                          capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.ours
def test_manual__names_every_command():
    manual = MANUAL.read_text()
    missing = [c for c in commands() if f"Ic {c}" not in manual]
    assert missing == []


@pytest.mark.ours
def test_manual__names_every_long_option():
    manual = plain_manual()
    texts = [help_of()] + [help_of(c) for c in commands()]
    options = {o for text in texts for o in re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)}
    assert options
    assert sorted(o for o in options if o not in manual) == []


def test_manual__names_every_environment_key():
    table = (SOURCES / "config_keys.c").read_text()
    keys = {"BROKER_" + key for key in re.findall(r'\bKEY\("([A-Z_]+)"', table)}
    assert len(keys) == 32
    manual = MANUAL.read_text()
    assert sorted(k for k in keys if k not in manual) == []
