"""Database files of older schemas, and what SQLite makes of any file's schema."""

import sqlite3

from .transcript import SCHEMA, File, ident

BODIES = ["one", "two", "three", ""]


def old_file(path, version, duplicate=False, rows=BODIES, wal=False):
    """A database as schema 1 to 4 made it; `2.5.1` is the version 1 that already claims."""
    db = sqlite3.connect(path, isolation_level=None)
    if wal:
        db.execute("PRAGMA journal_mode = WAL")
    number = 1 if version == "2.5.1" else version
    claimed = ", claimed INTEGER DEFAULT 0" if version == "2.5.1" or number >= 2 else ""
    unique = " UNIQUE" if version == "2.5.1" else ""
    db.execute(f"""CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT,
        queue TEXT NOT NULL, body TEXT NOT NULL, ts INTEGER NOT NULL{unique}{claimed})""")
    db.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL)")
    db.execute("CREATE INDEX idx_messages_queue_ts ON messages(queue, ts)")
    db.execute("CREATE INDEX idx_queue_id ON messages(queue, id)")
    db.execute("CREATE INDEX idx_queue_ts ON messages(queue, ts)")
    if claimed:
        db.execute(SCHEMA["idx_messages_unclaimed"])
        db.execute(SCHEMA["idx_messages_queue_ts_id"])
    if number >= 3:
        db.execute(SCHEMA["idx_messages_ts_unique"])
    meta = [("magic", "simplebroker-v1"), ("schema_version", number), ("last_ts", ident(50))]
    if number >= 4:
        db.execute(SCHEMA["queue_aliases"])
        db.execute(SCHEMA["idx_queue_aliases_target"])
        db.execute("INSERT INTO queue_aliases VALUES ('a', 'q')")
        meta.append(("alias_version", 7))
    db.executemany("INSERT INTO meta VALUES (?, ?)", meta)
    db.executemany("INSERT INTO messages (queue, body, ts) VALUES ('q', ?, ?)",
                   [(body, ident(0 if duplicate else n)) for n, body in enumerate(rows)])
    db.close()
    return File(path)


def structure(db):
    """Tables and indexes as SQLite understands them, apart from their spelling."""
    found = {}
    for name, kind in db.sql("SELECT name, type FROM sqlite_master WHERE sql IS NOT NULL"
                             " AND name NOT LIKE 'sqlite_%'"):
        pragma = "table_info" if kind == "table" else "index_info"
        found[name] = (kind, db.sql(f"PRAGMA {pragma}({name})"))
    for table in ("messages", "meta", "queue_aliases"):
        for row in db.sql(f"PRAGMA index_list({table})"):
            if row[1] in found:
                found[row[1]] += (row[2:],)
    return found
