"""Errors in JSON form (contract: cli 8)."""

import pytest

from .transcript import ident

ONE = str(ident(0))


@pytest.mark.parametrize("argv, code, fragment", [
    (("read", "q", "--json", "--after", "zzz"), "INVALID_TIMESTAMP", "Invalid timestamp: zzz"),
    (("peek", "q", "--json", "--before", ""), "INVALID_TIMESTAMP", "empty string"),
    (("move", "q", "d", "--json", "--after", "zzz"), "INVALID_TIMESTAMP", "Invalid timestamp"),
    (("move", "q", "d", "--json", "--all", "--before", "zzz"), "INVALID_TIMESTAMP", ""),
    (("read", "q", "--json", "-m", "5"), "INVALID_MESSAGE_ID", "invalid message ID"),
    (("peek", "q", "--json", "-m", ""), "INVALID_MESSAGE_ID", "invalid message ID"),
    (("move", "q", "d", "--json", "-m", "x"), "INVALID_MESSAGE_ID", "invalid message ID"),
    (("read", "q", "--json", "-m", ONE, "--all"), "INVALID_ARGUMENT", "--message cannot be used"),
    (("peek", "q", "--json", "-m", ONE, "--after", "1"), "INVALID_ARGUMENT", "--message cannot"),
    (("move", "q", "d", "--json", "-m", ONE, "--before", "1"), "INVALID_ARGUMENT", "--message"),
    (("move", "q", "q", "--json"), "INVALID_ARGUMENT", "cannot be the same"),
    (("--status", "--json", "list"), "INVALID_ARGUMENT", "--status cannot be used with commands"),
    (("read", "b!d", "--json"), "ERROR", "Invalid queue name"),
    (("peek", "@x", "--json"), "ERROR", "Alias 'x' is not defined"),
    (("write", "b!d", "m", "--json"), "ERROR", "Invalid queue name"),
    (("exists", "b!d", "--json"), "ERROR", "Invalid queue name"),
    (("stats", "@", "--json"), "ERROR", "Alias name cannot be empty"),
    (("list", "--json", "--prefix", "b!d"), "ERROR", "Invalid queue prefix"),
    (("rename", "q", "q", "--json"), "ERROR", "cannot be the same"),
    (("-d", "gone", "read", "q", "--json"), "ERROR", "Directory not found: gone"),
], ids=lambda v: " ".join(v) if isinstance(v, tuple) else "")
def test_json_error(run, argv, code, fragment):
    run.seed("q:m")
    run(*argv).json_fails(code, fragment)
    assert run.db.rows() == ["q:m"]


@pytest.mark.parametrize("argv", [("read", "q", "--json"), ("write", "q", "m", "--json"),
                                  ("--status", "--json"), ("--json", "--cleanup"),
                                  ("list", "--json")], ids=" ".join)
def test_json_error__target_resolution(run, argv):
    run(*argv, env={"BROKER_PROJECT_SCOPE": "1"}).json_fails(
        "INVALID_ARGUMENT", "BROKER_PROJECT_SCOPE is enabled")


def test_json_error__is_ascii(run):
    result = run("read", "q", "--json", "--after", "é\U0001f600")
    result.json_fails("INVALID_TIMESTAMP", "é\U0001f600")
    assert "\\u00e9\\ud83d\\ude00" in result.stderr


def test_json_error__message_too_large(run):
    run("write", "q", "12345", "--json", env={"BROKER_MAX_MESSAGE_SIZE": "4"}).json_fails(
        "ERROR", "exceeds maximum size")


@pytest.mark.parametrize("argv", [("delete", "b!d"), ("alias", "add", "b!d", "q"),
                                  ("broadcast", "m", "--queue", "b!d")], ids=" ".join)
def test_commands_without_json__plain_errors(run, argv):
    run.seed("q:m")
    run(*argv).fails(1, "Invalid queue name")
