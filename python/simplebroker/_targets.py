"""Targets: which backend, which file or server; and how they are found.

The rules are the library's. A `BrokerTarget` is a plain value; what the library needs to know of
it goes over in the same JSON that `serialize_broker_target()` gives.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from ._callbacks import python_values
from ._config import Config, config_handle, issue_warnings
from ._later import _plugins, pathlib, typing
from ._library import EMPTY, NULL, check, optional_text, owned_path, text
from ._native import ffi, lib
from ._records import Record

_put = object.__setattr__


class BrokerTarget(Record):
    """Where a broker lives. Immutable; equal by value.

    Attributes:
        backend_name: `sqlite`, `postgres` or `redis`.
        target: path of the file, or address of the server, with credentials.
        backend_options: further options of the backend.
        project_root: directory of the project, or None.
        config_path: the project file that named this target, or None.
        used_project_scope: whether the target was found by searching upward.
        legacy_sqlite_path_mode: whether it is a plain SQLite path, not of a project file.
    """

    __match_args__ = FIELDS = (
        "backend_name",
        "target",
        "backend_options",
        "project_root",
        "config_path",
        "used_project_scope",
        "legacy_sqlite_path_mode",
    )
    DEFAULTS = {
        "project_root": None,
        "config_path": None,
        "used_project_scope": False,
        "legacy_sqlite_path_mode": False,
    }
    FACTORIES = {"backend_options": dict}
    __slots__ = (*FIELDS, "_native")

    backend_name: str
    target: str
    backend_options: dict[str, typing.Any]
    project_root: pathlib.Path | None
    config_path: pathlib.Path | None
    used_project_scope: bool
    legacy_sqlite_path_mode: bool

    def __init__(
        self,
        backend_name: str,
        target: str,
        backend_options: Mapping[str, typing.Any] = {},
        project_root: pathlib.Path | None = None,
        config_path: pathlib.Path | None = None,
        used_project_scope: bool = False,
        legacy_sqlite_path_mode: bool = False,
    ) -> None:
        if not isinstance(backend_name, str) or not isinstance(target, str):
            raise TypeError("backend_name and target must be strings")
        _put(self, "backend_name", backend_name)
        _put(self, "target", target)
        _put(self, "backend_options", dict(backend_options))
        _put(self, "project_root", project_root)
        _put(self, "config_path", config_path)
        _put(self, "used_project_scope", used_project_scope)
        _put(self, "legacy_sqlite_path_mode", legacy_sqlite_path_mode)
        _put(self, "_native", None)

    @property
    def target_path(self) -> pathlib.Path | None:
        """Path of the file; None for a server."""
        return pathlib.Path(self.target) if self.backend_name == "sqlite" else None

    @property
    def display_target(self) -> str:
        """The target with passwords masked."""
        if self.backend_name == "sqlite":
            return self.target
        return text(lib.sb_target_display(native_target(self)))

    @property
    def plugin(self) -> _plugins.BackendPlugin:
        """The backend.

        Raises:
            RuntimeError: when it is not available.
        """
        from ._plugins import get_backend_plugin

        return get_backend_plugin(self.backend_name)

    def __repr__(self) -> str:
        options = {name: "***" for name in sorted(self.backend_options)}
        shown = {"target": self.display_target, "backend_options": options}
        fields = ", ".join(
            f"{name}={shown.get(name, getattr(self, name))!r}" for name in self.FIELDS
        )
        return f"BrokerTarget({fields})"


def _payload(target: BrokerTarget) -> dict[str, typing.Any]:
    fields = {name: getattr(target, name) for name in target.FIELDS}
    for name in ("project_root", "config_path"):
        if fields[name] is not None:
            fields[name] = str(fields[name])
    return fields


def serialize_broker_target(target: BrokerTarget) -> str:
    """A target as one line of JSON, credentials included."""
    import json

    return json.dumps(_payload(target), sort_keys=True, separators=(",", ":"))


def _from_json(encoded: bytes) -> typing.Any:
    out = ffi.new("sb_target **")
    check(lib.sb_target_deserialize(out, encoded, len(encoded)))
    return ffi.gc(out[0], lib.sb_target_free)


def deserialize_broker_target(payload: str | Mapping[str, typing.Any]) -> BrokerTarget:
    """The target that `serialize_broker_target()` wrote.

    Args:
        payload: its JSON, or the mapping that the JSON describes.

    Raises:
        ValueError: for anything else.
    """
    import json

    if isinstance(payload, str):
        json.loads(payload)  # names the place of a mistake as programs expect it
    else:
        payload = json.dumps(dict(payload))
    return from_native(_from_json(payload.encode("utf-8", "surrogatepass")))


def native_target(target: BrokerTarget) -> typing.Any:
    """The library's handle of a target; owned by the target."""
    if target._native is None:  # type: ignore[attr-defined]
        if target.backend_name == "sqlite":
            native = _sqlite(target.target)
        else:
            native = _from_json(serialize_broker_target(target).encode("utf-8", "surrogatepass"))
        _put(target, "_native", native)
    return target._native  # type: ignore[attr-defined]


def _path(pointer: typing.Any) -> pathlib.Path | None:
    found = optional_text(pointer)
    return None if found is None else pathlib.Path(found)


def from_native(native: typing.Any) -> BrokerTarget:
    """The value of a target of the library's."""
    names = lib.sb_target_option_names(native)
    size = ffi.new("size_t *")
    options = dict(
        zip(
            [
                str(ffi.buffer(lib.sb_strings_get(size, names, i), size[0]), "utf-8")
                for i in range(lib.sb_strings_count(names))
            ],
            python_values(lib.sb_target_option_values(native)),
            strict=True,
        )
    )
    target = BrokerTarget(
        text(lib.sb_target_backend(native)),
        text(lib.sb_target_address(native)),
        options,
        _path(lib.sb_target_project_root(native)),
        _path(lib.sb_target_config_path(native)),
        bool(lib.sb_target_used_project_scope(native)),
        bool(lib.sb_target_is_plain_path(native)),
    )
    _put(target, "_native", native)
    return target


