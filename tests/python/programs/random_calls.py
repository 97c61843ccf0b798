"""Random calls of a broker and its queues: a JSON list of `[call, outcome]`.

Arguments: a seed; `file`, or `runner` for one that executes the SQL.

Ids differ between runs, so they are shown by the order in which they appeared: #0, #1 and so on.
"""

import json
import random
import re
import sys
import warnings

from simplebroker import Queue
from simplebroker.db import BrokerCore, BrokerDB
from simplebroker.ext import SQLiteRunner

CALLS = 1500
NAMES = ["q", "r", "r.a", "Z", "_1"]
BODIES = ["body", "", "a\nb", "é\u2028", "nul\0", '"\\\t', "other body"]
GLOBS = ["*", "r*", "[qr]", "?", "", "none", "[!r]*", "r.?"]
FILE = "random.db"
CONFIG = {"BROKER_AUTO_VACUUM": 0}


class Ids:
    """The ids that were seen, in order."""

    def __init__(self):
        self.seen = []

    def number(self, identity):
        if identity not in self.seen:
            self.seen.append(identity)
        return f"#{self.seen.index(identity)}"

    def shown(self, value):
        text = re.sub(r"simplebroker[\w.]*\.", "", ascii(value))
        return re.sub(r"\b\d{18,}\b", lambda match: self.number(int(match[0])), text)


