#!/usr/bin/env python3
"""Writes the C source of the extension module `simplebroker._native`.

Usage: emit.py COMPILER HEADER DECLARATIONS... OUTPUT
"""

import pathlib
import re
import sys

import cffi

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "gen"))
from cdef import declarations  # noqa: E402


def plain(header: str) -> str:
    """The declarations of a header without conditions or macros."""
    text = pathlib.Path(header).read_text()
    return re.sub(r"/\*.*?\*/|^#.*?$", "", text, flags=re.S | re.M)


def main(compiler: str, header: str, *more: str) -> None:
    builder = cffi.FFI()
    builder.cdef(declarations(compiler, pathlib.Path(header)))
    *parts, output = more
    for part in parts:
        builder.cdef(plain(part))
    builder.set_source("simplebroker._native", "#include <preamble.h>\n")
    builder.emit_c_code(output)


if __name__ == "__main__":
    main(*sys.argv[1:])
