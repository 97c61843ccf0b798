"""The commands as functions: what they print, return and raise (contract: python-api 11)."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
import time
import typing
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simplebroker import Queue, cli, commands, target_for_directory
from simplebroker.ext import QueueNameError

from .calling import Outcome, standard_input

KEYWORD, PLAIN = inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
NONE = inspect.Parameter.empty
HIGH = "8000000000000000000"


# ---- signatures ------------------------------------------------------------------------------

SELECTION = ("all_messages", "json_output", "show_timestamps")
OPTIONS = {
    "write": (["db_path", "queue_name", "message"], ["json_output", "show_timestamps", "config"]),
    "read": (
        ["db_path", "queue_name"],
        [*SELECTION, "after_str", "message_id_str", "before_str", "config"],
    ),
    "peek": (
        ["db_path", "queue_name"],
        [*SELECTION, "after_str", "message_id_str", "before_str", "include_claimed"],
    ),
    "move": (
        ["db_path", "source_queue", "dest_queue"],
        [*SELECTION, "message_id_str", "after_str", "before_str"],
    ),
    "list": (["db_path"], ["show_stats", "pattern", "prefix", "json_output"]),
    "exists": (["db_path", "queue_name"], ["json_output"]),
    "stats": (["db_path", "queue_name"], ["json_output"]),
    "status": (["db_path"], ["json_output"]),
    "delete": (["db_path", "queue_name", "message_id_str"], []),
    "rename": (["db_path", "old_queue", "new_queue"], ["json_output", "retarget_aliases"]),
    "broadcast": (["db_path", "message", "pattern"], ["queue_names", "config"]),
    "dump": (["db_path", "include", "exclude"], []),
    "load": (["db_path"], ["force", "quiet", "config"]),
    "vacuum": (["db_path", "compact"], ["quiet"]),
    "watch": (
        ["db_path", "queue_name"],
        ["peek", "json_output", "show_timestamps", "after_str", "quiet", "move_to"],
    ),
    "init": (["db_path", "quiet"], []),
    "alias_list": (["db_path", "target"], []),
    "alias_add": (["db_path", "alias", "target"], ["quiet"]),
    "alias_remove": (["db_path", "alias"], []),
}
REQUIRED = {
    "db_path", "queue_name", "message", "source_queue", "dest_queue", "old_queue", "new_queue",
    "alias",
}  # fmt: skip


def test_exports_every_command() -> None:
    assert sorted(commands.__all__) == sorted(
        ["parse_exact_message_id", *(f"cmd_{name}" for name in OPTIONS)]
    )


@pytest.mark.parametrize("name", OPTIONS)
def test_parameters_are_those_of_the_contract(name: str) -> None:
    signature = inspect.signature(getattr(commands, f"cmd_{name}"))
    positional, keywords = OPTIONS[name]
    found = list(signature.parameters.values())
    assert [(p.name, p.kind) for p in found] == [
        *((parameter, PLAIN) for parameter in positional),
        *((parameter, KEYWORD) for parameter in keywords),
    ]
    assert signature.return_annotation in (int, "int")


@pytest.mark.parametrize("name", OPTIONS)
def test_defaults_are_those_of_the_contract(name: str) -> None:
    for parameter in inspect.signature(getattr(commands, f"cmd_{name}")).parameters.values():
        optional = {
            ("delete", "queue_name"): None,
            ("alias_add", "target"): NONE,
            ("init", "quiet"): NONE,
            ("rename", "retarget_aliases"): True,
        }
        expected = optional.get((name, parameter.name), False)
        if parameter.name in REQUIRED and (name, parameter.name) not in optional:
            expected = NONE
        elif parameter.name == "config":
            continue
        elif str(parameter.annotation).endswith("None"):
            expected = None
        assert parameter.default is expected, parameter.name


def test_annotations_resolve() -> None:
    for name in commands.__all__:
        hints = typing.get_type_hints(getattr(commands, name))
        assert hints["return"] in (int, int | None)
    assert typing.get_type_hints(cli.main)["return"] is int


# ---- write, read, peek -----------------------------------------------------------------------


def test_write__is_silent(call: Callable[..., Outcome]) -> None:
    assert call("write", "q", "m") == (0, "", "")
    assert call("read", "q") == (0, "m\n", "")
    assert call("read", "q") == (2, "", "")


def test_write__prints_the_id(call: Callable[..., Outcome], path: str) -> None:
    plain = call("write", "q", "one", show_timestamps=True)
    as_json = call("write", "q", "two", json_output=True, show_timestamps=True)
    ids = [timestamp for _, timestamp in Queue("q", db_path=path).peek_many(with_timestamps=True)]
    assert plain.out == f"{ids[0]}\n"
    assert as_json.records == [{"timestamp": f"{ids[1]:019}"}]


@pytest.mark.parametrize(
    "body", ["", "-x", "--json", "-t", "--", "--help", "@a", "é\U0001f600", "a\nb", "nul\0inside"]
)
def test_write__takes_any_text(call: Callable[..., Outcome], path: str, body: str) -> None:
    assert call("write", "q", body).code == 0
    assert Queue("q", db_path=path).read() == body


@pytest.mark.parametrize("operand", ["-", None])
def test_write__takes_standard_input_verbatim(
    call: Callable[..., Outcome], path: str, operand: str | None
) -> None:
    text = "line\r\nlast\n\0" + "x" * 100_000
    assert call("write", "q", operand, stdin=text).code == 0
    assert Queue("q", db_path=path).read() == text


def test_write__refuses_what_is_no_text(call: Callable[..., Outcome], path: str) -> None:
    with pytest.raises(UnicodeEncodeError):
        call("write", "q", "\ud800")
    with pytest.raises(ValueError, match="byte|UTF-8"):
        call("write", "q", None, stdin=b"\xff")
    assert not Path(path).exists()


def test_write__needs_a_message(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", standard_input("", terminal=True))
    with pytest.raises(ValueError, match="message is required when stdin is a terminal"):
        commands.cmd_write(path, "q", None)


@pytest.mark.parametrize("operand, word", [("x" * 11, "Message"), ("-", "Input")])
def test_write__size_limit(call: Callable[..., Outcome], operand: str, word: str) -> None:
    config = {"BROKER_MAX_MESSAGE_SIZE": 10}
    with pytest.raises(ValueError, match=f"{word} exceeds maximum size of 10 bytes"):
        call("write", "q", operand, stdin="x" * 11, config=config)
    assert call("write", "q", "x" * 10, config=config).code == 0


@pytest.mark.parametrize(
    "name", ["", "-x", "--", "--help", "a b", ".x", "n" * 513, "a\0b", "\ud800"]
)
@pytest.mark.parametrize("command", ["write", "read", "peek", "exists", "stats", "delete"])
def test_bad_queue_names_are_raised(call: Callable[..., Outcome], command: str, name: str) -> None:
    with pytest.raises(QueueNameError, match="Invalid queue name: "):
        call(command, name, *(["m"] if command == "write" else []))


@pytest.mark.parametrize("command", ["write", "read", "peek", "exists", "stats", "delete", "watch"])
def test_undefined_aliases_are_raised(call: Callable[..., Outcome], command: str) -> None:
    rest = ["m"] if command == "write" else []
    with pytest.raises(ValueError, match="Alias 'nope' is not defined"):
        call(command, "@nope", *rest)
    with pytest.raises(ValueError, match="Alias name cannot be empty"):
        call(command, "@", *rest)


def test_peek__leaves_and_shows_claimed(call: Callable[..., Outcome], path: str) -> None:
    ids = [Queue("q", db_path=path).write(body) for body in ("a", "b")]
    assert call("peek", "q") == (0, "a\n", "")
    assert call("read", "q", show_timestamps=True).out == f"{ids[0]}\ta\n"
    assert call("peek", "q", all_messages=True).out == "b\n"
    assert call("peek", "q", all_messages=True, include_claimed=True, json_output=True).records == [
        {"message": "a", "timestamp": f"{ids[0]:019}"},
        {"message": "b", "timestamp": f"{ids[1]:019}"},
    ]
    assert call("peek", "q", message_id_str=str(ids[0])) == (2, "", "")
    assert call("peek", "q", message_id_str=str(ids[0]), include_claimed=True).out == "a\n"


@pytest.mark.parametrize("command", ["read", "peek"])
def test_selections(call: Callable[..., Outcome], path: str, command: str) -> None:
    ids = [Queue("q", db_path=path).write(body) for body in "abcd"]
    bounds = {"after_str": str(ids[0]), "before_str": str(ids[3])}
    assert call(command, "q", message_id_str=f" {ids[3]} ").out == "d\n"
    assert call(command, "q", **bounds).out == "b\n"
    assert call(command, "q", all_messages=True, **bounds).out.endswith("c\n")
    assert call(command, "q", before_str="0") == (2, "", "")


def test_read_all__in_batches(call: Callable[..., Outcome], path: str) -> None:
    for body in "abcde":
        Queue("q", db_path=path).write(body)
    config = {"BROKER_READ_COMMIT_INTERVAL": 2}
    assert call("read", "q", all_messages=True, config=config).out == "a\nb\nc\nd\ne\n"
    assert call("read", "q", all_messages=True).code == 2


@pytest.mark.parametrize("command", ["read", "peek", "move", "watch"])
@pytest.mark.parametrize("bound", ["", "now", "1.5", "-5", "-x", "1e9", "a\0"])
def test_bad_bounds_are_printed(call: Callable[..., Outcome], command: str, bound: str) -> None:
    rest = ["r"] if command == "move" else []
    code, out, err = call(command, "q", *rest, after_str=bound)
    assert (code, out) == (1, "")
    assert err.startswith("simplebroker: error: Invalid timestamp: ")
    assert err.count("\n") == 1
    failure = json.loads(call(command, "q", *rest, after_str=bound, json_output=True).err)
    assert (failure["error"], failure["retryable"]) == ("INVALID_TIMESTAMP", False)


@pytest.mark.parametrize("command", ["read", "peek", "move", "delete"])
@pytest.mark.parametrize("text", ["", "12", "x" * 19, "9" * 19, "-" + "1" * 18])
def test_bad_ids_are_printed(call: Callable[..., Outcome], command: str, text: str) -> None:
    rest = ["r"] if command == "move" else []
    code, out, err = call(command, "q", *rest, message_id_str=text)
    text = "invalid message ID: expected exactly 19 digits within range"
    assert (code, out, err) == (1, "", f"simplebroker: error: {text}\n")
    if command != "delete":
        failure = json.loads(call(command, "q", *rest, message_id_str="", json_output=True).err)
        assert failure == {"error": "INVALID_MESSAGE_ID", "message": text, "retryable": False}


@pytest.mark.parametrize("text", [12, "0000000000000000012"])
def test_ids_may_be_integers(call: Callable[..., Outcome], text: Any) -> None:
    assert call("read", "q", message_id_str=text) == (2, "", "")
    assert commands.parse_exact_message_id(text) == 12


@pytest.mark.parametrize("text", ["12", "", "x" * 19, "9" * 19, None])
def test_parse_exact_message_id__anything_else(text: Any) -> None:
    assert commands.parse_exact_message_id(text) is None


def test_parse_exact_message_id__digits() -> None:
    assert commands.parse_exact_message_id(" 1837025672140161025 ") == 1837025672140161025
    assert commands.parse_exact_message_id("٠" * 18 + "٧") == 7


# ---- warnings --------------------------------------------------------------------------------


@pytest.mark.parametrize("keywords", [{"all_messages": True}, {"after_str": "0"}])
def test_newlines_are_warned_of_once(
    call: Callable[..., Outcome], path: str, keywords: dict[str, Any]
) -> None:
    for body in ("a\nb", "c\nd"):
        Queue("q", db_path=path).write(body)
    with pytest.warns(RuntimeWarning, match="newline characters") as caught:
        assert call("peek", "q", **keywords).code == 0
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert call("peek", "q").out == "a\nb\n"
        assert call("peek", "q", json_output=True, **keywords).code == 0
        assert call("peek", "q", show_timestamps=True, **keywords).code == 0


def test_a_warning_may_be_an_error(call: Callable[..., Outcome], path: str) -> None:
    Queue("q", db_path=path).write("a\nb")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning, match="newline characters"):
            call("peek", "q", all_messages=True)
    assert call("peek", "q").out == "a\nb\n"


def test_alias_add__warns_of_a_hidden_queue(call: Callable[..., Outcome], path: str) -> None:
    Queue("q", db_path=path).write("m")
    with pytest.warns(RuntimeWarning, match="Queue 'q' already exists with messages"):
        assert call("alias_add", "q", "r") == (0, "", "")
    Queue("p", db_path=path).write("m")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert call("alias_add", "p", "r", quiet=True) == (0, "", "")


# ---- move, delete, broadcast -----------------------------------------------------------------


def test_move(call: Callable[..., Outcome], path: str) -> None:
    ids = [Queue("q", db_path=path).write(body) for body in "abcd"]
    assert call("move", "q", "r") == (0, "a\n", "")
    assert call("move", "q", "r", message_id_str=str(ids[2]), show_timestamps=True).out == (
        f"{ids[2]}\tc\n"
    )
    assert call("move", "q", "r", all_messages=True, json_output=True).records == [
        {"message": body, "timestamp": f"{ids['abcd'.index(body)]:019}"} for body in "bd"
    ]
    assert call("move", "q", "r", all_messages=True) == (2, "", "")
    assert sorted(Queue("r", db_path=path).peek_many(with_timestamps=False)) == list("abcd")


@pytest.mark.parametrize("more", [{}, {"after_str": "bad"}, {"message_id_str": "bad"}])
def test_move__same_queue_is_printed(call: Callable[..., Outcome], more: dict[str, str]) -> None:
    text = "Source and destination queues cannot be the same"
    assert call("move", "q", "q", **more) == (1, "", f"simplebroker: error: {text}\n")
    failure = json.loads(call("move", "q", "q", json_output=True, **more).err)
    assert failure == {"error": "INVALID_ARGUMENT", "message": text, "retryable": False}


def test_move__bad_destination(call: Callable[..., Outcome]) -> None:
    with pytest.raises(QueueNameError):
        call("move", "q", "a b")
    code, out, err = call("move", "q", "a b", all_messages=True)
    assert (code, out) == (1, "")
    assert err.startswith("simplebroker: error: Invalid queue name: ")


def test_delete(call: Callable[..., Outcome], path: str) -> None:
    ids = [Queue("q", db_path=path).write(body) for body in "ab"]
    Queue("r", db_path=path).write("c")
    assert call("delete", "q", str(ids[0])) == (0, "", "")
    assert call("delete", "q", message_id_str=str(ids[0])) == (2, "", "")
    assert call("delete", "q") == (0, "", "")
    assert call("delete", "q") == (0, "", "")
    assert call("list").out == "r\n"
    assert call("delete") == (0, "", "")
    assert call("list").out == ""


@pytest.mark.ours
def test_delete__an_id_without_a_queue_removes_nothing(
    call: Callable[..., Outcome], path: str
) -> None:
    message_id = Queue("q", db_path=path).write("m")
    code, _, err = call("delete", None, str(message_id))
    assert (code, err) == (1, "simplebroker: error: --message requires a queue name\n")
    assert Queue("q", db_path=path).exists()


def test_broadcast(call: Callable[..., Outcome], path: str) -> None:
    for name in ("a", "b", "c"):
        Queue(name, db_path=path).write("first")
        Queue(name, db_path=path).read()
    assert call("broadcast", "to all") == (0, "", "")
    assert call("broadcast", "-p", "[ab]") == (0, "", "")
    assert call("broadcast", "named", queue_names=("b", "missing")) == (0, "", "")
    assert call("broadcast", "-", "c", stdin="piped").code == 0
    assert call("broadcast", None, "c", stdin="piped too").code == 0
    assert Queue("a", db_path=path).peek_many(with_timestamps=False) == ["to all", "-p"]
    assert Queue("b", db_path=path).peek_many(with_timestamps=False) == ["to all", "-p", "named"]
    assert Queue("c", db_path=path).peek_many(with_timestamps=False) == [
        "to all", "piped", "piped too",
    ]  # fmt: skip


@pytest.mark.parametrize("selection", [{"pattern": "z*"}, {"queue_names": []}, {"pattern": "-*"}])
def test_broadcast__reaches_nobody(
    call: Callable[..., Outcome], path: str, selection: dict[str, Any]
) -> None:
    Queue("a", db_path=path).write("first")
    assert call("broadcast", "m", **selection) == (2, "", "")
    assert Queue("a", db_path=path).peek_many(with_timestamps=False) == ["first"]


def test_broadcast__selections_that_are_none(call: Callable[..., Outcome]) -> None:
    with pytest.raises(ValueError, match="cannot be used together"):
        call("broadcast", "m", "", queue_names=["a"])
    with pytest.raises(TypeError):
        call("broadcast", "m", queue_names="a")
    with pytest.raises(QueueNameError):
        call("broadcast", "m", queue_names=["a", "-b"])
    with pytest.raises(ValueError, match="exceeds maximum size"):
        call("broadcast", "x" * 11, config={"BROKER_MAX_MESSAGE_SIZE": 10})


# ---- queues and aliases ----------------------------------------------------------------------


def test_list_and_stats(call: Callable[..., Outcome], path: str) -> None:
    assert call("list") == (0, "", "")
    for name in ("a", "ab", "b"):
        Queue(name, db_path=path).write("m")
    Queue("b", db_path=path).read()
    assert call("list").out == "a\nab\nb\n"
    assert call("list", prefix="a").out == "a\nab\n"
    assert call("list", pattern="?").out == "a\nb\n"
    assert call("list", json_output=True, pattern="b").records == [{"queue": "b"}]
    assert call("list", show_stats=True).out == (
        "a: 1\nab: 1\nb: 0 (1 total, 1 claimed)\n\nTotal claimed messages: 1/3\n"
    )
    stats = {"queue": "b", "pending": 0, "claimed": 1, "total": 1, "exists": True}
    assert call("list", show_stats=True, json_output=True).records[-1] == stats
    assert call("stats", "b", json_output=True).records == [stats]
    assert call("stats", "b").out == "b: 0 (1 total, 1 claimed)\n"
    assert call("stats", "none").out == "none: 0\n"


def test_list__selections_that_are_none(call: Callable[..., Outcome]) -> None:
    with pytest.raises(ValueError, match="cannot be used together"):
        call("list", pattern="a", prefix="a")
    for selection in ({"prefix": "-"}, {"pattern": "-*"}):
        with pytest.raises(ValueError, match="Invalid queue prefix: "):
            call("list", **selection)


def test_exists(call: Callable[..., Outcome], path: str) -> None:
    Queue("q", db_path=path).write("m")
    assert call("exists", "q") == (0, "", "")
    assert call("exists", "none") == (2, "", "")
    assert call("exists", "q", json_output=True).records == [{"queue": "q", "exists": True}]
    assert call("exists", "none", json_output=True) == (
        2, '{"queue": "none", "exists": false}\n', "",
    )  # fmt: skip


def test_rename(call: Callable[..., Outcome], path: str) -> None:
    Queue("q", db_path=path).write("m")
    call("alias_add", "a", "q")
    assert call("rename", "q", "r", json_output=True).records == [
        {"old_queue": "q", "new_queue": "r", "messages_renamed": 1, "aliases_retargeted": 1,
         "renamed": True}
    ]  # fmt: skip
    assert call("rename", "r", "s", retarget_aliases=False) == (0, "", "")
    assert call("alias_list").out == "a -> r\n"
    assert call("rename", "none", "t") == (2, "", "")
    with pytest.raises(ValueError, match="Source and target queues cannot be the same"):
        call("rename", "s", "s")
    Queue("q", db_path=path).write("m")
    with pytest.raises(ValueError, match="Target queue already exists"):
        call("rename", "q", "s", json_output=True)


def test_aliases(call: Callable[..., Outcome]) -> None:
    assert call("alias_list") == (0, "", "")
    assert call("alias_add", "b", "q") == (0, "", "")
    assert call("alias_add", "a", "r") == (0, "", "")
    assert call("alias_list").out == "a -> r\nb -> q\n"
    assert call("alias_list", "q").out == "b -> q\n"
    assert call("alias_list", target="none") == (2, "", "")
    assert call("write", "@b", "m").code == 0
    assert call("peek", "q").out == "m\n"
    assert call("alias_remove", "b") == (0, "", "")
    assert call("alias_remove", "b") == (1, "", "simplebroker: alias 'b' does not exist\n")
    for alias, target, text in [
        ("a", "q", "Alias 'a' already exists"),
        ("x", "@q", "Target names should not include the '@' prefix"),
        ("x", "", "Alias target cannot be empty"),
        ("x", "a", "Cannot target another alias"),
        ("r", "q", "Cannot turn an existing alias target into an alias"),
        ("x", "x", "Alias and target must differ"),
    ]:
        with pytest.raises(ValueError, match=text):
            call("alias_add", alias, target)


# ---- the whole broker ------------------------------------------------------------------------


def test_status(call: Callable[..., Outcome], path: str) -> None:
    message_id = Queue("q", db_path=path).write("m")
    size = os.path.getsize(path)
    assert call("status") == (
        0, f"total_messages: 1\nlast_timestamp: {message_id}\ndb_size: {size}\n", "",
    )  # fmt: skip
    assert call("status", json_output=True).records == [
        {"total_messages": 1, "last_timestamp": f"{message_id:019}", "db_size": size}
    ]


def test_dump_and_load(call: Callable[..., Outcome], path: str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        Queue(name, db_path=path).write(f"{name}\n")
    call("alias_add", "x", "a")
    dump = call("dump").out
    assert [record["type"] for record in map(json.loads, dump.splitlines())] == [
        "header", "alias", "message", "message",
    ]  # fmt: skip
    assert call("dump", ["b"]).out.count('"type": "message"') == 1
    assert call("dump", exclude=["*"]).out.count("\n") == 1

    fresh = str(tmp_path / "fresh.db")
    loading = subprocess.run(
        [sys.executable, "-c", f"import simplebroker.commands as c; exit(c.cmd_load({fresh!r}))"],
        input=dump.encode(),
        capture_output=True,
        check=False,
    )
    assert (loading.returncode, loading.stdout, loading.stderr) == (0, b"", b"")
    assert Queue("b", db_path=fresh).read() == "b\n"
    code, out, err = call("load", stdin=dump)
    assert (code, out, err) == (1, "", "broker load: Alias 'x' already exists\n")


@pytest.mark.parametrize(
    "dump, text",
    [
        ("", "invalid dump input: missing header (is this a simplebroker dump?)"),
        ("[]", "invalid dump input at line 1: record must be a JSON object"),
        ("{}", "invalid dump input at line 1: first record must be the dump header"),
    ],
)
def test_load__failures_are_printed(call: Callable[..., Outcome], dump: str, text: str) -> None:
    assert call("load", stdin=dump) == (1, "", f"broker load: {text}\n")


def test_load__from_the_future(call: Callable[..., Outcome]) -> None:
    header = call("dump").records[0] | {"last_ts": HIGH}
    dump = json.dumps(header)
    warning = f"broker load: warning: dump header last_ts {HIGH} is "
    refusal = "dump header future skew exceeds configured maximum of 300 seconds\n"
    code, _, err = call("load", stdin=dump)
    assert code == 1
    assert err.startswith(warning)
    assert err.endswith(refusal)
    assert call("load", stdin=dump, quiet=True).err.count("\n") == 1
    code, _, err = call("load", stdin=dump, force=True)
    assert (code, err.count("\n")) == (0, 1)
    assert err.startswith(warning)


def test_load__needs_an_input(
    path: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", standard_input("", terminal=True))
    assert commands.cmd_load(path) == 1
    assert capsys.readouterr().err.startswith("broker load: ")


def test_vacuum(call: Callable[..., Outcome], path: str) -> None:
    assert call("vacuum") == (0, "", "No claimed messages to vacuum\n")
    Queue("q", db_path=path).write("m")
    Queue("q", db_path=path).read()
    assert call("vacuum").err.startswith("Vacuumed 1 claimed messages in 0.")
    assert call("vacuum", True).err.startswith("Database compacted in 0.")
    assert call("vacuum", compact=True, quiet=True) == (0, "", "")


def test_init(call: Callable[..., Outcome], path: str) -> None:
    assert call("init", False) == (0, "", f"Initialized SimpleBroker database: {path}\n")
    assert call("init", False) == (0, "", f"SimpleBroker database already exists: {path}\n")
    assert call("init", quiet=True) == (0, "", "")
    assert Path(path).read_bytes().startswith(b"SQLite format 3")


@pytest.mark.parametrize("content", [b"", b"foreign" * 100])
def test_init__refuses_what_is_something_else(
    call: Callable[..., Outcome], path: str, content: bytes
) -> None:
    Path(path).write_bytes(content)
    code, out, err = call("init", True)
    assert (code, out) == (1, "")
    assert err.startswith(f"Error: File exists but is not a SimpleBroker database: {path}\n")
    assert "Please remove the file manually" in err
    assert Path(path).read_bytes() == content


# ---- where the broker is ---------------------------------------------------------------------


def test_target_may_be_a_broker_target(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = target_for_directory(tmp_path)
    assert commands.cmd_init(target, True) == 0
    assert commands.cmd_write(target, "q", "m") == 0
    assert commands.cmd_read(target, "q") == 0
    assert commands.cmd_vacuum(target, quiet=True) == 0
    assert capsys.readouterr() == ("m\n", "")
    assert (tmp_path / ".broker.db").exists()


def test_target__parent_directories_are_made(tmp_path: Path) -> None:
    nested = tmp_path / "some" / "where" / "b.db"
    assert commands.cmd_write(str(nested), "q", "m") == 0
    assert nested.exists()


def test_target__relative_paths_and_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert commands.cmd_write("here.db", "q", "m") == 0
    assert (tmp_path / "here.db").exists()


@pytest.mark.ours
def test_storage_errors_are_raised_at_once(call: Callable[..., Outcome], path: str) -> None:
    Path(path).write_bytes(b"foreign" * 100)
    began = time.monotonic()
    for command, *rest in [("read", "q"), ("vacuum",), ("dump",), ("list",)]:
        with pytest.raises(Exception, match="not a valid SQLite database"):
            call(command, *rest)
    assert time.monotonic() - began < 1.0
    code, out, err = call("status", json_output=True)
    assert (code, out) == (1, "")
    assert json.loads(err)["error"] == "ERROR"


@pytest.mark.ours
@pytest.mark.parametrize("path", ["", None, 5])
def test_target__must_be_a_path(path: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        commands.cmd_list(path)
