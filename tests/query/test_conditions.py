"""Conditions, as people type them, and what they match."""

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elkmon import QueryError
from elkmon.query.conditions import (
    add_conditions,
    condition_texts,
    conditions,
    dataset_of,
    dimension,
    equal,
    lookup,
    matches,
    unknown_fields,
)
from elkmon.stores.protocol import Condition

EVENT = {
    "@timestamp": "2026-11-20T10:00:00.000Z",
    "event": {"dataset": "elkmon.prediction", "outcome": "success", "sequence": 7},
    "ml": {
        "model": {"name": "fraud", "version": "2.3.1"},
        "prediction": {"score": 0.9},
        "segment": {"country": "de"},
        "truth": {"correct": True},
    },
    "labels": {"a.b": "x", "try": 3},
}


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("version=2.0.0", Condition("ml.model.version", "=", ("2.0.0",))),
        ("version==2.0.0", Condition("ml.model.version", "=", ("2.0.0",))),
        (" version = 2.0.0 ", Condition("ml.model.version", "=", ("2.0.0",))),
        ("segment.country!=de", Condition("ml.segment.country", "!=", ("de",))),
        ("ml.prediction.score>=0.9", Condition("ml.prediction.score", ">=", (0.9,))),
        ("ml.prediction.score<1e-3", Condition("ml.prediction.score", "<", (0.001,))),
        ("event.sequence>5", Condition("event.sequence", ">", (5,))),
        ("ml.truth.correct=true", Condition("ml.truth.correct", "=", (True,))),
        ("ml.truth.correct=no", Condition("ml.truth.correct", "=", (False,))),
        ("labels.request_id=a=b", Condition("labels.request_id", "=", ("a=b",))),
        ('"segment.a=b"!="de "', Condition("ml.segment.a=b", "!=", ("de ",))),
        (' "segment.a" = "\\u00e9\\"\n" ', Condition("ml.segment.a", "=", ('é"\n',))),
        ('label="', Condition("ml.prediction.label", "=", ('"',))),
        ('label="a" or "b"', Condition("ml.prediction.label", "=", ('"a" or "b"',))),
        ('ml.prediction.score>="0.9"', Condition("ml.prediction.score", ">=", (0.9,))),
        ('version=""', Condition("ml.model.version", "missing")),
        ("version=", Condition("ml.model.version", "missing")),
        ("version!=", Condition("ml.model.version", "exists")),
        (
            "time<=2026-11-20",
            Condition("@timestamp", "<=", (datetime(2026, 11, 20, tzinfo=timezone.utc),)),
        ),
    ],
)
def test_a_condition_is_understood(text, condition):
    assert conditions([text]) == (condition,)


def test_several_equalities_of_one_field_mean_any_of_them():
    assert conditions(["version=1", "segment.site=a", "version=2", "version=1"]) == (
        Condition("ml.model.version", "=", ("1", "2")),
        Condition("ml.segment.site", "=", ("a",)),
    )


def test_two_bounds_of_one_field_both_hold():
    parsed = conditions(["ml.prediction.score>0.1", "ml.prediction.score>0.2"])

    assert [condition.values for condition in parsed] == [(0.1,), (0.2,)]


def test_a_mapping_takes_a_value_several_or_none():
    assert conditions({"version": 2, "segment.country": ["de", "fr"], "truth": None}) == (
        Condition("ml.model.version", "=", ("2",)),
        Condition("ml.segment.country", "=", ("de", "fr")),
        Condition("ml.truth.label", "missing"),
    )


def test_classes_are_named_as_they_are_everywhere():
    assert conditions({"label": [1.0, True]})[0].values == ("1", "true")


def test_nothing_one_text_and_conditions_are_taken_as_they_are():
    own = Condition("ml.model.version", "exists")

    assert conditions(None) == ()
    assert conditions("version!=") == (own,)
    assert conditions([own]) == (own,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version", "not a condition: 'version'; use field=value"),
        ("=2", "not a condition"),
        ("versio=2", "no such field: versio; did you mean version or ecs.version?"),
        ("qqqq=2", "no such field: qqqq; docs/reference/fields.md"),
        ("ml.segment=de", "ml.segment holds many entries: name one"),
        ("version>2", "version holds text, which has no order here"),
        ("ml.prediction.score>", "has no value"),
        ("ml.prediction.score=high", "ml.prediction.score holds numbers, not 'high'"),
        ("ml.truth.correct=perhaps", "is true or false, not 'perhaps'"),
        ("time>soon", "not a time: 'soon'"),
        (r'label="a\b\c"', r'not understood: "a\b\c"; in quotes \ begins an escape'),
    ],
)
def test_what_cannot_be_understood_is_refused_with_what_would_do(text, message):
    with pytest.raises(QueryError) as refused:
        conditions([text])

    assert message in str(refused.value)


