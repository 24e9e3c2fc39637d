"""The arguments that every figure takes, understood once."""

from datetime import datetime, timezone

import pytest

from elkmon import QueryError
from elkmon.query.question import Question
from elkmon.stores.protocol import Condition, FieldValue, TimeBucket

NOW = datetime(2026, 11, 24, 9, tzinfo=timezone.utc)


def test_the_model_is_always_among_the_groups():
    question = Question.of(by=["version"], now=NOW)

    assert question.by == ("model", "version")
    assert question.dimensions == (FieldValue("ml.model.name"), FieldValue("ml.model.version"))


def test_a_group_asked_for_twice_is_one():
    assert Question.of(by=["version", "ml.model.version", "ml.model.name"]).by == (
        *("model", "version"),
    )


def test_one_group_may_be_a_text():
    assert Question.of(by="segment.country").by == ("model", "segment.country")


def test_the_filter_holds_span_model_and_conditions():
    where = Question.of(model="fraud", since="1d", where={"version": "2"}, now=NOW).filter

    assert (where.since, where.until) == (datetime(2026, 11, 23, 9, tzinfo=timezone.utc), NOW)
    assert where.conditions == (
        Condition("ml.model.name", "=", ("fraud",)),
        Condition("ml.model.version", "=", ("2",)),
    )


def test_steps_come_after_the_groups_and_can_be_replaced():
    question = Question.of(every="1d", now=NOW)

    assert question.dimensions[-1] == TimeBucket(1, "d")
    assert question.stepped(None).dimensions == (FieldValue("ml.model.name"),)


def test_it_can_be_asked_over_another_span():
    other = Question.of(now=NOW).over(NOW, NOW.replace(hour=10))

    assert (other.since, other.until) == (NOW, NOW.replace(hour=10))


def test_as_a_dictionary_it_is_json_as_it_was_typed():
    question = Question.of(model="fraud", every="1d", by=["version"], where=["version=2"], now=NOW)

    assert question.to_dict() == {
        "model": "fraud",
        "since": "2026-11-17T09:00:00Z",
        "until": "2026-11-24T09:00:00Z",
        "every": "1d",
        "by": ["model", "version"],
        "where": ["ml.model.version=2"],
    }


def test_a_field_that_is_not_there_is_refused():
    with pytest.raises(QueryError, match="no such field: versoin; did you mean version"):
        Question.of(by=["versoin"])
