"""Finding the broker of a project: default files, upward searches, project files."""

import os

import pytest

import simplebroker.project as project
from simplebroker import (
    BrokerTarget,
    Queue,
    broker_root,
    resolve_broker_target,
    resolve_isolated_config,
    target_for_directory,
)

TOML = 'version = 1\nbackend = "sqlite"\ntarget = "{}"\n'


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    """No settings, and a working directory of its own."""
    for name in list(os.environ):
        if name.startswith("BROKER_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return monkeypatch


@pytest.fixture
def deep(tmp_path):
    """A directory two levels below the project's."""
    made = tmp_path / "a" / "b"
    made.mkdir(parents=True)
    return made


def write_toml(directory, text, name=".broker.toml"):
    file = directory / name
    file.write_text(text)
    file.chmod(0o600)
    return file


def make_broker(file):
    with Queue("q", db_path=str(file)) as queue:
        queue.write("x")
    return file


# ---- without a project file ----------------------------------------------------------------------


def test_a_directory_has_a_default_file(tmp_path):
    target = target_for_directory(tmp_path)
    assert target == BrokerTarget(
        "sqlite", str(tmp_path / ".broker.db"), project_root=tmp_path, legacy_sqlite_path_mode=True
    )
    assert target_for_directory(str(tmp_path)) == target
    assert os.listdir(tmp_path) == []


def test_a_queue_without_a_path_is_in_the_working_directory(tmp_path):
    with Queue("q") as queue:
        queue.write("x")
        assert queue.db_target == target_for_directory(tmp_path)
    assert (tmp_path / ".broker.db").exists()


def test_settings_name_the_default_file(tmp_path, deep):
    config = {"BROKER_DEFAULT_DB_NAME": "sub/mine.db", "BROKER_DEFAULT_DB_LOCATION": str(deep)}
    assert target_for_directory(tmp_path, config=config).target_path == tmp_path / "sub/mine.db"
    with Queue("q", config=config) as queue:
        queue.write("x")
    assert (deep / "sub" / "mine.db").exists()


def test_a_broker_is_found_upward(tmp_path, deep):
    assert resolve_broker_target(deep) is broker_root(deep) is None
    file = make_broker(tmp_path / ".broker.db")
    target = resolve_broker_target(deep)
    assert target == BrokerTarget(
        "sqlite", str(file), project_root=tmp_path, used_project_scope=True,
        legacy_sqlite_path_mode=True,
    )  # fmt: skip
    assert broker_root(deep) == tmp_path


def test_the_search_starts_in_the_working_directory(tmp_path, deep, environment):
    make_broker(tmp_path / ".broker.db")
    environment.chdir(deep)
    assert resolve_broker_target().project_root == broker_root() == tmp_path


def test_the_nearest_broker_wins(tmp_path, deep):
    make_broker(tmp_path / ".broker.db")
    make_broker(deep.parent / ".broker.db")
    assert broker_root(deep) == deep.parent


@pytest.mark.parametrize("content", [b"", b"not a database at all, but a text" * 20])
def test_other_files_of_that_name_are_passed_over(tmp_path, deep, content):
    make_broker(tmp_path / ".broker.db")
    (deep / ".broker.db").write_bytes(content)
    (deep.parent / ".broker.db").mkdir()
    assert broker_root(deep) == tmp_path


def test_a_queue_does_not_search_upward(tmp_path, deep, environment):
    make_broker(tmp_path / ".broker.db")
    environment.chdir(deep)
    assert Queue("q").db_target.target_path == deep / ".broker.db"


@pytest.mark.parametrize("search", [resolve_broker_target, broker_root])
def test_a_missing_start_is_an_error(tmp_path, search):
    with pytest.raises(ValueError):
        search(tmp_path / "nothing")


# ---- with a project file -------------------------------------------------------------------------


def test_a_project_file_is_found_upward_and_says_where(tmp_path, deep):
    file = write_toml(tmp_path, TOML.format("data/q.db"))
    expected = BrokerTarget(
        "sqlite", str(tmp_path / "data" / "q.db"), project_root=tmp_path, config_path=file,
        used_project_scope=True,
    )  # fmt: skip
    assert project.find_project_config(deep) == file
    assert project.resolve_project_target(file) == expected
    assert resolve_broker_target(deep) == target_for_directory(tmp_path) == expected
    assert broker_root(deep) == tmp_path
    assert target_for_directory(deep).target_path == deep / ".broker.db"


@pytest.mark.parametrize("name", ["ü b", "%41", "\udcff"], ids=ascii)
def test_directories_have_any_name(tmp_path, name):
    home = tmp_path / name
    home.mkdir()
    file = write_toml(home, TOML.format("q.db"))
    assert project.find_project_config(home) == file
    assert project.project_config_path_for_directory(home) == file
    assert resolve_broker_target(home) == target_for_directory(home)
    assert target_for_directory(home).target_path == home / "q.db"
    make_broker(home / "q.db")
    assert (home / "q.db").exists()


def test_a_queue_uses_the_project_file_of_its_directory(tmp_path):
    write_toml(tmp_path, TOML.format("data/q.db"))
    with Queue("q") as queue:
        queue.write("x")
    assert (tmp_path / "data" / "q.db").exists()


def test_a_project_file_wins_over_a_broker_nearer_by(tmp_path, deep):
    file = write_toml(tmp_path, TOML.format("q.db"))
    make_broker(deep / ".broker.db")
    assert resolve_broker_target(deep).config_path == file


def test_absolute_and_outward_targets_are_trusted(tmp_path, deep):
    write_toml(deep, TOML.format("../q.db"))
    assert target_for_directory(deep).target_path == deep.parent / "q.db"
    write_toml(deep, TOML.format(tmp_path / "r.db"))
    assert target_for_directory(deep).target_path == tmp_path / "r.db"


def test_the_place_of_a_project_file(tmp_path, deep):
    place = project.project_config_path_for_directory
    assert place(tmp_path) == tmp_path / ".broker.toml"
    assert project.find_project_config(tmp_path) is None
    named = {"BROKER_PROJECT_CONFIG_NAME": "b.toml", "BROKER_PROJECT_CONFIG_PATH": "etc"}
    assert place(tmp_path, config=named) == tmp_path / "etc" / "b.toml"
    fixed = {"BROKER_PROJECT_CONFIG_PATH": str(deep)}
    assert place(tmp_path, config=fixed) == deep / ".broker.toml"
    file = write_toml(deep, TOML.format("q.db"))
    assert project.find_project_config(tmp_path, config=fixed) == file


def test_the_search_ends_after_max_depth(tmp_path, deep):
    file = write_toml(tmp_path, TOML.format("q.db"))
    assert project.find_project_config(deep, max_depth=3) == file
    assert project.find_project_config(deep, max_depth=1) is None


def test_a_project_file_of_a_backend_that_is_not_there(tmp_path):
    options = '[backend_options]\nschema = "s"\nn = 5\nf = 1.5\nb = true\n'
    file = write_toml(tmp_path, 'version = 1\nbackend = "nope"\ntarget = "x://h"\n' + options)
    for find in (lambda: project.resolve_project_target(file), lambda: broker_root(tmp_path)):
        with pytest.raises(RuntimeError, match="nope"):
            find()


@pytest.mark.parametrize(
    "text, fragment",
    [('version = 2\nbackend = "sqlite"\ntarget = "x"',
      "Unsupported .broker.toml version 2; expected 1"),
     ('backend = "sqlite"\ntarget = "x"', "version"),
     ("version = 1", "requires a non-empty string 'backend'"),
     ('version = 1\nbackend = ""\ntarget = "x"', "requires a non-empty string 'backend'"),
     ('version = 1\nbackend = "sqlite"', "requires a non-empty string 'target'"),
     ('version = 1\nbackend = "sqlite"\ntarget = "x"\nbackend_options = 5',
      "'backend_options' must be a table"),
     ('version = 1\nbackend = "sqlite"\ntarget = "~/x.db"', ""),
     ("version = ", ""), ('version = "1"\nbackend = "sqlite"\ntarget = "x"', "version")],
)  # fmt: skip
def test_project_files_that_cannot_be(tmp_path, text, fragment):
    file = write_toml(tmp_path, text)
    for use in (
        lambda: project.resolve_project_target(file),
        lambda: target_for_directory(tmp_path),
        lambda: resolve_broker_target(tmp_path),
    ):
        with pytest.raises(ValueError) as caught:
            use()
        assert fragment in str(caught.value)


@pytest.mark.parametrize("version", ["1.0", "true"])
def test_what_equals_version_one(tmp_path, version):
    write_toml(tmp_path, f'version = {version}\nbackend = "sqlite"\ntarget = "x.db"\nother = []\n')
    assert target_for_directory(tmp_path).target_path == tmp_path / "x.db"


def test_a_project_file_that_others_can_read_is_warned_about(tmp_path, capfd):
    file = write_toml(tmp_path, TOML.format("q.db"))
    file.chmod(0o644)
    project.resolve_project_target(file)
    assert f"simplebroker: warning: {file} is group/other-readable" in capfd.readouterr().err


# ---- backends ------------------------------------------------------------------------------------


@pytest.mark.parametrize("find", [target_for_directory, resolve_broker_target])
def test_a_backend_that_is_not_there(tmp_path, find):
    with pytest.raises(RuntimeError, match="Requested backend 'nope' is not available"):
        find(tmp_path, config={"BROKER_BACKEND": "nope"})
    with pytest.raises(RuntimeError, match="Requested backend 'nope' is not available"):
        find(tmp_path, config=resolve_isolated_config({"BROKER_BACKEND": "nope"}))


def test_a_project_file_wins_over_the_backend_setting(tmp_path):
    write_toml(tmp_path, TOML.format("q.db"))
    target = target_for_directory(tmp_path, config={"BROKER_BACKEND": "nope"})
    assert target.target_path == tmp_path / "q.db"


def test_the_environment_is_read_at_each_call(tmp_path, environment):
    assert target_for_directory(tmp_path).target_path == tmp_path / ".broker.db"
    environment.setenv("BROKER_DEFAULT_DB_NAME", "mine.db")
    assert target_for_directory(tmp_path).target_path == tmp_path / "mine.db"
    isolated = resolve_isolated_config({})
    assert target_for_directory(tmp_path, config=isolated).target_path == tmp_path / ".broker.db"


def test_the_names_of_the_package_are_those_of_the_module():
    assert project.broker_root is broker_root
    assert project.BrokerTarget is BrokerTarget
    assert project.resolve_broker_target is resolve_broker_target
