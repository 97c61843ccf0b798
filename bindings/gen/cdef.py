#!/usr/bin/env python3
"""Prints the public header as plain C declarations, for tools that parse C but no preprocessor.

Usage: cdef.py COMPILER HEADER. The compiler's own preprocessor does the work; the two standard
headers are replaced by empty ones, since whoever parses the result knows `size_t` and `int64_t`.
"""

import pathlib
import subprocess
import sys
import tempfile


def declarations(compiler: str, header: pathlib.Path) -> str:
    with tempfile.TemporaryDirectory() as empty:
        for name in ("stddef.h", "stdint.h"):
            pathlib.Path(empty, name).touch()
        command = [compiler, "-E", "-P", "-nostdinc", "-I", empty, "-DSB_EXTERN=", str(header)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    print(declarations(sys.argv[1], pathlib.Path(sys.argv[2])))
