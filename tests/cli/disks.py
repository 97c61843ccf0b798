"""Directories that run out of room."""

import contextlib
import subprocess

import pytest


@contextlib.contextmanager
def small_file_system(directory, size):
    """A new directory with so little room; skips the test where nobody may mount one."""
    directory.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(directory)],
                          capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip("a small file system cannot be mounted: " + made.stderr.strip())
    try:
        yield directory
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)


def fill(directory):
    """Leaves no room at all."""
    with open(directory / "filler", "wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(b"x" * 4096)
