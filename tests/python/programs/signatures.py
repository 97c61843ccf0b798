"""Prints what can be called in the public modules and how, as JSON: `module:name` or
`module:Class.method` to the list of its parameters."""

import inspect
import json
import sys
from importlib import import_module

MODULES = ("simplebroker", "simplebroker.ext", "simplebroker.project", "simplebroker.watcher",
           "simplebroker.commands")  # fmt: skip
MORE = {
    "simplebroker.db": ("BrokerDB", "BrokerCore", "DBConnection", "open_broker"),
    "simplebroker.cli": ("main",),
    "simplebroker._exceptions": ("StopException",),
}


def default(parameter):
    """The default as text; settings taken from the environment are `...`."""
    value = parameter.default
    if value is parameter.empty:
        return ""
    if value is None or isinstance(value, (bool, int, float, str)):
        return repr(value)
    return "..."


def parameters(function):
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    return [
        f"{p.kind.name.lower()} {p.name} {default(p)}".strip() for p in found if p.name != "self"
    ]


def members(kind):
    for name in dir(kind):
        if not name.startswith("_") and name not in ("add_note", "with_traceback"):
            yield name, inspect.getattr_static(kind, name)


def describe(value, name, found):
    if inspect.isclass(value):
        found[name] = parameters(value)
        for member, static in members(value):
            bound = getattr(value, member)
            if isinstance(static, property):
                found[f"{name}.{member}"] = "property"
            elif callable(bound):
                found[f"{name}.{member}"] = parameters(bound)
    elif callable(value):
        found[name] = parameters(value)


def everything():
    found = {}
    for module in (*MODULES, *MORE):
        imported = import_module(module)
        names = MORE.get(module) or imported.__all__
        found[f"{module}:__all__"] = sorted(names)
        for name in names:
            describe(getattr(imported, name), f"{module}:{name}", found)
    return found


if __name__ == "__main__":
    json.dump(everything(), sys.stdout, indent=1, sort_keys=True)
