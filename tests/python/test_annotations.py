"""Annotations mean something: every name in them can be found."""

import importlib
import inspect
import typing

import pytest

pytestmark = pytest.mark.ours

MODULES = (
    "simplebroker",
    "simplebroker.cli",
    "simplebroker.commands",
    "simplebroker.db",
    "simplebroker.ext",
    "simplebroker.helpers",
    "simplebroker.metadata",
    "simplebroker.project",
    "simplebroker.sbqueue",
    "simplebroker.watcher",
)


def functions_of(value):
    if inspect.isfunction(value):
        yield value
    elif inspect.isclass(value) and value.__module__.startswith("simplebroker"):
        yield value
        for name in dir(value):
            member = inspect.getattr_static(value, name)
            if isinstance(member, property):
                member = member.fget
            elif isinstance(member, (classmethod, staticmethod)):
                member = member.__func__
            if inspect.isfunction(member) and member.__module__.startswith("simplebroker"):
                yield member


@pytest.mark.parametrize("name", MODULES)
def test_public_annotations__resolve(name):
    module = importlib.import_module(name)
    for public in getattr(module, "__all__", ()):
        for annotated in functions_of(getattr(module, public)):
            typing.get_type_hints(annotated)


def test_public_functions__are_annotated():
    for name in MODULES:
        module = importlib.import_module(name)
        for public in getattr(module, "__all__", ()):
            for function in functions_of(getattr(module, public)):
                if inspect.isfunction(function) and not function.__name__.startswith("_"):
                    assert "return" in function.__annotations__, f"{name}.{public}: {function}"


def test_public_functions__are_described():
    for name in MODULES:
        module = importlib.import_module(name)
        for public in getattr(module, "__all__", ()):
            for described in functions_of(getattr(module, public)):
                if not described.__name__.startswith("_"):
                    assert inspect.getdoc(described), f"{name}.{public}: {described}"


def test_import__loads_no_module_that_is_rarely_needed(program):
    rare = ("typing", "pathlib", "dataclasses", "inspect", "re", "json", "sqlite3", "logging")
    printed = program(f"""
        import sys
        before = set(sys.modules)
        import simplebroker
        print([name for name in {rare} if name in sys.modules and name not in before])
    """, flags=())
    assert printed == "[]\n"
