"""write, read, peek, move and delete (contract: cli 4, 5)."""

import json

import pytest

from .transcript import ident

AWKWARD = ["é\U0001f600", "\x7f", "\t\r\b\f", "\x00\x01\x1f", 'say "hi" \\ /', "\u2028\u2029\u0080"]


# Output formats

def test_plain__body_and_newline(run):
    run.seed("q:hello")
    run("peek", "q").out("hello\n")


def test_timestamps__id_tab_body(run):
    run.seed("q:hello")
    run("peek", "q", "-t").out(f"{ident(0)}\thello\n")


def test_timestamps__id_is_not_padded(run):
    run.db.create([("q", "m", 5, 0)])
    run("peek", "q", "-t").out("5\tm\n")


def test_json__exact_line(run):
    run.seed("q:hello")
    run("peek", "q", "--json").out(f'{{"message": "hello", "timestamp": "{ident(0)}"}}\n')


def test_json__beats_timestamps_and_pads_the_id(run):
    run.db.create([("q", "m", 5, 0)])
    for flags in (["-t", "--json"], ["--json", "-t"]):
        run("peek", "q", *flags).out('{"message": "m", "timestamp": "0000000000000000005"}\n')


@pytest.mark.parametrize("body", AWKWARD, ids=ascii)
def test_json__escapes_like_the_reference(run, body):
    run.db.create([("q", body, ident(0), 0)])
    line = json.dumps({"message": body, "timestamp": str(ident(0))}, ensure_ascii=False)
    run("peek", "q", "--json").out(line + "\n")


@pytest.mark.parametrize("body", AWKWARD, ids=ascii)
def test_plain__body_is_verbatim(run, body):
    run.db.create([("q", body, ident(0), 0)])
    assert run("peek", "q").raw == body.encode() + b"\n"
    assert run("peek", "q", "-t").raw == f"{ident(0)}\t{body}\n".encode()


WARNS = [("read", "q", "--all"), ("peek", "q", "--all"), ("read", "q", "--after", "0"),
         ("peek", "q", "--before", "9000000000000000000"), ("move", "q", "d"),
         ("move", "q", "d", "--all"), ("move", "q", "d", "-m", str(ident(0)))]


@pytest.mark.parametrize("argv", WARNS, ids=" ".join)
@pytest.mark.parametrize("quiet", [(), ("-q",)], ids=["", "quiet"])
def test_newline_warning__once_per_run(run, quiet, argv):
    run.seed("q:a\nb", "q:c\nd")
    result = run(*quiet, *argv)
    assert result.code == 0 and result.stdout.startswith("a\nb\n"), result
    assert result.stderr.count("newline characters") == 1, result


@pytest.mark.parametrize("argv", [("read", "q"), ("peek", "q"), ("peek", "q", "-m", str(ident(0))),
                                  ("read", "q", "-m", str(ident(0)))] +
                         [(*argv, flag) for argv in WARNS for flag in ("-t", "--json")],
                         ids=" ".join)
def test_newline_warning__not_here(run, argv):
    run.seed("q:a\nb", "q:c\nd")
    result = run(*argv)
    assert (result.code, result.stderr) == (0, "")


def test_newline_warning__only_for_line_feeds(run):
    run.seed("q:a\rb\vc\u2028d")
    run("peek", "q", "--all").out("a\rb\vc\u2028d\n")


def test_newline_warning__the_first_such_body_counts(run):
    run.seed("q:plain", "q:a\nb")
    assert run("move", "q", "d").stderr == ""
    assert "newline characters" in run("move", "q", "d").stderr


# write

def test_write__appends_in_order(run):
    for body in "abc":
        run("write", "q", body).ok()
    run("read", "q", "--all").out("a\nb\nc\n")


def test_write__prints_the_stored_id(run):
    plain = run("write", "-t", "q", "m").stdout
    record, = run("write", "--json", "q", "m").json()
    assert [plain, record] == [f"{run.db.ids()[0]}\n", {"timestamp": str(run.db.ids()[1])}]
    assert len(plain) == 20 and run.db.meta()["last_ts"] == run.db.ids()[1]


# read and peek

def test_read__oldest_first_then_empty(run):
    run.seed("q:one", "q:two")
    run("read", "q").out("one\n")
    run("read", "q").out("two\n")
    run("read", "q").empty()
    assert run.db.rows() == ["q:one!", "q:two!"]


def test_peek__changes_nothing(run):
    run.seed("q:one", "q:two")
    before = run.db.rows(), run.db.meta()
    for _ in range(2):
        run("peek", "q").out("one\n")
    run("peek", "q", "--all").out("one\ntwo\n")
    assert (run.db.rows(), run.db.meta()) == before


