"""`watch`: what it prints and when, and what ends it (contract: cli 5, 9)."""

import fcntl
import os
import pty
import resource
import select
import signal
import subprocess
import termios
import time

import pytest

from .test_interruptions import start, until
from .transcript import ident

ON_TIME = 5  # seconds; a message is there within microseconds, and a busy machine within this


class Watch:
    """A `watch` under way, with the lines it prints."""

    def __init__(self, run, *argv, **options):
        self.process = start(run, "watch", *argv, bufsize=0, **options)

    def line(self):
        ready, _, _ = select.select([self.process.stdout], [], [], ON_TIME)
        assert ready, "nothing was printed"
        return self.process.stdout.readline()

    def silent(self):
        """Nothing is printed any more that had to be: the process sleeps, and the pipe is empty."""
        self.asleep()
        return not select.select([self.process.stdout], [], [], 0)[0]

    def asleep(self):
        stat = f"/proc/{self.process.pid}/stat"

        def sleeps():
            with open(stat) as file:
                return file.read().rsplit(")", 1)[1].split()[0] == "S"

        until(sleeps)

    def end(self, number=signal.SIGTERM):
        """Ends it: exit 0. Returns the rest of its output, and its commentary."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=20)
        assert self.process.returncode == 0, err
        return out, err


@pytest.fixture
def watch(run):
    started = []

    def begin(*argv, **options):
        started.append(Watch(run, *argv, **options))
        return started[-1]

    yield begin
    for each in started:
        each.process.kill()
        each.process.communicate()


def test_consume__prints_what_is_there_and_what_comes(run, watch):
    run("write", "q", "one").ok()
    run("write", "q", "two").ok()
    w = watch("q")
    assert [w.line(), w.line()] == [b"one\n", b"two\n"]
    run("write", "q", "three").ok()
    assert w.line() == b"three\n"
    assert w.end() == (b"", b"Watching queue 'q' (consume mode)...\n")
    run("read", "q").empty()


def test_peek__prints_each_once_and_leaves_it(run, watch):
    run("write", "q", "one").ok()
    w = watch("q", "--peek")
    assert w.line() == b"one\n"
    run("write", "q", "two").ok()
    assert w.line() == b"two\n"
    assert w.end() == (b"", b"Watching queue 'q' (peek mode)...\n")
    run("peek", "q", "--all").out("one\ntwo\n")


def test_move__prints_what_it_moved(run, watch):
    run("write", "q", "one").ok()
    w = watch("q", "--move", "done")
    assert w.line() == b"one\n"
    run("write", "q", "two").ok()
    assert w.line() == b"two\n"
    assert w.end() == (b"", b"Watching queue 'q' (move to done mode)...\n")
    run("read", "done", "--all").out("one\ntwo\n")


def test_after__is_a_strict_lower_bound(run, watch):
    first = run("write", "q", "first", "-t").stdout.strip()
    run("write", "q", "second").ok()
    w = watch("q", "--after", first)
    assert w.line() == b"second\n"
    w.end()
    run("peek", "q").out("first\n")


def test_forms__ids_and_json(run, watch):
    number = run("write", "-t", "q", "m").stdout.strip()
    w = watch("q", "-t", "--peek")
    assert w.line() == f"{number}\tm\n".encode()
    w.end()
    w = watch("q", "--json", "-t")
    assert w.line() == f'{{"message": "m", "timestamp": "{number:0>19}"}}\n'.encode()
    w.end()


def test_alias__the_banner_names_the_queue(run, watch):
    run("write", "q", "m").ok()
    run("alias", "add", "a", "q").ok()
    w = watch("@a", "--move", "d")
    assert w.line() == b"m\n"
    assert w.end()[1] == b"Watching queue 'q' (move to d mode)...\n"


def test_quiet__has_no_banner(run, watch):
    w = Watch(run, "q", stdin=subprocess.DEVNULL)
    w.asleep()
    w.end()
    process = start(run, "-q", "watch", "q")
    run("write", "q", "m").ok()
    assert process.stdout.readline() == b"m\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20) == (b"", b"")
    assert process.returncode == 0


def test_line_feed__is_warned_of_once(run, watch):
    run("write", "q", "a\nb").ok()
    run("write", "q", "c\nd").ok()
    w = watch("q")
    assert [w.line() for _ in range(4)] == [b"a\n", b"b\n", b"c\n", b"d\n"]
    assert w.end()[1].count(b"newline characters") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("options", [[], ["--peek"], ["--move", "d"]])
def test_signal__ends_an_idle_watch(run, watch, number, options):
    w = watch("q", *options)
    assert w.process.stderr.readline().startswith(b"Watching queue 'q'")
    assert w.silent()
    began = time.monotonic()
    assert w.end(number) == (b"", b"")
    assert time.monotonic() - began < ON_TIME


@pytest.mark.ours
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal__is_caught_from_the_banner_on(run, number):
    reading, writing = os.pipe()
    filler = b" " * fcntl.fcntl(writing, fcntl.F_GETPIPE_SZ)
    os.write(writing, filler)
    process = run.popen("watch", "q", stdout=subprocess.PIPE, stderr=writing)
    os.close(writing)
    call = f"/proc/{process.pid}/syscall"

    def writes_the_banner():
        with open(call) as file:
            return file.read().split()[1:2] == ["0x2"]

    until(writes_the_banner)
    process.send_signal(number)
    with open(reading, "rb") as pipe:
        err = pipe.read()[len(filler):]
    assert (process.wait(20), err) == (0, b"Watching queue 'q' (consume mode)...\n")


def test_signal__others_have_their_usual_effect(run, watch):
    w = watch("q")
    w.process.stderr.readline()
    w.process.send_signal(signal.SIGHUP)
    assert w.process.wait(20) == -signal.SIGHUP


@pytest.mark.ours
def test_signal__the_message_in_hand_is_printed_to_its_end(run, watch):
    body = "x" * 300_000  # more than a pipe holds
    run("write", "q", "-", stdin=body).ok()
    w = watch("q")
    assert w.process.stdout.read(1) == b"x"
    w.process.send_signal(signal.SIGTERM)
    out, _ = w.process.communicate(timeout=20)
    assert (w.process.returncode, len(out)) == (0, len(body))
    run("read", "q").empty()


@pytest.mark.ours
def test_closed_pipe__ends_an_idle_watch(run, watch):
    w = watch("q")
    w.process.stderr.readline()
    assert w.silent()
    w.process.stdout.close()
    assert w.process.wait(ON_TIME) == 0
    assert w.process.stderr.read() == b""


@pytest.mark.ours
def test_closed_pipe__takes_no_message(run):
    run("write", "q", "m").ok()
    reading, writing = os.pipe()
    os.close(reading)
    process = start(run, "watch", "q", stdout=writing)
    os.close(writing)
    assert process.wait(20) == 0
    run("peek", "q").out("m\n")


def test_closed_pipe__at_a_message_is_a_clean_stop(run, watch):
    w = watch("q")
    w.process.stderr.readline()
    w.process.stdout.close()
    run("write", "q", "m").ok()
    assert w.process.wait(20) == 0


@pytest.mark.ours
def test_terminal__its_end_ends_the_watch(run):
    ours, theirs = pty.openpty()
    attributes = termios.tcgetattr(theirs)
    attributes[1] &= ~termios.OPOST
    termios.tcsetattr(theirs, termios.TCSANOW, attributes)
    run("write", "q", "m").ok()
    process = start(run, "watch", "q", stdout=theirs)
    os.close(theirs)
    assert os.read(ours, 10) == b"m\n"
    os.close(ours)
    assert process.wait(ON_TIME) == 0


@pytest.mark.ours
def test_disk_full__is_an_error(run):
    run("write", "q", "m").ok()
    with open("/dev/full", "w") as full:
        process = start(run, "watch", "q", stdout=full)
        assert process.wait(20) == 1
    assert b"cannot write to standard output" in process.stderr.read()


@pytest.mark.parametrize("argv, fragment", [
    (["a b"], "Invalid queue name"),
    (["q", "--move", "q"], "Cannot move messages to the same queue"),
])
def test_bad_names__are_told_after_the_banner(run, argv, fragment):
    answer = run("watch", *argv)
    assert (answer.code, answer.stdout) == (1, "")
    banner, error = answer.stderr.splitlines()[:2]
    assert banner.startswith("Watching queue ")
    assert error.startswith("simplebroker: error: ") and fragment in error


@pytest.mark.parametrize("argv, fragment", [
    (["q", "--peek", "--move", "r"], "not allowed with argument"),
    (["q", "--move", "r", "--after", "5"], "incompatible with --after"),
    (["q", "--after", "x"], "Invalid timestamp"),
    (["q", "--before", "5"], "unrecognized arguments"),
    (["q", "--all"], "unrecognized arguments"),
    (["q", "-m", str(ident(1))], "unrecognized arguments"),
    (["@nobody"], "Alias 'nobody' is not defined"),
    ([], "the following arguments are required: queue"),
])
def test_bad_arguments__are_refused_without_a_banner(run, argv, fragment):
    run("watch", *argv).fails(1, fragment)


@pytest.mark.ours
def test_idle__costs_nothing(run, watch):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    w = Watch(run, "q")
    w.process.stderr.readline()
    w.asleep()
    time.sleep(3)  # the time that is measured
    w.end()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    assert used < 0.05, used


def test_two__share_the_messages(run, watch):
    one, two = watch("q"), watch("q")
    for w in (one, two):
        w.process.stderr.readline()
        w.asleep()
    for i in range(20):
        run("write", "q", str(i)).ok()
    until(lambda: run("exists", "q").code in (0, 2) and run("peek", "q").code == 2)
    got = one.end()[0].split() + two.end()[0].split()
    assert sorted(map(int, got)) == list(range(20))
