"""Which database a command uses, and the project file (contract: config 4, 5)."""

import os

import pytest

from .transcript import File

SCOPE = {"BROKER_PROJECT_SCOPE": "1"}
TOML = 'version = 1\nbackend = "sqlite"\ntarget = "t.db"\n'


def project(directory, text=TOML, name=".broker.toml", mode=0o600):
    path = directory / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.fixture
def tree(tmp_path):
    """work/inner, beside loc; each a directory where a database could land."""
    for name in ("work/inner", "loc"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


def landed(tree):
    """Where the database files are."""
    return sorted(str(p.relative_to(tree)) for p in tree.rglob("*.db"))


# The six steps; cwd is work.

@pytest.mark.parametrize("argv, env, place", [
    ([], {}, "work/.broker.db"),
    (["-d", "inner"], {}, "work/inner/.broker.db"),
    (["-f", "x.db"], {}, "work/x.db"),
    (["-d", "inner", "-f", "x.db"], {}, "work/inner/x.db"),
    (["-f", "inner/x.db"], {}, "work/inner/x.db"),
    (["-f", "new/x.db"], {}, "work/new/x.db"),
    (["-f", "{}/loc/x.db"], {}, "loc/x.db"),
    (["-d", "{}/loc", "-f", "{}/loc/x.db"], {}, "loc/x.db"),
    ([], {"BROKER_DEFAULT_DB_NAME": "n.db"}, "work/n.db"),
    ([], {"BROKER_DEFAULT_DB_NAME": "sub/n.db"}, "work/sub/n.db"),
    (["-f", "x.db"], {"BROKER_DEFAULT_DB_NAME": "n.db"}, "work/x.db"),
    ([], {"BROKER_DEFAULT_DB_LOCATION": "{}/loc"}, "loc/.broker.db"),
    (["-f", "x.db"], {"BROKER_DEFAULT_DB_LOCATION": "{}/loc"}, "loc/x.db"),
    ([], {"BROKER_DEFAULT_DB_LOCATION": "{}/loc", "BROKER_DEFAULT_DB_NAME": "n.db"}, "loc/n.db"),
    (["-d", "inner", "-f", "x.db"], {"BROKER_DEFAULT_DB_LOCATION": "{}/loc"}, "work/inner/x.db"),
    pytest.param(["-d", "inner"], {"BROKER_DEFAULT_DB_LOCATION": "{}/loc"},
                 "work/inner/.broker.db", marks=pytest.mark.ours),
    (["-f", "x.db"], SCOPE, "work/x.db"),
], ids=str)
def test_target(run, tree, argv, env, place):
    here = run.at(tree / "work", **{k: v.format(tree) for k, v in env.items()})
    here(*(a.format(tree) for a in argv), "write", "q", "m").ok()
    assert landed(tree) == [place]
    here(*(a.format(tree) for a in argv), "read", "q").out("m\n")


def test_file_beats_everything(run, tree):
    project(tree / "work")
    run.at(tree / "work", **SCOPE)("-f", "x.db", "write", "q", "m").ok()
    assert landed(tree) == ["work/x.db"]


def test_absolute_file_outside_the_directory(run, tree):
    run.at(tree)("-d", "work", "-f", f"{tree}/loc/x.db", "list").fails(
        1, "Inconsistent paths", "conflicts with directory")


def test_scope_off__project_file_in_the_directory_only(run, tree):
    project(tree / "work")
    run.at(tree / "work/inner")("write", "q", "m").ok()
    assert landed(tree) == ["work/inner/.broker.db"]
    run.at(tree / "work")("write", "q", "m").ok()
    run.at(tree)("-d", "work", "write", "q", "m").ok()
    assert landed(tree) == ["work/inner/.broker.db", "work/t.db"]
    assert File(tree / "work/t.db").count() == 2


def test_scope_off__explicit_directory_hides_the_current_one(run, tree):
    project(tree / "work")
    run.at(tree / "work")("-d", "inner", "write", "q", "m").ok()
    assert landed(tree) == ["work/inner/.broker.db"]


def test_scope_off__project_file_is_not_sought_in_the_location(run, tree):
    project(tree / "loc")
    run.at(tree / "work", BROKER_DEFAULT_DB_LOCATION=str(tree / "loc"))("write", "q", "m").ok()
    assert landed(tree) == ["loc/.broker.db"]


def test_scope_off__project_file_of_the_current_directory_beats_the_location(run, tree):
    project(tree / "work")
    run.at(tree / "work", BROKER_DEFAULT_DB_LOCATION=str(tree / "loc"))("write", "q", "m").ok()
    assert landed(tree) == ["work/t.db"]


@pytest.mark.parametrize("value", ["1", "true", "YES", " on "])
def test_scope_on__project_file_upward(run, tree, value):
    project(tree)
    run.at(tree / "work/inner", BROKER_PROJECT_SCOPE=value)("write", "q", "m").ok()
    assert landed(tree) == ["t.db"]


def test_scope_on__nearest_project_file(run, tree):
    project(tree), project(tree / "work", TOML.replace("t.db", "near.db"))
    run.at(tree / "work/inner", **SCOPE)("write", "q", "m").ok()
    assert landed(tree) == ["work/near.db"]


def test_scope_on__database_upward(run, tree):
    File(tree / ".broker.db").create()
    run.at(tree / "work/inner", **SCOPE)("write", "q", "m").ok()
    run.at(tree, **SCOPE)("-d", "work", "read", "q").out("m\n")
    assert landed(tree) == [".broker.db"]


def test_scope_on__project_file_beats_a_nearer_database(run, tree):
    project(tree)
    File(tree / "work/.broker.db").create()
    run.at(tree / "work", **SCOPE)("write", "q", "m").ok()
    assert File(tree / "t.db").rows() == ["q:m"]


@pytest.mark.parametrize("make", [
    lambda path: path.write_bytes(b""), lambda path: path.write_bytes(b"x" * 100),
    lambda path: path.mkdir(), lambda path: File(path).create(magic="other"),
    lambda path: File(path).sql("CREATE TABLE mine (x)"),
], ids=["empty", "garbage", "directory", "magic", "foreign"])
def test_scope_on__other_files_are_passed_over(run, tree, make):
    File(tree / ".broker.db").create()
    make(tree / "work/.broker.db")
    run.at(tree / "work/inner", **SCOPE)("write", "q", "m").ok()
    assert File(tree / ".broker.db").rows() == ["q:m"]


@pytest.mark.parametrize("argv", [("write", "q", "m"), ("list",), ("--status",), ("--vacuum",),
                                  ("--cleanup",), ("-d", "work", "list")], ids=" ".join)
def test_scope_on__nothing_found(run, tree, argv):
    run.at(tree, **SCOPE)(*argv).fails(
        1, "BROKER_PROJECT_SCOPE is enabled but no project database '.broker.db' was found in '",
        "or any parent directory")
    assert landed(tree) == []


def test_scope_on__the_search_starts_at_the_location(run, tree):
    File(tree / "loc/.broker.db").create()
    run.at(tree / "work", BROKER_DEFAULT_DB_LOCATION=str(tree / "loc"), **SCOPE)(
        "write", "q", "m").ok()
    assert File(tree / "loc/.broker.db").rows() == ["q:m"]


def test_scope_on__follows_physical_parents(run, tree):
    File(tree / "loc/.broker.db").create()
    (tree / "loc/deep").mkdir()
    (tree / "work/link").symlink_to(tree / "loc/deep")
    run.at(tree / "work", **SCOPE)("-d", "link", "write", "q", "m").ok()
    assert File(tree / "loc/.broker.db").rows() == ["q:m"]


def test_scope_on__names_of_the_environment(run, tree):
    project(tree, name="conf/p.toml", text=TOML.replace("t.db", "../t.db"))
    run.at(tree / "work", BROKER_PROJECT_CONFIG_NAME="conf/p.toml", **SCOPE)("write", "q", "m").ok()
    assert landed(tree) == ["t.db"]
    File(tree / "other.db").create()
    run.at(tree / "work", BROKER_DEFAULT_DB_NAME="other.db", **SCOPE)("write", "q", "m").ok()
    assert File(tree / "other.db").rows() == ["q:m"]


def test_config_path__absolute_is_the_only_place(run, tree):
    project(tree / "loc")
    project(tree / "work", TOML.replace("t.db", "wrong.db"))
    run.at(tree / "work", BROKER_PROJECT_CONFIG_PATH=str(tree / "loc"))("write", "q", "m").ok()
    assert landed(tree) == ["loc/t.db"]


def test_config_path__relative(run, tree):
    project(tree, name="inside/.broker.toml")
    env = {"BROKER_PROJECT_CONFIG_PATH": "inside"}
    run.at(tree, **env)("write", "q", "m").ok()
    run.at(tree / "work", **env, **SCOPE)("write", "q", "m").ok()
    assert landed(tree) == ["inside/t.db"]


def test_scope__a_hundred_levels(run, tmp_path):
    File(tmp_path / ".broker.db").create()
    home = os.getcwd()
    os.chdir(tmp_path)
    try:
        for _ in range(105):
            os.mkdir("d")
            os.chdir("d")
    finally:
        os.chdir(home)
    deep = run.at(tmp_path.joinpath(*["d"] * 97), **SCOPE)
    deep("write", "q", "m").ok()
    deeper = run.at(tmp_path.joinpath(*["d"] * 103), **SCOPE)
    deeper("write", "q", "m").fails(1, "BROKER_PROJECT_SCOPE is enabled")


def test_cleanup__the_configured_target(run):
    project(run.cwd)
    run("write", "q", "m").ok()
    run("--cleanup").says(f"Database cleaned up: {run.cwd}/t.db")
    assert os.listdir(run.cwd) == [".broker.toml"]


# init

def test_init__scope_on_reports_the_parents(run, tree):
    File(tree / ".broker.db").create()
    run.at(tree / "work", **SCOPE)("init").says(
        f"SimpleBroker database already exists: {tree}/.broker.db")
    assert landed(tree) == [".broker.db"]


def test_init__scope_on_and_nothing_found_creates_here(run, tree):
    run.at(tree / "work", **SCOPE)("init").says("Initialized SimpleBroker database")
    assert landed(tree) == ["work/.broker.db"]


def test_init__the_configured_target(run, tree):
    place = tree / "work"
    project(place)
    run.at(place)("init").says(f"Initialized SimpleBroker database: {place / 't.db'}")
    assert landed(tree) == ["work/t.db"]


# The project file

BAD_FILES = [
    ("x", ""), ("version = ", ""), ("version = 1\nversion = 1\n", ""), ("[a\n", ""), ("\0", ""),
    (TOML.replace("1", "2"), "Unsupported .broker.toml version 2; expected 1"),
    (TOML.replace("1", '"1"'), "Unsupported .broker.toml version"),
    (TOML.replace("1", "1.5"), "Unsupported .broker.toml version 1.5; expected 1"),
    ('backend = "sqlite"\ntarget = "t.db"\n', "Unsupported .broker.toml version"),
    ("version = 1\n", ".broker.toml requires a non-empty string 'backend'"),
    ('version = 1\nbackend = ""\ntarget = "x"\n', "requires a non-empty string 'backend'"),
    ('version = 1\nbackend = 5\ntarget = "x"\n', "requires a non-empty string 'backend'"),
    ('version = 1\nbackend = "sqlite"\n', ".broker.toml requires a non-empty string 'target'"),
    ('version = 1\nbackend = "sqlite"\ntarget = ""\n', "requires a non-empty string 'target'"),
    ('version = 1\nbackend = "sqlite"\ntarget = ["x"]\n', "requires a non-empty string 'target'"),
    ("backend_options = 5\n", "'backend_options' must be a table in .broker.toml"),
    (TOML.replace("t.db", "~/x.db"), "dangerous character '~'"),
    (TOML.replace("t.db", "a|b.db"), "dangerous character '|'"),
    (TOML + "[backend_options]\na = [1]\n", "'backend_options' values must be"),
    (TOML + "[backend_options]\na = 2024-01-15\n", "'backend_options' values must be"),
    (TOML + "[backend_options.a]\nb = 1\n", "'backend_options' values must be"),
    ("version = 2\nbackend_options = 5\n", "'backend_options' must be a table"),
    ('version = 2\nbackend = ""\n', "Unsupported .broker.toml version 2"),
]


@pytest.mark.parametrize("text, fragment", BAD_FILES, ids=[ascii(f[0])[:60] for f in BAD_FILES])
def test_project_file__refused(run, text, fragment):
    project(run.cwd, text)
    run("write", "q", "m").fails(1, fragment)
    run("list", "--json").json_fails("INVALID_ARGUMENT", fragment)
    assert os.listdir(run.cwd) == [".broker.toml"]


@pytest.mark.parametrize("text", [
    TOML, TOML.replace("1", "1.0"), TOML.replace("1", "true"),
    TOML + "other = [1, 2]\n[more]\nx=1\n",
    TOML + '[backend_options]\na = 1\nb = 1.5\nc = true\nd = "x"\n',
    "# comment\n" + TOML.replace('"t.db"', "'t.db'  # here"),
    TOML.replace('"t.db"', '"""t.db"""'), TOML.replace('"t.db"', '"\\u0074.db"'),
    TOML.replace("\n", "\r\n"), 'target="t.db"\n"backend"="sqlite"\nversion=0x1\n',
    TOML + "dates = [1979-05-27T07:32:00Z, 07:32:00]\nfloats = [1e3, inf, nan, 1_0.5]\n"
    "inline = {a.b = 1, c = [[], {}]}\n[[points]]\nx = 1\n[[points]]\nx = 2\n",
], ids=lambda t: ascii(t)[:70])
def test_project_file__accepted(run, text):
    project(run.cwd, text)
    run("write", "q", "m").ok()
    assert File(run.cwd / "t.db").rows() == ["q:m"]


@pytest.mark.parametrize("target, place", [
    ("../t.db", "t.db"), ("sub/t.db", "work/sub/t.db"), ("a/b/c/t.db", "work/a/b/c/t.db"),
    ("{}/loc/t.db", "loc/t.db"), ("link/t.db", "loc/t.db"),
    ("inner space.db", "work/inner space.db"),
])
def test_project_file__target_is_relative_to_it(run, tree, target, place):
    (tree / "work/link").symlink_to(tree / "loc")
    project(tree / "work", TOML.replace("t.db", target.format(tree)))
    run.at(tree / "work")("write", "q", "m").ok()
    assert landed(tree) == [place]


@pytest.mark.parametrize("argv", [("read", "q"), ("peek", "q"), ("list",), ("exists", "q"),
                                  ("stats", "q"), ("move", "q", "d"), ("delete", "q"), ("dump",),
                                  ("rename", "q", "d"), ("alias", "list")], ids=" ".join)
def test_project_file__target_must_exist(run, argv):
    project(run.cwd)
    run(*argv).fails(1, f"Database file does not exist: {run.cwd}/t.db")
    assert os.listdir(run.cwd) == [".broker.toml"]


@pytest.mark.parametrize("argv, code", [(("write", "q", "m"), 0), (("broadcast", "m"), 2),
                                        (("init",), 0), (("--status",), 0)], ids=str)
def test_project_file__target_is_created_by(run, argv, code):
    project(run.cwd)
    assert run(*argv).code == code and (run.cwd / "t.db").exists()


def test_project_file__load_creates_the_target(run):
    project(run.cwd)
    dump = run("-f", "empty.db", "dump").stdout
    run("load", stdin=dump).ok()
    assert (run.cwd / "t.db").exists()


@pytest.mark.parametrize("magic, text", [
    (None, "Database is missing SimpleBroker metadata: {}"),
    ("other", "Database has incorrect magic string (not a SimpleBroker database): {}"),
])
def test_project_file__foreign_target(run, magic, text):
    project(run.cwd)
    target = File(run.cwd / "t.db").create(magic=magic or "x")
    if not magic:
        target.sql("DELETE FROM meta WHERE key = 'magic'")
    run("read", "q").fails(1, text.format(target.path))


@pytest.mark.parametrize("mode, warned", [(0o600, False), (0o644, True), (0o640, True),
                                          (0o601, True), (0o400, False)])
def test_project_file__open_to_others(run, mode, warned):
    path = project(run.cwd, mode=mode)
    for argv in (["write", "q", "m"], ["-q", "list"]):
        result = run(*argv)
        assert result.code == 0
        assert result.stderr.startswith(
            f"simplebroker: warning: {path} is group/other-readable; ") == warned, result
        assert result.stderr.count("\n") == int(warned)


@pytest.mark.ours
@pytest.mark.parametrize("target, warned", [
    ("postgresql://u:hunter2@h/db", True), ("host=h password=hunter2", True),
    ("postgresql://u@h/db", False), ("x", False)])
def test_project_file__server_backend_not_available(run, target, warned):
    path = project(run.cwd, f'version = 1\nbackend = "nope"\ntarget = "{target}"\n')
    result = run("list")
    assert (result.code, result.stdout) == (1, "") and "hunter2" not in result.stderr
    lines = result.stderr.splitlines()
    assert lines[-1].startswith("simplebroker: error: ") and "nope" in lines[-1]
    if warned:
        assert lines[0].startswith(f"simplebroker: warning: {path} embeds a backend password; ")