def test_an_empty_list_of_values_is_refused():
    with pytest.raises(QueryError, match="where version has no value"):
        conditions({"version": []})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("time", "group by time with every"),
        ("message", "free text"),
        ("ml.redacted", "a list"),
        ("ml.segment", "holds many entries"),
        ("nonsense", "no such field"),
    ],
)
def test_groups_that_make_no_sense_are_refused(name, message):
    with pytest.raises(QueryError, match=message):
        dimension(name)


def test_conditions_are_written_so_that_they_are_understood_again():
    texts = [
        *("version=1", "version=2", "segment.country!=", "ml.truth.label="),
        *("ml.prediction.score>=0.25", "ml.truth.correct=true", "time<2026-11-20T10:00:00.500Z"),
    ]

    understood = conditions(texts)

    assert conditions(condition_texts(understood)) == understood


@given(st.text(min_size=1), st.text(min_size=1), st.sampled_from(["=", "!="]))
def test_whatever_names_and_values_are_they_are_written_so(name, value, op):
    condition = Condition(f"ml.segment.{name}", op, (value,))

    (text,) = condition_texts([condition])

    assert conditions([text]) == (condition,)
    assert text.isprintable()


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("ml.segment.site", "porto", "ml.segment.site=porto"),
        ("ml.segment.my site", "new york", "ml.segment.my site=new york"),
        ("ml.segment.a=b", "=x", '"ml.segment.a=b"="=x"'),
        ("ml.segment.site", "porto ", 'ml.segment.site="porto "'),
        ("ml.segment.site", '"\u202ex', r'ml.segment.site="\"\u202ex"'),
        ("ml.truth.label", None, "ml.truth.label="),
    ],
)
def test_quotes_stand_only_where_they_are_needed(field, value, text):
    assert condition_texts([equal(field, value)]) == [text]


def test_narrowed_conditions_keep_what_both_allow_also_as_text():
    either = conditions(["segment.site=a", "segment.site=b", "version=1"])

    parsed = add_conditions(either, equal("ml.segment.site", "b"), *conditions(["version!=2"]))

    assert parsed == conditions(["segment.site=b", "version=1", "version!=2"])
    assert conditions(condition_texts(parsed)) == parsed


def test_fields_that_a_dataset_never_has_are_named():
    where = conditions(["version=2", "segment.country=de"])

    assert unknown_fields(where, "elkmon.error") == ("ml.segment.country",)
    assert unknown_fields(where, "elkmon.prediction") == ()


@pytest.mark.parametrize(
    ("texts", "dataset"),
    [
        (["ml.eval.outcome=wrong"], "elkmon.prediction"),
        (["version=2", "metric.name=a"], "elkmon.metric"),
        (["version=2"], None),
        (["ml.eval.outcome!=wrong"], None),
        (["metric.name=a", "ml.eval.outcome=wrong"], None),
        ([], None),
    ],
)
def test_conditions_may_leave_one_kind_of_event(texts, dataset):
    assert dataset_of(conditions(texts)) == dataset


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("version=2.3.1", True),
        ("version=2", False),
        ("version!=2", True),
        ("version!=2.3.1", False),
        ("segment.country=de", True),
        ("segment.site=", True),
        ("segment.site!=", False),
        ("segment.site!=a", True),
        ("segment.site=a", False),
        ("segment.country!=", True),
        ("segment.country=", False),
        ("ml.prediction.score>0.8", True),
        ("ml.prediction.score>0.9", False),
        ("ml.prediction.score>=0.9", True),
        ("ml.prediction.score<0.9", False),
        ("ml.prediction.score<=0.9", True),
        ("event.sequence=7", True),
        ("ml.truth.correct=true", True),
        ("time>=2026-11-20", True),
        ("time<2026-11-20", False),
        ("labels.a.b=x", True),
        ("labels.try=3", True),
    ],
)
def test_an_event_meets_a_condition_or_not(text, met):
    assert matches(EVENT, conditions([text])) is met


def test_a_value_of_another_type_meets_nothing():
    event = {"ml": {"prediction": {"score": "high"}, "model": "fraud"}}

    assert not matches(event, conditions(["ml.prediction.score>0"]))
    assert not matches(event, conditions(["model=fraud"]))


def test_lookup_gives_whole_fields_and_entries():
    assert lookup(EVENT, "ml.segment") == {"country": "de"}
    assert lookup(EVENT, "ml.segment.country") == "de"
    assert lookup(EVENT, "ml.truth.label") is None
