"""The same programs under ours and under the reference, and what came of each of their calls."""

import json
import os
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

pytestmark = pytest.mark.ours

PROGRAMS = Path(__file__).with_name("programs")

# Calls of calls.py with another text of the exception, of the same class.
OTHER_TEXTS = {
    'q.move(5)', 'b.list_queues(prefix=5)', 'b.write(5, "x")', 'b.delete_from_queues(["q", 5])',
    'q.write("x")', 'q.peek()', 'pickle.dumps(p)', 'hash(resolve_isolated_config({}))',
    'run("SELECT 1; SELECT 2")', 'run("SELECT ?")', 'run("SELECT 1", (1,))',
    'load_lines(c, ["x"])', 'target_for_directory(".", config={"BROKER_BACKEND": "nope"})',
}  # fmt: skip

# Calls of calls.py for which the reference has None, and ours has a waiter.
WAITERS = {
    "q.create_activity_waiter(stop_event=threading.Event())",
    "create_activity_waiter_for_queues([q, r], stop_event=threading.Event())",
}

# Parameters of misuse.py that are taken by their truth, whatever they are.
FLAGS = {"all_messages", "with_timestamps", "include_claimed", "require_unclaimed", "peek",
         "batch_processing", "retarget_aliases", "transaction", "persistent"}  # fmt: skip

# Misuse that ends otherwise, and why. A pattern that nothing needs is an error.
ACCEPTED = {
    "*(limit=5:*": "a limit above 64 bits is as many as there are",
    "*_generator(batch_size=*": "a batch size is a number; 0 and below mean the default",
    "*_generator(config=*": "unsuitable settings are refused even if nothing in them is used",
    "*(config=[29]*": "settings that are empty in another way than {} are none",
    "*(config=17:*": "the same",
    "resolve_isolated_config(overrides=*": "the same; and what is no mapping is a ValueError",
    "ResolvedConfig(values=*": "the same",
    "*(target=0:None)": "None is no name",
    "*(alias=0:None)": "None is no name",
    "*(queue=0:None)": "None is no name",
    "*(source_queue=0:None)": "None is no name",
    "BrokerDB.aliases_for_target(target=14:*": "a name with a surrogate is nobody's target",
    "BrokerDB.remove_alias(alias=14:*": "nor an alias to be removed",
    "*(db_path=1[34]:*": "a path that no file can have is refused at once",
    "*Watcher(db=1[34]:*": "the same",
    "*(db_path=9:*": "an empty path is no path",
    "broker_db(stop_event=*": "only None is no event",
    "*(db_path=16:*": "bytes are a path",
    "target_for_directory(directory=16:*": "bytes are a path",
    "*(starting_dir=16:*": "bytes are a path, to nothing here",
    "BrokerTarget(backend_*": "names and options are checked when a target is made",
    "deserialize_broker_target(payload=*": "what is no mapping is no target",
    "DBConnection(runner=*": "a runner is looked at when it is used",
    "PollingStrategy(max_interval=*": "an interval is looked at when it is used",
    "vacuum_is_eligible(*": "counts are 64 bits wide, and not negative",
    "sidecar(sql=9:*": "an empty text is no statement",
    "sidecar(params=[02]:*": "no parameters",
    "sidecar(params=14:*": "refused with the exception of the encoding",
    "one_parameter(value=[56]:*": "an integer above 64 bits is a DataError, not an OverflowError",
}


def both(program, directory, reference_python, *arguments):
    """What a program prints under the reference and under ours, each in a directory of its own."""
    started = []
    for name, python in (("reference", reference_python), ("ours", [sys.executable])):
        (directory / name).mkdir()
        clean = {k: v for k, v in os.environ.items() if not k.startswith("BROKER_")}
        started.append(
            subprocess.Popen(
                [*python, PROGRAMS / program, *arguments],
                cwd=directory / name,
                stdout=subprocess.PIPE,
                env={**clean, "BROKER_SYNC_MODE": "OFF"},
            )
        )
    printed = [process.communicate()[0] for process in started]
    assert [process.returncode for process in started] == [0, 0]
    return [json.loads(text) for text in printed]


@pytest.fixture(scope="module")
def misuse(tmp_path_factory, reference_python):
    """Outcomes of misuse.py, by call: the reference's and ours."""
    return both("misuse.py", tmp_path_factory.mktemp("misuse"), reference_python)


def test_hundreds_of_calls_come_to_the_same(tmp_path, reference_python):
    theirs, ours = both("calls.py", tmp_path, reference_python)
    assert len(theirs) > 250 and [call for call, _ in theirs] == [call for call, _ in ours]
    different = {call: (a, b) for (call, a), (_, b) in zip(theirs, ours, strict=True) if a != b}
    for call in OTHER_TEXTS & {*different}:
        a, b = different.pop(call)
        assert a.partition(":")[0] == b.partition(":")[0], call
    for call in WAITERS:
        assert different.pop(call) == ("None", "<NativeWaiter object>")
    assert different == {}


@pytest.mark.parametrize("how", ["file", "runner"])
@pytest.mark.parametrize("seed", ["0", "1", "2"])
def test_random_calls_come_to_the_same(tmp_path, reference_python, seed, how):
    theirs, ours = both("random_calls.py", tmp_path, reference_python, seed, how)
    assert len(theirs) == len(ours) == 1500
    first = next(((a, b) for a, b in zip(theirs, ours, strict=True) if a != b), None)
    assert first is None


def test_misuse_is_refused_as_there_or_more_strictly(misuse):
    theirs, ours = misuse
    needed, wrong = set(), {}
    for call, outcome in ours.items():
        there = theirs.get(call, outcome)
        if outcome == there or stricter(call, outcome, there):
            continue
        patterns = {pattern for pattern in ACCEPTED if fnmatchcase(call, pattern)}
        needed |= patterns
        if not patterns:
            wrong[call] = {"reference": there, "ours": outcome}
    assert wrong == {}
    assert {*ACCEPTED} - needed == set()


def test_no_misuse_ends_in_an_exception_of_the_inside(misuse):
    _, ours = misuse
    inside = ("SystemError", "AssertionError", "MemoryError", "RecursionError", "NameError",
              "UnboundLocalError", "ffi.error", "KeyError", "IndexError")  # fmt: skip
    assert [call for call, (result, *_) in ours.items() if result[1:].startswith(inside)] == []


def stricter(call, outcome, there):
    """Refused before anything changed: what has no suitable type with TypeError, or anything with a
    more exact class than there."""
    if len(outcome) > 1 or not outcome[0].startswith("!"):
        return False
    classes, parameter = outcome[0][1:].split("/"), call.partition("(")[2].partition("=")[0]
    if classes[0] == "TypeError" and parameter not in FLAGS:
        return True
    return there[0].startswith("!") and there[0][1:].split("/")[0] in classes[1:]
