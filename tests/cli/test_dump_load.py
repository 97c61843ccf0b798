"""dump and load (contract: cli 6)."""

import os
import pty
import time

import pytest

from .dumps import LAST, alias, header, lines, message
from .transcript import File, ident

LINE = "invalid dump input at line {}: "
BAD_ID = LINE.format(2) + "invalid message ID: expected exactly 19 digits within range"


def refused(result, text):
    return result.fails(1, "broker load: " + text, start="broker load: ")


# dump

def test_dump__exact_lines(run):
    run.seed('b:two "é\u2028"', "a:one", "b:gone!", "a:three", aliases=[("z", "b"), ("y", "a")],
             last_ts=ident(7))
    run("dump").out(
        '{"backend": "sqlite", "format": "simplebroker-dump", "last_ts": "%d", "type": "header", '
        '"version": 1}\n'
        '{"alias": "y", "target": "a", "type": "alias"}\n'
        '{"alias": "z", "target": "b", "type": "alias"}\n'
        '{"body": "one", "id": "%d", "queue": "a", "type": "message"}\n'
        '{"body": "three", "id": "%d", "queue": "a", "type": "message"}\n'
        '{"body": "two \\"é\u2028\\"", "id": "%d", "queue": "b", "type": "message"}\n'
        % (ident(7), ident(1), ident(3), ident(0)))


def test_dump__empty_broker(run):
    run("dump").out('{"backend": "sqlite", "format": "simplebroker-dump", "last_ts": '
                    '"0000000000000000000", "type": "header", "version": 1}\n')


def test_dump__ids_ascend_and_are_padded(run):
    run.db.create([("q", "big", 70, 0), ("q", "small", 5, 0)])
    assert [r["id"] for r in run("dump").json()[1:]] == ["%019d" % 5, "%019d" % 70]


def test_dump__leaves_out_what_is_above_the_high_water(run):
    run.seed("q:in", "q:out", last_ts=ident(0))
    assert [r["body"] for r in run("dump").json()[1:]] == ["in"]


@pytest.mark.parametrize("flags, queues, aliases", [
    ([], "a ab b", "x y z"), (["--include", "a*"], "a ab", "x y"), (["--include", "b"], "b", "z"),
    (["--exclude", "a*"], "b", "z"), (["--include", "a*", "--exclude", "ab"], "a", "x"),
    (["--include", "a", "--include", "b"], "a b", "x z"), (["--include", "x"], "", "x"),
    (["--exclude", "x", "--exclude", "z"], "a ab b", "y"), (["--include", "A*"], "", ""),
    (["--include=a?"], "ab", "y"), (["--include", "[!a]*"], "b", "x y z"),
    (["--include", "a", "--exclude", "x"], "a", ""), (["--include", ""], "", ""),
    (["--exclude", ""], "a ab b", "x y z"), (["--exclude", "*"], "", ""),
], ids=lambda v: " ".join(v) if isinstance(v, list) else "")
def test_dump__globs(run, flags, queues, aliases):
    run.seed("a:1", "ab:2", "b:3", aliases=[("x", "a"), ("y", "ab"), ("z", "b")])
    records = run("dump", *flags).json()
    assert [r["queue"] for r in records if r["type"] == "message"] == queues.split()
    assert [r["alias"] for r in records if r["type"] == "alias"] == aliases.split()


# load

def test_load__round_trip(run, tmp_path):
    bodies = ["é\U0001f600\u2028", "a\nb", "nul \0 inside", "", "x" * 10000, '\\"\t\x7f']
    run.db.create([("q" if i % 2 else "p", body, ident(i), 0) for i, body in enumerate(bodies)],
                  last_ts=ident(20), aliases=[("x", "q")])
    dump = run("dump").raw
    run("-f", "copy.db", "load", stdin=dump).ok()
    copy = File(tmp_path / "copy.db")
    assert sorted(copy.sql("SELECT queue, body, ts, claimed FROM messages")) == sorted(
        run.db.sql("SELECT queue, body, ts, claimed FROM messages"))
    assert copy.meta()["last_ts"] == ident(20)
    assert run("-f", "copy.db", "dump").raw == dump


def test_load__more_than_a_batch(run):
    records = [message(n, body=str(n), queue=f"q{n % 3}") for n in range(2500)]
    run("load", stdin=lines(header(str(ident(2499))), *records)).ok()
    assert run.db.count() == 2500 and run.db.meta()["last_ts"] == ident(2499) + 1


def test_load__appends_to_what_is_there(run):
    run.seed("q:old")
    run("load", stdin=lines(header(), message(3, body="new"))).ok()
    run("read", "q", "--all").out("old\nnew\n")


def test_load__high_water_never_falls(run):
    run.seed(last_ts=ident(50))
    run("load", stdin=lines(header(), message(3))).ok()
    assert run.db.meta()["last_ts"] == ident(50)


def test_load__blank_lines_and_unknown_keys(run):
    run("load", stdin="\n \n" + header(extra=1) + "\n\n" + message(1, extra=[{}]) +
        "\r\n\t\n" + message(2)).ok()
    assert run.db.rows() == ["q:m", "q:m"]


