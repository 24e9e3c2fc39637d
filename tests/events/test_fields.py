"""One table says what every field of every event is."""

import re

import pytest

from elkmon.events import fields
from elkmon.events.datasets import DATASETS
from elkmon.events.fields import BY_NAME, FIELDS, Kind, find

NAME = re.compile(r"@timestamp|[a-z_]+(\.([a-z_]+|\d+))*")


def test_no_field_is_declared_twice():
    names = [field.name for field in FIELDS]

    assert len(names) == len(set(names))
    assert list(BY_NAME) == names


def test_no_field_is_both_a_value_and_the_room_of_others():
    for one in BY_NAME:
        assert not any(other.startswith(f"{one}.") for other in BY_NAME), one


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_every_field_says_what_it_is(field):
    assert NAME.fullmatch(field.name)
    assert field.meaning[-1] in ".…"
    assert field.datasets
    assert set(field.datasets) <= set(DATASETS)
    assert len(set(field.datasets)) == len(field.datasets)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_a_time_says_its_unit(field):
    if field.kind is Kind.DATE:
        assert field.unit == "ms"


def test_the_join_writes_onto_predictions_and_labels_only():
    for field in FIELDS:
        if field.writer == "join":
            assert set(field.datasets) <= {"elkmon.prediction", "elkmon.label"}


@pytest.mark.parametrize(
    ("kind", "elastic", "duckdb", "keyed"),
    [
        (Kind.KEYWORD, "keyword", "VARCHAR", False),
        (Kind.TEXT, "text", "VARCHAR", False),
        (Kind.DATE, "date", "TIMESTAMP", False),
        (Kind.DOUBLE, "double", "DOUBLE", False),
        (Kind.LONG, "long", "BIGINT", False),
        (Kind.BOOLEAN, "boolean", "BOOLEAN", False),
        (Kind.KEYWORDS, "keyword", "VARCHAR[]", False),
        (Kind.CATEGORIES, "flattened", "MAP(VARCHAR, VARCHAR)", True),
        (Kind.LABELS, "flattened", "MAP(VARCHAR, JSON)", True),
        (Kind.NUMBERS, "object", "MAP(VARCHAR, DOUBLE)", True),
    ],
)
def test_a_kind_has_its_type_in_each_store(kind, elastic, duckdb, keyed):
    assert (kind.elastic, kind.duckdb, kind.keyed) == (elastic, duckdb, keyed)


def test_every_kind_is_in_use_and_distinct():
    assert {field.kind for field in FIELDS} == set(Kind)
    assert len(Kind) == 10


# --- find -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BY_NAME)
def test_a_field_is_found_by_its_name(name):
    assert find(name) == (BY_NAME[name], None)


@pytest.mark.parametrize(("short", "full"), fields._SHORT.items())
def test_a_field_is_found_by_its_short_name(short, full):
    assert find(short) == (BY_NAME[full], None)


@pytest.mark.parametrize(
    ("typed", "name", "key"),
    [
        ("segment.country", "ml.segment", "country"),
        ("ml.segment.country", "ml.segment", "country"),
        ("ml.segment.a.b", "ml.segment", "a.b"),
        ("feature.device", "ml.features.category", "device"),
        ("ml.features.number.amount", "ml.features.number", "amount"),
        ("ml.prediction.scores.fraud", "ml.prediction.scores", "fraud"),
        ("labels.request_id", "labels", "request_id"),
        ("labels.a.b.c", "labels", "a.b.c"),
    ],
)
def test_an_entry_of_a_keyed_field_is_found(typed, name, key):
    assert find(typed) == (BY_NAME[name], key)


@pytest.mark.parametrize(
    "typed", ["", "nothing", "ml", "ml.model", "ml.model.name.x", "version.x", "@timestamp.x", "."]
)
def test_what_is_no_field_is_not_found(typed):
    with pytest.raises(KeyError):
        find(typed)


def test_no_short_name_hides_a_field():
    assert not set(fields._SHORT) & set(BY_NAME)
