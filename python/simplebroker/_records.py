"""Frozen records that behave as dataclasses, without importing `dataclasses`.

That module alone would cost a third of this package's import time. `dataclasses.fields()`,
`replace()`, `asdict()` and `is_dataclass()` work: they look for the fields, which are made then.
"""

from __future__ import annotations

from collections.abc import Callable

from ._later import typing


class _Fields:
    """`__dataclass_fields__`, made at the first look."""

    def __get__(self, instance: object, owner: type[Record]) -> dict[str, typing.Any]:
        import dataclasses

        specifications: list[typing.Any] = []
        for name in owner.FIELDS:
            kind = owner.__annotations__.get(name, typing.Any)
            if name in owner.FACTORIES:
                default: typing.Any = dataclasses.field(default_factory=owner.FACTORIES[name])
            elif name in owner.DEFAULTS:
                default = dataclasses.field(default=owner.DEFAULTS[name])
            else:
                default = dataclasses.field()
            specifications.append((name, kind, default))
        made: typing.Any = dataclasses.make_dataclass(owner.__name__, specifications, frozen=True)
        fields: dict[str, typing.Any] = made.__dataclass_fields__
        owner.__dataclass_fields__ = fields  # type: ignore[assignment]
        return fields


def _refuse(instance: object, name: str, action: str) -> typing.NoReturn:
    import dataclasses

    raise dataclasses.FrozenInstanceError(f"cannot {action} field {name!r}")


class Record:
    """Base of the records: equality by value, a repr of all fields, no changes."""

    __slots__ = ("__weakref__",)

    FIELDS: tuple[str, ...] = ()
    DEFAULTS: dict[str, typing.Any] = {}
    FACTORIES: dict[str, Callable[[], typing.Any]] = {}
    __dataclass_fields__ = _Fields()

    def _astuple(self) -> tuple[typing.Any, ...]:
        return tuple(getattr(self, name) for name in self.FIELDS)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._astuple() == other._astuple()

    def __hash__(self) -> int:
        return hash(self._astuple())

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.FIELDS)
        return f"{type(self).__qualname__}({fields})"

    def __setattr__(self, name: str, value: object) -> None:
        _refuse(self, name, "assign to")

    def __delattr__(self, name: str) -> None:
        _refuse(self, name, "delete")

    def __reduce__(self) -> tuple[typing.Any, ...]:
        return (type(self), self._astuple())
