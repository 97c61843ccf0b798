"""Queue names, aliases as operands, sizes and texts (contract: cli 3)."""

import os

import pytest

CHARACTERS = ("must contain only letters, numbers, periods, underscores, and hyphens. "
              "Cannot begin with a hyphen or a period")
GOOD_NAMES = ["q", "_", "0", "A.b-c_9", "x" * 512, "a..b", "q-", "q."]
BAD_NAMES = [("", "cannot be empty"), ("x" * 513, "exceeds 512 characters"), (".q", CHARACTERS),
             ("a b", CHARACTERS), ("a/b", CHARACTERS), ("é", CHARACTERS), ("q\n", CHARACTERS),
             ("a:b", CHARACTERS), ("a@b", CHARACTERS), ("q*", CHARACTERS), ("\u0661", CHARACTERS)]
COMMANDS = [("write", 1), ("read", 0), ("peek", 0), ("exists", 0), ("stats", 0), ("delete", 0)]


@pytest.mark.parametrize("name", GOOD_NAMES, ids=lambda n: n[:10])
def test_good_queue_name(run, name):
    run("write", name, "m").ok()
    run("read", name).out("m\n")


@pytest.mark.parametrize("name, reason", BAD_NAMES, ids=lambda v: ascii(v)[:10])
def test_bad_queue_name__write(run, name, reason):
    run("write", name, "m").fails(1, "Invalid queue name: ", reason)


@pytest.mark.parametrize("command", ["read", "peek", "exists", "stats", "delete"])
def test_bad_queue_name__other_commands(run, command):
    run.seed("q:m")
    run(command, "a b").fails(1, "Invalid queue name: ", CHARACTERS)
    run(command, "--", "-q").fails(1, "Invalid queue name: ", CHARACTERS)
    run(command, "x" * 513).fails(1, "Invalid queue name: ", "exceeds 512 characters")
    assert run.db.rows() == ["q:m"]


@pytest.mark.parametrize("argv", [("move", "q", "a b"), ("move", "a b", "q"),
                                  ("rename", "q", "a b"), ("rename", "a b", "q"),
                                  ("move", "q", "x" * 513), ("broadcast", "m", "--queue", "a,b"),
                                  ("broadcast", "m", "--queue", "q", "--queue", "@q"),
                                  ("alias", "add", "a b", "q"), ("alias", "add", "a", "b c")],
                         ids=lambda v: " ".join(v)[:20])
def test_bad_queue_name__two_name_commands(run, argv):
    run.seed("q:m")
    run(*argv).fails(1, "Invalid queue name: ")
    assert run.db.rows() == ["q:m"]


ALIAS_FORMS = [("write", "@{}", "m"), ("read", "@{}"), ("peek", "@{}"), ("move", "@{}", "d"),
               ("move", "q", "@{}"), ("rename", "@{}", "d"), ("rename", "q", "@{}"),
               ("delete", "@{}"), ("exists", "@{}"), ("stats", "@{}")]


@pytest.mark.parametrize("form", ALIAS_FORMS, ids=" ".join)
@pytest.mark.parametrize("name, fragment", [("gone", "Alias 'gone' is not defined"),
                                            ("", "Alias name cannot be empty")])
def test_undefined_alias(run, form, name, fragment):
    run.seed("q:m")
    run(*(word.format(name) for word in form)).fails(1, fragment)
    assert run.db.rows() == ["q:m"]


def test_alias_operand__is_the_target(run):
    run.seed("q:one", "q:two!", aliases=[("a", "q"), ("b", "other")])
    run("peek", "@a").out("one\n")
    run("exists", "@a", "--json").out('{"queue": "q", "exists": true}\n')
    run("stats", "@a").out("q: 1 (2 total, 1 claimed)\n")
    run("write", "@a", "three").ok()
    run("read", "@a").out("one\n")
    run("move", "@a", "@b").out("three\n")
    run("delete", "@a").ok()
    run("rename", "@b", "new").ok()
    assert run.db.rows() == ["new:three"]


def test_plain_name__is_never_an_alias(run):
    run.seed(aliases=[("a", "q")])
    run("write", "a", "m").ok()
    assert run.db.rows() == ["a:m"]


