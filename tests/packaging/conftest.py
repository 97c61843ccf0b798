"""An sdist, the wheel that is built from it, and environments: made once for all tests of a file."""

import sys

import pytest

from .environments import SOURCE, Environment, checked


@pytest.fixture(scope="session")
def sdist(tmp_path_factory):
    directory = tmp_path_factory.mktemp("sdist")
    build = f"import scikit_build_core.build as b; b.build_sdist({str(directory)!r})"
    checked(sys.executable, "-c", build, cwd=SOURCE)
    return next(directory.glob("*.tar.gz"))


@pytest.fixture(scope="session")
def wheel(sdist, tmp_path_factory):
    """From the sdist, so that this one has all that a build needs."""
    directory = tmp_path_factory.mktemp("wheel")
    checked(
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-build-isolation",
        "--no-deps",
        "--no-index",
        "--wheel-dir",
        directory,
        sdist,
        cwd=directory,
    )
    return next(directory.glob("*.whl"))


@pytest.fixture
def environment(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    return Environment(tmp_path / "environment", empty)
