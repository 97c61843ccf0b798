"""Random sequences of operations through both commands, each on a file of its own: the same exit
codes, the same output, the same tables. And both in turn on one file against a model.

Ids differ between the runs, so each side knows its own in the order they appeared; `{3}` in an
argument is that side's fourth id, and output is compared with ids replaced by their numbers.
"""

import json
import os
import random
import re

import pytest

from cli.transcript import File

QUEUES = ["q", "r", "r.a", "Z", "_1"]
NAMES = [*QUEUES, "q", "q", "@x", "@y", "b!d", "", "none"]
BODIES = ["m", "", "a\nb", "\u00e9\u2028", '"\\\t', "-x", "nul \u0001"]
GLOBS = ["*", "r*", "[qr]", "?", "", "none", "[!r]*", "r.?"]
OPERATIONS = 120
SEEDS = range(int(os.environ.get("INTEROP_SEEDS", "8")))


def bound(rng):
    return rng.choice(["{%d}" % rng.randrange(40), "0", "2020-01-01", "9999999999999", "now", "5s",
                       "2262-01-01", "{%d}" % rng.randrange(10)])


def selectors(rng):
    argv = []
    if rng.random() < 0.3:
        argv.append("--all")
    for option in ("--after", "--before"):
        if rng.random() < 0.2:
            argv += [option, bound(rng)]
    if rng.random() < 0.2:
        argv += ["-m", rng.choice(["{%d}" % rng.randrange(30)] * 4 + ["5", "", "{0}0"])]
    argv += rng.choice([[], ["-t"], ["--json"], ["-t", "--json"]])
    return argv


def operation(rng):
    """One command line and its input."""
    name, json_flag = rng.choice(NAMES), rng.choice([[], ["--json"]])
    kind = rng.choices(
        ["write", "read", "peek", "move", "delete", "broadcast", "rename", "alias", "list", "stats",
         "exists", "dump", "load", "--vacuum", "--status", "usage"],
        [30, 12, 10, 12, 4, 6, 6, 8, 4, 4, 2, 2, 3, 2, 2, 2])[0]
    if kind == "write":
        body = rng.choice(BODIES)
        return ["write", *rng.choice([["-t"], ["--json"]]), name, "-"], body
    if kind in ("read", "peek"):
        claimed = ["--include-claimed"] if kind == "peek" and rng.random() < 0.3 else []
        return [kind, name, *selectors(rng), *claimed], ""
    if kind == "move":
        return ["move", name, rng.choice(NAMES), *selectors(rng)], ""
    if kind == "delete":
        if rng.random() < 0.05:
            return ["delete", "--all"], ""
        return ["delete", name, *rng.choice([[], ["-m", "{%d}" % rng.randrange(40)]] * 2 +
                                            [["-m", "{%d}" % rng.randrange(40)]])], ""
    if kind == "broadcast":
        selected = rng.choice([[], ["-p", rng.choice(GLOBS)],
                               ["--queue", rng.choice(NAMES), "--queue", rng.choice(NAMES)]])
        return ["broadcast", *selected, rng.choice(BODIES[:2])], ""
    if kind == "rename":
        return ["rename", name, rng.choice(NAMES), *json_flag,
                *rng.choice([[], [], ["--no-retarget-aliases"]])], ""
    if kind == "alias":
        target = rng.choice([*QUEUES, "x", "@x", ""])
        return rng.choice([["alias", "add", rng.choice("xyzq"), target],
                           ["alias", "remove", rng.choice("xyz")], ["alias", "list"],
                           ["alias", "list", "--target", rng.choice(QUEUES)]]), ""
    if kind == "list":
        return ["list", *json_flag, *rng.choice([[], ["--stats"]]), *rng.choice(
            [[], ["--prefix", rng.choice(["r", "", "b!"])], ["-p", rng.choice(GLOBS)]])], ""
    if kind in ("stats", "exists"):
        return [kind, name, *json_flag], ""
    if kind == "dump":
        return ["dump", *rng.choice([[], ["--include", rng.choice(GLOBS)],
                                     ["--exclude", rng.choice(GLOBS)]])], ""
    if kind == "load":
        return ["load"], dump_text(rng)
    if kind == "usage":
        return rng.choice([["read"], ["nope"], ["read", "q", "x"], ["--compact"], ["delete"],
                           ["move", "q", "r", "--all", "-m", "{0}"], ["list", "-x"]]), ""
    return [kind, *(json_flag if kind == "--status" else [])], ""


def dump_text(rng):
    """A small dump, sometimes a broken one; its ids are far below those of the clock."""
    base = rng.randrange(10**18, 11 * 10**17)
    records = [{"type": "header", "format": "simplebroker-dump",
                "version": rng.choice([1] * 9 + [2]), "last_ts": "%019d" % (base + 10)}]
    for n in range(rng.randrange(4)):
        records.append(rng.choice([
            {"type": "message", "queue": rng.choice(NAMES), "body": rng.choice(BODIES),
             "id": "%019d" % (base + rng.randrange(12))},
            {"type": "message", "queue": "q", "body": "loaded", "id": base + n},
            {"type": "alias", "alias": rng.choice("wxyz"), "target": rng.choice(QUEUES)}]))
    return "".join(json.dumps(record) + "\n" for record in records)


