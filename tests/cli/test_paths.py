"""Path validation (contract: config 6)."""

import os

import pytest

from .transcript import File

UNSAFE = [*"|&;$`\"'<>(){}[]*?~^!#\t\r\x7f", pytest.param("\n", marks=pytest.mark.ours)]


@pytest.mark.parametrize("character", UNSAFE, ids=ascii)
def test_file__dangerous_characters(run, character):
    run("-f", f"a{character}b.db", "write", "q", "m").fails(
        1, "Database filename", "dangerous character " + repr(character)
        if character.isprintable() and character != "'" else "")
    assert os.listdir(run.cwd) == []


@pytest.mark.parametrize("name, fragment", [
    ("../x.db", "parent directory references"), ("a/../x.db", "parent directory references"),
    ("..", "parent directory references"), ("a\\..\\x.db", "parent directory references"),
    ("./x.db", ""), ("a/./x.db", ""), (".", ""), ("", "non-empty"), (" x.db", ""), ("x.db ", ""),
    ("a /x.db", ""), ("x" * 256, ""), ("/".join(["x" * 200] * 6), ""),
], ids=lambda v: v[:20])
def test_file__unsafe(run, name, fragment):
    run("-f", name, "write", "q", "m").fails(1, "Database filename", fragment)
    assert os.listdir(run.cwd) == []


@pytest.mark.parametrize("name", ["a b.db", "%.db", "%2e%2e.db", "@:,+=.db", "é.db", "a..b.db",
                                  "...db", "x" * 230, "x", "a\\b.db", "-x.db"],
                         ids=lambda v: v[:20])
def test_file__safe(run, name):
    run(f"--file={name}", "write", "q", "m").ok()
    run(f"--file={name}", "read", "q").out("m\n")
    assert name in os.listdir(run.cwd)


@pytest.mark.parametrize("name, fragment", [
    (".", "current directory references"), ("./", "current directory references"),
    ("..", "parent directory references"), ("sub/..", "parent directory references")])
def test_dir__dots_are_refused(run, name, fragment):
    run("-d", name, "write", "q", "m").fails(1, "Directory argument (-d/--dir) ", fragment)
    assert os.listdir(run.cwd) == []


@pytest.mark.ours
@pytest.mark.parametrize("name", ["a|b", "a (copy) & more", " a", "a b/c ", "it's", "$HOME"])
def test_dir__any_other_name_will_do(run, name):
    (run.cwd / name).mkdir(parents=True)
    run("-d", name, "write", "q", "m").ok()
    run.at(run.cwd / name)("peek", "q").out("m\n")
    run.at(run.cwd / name)("-f", str(run.cwd / "x.db"), "list").ok()
    assert File(run.cwd / name / ".broker.db").rows() == ["q:m"]


@pytest.mark.parametrize("argv", [("write", "q", "m"), ("read", "q"), ("list",), ("dump",)],
                         ids=" ".join)
def test_dir__must_be_a_directory(run, argv):
    (run.cwd / "file").touch()
    run("-d", "gone", *argv).fails(1, "Directory not found: gone")
    run("-d", "file", *argv).fails(1, "Path is a file, not a directory: file")


def test_file__links_must_stay_inside(run, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    here = run.at(work)
    (work / "out.db").symlink_to("../away.db")
    (work / "chain.db").symlink_to("out.db")
    (work / "dir").symlink_to("..")
    for name in ("out.db", "chain.db", "dir/x.db"):
        here("-f", name, "write", "q", "m").fails(1, "must be within the working directory")
    (tmp_path / "away.db").touch()
    here("-f", "out.db", "write", "q", "m").fails(1, "must be within the working directory")
    assert (tmp_path / "away.db").read_bytes() == b""


def test_file__links_inside_work(run):
    (run.cwd / "sub").mkdir()
    (run.cwd / "link").symlink_to("sub")
    (run.cwd / "l.db").symlink_to("sub/real.db")
    run("-f", "l.db", "write", "q", "m").ok()
    run("-f", "link/real.db", "read", "q").out("m\n")
    assert File(run.cwd / "sub/real.db").rows() == ["q:m!"]


def test_file__an_absolute_link_may_lead_anywhere(run, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    (work / "l.db").symlink_to("../away.db")
    run.at(work)("-f", str(work / "l.db"), "write", "q", "m").ok()
    assert File(tmp_path / "away.db").rows() == ["q:m"]


def test_file__one_missing_directory_is_created(run):
    run("-f", "sub/x.db", "write", "q", "m").ok()
    run("-f", "a/b/x.db", "write", "q", "m").fails(1, f"Parent directory not found: {run.cwd}/a")
    assert sorted(os.listdir(run.cwd)) == ["sub"]


def test_file__a_directory_is_not_a_database(run):
    (run.cwd / "d.db").mkdir()
    run("-f", "d.db", "list").fails(1, "not a regular file")


@pytest.mark.parametrize("argv", [("read", "q"), ("peek", "q"), ("exists", "q"), ("list",),
                                  ("move", "q", "d"), ("stats", "q")], ids=" ".join)
@pytest.mark.parametrize("content", [b"", b"short", b"garbage longer than a header" * 100,
                                     b"SQLite format 3"], ids=len)
def test_file__reading_commands_want_sqlite(run, argv, content):
    run.db.path.write_bytes(content)
    run(*argv).fails(1, f"File is not a valid SQLite database (invalid header): {run.db.path}")
    assert run.db.path.read_bytes() == content


def test_current_directory_that_is_gone(run):
    (run.cwd / "sub").mkdir()
    result = run("list", cwd=run.cwd / "sub", preexec_fn=lambda: os.rmdir(run.cwd / "sub"))
    assert (result.code, result.stdout) == (1, "")
