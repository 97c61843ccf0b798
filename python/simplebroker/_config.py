"""Settings: the library normalises and checks them, this module gives them Python's types.

A `Config` is a set of settings with the library's handle. Where it comes from decides what it
means: the environment as it is now, the snapshot taken when the package was first imported, or
values that keep the environment out (`ResolvedConfig`).
"""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import ItemsView, Iterator, Mapping
from types import FrameType

from ._exceptions import InvalidConfigError
from ._later import typing
from ._library import NULL, check, text
from ._native import ffi, lib

_TYPES: dict[str, int] = {
    text(lib.sb_config_key(i)): lib.sb_config_key_type(i) for i in range(lib.sb_config_key_count())
}
_NAMES: dict[str, bytes] = {key: key.encode() for key in _TYPES}
_PATHS = ("BROKER_PROJECT_CONFIG_PATH", "BROKER_PROJECT_CONFIG_NAME")
_SCALARS = (str, bytes, int, float, bool, type(None))
_INT64 = range(-(2**63), 2**63)

# ---- warnings --------------------------------------------------------------------------------

_OF_OPERATIONS = (
    0,
    lib.SB_WARN_ALIAS,
    lib.SB_WARN_TIMESTAMP,
    lib.SB_WARN_CHECKPOINT,
    lib.SB_WARN_NETWORK_FS,
    lib.SB_WARN_POLLING,
)
_heard = threading.local()
_INSIDE = (__package__, "contextlib")  # whose frames are not where a warning comes from


def _hear(kind: int, message: str) -> None:
    """Keeps what the library warns of until `issue_warnings()`: a callback cannot raise.

    What happens to a write is told at once, for nobody asks after each; if that raises, later.
    """
    if kind == lib.SB_WARN_TIMESTAMP:
        try:
            return issue_warning(kind, message)
        except Warning:
            pass
    heard: list[tuple[int, str]] = _heard.__dict__.setdefault("warnings", [])
    heard.append((kind, message))


def issue_warnings() -> None:
    """Gives this thread's warnings to Python's `warnings`, which may turn them into exceptions."""
    heard = _heard.__dict__.pop("warnings", ())
    for kind, message in heard:
        issue_warning(kind, message)


def issue_warning(kind: int, message: str) -> None:
    """Gives one warning (`SB_WARN_*`; 0: of a command's own) to Python's `warnings`.

    It is attributed to the line outside of the package that led here, however deep that is.
    """
    if kind == lib.SB_WARN_PROJECT_FILE:
        _print_warning(message)
    elif kind in _OF_OPERATIONS:
        warnings.warn(message, RuntimeWarning, stacklevel=_level_of_caller())
    else:
        warnings.warn(message, UserWarning, stacklevel=_level_of_caller())


def _level_of_caller() -> int:
    """The `stacklevel` of the innermost frame outside of the package, seen from our caller."""
    frame: FrameType | None = sys._getframe(1)
    level = 1
    while frame is not None and frame.f_globals.get("__name__", "").split(".")[0] in _INSIDE:
        frame = frame.f_back
        level += 1
    return level


def _print_warning(message: str) -> None:
    """What the contract has on standard error: a project file that exposes something."""
    print(f"simplebroker: warning: {message}", file=sys.stderr)


_listener = ffi.new_handle(_hear)


def _listening(native: typing.Any) -> typing.Any:
    from . import _callbacks as _callbacks  # implements sbpy_warning

    check(lib.sb_config_on_warning(native, lib.sbpy_warning, _listener, NULL))
    return native


# ---- native configurations -------------------------------------------------------------------


def _owned(function: typing.Any, *arguments: typing.Any) -> typing.Any:
    out = ffi.new("sb_config **")
    check(function(out, *arguments))
    return _listening(ffi.gc(out[0], lib.sb_config_free))


def _refuse(key: object, value: object) -> None:
    """Raises the library's refusal of a value that has no place in the header."""
    if type(value) in _SCALARS:
        shown = repr(value)
    else:
        shown = f"<{type(value).__name__}>"
    name = key if isinstance(key, str) else repr(key)
    key_bytes = name.encode("utf-8", "backslashreplace")
    shown_bytes = shown.encode("utf-8", "backslashreplace")
    check(lib.sb_config_refuse(key_bytes, len(key_bytes), shown_bytes, len(shown_bytes)))


def _set_text(native: typing.Any, name: bytes, value: str) -> int:
    encoded = str.encode(value, "utf-8", "surrogateescape")
    return int(lib.sb_config_set_text(native, name, len(name), encoded, len(encoded)))


def _set_int(native: typing.Any, name: bytes, value: int) -> int:
    if value not in _INT64:
        return _set_text(native, name, int.__repr__(value))
    return int(lib.sb_config_set_int64(native, name, len(name), value))


