"""The 32 keys of the environment (contract: cli 12, config 1)."""

import os

import pytest

INT = ["abc", "", "5.5", "true", "0x10", "1e3", "1__0", "_1", "1_", "- 1", "five"]
INT_OK = ["0", "7", " 5 ", "-1", "+1", "1_000", "007", "\u0665", "9" * 30, "-0"]
FLOAT = ["abc", "", "0x10", "1,5", "1__0"]
FLOAT_OK = ["0", "0.5", " 1e-3 ", "-1", ".5", "5.", "1_0.5", "inf", "nan", "-Infinity"]
ANY_OK = ["", "x", "a b", "true", "FULL", "\u00e9"]
PATH_BAD = ["a|b", "a;b", "a b\n", "~", "a/../b", "..", "./a", "$HOME", "a\tb", "x" * 256, "a ",
            " a", "a/ b", "x\x7f", "a\\..\\b", "#", "!a", "^a", "a'b", "a\"b", "[a]", "{a}", "(a)"]

# key: (expected, refused values, accepted values)
KEYS = {
    "BROKER_BUSY_TIMEOUT": ("an integer number of milliseconds", INT, INT_OK),
    "BROKER_CACHE_MB": ("an integer number of megabytes", INT, INT_OK),
    "BROKER_SYNC_MODE": (None, [], ["FULL", "normal", "OFF", "nonsense", ""]),
    "BROKER_WAL_AUTOCHECKPOINT": ("an integer page count", INT, INT_OK),
    "BROKER_MAX_MESSAGE_SIZE": ("an integer byte count", INT, INT_OK),
    "BROKER_READ_COMMIT_INTERVAL": ("an integer message count", INT, INT_OK),
    "BROKER_GENERATOR_BATCH_SIZE": ("an integer message count", INT, INT_OK),
    "BROKER_LOAD_MAX_FUTURE_SKEW_SECONDS": (
        "a non-negative integer number of seconds", INT + ["-1", " -1 "],
        [v for v in INT_OK if v != "-1"]),
    "BROKER_AUTO_VACUUM": ("an integer flag", INT, INT_OK),
    "BROKER_AUTO_VACUUM_INTERVAL": ("an integer mutation count", INT, INT_OK),
    "BROKER_VACUUM_THRESHOLD": ("a numeric percentage", FLOAT, FLOAT_OK),
    "BROKER_VACUUM_BATCH_SIZE": ("an integer message count", INT, INT_OK),
    "BROKER_SKIP_IDLE_CHECK": (None, [], ANY_OK),
    "BROKER_JITTER_FACTOR": ("a numeric ratio", FLOAT, FLOAT_OK),
    "BROKER_INITIAL_CHECKS": ("an integer check count", INT, INT_OK),
    "BROKER_MAX_INTERVAL": ("a numeric number of seconds", FLOAT, FLOAT_OK),
    "BROKER_BURST_SLEEP": ("a numeric number of seconds", FLOAT, FLOAT_OK),
    "BROKER_DEBUG": (None, [], ANY_OK),
    "BROKER_LOGGING_ENABLED": (None, [], ANY_OK),
    "BROKER_DEFAULT_DB_LOCATION": (
        "an absolute directory path or empty string",
        ["/" + v for v in PATH_BAD if v != "./a"] + ["a|b"], ["", "/tmp", "/no/such/place"]),
    "BROKER_DEFAULT_DB_NAME": (
        "a relative database path with at most one directory", PATH_BAD + ["/abs", "a/b/c"],
        ["x.db", "sub/x.db", "", "inner space", "a%b@c:d,e+f=g", "\u00e9"]),
    "BROKER_PROJECT_CONFIG_PATH": (
        "an absolute directory or one relative directory", PATH_BAD + ["a/b", "/a|b"],
        ["", "sub", "/tmp"]),
    "BROKER_PROJECT_CONFIG_NAME": (
        "a relative config path with at most one directory", PATH_BAD + ["/abs", "a/b/c"],
        ["", "x.toml", "sub/x.toml"]),
    "BROKER_PROJECT_SCOPE": (None, [], ["0", "1", "TRUE", " yes ", "on", "maybe", ""]),
    "BROKER_BACKEND": (None, [], ["sqlite", "nope", ""]),
    "BROKER_BACKEND_HOST": (None, [], ANY_OK),
    "BROKER_BACKEND_PORT": ("an integer port", INT, INT_OK),
    "BROKER_BACKEND_USER": (None, [], ANY_OK),
    "BROKER_BACKEND_PASSWORD": (None, [], ANY_OK),
    "BROKER_BACKEND_DATABASE": (None, [], ANY_OK),
    "BROKER_BACKEND_SCHEMA": (None, [], ANY_OK),
    "BROKER_BACKEND_TARGET": (None, [], ANY_OK),
}
ALWAYS = [(), ("--help",), ("--version",), ("--json", "--status"), ("write", "q", "m"),
          ("nope",), ("read", "q", "--json")]


def brief(values):
    """A few values for the quick run; the odd ones stay for the first key of each kind."""
    return values[:4]


def pairs(column):
    rows, seen = [], set()
    for key, row in KEYS.items():
        kind = tuple(row[column])
        for value in row[column] if kind not in seen else brief(row[column]):
            rows.append((key, value))
        seen.add(kind)
    return rows


