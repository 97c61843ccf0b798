"""Bound strings of --after and --before (contract: cli 10)."""

import pytest

ADVICE = ("timestamp bounds require integral seconds. For finer granularity, use integer ms, "
          "integer ns, or a native hybrid message ID.")
MAX = 2**63 - 1

ACCEPTED = [
    ("0", 0), ("1", 999997440),
    ("00", 0), ("5", 4999999488),
    ("2024", 2024000000000), ("4097", 4096999997440),
    ("1705329000", 1705329000000000000), ("01705329000", 1705329000000000000),
    ("1705329000s", 1705329000000000000), ("1705329000ms", 1705328999997440),
    ("1705329000ns", 1705328640), ("1705329000000", 1705329000000000000),
    ("1705329000000ms", 1705329000000000000), ("170532900000", 170532899999997952),
    ("100000000000", 100000000000000000), ("999999999999", 999999999998996480),
    ("17592186044416", 17592186044416),
    ("17592186044417", 17592186044417), ("1705329000000000", 1705329000000000),
    ("1837025672140161025", 1837025672140161025),
    ("1837025672140161025ns", 1837025672140161024),
    ("9223372036854775807", MAX),
    ("9223372036854775807ns", 9223372036854771712), ("9223372036s", 9223372035999997952),
    ("9223372036854ms", 9223372036853997568),
    ("0000000000000000001", 999997440),
    ("4095ns", 0), ("4096ns", 4096),
    ("1ms", 999424), ("0s", 0),
    ("2024-01-15", 1705276800000000000), ("20240115", 1705276800000000000),
    ("2024-01-15T14:30:00Z", 1705329000000000000), ("2024-01-15 14:30:00", 1705329000000000000),
    ("2024-01-15T14:30", 1705329000000000000), ("2024-01-15T14", 1705327200000000000),
    ("20240115T143000Z", 1705329000000000000), ("2024-W03-1", 1705276800000000000),
    ("2024-01-15T14:30:00-05:00", 1705347000000000000),
    ("2024-01-15T14:30:00+0530", 1705309200000000000),
    ("2024-01-15T14:30:00+05:30:15", 1705309184999997440),
    ("2024-01-15Z", 1705276800000000000),
    ("2024-12-31T23:59:59Z", 1735689598999998464), ("1970-01-01T00:00:01Z", 999997440),
    ("1950-01-01", 0), ("10550401", 0),
    ("20241345", 20241344999997440), ("99999999", 99999998999998464),
    ("20240115s", 20240114999996416), ("2262-04-11T23:47:16Z", 9223372035999997952),
    ("٢٠٢٤٠١١٥", 1705276800000000000), ("１７０５３２９０００s", 1705329000000000000),
    ("  1705329000  ", 1705329000000000000),
    ("2024-01-15t14:30:00", 1705329000000000000),
    # Beyond the table: blanks of any kind, other separators, week and compact forms.
    ("\t1705329000\n", 1705329000000000000), ("\u2003\u00a01705329000\u3000", 1705329000000000000),
    ("2024-W03", 1705276800000000000),
    ("2024-01-15_14:30:00", 1705329000000000000), ("20240115T1430", 1705329000000000000),
    ("20240115T143000+0530", 1705309200000000000), ("2024-01-15T14:30:00+05", 1705311000000000000),
    ("2024-01-15T143000", 1705329000000000000), ("2024-02-29", 1709164800000000000),
    ("1969-12-31T23:59:59Z", 0), ("0001-01-01", 0), ("1970-01-01T00:00:00+05:00", 0),
    ("17592186044415999ns", 17592186044411904),
    ("0009223372036", 9223372035999997952),
]

TOO_FAR = "too far in future"
TOO_LARGE = "exceeds maximum value"
SCIENTIFIC = "scientific notation not supported; " + ADVICE

