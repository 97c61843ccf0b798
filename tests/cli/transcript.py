"""Runs the command as a shell would and holds what it answered against a transcript.

`Shell` is a directory, an environment and the command; `Result` is one answer; `File` is a
database seen through Python's own SQLite, so that tests can prepare and inspect what is stored
without trusting the command under test.
"""

import json
import os
import sqlite3
import subprocess
from pathlib import Path

TIMEOUT = 60
BASE_ID = 1700000000000000000

SCHEMA = {
    "messages": """CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT,
        queue TEXT NOT NULL, body TEXT NOT NULL, ts INTEGER NOT NULL UNIQUE,
        claimed INTEGER DEFAULT 0)""",
    "meta": "CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL)",
    "queue_aliases": "CREATE TABLE queue_aliases (alias TEXT PRIMARY KEY, target TEXT NOT NULL)",
    "idx_messages_queue_ts_id": "CREATE INDEX idx_messages_queue_ts_id ON messages(queue, ts, id)",
    "idx_messages_unclaimed":
        "CREATE INDEX idx_messages_unclaimed ON messages(queue, claimed, id) WHERE claimed = 0",
    "idx_messages_pending_queue_ts":
        "CREATE INDEX idx_messages_pending_queue_ts ON messages(queue, ts) WHERE claimed = 0",
    "idx_messages_ts_unique": "CREATE UNIQUE INDEX idx_messages_ts_unique ON messages(ts)",
    "idx_queue_aliases_target": "CREATE INDEX idx_queue_aliases_target ON queue_aliases(target)",
}


def ident(n):
    """The id of the n-th prepared message."""
    return BASE_ID + n * 4096


def text(data):
    return data.decode("utf-8", "surrogateescape")


class Result:
    """What one command answered. Every assertion returns the result, so they chain."""

    def __init__(self, argv, code, stdout, stderr):
        self.argv, self.code = argv, code
        self.raw, self.stdout, self.stderr = stdout, text(stdout), text(stderr)

    def __repr__(self):
        return (f"$ broker {' '.join(map(repr, self.argv))}\nexit {self.code}\n"
                f"stdout: {self.stdout[:2000]!r}\nstderr: {self.stderr[:2000]!r}")

    def out(self, stdout):
        """Succeeds with exactly this payload and no commentary."""
        assert (self.code, self.stdout, self.stderr) == (0, stdout, ""), self
        return self

    def ok(self):
        return self.out("")

    def says(self, *fragments):
        """Succeeds without payload; each fragment is somewhere in the commentary."""
        assert (self.code, self.stdout) == (0, ""), self
        assert self.stderr and all(f in self.stderr for f in fragments), (fragments, self)
        return self

    def empty(self):
        """Nothing matched: exit 2 in silence."""
        assert (self.code, self.stdout, self.stderr) == (2, "", ""), self
        return self

    def fails(self, code, *fragments, start="simplebroker: error: "):
        """Fails with one line on stderr and no payload."""
        assert (self.code, self.stdout) == (code, ""), self
        assert self.stderr.startswith(start), (start, self)
        assert self.stderr.count("\n") == 1 and self.stderr.endswith("\n"), self
        assert "Traceback" not in self.stderr and "usage:" not in self.stderr, self
        for fragment in fragments:
            assert fragment in self.stderr, (fragment, self)
        return self

    def json_fails(self, code, *fragments):
        """Fails with one JSON object on stderr, ASCII only, keys in order, not retryable."""
        assert (self.code, self.stdout) == (1, ""), self
        assert self.stderr.count("\n") == 1 and self.stderr.isascii(), self
        record = json.loads(self.stderr)
        assert list(record) == ["error", "message", "retryable"], self
        assert (record["error"], record["retryable"]) == (code, False), self
        for fragment in fragments:
            assert fragment in record["message"], (fragment, self)
        return self

    def json(self):
        """The payload as a list of JSON records."""
        assert self.code == 0, self
        return [json.loads(line) for line in self.stdout.split("\n")[:-1]]

    def ids(self):
        """The ids of a `-t` payload (of messages) or of `write -t`."""
        assert self.code == 0, self
        return [int(line.split("\t")[0]) for line in self.stdout.split("\n")[:-1]]


