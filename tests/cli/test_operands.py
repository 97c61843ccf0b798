"""Protection of the operands of write and broadcast (contract: cli 2)."""

import os

import pytest

# argv after `write`, then what is stored; "" means that stdin ("piped") is stored.
WRITES = [
    ("q msg", "msg", None),
    ("-t q msg", "msg", "t"),
    ("q msg -t", "msg", "t"),
    ("q msg -t --json", "msg", "json"),
    ("q msg --json -t", "msg", "json"),
    ("--json -t q msg", "msg", "json"),
    ("--timestamps q msg", "msg", "t"),
    ("q msg --timestamps", "msg", "t"),
    ("-t -t q msg", "msg", "t"),
    ("q -x", "-x", None),
    ("q --cleanup", "--cleanup", None),
    ("q --status", "--status", None),
    ("q -f", "-f", None),
    ("q -t", "-t", None),
    ("q --json", "--json", None),
    ("q --timestamps", "--timestamps", None),
    ("q -tx", "-tx", None),
    ("q --times", "--times", None),
    ("-t q -x", "-x", "t"),
    ("-t q -t", "-t", "t"),
    ("--json q --json", "--json", "json"),
    ("q -- -x", "-x", None),
    ("q -- -t", "-t", None),
    ("q -t -- -x", "-x", "t"),
    ("q --json -- -x", "-x", "json"),
    ("-t -- q msg", "msg", "t"),
    ("-- q msg", "msg", None),
    ("-- q -x", "-x", None),
    ("q -- --help", "--help", None),
    ("q -- -h", "-h", None),
    ("-- q --help", "--help", None),
    ("q --", "piped", None),
    ("q", "piped", None),
    ("-t q", "piped", "t"),
    ("--json q", "piped", "json"),
    ("q -", "piped", None),
    ("q - -t", "piped", "t"),
    ("-t q -", "piped", "t"),
    ("q -- -", "piped", None),
    ("-- q", "piped", None),
]


@pytest.mark.parametrize("argv, body, form", WRITES, ids=[w[0] for w in WRITES])
def test_write__operands(run, argv, body, form):
    result = run("write", *argv.split(), stdin="piped")
    assert run.db.rows() == [f"q:{body}"]
    [stored] = run.db.ids()
    result.out({None: "", "t": f"{stored}\n", "json": f'{{"timestamp": "{stored}"}}\n'}[form])


@pytest.mark.parametrize("argv, fragment", [
    ("q -t two", "unrecognized arguments: "),
    ("q --json five", "unrecognized arguments: "),
    ("q one two", "unrecognized arguments: two"),
    ("q -x two", "unrecognized arguments: "),
    ("q -- one two", "unrecognized arguments: "),
    ("q m -x", "unrecognized arguments: -x"),
    ("-x q", "Invalid queue name"),
    ("--nope q", "Invalid queue name"),
])
def test_write__refused_operands(run, argv, fragment):
    run("write", *argv.split(), stdin="piped").fails(1, fragment)
    assert not run.db.exists() or run.db.rows() == []


@pytest.mark.parametrize("argv", ["-h", "q -h", "q --help", "q m --help", "-t q -h", "-h -- q",
                                  "--help q m"])
def test_write__help_token_wins(run, argv):
    assert run("write", *argv.split(), stdin="piped").stdout.startswith("usage: ")
    assert os.listdir(run.cwd) == []


def test_write__empty_message(run):
    run("write", "q", "").ok()
    run("read", "q").out("\n")


BROADCASTS = [
    ("msg", "msg", "ab"),
    ("-p a msg", "msg", "a"),
    ("-pa msg", "msg", "a"),
    ("-p=a msg", "msg", "a"),
    ("--pattern a msg", "msg", "a"),
    ("--pattern=a msg", "msg", "a"),
    ("msg -p a", "msg", "a"),
    ("msg --pattern a", "msg", "a"),
    ("--queue a msg", "msg", "a"),
    ("--queue=a msg", "msg", "a"),
    ("msg --queue a", "msg", "a"),
    ("msg --queue a --queue b", "msg", "ab"),
    ("--queue a msg --queue b", "msg", "ab"),
    ("-p b msg -p a", "msg", "a"),
    ("--json", "--json", "ab"),
    ("-x", "-x", "ab"),
    ("--qx", "--qx", "ab"),
    ("--queues", "--queues", "ab"),
    ("--cleanup", "--cleanup", "ab"),
    ("-q", "-q", "ab"),
    ("-p a -x", "-x", "a"),
    ("-- -x", "-x", "ab"),
    ("-- --queue", "--queue", "ab"),
    ("-- -p", "-p", "ab"),
    ("-- --help", "--help", "ab"),
    ("-p a -- -x", "-x", "a"),
    ("-", "piped", "ab"),
    ("-p a -", "piped", "a"),
]


@pytest.mark.parametrize("argv, body, queues", BROADCASTS, ids=[b[0] for b in BROADCASTS])
def test_broadcast__operands(run, argv, body, queues):
    run.seed("a:0", "b:0")
    run("broadcast", *argv.split(), stdin="piped").ok()
    assert run.db.rows()[2:] == [f"{queue}:{body}" for queue in queues]


@pytest.mark.parametrize("argv", [
    "x --json", "one two", "--pat a msg", "--que a msg", "--p a msg", "--q a msg", "--pat=a msg",
    "--queu=a msg", "msg --patt a", "--", "-p a", "-p a --queue b msg", "--queue b -p a msg",
    "-x -p a", "-- msg -p a",
])
def test_broadcast__refused_operands(run, argv):
    run.seed("a:0", "b:0")
    run("broadcast", *argv.split(), stdin="piped").fails(1)
    assert run.db.rows() == ["a:0", "b:0"]


@pytest.mark.parametrize("argv", ["-h", "--help", "msg --help", "-p a -h"])
def test_broadcast__help_token_wins(run, argv):
    run.seed("a:0")
    assert run("broadcast", *argv.split()).stdout.startswith("usage: ")
    assert run.db.rows() == ["a:0"]