REFUSED = [
    ("99999999999", None), ("9999999999999", None), ("17592186044415", None),
    ("9223372037", None),
    ("9223372036854775808", TOO_LARGE), ("123456789012345678901234567890", TOO_LARGE),
    ("9223372037s", TOO_FAR), ("2262-04-12", TOO_FAR), ("9999-12-31", TOO_FAR),
    ("9223372036855ms", TOO_FAR), ("9223372036854775808ns", TOO_FAR),
    ("1e9", SCIENTIFIC), ("1e3s", SCIENTIFIC), ("1.5e3", SCIENTIFIC), ("-1E5", SCIENTIFIC),
    ("+2e-3ms", SCIENTIFIC),
    ("", "empty string"), ("   ", "empty string"), ("\u2003\t", "empty string"),
    ("1705329000 s", ADVICE), ("2024-01-15T14:30:00z", ADVICE), ("2024-01-15T14:30:00.5Z", ADVICE),
    ("2024-01-15T14:30:00,5Z", ADVICE), ("1705329000.0", ADVICE), ("1.5s", ADVICE),
    ("+5", ADVICE), ("-5", ADVICE), ("1_000", ADVICE), ("0x10", ADVICE),
    ("1705329000S", ADVICE), ("5us", ADVICE), ("5m", ADVICE), ("5MS", ADVICE),
    ("2024-1-5", ADVICE), ("2024-01", ADVICE), ("2024-015", ADVICE), ("2024-02-30", ADVICE),
    ("2023-02-29", ADVICE), ("2024-13-01", ADVICE), ("0000-01-01", ADVICE), ("2024-W54", ADVICE),
    ("2024-W03-8", ADVICE), ("²", ADVICE), ("now", ADVICE), ("yesterday", ADVICE), ("s", ADVICE),
    ("ms", ADVICE), ("-5s", ADVICE), ("5 ms", ADVICE), ("2024-01-15T24:00:00", ADVICE),
    ("2024-01-15T14:60", ADVICE), ("2024-01-15T14:30:61", ADVICE), ("2024-01-15T", ADVICE),
    ("2024-01-15T14:30:00+25:00", ADVICE), ("2024-01-15T14:30:00+05:30:15.5", ADVICE),
    ("2024W031", ADVICE), ("20240115 143000+0530", ADVICE), ("5\u200b", ADVICE), ("1,5", ADVICE),
]


@pytest.mark.parametrize("text, value", ACCEPTED, ids=[ascii(row[0]) for row in ACCEPTED])
def test_accepted(run, text, value):
    """The messages just below, at and just above the value show where the bound lies."""
    ids = [n for n in (value - 1, value, value + 1) if 0 <= n <= MAX]
    run.db.create([("q", "m", n, 0) for n in ids])
    seen = run("peek", "q", "--all", "-t", f"--after={text}")
    above = [n for n in ids if n > value]
    assert (seen.ids(), seen.stderr) == (above, "") if above else seen.code == 2, seen
    if value >= MAX:
        assert run("peek", "q", "--all", "-t", f"--before={text}").ids() == [value - 1]


@pytest.mark.parametrize("text, reason", REFUSED, ids=[ascii(row[0]) for row in REFUSED])
def test_refused(run, text, reason):
    shown = "Invalid timestamp: " + text.strip()
    if reason == ADVICE:
        shown += "; " + ADVICE
    elif reason:
        shown = "Invalid timestamp: " + reason
    for option in ("--after", "--before"):
        result = run("peek", "q", f"{option}={text}").fails(1)
        assert result.stderr == f"simplebroker: error: {shown}\n"
    assert not run.db.exists()


def test_refused__json(run):
    result = run("peek", "q", "--json", "--after", "now")
    result.json_fails("INVALID_TIMESTAMP", "Invalid timestamp: now; " + ADVICE)


@pytest.mark.parametrize("text, option", [("0001-01-01T00:00:00+01:00", "--after"),
                                          ("9999-12-31T23:59:59-01:00", "--before")])
@pytest.mark.ours
def test_calendar_edge__an_ordinary_error(run, text, option):
    run("peek", "q", option, text).fails(1, "Invalid timestamp")


@pytest.mark.parametrize("command", [("read", "q"), ("move", "q", "d")])
def test_bounds__same_grammar_everywhere(run, command):
    run.db.create([("q", "old", 1705276800000000000, 0), ("q", "new", 1705276800000000001, 0)])
    run(*command, "--before", "2024-01-15").empty()
    run(*command, "--after", "2024-01-15", "-t").out("1705276800000000001\tnew\n")
