"""Quoted programs equal the files that are compiled, and print what is shown beside them."""

import os
import subprocess
from pathlib import Path

import pytest

from .markdown import SOURCE, blocks

EXAMPLES = SOURCE / "docs" / "examples"
PROGRAMS = Path(os.environ["SB_BINARY_DIR"]) / "tests" / "docs"

QUOTED = [(name, text) for _, name, text in blocks("c") if name]
SHOWN = {name: text for _, name, text in blocks("text") if name}


@pytest.mark.parametrize("name, text", QUOTED, ids=[name for name, _ in QUOTED])
def test_quotation__equals_the_file(name, text):
    assert text == (EXAMPLES / name).read_text(encoding="utf-8")


def test_code__is_quoted_from_files_only():
    assert [path.name for path, name, _ in blocks("c") if not name] == []


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.[ch]")), ids=lambda path: path.name)
def test_example__is_quoted(path):
    assert path.name in {name for name, _ in QUOTED}


LUA = [(name, text) for _, name, text in blocks("lua") if name]


@pytest.mark.parametrize("name, text", LUA, ids=[name for name, _ in LUA])
def test_lua_example__equals_the_file_and_prints_what_is_shown(name, text, tmp_path):
    assert text == (EXAMPLES / name).read_text(encoding="utf-8")
    if os.environ["SB_SANITIZE"]:
        pytest.skip("LuaJIT is not built with sanitizers")
    environment = dict(os.environ, CPATH=os.environ["SIMPLEBROKER_INCLUDE"],
                       LD_LIBRARY_PATH=os.path.dirname(os.environ["SIMPLEBROKER_LIB"]))
    result = subprocess.run(["luajit", EXAMPLES / name], cwd=tmp_path, env=environment,
                            capture_output=True, encoding="utf-8", timeout=60)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == SHOWN[name]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.c")), ids=lambda path: path.name)
def test_example__prints_what_is_shown(path, tmp_path):
    environment = {key: value for key, value in os.environ.items()
                   if not key.startswith("BROKER_")}
    result = subprocess.run([PROGRAMS / f"example_{path.stem}"], cwd=tmp_path, env=environment,
                            capture_output=True, encoding="utf-8", timeout=60)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == SHOWN[path.name]
