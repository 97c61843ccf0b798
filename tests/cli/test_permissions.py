"""Files and directories that may not be read or written (contract: cli 1, config 6, storage 3)."""

import os

import pytest


def place(shell, mode, name="dir", *messages):
    """A sub-directory of that mode; with messages, it holds a database first."""
    directory = shell.cwd / name
    directory.mkdir()
    here = shell.at(directory)
    if messages:
        here.seed(*messages)
    own(shell.cwd)
    directory.chmod(mode)
    return here


def own(directory):
    if os.getuid() == 0:
        for where, dirs, files in os.walk(directory):
            for name in (*dirs, *files):
                os.chown(os.path.join(where, name), 65534, 65534)


@pytest.mark.parametrize("argv", [("read", "q"), ("peek", "q"), ("write", "q", "m"), ("list",),
                                  ("--status",)], ids=" ".join)
def test_unreadable_database(nobody, argv):
    nobody.seed("q:m")
    own(nobody.cwd)
    nobody.db.path.chmod(0)
    nobody(*argv).fails(1)
    nobody.db.path.chmod(0o600)
    assert nobody.db.rows() == ["q:m"]


def test_read_only_database__writes_are_refused(nobody):
    nobody.seed("q:m")
    own(nobody.cwd)
    nobody.db.path.chmod(0o444)
    for argv in (("write", "q", "x"), ("read", "q"), ("delete", "q")):
        nobody(*argv).fails(1)
    nobody.db.path.chmod(0o644)
    assert nobody.db.rows() == ["q:m"]


@pytest.mark.ours  # the reference retries for a minute
@pytest.mark.parametrize("argv", [("write", "q", "m"), ("init",), ("--status",)], ids=" ".join)
def test_read_only_directory__no_new_database(nobody, argv):
    here = place(nobody, 0o555)
    result = here(*argv)
    assert (result.code, result.stdout) == (1, "") and result.stderr
    assert os.listdir(here.cwd) == []


def test_read_only_directory__no_new_sub_directory(nobody):
    here = place(nobody, 0o555)
    here("-f", "new/x.db", "write", "q", "m").fails(1)


@pytest.mark.ours
def test_unsearchable_directory(nobody):
    place(nobody, 0o000)
    nobody("-d", "dir", "write", "q", "m").fails(1)
    nobody("-f", "dir/x.db", "list").fails(1)


def test_cleanup__needs_a_writable_directory(nobody):
    here = place(nobody, 0o555, "dir", "q:m")
    here("--cleanup").fails(1)
    assert here.db.exists()


def test_project_file__unreadable(nobody):
    (nobody.cwd / ".broker.toml").write_text('version = 1\nbackend = "sqlite"\ntarget = "t.db"\n')
    own(nobody.cwd)
    (nobody.cwd / ".broker.toml").chmod(0)
    result = nobody("write", "q", "m")
    assert (result.code, result.stdout) == (1, "")
    assert "t.db" not in os.listdir(nobody.cwd)


def test_other_users__share_a_writable_directory(run, nobody):
    nobody.cwd.chmod(0o777)
    ours = run.at(nobody.cwd)
    ours("write", "q", "root's").ok()
    for name in os.listdir(nobody.cwd):
        (nobody.cwd / name).chmod(0o666)
    nobody("write", "q", "nobody's").ok()
    nobody("read", "q", "--all").out("root's\nnobody's\n")
