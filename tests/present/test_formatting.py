"""How figures look."""

from datetime import datetime, timedelta, timezone

import pytest

from elkmon.present.formatting import cell, counts, interval, percent
from elkmon.present.sparklines import sparkline
from elkmon.query.times import step
from elkmon.statistics.rate import Rate, Sums
from elkmon.stores.protocol import TimeBucket

NOW = datetime(2026, 11, 24, tzinfo=timezone.utc)


def rate(k, n, weight=1.0):
    return Sums(k, k * weight, k * weight**2).out_of(Sums(n, n * weight, n * weight**2), "why")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (rate(123, 1000), "12.3 % [10.4, 14.5]"),
        (rate(0, 1000), "0 % [0, 0.38]"),
        (rate(1000, 1000), "100 % [99.6, 100]"),
        (rate(3, 100_000), "0.0030 % [0.0010, 0.0088]"),
        (rate(1, 10_000_000), "1e-05 % [2e-06, 0.0001]"),
        (rate(5, 10, weight=4.0), "50.0 %* [23.7, 76.3]"),
        (rate(0, 0), "– "),
    ],
)
def test_a_share_has_the_digits_that_its_interval_allows(given, text):
    assert f"{percent(given)} {interval(given)}" == text


def test_counts_have_separators():
    assert counts(rate(29, 7200)) == "29 / 7,200"


def test_an_absent_rate_is_not_weighted():
    assert not Rate(None, None, None, 0, 0, 0.0, 0.0, 0.0, "why").weighted


def test_a_sparkline_goes_from_nothing_to_its_top():
    assert sparkline([0.0, 0.5, 1.0, None, 2.0], 1.0) == "▁▅█·█"
    assert sparkline([0.0, 0.0], 0.0) == "▁▁"
    assert sparkline([], 1.0) == ""


@pytest.mark.parametrize(
    ("span", "steps"),
    [
        (timedelta(minutes=10), TimeBucket(1, "m")),
        (timedelta(hours=24), TimeBucket(2, "h")),
        (timedelta(days=7), TimeBucket(12, "h")),
        (timedelta(days=30), TimeBucket(2, "d")),
        (timedelta(days=365), TimeBucket(4, "w")),
        (timedelta(days=36500), TimeBucket(52, "w")),
    ],
)
def test_steps_keep_a_sparkline_short(span, steps):
    assert step(NOW - span, NOW) == steps


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "(none)"), (True, "true"), (False, "false"), (3.0, "3"), (0.5, "0.5"), ("a\n", "a\\n")],
)
def test_a_group_is_named(value, text):
    assert cell(value) == text
