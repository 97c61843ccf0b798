"""What tools say about the Python sources."""

import sys

from .environments import SOURCE, checked


def test_package__passes_mypy_strict(tmp_path):
    cache = f"--cache-dir={tmp_path}"
    assert "no issues" in checked(
        sys.executable, "-m", "mypy", cache, "python/simplebroker", cwd=SOURCE
    )


def test_sources__pass_ruff():
    rooms = ("python", "bindings", "tests/python", "tests/packaging", "tests/bench")
    checked(sys.executable, "-m", "ruff", "check", "--quiet", "--no-cache", *rooms, cwd=SOURCE)