class Program:
    """Random calls with arguments that both sides draw alike."""

    def __init__(self, seed, how):
        self.rng = random.Random(seed)
        self.ids = Ids()
        runner = SQLiteRunner(FILE) if how == "runner" else None
        self.broker = BrokerCore(runner, config=CONFIG) if runner else BrokerDB(FILE, config=CONFIG)
        where = {"db_path": FILE, "runner": runner, "config": CONFIG}
        self.queues = {
            kind: {name: Queue(name, persistent=kind == "p", **where) for name in NAMES}
            for kind in "pe"
        }

    def identity(self):
        """A number among the ids seen so far, whichever they are; rarely another one."""
        place = self.rng.randrange(60)
        known = self.ids.seen[place] if place < len(self.ids.seen) else 5
        return f"#{place}", self.rng.choice([known, known, f"{known:019}"])

    def selection(self):
        """Bounds, or none."""
        chosen, shown = {}, []
        for name in ("after_timestamp", "before_timestamp"):
            place, known = self.identity()
            if self.rng.random() < 0.25:
                chosen[name] = int(known)
                shown.append(f"{name}={place}")
        return shown, chosen

    def flags(self, *names):
        """Some of the flags, each with either value."""
        chosen = {n: self.rng.random() < 0.5 for n in names if self.rng.random() < 0.4}
        return [f"{name}={value}" for name, value in chosen.items()], chosen

    def taking(self):
        """A claim, a peek or a move in one of their forms."""
        kind = self.rng.choice(["claim", "peek", "move"])
        form = self.rng.choice(["one", "one", "many", "generator"])
        names = [self.rng.choice(NAMES) for _ in range(2 if kind == "move" else 1)]
        shown, keywords = self.flags("with_timestamps")
        if kind == "peek":
            more, given = self.flags("include_claimed")
            shown, keywords = shown + more, keywords | given
        if kind == "move" and form != "generator":
            more, given = self.flags("require_unclaimed")
            shown, keywords = shown + more, keywords | given
        if form == "one":
            place, known = self.identity()
            if self.rng.random() < 0.4:
                shown, keywords = [*shown, f"exact={place}"], keywords | {"exact_timestamp": known}
        else:
            more, given = self.selection()
            shown, keywords = shown + more, keywords | given
            if kind != "peek":
                guarantee = self.rng.choice(["exactly_once", "at_least_once"])
                keywords["delivery_guarantee"] = guarantee
        if form == "many":
            names.append(self.rng.randrange(1, 5))
        elif form == "generator":
            keywords["batch_size"] = self.rng.randrange(1, 4)
        taken = self.rng.randrange(0, 6)

        def call():
            found = getattr(self.broker, f"{kind}_{form}")(*names, **keywords)
            if form != "generator":
                return found
            rows = [row for _, row in zip(range(taken), found, strict=False)]
            found.close()
            return rows

        return f"{kind}_{form}{names}{shown}{taken}", call

    def of_a_queue(self):
        """The short forms of a queue."""
        kind, name = self.rng.choice("pe"), self.rng.choice(NAMES)
        queue = self.queues[kind][name]
        method = self.rng.choice(["read", "peek", "move", "delete", "stats", "latest", "pending"])
        place, known = self.identity()
        shown, keywords = self.selection() if self.rng.random() < 0.5 else ([], {})
        if self.rng.random() < 0.2:
            shown, keywords = [*shown, place], keywords | {"message_id": known}
        target = self.rng.choice(NAMES)
        by_id = {"message_id": known} if "message_id" in keywords else {}
        calls = {
            "read": lambda: queue.read(**keywords),
            "peek": lambda: queue.peek(with_timestamps=True, **keywords),
            "move": lambda: queue.move(self.queues[kind][target], **keywords),
            "delete": lambda: queue.delete(message_id=known) if by_id else None,
            "stats": queue.stats,
            "latest": queue.latest_pending_timestamp,
            "pending": lambda: queue.has_pending(keywords.get("after_timestamp")),
        }
        return f"{kind}.{name}.{method}{shown}{target}", calls[method]

    def of_the_broker(self):
        """Writing, deleting, naming, asking."""
        broker, rng = self.broker, self.rng
        one, two = rng.choice(NAMES), rng.choice(NAMES)
        body, glob = rng.choice(BODIES), rng.choice(GLOBS)
        place, known = self.identity()
        some, missing = rng.sample([*NAMES, "new"], 2), rng.random() < 0.3
        number = rng.randrange(1, 400)
        calls = {
            "write": lambda: broker.write(one, body),
            "again": lambda: broker.write(two, body),
            "insert": lambda: broker.insert_messages(
                [(one, body, number), (two, body, number + 1)]
            ),
            "delete": lambda: broker.delete_message_ids(one, [known, 5, known]),
            "delete queue": lambda: broker.delete(one) if number < 40 else None,
            "delete from": lambda: broker.delete_from_queues(some, before_timestamp=int(known)),
            "rename": lambda: broker.rename_queue(one, two, retarget_aliases=missing),
            "broadcast": lambda: broker.broadcast(body, pattern=glob),
            "broadcast to": lambda: broker.broadcast(
                body, queue_names=some, create_missing=missing
            ),
            "add alias": lambda: broker.add_alias(rng.choice("xyzq"), one),
            "remove alias": lambda: broker.remove_alias(rng.choice("xyz")),
            "aliases": lambda: (broker.list_aliases(), broker.aliases_for_target(one)),
            "resolve": lambda: broker.canonicalize_queue("@" + rng.choice("xyz")),
            "list": lambda: (broker.list_queues(pattern=glob), broker.list_queues(prefix=one[:1])),
            "stats": lambda: (broker.list_queue_stats(pattern=glob), broker.get_overall_stats()),
            "find": lambda: broker.find_message_ids(one, body_contains="body", limit=2),
            "vacuum": lambda: broker.vacuum() if number < 40 else None,
            "everything": lambda: [broker.peek_many(name, include_claimed=True) for name in NAMES],
        }
        name = rng.choice([*calls, "write", "again", "write"])
        return f"{name} {one} {two} {body!a} {glob} {place} {some} {missing} {number}", calls[name]

    def step(self):
        draw = self.rng.choice([self.taking, self.of_a_queue, self.of_the_broker])
        shown, call = draw()
        try:
            outcome = self.ids.shown(call())
        except Exception as error:
            outcome = f"{type(error).__name__}: {self.ids.shown(str(error))}"
        return [shown, outcome]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    program = Program(int(sys.argv[1]), sys.argv[2])
    json.dump([program.step() for _ in range(CALLS)], sys.stdout)