def test_all_keys_are_here():
    assert len(KEYS) == 32


@pytest.mark.parametrize("key, value", pairs(1), ids=ascii)
def test_refused(run, key, value):
    result = run("write", "q", "m", env={key: value}).fails(
        1, f"{key}={value!r}" if len(repr(value)) <= 160 else f"{key}={repr(value)[:157]}...",
        start="simplebroker: invalid configuration ")
    assert result.stderr.endswith(f": expected {KEYS[key][0]}\n") and os.listdir(run.cwd) == []


@pytest.mark.parametrize("key, value", pairs(2), ids=ascii)
def test_accepted(run, key, value):
    run("--version", env={key: value}).out("simplebroker 7.3.2\n")


@pytest.mark.parametrize("argv", ALWAYS, ids=" ".join)
def test_refused__before_anything_else(run, argv):
    result = run(*argv, env={"BROKER_BUSY_TIMEOUT": "abc"}).fails(1, start="simplebroker: invalid")
    assert result.stderr == ("simplebroker: invalid configuration BROKER_BUSY_TIMEOUT='abc': "
                             "expected an integer number of milliseconds\n")
    assert os.listdir(run.cwd) == []


@pytest.mark.parametrize("value, shown", [
    ("'", '"\'"'), ("'\"", "'\\'\"'"), ("a\\b", "'a\\\\b'"), ("a\n\t\r", "'a\\n\\t\\r'"),
    ("\x1b\x7f", "'\\x1b\\x7f'"), ("\u00e9\u200b", "'\u00e9\\u200b'"), ("\x80", "'\\x80'"),
    (b"\xff", "'\\udcff'"), ("\U0001f600", "'\U0001f600'"), ("x" * 158, "'" + "x" * 158 + "'"),
    ("x" * 159, "'" + "x" * 156 + "..."), ("\x1b" * 60, "'" + "\\x1b" * 39 + "..."),
], ids=lambda v: ascii(v)[:20])
def test_refused_value_is_shown_as_python_would(run, value, shown):
    result = run("--version", env={"BROKER_CACHE_MB": value})
    assert result.stderr == (f"simplebroker: invalid configuration BROKER_CACHE_MB={shown}: "
                             "expected an integer number of megabytes\n")


def test_unknown_keys_are_ignored(run):
    run("--version", env={"BROKER_NOPE": "x", "BROKER_VACUUM_LOCK_TIMEOUT": "abc"}).out(
        "simplebroker 7.3.2\n")


def test_relative_location__a_warning_and_ignored(run):
    result = run("write", "q", "m", env={"BROKER_DEFAULT_DB_LOCATION": "sub"})
    assert (result.code, result.stdout) == (0, "")
    assert "must be an absolute path. Ignoring relative path: sub" in result.stderr
    assert run.db.rows() == ["q:m"]


def test_config_path_and_name_together__one_directory(run):
    env = {"BROKER_PROJECT_CONFIG_PATH": "a", "BROKER_PROJECT_CONFIG_NAME": "b/c.toml"}
    run("--version", env=env).fails(1, "BROKER_PROJECT_CONFIG_NAME='b/c.toml'",
                                    "a relative config path with at most one directory",
                                    start="simplebroker: invalid configuration ")
    run("--version", env={**env, "BROKER_PROJECT_CONFIG_PATH": "/a"}).out("simplebroker 7.3.2\n")


def test_empty_database_name__the_command_fails(run):
    run("list", env={"BROKER_DEFAULT_DB_NAME": ""}).fails(1, "Database filename")


@pytest.mark.ours
@pytest.mark.parametrize("value", ["nope", ""])
def test_unknown_backend__an_error_line(run, value):
    run("list", env={"BROKER_BACKEND": value}).fails(
        1, f"Requested backend '{value}' is not available")
    assert os.listdir(run.cwd) == []


def test_sqlite_file_beats_an_unknown_backend(run):
    run("-f", "x.db", "write", "q", "m", env={"BROKER_BACKEND": "nope"}).ok()


@pytest.mark.parametrize("key, value", [
    ("BROKER_SYNC_MODE", "nonsense"), ("BROKER_BUSY_TIMEOUT", "-1"), ("BROKER_CACHE_MB", "0"),
    ("BROKER_BUSY_TIMEOUT", "9" * 30), ("BROKER_VACUUM_THRESHOLD", "nan"),
    ("BROKER_AUTO_VACUUM_INTERVAL", "-3"), ("BROKER_READ_COMMIT_INTERVAL", "-3"),
    pytest.param("BROKER_CACHE_MB", "-1", marks=pytest.mark.ours),
    pytest.param("BROKER_CACHE_MB", "9" * 30, marks=pytest.mark.ours),
], ids=lambda v: v[:20])
def test_odd_but_accepted_values_work(run, key, value):
    run("write", "q", "m", env={key: value}).ok()
    run("read", "q", "--all", env={key: value}).out("m\n")


def test_negative_autocheckpoint__warns(run):
    result = run("write", "q", "m", env={"BROKER_WAL_AUTOCHECKPOINT": "-5"})
    assert result.code == 0 and run.db.rows() == ["q:m"]
    assert result.stderr.count("BROKER_WAL_AUTOCHECKPOINT") == 1, result
