"""A few hundred calls, one after the other, and what comes of each: a JSON list of `[call, outcome]`.

Each line of CALLS is run with the names below; what an expression gives, or the exception, is its
outcome. The handles keep their state, so each call builds on those before.
"""

import ast
import inspect
import json
import os
import re
import sys
import threading
import warnings

import simplebroker
from simplebroker import *  # noqa: F403
from simplebroker import Queue, resolve_isolated_config
from simplebroker.db import BrokerDB
from simplebroker.ext import *  # noqa: F403

CALLS = r"""
# ---- identity and formatting
format_message_id(5), format_message_id("0000000000000000005"), format_message_id(2**63-1)
format_message_id("5")
format_message_id(-1)
format_message_id(2**63)
format_message_id(None)
Queue("-a", db_path="x.db")
Queue("", db_path="x.db")
Queue("a" * 513, db_path="x.db")
repr(q), repr(p), str(q), q.name, p.conn is None, q.conn
q.last_ts, q.refresh_last_ts(), q.exists(), q.stats(), q.has_pending(), q.latest_pending_timestamp()

# ---- messages of fixed ids
q.insert_messages([("one", 10), ("two", 20), ("three", "0000000000000000030")])
q.insert_messages([("", 40), ("é\0\n", 50)])
q.insert_messages([("a", 0)])
q.insert_messages([("a", 2**63-1)])
q.insert_messages([("a", 60), ("b", "0000000000000000060")])
q.insert_messages([("a", 60), ("b", 10)])
q.insert_messages([("a",)])
q.insert_messages([("a", "60")])
q.insert_messages([("a", True)])
q.insert_messages([(5, 60)])
q.insert_messages([("\ud800", 60)])
q.insert_messages(5)
q.insert_messages([])
q.refresh_last_ts(), q.last_ts, q.stats()
q.peek(), q.peek(with_timestamps=True), q.peek_one(exact_timestamp=20), q.peek_many(2)
q.peek_many(with_timestamps=True)
q.peek_many(after_timestamp=10, before_timestamp=40)
list(q.peek(all_messages=True)), list(q.peek_generator(exact_timestamp="0000000000000000030"))
q.peek(message_id=20), q.peek(message_id=21), q.peek(message_id=0)
q.peek(message_id="20")
q.peek(message_id=5, all_messages=True)
q.peek(message_id=5, after_timestamp=5)
q.peek(message_id=2**63)
q.peek(message_id=1.5)
q.peek(after_timestamp=-1)
q.peek(before_timestamp=2**63)
q.peek(after_timestamp="5")
q.peek(before_timestamp=True)
q.peek_many(0)
q.peek_many(-5)
q.peek_many("5")
q.peek_many(None)
q.find_message_ids(body_contains="ne")
q.find_message_ids(body_contains="one"), q.find_message_ids(body_contains="thr", limit=1)
q.find_message_ids(body_contains="   ")
q.find_message_ids(body_contains="x" * 1025)
q.find_message_ids(body_contains=5)
q.find_message_ids(body_contains="one", limit=0)
q.find_message_ids(body_contains="one", limit=1001)
q.find_message_ids(body_contains="one", limit=True)

# ---- claiming
q.read(message_id=30), q.read(message_id=30), q.read_one(exact_timestamp="0000000000000000050")
q.read(after_timestamp=10), q.read(before_timestamp=10), q.read()
q.peek(), q.peek(include_claimed=True), q.peek_many(include_claimed=True), q.stats()
q.read_many(5, delivery_guarantee="twice")
q.read_many(5, delivery_guarantee=None)
q.read_many(0)
q.read_many(5, with_timestamps=True, delivery_guarantee="at_least_once"), q.read_many(1), q.read()
next(q.read_generator(delivery_guarantee="x"))
next(q.read_generator(exact_timestamp="x"))
next(q.read_generator(after_timestamp=1.0))
list(q.read(all_messages=True)), list(q.read_generator()), list(q.stream_messages())
next(q.stream_messages(commit_interval=0), None)
q.has_pending(), q.has_pending(5), q.latest_pending_timestamp(), q.exists(), q.stats()

# ---- moving
q.insert_messages([("a", 100), ("b", 110), ("c", 120), ("d", 130), ("e", 140)])
q.move("r"), q.move(r), q.move("r", message_id=10), q.move("r", message_id=10)
q.move("q")
q.move(q)
q.move("-bad")
q.move(5)
q.move(None)
q.move(other)
q.move("r", message_id=5, all_messages=True)
q.move_one("r", exact_timestamp=20), q.move_one("r", exact_timestamp=20, require_unclaimed=False)
q.move_one("q")
q.move_many("r", 1, with_timestamps=True), q.move_many("r", 9, after_timestamp=130)
q.move_many("r", 0)
q.move_many("q", 1)
list(q.move("r", all_messages=True)), list(q.move("r", all_messages=True))
list(q.move_generator("q"))
r.peek_many(with_timestamps=True), r.stats(), q.stats()
list(r.move_generator("q", delivery_guarantee="at_least_once", before_timestamp=110))

# ---- deleting
q.delete(message_id=10), q.delete(message_id=10), q.delete_many([20, 20, "0000000000000000020"])
q.delete(message_id="x")
q.delete_many([1, True])
q.delete_many([]), q.delete_many((5,)), q.delete(), q.delete(), q.stats()
q.delete_many("abc")
q.delete_many(5)
q.write(5)
q.write(None)
q.write("\ud800")
q.write("x" * 101)
tiny.write("12345")
tiny.write("éé"), tiny.write("")
type(q.write("x" * 100)), q.last_ts > 10**18, q.generate_timestamp() < q.get_ts()
q.read("q")

# ---- a broker
b.delete(), b.delete(), b.delete(None), b.delete("q")
b.insert_messages([("q", "a", 1000), ("r", "b", 1001), ("r.x", "c", 1002), ("Z", "d", 1003)])
b.insert_messages([("@q", "a", 1005)])
b.insert_messages([("q", "a")])
b.list_queues(), b.list_queues(prefix="r"), b.list_queues(pattern="r*"), b.list_queues(pattern="")
b.list_queues(prefix=""), b.list_queues(pattern="[qZ]"), b.list_queues(pattern="?.?")
b.list_queues(prefix="a", pattern="b")
b.list_queues(prefix="-")
b.list_queues(pattern="@*")
b.list_queues(prefix=5)
b.claim_one("q"), b.claim_one("q"), b.claim_many("r", 5), b.peek_one("Z"), b.peek_many("Z")
b.peek_one("Z", with_timestamps=False), b.peek_one("q", include_claimed=True)
b.list_queue_stats(), b.list_queue_stats(prefix="r"), b.get_queue_stats(), b.get_queue_stat("none")
b.get_overall_stats(), b.count_claimed_messages(), b.queue_exists("q"), b.queue_exists("none")
b.queue_exists_and_has_messages("q"), b.has_pending_messages("q"), b.has_pending_messages("Z", 1003)
b.latest_pending_timestamp("Z"), b.latest_pending_timestamp("q")
sorted(b.status()), sorted(b.get_meta()), b.get_meta()["magic"], b.get_meta()["schema_version"]
b.claim_many("Z", 0)
b.claim_many("Z", 1, delivery_guarantee="no")
b.claim_one("Z", exact_timestamp="x")
b.claim_one("@Z")
b.claim_one(None)
b.write("@Z", "x")
b.write(5, "x")
list(b.claim_generator("Z", batch_size=0))
list(b.claim_generator("Z")), list(b.claim_generator("Z", exact_timestamp=1003))
list(b.peek_generator("Z", include_claimed=True, batch_size=1))
b.move_one("Z", "Z")
b.move_many("r", "r", 1)
b.move_one("Z", "Y"), b.move_one("Z", "Y", require_unclaimed=False), b.move_many("Y", "Z", 5)
b.delete_message_ids("Z", [1003, "0000000000000001003"]), b.delete_message_ids("Z", [])
b.delete_from_queues("abc")
b.delete_from_queues(b"abc")
b.delete_from_queues(["q", 5])
b.delete_from_queues(["-"])
b.delete_from_queues(["q"], before_timestamp="x")
b.delete_from_queues(["q", "r"], before_timestamp=1001), b.delete_from_queues([]), b.list_queues()
b.vacuum(), b.vacuum(True), b.list_queues(), b.get_overall_stats()
b.advance_last_timestamp("x")
b.advance_last_timestamp(True)
b.advance_last_timestamp(None)
b.advance_last_timestamp(-1)
b.advance_last_timestamp(2**63)
b.advance_last_timestamp(5) > 10**18, b.get_cached_last_timestamp() == b.refresh_last_timestamp()
b.get_conflict_metrics(), b.reset_conflict_metrics()

# ---- broadcast
b.insert_messages([("a", "x", 2000), ("b", "x", 2001), ("c", "x", 2002)])
b.broadcast("n"), b.broadcast("n", pattern="[ab]"), b.broadcast("n", queue_names=["a", "a", "none"])
b.broadcast("n", queue_names=[]), b.broadcast("n", pattern="none"), b.broadcast("n", pattern="")
b.broadcast("n", queue_names=["new"], create_missing=True), b.list_queues()
b.broadcast("x", pattern="", queue_names=["a"])
b.broadcast("x", queue_names="a")
b.broadcast("x", create_missing=1)
b.broadcast("x", create_missing=True)
b.broadcast("x", queue_names=["@a"])
b.broadcast(5)
b.broadcast("\ud800")
b.broadcast("x", pattern="-*")
b.get_queue_stats()

# ---- aliases and names
b.add_alias("x", "a"), b.add_alias("y", "a"), b.list_aliases(), b.aliases_for_target("a")
b.add_alias("x", "a")
b.add_alias("@x", "a")
b.add_alias("-x", "a")
b.add_alias("z", "@a")
b.add_alias("z", "")
b.add_alias("", "a")
b.add_alias("z", "x")
b.add_alias("a", "b")
b.add_alias("z", "z")
b.add_alias("b", "c")
b.resolve_alias("x"), b.resolve_alias("@x"), b.resolve_alias("none"), b.has_alias("x"), b.has_alias("")
b.canonicalize_queue("@x"), b.canonicalize_queue("plain"), b.canonicalize_queue("-bad")
b.canonicalize_queue("@none")
b.canonicalize_queue("@")
b.canonicalize_queue("")
b.remove_alias("y"), b.remove_alias("none"), b.list_aliases()
b.rename_queue("a", "a")
b.rename_queue("a", "b")
b.rename_queue("none", "b")
b.rename_queue("-", "b")
b.rename_queue("none", "other"), b.rename_queue("a", "d"), b.list_aliases()
b.rename_queue("d", "a", retarget_aliases=False), b.list_aliases(), b.get_queue_stats()

# ---- batches
b.delete(), b.insert_messages([("q", n, 3000 + i) for i, n in enumerate("abcde")])
g = b.claim_generator("q", delivery_guarantee="at_least_once", batch_size=2)
next(g), next(g), c.get_queue_stats(), next(g), c.get_queue_stats()
b.write("q", "x")
b.claim_one("q")
b.move_one("q", "r")
b.delete("q")
b.broadcast("x")
b.vacuum()
b.add_alias("n", "q")
b.rename_queue("q", "s")
b.generate_timestamp()
b.sidecar().__enter__()
next(b.claim_generator("q"))
b.insert_messages([("q", "x", 9)])
b.delete_message_ids("q", [1])
b.advance_last_timestamp(1)
b.peek_one("q"), b.list_queues(), b.has_alias("x"), b.resolve_alias("x")
g.close(), c.get_queue_stats(), b.claim_one("q")
list(b.claim_generator("q", delivery_guarantee="at_least_once", batch_size=2)), c.get_queue_stats()
list(q.stream_messages(batch_processing=True, commit_interval=3, peek=True))
g = b.move_generator("q", "r", delivery_guarantee="at_least_once")
next(g, None), g.close()

# ---- sidecar
with b.sidecar() as s: s.run("CREATE TABLE mine (id INTEGER PRIMARY KEY, v)")
with b.sidecar() as s: out = s.run("INSERT INTO mine (v) VALUES (?), (?)", (1.5, b"x"))
out, run("SELECT * FROM mine"), run("SELECT ?, ?, ?", (2**63 - 1, None, "é\0"))
s.run("SELECT 1")
run("SELECT 1 WHERE 0"), run("SELECT ?", [True])
run("SELEC 1")
run("SELECT * FROM absent")
run("INSERT INTO mine VALUES (1, 1)")
run("SELECT 1; SELECT 2")
run("SELECT ?")
run("SELECT 1", (1,))
with b.sidecar(transaction=True) as s: s.run("INSERT INTO mine VALUES (9, 9)"); 1 / 0
run("SELECT count(*) FROM mine")
with b.sidecar(transaction=True) as s: s.run("INSERT INTO mine VALUES (9, 9)"); b.write("q", "x")
with b.sidecar(transaction=True) as s: s.run("INSERT INTO mine VALUES (9, 9)"); b.claim_one("q")
with b.sidecar(transaction=True) as s: s.run("INSERT INTO mine VALUES (9, 9)")
run("SELECT * FROM mine"), b.list_queues()

# ---- handles
p.write("a") > 0, p.read(), p.close(), p.close(), p.exists(), p.cleanup_connections(), p.exists()
import pickle
pickle.dumps(b)
pickle.loads(pickle.dumps(q)).stats()
pickle.dumps(p)
stopped = threading.Event(); stopped.set(); q.set_stop_event(stopped)
q.write("x")
q.peek()
q.set_stop_event(None), q.peek()
b.close(), b.list_queues(), b.shutdown(), b.list_queues()
with q.get_connection() as k: out = type(k).__name__, k.db_path.name
out
with q.get_connection() as k: raise KeyError("mine")
hasattr(q, "import_message"), hasattr(b, "write_reserved_message"), hasattr(q, "__len__")
len(q)
iter(q)
q.create_activity_waiter(stop_event=threading.Event())
create_activity_waiter_for_queues([q, r], stop_event=threading.Event())
create_activity_waiter_for_queues([], stop_event=threading.Event())
create_activity_waiter_for_queues([q, other], stop_event=threading.Event())

# ---- the cached high-water
b.delete(), b.close(), q.refresh_last_ts() == p.refresh_last_ts() == r.refresh_last_ts()
q.write("a") == q.last_ts, p.last_ts == q.last_ts, p.write("b") == p.last_ts, q.last_ts == p.last_ts
q.refresh_last_ts() == p.last_ts, q.insert_messages([("c", p.last_ts + 4096)]), q.last_ts - p.last_ts
p.refresh_last_ts() == q.last_ts, q.move("r")["message"], q.last_ts == p.last_ts, q.delete()
q.get_ts() == q.last_ts, q.get_ts() > p.last_ts, p.generate_timestamp() == p.last_ts
b.refresh_last_timestamp() == p.last_ts, b.generate_timestamp() == b.get_cached_last_timestamp()

# ---- over a runner
k = SQLiteRunner("x.db"); kq = Queue("q", runner=k); kr = Queue("r", runner=k, db_path="label.db")
kq.db_target == Queue("x").db_target, kr.db_target, repr(kq), repr(kr), os.path.exists("label.db")
r.delete(), kq.write("m") > 0, kq.move(kr)["message"], kr.read(), kq.stats(), kr.stats()
kq.move(r)
q.move(kr)
kq.write("n") > 0, kq.move(Queue("r", runner=k, db_path="elsewhere.db"))["message"], kq.move("r")
kq.close(), kr.peek_many(), kq.get_data_version() is not None, k.run("SELECT 1", fetch=True)
k.close(), kr.read(), kr.exists()

# ---- records
QueueStats("q", 1, 2, 3) == QueueStats(queue="q", pending=1, claimed=2, total=3)
QueueStats.__match_args__, QueueStats("q", 1, 2, 3).exists
QueueStats("q", 1, 2)
QueueRenameResult("a", "b", 1, 2), LoadResult(1, 2), LoadResult.__match_args__
QueueStats("q", 1, 2, 3) < QueueStats("q", 1, 2, 4)
setattr(QueueStats("q", 1, 2, 3), "pending", 5)

# ---- dumps
b.delete(), b.insert_messages([("q", "é\n", 4000), ("r", "x", 4001)])
[line.replace(str(b.refresh_last_timestamp()), "LAST") for line in dump_lines(b)]
list(dump_lines(b, include="r"))[1:], list(dump_lines(b, exclude="r"))[1:]
load_lines(c, [])
load_lines(c, ["x"])
load_lines(c, ["{}"])
load_lines(object(), [])
load_lines(b, list(dump_lines(b)))
saved = list(dump_lines(b)); b.delete(); b.remove_alias("b"); b.remove_alias("x")
load_lines(b, saved), b.get_queue_stats(), b.list_aliases(), b.peek_one("q"), load_lines(b, saved[:1])
load_lines(b, saved[1:])
load_lines(b, saved[:1] * 2)

# ---- settings
resolve_config({"BROKER_CACHE_MB": " 7 "})["BROKER_CACHE_MB"], resolve_config({"X": 1})["X"]
resolve_config({"BROKER_CACHE_MB": "x"})
resolve_config({"BROKER_VACUUM_THRESHOLD": "0.5"})["BROKER_VACUUM_THRESHOLD"]
resolve_isolated_config({"X": 1})
resolve_isolated_config({"BROKER_LOAD_MAX_FUTURE_SKEW_SECONDS": True})
ResolvedConfig({"BROKER_BACKEND_PASSWORD": object()})["BROKER_BACKEND_PASSWORD"][:7]
dict(resolve_isolated_config({}))
hash(resolve_isolated_config({}))
Queue("q", db_path="x.db", config={"BROKER_MAX_MESSAGE_SIZE": "x"})
Queue("q", db_path="x.db", config=5)
validate_delivery_guarantee("x")
vacuum_is_eligible(claimed_count=1, total_count=2, threshold=0.5), MaintenanceSchedule(2).record(2)
MaintenanceSchedule(1).record(-1)
get_backend_plugin("x")

# ---- targets
BrokerTarget("sqlite", "/x.db"), BrokerTarget("postgres", "postgresql://u:p@h/d", {"b": 1, "a": 2})
BrokerTarget("postgres", "host=h password=p").display_target, BrokerTarget("sqlite", "x").target_path
serialize_broker_target(BrokerTarget("sqlite", "/é.db", {"x": 1}))
deserialize_broker_target('{"backend_name": "sqlite", "target": "/x"}')
deserialize_broker_target("[]")
deserialize_broker_target("{")
deserialize_broker_target("{}")
deserialize_broker_target({"backend_name": "sqlite"})
deserialize_broker_target({"backend_name": "sqlite", "target": "/x", "backend_options": []})
target_for_directory(".", config={"BROKER_DEFAULT_DB_NAME": "a/b.db"}).target_path.name
target_for_directory(".", config={"BROKER_DEFAULT_DB_NAME": "a/b/c.db"})
target_for_directory(".", config={"BROKER_BACKEND": "nope"})
resolve_broker_target("/nowhere/at/all")
broker_root("/"), resolve_broker_target("/")
"""


