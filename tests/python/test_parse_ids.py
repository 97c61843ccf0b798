"""TimestampGenerator.validate (contract: python-api 10 and 13, cli 10 and 11)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simplebroker.ext import BrokerError, TimestampError, TimestampGenerator

validate = TimestampGenerator.validate
ADVICE = (
    "timestamp bounds require integral seconds. For finer granularity, use integer ms, "
    "integer ns, or a native hybrid message ID."
)
LARGEST = 2**63 - 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0000000000000000000", 0),
        ("0000000000000000005", 5),
        (" 1705329000000000000\n", 1705329000000000000),
        ("\u2003" + str(LARGEST), LARGEST),
        ("\u0661705329000000000000", 1705329000000000000),
    ],
)
def test_exact__takes_19_digits(text, value):
    assert validate(text, exact=True) == value
    assert validate(text, True) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty string"),
        (" \n", "empty string"),
        ("5", "exact mode requires exactly 19 digits"),
        ("01705329000000000000", "exact mode requires exactly 19 digits"),
        ("+705329000000000000", "exact mode requires exactly 19 digits"),
        ("1_70532900000000000", "exact mode requires exactly 19 digits"),
        ("1705329000000000000ns", "exact mode requires exactly 19 digits"),
        ("\xb2" * 19, "exact mode requires exactly 19 digits"),
        ("\ud800" + "1" * 18, "exact mode requires exactly 19 digits"),
        ("1\0" + "1" * 17, "exact mode requires exactly 19 digits"),
        ("2024-01-15", "exact mode requires exactly 19 digits"),
        ("9223372036854775808", "exceeds maximum value"),
        ("9" * 19, "exceeds maximum value"),
    ],
)
def test_exact__each_cause_has_its_text(text, reason):
    with pytest.raises(TimestampError) as refused:
        validate(text, exact=True)
    assert str(refused.value) == f"Invalid timestamp: {reason}"
    assert refused.value.outcome_ambiguous is False
    assert isinstance(refused.value, BrokerError) and not isinstance(refused.value, ValueError)


@given(st.integers(min_value=0, max_value=LARGEST))
def test_exact__takes_every_formatted_id(ident):
    assert validate(f"{ident:019d}", exact=True) == ident


@given(st.text())
def test_validate__refuses_texts_in_one_way(text):
    for exact in (False, True):
        try:
            assert 0 <= validate(text, exact=exact) <= LARGEST
        except TimestampError as refused:
            assert str(refused).startswith("Invalid timestamp: ")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0000000000000000005", 4999999488),
        ("1705329000", 1705329000000000000),
        ("1705329000000ms", 1705329000000000000),
        ("2024-01-15T14:30:00Z", 1705329000000000000),
        ("1837025672140161025", 1837025672140161025),
        ("\uff11\uff17\uff10\uff15\uff13\uff12\uff19\uff10\uff10\uff10s", 1705329000000000000),
    ],
)
def test_bound__forms(text, value):
    assert validate(text) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty string"),
        ("9223372036854775808", "exceeds maximum value"),
        ("9223372037s", "too far in future"),
        ("9223372037", "9223372037"),
        ("1e9", "scientific notation not supported; " + ADVICE),
        ("now", "now; " + ADVICE),
        ("2024-13-01", "2024-13-01; " + ADVICE),
        ("\uff15us", "5us; " + ADVICE),
    ],
)
def test_bound__each_cause_has_its_text(text, reason):
    with pytest.raises(TimestampError) as refused:
        validate(text)
    assert str(refused.value) == f"Invalid timestamp: {reason}"
    assert refused.value.outcome_ambiguous is False


def test_validate__takes_text_only():
    for bad in (None, 5, 1.5, True, b"1" * 19):
        for exact in (False, True):
            with pytest.raises((TypeError, AttributeError)):
                validate(bad, exact=exact)
