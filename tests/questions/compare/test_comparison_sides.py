"""The two sides of a comparison: which versions, over which spans."""

from datetime import datetime, timedelta, timezone

import pytest

from elkmon import QueryError
from elkmon.query.question import Question
from elkmon.questions.compare.comparison_sides import current_side, side_before, side_named
from elkmon.stores.protocol import ModelEntry, Span, VersionEntry

END = datetime(2026, 11, 24, tzinfo=timezone.utc)
DAY = timedelta(days=1)


def version(name, first, last, deployed=None):
    """Make a version that was seen from so many days before the end to so many."""
    return VersionEntry(name, Span(END - first * DAY, END - last * DAY), 10, 0, deployed)


def model(*versions):
    first = min((version.span.first for version in versions), default=END)
    return ModelEntry("m", ("binary",), versions, Span(first, END), 10, 0, 0, 0, 0, 0, 0, 0)


def question_with(**more):
    return Question.of(until=END, **more)


TWO = model(version("1", 30, 3), version("2", 3, 0))


def test_the_last_version_is_compared_with_the_one_before():
    now = current_side(TWO, question_with())
    before = side_before(TWO, question_with(), now)

    assert (now.name, now.since, now.until) == ("2", END - 3 * DAY, END)
    assert before.name == "1"
    assert before.until - before.since == 7 * DAY
    assert before.until == END - 3 * DAY + timedelta(milliseconds=1)


def test_a_version_that_began_before_the_span_counts_within_it():
    now = current_side(TWO, question_with(since=END - DAY))

    assert now.since == END - DAY


def test_one_version_is_compared_with_its_own_span_before():
    one = model(version("1", 30, 0))

    now = current_side(one, question_with())
    before = side_before(one, question_with(), now)

    assert now.version is None
    assert (before.since, before.until) == (END - 14 * DAY, END - 7 * DAY)
    assert now.name == "2026-11-17 00:00 to 2026-11-24 00:00"


def test_the_first_of_several_is_compared_with_its_own_span_before():
    question = question_with(where=["version=1"])

    now = current_side(TWO, question)
    before = side_before(TWO, question, now)

    assert (now.version, before.version) == ("1", "1")
    assert before.until == now.since


def test_where_there_is_nothing_before_there_is_no_baseline():
    young = model(version("1", 2, 0))

    assert side_before(young, question_with(), current_side(young, question_with())) is None


def test_a_version_that_is_not_seen_in_the_span_is_not_current():
    gone = model(version("1", 30, 0), version("2", 20, 15))

    assert current_side(gone, question_with()).version == "1"


@pytest.mark.parametrize(
    ("where", "expected"), [(["version!=2"], "1"), (["version!="], "2"), (["version=1"], "1")]
)
def test_conditions_choose_among_versions(where, expected):
    assert current_side(TWO, question_with(where=where)).version == expected


def test_conditions_on_anything_else_hold_on_both_sides():
    question = question_with(where=["version=2", "segment.site=porto"])
    now = current_side(TWO, question)
    before = side_before(TWO, question, now)

    for side, name in ((now, "2"), (before, "1")):
        where = side.filter("m", question)
        assert [(condition.field, condition.values) for condition in where.conditions] == [
            ("ml.model.name", ("m",)),
            ("ml.model.version", (name,)),
            ("ml.segment.site", ("porto",)),
        ]
        assert [condition.field for condition in side.conditions(question)] == [
            "ml.model.version", "ml.segment.site",
        ]  # fmt: skip


def test_a_version_can_be_named_also_one_from_before_the_span():
    old = model(version("1", 30, 20), version("2", 20, 0))

    side = side_named("1", question_with(), [old])

    assert side.version == "1"
    assert side.until == END - 20 * DAY + timedelta(milliseconds=1)
    assert side.until - side.since == 7 * DAY


def test_a_span_can_be_named():
    side = side_named("2026-11-01..2026-11-08", question_with(), [TWO])

    assert (side.version, side.since.day, side.until.day) == (None, 1, 8)


def test_a_span_may_begin_with_the_first_event():
    assert side_named("..2026-11-08", question_with(), [TWO]).since.year == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3", "no such version: 3; there are: 1, 2; a span is FROM..TO"),
        ("2026-11-08..2026-11-01", "is empty"),
        ("soon..now", "not a time: 'soon'"),
    ],
)
def test_what_is_neither_is_refused(text, message):
    with pytest.raises(QueryError, match=message):
        side_named(text, question_with(), [TWO])


def test_a_version_with_dots_in_its_name_is_a_version():
    odd = model(version("1..2", 3, 0))

    assert side_named("1..2", question_with(), [odd]).version == "1..2"