def shown(value):
    """A value as text, without what differs from run to run."""
    if inspect.isgenerator(value):
        return "<generator>"
    text = re.sub(r"\d{18,}", "ID", ascii(value).replace(os.getcwd(), "."))
    return re.sub(r"simplebroker[\w.]*\.| at 0x[0-9a-f]+", "", text)


def run(line, names):
    try:
        tree = ast.parse(line)
        if len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr):
            return shown(eval(line, names))
        exec(line, names)
        return "done"
    except Exception as error:
        return f"{type(error).__name__}: {shown(str(error))[1:-1]}"


def handles():
    config = {"BROKER_AUTO_VACUUM": 0, "BROKER_MAX_MESSAGE_SIZE": 100}
    q = Queue("q", db_path="x.db", config=config)
    q.write("first")
    q.delete()
    broker, c = BrokerDB("x.db", config=config), BrokerDB("x.db", config=config)

    def sql(text, params=()):
        with broker.sidecar() as session:
            return session.run(text, params, fetch=True)

    return {
        **vars(simplebroker), **globals(), "q": q, "b": broker, "c": c, "run": sql,
        "p": Queue("q", db_path="x.db", persistent=True, config=config),
        "r": Queue("r", db_path="x.db", config=config),
        "other": Queue("other", db_path="y.db", config=config),
        "tiny": Queue("tiny", db_path="z.db",
                      config=resolve_isolated_config({"BROKER_MAX_MESSAGE_SIZE": 4})),
        "threading": threading,
    }  # fmt: skip


def main():
    warnings.simplefilter("ignore")
    names, found = handles(), []
    for line in CALLS.splitlines():
        if line and not line.startswith("#"):
            found.append([line, run(line, names)])
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
