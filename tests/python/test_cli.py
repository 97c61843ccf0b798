"""The command line in Python: `main()`, `python -m simplebroker` (contract: cli 1, 9, 12)."""

from __future__ import annotations

import array
import fcntl
import inspect
import json
import os
import signal
import subprocess
import sys
import termios
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simplebroker import Queue
from simplebroker.cli import main

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where commands work: an empty directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def broker(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Runs a command line in this process."""

    def run(*arguments: str, **keywords: Any) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["anything", *arguments])
        capsys.readouterr()
        code = main(**keywords)
        return code, *capsys.readouterr()

    return run


def start(
    *arguments: str, module: str = "simplebroker", **keywords: Any
) -> subprocess.Popen[bytes]:
    keywords = {"stdin": subprocess.DEVNULL, "stdout": -1, "stderr": -1, **keywords}
    return subprocess.Popen([sys.executable, "-m", module, *arguments], **keywords)


def run(*arguments: str, stdin: bytes = b"", **keywords: Any) -> tuple[int, str, str]:
    """Runs `python -m simplebroker`."""
    process = start(*arguments, **{"stdin": subprocess.PIPE, **keywords})
    out, err = process.communicate(stdin, timeout=30)
    return process.returncode, (out or b"").decode(), (err or b"").decode()


def test_signature() -> None:
    [parameter] = inspect.signature(main).parameters.values()
    assert (parameter.name, parameter.kind) == ("config", inspect.Parameter.KEYWORD_ONLY)
    assert parameter.default is not inspect.Parameter.empty


def test_main__returns_the_exit_code(broker: Call) -> None:
    assert broker("write", "q", "hello") == (0, "", "")
    assert broker("peek", "q") == (0, "hello\n", "")
    assert broker("read", "q") == (0, "hello\n", "")
    assert broker("read", "q") == (2, "", "")
    assert broker("--version") == (0, "simplebroker 7.3.2\n", "")


@pytest.mark.parametrize("arguments", [[], ["--help"], ["read", "--help"], ["alias", "-h"]])
def test_main__help(broker: Call, directory: Path, arguments: list[str]) -> None:
    code, out, err = broker(*arguments)
    assert (code, err) == (0, "")
    assert out.startswith("usage: simplebroker")
    assert list(directory.iterdir()) == []


@pytest.mark.parametrize(
    "arguments, fragment",
    [
        (["nope"], "invalid choice: 'nope'"),
        (["read"], "the following arguments are required: queue"),
        (["list", "-x"], "unrecognized arguments: -x"),
        (["init", "x"], "unrecognized arguments: x"),
        (["alias"], "alias subcommand is required"),
        (["--compact"], "--compact can only be used with --vacuum"),
        (["watch", "q", "--peek", "--move", "r"], "argument --move: not allowed with argument"),
        (["read", "a b"], "Invalid queue name: "),
        (["read", "@none"], "Alias 'none' is not defined"),
        (["read", "q", "-m", "5"], "invalid message ID: expected exactly 19 digits"),
    ],
)
def test_main__mistakes_are_one_line(broker: Call, arguments: list[str], fragment: str) -> None:
    code, out, err = broker(*arguments)
    assert (code, out) == (1, "")
    assert err.startswith("simplebroker: error: ")
    assert fragment in err
    assert err.count("\n") == 1


def test_main__many_runs_in_one_process(broker: Call) -> None:
    for number in range(5):
        assert broker("write", "q", "-t", "-1")[0] == 1
        assert broker("write", "-t", "q", f"{number}")[1].strip().isdigit()
        assert broker("read", "q", "--all", "--json")[1].count("\n") == 1
        assert broker("list", "--stats", "--nope")[0] == 1


def test_main__directories_and_files(broker: Call, directory: Path) -> None:
    (directory / "sub").mkdir()
    assert broker("-d", "sub", "-f", "x.db", "write", "q", "m") == (0, "", "")
    assert Queue("q", db_path=str(directory / "sub" / "x.db")).read() == "m"
    code, out, err = broker("-q", "init")
    assert (code, out, err) == (0, "", "")
    assert (directory / ".broker.db").exists()


def test_main__json_errors(broker: Call) -> None:
    code, out, err = broker("read", "q", "--json", "--after", "now")
    assert (code, out) == (1, "")
    assert json.loads(err)["error"] == "INVALID_TIMESTAMP"


def test_main__settings_of_the_program(broker: Call) -> None:
    small = {"BROKER_MAX_MESSAGE_SIZE": 3}
    assert broker("write", "q", "four", config=small)[0] == 1
    assert broker("write", "q", "two", config=small)[0] == 0
    code, out, err = broker("--version", config={"BROKER_MAX_MESSAGE_SIZE": "many"})
    assert (code, out) == (1, "")
    assert err == (
        "simplebroker: invalid configuration BROKER_MAX_MESSAGE_SIZE='many': "
        "expected an integer byte count\n"
    )


@pytest.mark.parametrize("arguments", [[], ["--help"], ["--version"], ["read", "q", "--json"]])
def test_a_broken_environment_is_said_first(arguments: list[str], directory: Path) -> None:
    code, out, err = run(*arguments, env=os.environ | {"BROKER_BUSY_TIMEOUT": "abc"})
    assert (code, out) == (1, "")
    assert err == (
        "simplebroker: invalid configuration BROKER_BUSY_TIMEOUT='abc': "
        "expected an integer number of milliseconds\n"
    )
    assert list(directory.iterdir()) == []


def test_main__a_warning_moves_no_payload(broker: Call) -> None:
    broker("write", "lines", "a\nb")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert broker("peek", "lines", "--all")[:2] == (0, "a\nb\n")


@pytest.mark.parametrize("module", ["simplebroker", "simplebroker.cli"])
def test_modules_run_the_command(module: str) -> None:
    assert run("write", "q", module=module, stdin=b"piped\r\n")[0] == 0
    assert run("read", "q", "--json", module=module)[1].startswith('{"message": "piped\\r\\n"')
    assert run("read", "q", module=module)[0] == 2
    assert run("nope", module=module)[0] == 1


@pytest.mark.parametrize("arguments", [["write", "q", b"\xff"], ["write", "q"]])
def test_invalid_utf8_is_refused(arguments: list[Any], directory: Path) -> None:
    code, out, err = run(*arguments, stdin=b"\xff")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("simplebroker: error: ")
    assert not (directory / ".broker.db").exists()


def test_any_text_goes_through() -> None:
    body = 'é\U0001f600\u2028 \\ " \t'
    assert run("write", "q", body, env=os.environ | {"PYTHONUTF8": "1"})[0] == 0
    assert run("read", "q", env=os.environ | {"PYTHONUTF8": "1"})[1] == body + "\n"


def test_a_closed_pipe_is_a_clean_stop() -> None:
    for body in "abc":
        run("write", "q", body)
    reading, writing = os.pipe()
    os.close(reading)
    process = start("read", "q", "--all", stdout=writing)
    os.close(writing)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, b"")
    assert run("peek", "q", "--all")[1] == "b\nc\n"


@pytest.mark.ours
@pytest.mark.parametrize("arguments", [["read", "q"], ["list"], ["--status"], ["dump"]])
def test_a_full_disk_is_one_line(arguments: list[str]) -> None:
    run("write", "q", "m")
    with open("/dev/full", "wb") as full:
        code, _, err = run(*arguments, stdout=full)
    assert code == 1
    assert err == (
        "simplebroker: error: cannot write to standard output: No space left on device\n"
    )


@pytest.mark.ours
def test_streams_that_are_closed(directory: Path) -> None:
    command = f"{sys.executable} -m simplebroker "
    for line, text in [("write q <&-", "stdin"), ("list --stats >&-", "")]:
        result = subprocess.run(command + line, shell=True, capture_output=True, text=True)
        assert "Traceback" not in result.stderr
        assert text in result.stderr
    result = subprocess.run(command + "nope 2>&-", shell=True, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (1, "")


def test_ctrl_c_while_reading_the_input() -> None:
    reading, writing = os.pipe()
    process = start("write", "q", stdin=reading, env=os.environ | {"PYTHONUNBUFFERED": "1"})
    os.close(reading)
    os.write(writing, b"a part")
    until_read(writing)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    os.close(writing)
    assert (process.returncode, out, err.strip()) == (0, b"", b"simplebroker: interrupted")
    assert run("exists", "q")[0] == 2


def until_read(pipe: int) -> None:
    """Returns when somebody has taken what is in a pipe."""
    waiting = array.array("i", [1])
    while waiting[0] > 0:
        fcntl.ioctl(pipe, termios.FIONREAD, waiting)
        time.sleep(0.01)


@pytest.mark.parametrize("options", [[], ["--peek"], ["--move", "r"]])
def test_watch__until_sigterm(options: list[str]) -> None:
    run("write", "q", "there")
    process = start("watch", "q", "-t", *options)
    assert process.stdout is not None
    assert process.stdout.readline().endswith(b"\tthere\n")
    run("write", "q", "late")
    assert process.stdout.readline().endswith(b"\tlate\n")
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, b"")
    assert err.startswith(b"Watching queue 'q' (")


@pytest.mark.ours
def test_watch__sees_the_settings_of_the_program(broker: Call) -> None:
    code, _, err = broker("watch", "a b", config={"BROKER_MAX_INTERVAL": 0.01})
    assert code == 1
    assert "Invalid queue name" in err


@pytest.mark.ours
def test_since_is_after(broker: Call) -> None:
    broker("write", "q", "m")
    assert broker("read", "q", "--since", "0") == (0, "m\n", "")


@pytest.mark.ours
def test_importing_the_package_imports_no_command() -> None:
    source = (
        "import sys, simplebroker; print([m for m in sys.modules if 'command' in m or 'cli' in m])"
    )
    result = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True)
    assert result.stdout == "[]\n"