@pytest.mark.parametrize("size, env, fits", [
    (4, "4", True), (5, "4", False), (0, "0", True), (1, "0", False), (1, "-1", False),
])
def test_message_size(run, size, env, fits):
    body, limit = "x" * size, {"BROKER_MAX_MESSAGE_SIZE": env}
    argv, piped = run("write", "q", body, env=limit), run("write", "q", env=limit, stdin=body)
    if fits:
        argv.ok(), piped.ok()
    else:
        argv.fails(1, f"Message exceeds maximum size of {env} bytes")
        piped.fails(1, f"Input exceeds maximum size of {env} bytes")
        assert not run.db.exists()


def test_message_size__counts_utf8_bytes(run):
    limit = {"BROKER_MAX_MESSAGE_SIZE": "4"}
    run("write", "q", "éé", env=limit).ok()
    run("write", "q", "ééé", env=limit).fails(1, "Message exceeds maximum size of 4 bytes")
    run("write", "q", env=limit, stdin="ééé").fails(1, "Input exceeds maximum size of 4 bytes")


def test_message_size__default_limit(run):
    limit = 10485760
    run("write", "q", stdin=b"x" * limit).ok()
    run("write", "q", stdin=b"x" * (limit + 1)).fails(
        1, "Input exceeds maximum size of 10485760 bytes")
    assert run.db.sql("SELECT length(body) FROM messages") == [(limit,)]


def test_message_size__oversize_input_is_not_read_to_its_end(run):
    with open("/dev/zero", "rb") as endless:
        run("write", "q", stdin_file=endless).fails(1, "Input exceeds maximum size")


def test_message_size__broadcast(run):
    run.seed("q:m")
    limit = {"BROKER_MAX_MESSAGE_SIZE": "4"}
    run("broadcast", "12345", env=limit).fails(1, "Message exceeds maximum size of 4 bytes")
    run("broadcast", "-", env=limit, stdin="12345").fails(
        1, "Input exceeds maximum size of 4 bytes")
    assert run.db.rows() == ["q:m"]


@pytest.mark.parametrize("data", [b"\xff", b"ok\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"a\x80b",
                                  b"\xf4\x90\x80\x80"])
def test_invalid_utf8__nothing_written(run, data):
    run("write", "q", stdin=data).fails(1)
    run("write", "q", data).fails(1)
    run("broadcast", data).fails(1)
    assert not run.db.exists() or run.db.rows() == []


@pytest.mark.parametrize("argv", [(b"read", b"\xff"), (b"move", b"q", b"\xff"),
                                  (b"peek", b"q", b"--after", b"\xff"),
                                  (b"peek", b"q", b"-m", b"\xff"), (b"exists", b"\xff"),
                                  (b"list", b"--prefix", b"\xff"), (b"\xff",)])
def test_invalid_utf8__any_argument_is_an_error_line(run, argv):
    run.seed("q:m")
    run(*argv).fails(1)
    assert run.db.rows() == ["q:m"]


@pytest.mark.parametrize("body", ["\n", "a\n\n", "\0", "a\0b\0", "é\U0001f600\u2028", "\r\n", " ",
                                  "x" * 4095 + "é" + "y" * 5000, "\x7f\x1b[0m", "\ufeffa"],
                         ids=lambda b: ascii(b)[:12])
def test_stdin_is_taken_verbatim(run, body):
    run("write", "q", stdin=body).ok()
    result = run("peek", "q")
    assert (result.code, result.stdout) == (0, body + "\n")
    assert run.db.sql("SELECT cast(body AS blob), typeof(body) FROM messages") == [
        (body.encode(), "text")]


def test_empty_stdin__is_an_empty_message(run):
    run("write", "q", stdin="").ok()
    assert run.db.rows() == ["q:"]


def test_read_from_a_file(run):
    with open(__file__, "rb") as source:
        run("write", "q", stdin_file=source).ok()
    with open(__file__, encoding="utf-8") as source:
        assert run("read", "q").stdout == source.read() + "\n"


@pytest.mark.ours
@pytest.mark.parametrize("argv", [("write", "q"), ("write", "q", "-"), ("broadcast", "-"),
                                  ("load",)])
def test_closed_stdin__an_error_that_names_it(run, argv):
    result = run(*argv, preexec_fn=lambda: os.close(0))
    assert (result.code, result.stdout) == (1, "") and "stdin" in result.stderr
    assert result.stderr.count("\n") == 1


def test_closed_stdin__does_not_matter_to_others(run):
    run("write", "q", "m", preexec_fn=lambda: os.close(0)).ok()
    run("read", "q", preexec_fn=lambda: os.close(0)).out("m\n")
