"""What a command leaves on disk, and what it makes of older and foreign files
(contract: storage 1 to 4, 11)."""

import fcntl
import os
import stat
import time

import pytest

from .dumps import header, lines, message
from .files import BODIES, old_file, structure
from .transcript import SCHEMA, File, ident


# Files

def test_files__database_and_lock(run):
    run("write", "q", "m").ok()
    assert set(os.listdir(run.cwd)) - {".broker.db.status"} == {".broker.db", ".broker.db.lock"}
    assert (run.cwd / ".broker.db.lock").read_bytes() == b"\0"


def test_files__vacuum_lock(run):
    run.seed("q:m!")
    run("--vacuum").says("Vacuumed 1")
    assert (run.cwd / ".broker.db.vacuum.lock").read_bytes() == b"\0"


def test_files__names_are_appended(run):
    run("-f", "my.db", "write", "q", "m").ok()
    assert {"my.db", "my.db.lock"} <= set(os.listdir(run.cwd))


def test_files__locks_are_kept(run):
    run("write", "q", "m").ok()
    before = os.stat(run.cwd / ".broker.db.lock").st_ino
    for _ in range(2):
        run("peek", "q").out("m\n")
    assert os.stat(run.cwd / ".broker.db.lock").st_ino == before


@pytest.mark.parametrize("umask, mode", [(0o022, 0o644), (0o077, 0o600), (0o027, 0o640)])
def test_files__mode_follows_the_umask(run, umask, mode):
    run("write", "q", "m", preexec_fn=lambda: os.umask(umask)).ok()
    run("--vacuum", preexec_fn=lambda: os.umask(umask))
    modes = {name: stat.S_IMODE(os.stat(run.cwd / name).st_mode) for name in os.listdir(run.cwd)}
    assert set(modes.values()) == {mode}, modes


def test_files__an_existing_mode_is_kept(run):
    run("write", "q", "m").ok()
    run.db.path.chmod(0o640)
    run("write", "q", "m").ok()
    assert stat.S_IMODE(run.db.path.stat().st_mode) == 0o640


def test_files__status_where_attributes_are_unavailable(run):
    run("write", "q", "m", env={"PHASELOCK_ENABLE_XATTRS": "0"}).ok()
    run("read", "q", env={"PHASELOCK_ENABLE_XATTRS": "0"}).out("m\n")
    leftovers = [n for n in os.listdir(run.cwd) if ".status.tmp." in n]
    assert leftovers == []


# Schema

def test_schema__exactly_this(run, tmp_path):
    run("write", "q", "m").ok()
    assert structure(run.db) == structure(File(tmp_path / "model.db").create())
    assert set(structure(run.db)) == set(SCHEMA)