def _set_converted(native: typing.Any, name: bytes, kind: int, value: typing.Any) -> int:
    """A value of a foreign type, through the conversion of Python that the setting stands for."""
    if kind == lib.SB_TEXT:
        return _set_text(native, name, str(value))
    if kind == lib.SB_BOOL:
        return _set_text(native, name, str(value) if value else "")
    if kind == lib.SB_DOUBLE:
        return int(lib.sb_config_set_double(native, name, len(name), float(value)))
    return _set_int(native, name, int(value))


def _set(native: typing.Any, key: str, value: typing.Any) -> None:
    name, kind = _NAMES[key], _TYPES[key]
    try:
        if isinstance(value, str):
            status = _set_text(native, name, value)
        elif isinstance(value, bool):
            status = lib.sb_config_set_bool(native, name, len(name), value)
        elif isinstance(value, int):
            status = _set_int(native, name, int(value))
        elif isinstance(value, float):
            status = lib.sb_config_set_double(native, name, len(name), value)
        elif key == "BROKER_LOAD_MAX_FUTURE_SKEW_SECONDS":  # takes no conversions
            status = lib.SB_ECONFIG
        else:
            status = _set_converted(native, name, kind, value)
    except (TypeError, ValueError, OverflowError) as error:
        try:
            _refuse(key, value)
        except InvalidConfigError as refusal:
            raise refusal from error
        raise
    if status == lib.SB_ECONFIG and (type(value) not in (str, int, float, bool)):
        if kind == lib.SB_TEXT and not isinstance(value, str):
            check(status)  # the text that it became is to be shown
        _refuse(key, value)
    check(status)


def _override(
    native: typing.Any, overrides: ItemsView[typing.Any, typing.Any]
) -> dict[typing.Any, typing.Any]:
    """Lays values over a configuration; hands back those of unknown keys."""
    unknown: dict[typing.Any, typing.Any] = {}
    paths: dict[str, typing.Any] = {}
    for key, value in overrides:
        if not isinstance(key, str) or key not in _TYPES:
            unknown[key] = value
        elif key in _PATHS:
            paths[key] = value
        else:
            _set(native, key, value)
    if len(paths) == 2:  # the two are checked together: each by itself may not fit the old other
        _set(native, _PATHS[1], ".broker.toml")
    for key in _PATHS:
        if key in paths:
            _set(native, key, paths[key])
    return unknown


def _text_value(native: typing.Any, name: bytes) -> str:
    out, size = ffi.new("char const **"), ffi.new("size_t *")
    check(lib.sb_config_get_text(out, size, native, name, len(name)))
    return str(ffi.buffer(out[0], size[0]), "utf-8", "surrogateescape")


def _value(native: typing.Any, key: str) -> typing.Any:
    kind, name = _TYPES[key], _NAMES[key]
    if kind == lib.SB_TEXT:
        return _text_value(native, name)
    if kind == lib.SB_DOUBLE:
        number = ffi.new("double *")
        check(lib.sb_config_get_double(number, native, name, len(name)))
        return number[0]
    integer = ffi.new("int64_t *")
    check(lib.sb_config_get_int64(integer, native, name, len(name)))
    return bool(integer[0]) if kind == lib.SB_BOOL else integer[0]


class Config:
    """Settings with the library's handle; not changed after they are made."""

    __slots__ = ("_key", "_values", "extra", "native")

    def __init__(
        self, native: typing.Any, extra: dict[typing.Any, typing.Any] | None = None
    ) -> None:
        self.native = native
        self.extra = extra or {}
        self._values: dict[typing.Any, typing.Any] | None = None
        self._key: tuple[typing.Any, ...] | None = None

    @property
    def values(self) -> dict[typing.Any, typing.Any]:
        """The 32 normalised values, then those of unknown keys as they were given."""
        if self._values is None:
            self._values = {key: _value(self.native, key) for key in _TYPES} | self.extra
        return self._values

    @property
    def key(self) -> tuple[typing.Any, ...]:
        """Equal for equal settings, whatever way they came."""
        if self._key is None:
            self._key = tuple(map(self.values.__getitem__, _TYPES))
        return self._key


# ---- the public mappings ---------------------------------------------------------------------


