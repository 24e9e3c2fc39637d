"""Times as text are read alike on every Python version."""

from datetime import datetime, timezone

import pytest

from elkmon.events.times import from_iso


def utc(*parts):
    return datetime(*parts, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-20", utc(2026, 11, 20)),
        ("20261120", utc(2026, 11, 20)),
        ("20261120T080000Z", utc(2026, 11, 20, 8)),
        ("2026-11-20T08", utc(2026, 11, 20, 8)),
        ("2026-11-20T08:30Z", utc(2026, 11, 20, 8, 30)),
        ("2026-11-20 08:30:15", utc(2026, 11, 20, 8, 30, 15)),
        ("2026-11-20T08:30:15.5Z", utc(2026, 11, 20, 8, 30, 15, 500_000)),
        ("2026-11-20T08:30:15,123456789Z", utc(2026, 11, 20, 8, 30, 15, 123_456)),
        ("2026-11-20T08:30:15+02:00", utc(2026, 11, 20, 6, 30, 15)),
        ("2026-11-20T08:30:15-0530", utc(2026, 11, 20, 14, 0, 15)),
        ("2026-11-20T08:30:15 +02", utc(2026, 11, 20, 6, 30, 15)),
        (" 2026-11-20T08:30:15z ", utc(2026, 11, 20, 8, 30, 15)),
    ],
)
def test_iso_8601_is_read(text, expected):
    assert from_iso(text) == expected


@pytest.mark.parametrize("text", ["", "now", "2026", "2026-13-01", "2026-11-20T25:00", "1", "24h"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match=r"time|month|hour"):
        from_iso(text)
