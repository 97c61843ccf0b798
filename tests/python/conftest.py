"""Tests of the package. They run on the reference as well, but for those marked `ours`."""

import importlib.util

REFERENCE = importlib.util.find_spec("simplebroker._native") is None


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "ours: behaviour that the reference does not have, or not like this"
    )


def pytest_collection_modifyitems(config, items):
    if not REFERENCE:
        return
    dropped = [item for item in items if item.get_closest_marker("ours")]
    config.hook.pytest_deselected(items=dropped)
    items[:] = [item for item in items if not item.get_closest_marker("ours")]