@pytest.mark.parametrize("last_ts, stored", [(0, 0), (5, 5), ("%019d" % 5, 5), (LAST, ident(9)),
                                             (ident(9), ident(9))], ids=str)
def test_load__header_last_ts(run, last_ts, stored):
    run("load", stdin=lines(header(last_ts))).ok()
    assert run.db.meta()["last_ts"] == stored


@pytest.mark.parametrize("version", [1, 1.0, True])
def test_load__version_equal_to_one(run, version):
    run("load", stdin=lines(header(version=version))).ok()


def test_load__integer_ids(run):
    run("load", stdin=lines(header(), message(id=ident(3)))).ok()
    assert run.db.ids() == [ident(3)]


HEADERS = [
    ("x", "malformed JSON ("), ("{", "malformed JSON ("), ('{"a": 1} x', "malformed JSON ("),
    ("\ufeff{}", "malformed JSON ("), ("'a'", "malformed JSON ("), ("{'a': 1}", "malformed JSON ("),
    ('{"a":' + "1" * 4301 + "}", "malformed JSON (numeric value is too large)"),
    ("[]", "record must be a JSON object"), ("5", "record must be a JSON object"),
    ("null", "record must be a JSON object"), ('"x"', "record must be a JSON object"),
    ("{}", "first record must be the dump header"),
    (message(), "first record must be the dump header"),
    (header(type="Header"), "first record must be the dump header"),
    (header(format="x"), "unrecognized dump format"),
    (header(format="absent"), "unrecognized dump format"),
    (header(format=5), "unrecognized dump format"),
    (header(version=2), "unsupported dump version 2 (supported: 1)"),
    (header(version="1"), "unsupported dump version"),
    (header(version="absent"), "unsupported dump version"),
    (header(version=1.5), "unsupported dump version"),
    (header(last_ts="absent"), "header requires 'last_ts'"),
    (header(last_ts="5"), "invalid header last_ts"),
    (header(last_ts=-1), "invalid header last_ts"),
    (header(last_ts=1.5), "invalid header last_ts"),
    (header(last_ts=True), "invalid header last_ts"),
    (header(last_ts=None), "invalid header last_ts"),
    (header(last_ts=2**63), "invalid header last_ts"),
    (header(last_ts=str(2**63)), "invalid header last_ts"),
    (header(last_ts=[]), "invalid header last_ts"),
    (header(format="x", version=2, last_ts="absent"), "unrecognized dump format"),
    (header(version=2, last_ts="absent"), "unsupported dump version 2"),
]


@pytest.mark.parametrize("record, text", HEADERS, ids=[h[0][:60] for h in HEADERS])
def test_load__bad_header(run, record, text):
    refused(run("load", stdin="\n" + record + "\n"), LINE.format(2) + text)
    assert run.db.rows() == [] and run.db.meta()["last_ts"] == 0


RECORDS = [
    ("x", LINE.format(2) + "malformed JSON ("), ('{"type":', LINE.format(2) + "malformed JSON ("),
    (message()[:-1], LINE.format(2) + "malformed JSON ("),
    ("[]", LINE.format(2) + "record must be a JSON object"),
    (header(), LINE.format(2) + "duplicate header"),
    ('{"type": "foo"}', LINE.format(2) + "unknown record type 'foo'"),
    ("{}", LINE.format(2) + "unknown record type"),
    ('{"type": 5}', LINE.format(2) + "unknown record type"),
    (alias(1, "q"), LINE.format(2) + "alias record requires string 'alias' and 'target' fields"),
    (alias("a", None), LINE.format(2) + "alias record requires string 'alias' and 'target' fields"),
    ('{"type": "alias"}', LINE.format(2) + "alias record requires string 'alias' and 'target'"),
    (message(queue=1), LINE.format(2) + "message record requires string 'queue' and 'body' fields"),
    (message(body=None), LINE.format(2) + "message record requires string 'queue' and 'body'"),
    (message(body="absent"), LINE.format(2) + "message record requires string 'queue' and 'body'"),
    (message(id="absent"), BAD_ID), (message(id="5"), BAD_ID), (message(id=None), BAD_ID),
    (message(id="x" * 19), BAD_ID), (message(id=str(2**63)), BAD_ID), (message(id=""), BAD_ID),
    (message(id=True), BAD_ID), (message(id=1.5), BAD_ID), (message(id=-1), BAD_ID),
    (message(id="0" * 19), LINE.format(2) + "message_id 0 is reserved; "),
    (message(id=0), LINE.format(2) + "message_id 0 is reserved; "),
    (message(10), LINE.format(2) + "message id exceeds header last_ts"),
    (message(queue="b!d"), "Invalid queue name: "), (message(queue=""), "Invalid queue name: "),
    (message(queue="x" * 513), "Invalid queue name: "),
    (message(body="12345678"), "Message size (8 bytes) exceeds maximum"),
    (alias("taken", "r"), "Alias 'taken' already exists"),
    (alias("a", "taken"), "Cannot target another alias"),
    (alias("t", "r"), "Cannot turn an existing alias target into an alias"),
    (alias("a", "a"), "Alias and target must differ"), (alias("b!d", "q"), "Invalid queue name: "),
]


