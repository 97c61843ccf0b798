"""What the 2.5 series called otherwise: `since_timestamp` is `after_timestamp`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from ._later import TYPE_CHECKING, typing

if TYPE_CHECKING:
    P = typing.ParamSpec("P")
    R = typing.TypeVar("R")


def renamed(keywords: dict[str, typing.Any]) -> dict[str, typing.Any]:
    """Keywords with `since_timestamp` under its name of today.

    Raises:
        TypeError: when both names are given.
    """
    if "since_timestamp" in keywords:
        if "after_timestamp" in keywords:
            raise TypeError("since_timestamp and after_timestamp are the same; give one of them")
        keywords["after_timestamp"] = keywords.pop("since_timestamp")
    return keywords


def accepts_since(function: Callable[P, R]) -> Callable[P, R]:
    """Lets a function take `since_timestamp` for `after_timestamp`."""

    @wraps(function)
    def accepting(*arguments: typing.Any, **keywords: typing.Any) -> typing.Any:
        if not keywords:  # the most frequent calls are these, and the next line costs
            return function(*arguments)  # type: ignore[call-arg]
        return function(*arguments, **renamed(keywords))

    return accepting


def accepts_old_form(function: Callable[P, R]) -> Callable[P, R]:
    """Lets options be given by position, and `after_str` as `since_str`."""
    required = function.__code__.co_argcount
    options = tuple(function.__kwdefaults__ or ())

    @wraps(function)
    def accepting(*arguments: typing.Any, **keywords: typing.Any) -> typing.Any:
        by_position = dict(zip(options, arguments[required:], strict=False))
        if "since_str" in keywords:
            by_position["after_str"] = keywords.pop("since_str")
        for name in by_position.keys() & keywords.keys():
            raise TypeError(f"{function.__name__}() got several values for {name!r}")
        arguments = arguments[:required] + arguments[required + len(options) :]
        return function(*arguments, **by_position, **keywords)

    return accepting
