"""Commands as functions of a program: settings, streams, signals, threads (contract: python-api 11)."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from simplebroker import Queue, commands
from simplebroker.db import BrokerDB
from simplebroker.ext import InvalidConfigError

from .calling import Outcome, quiet

HIGH = "8000000000000000000"

# ---- configuration ---------------------------------------------------------------------------

BROKEN = {"BROKER_BUSY_TIMEOUT": "soon"}


def test_broken_settings_are_raised(call: Callable[..., Outcome]) -> None:
    for name, *rest in [("write", "q", "m"), ("read", "q"), ("broadcast", "m"), ("load",)]:
        with pytest.raises(InvalidConfigError, match="BROKER_BUSY_TIMEOUT='soon'"):
            call(name, *rest, config=BROKEN)


IN_A_BROKEN_ENVIRONMENT = """
import sys
import simplebroker.commands as c
from simplebroker import BrokerTarget
from simplebroker.ext import InvalidConfigError
path = sys.argv[1]
print("returned", c.cmd_read(path, "q", message_id_str="bad"), c.cmd_peek(path, "q", after_str="x"),
      c.cmd_move(path, "q", "q"), c.cmd_watch(path, "q", move_to="r", after_str="5"),
      c.cmd_delete(path, "q", "5"), c.parse_exact_message_id("5"),
      c.cmd_init(BrokerTarget("sqlite", path, {}), True))
calls = [lambda: c.cmd_write(path, "q", "--message=bad"), lambda: c.cmd_read(path, "q"),
         lambda: c.cmd_init(path, True), lambda: c.cmd_watch(path, "q"),
         lambda: c.cmd_load(path), lambda: c.cmd_move(path, "q", "r")]
for call in calls:
    try:
        call()
    except InvalidConfigError as error:
        print("raised", error.key)
