"""The commands of `broker` as functions: they print, and return its exit codes.

Each first parameter says where the broker is: a path, or a `BrokerTarget`. A queue may be given as
`@alias`. What a function prints goes to `sys.stdout` and `sys.stderr` as they are at the call,
warnings go through `warnings`. Exit codes: 0 success, 1 a failure that was printed, 2 nothing there
or nothing matched.

All of them raise what is no matter of their output:

- `QueueNameError` for a name that no queue can have, `ValueError` for an alias that is not defined,
  `MessageError` and `ValueError` for what cannot be a message;
- `InvalidConfigError` for settings that are not valid;
- `DatabaseError`, `OperationalError`, `OSError` when the storage fails.

Malformed ids and bounds are printed, and so are all failures of `cmd_status`, `cmd_watch`,
`cmd_init`, `cmd_load` and of moving all messages.

Bounds are strings as on the command line: an ISO date or time, Unix time in integral seconds, `ms`
or `ns`, or a native id; ids are strings of 19 digits.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ._command import run
from ._config import SNAPSHOT, built_in_defaults, config_handle
from ._exceptions import InvalidConfigError
from ._ids import exact_id, format_message_id
from ._library import OK
from ._native import ffi, lib
from ._old_names import accepts_old_form
from ._targets import BrokerTarget, frozen_target, native_target, sqlite_target

__all__ = [
    "cmd_alias_add",
    "cmd_alias_list",
    "cmd_alias_remove",
    "cmd_broadcast",
    "cmd_delete",
    "cmd_dump",
    "cmd_exists",
    "cmd_init",
    "cmd_list",
    "cmd_load",
    "cmd_move",
    "cmd_peek",
    "cmd_read",
    "cmd_rename",
    "cmd_stats",
    "cmd_status",
    "cmd_vacuum",
    "cmd_watch",
    "cmd_write",
    "parse_exact_message_id",
]

_NOTHING_MATCHED = 2


def parse_exact_message_id(message_id_str: str) -> int | None:
    """The id that a string of 19 digits stands for; None for anything else."""
    try:
        return exact_id(message_id_str)
    except (TypeError, ValueError):
        return None


# ---- command lines ---------------------------------------------------------------------------


def _words(command: str, *operands: str, **options: Any) -> list[str]:
    """A command line: `all=True` is `--all`, `after="5"` is `--after=5`, a list repeats an option."""
    words = command.split()
    for name, value in options.items():
        option = "--" + name.replace("_", "-")
        if value is True:
            words.append(option)
        elif value is not None and value is not False:
            for one in value if isinstance(value, list) else [value]:
                words.append(f"{option}={_argument(one)}")
    return [*words, "--", *map(_argument, operands)]


def _argument(value: str) -> str:
    """A string as an argument, which cannot hold a NUL: another character that is refused as well."""
    if not isinstance(value, str):
        raise TypeError(f"an argument must be a string, not {type(value).__name__}")
    return value.replace("\0", "\ufffd")


def _form(json_output: bool, show_timestamps: bool = False) -> dict[str, bool]:
    return {"json": bool(json_output), "timestamps": bool(show_timestamps)}


def _selection(
    all_messages: bool, after: str | None, before: str | None, message_id: str | None
) -> dict[str, Any]:
    """Options that select messages; an id selects alone."""
    if message_id is not None:
        return {"message": _digits(message_id)}
    return {"all": bool(all_messages), "after": after, "before": before}


def _digits(message_id: str | int) -> str:
    number = parse_exact_message_id(message_id)  # type: ignore[arg-type]
    return str(message_id) if number is None else format_message_id(number)


def _is_malformed(words: Sequence[str]) -> bool:
    """Whether a command is refused before it needs any settings."""
    given = dict(word.partition("=")[::2] for word in words[: words.index("--")])
    bounds = [given[name] for name in ("--after", "--before") if name in given]
    return (
        parse_exact_message_id(given.get("--message", "0" * 19)) is None
        or not all(map(_is_bound, bounds))
        or (words[0] == "watch" and "--move" in given and "--after" in given)
        or (words[0] == "move" and words[-1] == words[-2])
    )


def _is_bound(value: str) -> bool:
    encoded = value.encode("utf-8", "surrogatepass")
    return bool(lib.sb_bound_parse(ffi.new("int64_t *"), encoded, len(encoded)) == OK)


def _run(
    db_path: str | BrokerTarget,
    words: Sequence[str],
    config: Mapping[str, Any] | None = SNAPSHOT,
    *,
    quiet: bool = False,
    **more: Any,
) -> int:
    target = frozen_target(db_path) if isinstance(db_path, BrokerTarget) else sqlite_target(db_path)
    try:
        settings = config_handle(config)
    except InvalidConfigError:
        if "--" not in words or not _is_malformed(words):
            raise
        settings = built_in_defaults()
    native = native_target(target)
    line = ["--quiet", *words] if quiet else words
    return run(line, config=settings.native, target=native, raises=True, **more)


def _message(message: str | None) -> tuple[list[str], list[str] | None]:
    """A message as operands and, when it cannot be one, as the input."""
    if message is None:
        return [], None
    if not isinstance(message, str):
        raise TypeError(f"a message must be a string, not {type(message).__name__}")
    message.encode()  # lone surrogates have no encoding
    if "\0" in message:
        return ["-"], [message]
    return [message], None


# ---- messages --------------------------------------------------------------------------------


def cmd_write(
    db_path: str | BrokerTarget,
    queue_name: str,
    message: str | None,
    *,
    json_output: bool = False,
    show_timestamps: bool = False,
    config: Mapping[str, Any] = SNAPSHOT,
) -> int:
    """Appends a message to a queue.

    Args:
        db_path: where the broker is.
        queue_name: name, or `@alias`.
        message: the body; None or "-": all of standard input.
        json_output: print `{"timestamp": "<id>"}`.
        show_timestamps: print the id.
        config: settings.

    Returns:
        0.

    Raises:
        ValueError: the message is too long, is not text, or there is none on a terminal.
    """
    operands, stdin = _message(message)
    words = _words("write", queue_name, **_form(json_output, show_timestamps))
    # The message is an operand as it is, not an argument with characters replaced.
    return _run(db_path, [*words, *operands], config, stdin=stdin)


@accepts_old_form
def cmd_read(
    db_path: str | BrokerTarget,
    queue_name: str,
    *,
    all_messages: bool = False,
    json_output: bool = False,
    show_timestamps: bool = False,
    after_str: str | None = None,
    message_id_str: str | None = None,
    before_str: str | None = None,
    config: Mapping[str, Any] = SNAPSHOT,
) -> int:
    """Claims and prints the oldest pending message, or those that are selected.

    Args:
        db_path: where the broker is.
        queue_name: name, or `@alias`.
        all_messages: all that match, oldest first.
        json_output: one JSON object per message.
        show_timestamps: the id and a tab before each message.
        after_str: only messages with ids above this bound. `since_str` is its old name.
        message_id_str: the message of that id; no other selection counts then.
        before_str: only messages with ids below this bound.
        config: settings; `BROKER_READ_COMMIT_INTERVAL` is the size of batches with `all_messages`.

    Returns:
        0 when something was read, 1 for a malformed id or bound, 2 when nothing matched.
    """
    selection = _selection(all_messages, after_str, before_str, message_id_str)
    words = _words("read", queue_name, **selection, **_form(json_output, show_timestamps))
    return _run(db_path, words, config)


@accepts_old_form
def cmd_peek(
    db_path: str | BrokerTarget,
    queue_name: str,
    *,
    all_messages: bool = False,
    json_output: bool = False,
    show_timestamps: bool = False,
    after_str: str | None = None,
    message_id_str: str | None = None,
    before_str: str | None = None,
    include_claimed: bool = False,
) -> int:
    """Prints messages and leaves them where they are; otherwise as `cmd_read()`.

    Args:
        include_claimed: also messages that have been read and not vacuumed yet.

    Returns:
        0 when something was printed, 1 for a malformed id or bound, 2 when nothing matched.
    """
    selection = _selection(all_messages, after_str, before_str, message_id_str)
    form = _form(json_output, show_timestamps)
    claimed = bool(include_claimed)
    return _run(db_path, _words("peek", queue_name, **selection, **form, include_claimed=claimed))


@accepts_old_form
def cmd_move(
    db_path: str | BrokerTarget,
    source_queue: str,
    dest_queue: str,
    *,
    all_messages: bool = False,
    json_output: bool = False,
    show_timestamps: bool = False,
    message_id_str: str | None = None,
    after_str: str | None = None,
    before_str: str | None = None,
) -> int:
    """Moves the oldest pending message, or those that are selected, to another queue and prints them.

    Args:
        db_path: where the broker is.
        source_queue: name, or `@alias`, to take from.
        dest_queue: name, or `@alias`, to put into.
        all_messages: all that match, in one transaction, at most 1,000,000.
        json_output: one JSON object per message.
        show_timestamps: the id and a tab before each message.
        message_id_str: the message of that id, pending or claimed; no other selection counts then.
        after_str: only messages with ids above this bound. `since_str` is its old name.
        before_str: only messages with ids below this bound.

    Returns:
        0 when something was moved; 1 for a malformed id or bound, for the same queue twice, or when
        moving all failed; 2 when nothing matched.
    """
    selection = _selection(all_messages, after_str, before_str, message_id_str)
    form = _form(json_output, show_timestamps)
    return _run(db_path, _words("move", source_queue, dest_queue, **selection, **form))


def cmd_delete(
    db_path: str | BrokerTarget,
    queue_name: str | None = None,
    message_id_str: str | None = None,
) -> int:
    """Removes messages for good, also those that have been read and not vacuumed yet.

    Args:
        db_path: where the broker is.
        queue_name: name, or `@alias`; None: every message of every queue.
        message_id_str: only the message of that id; needs a queue.

    Returns:
        0; 1 for a malformed id, or one without a queue; 2 when no message has that id.
    """
    message = None if message_id_str is None else _digits(message_id_str)
    if queue_name is None:
        return _run(db_path, _words("delete", all=True, message=message))
    return _run(db_path, _words("delete", queue_name, message=message))


def cmd_broadcast(
    db_path: str | BrokerTarget,
    message: str | None,
    pattern: str | None = None,
    *,
    queue_names: Sequence[str] | None = None,
    config: Mapping[str, Any] = SNAPSHOT,
) -> int:
    """Writes a copy of a message to every queue that exists, or to those that are selected.

    Args:
        db_path: where the broker is.
        message: the body; None or "-": all of standard input.
        pattern: only queues whose whole name matches, as in the shell.
        queue_names: only those of these queues that exist.
        config: settings.

    Returns:
        0; 2 when no queue was reached.

    Raises:
        TypeError: `queue_names` is a string.
        ValueError: both selections are given; the message is too long or not text.
    """
    if isinstance(queue_names, (str, bytes)):
        raise TypeError("queue_names must be a sequence of queue names, not a string")
    if pattern is not None and queue_names is not None:
        raise ValueError("pattern and queue_names cannot be used together")
    if message is None and sys.stdin is not None and sys.stdin.isatty():
        raise ValueError("message is required when stdin is a terminal; pass it or pipe it in")
    operands, stdin = _message("-" if message is None else message)
    if queue_names is not None and not queue_names:
        return _NOTHING_MATCHED
    words = _words("broadcast", pattern=pattern, queue=_each(queue_names))
    return _run(db_path, [*words, *operands], config, stdin=stdin)


@accepts_old_form
def cmd_watch(
    db_path: str | BrokerTarget,
    queue_name: str,
    *,
    peek: bool = False,
    json_output: bool = False,
    show_timestamps: bool = False,
    after_str: str | None = None,
    quiet: bool = False,
    move_to: str | None = None,
) -> int:
    """Prints the messages that are there and those that come.

    Runs until nobody reads the output any more and, in the main thread, until SIGINT or SIGTERM.

    Args:
        db_path: where the broker is.
        queue_name: name, or `@alias`.
        peek: leave the messages where they are.
        json_output: one JSON object per message.
        show_timestamps: the id and a tab before each message.
        after_str: only messages with ids above this bound. `since_str` is its old name.
        quiet: do not announce the watch on standard error.
        move_to: move the messages to this queue, a name or `@alias`, then print them.

    Returns:
        0 when it was stopped, 1 when it failed.

    Raises:
        ValueError: an alias is not defined.
    """

    def watch(request: Any) -> None:
        from ._watch import watch

        watch(request, SNAPSHOT)

    options = {"peek": bool(peek) and move_to is None, "move": move_to, "after": after_str}
    words = _words("watch", queue_name, **options, **_form(json_output, show_timestamps))
    return _run(db_path, words, quiet=quiet, watch=watch)


# ---- queues ----------------------------------------------------------------------------------


@accepts_old_form
def cmd_list(
    db_path: str | BrokerTarget,
    *,
    show_stats: bool = False,
    pattern: str | None = None,
    prefix: str | None = None,
    json_output: bool = False,
) -> int:
    """Prints the names of all queues that have any message.

    Args:
        db_path: where the broker is.
        show_stats: with counts, claimed messages included.
        pattern: only names that match, as in the shell.
        prefix: only names that begin so.
        json_output: one JSON object per queue.

    Returns:
        0.

    Raises:
        ValueError: both selections are given, or no name can begin so.
    """
    if pattern is not None and prefix is not None:
        raise ValueError("prefix and pattern cannot be used together")
    selection = {"pattern": pattern, "prefix": prefix}
    return _run(
        db_path, _words("list", stats=bool(show_stats), json=bool(json_output), **selection)
    )


def cmd_exists(db_path: str | BrokerTarget, queue_name: str, *, json_output: bool = False) -> int:
    """Tells whether a queue has any message, pending or claimed.

    Args:
        db_path: where the broker is.
        queue_name: name, or `@alias`.
        json_output: print `{"queue": ..., "exists": ...}`; otherwise nothing is printed.

    Returns:
        0 when it has, 2 when it has not.
    """
    return _run(db_path, _words("exists", queue_name, json=bool(json_output)))


def cmd_stats(db_path: str | BrokerTarget, queue_name: str, *, json_output: bool = False) -> int:
    """Prints the counts of a queue.

    Args:
        db_path: where the broker is.
        queue_name: name, or `@alias`.
        json_output: as a JSON object.

    Returns:
        0.
    """
    return _run(db_path, _words("stats", queue_name, json=bool(json_output)))


def cmd_rename(
    db_path: str | BrokerTarget,
    old_queue: str,
    new_queue: str,
    *,
    json_output: bool = False,
    retarget_aliases: bool = True,
) -> int:
    """Gives a queue another name.

    Args:
        db_path: where the broker is.
        old_queue: name, or `@alias`.
        new_queue: name, or `@alias`, of a queue without any message.
        json_output: print what was done as a JSON object.
        retarget_aliases: aliases follow to the new name.

    Returns:
        0; 2 when the queue has no messages.

    Raises:
        ValueError: the new queue exists, or is the old one.
    """
    options = {"json": bool(json_output), "no_retarget_aliases": not retarget_aliases}
    return _run(db_path, _words("rename", old_queue, new_queue, **options))


def cmd_alias_list(db_path: str | BrokerTarget, target: str | None = None) -> int:
    """Prints a line `alias -> queue` for each alias.

    Args:
        db_path: where the broker is.
        target: only aliases of this queue.

    Returns:
        0; 2 when `target` has none.
    """
    return _run(db_path, _words("alias list", target=target))


def cmd_alias_add(
    db_path: str | BrokerTarget, alias: str, target: str, *, quiet: bool = False
) -> int:
    """Gives a queue a second name.

    Args:
        db_path: where the broker is.
        alias: the new name, without `@`.
        target: name of the queue.
        quiet: do not warn when a queue of the new name has messages.

    Returns:
        0.

    Raises:
        ValueError: the alias exists already, or cannot be one.

    Warns:
        RuntimeWarning: a queue of the new name has messages.
    """
    return _run(db_path, _words("alias add", alias, target, quiet=bool(quiet)))


def cmd_alias_remove(db_path: str | BrokerTarget, alias: str) -> int:
    """Removes an alias.

    Args:
        db_path: where the broker is.
        alias: its name, without `@`.

    Returns:
        0; 1 when there is no such alias.
    """
    return _run(db_path, _words("alias remove", alias))


# ---- the whole broker ------------------------------------------------------------------------


def cmd_status(db_path: str | BrokerTarget, *, json_output: bool = False) -> int:
    """Prints the number of messages, the last id and the size of the database in bytes.

    Args:
        db_path: where the broker is.
        json_output: as a JSON object.

    Returns:
        0; 1 when it failed.
    """
    return _run(db_path, ["--status", "--json"] if json_output else ["--status"])


def cmd_dump(
    db_path: str | BrokerTarget,
    include: list[str] | None = None,
    exclude: list[str] | None = None,
) -> int:
    """Prints all aliases and pending messages as lines of JSON that `cmd_load()` takes.

    Args:
        db_path: where the broker is.
        include: shell-style patterns of queue names; None or empty: all queues.
        exclude: patterns of queues left out, stronger than `include`.

    Returns:
        0.
    """
    return _run(db_path, _words("dump", include=_each(include), exclude=_each(exclude)))


def _each(patterns: Iterable[str] | None) -> list[str] | None:
    return None if patterns is None else list(patterns)


def cmd_load(
    db_path: str | BrokerTarget,
    *,
    force: bool = False,
    quiet: bool = False,
    config: Mapping[str, Any] | None = None,
) -> int:
    """Reads what `cmd_dump()` printed from standard input into a fresh broker.

    Args:
        db_path: where the broker is.
        force: load even when the dump is from too far in the future.
        quiet: do not warn when it is from the future at all.
        config: settings over those of the environment.

    Returns:
        0; 1 when it failed, what was loaded before stays.
    """
    return _run(db_path, _words("load", force=bool(force)), config, quiet=quiet)


def cmd_vacuum(db_path: str | BrokerTarget, compact: bool = False, *, quiet: bool = False) -> int:
    """Removes messages that have been read.

    Args:
        db_path: where the broker is.
        compact: also give unused disk space back.
        quiet: do not tell on standard error what was done.

    Returns:
        0.
    """
    words = ["--vacuum", "--compact"] if compact else ["--vacuum"]
    return _run(db_path, words, quiet=quiet)


def cmd_init(db_path: str | BrokerTarget, quiet: bool) -> int:
    """Creates the broker's database; one that exists is left as it is.

    Args:
        db_path: where the broker is to be.
        quiet: do not tell on standard error what was done.

    Returns:
        0; 1 when it failed, or something else is there.

    Raises:
        InvalidConfigError: settings are not valid, and `db_path` is a path; with a `BrokerTarget`
            that is printed.
    """
    try:
        return _run(db_path, ["init"], quiet=quiet)
    except InvalidConfigError as error:
        if not isinstance(db_path, BrokerTarget):
            raise
        print(f"Error initializing database: {error}", file=sys.stderr)
        return 1