@pytest.mark.parametrize("command", ["read", "peek"])
@pytest.mark.parametrize("flags", [[], ["--all"], ["--after", "0"], ["--all", "--before", "5s"],
                                   ["--json"], ["--all", "--json"], ["-m", str(ident(0))]])
def test_nothing_matches__exit_2(run, command, flags):
    run.seed("other:x", "q:gone!")
    run(command, "q", *flags).empty()


SELECTORS = [
    ([], "one\n"),
    (["--all"], "one\ntwo\nthree\n"),
    (["--after", str(ident(0))], "two\n"),
    (["--after", str(ident(0) - 1)], "one\n"),
    (["--before", str(ident(2))], "one\n"),
    (["--before", str(ident(0) + 1)], "one\n"),
    (["--after", str(ident(0)), "--before", str(ident(2))], "two\n"),
    (["--all", "--after", str(ident(0))], "two\nthree\n"),
    (["--all", "--before", str(ident(2))], "one\ntwo\n"),
    (["--all", "--after", str(ident(0)), "--before", str(ident(2))], "two\n"),
    (["-m", str(ident(1))], "two\n"),
    (["--message", f" {ident(2)} "], "three\n"),
]


@pytest.mark.parametrize("flags, bodies", SELECTORS, ids=lambda v: " ".join(v)
                         if isinstance(v, list) else "")
@pytest.mark.parametrize("command", ["read", "peek", "move"])
def test_selectors(run, command, flags, bodies):
    run.seed("q:one", "q:two", "q:three", "other:x", "q:done!")
    run(command, "q", *(["d"] if command == "move" else []), *flags).out(bodies)
    taken = bodies.split()
    if command == "read":
        assert [r for r in run.db.rows() if r.endswith("!")] == [f"q:{b}!" for b in taken] + [
            "q:done!"]
    elif command == "move":
        assert [r for r in run.db.rows() if r.startswith("d:")] == [f"d:{b}" for b in taken]
    else:
        assert run.db.rows() == ["q:one", "q:two", "q:three", "other:x", "q:done!"]


NOTHING = [["--before", str(ident(0))], ["--after", str(ident(2))],
           ["--after", str(ident(1)), "--before", str(ident(1) + 1)],
           ["--after", str(ident(2)), "--before", str(ident(0))], ["-m", str(ident(3))],
           ["-m", str(ident(9))], ["--all", "--after", str(ident(2))]]


@pytest.mark.parametrize("flags", NOTHING, ids=" ".join)
@pytest.mark.parametrize("command", ["read", "peek", "move"])
def test_selectors__nothing_matches(run, command, flags):
    run.seed("q:one", "q:two", "q:three", "other:x")
    run(command, "q", *(["d"] if command == "move" else []), *flags).empty()
    assert run.db.rows() == ["q:one", "q:two", "q:three", "other:x"]


def test_order__is_insertion_not_id(run):
    run.db.create([("q", "late", ident(5), 0), ("q", "early", ident(1), 0)])
    run("peek", "q").out("late\n")
    run("peek", "q", "--all").out("late\nearly\n")
    run("peek", "q", "--before", str(ident(9))).out("late\n")
    run("peek", "q", "--before", str(ident(3))).out("early\n")
    run("read", "q", "--all").out("late\nearly\n")


@pytest.mark.parametrize("n", [1, 2, 3, 100])
def test_read_all__batches(run, n):
    run.seed(*(f"q:{i}" for i in range(7)))
    env = {"BROKER_READ_COMMIT_INTERVAL": str(n)}
    run("read", "q", "--all", env=env).out("".join(f"{i}\n" for i in range(7)))
    assert run.db.count("claimed = 1") == 7


def test_peek_all__more_than_one_page(run):
    run.seed(*(f"q:{i}" for i in range(2500)))
    run("peek", "q", "--all").out("".join(f"{i}\n" for i in range(2500)))


def test_include_claimed(run):
    run.seed("q:one!", "q:two", "q:three!", "other:x!")
    run("peek", "q", "--all", "--include-claimed").out("one\ntwo\nthree\n")
    run("peek", "q", "--include-claimed").out("one\n")
    run("peek", "q", "-m", str(ident(2)), "--include-claimed").out("three\n")
    run("peek", "q", "--after", str(ident(1)), "--include-claimed").out("three\n")
    run("peek", "q", "-m", str(ident(2))).empty()
    run("read", "q", "-m", str(ident(2))).empty()


def test_exact_id__only_in_that_queue(run):
    run.seed("a:one", "b:two")
    for command in ("read", "peek"):
        run(command, "a", "-m", str(ident(1))).empty()
    run("move", "a", "c", "-m", str(ident(1))).empty()
    run("delete", "a", "-m", str(ident(1))).empty()
    assert run.db.rows() == ["a:one", "b:two"]


# move

