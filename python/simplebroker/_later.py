"""Modules that are imported when something in them is first looked at.

Annotations name them, and `typing.get_type_hints()` then finds what is meant; most programs never
look. `typing` and `pathlib` alone take longer to import than this package. Our own modules are here
when they cannot be imported at the top of the one that names them, or are rarely needed.
"""

from __future__ import annotations

TYPE_CHECKING = False

if TYPE_CHECKING:
    import pathlib as pathlib
    import typing as typing

    from . import _activity as _activity
    from . import _config as _config
    from . import _connection as _connection
    from . import _native_waiter as _native_waiter
    from . import _operations as _operations
    from . import _plugins as _plugins
    from . import _runner as _runner
    from . import _session as _session
    from . import db as db
else:

    class _Later:
        def __init__(self, name):
            self.__name__ = name

        def __getattr__(self, attribute):
            module = __import__(self.__name__, fromlist=[attribute])
            value = getattr(module, attribute)
            self.__dict__[attribute] = value
            return value

    def _ours(name):
        return _Later(f"{__package__}.{name}")

    pathlib = _Later("pathlib")
    typing = _Later("typing")
    _activity = _ours("_activity")
    _config = _ours("_config")
    _connection = _ours("_connection")
    _native_waiter = _ours("_native_waiter")
    _operations = _ours("_operations")
    _plugins = _ours("_plugins")
    _runner = _ours("_runner")
    _session = _ours("_session")
    db = _ours("db")
