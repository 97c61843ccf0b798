"""The interpreter ends while daemon threads are still in the library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

NEEDS_GLIBC = pytest.mark.skipif(sys.platform != "linux", reason="uses a function of glibc")
pytestmark = [pytest.mark.ours, NEEDS_GLIBC]

LONG = 60  # seconds after which a test gives up

# Ends while threads count, and then stays a process for as long as its standard input is open: the C
# library reads from it once Python has ended. So the threads bring their rows to nobody.
PROGRAM = """
import ctypes, sys, threading
from simplebroker.db import BrokerDB

COUNT = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) "
COUNT += "SELECT count(*) FROM n"

def count(path, going):
    with BrokerDB(path).sidecar() as session:
        going.set()
        session.run(COUNT, fetch=True)

BrokerDB(sys.argv[1]).write("q", "body")
for _ in range(2):
    going = threading.Event()
    threading.Thread(target=count, args=(sys.argv[1], going), daemon=True).start()
    going.wait()
process = ctypes.CDLL(None)
process.__cxa_atexit(ctypes.cast(process.getchar, ctypes.c_void_p), None, None)
print("leaving", flush=True)
"""


def test_threads_in_the_library_outlive_the_interpreter(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "b.db")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == "leaving\n"
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(1)  # a second is enough for the counting
        err = child.communicate("", timeout=LONG)[1]
    finally:
        child.kill()
    assert (child.returncode, err) == (0, "")
