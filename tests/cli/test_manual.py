"""The manual page: well-formed, and in step with what the command says about itself."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

MANUAL = Path(__file__).resolve().parents[2] / "docs" / "man" / "broker.1"
HEADER = Path(__file__).resolve().parents[2] / "core" / "include" / "simplebroker.h"


def plain_manual():
    """The page's text: macro arguments joined, `Fl -all` as --all."""
    text = MANUAL.read_text()
    text = re.sub(r"\bFl -?([A-Za-z-]+)", lambda m: "-" + m.group(0).split()[1], text)
    return text


def help_of(*argv):
    return subprocess.run([os.environ["BROKER_BIN"], *argv, "--help"], check=True,
                          capture_output=True, text=True).stdout


def commands():
    return re.search(r"\{([a-z,\s]+)\}", help_of()).group(1).replace("\n", "").split(",")


def test_manual__passes_lint():
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not installed")
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", MANUAL],
                          capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.ours
def test_manual__names_every_command():
    manual = MANUAL.read_text()
    missing = [c for c in commands() if f"Ic {c.strip()}" not in manual]
    assert missing == []


@pytest.mark.ours
def test_manual__names_every_long_option():
    manual = plain_manual()
    texts = [help_of()] + [help_of(c.strip()) for c in commands()]
    options = {o for text in texts for o in re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)}
    assert options
    assert sorted(o for o in options if o not in manual) == []


def test_manual__names_every_environment_key():
    keys = set(re.findall(r"\bBROKER_[A-Z_]+[A-Z]\b", HEADER.read_text()))
    keys |= {"BROKER_SYNC_MODE", "BROKER_BUSY_TIMEOUT", "BROKER_DEFAULT_DB_NAME"}
    manual = MANUAL.read_text()
    assert sorted(k for k in keys if k not in manual) == []
