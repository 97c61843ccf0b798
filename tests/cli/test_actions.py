"""init, --status, --vacuum, --compact and --cleanup (contract: cli 7, storage 9)."""

import fcntl
import os

import pytest

from .transcript import File, ident


def nothing_found(path):
    return f"Database not found, nothing to clean up: {path}\n"


# init

def test_init__creates_and_is_idempotent(run):
    assert run("init").says().stderr == f"Initialized SimpleBroker database: {run.db.path}\n"
    run("write", "q", "m").ok()
    before = run.db.meta(), run.db.rows()
    assert run("init").says().stderr == f"SimpleBroker database already exists: {run.db.path}\n"
    assert (run.db.meta(), run.db.rows()) == before


def test_init__quiet(run):
    run("-q", "init").ok()
    run("-q", "init").ok()


@pytest.mark.parametrize("content", [b"", b"garbage that is longer than a header", b"x"])
@pytest.mark.parametrize("quiet", [[], ["-q"]])
def test_init__foreign_file(run, content, quiet):
    run.db.path.write_bytes(content)
    result = run(*quiet, "init")
    assert (result.code, result.stdout) == (1, "")
    first, second = result.stderr.splitlines()
    assert first == f"Error: File exists but is not a SimpleBroker database: {run.db.path}"
    assert second.startswith("Please remove the file manually")
    assert run.db.path.read_bytes() == content


def test_init__foreign_database_is_not_adopted(run):
    run.db.sql("CREATE TABLE mine (x)")
    assert run("init").code == 1
    assert run.db.sql("SELECT name FROM sqlite_master") == [("mine",)]


def test_init__ignores_the_location_and_makes_one_directory(run, tmp_path):
    (tmp_path / "loc").mkdir()
    run("init", env={"BROKER_DEFAULT_DB_LOCATION": str(tmp_path / "loc"),
                     "BROKER_DEFAULT_DB_NAME": "sub/x.db"}).says(str(tmp_path / "sub/x.db"))
    assert File(tmp_path / "sub/x.db").meta()["magic"] == "simplebroker-v1"
    assert os.listdir(tmp_path / "loc") == []


# --status

def test_status__plain_and_json(run):
    run.seed("q:1", "q:2!", last_ts=ident(5))
    size = run.db.path.stat().st_size
    run("--status").out(f"total_messages: 2\nlast_timestamp: {ident(5)}\ndb_size: {size}\n")
    run("--status", "--json").out(
        f'{{"total_messages": 2, "last_timestamp": "{ident(5)}", "db_size": {size}}}\n')


def test_status__creates_a_missing_database(run):
    run("--status", "--json").json()[0].pop("db_size")
    assert run.db.meta()["magic"] == "simplebroker-v1"
    assert run("--status").stdout.startswith("total_messages: 0\nlast_timestamp: 0\ndb_size: ")


def test_status__pads_the_id(run):
    run.db.create(last_ts=7)
    assert run("--status", "--json").json()[0]["last_timestamp"] == "%019d" % 7


# --vacuum

def test_vacuum__removes_claimed_rows(run):
    run.seed("q:1!", "q:2", "q:3!", "p:4!")
    assert run("--vacuum").says("Vacuumed 3 claimed messages in ").stderr.endswith("s\n")
    assert run.db.rows() == ["q:2"] and run.db.ids() == [ident(1)]
    assert run("--vacuum").says().stderr == "No claimed messages to vacuum\n"


def test_vacuum__many_batches(run):
    run.seed(*(f"q:{i}!" for i in range(2500)))
    run("--vacuum").says("Vacuumed 2500 claimed messages in ")
    assert run.db.rows() == []


def test_vacuum__compact(run):
    run.db.create(("q", "x" * 1000, i + 1, 1) for i in range(500))
    before = run.db.path.stat().st_size
    run("--vacuum", "--compact").says("Vacuumed 500 claimed messages in ", "Database compacted in ")
    assert run.db.path.stat().st_size < before / 2
    run("--compact", "--vacuum").says("Database compacted in ")


def test_vacuum__quiet(run):
    run.seed("q:1!")
    run("-q", "--vacuum").ok()
    run("-q", "--vacuum").ok()
    run("-q", "--vacuum", "--compact").ok()
    assert run.db.rows() == []


def test_vacuum__missing_database_is_not_created(run):
    for flags in ([], ["--compact"]):
        assert run("--vacuum", *flags).says().stderr == f"Database not found: {run.db.path}\n"
    assert os.listdir(run.cwd) == []


def test_vacuum__skips_while_another_one_works(run):
    run.seed("q:1!")
    with open(f"{run.db.path}.vacuum.lock", "ab") as lock:
        lock.write(b"\0")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert run("--vacuum").code == 0
    assert run.db.rows() == ["q:1!"]
    run("--vacuum").says("Vacuumed 1 claimed messages")


# --cleanup

def companions(path):
    return [path.parent / (path.name + suffix) for suffix in (
        ".status.tmp.12.34", ".status", ".vacuum.lock", ".lock", "-journal", "-wal", "-shm")]