def test_move__keeps_ids_and_prints(run):
    run.seed("a:one", "a:two")
    run("move", "a", "b", "-t").out(f"{ident(0)}\tone\n")
    run("move", "a", "b", "--json").out(f'{{"message": "two", "timestamp": "{ident(1)}"}}\n')
    assert run.db.rows() == ["b:one", "b:two"] and run.db.ids() == [ident(0), ident(1)]
    assert run.db.meta()["last_ts"] == ident(1)


def test_move__keeps_the_place(run):
    run.seed("a:first", "b:second")
    run("move", "a", "b").out("first\n")
    run("read", "b", "--all").out("first\nsecond\n")


def test_move__claimed_only_by_exact_id(run):
    run.seed("a:one!", "a:two!")
    run("move", "a", "b").empty()
    run("move", "a", "b", "--all").empty()
    run("move", "a", "b", "-m", str(ident(1))).out("two\n")
    assert run.db.rows() == ["a:one!", "b:two"]


def test_move_all__in_order(run):
    run.seed(*(f"{'a' if i % 3 else 'c'}:{i}" for i in range(50)))
    run("move", "a", "b", "--all").out("".join(f"{i}\n" for i in range(50) if i % 3))
    assert run.db.count("queue = 'a'") == 0


def test_move_all__capped_at_a_million(run):
    run.db.create(("a", "", i + 1, 0) for i in range(1_000_001))
    with open(run.cwd / "out", "wb") as out:
        result = run("move", "a", "b", "--all", stdout=out)
    assert (result.code, result.stderr) == (
        0, "broker move --all: capped at 1000000 messages; messages may remain in the source "
           "queue\n")
    assert (run.cwd / "out").stat().st_size == 1_000_000
    assert run.db.sql("SELECT ts FROM messages WHERE queue = 'a'") == [(1_000_001,)]


@pytest.mark.parametrize("argv", [("a", "a"), ("@x", "a"), ("a", "@x"), ("@x", "@x")], ids=" ".join)
@pytest.mark.parametrize("flags", [(), ("--after", "zzz"), ("-m", "zzz"), ("--all",)])
def test_move__same_queue_is_checked_first(run, argv, flags):
    run.seed("a:m", aliases=[("x", "a")])
    run("move", *argv, *flags).fails(1, "Source and destination queues cannot be the same")
    run("move", *argv, *flags, "--json").json_fails(
        "INVALID_ARGUMENT", "Source and destination queues cannot be the same")


# delete

def test_delete_queue__pending_and_claimed(run):
    run.seed("q:one", "q:two!", "other:x")
    run("delete", "q").ok()
    run("delete", "q").ok()
    assert run.db.rows() == ["other:x"]


def test_delete_all(run):
    run.seed("q:one", "q:two!", "other:x", aliases=[("a", "q")])
    run("delete", "--all").ok()
    run("delete", "--all").ok()
    assert run.db.rows() == []
    run("alias", "list").out("a -> q\n")


def test_delete_message(run):
    run.seed("q:one", "q:two!", "q:three")
    run("delete", "q", "-m", str(ident(0))).ok()
    run("delete", "q", "--message", str(ident(1))).ok()
    run("delete", "q", "-m", str(ident(1))).empty()
    run("delete", "gone", "-m", str(ident(2))).empty()
    assert run.db.rows() == ["q:three"]


# exact ids (contract: cli 11)

MALFORMED = ["", " ", "x", "5", "170000000000000000", "17000000000000000000",
             "9223372036854775808", "9999999999999999999", "-170000000000000000",
             "+170000000000000000", "170000000000000000x", "1700000000 00000000",
             "1_0000000000000000", "0x00000000000000000", "1700000000000000.00",
             "\u00b2" + "0" * 18, "2024-01-15T14:30:00"]


@pytest.mark.parametrize("value", MALFORMED, ids=ascii)
def test_exact_id__malformed(run, value):
    run.seed("q:m")
    text = "invalid message ID: expected exactly 19 digits within range"
    for argv in (["read", "q"], ["peek", "q"], ["move", "q", "d"], ["delete", "q"]):
        run(*argv, f"--message={value}").fails(1, text)
    run("peek", "q", f"--message={value}", "--json").json_fails("INVALID_MESSAGE_ID", text)
    assert run.db.rows() == ["q:m"]


@pytest.mark.parametrize("value, stored", [
    ("0000000000000000005", 5), (" 0000000000000000005\t", 5),
    ("\u00a00000000000000000005\u2003", 5),
    ("\u0660" * 18 + "\u0665", 5), ("9223372036854775807", 2**63 - 1),
    ("\uff11" + "0" * 18, 10**18), ("0000000000000000000", 0)], ids=ascii)
def test_exact_id__accepted(run, value, stored):
    run.db.create([("q", "m", stored, 0)])
    run("peek", "q", "-m", value).out("m\n")
