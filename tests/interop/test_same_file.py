"""Files made by one implementation are used by the other, both ways, command by command."""

import json
import re
import sqlite3
import subprocess

import pytest

from cli.files import old_file, structure
from cli.transcript import File, ident

NASTY = ["", "a\nb", "nul\0inside", "\u00e9\U0001f600\u2028", '\\"\t\x7f', "x" * 20000,
         "-", "--help"]


def definitions(db):
    """Every object of the schema, apart from blanks and letter case."""
    return {name: re.sub(r"\s*([(),=])\s*", r"\1", " ".join(sql.replace(
        "IF NOT EXISTS ", "").split())).lower()
        for name, sql in db.sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")}


def test_schema__the_same_text(ours, reference):
    ours("-f", "ours.db", "write", "q", "m").ok()
    reference("-f", "reference.db", "write", "q", "m").ok()
    a, b = File(ours.cwd / "ours.db"), File(ours.cwd / "reference.db")
    assert definitions(a) == definitions(b) and structure(a) == structure(b)
    for pragma in ("user_version", "application_id", "auto_vacuum", "journal_mode", "page_size",
                   "encoding"):
        assert a.sql(f"PRAGMA {pragma}") == b.sql(f"PRAGMA {pragma}"), pragma
    drop = ("last_ts",)
    assert {k: v for k, v in a.meta().items() if k not in drop} == {
        k: v for k, v in b.meta().items() if k not in drop}
    assert [tuple(map(type, row)) for row in a.sql("SELECT * FROM messages")] == [
        tuple(map(type, row)) for row in b.sql("SELECT * FROM messages")]


def test_schema__the_other_one_adds_nothing(pair, ours):
    first, second = pair
    first("write", "q", "m").ok()
    before = ours.db.sql("SELECT * FROM sqlite_master ORDER BY name")
    second("write", "q", "m").ok()
    assert ours.db.sql("SELECT * FROM sqlite_master ORDER BY name") == before


@pytest.mark.parametrize("body", NASTY, ids=lambda b: ascii(b)[:12])
def test_bodies(pair, body):
    first, second = pair
    first("write", "q", "-", stdin=body).ok()
    assert second("peek", "q", "--json").json()[0]["message"] == body
    assert second("read", "q", "-t").stdout.split("\t", 1)[1] == body + "\n"
    first("read", "q").empty()


def test_every_command_sees_what_the_other_did(pair, ours):
    first, second = pair
    first("init")
    ids = [first("write", "-t", "q", body).ids()[0] for body in "abcdef"]
    assert second("peek", "q", "--all", "-t").ids() == ids
    second("read", "q").out("a\n")
    first("read", "q", "-m", str(ids[3])).out("d\n")
    second("read", "q", "--before", str(ids[2])).out("b\n")
    first("stats", "q").out("q: 3 (6 total, 3 claimed)\n")
    first("move", "q", "r").out("c\n")
    second("move", "q", "r", "-m", str(ids[0]), "-t").out(f"{ids[0]}\ta\n")
    assert first("peek", "r", "--all", "-t").ids() == [ids[0], ids[2]]
    second("alias", "add", "x", "r").ok()
    first("write", "@x", "g").ok()
    second("rename", "r", "s").ok()
    first("alias", "list").out("x -> s\n")
    first("broadcast", "all", "-p", "[qs]").ok()
    second("list", "--stats").out(
        "q: 3 (5 total, 2 claimed)\ns: 4\n\nTotal claimed messages: 2/9\n")
    second("exists", "s", "--json").out('{"queue": "s", "exists": true}\n')
    first("delete", "s", "-m", str(ids[0])).ok()
    second("delete", "s", "-m", str(ids[0])).empty()
    first("--vacuum").says("Vacuumed 2 claimed messages")
    assert second("--vacuum").says().stderr == "No claimed messages to vacuum\n"
    assert first("--status").stdout == second("--status").stdout
    assert first("dump").raw == second("dump").raw
    second("alias", "remove", "x").ok()
    first("delete", "--all").ok()
    second("list").ok()
    first("init").says("already exists")
    second("init").says("already exists")
    second("--cleanup").says("Database cleaned up")
    assert first("--cleanup").says("nothing to clean up")


def test_ids_continue_across_implementations(pair, ours):
    first, second = pair
    for n in range(10):
        (first, second)[n % 2]("write", "q", str(n)).ok()
    assert ours.db.ids() == sorted(set(ours.db.ids()))
    ahead = ours.db.ids()[-1] + 3600 * 10**9
    ours.db.sql("UPDATE meta SET value = ? WHERE key = 'last_ts'", ahead)
    assert first("write", "-t", "q", "x").ids() == [ahead + 1]
    assert second("write", "-t", "q", "x").ids() == [ahead + 2]


def test_alias_changes_are_seen_by_a_cached_handle(ours, agent):
    ours("alias", "add", "x", "one").ok()
    assert agent.call("canonicalize_queue", "@x") == "one"
    ours("alias", "remove", "x").ok()
    ours("alias", "add", "x", "two").ok()
    assert agent.call("canonicalize_queue", "@x") == "two"
    agent.call("add_alias", "y", "three")
    ours("alias", "list").out("x -> two\ny -> three\n")


def test_exact_inserts_and_claims_of_the_library(ours, agent):
    agent.call("insert_messages", [["q", "late", ident(9)], ["q", "early", ident(1)]])
    ours("peek", "q", "--all", "-t").out(f"{ident(9)}\tlate\n{ident(1)}\tearly\n")
    assert ours("write", "-t", "q", "x").ids()[0] > ident(9) + 1
    assert agent.call("claim_many", "q", 2) == [["late", ident(9)], ["early", ident(1)]]
    ours("stats", "q").out("q: 1 (3 total, 2 claimed)\n")
    assert ours.db.meta() == agent.call("get_meta")


@pytest.mark.parametrize("version", [1, 2, 3, 4, "2.5.1"])
def test_migrated_by_one_used_by_the_other(pair, ours, version):
    first, second = pair
    old_file(ours.db.path, version)
    first("peek", "q").out("one\n")
    assert ours.db.meta()["schema_version"] == 5
    migrated = definitions(ours.db)
    second("read", "q").out("one\n")
    first("write", "q", "new").ok()
    second("peek", "q", "--all").out("two\nthree\n\nnew\n")
    assert definitions(ours.db) == migrated


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_migration__the_same_schema(ours, agent, version):
    old_file(ours.cwd / "ours.db", version), old_file(ours.cwd / "reference.db", version)
    ours("-f", "ours.db", "peek", "q").out("one\n")
    agent("-f", "reference.db", "peek", "q").out("one\n")
    a, b = File(ours.cwd / "ours.db"), File(ours.cwd / "reference.db")
    assert definitions(a) == definitions(b) and a.meta() == b.meta()


def test_adopted_database__both_use_it(pair, ours):
    first, second = pair
    ours.db.sql("CREATE TABLE mine (x)")
    first("write", "q", "m").ok()
    second("read", "q").out("m\n")
    assert set(definitions(ours.db)) >= {"mine", "messages"}


# Dumps

def test_dump__the_same_bytes_and_cross_load(pair, ours):
    first, second = pair
    ours.db.create([(f"q{n % 3}", body, ident(n), 0) for n, body in enumerate(NASTY * 3)] +
                   [("q1", "claimed", ident(90), 1)], last_ts=ident(99),
                   aliases=[("x", "q1"), ("a", "none")])
    dump = first("dump").stdout
    assert second("dump").stdout == dump
    second("-f", "copy.db", "load", stdin=dump).ok()
    copy = File(ours.cwd / "copy.db")
    assert copy.meta()["last_ts"] == ident(99)
    assert sorted(copy.sql("SELECT queue, body, ts, claimed FROM messages")) == sorted(
        ours.db.sql("SELECT queue, body, ts, claimed FROM messages WHERE claimed = 0"))
    assert first("-f", "copy.db", "dump").stdout == dump


def test_load__the_same_row_order(ours, agent):
    lines = [{"type": "header", "format": "simplebroker-dump", "version": 1,
              "last_ts": str(ident(5000))}]
    lines += [{"type": "message", "queue": f"q{n % 7}", "body": str(n), "id": str(ident(n))}
              for n in range(3000)]
    dump = "".join(json.dumps(line) + "\n" for line in lines)
    ours("-f", "ours.db", "load", stdin=dump).ok()
    agent("-f", "reference.db", "load", stdin=dump).ok()
    a, b = File(ours.cwd / "ours.db"), File(ours.cwd / "reference.db")
    stored = "SELECT * FROM messages ORDER BY id"
    assert a.sql(stored) == b.sql(stored)
    assert a.meta() == b.meta()


# Locks

def test_open_batch_of_the_reference__our_writer_waits(ours, agent):
    ours.seed("q:1", "q:2", "q:3")
    path = str(ours.db.path)
    assert agent.ask(batch="open", path=path, queue="q", size=2)["value"] == ["1"]
    with ours.popen("write", "q", "4") as writer:
        ours("peek", "q", "--all").out("1\n2\n3\n")
        assert writer.poll() is None
        agent.ask(batch="close", path=path)
        assert writer.wait(20) == 0
    ours("read", "q", "--all").out("1\n2\n3\n4\n")


def test_watch_of_the_reference__hears_our_writes(ours, reference):
    ours("write", "q", "first").ok()
    with reference.popen("-q", "watch", "q", stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE) as watcher:
        assert watcher.stdout.readline() == b"first\n"
        ours("write", "q", "second").ok()
        assert watcher.stdout.readline() == b"second\n"
        watcher.terminate()
        assert watcher.wait(20) == 0
    ours("stats", "q").out("q: 0 (2 total, 2 claimed)\n")


def test_foreign_transaction__neither_is_hurt(pair, ours):
    first, second = pair
    first("write", "q", "1").ok()
    holder = sqlite3.connect(ours.db.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    holder.execute("INSERT INTO messages (queue, body, ts) VALUES ('q', 'foreign', 5)")
    second("peek", "q", "--all").out("1\n")
    holder.execute("COMMIT")
    holder.close()
    first("read", "q", "--all").out("1\nforeign\n")