def test_cleanup__removes_database_and_companions(run):
    run.seed("q:m")
    run("list")
    for path in companions(run.db.path):
        if not path.name.endswith(("-journal", "-wal", "-shm")):
            path.write_bytes(b"\0")
    assert run("--cleanup").says().stderr == f"Database cleaned up: {run.db.path}\n"
    assert os.listdir(run.cwd) == []
    assert run("--cleanup").says().stderr == nothing_found(run.db.path)


def test_cleanup__leftovers_count(run):
    for path in companions(run.db.path):
        path.write_bytes(b"\0")
    assert run("--cleanup").says().stderr == f"Database cleaned up: {run.db.path}\n"
    assert os.listdir(run.cwd) == []


def test_cleanup__similar_names_stay(run):
    run.seed("q:m")
    keep = [".broker.db.lock.backup", ".broker.db.status.tmp.12", ".broker.db.status.tmp.1.2.3",
            ".broker.db.status.tmp.a.1", ".broker.db.status.tmp.1.\u0662", "x.broker.db.lock",
            ".broker.db.bak", ".broker.db.status.tmp.1.2 "]
    for name in keep:
        (run.cwd / name).touch()
    run("--cleanup").says("Database cleaned up")
    assert sorted(os.listdir(run.cwd)) == sorted(keep)


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_cleanup__quiet_and_json_do_not_change_success(run, flags):
    run.seed("q:m")
    run("--cleanup", *flags).says("Database cleaned up")
    run.seed("q:m")
    run("-q", "--cleanup", *flags).ok()
    run("-q", "--cleanup", *flags).ok()


def test_cleanup__missing_directory(run):
    run("-d", "gone", "--cleanup").says("nothing to clean up")
    run("-f", "gone/x.db", "--cleanup").says("nothing to clean up")
    assert os.listdir(run.cwd) == []


@pytest.mark.parametrize("content", [b"", b"garbage that is longer than a header", b"x"])
def test_cleanup__refuses_a_foreign_file(run, content):
    run.db.path.write_bytes(content)
    (run.cwd / ".broker.db.lock").write_bytes(b"\0")
    run("--cleanup").fails(1)
    run("--cleanup", "--json").json_fails("ERROR")
    assert run.db.path.read_bytes() == content and (run.cwd / ".broker.db.lock").exists()


@pytest.mark.parametrize("magic, text", [
    (None, "Database is missing SimpleBroker metadata: {}"),
    ("other", "Database has incorrect magic string (not a SimpleBroker database): {}"),
])
def test_cleanup__refuses_a_foreign_database(run, magic, text):
    run.db.create(magic=magic or "x")
    if not magic:
        run.db.sql("DELETE FROM meta WHERE key = 'magic'")
    run("--cleanup").fails(1, text.format(run.db.path))
    run("--cleanup", "--json").json_fails("ERROR", text.format(run.db.path))
    assert "messages" in run.db.sql("SELECT group_concat(name) FROM sqlite_master")[0][0]


def test_cleanup__refuses_a_database_without_meta_table(run):
    run.db.sql("CREATE TABLE mine (x)")
    run("--cleanup").fails(1, str(run.db.path))
    assert run.db.sql("SELECT name FROM sqlite_master") == [("mine",)]


def test_cleanup__a_link_stays_and_its_file_goes(run):
    run.db.create()
    os.rename(run.db.path, run.cwd / "real.db")
    (run.cwd / "real.db.lock").write_bytes(b"\0")
    (run.cwd / ".broker.db").symlink_to("real.db")
    (run.cwd / ".broker.db.lock").write_bytes(b"\0")
    run("--cleanup").says("Database cleaned up")
    assert sorted(os.listdir(run.cwd)) == [".broker.db", ".broker.db.lock"]


def test_cleanup__companion_links_are_unlinked_not_followed(run):
    run.seed("q:m")
    (run.cwd / "precious").write_text("kept")
    lock = run.cwd / ".broker.db.lock"
    lock.unlink(missing_ok=True)
    lock.symlink_to("precious")
    run("--cleanup").says("Database cleaned up")
    assert os.listdir(run.cwd) == ["precious"]


def test_cleanup__names_every_failure_and_deletes_the_rest(run):
    run.seed("q:m")
    for name in (".broker.db.status", ".broker.db.vacuum.lock"):
        (run.cwd / name).mkdir()
    result = run("--cleanup").fails(1, "other entries may already be gone; failed attempts: ")
    assert 0 < result.stderr.index(".broker.db.status") < result.stderr.index(".vacuum.lock")
    assert sorted(os.listdir(run.cwd)) == [".broker.db.status", ".broker.db.vacuum.lock"]


def test_cleanup__a_directory_is_not_a_database(run):
    run.db.path.mkdir()
    run("--cleanup").fails(1, "not a regular file")
    assert run.db.path.is_dir()


@pytest.mark.parametrize("name", ["a%20b.db", "a@b:c,d+e=f.db", "inner space.db", "é.db"])
def test_actions__literal_names(run, name):
    run("-f", name, "write", "q", "m").ok()
    run("-f", name, "read", "q").out("m\n")
    run("-f", name, "--vacuum").says("Vacuumed 1 claimed")
    run("-f", name, "--cleanup").says(f"Database cleaned up: {run.cwd / name}")
    assert os.listdir(run.cwd) == []
