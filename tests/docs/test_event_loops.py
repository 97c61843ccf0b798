"""The examples for event loops, built as their readers would: with what was installed, by pkg-config."""

import os
import subprocess

import pytest

from .markdown import SOURCE, blocks

EXAMPLES = SOURCE / "docs" / "examples"
SHOWN = {name: text for _, name, text in blocks("text") if name}


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """An environment in which the compiler, pkg-config and programs find an installed library."""
    prefix = tmp_path_factory.mktemp("installed")
    subprocess.run(["cmake", "--install", os.environ["SB_BINARY_DIR"], "--prefix", prefix],
                   check=True, capture_output=True)
    libdir = next(prefix.rglob("simplebroker.pc")).parents[1]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("BROKER_")}
    return {**kept, "PKG_CONFIG_PATH": f"{libdir / 'pkgconfig'}", "LD_LIBRARY_PATH": f"{libdir}"}


@pytest.mark.parametrize("name, packages", [("event_loop", ["simplebroker"]),
                                            ("libuv", ["simplebroker", "libuv"])])
def test_example__builds_with_pkg_config(name, packages, installed, tmp_path):
    options = subprocess.run(["pkg-config", "--cflags", "--libs", *packages], env=installed,
                             check=True, capture_output=True, encoding="utf-8").stdout.split()
    sanitizers = os.environ["SB_SANITIZE"]
    if sanitizers:
        options.append(f"-fsanitize={sanitizers}")
    program = tmp_path / name
    subprocess.run([os.environ["SB_CC"], EXAMPLES / f"{name}.c", "-o", program, *options],
                   check=True, env=installed)
    result = subprocess.run([program], cwd=tmp_path, env=installed, capture_output=True,
                            encoding="utf-8", timeout=60)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == SHOWN[f"{name}.c"]