@pytest.mark.parametrize("record, text", RECORDS, ids=[r[0][:60] for r in RECORDS])
def test_load__bad_record(run, record, text):
    run.seed(aliases=[("taken", "t")])
    refused(run("load", stdin=lines(header(), record), env={"BROKER_MAX_MESSAGE_SIZE": "7"}), text)
    assert run.db.rows() == [] and run.db.meta()["last_ts"] == 0


@pytest.mark.parametrize("data", [b"\xff", b'"\xff"', b'{"type": "alias", "alias": "\xff"}',
                                  message(body="@").encode().replace(b"@", b"\xff"),
                                  message(body="\ud800").encode(), b"\0", b"{}\0"], ids=ascii)
def test_load__broken_text(run, data):
    refused(run("load", stdin=header().encode() + b"\n" + data + b"\n"), "")
    assert run.db.rows() == []


@pytest.mark.parametrize("stdin", ["", "\n", " \n\t\n"])
def test_load__no_input(run, stdin):
    refused(run("load", stdin=stdin),
            "invalid dump input: missing header (is this a simplebroker dump?)")
    assert run.db.rows() == []


TWICE = "(load targets a fresh database; duplicate message IDs are never overwritten)"


def test_load__duplicate_ids(run):
    refused(run("load", stdin=lines(header(), message(1), message(2), message(1))), "").fails(
        1, TWICE, start="")
    assert run.db.rows() == [] and run.db.meta()["last_ts"] == 0
    run("load", stdin=lines(header(), message(1, body="kept"))).ok()
    run("load", stdin=lines(header(), message(2), message(1))).fails(1, TWICE, start="broker load")
    assert run.db.rows() == ["q:kept"]


def test_load__earlier_records_stay(run):
    good = [message(n) for n in range(1000)]
    refused(run("load", stdin=lines(header(str(ident(2000))), alias("a", "t"), *good,
                                    message(1500), "x")),
            LINE.format(1004) + "malformed JSON (")
    assert run.db.count() == 1000 and run.db.meta()["last_ts"] == ident(999) + 1
    run("alias", "list").out("a -> t\n")


def skewed(seconds):
    return header(str(time.time_ns() + int(seconds * 1e9)))


WARNING = "broker load: warning: dump header last_ts "


def test_load__a_little_ahead_warns(run):
    result = run("load", stdin=lines(skewed(100)))
    assert (result.code, result.stdout) == (0, "") and result.stderr.count("\n") == 1
    assert result.stderr.startswith(WARNING)
    assert "seconds ahead of local wall time; " in result.stderr
    run("-q", "-f", "b.db", "load", stdin=lines(skewed(100))).ok()


@pytest.mark.parametrize("ahead, env, flags, works", [
    (400, {}, [], False), (400, {}, ["--force"], True), (290, {}, [], True),
    (20, {"BROKER_LOAD_MAX_FUTURE_SKEW_SECONDS": "10"}, [], False),
    (20, {"BROKER_LOAD_MAX_FUTURE_SKEW_SECONDS": "30"}, [], True),
    (20, {"BROKER_LOAD_MAX_FUTURE_SKEW_SECONDS": "0"}, [], False),
    (10**6, {"BROKER_LOAD_MAX_FUTURE_SKEW_SECONDS": "9999999"}, [], True),
])
def test_load__too_far_ahead(run, ahead, env, flags, works):
    record = skewed(ahead)
    for quiet in ([], ["-q"]):
        result = run(*quiet, "load", *flags, stdin=lines(record, message()), env=env)
        warned = result.stderr.count(WARNING)
        assert warned == (not quiet) and result.stdout == ""
        if not works:
            limit = env.get("BROKER_LOAD_MAX_FUTURE_SKEW_SECONDS", "300")
            assert result.code == 1 and result.stderr.endswith(
                "broker load: " + LINE.format(1) + "dump header future skew exceeds configured "
                f"maximum of {limit} seconds\n"), result
        elif not quiet:
            assert result.code == 0, result
    assert run.db.count() == int(works)


def test_load__force_bypasses_only_the_skew(run):
    refused(run("load", "--force", stdin=lines(header(version=2))), LINE.format(1) + "unsupported")


def test_load__final_floor_not_confirmed(run):
    run("-q", "init").ok()
    run.db.sql("DELETE FROM meta WHERE key = 'last_ts'")
    refused(run("load", stdin=lines(header())),
            f"stored timestamp 0 is below requested floor {LAST} (").fails(
        1, "(correct the failure and retry into a clean destination)", start="broker load: ")


def test_load__on_a_terminal(run):
    leader, follower = pty.openpty()
    try:
        result = run("load", stdin_file=follower)
    finally:
        os.close(leader), os.close(follower)
    assert (result.code, result.stdout) == (1, "") and result.stderr.startswith("broker load: ")


def test_write__on_a_terminal_needs_a_message(run):
    leader, follower = pty.openpty()
    try:
        run("write", "q", stdin_file=follower).fails(
            1, "message is required when stdin is a terminal; ")
    finally:
        os.close(leader), os.close(follower)