"""


def test_a_broken_environment(path: str) -> None:
    result = subprocess.run(
        [sys.executable, "-c", IN_A_BROKEN_ENVIRONMENT, path],
        env=os.environ | BROKEN,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout.splitlines() == [
        "returned 1 1 1 1 1 None 1",
        *["raised BROKER_BUSY_TIMEOUT"] * 6,
    ], result.stderr
    assert "Error initializing database: " in result.stderr


# ---- streams ---------------------------------------------------------------------------------


def test_streams_are_those_of_the_moment(path: str) -> None:
    Queue("q", db_path=path).write("m")
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        assert commands.cmd_peek(path, "q") == 0
        assert commands.cmd_peek(path, "q", message_id_str="bad") == 1
    assert out.getvalue() == "m\n"
    assert err.getvalue().startswith("simplebroker: error: invalid message ID")


def test_input_may_be_any_text_stream(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Lines(io.StringIO):
        pass

    dump = io.StringIO()
    Queue("q", db_path=path).write("é")
    with contextlib.redirect_stdout(dump):
        commands.cmd_dump(path)
    monkeypatch.setattr(sys, "stdin", Lines(dump.getvalue()))
    assert commands.cmd_load(path + "2", quiet=True) == 0
    assert Queue("q", db_path=path + "2").read() == "é"


class Failing(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("command", ["peek", "list", "status", "dump"])
def test_what_a_stream_raises_is_raised(path: str, command: str) -> None:
    Queue("q", db_path=path).write("m")
    queue = ["q"] if command == "peek" else []
    with contextlib.redirect_stdout(Failing()), contextlib.suppress(OSError):
        assert getattr(commands, f"cmd_{command}")(path, *queue) == 1
    assert Queue("q", db_path=path).peek() == "m"


@pytest.mark.ours
@pytest.mark.parametrize("error", [OSError(28, "full"), KeyboardInterrupt(), RuntimeError("mine")])
def test_the_very_exception_of_a_stream_is_raised(path: str, error: BaseException) -> None:
    class Raising(io.StringIO):
        def write(self, text: str) -> int:
            raise error

    Queue("q", db_path=path).write("m")
    with contextlib.redirect_stdout(Raising()), pytest.raises(type(error)) as caught:
        commands.cmd_read(path, "q")
    assert caught.value is error


def script(path: str, source: str) -> list[str]:
    return [sys.executable, "-c", f"import simplebroker.commands as c; path = {path!r}; {source}"]


def through_closed_pipe(path: str, source: str) -> tuple[int, bytes]:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        result = subprocess.run(
            script(path, source), stdout=writing, stderr=subprocess.PIPE, check=False
        )
    finally:
        os.close(writing)
    return result.returncode, result.stderr


def test_a_closed_pipe_ends_the_delivery(path: str) -> None:
    for body in "abc":
        Queue("q", db_path=path).write(body)
    for source in ("c.cmd_read(path, 'q', all_messages=True)", "c.cmd_dump(path)"):
        assert through_closed_pipe(path, f"exit({source})") == (0, b"")
    assert Queue("q", db_path=path).read() == "b"


@pytest.mark.ours
def test_a_closed_pipe_is_an_error_elsewhere(path: str) -> None:
    Queue("q", db_path=path).write("a")
    code, err = through_closed_pipe(path, "c.cmd_list(path)")
    assert code != 0
    assert b"BrokenPipeError" in err


# ---- waiting and stopping --------------------------------------------------------------------


@contextlib.contextmanager
def locked(path: str) -> Iterator[None]:
    """The database, locked for writing by another connection."""
    import sqlite3

    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.close()


def started(path: str, source: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [arg if arg != "-c" else "-uc" for arg in script(path, source)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.ours
def test_ctrl_c_ends_the_waiting_for_a_lock(path: str) -> None:
    quiet("init", path, True)
    with locked(path):
        process = started(path, "print('up'); c.cmd_write(path, 'q', 'm')")
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        time.sleep(0.3)  # into the waiting; before it Ctrl-C ends the program just the same
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=5)
    assert "KeyboardInterrupt" in err
    assert not Queue("q", db_path=path).exists()


@pytest.mark.ours
def test_ctrl_c_ends_long_work(path: str) -> None:
    with BrokerDB(path, config={"BROKER_SYNC_MODE": "OFF"}) as broker:
        broker.insert_messages(("q", "x" * 50, 2**40 + number) for number in range(100_000))
    began = time.monotonic()
    timer = threading.Timer(0.05, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        commands.cmd_move(path, "q", "r", all_messages=True)
        timer.join()  # so quick a machine
    assert time.monotonic() - began < 5.0
    assert commands.cmd_exists(path, "q") != commands.cmd_exists(path, "r")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("options", ["", "peek=True, ", "move_to='r', ", "quiet=True, "])
def test_watch__prints_until_a_signal(path: str, number: int, options: str) -> None:
    Queue("q", db_path=path).write("there")
    process = started(path, f"exit(c.cmd_watch(path, 'q', {options}))")
    assert process.stdout is not None
    assert process.stdout.readline() == "there\n"
    Queue("q", db_path=path).write("late")
    assert process.stdout.readline() == "late\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out) == (0, "")
    mode = {"": "consume", "peek=True, ": "peek", "move_to='r', ": "move to r"}.get(options)
    assert err == ("" if mode is None else f"Watching queue 'q' ({mode} mode)...\n")
    assert Queue("r" if "move" in options else "q", db_path=path).exists()


def test_watch__forms_and_bound(path: str) -> None:
    ids = [Queue("q", db_path=path).write(body) for body in ("old", "new")]
    source = f"c.cmd_watch(path, 'q', json_output=True, after_str={str(ids[0])!r})"
    process = started(path, source)
    assert process.stdout is not None
    assert json.loads(process.stdout.readline()) == {"message": "new", "timestamp": f"{ids[1]:019}"}
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert Queue("q", db_path=path).read() == "old"


def test_watch__ends_when_nobody_reads(path: str) -> None:
    Queue("q", db_path=path).write("m")
    assert through_closed_pipe(path, "exit(c.cmd_watch(path, 'q', quiet=True))") == (0, b"")
    assert Queue("q", db_path=path).read() is None


def test_watch__mistakes_are_printed_after_the_banner(call: Callable[..., Outcome]) -> None:
    text = "simplebroker: error: Cannot move messages to the same queue\n"
    assert call("watch", "q", move_to="q") == (
        1, "", f"Watching queue 'q' (move to q mode)...\n{text}",
    )  # fmt: skip
    assert call("watch", "q", move_to="q", quiet=True).err == text
    code, _, err = call("watch", "a b")
    assert code == 1
    assert err.startswith("Watching queue 'a b' (consume mode)...\nsimplebroker: error: Invalid qu")
    failure = json.loads(call("watch", "q", move_to="r", after_str="5", json_output=True).err)
    assert failure["error"] == "INVALID_ARGUMENT"
    assert "--after" in failure["message"]


def test_watch__names_are_those_behind_aliases(path: str) -> None:
    quiet("alias_add", path, "a", "q")
    Queue("q", db_path=path).write("m")
    process = started(path, "c.cmd_watch(path, '@a')")
    assert process.stdout is not None
    assert process.stdout.readline() == "m\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=10)[1] == "Watching queue 'q' (consume mode)...\n"


# ---- 2.5 -------------------------------------------------------------------------------------


@pytest.mark.ours
def test_old_form__options_by_position(call: Callable[..., Outcome], path: str) -> None:
    ids = [Queue("q", db_path=path).write(body) for body in "ab"]
    assert call("peek", "q", True, False, True).out == f"{ids[0]}\ta\n{ids[1]}\tb\n"
    assert call("read", "q", True, False, False, str(ids[0])).out == "b\n"
    assert call("move", "q", "r", True, True).records[0]["message"] == "a"
    assert call("list", True).out.startswith("q: 0 (1 total")


@pytest.mark.ours
@pytest.mark.parametrize("command", ["read", "peek", "move", "watch"])
def test_old_form__since(call: Callable[..., Outcome], command: str) -> None:
    rest = ["r"] if command == "move" else []
    assert "Invalid timestamp: now" in call(command, "q", *rest, since_str="now").err
    with pytest.raises(TypeError):
        call(command, "q", *rest, since_str="1", after_str="1")


@pytest.mark.ours
def test_old_form__too_many_arguments(call: Callable[..., Outcome]) -> None:
    with pytest.raises(TypeError):
        call("list", *range(5))
    with pytest.raises(TypeError):
        call("peek", "q", True, all_messages=True)


# ---- threads ---------------------------------------------------------------------------------


def test_threads_may_run_commands_side_by_side(path: str) -> None:
    quiet("init", path, True)
    failures: list[BaseException | int] = []

    def work(number: int) -> None:
        try:
            for i in range(20):
                codes = (
                    commands.cmd_write(path, f"q{number}", f"{i}"),
                    commands.cmd_exists(path, f"q{number}"),
                    commands.cmd_delete(path, f"q{number}", HIGH),
                )
                if codes != (0, 0, 2):
                    failures.append(codes[0])
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with BrokerDB(path) as broker:
        assert [pending for _, pending, _ in broker.get_queue_stats()] == [20] * 4


@pytest.mark.ours
def test_a_command_inside_a_stream_of_another(path: str) -> None:
    for body in "ab":
        Queue("q", db_path=path).write(body)

    class Forwarding(io.StringIO):
        def write(self, text: str) -> int:
            sys.stdout = sys.__stdout__
            try:
                commands.cmd_write(path, "copy", text.rstrip("\n"))
            finally:
                sys.stdout = self
            return len(text)

    with contextlib.redirect_stdout(Forwarding()):
        assert commands.cmd_peek(path, "q", all_messages=True) == 0
    assert Queue("copy", db_path=path).peek_many(with_timestamps=False) == ["a", "b"]


def test_no_descriptor_is_left_open(path: str) -> None:
    quiet("write", path, "q", "m")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        quiet("peek", path, "q")
        quiet("exists", path, "none")
    assert len(os.listdir("/proc/self/fd")) <= before + 1
