"""Times, spans and steps, as people type them."""

from datetime import date, datetime, timedelta, timezone

import pytest

from elkmon import QueryError
from elkmon.query.times import bucket, iso, moment, now, window
from elkmon.stores.protocol import TimeBucket

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=timezone.utc)


def utc(*parts):
    return datetime(*parts, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("30s", utc(2026, 11, 24, 9, 29, 30)),
        ("5m", utc(2026, 11, 24, 9, 25)),
        ("24h", utc(2026, 11, 23, 9, 30)),
        ("7d", utc(2026, 11, 17, 9, 30)),
        ("2w", utc(2026, 11, 10, 9, 30)),
        ("now", NOW),
        (" Now ", NOW),
        ("2026-11-01", utc(2026, 11, 1)),
        ("2026-11-01T08:30:00", utc(2026, 11, 1, 8, 30)),
        ("2026-11-01 08:30", utc(2026, 11, 1, 8, 30)),
        ("2026-11-01T08:30:00Z", utc(2026, 11, 1, 8, 30)),
        ("2026-11-01T08:30:00.250z", utc(2026, 11, 1, 8, 30, 0, 250_000)),
        ("2026-11-01T08:30:00+01:00", utc(2026, 11, 1, 7, 30)),
        (timedelta(hours=2), utc(2026, 11, 24, 7, 30)),
        (date(2026, 11, 1), utc(2026, 11, 1)),
        (datetime(2026, 11, 1, 8), utc(2026, 11, 1, 8)),  # noqa: DTZ001 - without a zone is UTC
        (datetime(2026, 11, 1, 8, tzinfo=timezone(timedelta(hours=2))), utc(2026, 11, 1, 6)),
    ],
)
def test_a_time_is_understood(typed, meant):
    assert moment(typed, NOW) == meant


@pytest.mark.parametrize(
    "typed", ["", "yesterday", "7 parsecs", "-7d", "2026-13-01", "999999999w", 7, None]
)
def test_what_is_no_time_is_refused_with_what_would_do(typed):
    with pytest.raises(QueryError, match=r"not a time: .*; use 24h, 7d, 2026-11-01"):
        moment(typed, NOW)


def test_the_window_is_the_last_7_days_unless_said_otherwise():
    assert window(None, None, NOW) == (NOW - timedelta(days=7), NOW)
    assert window(None, "2026-11-10", NOW) == (utc(2026, 11, 3), utc(2026, 11, 10))
    assert window("1h", None, NOW) == (NOW - timedelta(hours=1), NOW)


def test_an_empty_window_is_refused_with_both_ends():
    with pytest.raises(QueryError, match=r"2026-11-24T02:30:00Z is not before .* 2026-11-01"):
        window("7h", "2026-11-01", NOW)


def test_now_is_the_end_of_this_second_so_that_what_was_just_logged_is_within():
    before = datetime.now(timezone.utc)

    _, until = window(None, None)

    assert before < until <= now() + timedelta(seconds=1)
    assert until.microsecond == 0


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("5m", TimeBucket(5, "m")),
        ("1h", TimeBucket(1, "h")),
        ("12h", TimeBucket(12, "h")),
        ("d", TimeBucket(1, "d")),
        ("1w", TimeBucket(1, "w")),
        (timedelta(minutes=90), TimeBucket(90, "m")),
        (timedelta(days=14), TimeBucket(2, "w")),
        (TimeBucket(3, "h"), TimeBucket(3, "h")),
    ],
)
def test_a_step_is_understood(typed, meant):
    assert bucket(typed) == meant


@pytest.mark.parametrize("typed", ["", "0h", "1y", "-1h", "1.5h", timedelta(seconds=30)])
def test_what_is_no_step_is_refused_with_what_would_do(typed):
    with pytest.raises(QueryError, match=r"not a width in time: .*; use 5m, 1h, 12h, 1d or 1w"):
        bucket(typed)


def test_iso_has_milliseconds_only_where_there_are_any():
    assert iso(NOW) == "2026-11-24T09:30:00Z"
    assert iso(NOW.replace(microsecond=5_000)) == "2026-11-24T09:30:00.005Z"