def _sqlite(path: str) -> typing.Any:
    encoded = os.fsencode(path)
    out = ffi.new("sb_target **")
    check(lib.sb_target_sqlite(out, encoded, len(encoded)))
    return ffi.gc(out[0], lib.sb_target_free)


def sqlite_target(path: str | os.PathLike[str]) -> BrokerTarget:
    """The target of a SQLite file: absolute, `~` expanded, links resolved."""
    return from_native(_sqlite(os.fspath(path)))


def frozen_target(target: BrokerTarget) -> BrokerTarget:
    """A target whose path no longer depends on the working directory."""
    if target.backend_name != "sqlite":
        return target
    native = _sqlite(target.target)
    address = text(lib.sb_target_address(native))
    if address == target.target:
        return target
    fields = _payload(target) | {"target": address}
    for name in ("project_root", "config_path"):
        fields[name] = getattr(target, name)
    return BrokerTarget(**fields)


def as_target(db_target: str | os.PathLike[str] | BrokerTarget) -> BrokerTarget:
    """The target that a path, or a target, means."""
    if isinstance(db_target, BrokerTarget):
        return frozen_target(db_target)
    return sqlite_target(db_target)


def target_or_default(
    db_path: str | os.PathLike[str] | BrokerTarget | None, config: Config
) -> BrokerTarget:
    """The same for a queue, for which None and "" mean the configured default."""
    if db_path is None or db_path == "":
        return _found(lib.sb_target_for_directory, NULL, 0, config.native)
    return as_target(db_path)


def _found(function: typing.Any, *arguments: typing.Any) -> BrokerTarget:
    out = ffi.new("sb_target **")
    try:
        check(function(out, *arguments))
    finally:
        issue_warnings()
    return from_native(ffi.gc(out[0], lib.sb_target_free))


def _directory(path: str | os.PathLike[str]) -> tuple[bytes, int]:
    encoded = os.fsencode(os.fspath(path)) or b"."
    return encoded, len(encoded)


def target_for_directory(
    directory: str | pathlib.Path, *, config: Mapping[str, typing.Any] | None = None
) -> BrokerTarget:
    """The target of one directory: its project file, else a server, else its default file.

    Args:
        directory: need not exist.
        config: settings over those of the environment.

    Raises:
        ValueError: for a project file with mistakes.
        RuntimeError: for a backend that is not available.
    """
    arguments = _directory(directory)
    native = config_handle(config).native
    return _found(lib.sb_target_for_directory, *arguments, native)


def resolve_broker_target(
    starting_dir: str | pathlib.Path | None = None,
    *,
    config: Mapping[str, typing.Any] | None = None,
) -> BrokerTarget | None:
    """The target found by searching upward; None when there is none.

    Raises:
        ValueError: for a missing directory, or a project file with mistakes.
        RuntimeError: for a backend that is not available.
    """
    arguments = (NULL, 0) if starting_dir is None else _directory(starting_dir)
    out = ffi.new("sb_target **")
    settings = config_handle(config)
    try:
        status = check(lib.sb_target_discover(out, *arguments, settings.native))
    finally:
        issue_warnings()
    return None if status == EMPTY else from_native(ffi.gc(out[0], lib.sb_target_free))


def broker_root(
    starting_dir: str | pathlib.Path | None = None,
    *,
    config: Mapping[str, typing.Any] | None = None,
) -> pathlib.Path | None:
    """Directory of the project whose target `resolve_broker_target()` finds, or None."""
    target = resolve_broker_target(starting_dir, config=config)
    return None if target is None else target.project_root


def resolve_project_target(
    config_path: pathlib.Path, *, config: Mapping[str, typing.Any] | None = None
) -> BrokerTarget:
    """The target that a project file describes.

    Raises:
        ValueError: for a file with mistakes.
        OSError: for one that cannot be read.
        RuntimeError: for a backend that is not available.
    """
    native = config_handle(config).native
    with open(os.fspath(config_path), "rb"):  # names what is wrong as Python does
        pass
    return _found(lib.sb_target_from_project_file, *_directory(config_path), native)


def find_project_config(
    starting_dir: pathlib.Path,
    *,
    config: Mapping[str, typing.Any] | None = None,
    max_depth: int = 100,
) -> pathlib.Path | None:
    """Path of the project file found upward; None when there is none.

    Args:
        starting_dir: where to begin.
        config: settings over those of the environment.
        max_depth: levels to look at.
    """
    out, size = ffi.new("char **"), ffi.new("size_t *")
    directory = _directory(starting_dir.resolve())
    native = config_handle(config).native
    status = check(lib.sb_project_file_find(out, size, *directory, max_depth, native))
    return None if status == EMPTY else pathlib.Path(owned_path(out[0], size[0]))


def project_config_path_for_directory(
    directory: pathlib.Path, *, config: Mapping[str, typing.Any] | None = None
) -> pathlib.Path:
    """Path where a directory's project file would be, existing or not."""
    out, size = ffi.new("char **"), ffi.new("size_t *")
    native = config_handle(config).native
    check(lib.sb_project_file_path(out, size, *_directory(directory.resolve()), native))
    return pathlib.Path(owned_path(out[0], size[0]))


__all__ = [
    "BrokerTarget",
    "broker_root",
    "deserialize_broker_target",
    "find_project_config",
    "project_config_path_for_directory",
    "resolve_broker_target",
    "resolve_project_target",
    "serialize_broker_target",
    "target_for_directory",
]
