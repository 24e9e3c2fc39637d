"""The most frequent exceptions: one row a fingerprint, whichever versions it was seen in."""

from datetime import datetime, timedelta, timezone

from elkmon.query.question import Question
from elkmon.questions.exceptions.figures import exceptions

START = datetime(2026, 11, 20, tzinfo=timezone.utc)


def raised(fingerprint, count, *, version="1", model="m", first=0, last=1, kind="ValueError"):
    """Lay out what a store says of one fingerprint in one version; hours since START."""
    times = (START + timedelta(hours=first), START + timedelta(hours=last))
    return (fingerprint, kind, "app in f", model, version, count, *times)


def test_the_most_frequent_comes_first(laid):
    store = laid(raised("a", 2), raised("b", 9), raised("c", 5))

    assert [row.fingerprint for row in exceptions(store, Question.of()).rows] == ["b", "c", "a"]


def test_of_equal_ones_the_older_comes_first(laid):
    store = laid(raised("a", 2, first=3), raised("b", 2, first=1))

    assert [row.fingerprint for row in exceptions(store, Question.of()).rows] == ["b", "a"]


def test_versions_are_put_together_in_the_order_of_first_sight(laid):
    store = laid(
        raised("a", 2, version="2.0", first=5, last=9),
        raised("a", 3, version="10.0", first=1, last=4),
        raised("a", 1, version=None, first=2, last=3),
    )

    (row,) = exceptions(store, Question.of()).rows

    assert row.count == 6
    assert row.versions == ("10.0", "2.0")
    assert row.models == ("m",)
    assert row.first_seen == START + timedelta(hours=1)
    assert row.last_seen == START + timedelta(hours=9)


def test_a_limit_keeps_the_most_frequent(laid):
    result = exceptions(laid(raised("a", 1), raised("b", 2)), Question.of(), limit=1)

    assert [row.fingerprint for row in result.rows] == ["b"]


def test_times_without_a_zone_are_in_utc(laid):
    first = START.replace(tzinfo=None)
    store = laid(("a", "E", None, None, None, 1, first, first))

    (row,) = exceptions(store, Question.of()).rows

    assert row.first_seen == START
    assert (row.models, row.versions) == ((), ())


def test_it_asks_the_error_events_alone(laid):
    store = laid()

    exceptions(store, Question.of(model="m", where=["version=2"]))

    assert [request["dataset"] for request in store.asked] == ["elkmon.error"]
    assert [condition.field for condition in store.asked[0]["where"].conditions] == [
        *("ml.model.name", "ml.model.version")
    ]


def test_a_condition_that_errors_never_meet_leaves_them_out_and_says_so(laid):
    store = laid(raised("a", 1))

    result = exceptions(store, Question.of(where=["segment.country=de"]))

    assert result.rows == ()
    assert result.notes == ("exceptions are left out: they have no ml.segment.country",)
    assert store.asked == []


def test_as_dictionaries_lists_stay_lists_and_as_cells_they_are_one_text(laid):
    result = exceptions(laid(raised("a", 1), raised("a", 1, version="2", first=1)), Question.of())

    assert result.to_dicts()[0]["versions"] == ["1", "2"]
    assert result.to_pandas().loc[0, "versions"] == "1 2"