class Side:
    """One implementation with its own file, and the ids it has made so far."""

    def __init__(self, run, name):
        self.run, self.name, self.known = run, name, []
        self.db = File(run.cwd / name)

    def do(self, argv, stdin):
        argv = [re.sub(r"\{(\d+)\}", lambda m: self.id(int(m[1])), word) for word in argv]
        result = self.run("-f", self.name, *argv, stdin=stdin)
        self.learn(re.findall(r"(?<!\d)\d{19}(?!\d)", result.stdout))
        self.learn(str(ts) for ts in self.db.ids())
        return result.code, self.plain(result.stdout), self.errors(result)

    def id(self, number):
        return self.known[number] if number < len(self.known) else "1" + "0" * 17 + str(number % 10)

    def learn(self, ids):
        self.known += [i for i in dict.fromkeys(ids) if i not in self.known]

    def plain(self, text):
        text = re.sub(r'db_size("?): \d+', r"db_size\1: N", text)
        return re.sub(r"(?<!\d)\d{19}(?!\d)", lambda m: f"#{self.known.index(m[0])}", text)

    def errors(self, result):
        """Commentary, apart from wording and timing that are free."""
        text = re.sub(r"in \d+\.\d+s", "in Ns", result.stderr)
        if "newline characters" in text:
            return "newline warning"
        text = re.sub(r"malformed JSON \(.*\)", "malformed JSON", text)
        text = re.sub(r"(invalid choice: \S+) \(.*\)", r"\1", text)
        if "already exists with messages" in text:
            return "alias warning"
        text = text.replace("target_queue is required for move operation",
                            "Invalid queue name: cannot be empty")
        text = re.sub(r"(?<!\d)\d{19}(?!\d)", lambda m: "#", text)
        return text.replace(self.name, "FILE")

    def tables(self):
        number = {int(i): n for n, i in enumerate(self.known)}
        rows = [(queue, body, number[ts], claimed) for queue, body, ts, claimed in self.db.sql(
            "SELECT queue, body, ts, claimed FROM messages ORDER BY id")]
        return rows, self.db.sql("SELECT alias, target FROM queue_aliases ORDER BY alias")


@pytest.mark.parametrize("seed", SEEDS)
def test_random_operations__same_answers_and_tables(ours, agent, seed):
    rng, history = random.Random(seed), []
    a, b = Side(ours, "a.db"), Side(agent, "b.db")
    for side in (a, b):
        side.do(["write", "q", "first"], "")
    for _ in range(OPERATIONS):
        argv, stdin = operation(rng)
        history.append((argv, stdin))
        got, expected = a.do(argv, stdin), b.do(argv, stdin)
        assert got == expected, history[-5:]
        assert a.tables() == b.tables(), history[-5:]
    assert [a.known.index(str(i)) for i in a.db.ids()] == [b.known.index(str(i))
                                                          for i in b.db.ids()]


class Model:
    """What a broker is, in thirty lines: rows in delivery order."""

    def __init__(self):
        self.rows = []

    def write(self, queue, body):
        self.rows.append([queue, body, 0])

    def pending(self, queue):
        return [row for row in self.rows if row[0] == queue and not row[2]]

    def claim(self, queue, count):
        taken = self.pending(queue)[:count]
        for row in taken:
            row[2] = 1
        return [row[1] for row in taken]

    def move(self, queue, target, count):
        taken = self.pending(queue)[:count]
        for row in taken:
            row[0] = target
        return [row[1] for row in taken]

    def delete(self, queue):
        self.rows = [row for row in self.rows if row[0] != queue]

    def vacuum(self):
        self.rows = [row for row in self.rows if not row[2]]


@pytest.mark.parametrize("seed", range(4))
def test_random_operations__both_in_turn_on_one_file(ours, agent, seed):
    """Ours through its command, the reference through its library, against the model."""
    rng, model = random.Random(seed), Model()
    for n in range(200):
        queue, target = rng.sample(QUEUES, 2)
        kind = rng.choice(["write"] * 4 + ["claim"] * 2 + ["move"] * 2 +
                          ["claim all", "move all", "peek", "delete", "vacuum"])
        mine, everything = rng.random() < 0.5, kind.endswith("all")
        flag, count = (["--all"], 10**6) if everything else ([], 1)
        if kind == "write":
            model.write(queue, f"m{n}")
            if mine:
                ours("write", queue, f"m{n}").ok()
            else:
                agent.call("write", queue, f"m{n}")
        elif kind == "vacuum":
            model.vacuum()
            if mine:
                assert ours("--vacuum").code == 0
            else:
                agent.call("vacuum")
        elif kind == "delete":
            model.delete(queue)
            if mine:
                ours("delete", queue).ok()
            else:
                agent.call("delete", queue)
        else:
            verb = kind.split()[0]
            if verb == "claim":
                expected = model.claim(queue, count)
                argv, call, args = ["read", queue, *flag], "claim_many", [queue, count]
            elif verb == "move":
                expected = model.move(queue, target, count)
                argv, call = ["move", queue, target, *flag], "move_many"
                args = [queue, target, count]
            else:
                expected = [row[1] for row in model.pending(queue)]
                argv, call, args = ["peek", queue, "--all"], "peek_many", [queue, 10**6]
            got = (ours(*argv).stdout.split() if mine else
                   agent.call(call, *args, with_timestamps=False))
            assert got == expected, (n, kind, mine)
        if n % 20 == 19:
            assert ours.db.sql("SELECT queue, body, claimed FROM messages ORDER BY id") == [
                tuple(row) for row in model.rows]
            assert ours.db.ids() == sorted(set(ours.db.ids()))