class Shell:
    """A working directory and the command to run in it: `run("write", "q", "hello").ok()`."""

    def __init__(self, command, cwd, env=None):
        self.command, self.cwd, self.env = [str(c) for c in command], Path(cwd), dict(env or {})

    @property
    def db(self):
        return File(self.cwd / ".broker.db")

    def at(self, cwd, **env):
        """The same command elsewhere, with more environment."""
        return Shell(self.command, cwd, {**self.env, **env})

    def environment(self, env=None):
        kept = {k: v for k, v in os.environ.items()
                if not k.startswith(("BROKER_", "PHASELOCK_"))}
        if "SB_PRELOAD" in kept:
            kept["LD_PRELOAD"] = kept["SB_PRELOAD"]
        return {**kept, "LC_ALL": "C.UTF-8", "COLUMNS": "80", **self.env, **(env or {})}

    def popen(self, *argv, env=None, cwd=None, **options):
        return subprocess.Popen([*self.command, *argv], cwd=cwd or self.cwd,
                                env=self.environment(env), **options)

    def __call__(self, *argv, stdin=None, env=None, cwd=None, stdout=subprocess.PIPE, **options):
        if isinstance(stdin, str):
            stdin = stdin.encode("utf-8", "surrogateescape")
        feed = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
        if "stdin_file" in options:
            feed = {"stdin": options.pop("stdin_file")}
        done = subprocess.run([*self.command, *argv], cwd=cwd or self.cwd,
                              env=self.environment(env), stdout=stdout, stderr=subprocess.PIPE,
                              timeout=TIMEOUT, **feed, **options)
        return Result(argv, done.returncode, done.stdout or b"", done.stderr)

    def seed(self, *messages, **options):
        """Stores `queue:body` messages, claimed ones written `queue:body!`, with ids 0, 1, 2..."""
        rows = []
        for n, message in enumerate(messages):
            queue, body = message.split(":", 1)
            rows.append((queue, body.removesuffix("!"), ident(n), int(body.endswith("!"))))
        return self.db.create(rows, **options)


class File:
    """A database file, through Python's own SQLite."""

    def __init__(self, path):
        self.path = Path(path)

    def sql(self, statement, *params):
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=10)
        try:
            return connection.execute(statement, params).fetchall()
        finally:
            connection.close()

    def create(self, rows=(), last_ts=None, aliases=(), magic="simplebroker-v1", version=5):
        """Makes a file of the current schema holding rows of (queue, body, ts, claimed)."""
        connection = sqlite3.connect(self.path, isolation_level=None)
        connection.executescript("PRAGMA auto_vacuum = 2; PRAGMA synchronous = OFF;")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN")
        for definition in SCHEMA.values():
            connection.execute(definition)
        rows = list(rows)
        if last_ts is None:
            last_ts = max((row[2] for row in rows), default=0)
        connection.executemany("INSERT INTO meta VALUES (?, ?)", [
            ("magic", magic), ("schema_version", version), ("last_ts", last_ts),
            ("alias_version", 0)])
        connection.executemany(
            "INSERT INTO messages (queue, body, ts, claimed) VALUES (?, ?, ?, ?)", rows)
        connection.executemany("INSERT INTO queue_aliases VALUES (?, ?)", aliases)
        connection.execute("COMMIT")
        connection.close()
        return self

    def rows(self):
        """`queue:body` in delivery order, claimed ones with `!` (as `Shell.seed` takes them)."""
        return [f"{q}:{b}{'!' if c else ''}" for q, b, c in
                self.sql("SELECT queue, body, claimed FROM messages ORDER BY id")]

    def ids(self):
        return [row[0] for row in self.sql("SELECT ts FROM messages ORDER BY id")]

    def meta(self):
        return dict(self.sql("SELECT key, value FROM meta"))

    def count(self, condition="1"):
        return self.sql(f"SELECT count(*) FROM messages WHERE {condition}")[0][0]

    def exists(self):
        return self.path.exists()
