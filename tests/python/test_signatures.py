"""What is public: every name is there, annotations resolve, calls look as in the reference."""

import importlib
import inspect
import json
import subprocess
import sys
import typing
from pathlib import Path

import pytest

from simplebroker.db import BrokerCore

PROGRAM = Path(__file__).with_name("programs") / "signatures.py"

# What is there but not in the reference, or there an attribute and not a property.
MORE = {
    "Queue.name", "Queue.conn", "BrokerDB.db_path",
    "Queue.transaction", "BrokerCore.transaction", "BrokerDB.transaction",
    "Queue.write_many", "BrokerCore.write_many", "BrokerDB.write_many",
}  # fmt: skip

# What looks otherwise, and why.
OTHERWISE = {
    "QueueWatcher": "it takes since_timestamp too",
    "SidecarSession": "nobody makes one by hand",
    "BrokerConnection.add_alias": "its first parameter has the name it has in the brokers",
    "BrokerConnection.remove_alias": "likewise",
    "BrokerConnection.resolve_alias": "likewise",
    "BrokerConnection.has_alias": "likewise",
    "BrokerConnection.vacuum": "compact may be positional, as with the brokers",
    "BrokerConnection.find_message_ids": "its default is written down",
    "BrokerConnection.peek_many": "likewise",
}

# The reference's backend interface has more than a backend has to offer.
UNNEEDED = "BackendPlugin."

PUBLIC = {
    "simplebroker": """ActivityWaiter BrokerTarget DumpClockSkewWarning LoadResult Queue
        QueueMoveWatcher QueueRenameResult QueueStats QueueWatcher ResolvedConfig __version__
        broker_root create_activity_waiter_for_queues deserialize_broker_target dump_lines
        format_message_id load_lines open_broker resolve_broker_target resolve_config
        resolve_isolated_config serialize_broker_target target_for_directory""",
    "simplebroker.commands": """cmd_alias_add cmd_alias_list cmd_alias_remove cmd_broadcast
        cmd_delete cmd_dump cmd_exists cmd_init cmd_list cmd_load cmd_move cmd_peek cmd_read
        cmd_rename cmd_stats cmd_status cmd_vacuum cmd_watch cmd_write parse_exact_message_id""",
    "simplebroker.project": """BrokerTarget broker_root deserialize_broker_target
        find_project_config project_config_path_for_directory resolve_broker_target
        resolve_project_target serialize_broker_target target_for_directory""",
    "simplebroker.watcher": """BaseWatcher Message PollingStrategy QueueMoveWatcher QueueWatcher
        StopWatching default_error_handler json_print_handler logger_handler
        simple_print_handler""",
}
MEMBERS = {
    "simplebroker.db": "BrokerDB BrokerCore DBConnection open_broker",
    "simplebroker.sbqueue": "Queue",
    "simplebroker.cli": "main",
    "simplebroker.metadata": "",
    "simplebroker.ext": "",
}


def public(module):
    imported = importlib.import_module(module)
    names = MEMBERS.get(module, "").split() or imported.__all__
    return [getattr(imported, name) for name in names]


@pytest.mark.parametrize("module", PUBLIC)
def test_all_names_are_there(module):
    imported = importlib.import_module(module)
    assert set(imported.__all__) == set(PUBLIC[module].split())
    assert all(hasattr(imported, name) for name in imported.__all__)
    assert set(imported.__all__) <= set(dir(imported))


@pytest.mark.parametrize("module", MEMBERS)
def test_more_names_are_there(module):
    imported = importlib.import_module(module)
    assert all(hasattr(imported, name) for name in MEMBERS[module].split())


@pytest.mark.ours
@pytest.mark.parametrize("module", [*PUBLIC, "simplebroker.db", "simplebroker.ext"])
def test_annotations_resolve(module):
    for value in public(module):
        if not callable(value) or typing.get_origin(value):
            continue
        typing.get_type_hints(value)
        for _, method in inspect.getmembers(value, inspect.isfunction):
            typing.get_type_hints(method)


@pytest.mark.ours
@pytest.mark.parametrize("module", [*PUBLIC, "simplebroker.db"])
def test_what_is_public_says_what_it_does(module):
    for value in public(module):
        if inspect.isfunction(value) or inspect.isclass(value):
            assert inspect.getdoc(value), value
        for name, method in inspect.getmembers(value, inspect.isfunction):
            if not name.startswith("_"):
                assert inspect.getdoc(method), f"{value.__name__}.{name}"


def test_the_package_says_that_it_is_typed():
    package = importlib.import_module("simplebroker")
    assert Path(package.__file__).with_name("py.typed").exists()


@pytest.mark.ours
def test_a_brokers_methods_are_those_of_the_protocol():
    from simplebroker.ext import BrokerConnection

    for name, method in inspect.getmembers(BrokerConnection, inspect.isfunction):
        if not name.startswith("_"):
            ours = list(inspect.signature(getattr(BrokerCore, name)).parameters)
            assert ours == list(inspect.signature(method).parameters), name


@pytest.mark.ours
def test_calls_look_as_in_the_reference(reference_python):
    theirs, ours = (
        json.loads(subprocess.run([*python, PROGRAM], capture_output=True, check=True).stdout)
        for python in (reference_python, [sys.executable])
    )
    different = {name for name in {*theirs, *ours} if theirs.get(name) != ours.get(name)}
    more, less = different - {*theirs}, different - {*ours}
    assert {short(name) for name in more} == MORE
    assert {name for name in less if not short(name).startswith(UNNEEDED)} == set()
    assert {short(name) for name in different - more - less} == {*OTHERWISE}


def short(name):
    return name.partition(":")[2]
