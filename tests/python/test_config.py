"""Settings: normalisation, what is refused and how it says so, snapshots, `ResolvedConfig`."""

import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

from simplebroker import (
    Queue,
    ResolvedConfig,
    open_broker,
    resolve_config,
    resolve_isolated_config,
)
from simplebroker._constants import load_config
from simplebroker.db import BrokerDB
from simplebroker.ext import BrokerError, InvalidConfigError, MessageError

DEFAULTS = {
    "BROKER_BUSY_TIMEOUT": 5000, "BROKER_CACHE_MB": 10, "BROKER_SYNC_MODE": "FULL",
    "BROKER_WAL_AUTOCHECKPOINT": 1000, "BROKER_MAX_MESSAGE_SIZE": 10485760,
    "BROKER_READ_COMMIT_INTERVAL": 1, "BROKER_GENERATOR_BATCH_SIZE": 100,
    "BROKER_LOAD_MAX_FUTURE_SKEW_SECONDS": 300, "BROKER_AUTO_VACUUM": 1,
    "BROKER_AUTO_VACUUM_INTERVAL": 100, "BROKER_VACUUM_THRESHOLD": 0.1,
    "BROKER_VACUUM_BATCH_SIZE": 1000, "BROKER_SKIP_IDLE_CHECK": False,
    "BROKER_JITTER_FACTOR": 0.15, "BROKER_INITIAL_CHECKS": 100, "BROKER_MAX_INTERVAL": 0.1,
    "BROKER_BURST_SLEEP": 0.00001, "BROKER_DEBUG": False, "BROKER_LOGGING_ENABLED": False,
    "BROKER_DEFAULT_DB_LOCATION": "", "BROKER_DEFAULT_DB_NAME": ".broker.db",
    "BROKER_PROJECT_CONFIG_PATH": "", "BROKER_PROJECT_CONFIG_NAME": ".broker.toml",
    "BROKER_PROJECT_SCOPE": False, "BROKER_BACKEND": "sqlite", "BROKER_BACKEND_HOST": "localhost",
    "BROKER_BACKEND_PORT": 5432, "BROKER_BACKEND_USER": "postgres", "BROKER_BACKEND_PASSWORD": "",
    "BROKER_BACKEND_DATABASE": "simplebroker", "BROKER_BACKEND_SCHEMA": "simplebroker_pg_v1",
    "BROKER_BACKEND_TARGET": "",
}  # fmt: skip


class Word(str):
    """A string of a program's own."""


class Number(int):
    """A number of a program's own, that shows itself."""

    def __repr__(self):
        raise AssertionError("its repr is never called")


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """An environment without settings; those that a test needs, it sets."""
    for name in list(os.environ):
        if name.startswith("BROKER_"):
            monkeypatch.delenv(name)
    return monkeypatch


# ---- normalisation -------------------------------------------------------------------------------


def test_without_settings_there_are_the_defaults():
    assert resolve_config() == resolve_config({}) == load_config() == DEFAULTS
    assert dict(resolve_isolated_config({})) == dict(ResolvedConfig({})) == DEFAULTS