class ResolvedConfig(Mapping[str, "typing.Any"]):
    """The 32 settings, checked and normalised, that keep the environment out.

    Given as `config=` anywhere, it is used as it is.

    Args:
        values: settings by key; the built-in defaults stand for what is missing.

    Raises:
        InvalidConfigError: for an unknown key or a value that a setting cannot take.
    """

    __slots__ = ("_config",)
    __hash__ = None  # type: ignore[assignment]

    _config: Config

    def __init__(self, values: Mapping[str, typing.Any]) -> None:
        native = _owned(lib.sb_config_isolated)
        try:
            for key, value in _override(native, dict(values).items()).items():
                _refuse(key, value)
        finally:
            issue_warnings()
        object.__setattr__(self, "_config", Config(native))

    def __getitem__(self, key: str) -> typing.Any:
        return self._config.values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(_TYPES)

    def __len__(self) -> int:
        return len(_TYPES)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ResolvedConfig):
            return NotImplemented
        return self._config.key == other._config.key

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("ResolvedConfig cannot be changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("ResolvedConfig cannot be changed")

    def __repr__(self) -> str:
        return "<ResolvedConfig of 32 settings>"

    def __reduce__(self) -> tuple[typing.Any, ...]:
        return (_restored, (type(self), dict(self)))


def _restored(cls: type[ResolvedConfig], values: dict[str, typing.Any]) -> ResolvedConfig:
    return cls(values)


def _wrapped(config: Config) -> ResolvedConfig:
    resolved = ResolvedConfig.__new__(ResolvedConfig)
    object.__setattr__(resolved, "_config", config)
    return resolved


class Snapshot(Mapping[str, "typing.Any"]):
    """The environment at the first import of the package: its values, or the error they gave."""

    def __init__(self) -> None:
        self._config: Config | None = None
        self._error: InvalidConfigError | None = None
        try:
            self._config = Config(_owned(lib.sb_config_from_environment))
        except InvalidConfigError as error:
            self._error = error.with_traceback(None)

    def config(self) -> Config:
        """The settings.

        Raises:
            InvalidConfigError: the one that reading the environment gave then.
        """
        if self._error is not None:
            raise InvalidConfigError(
                key=self._error.key,
                source=self._error.source,
                expected=self._error.expected,
                value_display=self._error.value_display,
            )
        assert self._config is not None
        return self._config

    def __getitem__(self, key: str) -> typing.Any:
        return self.config().values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(_TYPES)

    def __len__(self) -> int:
        return len(_TYPES)

    def __repr__(self) -> str:
        return "<settings of the environment at import>"


SNAPSHOT = Snapshot()
_heard.__dict__.pop("warnings", None)  # importing stays silent; fresh reads of the environment warn


def from_environment() -> Config:
    """The environment as it is now.

    Raises:
        InvalidConfigError: for a variable with a value that its setting cannot take.
    """
    return Config(_owned(lib.sb_config_from_environment))


_defaults: Config | None = None


def built_in_defaults() -> Config:
    """The built-in defaults, whatever the environment says."""
    global _defaults
    if _defaults is None:
        _defaults = Config(_owned(lib.sb_config_isolated))
    return _defaults


def config_handle(
    config: Mapping[str, typing.Any] | None,
    *,
    ambient: str = "environment",
) -> Config:
    """The settings that a `config=` argument means.

    Args:
        config: a `ResolvedConfig` is used as it is; other mappings lie over the environment of
            now; None is the ambient configuration.
        ambient: what None means.

    Raises:
        InvalidConfigError: for a value that a setting cannot take.
    """
    if isinstance(config, ResolvedConfig):
        return config._config
    if config is None and ambient == "snapshot":
        config = SNAPSHOT
    if isinstance(config, Snapshot):
        return config.config()
    return _over_environment(config)


def _over_environment(overrides: Mapping[str, typing.Any] | None) -> Config:
    """The environment as it is now with values laid over it; its warnings are issued."""
    try:
        resolved = from_environment()
        if overrides is not None:
            resolved.extra = _override(resolved.native, overrides.items())
    finally:
        issue_warnings()
    return resolved


def resolve_config(overrides: Mapping[str, typing.Any] | None = None) -> typing.Any:
    """Reads the environment and lays values over it.

    Args:
        overrides: settings by key, normalised as the environment's are; unknown keys pass through
            unchanged. A `ResolvedConfig` gives an equal new one, and the environment is not read.

    Returns:
        A new dict of all settings, or a `ResolvedConfig` for a `ResolvedConfig`.

    Raises:
        InvalidConfigError: for a variable or a value that a setting cannot take.
    """
    if isinstance(overrides, ResolvedConfig):
        return _wrapped(overrides._config)
    return dict(_over_environment(overrides).values)


def resolve_isolated_config(overrides: Mapping[str, typing.Any]) -> ResolvedConfig:
    """The built-in defaults with values laid over them; the environment is never read.

    Raises:
        InvalidConfigError: for an unknown key, or a value that a setting cannot take.
    """
    return ResolvedConfig(overrides)


def load_config() -> dict[str, typing.Any]:
    """All settings of the environment as it is now; see `resolve_config()`."""
    return dict(_over_environment(None).values)