def test_schema__texts_that_other_tools_read(run):
    run("write", "q", "m").ok()
    texts = {name: " ".join(sql.split()) for name, sql in
             run.db.sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")}
    assert "WHERE claimed = 0" in texts["idx_messages_unclaimed"]
    assert "WHERE claimed = 0" in texts["idx_messages_pending_queue_ts"]
    assert sum("unclaimed" in name for name in texts) == 1
    assert "AUTOINCREMENT" in texts["messages"] and "UNIQUE" in texts["messages"]
    plan = run.db.sql("EXPLAIN QUERY PLAN SELECT ts FROM messages WHERE queue = 'q' AND ts > 1")
    assert "idx_messages_queue_ts_id" in plan[0][3]


def test_schema__pragmas(run):
    run("write", "q", "m").ok()
    values = {name: run.db.sql(f"PRAGMA {name}")[0][0] for name in
              ("user_version", "application_id", "auto_vacuum", "journal_mode", "encoding")}
    assert values == {"user_version": 0, "application_id": 0, "auto_vacuum": 2,
                      "journal_mode": "wal", "encoding": "UTF-8"}


def test_schema__meta_rows(run):
    run("init").says("Initialized")
    assert run.db.sql("SELECT key, value, typeof(value) FROM meta ORDER BY key") == [
        ("alias_version", 0, "integer"), ("last_ts", 0, "integer"),
        ("magic", "simplebroker-v1", "text"), ("schema_version", 5, "integer")]


def test_schema__message_row(run):
    run("write", "q", "m").ok()
    columns = "id, queue, body, typeof(body), claimed, typeof(ts)"
    assert run.db.sql(f"SELECT {columns} FROM messages") == [
        (1, "q", "m", "text", 0, "integer")]


# Ids

def test_ids__clock_in_the_high_part(run):
    before = time.time_ns() & ~4095
    stored, = run("write", "-t", "q", "m").ids()
    assert before <= stored <= time.time_ns() and stored % 4096 == 0
    assert run.db.meta()["last_ts"] == stored


def test_ids__never_below_the_high_water(run):
    ahead = (time.time_ns() + 3600 * 10**9) & ~4095
    run.seed(last_ts=ahead + 7)
    assert run("write", "-t", "q", "m").ids() == [ahead + 8]
    assert run("write", "-t", "q", "m").ids() == [ahead + 9]


def test_ids__exhausted_counter(run):
    ahead = (time.time_ns() + 3600 * 10**9) | 4095
    run.seed(last_ts=ahead)
    run("write", "q", "m").fails(1, "Logical counter exhausted")
    assert run.db.rows() == [] and run.db.meta()["last_ts"] == ahead


def test_ids__no_room_left(run):
    run.seed(last_ts=2**63 - 1)
    run("write", "q", "m").fails(1)
    assert run.db.rows() == []


def test_ids__high_water_below_stored_ids_is_repaired(run):
    top = (time.time_ns() + 3600 * 10**9) & ~4095
    run.db.create([("q", "m", top + n, 0) for n in range(1, 6)], last_ts=top)
    result = run("write", "-t", "q", "new")
    assert result.ids() == [top + 6] and run.db.rows()[-1] == "q:new"
    assert run.db.meta()["last_ts"] == top + 6


def test_ids__high_water_missing(run):
    run("-q", "init").ok()
    run("write", "q", "m").ok()
    run.db.sql("DELETE FROM meta WHERE key = 'last_ts'")
    assert run("--status").stdout.startswith("total_messages: 1\nlast_timestamp: 0\n")
    run("read", "q").out("m\n")
    assert run("write", "q", "m").code == 1
    run("broadcast", "m").fails(1, "unable to generate unique timestamp")
    assert run.db.rows() == ["q:m!"]


# Older schemas

def indexes_of(db):
    return {row[0] for row in db.sql("SELECT name FROM sqlite_master WHERE type = 'index'"
                                     " AND name NOT LIKE 'sqlite_%'")}


@pytest.mark.parametrize("wal", [False, True], ids=["rollback", "wal"])
@pytest.mark.parametrize("version", [1, 2, 3, 4, "2.5.1"])
def test_migration__at_first_contact(run, version, wal):
    db = old_file(run.db.path, version, wal=wal)
    run("peek", "q", "--all").out("one\ntwo\nthree\n\n")
    meta = db.meta()
    assert (meta["magic"], meta["schema_version"], meta["last_ts"]) == (
        "simplebroker-v1", 5, ident(50))
    assert meta["alias_version"] == (7 if version == 4 else 0)
    assert indexes_of(db) == {name for name in SCHEMA if name.startswith("idx_")}
    assert db.sql("SELECT queue, body, ts, claimed FROM messages ORDER BY id") == [
        ("q", body, ident(n), 0) for n, body in enumerate(BODIES)]
    assert db.sql("PRAGMA journal_mode") == [("wal",)]
    run("alias", "list").out("a -> q\n" if version == 4 else "")
    run("read", "q", "-t").out(f"{ident(0)}\tone\n")
    assert run("write", "-t", "q", "new").ids()[0] > ident(50)
    assert db.rows() == ["q:one!", "q:two", "q:three", "q:", "q:new"]


@pytest.mark.parametrize("argv", [("write", "q", "m"), ("read", "q"), ("list",), ("--status",),
                                  ("--vacuum",), ("dump",), ("delete", "--all"),
                                  ("alias", "list")], ids=" ".join)
def test_migration__by_any_command(run, argv):
    old_file(run.db.path, 1)
    assert run(*argv).code == 0
    assert run.db.meta()["schema_version"] == 5


@pytest.mark.parametrize("version", [1, 2])
def test_migration__duplicate_ids_are_refused(run, version):
    old_file(run.db.path, version, duplicate=True)
    run("read", "q").fails(1, "Cannot add unique constraint on timestamp column")
    assert run.db.count() == 4


def test_migration__version_row_missing(run):
    old_file(run.db.path, 1).sql("DELETE FROM meta WHERE key = 'schema_version'")
    run("read", "q").out("one\n")
    assert run.db.meta()["schema_version"] == 5
    assert indexes_of(run.db) == {name for name in SCHEMA if name.startswith("idx_")}


def test_migration__missing_magic_is_filled_in(run):
    old_file(run.db.path, 4).sql("DELETE FROM meta WHERE key = 'magic'")
    run("read", "q").out("one\n")
    assert run.db.meta()["magic"] == "simplebroker-v1"


def test_migration__missing_objects_are_restored(run):
    run.seed("q:m")
    run.db.sql("DROP INDEX idx_messages_pending_queue_ts")
    run.db.sql("DROP TABLE queue_aliases")
    run("alias", "list").ok()
    assert set(structure(run.db)) == set(SCHEMA)


# Files of others

def snapshot(run):
    return {name: (run.cwd / name).read_bytes() for name in os.listdir(run.cwd)
            if not name.endswith((".lock", ".status", "-wal", "-shm"))}


def test_foreign__database_without_meta_is_adopted_by_use(run):
    run.db.sql("CREATE TABLE mine (x)")
    run.db.sql("INSERT INTO mine VALUES (5)")
    run("write", "q", "m").ok()
    run("delete", "--all").ok()
    assert run.db.sql("SELECT x FROM mine") == [(5,)]
    assert run.db.meta()["magic"] == "simplebroker-v1"
    assert run.db.sql("PRAGMA auto_vacuum") == [(0,)]


def test_foreign__unknown_tables_and_keys_survive(run):
    run.seed("q:m!")
    run.db.sql("CREATE TABLE mine (x)")
    run.db.sql("INSERT INTO mine VALUES (5)")
    run.db.sql("INSERT INTO meta VALUES ('theirs', 9)")
    run("--vacuum", "--compact").says("Vacuumed 1")
    run("delete", "--all").ok()
    assert run.db.sql("SELECT x FROM mine") == [(5,)] and run.db.meta()["theirs"] == 9


def test_foreign__a_messages_table_of_another_shape_opens(run):
    run.db.sql("CREATE TABLE messages (id INTEGER PRIMARY KEY, queue, body, ts INTEGER, extra)")
    run("list").ok()
    assert "extra" in [row[1] for row in run.db.sql("PRAGMA table_info(messages)")]


@pytest.mark.parametrize("argv", [("write", "q", "m"), ("--status",)], ids=" ".join)
@pytest.mark.parametrize("options, fragment", [
    ({"magic": "other"}, "magic"), ({"version": 6}, "newer than supported version 5")])
def test_foreign__refused(run, argv, options, fragment):
    run.seed("q:m", **options)
    run(*argv).fails(1, fragment)
    assert run.db.rows() == ["q:m"] and run.db.meta()["magic"] == options.get(
        "magic", "simplebroker-v1")


def test_foreign__garbage_is_refused(run):
    run.db.path.write_bytes(b"garbage longer than a header" * 100)
    run("write", "q", "m").fails(1, "not a valid SQLite database")
    assert run.db.path.read_bytes() == b"garbage longer than a header" * 100


HOPELESS = {
    "garbage": lambda db: db.path.write_bytes(b"garbage longer than a header" * 100),
    "short": lambda db: db.path.write_bytes(b"short"),
    "header": lambda db: db.path.write_bytes(b"SQLite format 3\0" + b"\xff" * 4080),
    "magic": lambda db: db.create([("q", "m", 5, 0)], magic="other"),
    "their meta": lambda db: db.sql("CREATE TABLE meta (key TEXT, value TEXT, more TEXT)") or
    db.sql("INSERT INTO meta VALUES ('magic', 'x', 'y')"),
    "newer": lambda db: db.create([("q", "m", 5, 0)], version=6),
    "directory": lambda db: db.path.mkdir(),
}


USES = [("write", "q", "m"), ("read", "q"), ("--status",), ("--vacuum",), ("load",),
        ("delete", "--all"), ("broadcast", "m")]


@pytest.mark.ours
@pytest.mark.parametrize("kind, argv", [(kind, argv) for kind in HOPELESS for argv in USES] +
                         # To these two a newer broker database is still a broker database.
                         [(kind, argv) for kind in HOPELESS if kind != "newer"
                          for argv in (("--cleanup",), ("init",))], ids=str)
def test_foreign__refused_at_once_before_a_byte_changes(run, kind, argv):
    HOPELESS[kind](run.db)
    before = snapshot(run) if kind != "directory" else None
    began = time.monotonic()
    result = run(*argv, stdin="")
    assert (result.code, result.stdout) == (1, ""), result
    assert "Traceback" not in result.stderr and str(run.db.path) in result.stderr
    assert time.monotonic() - began < 1
    assert before is None or snapshot(run) == before


@pytest.mark.parametrize("argv", [("write", "q", "m"), ("--status",), ("dump",),
                                  ("delete", "--all")], ids=" ".join)
def test_empty_file__is_new_to_these(run, argv):
    run.db.path.touch()
    assert run(*argv).code == 0
    assert run.db.meta()["magic"] == "simplebroker-v1"
    assert run.db.sql("PRAGMA auto_vacuum") == [(2,)]


@pytest.mark.ours
def test_corrupt_pages__an_error_never_a_new_file(run):
    run.db.create(("q", "x" * 500, i + 1, 0) for i in range(200))
    data = bytearray(run.db.path.read_bytes())
    data[8192:] = b"\xa5" * (len(data) - 8192)
    run.db.path.write_bytes(data)
    for argv in (("read", "q"), ("peek", "q", "--all"), ("dump",)):
        result = run(*argv)
        assert result.code == 1 and result.stderr.startswith("simplebroker: error: "), result
    assert run.db.path.stat().st_size >= len(data)


# Automatic vacuum, seen from outside

def drain(run, **env):
    assert run("read", "q", "--all", env={f"BROKER_{k}": v for k, v in env.items()}).code == 0
    return run.db.count()


@pytest.mark.parametrize("env, left", [
    ({}, 50),
    ({"AUTO_VACUUM": "0"}, 150),
    ({"AUTO_VACUUM": "2"}, 150),
    ({"AUTO_VACUUM_INTERVAL": "120"}, 30),
    ({"AUTO_VACUUM_INTERVAL": "200"}, 150),
    ({"VACUUM_THRESHOLD": "66"}, 50),
    ({"VACUUM_THRESHOLD": "67"}, 150),
    ({"READ_COMMIT_INTERVAL": "40"}, 30),
    ({"READ_COMMIT_INTERVAL": "150"}, 0),
], ids=str)
def test_automatic_vacuum(run, env, left):
    run.seed(*(f"q:{i}" for i in range(150)))
    assert drain(run, **env) == left


def test_automatic_vacuum__in_small_batches(run):
    """A slow disk may end the first vacuum early, after at least one batch."""
    run.seed(*(f"q:{i}" for i in range(150)))
    assert 50 <= drain(run, VACUUM_BATCH_SIZE="7") <= 143


@pytest.mark.parametrize("claimed, gone", [(11, False), (12, True)])
def test_automatic_vacuum__after_a_broadcast(run, claimed, gone):
    run.seed(*(f"q{i}:x" for i in range(50)), *("c:x!" for _ in range(claimed)))
    run("broadcast", "m", env={"BROKER_AUTO_VACUUM_INTERVAL": "50"}).ok()
    assert run.db.count("claimed = 1") == (0 if gone else claimed)


def test_automatic_vacuum__after_a_load(run):
    run.seed(*(f"q:{i}!" for i in range(100)))
    run("load", stdin=lines(header(str(ident(400))), *(message(n) for n in range(200, 350)))).ok()
    assert run.db.count("claimed = 1") == 0


@pytest.mark.parametrize("argv", [("delete", "--all"), ("rename", "q", "d"), ("peek", "q"),
                                  ("alias", "add", "a", "b")], ids=" ".join)
def test_automatic_vacuum__not_after_these(run, argv):
    run.seed("q:1", *(f"c:{i}!" for i in range(5)))
    run(*argv, env={"BROKER_AUTO_VACUUM_INTERVAL": "1"})
    assert run.db.count("claimed = 1") == (0 if argv[0] == "delete" else 5)


def test_automatic_vacuum__skipped_while_another_one_works(run):
    run.seed(*(f"q:{i}" for i in range(150)))
    with open(f"{run.db.path}.vacuum.lock", "ab") as lock:
        lock.write(b"\0")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert drain(run) == 150