NORMALISED = [
    ("BROKER_BUSY_TIMEOUT", " 5 ", 5), ("BROKER_BUSY_TIMEOUT", "1_000", 1000),
    ("BROKER_BUSY_TIMEOUT", "-1", -1), ("BROKER_BUSY_TIMEOUT", 5.9, 5),
    ("BROKER_BUSY_TIMEOUT", True, 1), ("BROKER_BUSY_TIMEOUT", Word("7"), 7),
    ("BROKER_BUSY_TIMEOUT", Number(7), 7), ("BROKER_SYNC_MODE", "normal", "NORMAL"),
    ("BROKER_SYNC_MODE", "off", "OFF"), ("BROKER_SYNC_MODE", "bogus", "FULL"),
    ("BROKER_VACUUM_THRESHOLD", "10", 0.1), ("BROKER_VACUUM_THRESHOLD", "0.5", 0.005),
    ("BROKER_VACUUM_THRESHOLD", "1", 0.01), ("BROKER_VACUUM_THRESHOLD", 0.5, 0.5),
    ("BROKER_VACUUM_THRESHOLD", 1, 1.0), ("BROKER_VACUUM_THRESHOLD", 50, 0.5),
    ("BROKER_SKIP_IDLE_CHECK", "1", True), ("BROKER_SKIP_IDLE_CHECK", "true", False),
    ("BROKER_SKIP_IDLE_CHECK", True, True), ("BROKER_LOGGING_ENABLED", 1.0, True),
    ("BROKER_LOGGING_ENABLED", 2, False), ("BROKER_DEBUG", "0", True), ("BROKER_DEBUG", "", False),
    ("BROKER_PROJECT_SCOPE", " YES ", True), ("BROKER_PROJECT_SCOPE", "on", True),
    ("BROKER_PROJECT_SCOPE", "nope", False), ("BROKER_MAX_INTERVAL", " 2.5e-1 ", 0.25),
    ("BROKER_BACKEND_HOST", None, "None"), ("BROKER_BACKEND_PORT", "６５", 65),
    ("BROKER_DEFAULT_DB_NAME", "sub/b.db", "sub/b.db"), ("BROKER_DEFAULT_DB_NAME", "", ""),
    ("BROKER_LOAD_MAX_FUTURE_SKEW_SECONDS", "0", 0),
]  # fmt: skip


@pytest.mark.parametrize("key, given, value", NORMALISED, ids=lambda v: ascii(v)[:20] if
                         not isinstance(v, Number) else "Number")  # fmt: skip
def test_values_are_normalised(key, given, value):
    for config in (resolve_config({key: given}), resolve_isolated_config({key: given})):
        assert config[key] == value and type(config[key]) is type(value)


@pytest.mark.parametrize("key, given, value", [n for n in NORMALISED if type(n[1]) is str])
def test_the_environment_is_normalised_likewise(environment, key, given, value):
    environment.setenv(key, given)
    assert resolve_config()[key] == load_config()[key] == value


def test_overrides_lie_over_the_environment(environment):
    environment.setenv("BROKER_CACHE_MB", "3")
    environment.setenv("BROKER_BUSY_TIMEOUT", "4")
    config = resolve_config({"BROKER_CACHE_MB": 5, "MINE": object, 7: "any"})
    assert (config["BROKER_CACHE_MB"], config["BROKER_BUSY_TIMEOUT"]) == (5, 4)
    assert config["MINE"] is object and config[7] == "any"
    assert resolve_isolated_config({})["BROKER_CACHE_MB"] == 10


# ---- what is refused -----------------------------------------------------------------------------

REFUSED = [
    ("BROKER_BUSY_TIMEOUT", "", "''", "an integer number of milliseconds"),
    ("BROKER_BUSY_TIMEOUT", "5.5", "'5.5'", "an integer number of milliseconds"),
    ("BROKER_CACHE_MB", None, "None", "an integer number of megabytes"),
    ("BROKER_CACHE_MB", [], "<list>", "an integer number of megabytes"),
    ("BROKER_CACHE_MB", "a\n" + "x" * 200, repr("a\n" + "x" * 200)[:157] + "...",
     "an integer number of megabytes"),
    ("BROKER_CACHE_MB", Word("x"), "<Word>", "an integer number of megabytes"),
    ("BROKER_CACHE_MB", b"x", "b'x'", "an integer number of megabytes"),
    ("BROKER_CACHE_MB", float("nan"), "nan", "an integer number of megabytes"),
    ("BROKER_MAX_INTERVAL", "soon", "'soon'", "a numeric number of seconds"),
    ("BROKER_JITTER_FACTOR", None, "None", "a numeric ratio"),
    ("BROKER_VACUUM_THRESHOLD", "x", "'x'", "a numeric percentage"),
    ("BROKER_BACKEND_PORT", "port", "'port'", "an integer port"),
    ("BROKER_LOAD_MAX_FUTURE_SKEW_SECONDS", -1, "-1", "a non-negative integer number of seconds"),
    ("BROKER_LOAD_MAX_FUTURE_SKEW_SECONDS", True, "True",
     "a non-negative integer number of seconds"),
    ("BROKER_DEFAULT_DB_NAME", "a/b/c.db", "'a/b/c.db'",
     "a relative database path with at most one directory"),
    ("BROKER_DEFAULT_DB_NAME", "a|b", "'a|b'",
     "a relative database path with at most one directory"),
    ("BROKER_PROJECT_CONFIG_PATH", "a/b", "'a/b'",
     "an absolute directory or one relative directory"),
    ("BROKER_PROJECT_CONFIG_NAME", "/etc/x", "'/etc/x'",
     "a relative config path with at most one directory"),
]  # fmt: skip


