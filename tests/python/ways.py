"""Many ways to do a thing, many values to do it with: enough pairs of them as parameters."""

import itertools

import pytest


def each(ways, *values):
    """Parameters: each way with one of the values by turns, and all values with the first way."""
    turns = itertools.cycle(values)
    pairs = [(way, next(turns)) for way in ways]
    first = next(iter(ways))
    pairs += [(first, value) for value in values if (first, value) not in pairs]
    return [pytest.param(ways[way], value, id=f"{way}({value!r:.25})") for way, value in pairs]
