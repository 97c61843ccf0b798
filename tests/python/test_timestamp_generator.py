"""Message ids over a high-water that a backend object keeps."""

from __future__ import annotations

from typing import Any

import pytest

from simplebroker.ext import DataError, IntegrityError, TimestampError, TimestampGenerator


class Store:
    name = "store"
    backend_api_version = 7
    sql = None
    is_direct_backend = True

    def __init__(self) -> None:
        self.last: Any = 0
        self.calls: list[str] = []
        self.losses = 0
        self.error: BaseException | None = None

    def create_core(self, target: str, **options: Any) -> None:
        """Not used by a generator."""

    def read_last_ts(self, runner: Any) -> Any:
        self.calls.append("read")
        return self.last

    def advance_last_ts(self, runner: Any, *, new_ts: int) -> bool:
        self.calls.append("advance")
        if self.error is not None:
            raise self.error
        if self.losses or new_ts <= self.last:
            self.losses = max(0, self.losses - 1)
            return False
        self.last = new_ts
        return True


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def generator(store: Store) -> TimestampGenerator:
    return TimestampGenerator(object(), backend_plugin=store)  # type: ignore[arg-type]


def test_nothing_is_read_at_construction(store: Store, generator: TimestampGenerator) -> None:
    assert store.calls == []


def test_ids_grow_and_are_stored(store: Store, generator: TimestampGenerator) -> None:
    ids = [generator.generate() for _ in range(1000)]
    assert ids == sorted(set(ids))
    assert store.last == generator.get_cached_last_ts() == ids[-1]


def test_a_lost_advance_is_followed_by_a_read(store: Store, generator: TimestampGenerator) -> None:
    generator.generate()
    store.calls.clear()
    store.losses = 1
    generator.generate()
    assert store.calls == ["advance", "read", "advance"]


def test_others_that_are_always_faster(store: Store, generator: TimestampGenerator) -> None:
    store.losses = 1000
    with pytest.raises(IntegrityError, match="unable to generate unique timestamp"):
        generator.generate()


def test_a_missing_high_water(store: Store, generator: TimestampGenerator) -> None:
    generator.generate()
    store.losses = 1
    store.last = None
    with pytest.raises(TimestampError, match="meta.last_ts missing"):
        generator.generate()
    assert generator.refresh_last_ts() == 0


def test_a_floor_is_never_lowered(store: Store, generator: TimestampGenerator) -> None:
    first = generator.generate()
    assert generator.advance_to_at_least(5) == first
    assert generator.advance_to_at_least(first + 10**12) == first + 10**12
    assert generator.generate() > first + 10**12
    store.losses = 1
    with pytest.raises(TimestampError, match="below requested floor"):
        generator.advance_to_at_least(first + 10**15)


@pytest.mark.parametrize("wrong", [None, True, "5", 1.5])
def test_a_floor_of_a_wrong_type(generator: TimestampGenerator, wrong: Any) -> None:
    with pytest.raises(TypeError, match="timestamp must be an int"):
        generator.advance_to_at_least(wrong)


@pytest.mark.parametrize("wrong", [-1, 2**63])
def test_a_floor_out_of_range(generator: TimestampGenerator, wrong: int) -> None:
    with pytest.raises(ValueError, match="timestamp"):
        generator.advance_to_at_least(wrong)


@pytest.mark.parametrize("error", [ValueError("v"), KeyboardInterrupt(), DataError("d")])
def test_exceptions_of_the_backend_come_through(
    store: Store, generator: TimestampGenerator, error: BaseException
) -> None:
    store.error = error
    with pytest.raises(type(error)) as caught:
        generator.generate()
    assert caught.value is error
    store.error = None
    assert generator.generate() == store.last


@pytest.mark.ours
def test_a_high_water_that_is_no_timestamp(store: Store, generator: TimestampGenerator) -> None:
    for wrong in ("abc", 1.5, 2**70):
        store.last = wrong
        with pytest.raises((TypeError, ValueError)):
            generator.refresh_last_ts()


@pytest.mark.parametrize("version", [6, 8, None, True, "7"])
def test_a_backend_of_another_version_is_refused(store: Store, version: Any) -> None:
    store.backend_api_version = version
    with pytest.raises(RuntimeError):
        TimestampGenerator(object(), backend_plugin=store)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("1700000000", 1700000000000000000),
        ("1700000000s", 1700000000000000000),
        ("2024-01-01", 1704067200000000000),
        (" 1837025672140161024 ", 1837025672140161024),
        ("0", 0),
    ],
)
def test_bounds_are_parsed(text: str, expected: int) -> None:
    assert TimestampGenerator.validate(text) == expected


@pytest.mark.parametrize("text", ["", "abc", "-5", "1e9", "9" * 19, "\0", "nan"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(TimestampError):
        TimestampGenerator.validate(text)


def test_exact_ids() -> None:
    assert TimestampGenerator.validate("1837025672140161024", exact=True) == 1837025672140161024
    with pytest.raises(TimestampError, match="exactly 19 digits"):
        TimestampGenerator.validate("1700000000", exact=True)
    with pytest.raises(TimestampError, match="exceeds maximum value"):
        TimestampGenerator.validate("9" * 19, exact=True)


@pytest.mark.ours
@pytest.mark.parametrize("value", [None, 5, b"5", 1.5])
def test_validate__takes_texts_only(value):
    for exact in (False, True):
        with pytest.raises(TypeError):
            TimestampGenerator.validate(value, exact=exact)