@pytest.mark.parametrize("resolve", [resolve_config, resolve_isolated_config, ResolvedConfig])
@pytest.mark.parametrize("key, value, shown, expected", REFUSED, ids=lambda v: ascii(v)[:20])
def test_a_value_that_cannot_be_says_all_but_secrets(resolve, key, value, shown, expected):
    with pytest.raises(InvalidConfigError) as caught:
        resolve({key: value})
    error = caught.value
    assert (error.key, error.source, error.expected) == (key, "override", expected)
    assert error.value_display == shown
    assert str(error) == f"invalid configuration {key}={shown}: expected {expected}"
    assert isinstance(error, BrokerError) and isinstance(error, ValueError)
    with pytest.raises(AttributeError):
        error.key = "another"


def test_an_environment_that_cannot_be_is_reported_even_if_overridden(environment):
    environment.setenv("BROKER_CACHE_MB", "x")
    for resolve in (load_config, resolve_config, lambda: resolve_config({"BROKER_CACHE_MB": 5})):
        with pytest.raises(InvalidConfigError) as caught:
            resolve()
        assert caught.value.source == "environment"
    assert resolve_isolated_config({})["BROKER_CACHE_MB"] == 10


@pytest.mark.parametrize("key, shown", [("BROKER_NEW", "BROKER_NEW"), ("x", "x"), (7, "7")])
def test_unknown_keys_have_no_place_in_an_isolated_config(key, shown):
    for resolve in (resolve_isolated_config, ResolvedConfig):
        with pytest.raises(InvalidConfigError) as caught:
            resolve({key: 1})
        assert caught.value.key == shown
        assert caught.value.expected == "a recognized canonical BROKER_* configuration key"


class Secret:
    def __str__(self):
        raise ValueError("no text")


@pytest.mark.parametrize("key", ["BROKER_BACKEND_PASSWORD", "BROKER_BACKEND_TARGET"])
def test_secrets_are_not_shown(key):
    with pytest.raises(InvalidConfigError) as caught:
        resolve_config({key: Secret()})
    assert caught.value.value_display == "<redacted>"


def test_a_relative_location_is_ignored_with_a_warning(environment):
    with pytest.warns(UserWarning, match="Ignoring relative path: here") as caught:
        config = resolve_config({"BROKER_DEFAULT_DB_LOCATION": "here"})
    assert config["BROKER_DEFAULT_DB_LOCATION"] == "" and len(caught) == 1
    environment.setenv("BROKER_DEFAULT_DB_LOCATION", "there")
    with pytest.warns(UserWarning, match="Ignoring relative path: there") as caught:
        resolve_config()
    assert len(caught) == 1


# ---- ResolvedConfig ------------------------------------------------------------------------------


def test_a_resolved_config_is_an_immutable_mapping():
    config = resolve_isolated_config({"BROKER_CACHE_MB": "5", "BROKER_BACKEND_PASSWORD": "secret"})
    assert isinstance(config, Mapping) and not isinstance(config, dict)
    assert len(config) == len(list(config)) == 32 and set(config) == set(DEFAULTS)
    assert config["BROKER_CACHE_MB"] == config.get("BROKER_CACHE_MB") == 5
    assert config.get("nothing") is None and "BROKER_NEW" not in config
    assert config == ResolvedConfig(dict(config)) and config != dict(config)
    assert "secret" not in repr(config)
    for change in (lambda: config.__setitem__("BROKER_CACHE_MB", 1), lambda: hash(config),
                   lambda: config["nothing"], lambda: setattr(config, "x", 1)):  # fmt: skip
        with pytest.raises((TypeError, AttributeError, KeyError)):
            change()


def test_a_resolved_config_keeps_the_environment_out(environment, path):
    config = resolve_isolated_config({"BROKER_MAX_MESSAGE_SIZE": 4})
    environment.setenv("BROKER_MAX_MESSAGE_SIZE", "x")
    again = resolve_config(config)
    assert again == config and again is not config and isinstance(again, ResolvedConfig)
    with Queue("q", db_path=path, config=config) as queue:
        queue.write("four")
        with pytest.raises(MessageError):
            queue.write("fives")
    with pytest.raises(InvalidConfigError):
        Queue("q", db_path=path)


def test_a_partial_mapping_lies_over_the_environment(environment, path):
    environment.setenv("BROKER_MAX_MESSAGE_SIZE", "4")
    with Queue("q", db_path=path, config={"BROKER_CACHE_MB": "5"}) as queue:
        with pytest.raises(MessageError, match="4 bytes"):
            queue.write("fives")
    with Queue("q", db_path=path, config={"BROKER_MAX_MESSAGE_SIZE": "5"}) as queue:
        queue.write("fives")


# ---- the environment of a process ----------------------------------------------------------------


def run(program, **environment):
    """What a program prints in a process of its own."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("BROKER_")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**clean, **environment}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


def test_an_invalid_environment_does_not_break_the_import(path):
    program = f"""
import simplebroker, simplebroker.ext, simplebroker.watcher
from simplebroker.db import BrokerDB
print(simplebroker.format_message_id(5))
isolated = simplebroker.resolve_isolated_config({{}})
simplebroker.Queue("q", db_path={path!r}, config=isolated).write("a")
for use in (lambda: BrokerDB({path!r}), lambda: simplebroker.Queue("q", db_path={path!r})):
    try:
        use()
    except simplebroker.ext.InvalidConfigError as error:
        print(error.key, error.source)
"""
    assert run(program, BROKER_CACHE_MB="x").splitlines() == [
        "0" * 18 + "5",
        "BROKER_CACHE_MB environment",
        "BROKER_CACHE_MB environment",
    ]


def test_defaults_come_from_the_first_import_and_queues_look_again(path):
    program = f"""
import os
import simplebroker
os.environ["BROKER_MAX_MESSAGE_SIZE"] = "100"
with simplebroker.open_broker({path!r}) as broker:
    try:
        broker.write("q", "fives")
    except ValueError:
        print("snapshot")
simplebroker.Queue("q", db_path={path!r}).write("fives")
print("afresh")
"""
    assert run(program, BROKER_MAX_MESSAGE_SIZE="4").split() == ["snapshot", "afresh"]


def test_no_configuration_at_all_means_the_environment_as_it_is_now(tmp_path, monkeypatch):
    path = str(tmp_path / "a.db")
    monkeypatch.setenv("BROKER_MAX_MESSAGE_SIZE", "3")
    with open_broker(path, config=None) as broker, pytest.raises(MessageError):
        broker.write("q", "12345")
    with BrokerDB(path, config=None) as broker, pytest.raises(MessageError):
        broker.write("q", "12345")
    with open_broker(path) as broker:
        broker.write("q", "as it was at import")
