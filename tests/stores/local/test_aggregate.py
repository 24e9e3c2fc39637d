"""Groups and measures: the same answer whether events are NDJSON, Parquet, or some of each."""

from datetime import timedelta, timezone

import duckdb
import pytest

from elkmon import QueryError, StoreError
from elkmon.stores.local.compact import compact
from elkmon.stores.local.store import LocalStore
from elkmon.stores.protocol import Bins, Condition, Edges, FieldValue, Filter, Measure, TimeBucket
from tests.support.event_folders import (
    ALL,
    COUNT,
    ask,
    event,
    line,
    prediction,
    utc,
    variants,
    write,
)

MODEL, VERSION = FieldValue("ml.model.name"), FieldValue("ml.model.version")
SCORE, VALUE = "ml.prediction.score", "ml.prediction.value"
RATE = "ml.sample.weight"

EVENTS = (
    prediction("a", {
        "ml.model.version": "1", SCORE: 0.35, "event.duration": 1000, "ml.nonfinite": ["x", "y"],
        "ml.segment": {"country": "de", "Country": "DE"}, "labels": {"user": 7, "vip": True},
        "ml.features.number": {"age": 30, "big": 1e300}, "ml.features.category": {"color": "red"},
    }, at="2026-10-31T23:59:59.999Z"),
    prediction("b", {
        "ml.model.version": "1", SCORE: 0.5, "event.duration": 3000, RATE: 4.0,
        "ml.segment": {"country": "fr"}, "labels": {"user": "7", "list": [1, 2]},
        "ml.features.number": {"age": 41.5},
    }, at="2026-11-01T00:00:00.000Z"),
    prediction("c", {
        "ml.model.version": "2", SCORE: 1.0, RATE: 2.0, "ml.nonfinite": ["y"],
        "ml.segment": {"country": "de", "a.b": "dotted"}, "event.outcome": "failure",
    }, at="2026-11-22T23:59:00.000Z"),
    prediction("d", {
        "ml.model.version": "10", SCORE: 0.0, "ml.segment": {"": "empty", 'q"\'[]': "quoted"},
        "ml.features.number": {"age": None},
    }, at="2026-11-23T00:00:00.000Z"),
    prediction("e", {SCORE: -0.1, "ml.segment": {"straße": "ä", "country": None}}, model="Fraud",
               at="2026-11-23T12:34:56.789Z"),
    prediction("f", {"ml.model.name": None, "ml.model.version": "2"}, at="2026-12-01T00:00:00Z"),
    event("label", "l1", {"ml.model.name": "fraud", "ml.prediction.id": "a",
                          "ml.truth.correct": True, "ml.truth.observed_at": "2026-11-25T00:00:00Z"},
          at="2026-11-25T00:00:00.000Z"),
    event("label", "l2", {"ml.model.name": "fraud", "ml.prediction.id": "b",
                          "ml.truth.correct": False}, at="2026-11-26T00:00:00.000Z"),
)  # fmt: skip
JUST_C = {"event.outcome": "failure"}


@pytest.fixture(scope="module", params=["ndjson", "columns", "mixed"])
def store(request, tmp_path_factory):
    folder = variants(tmp_path_factory.mktemp("folder") / "store", request.param, *EVENTS)
    opened = LocalStore(folder)
    yield opened
    opened.close()


def ids(store, *conditions, since=None, until=None, dataset="elkmon.prediction"):
    """Give the ids of the predictions that conditions leave."""
    where = Filter(since, until, conditions)
    rows = ask(store, FieldValue("ml.prediction.id"), dataset=dataset, where=where)
    return "".join(row[0] for row in rows)


def test_events_are_counted_by_a_field_with_none_last(store):
    assert ask(store, MODEL) == [("Fraud", 1), ("fraud", 4), (None, 1)]


def test_columns_are_the_dimensions_then_the_measures(store):
    table = store.aggregate(
        "elkmon.prediction", by=[MODEL, VERSION], measures=[COUNT, COUNT], where=ALL
    )

    assert table.columns == ("d0", "d1", "m0", "m1")
    assert table.rows == (
        ("Fraud", None, 1, 1),
        ("fraud", "1", 2, 2),
        ("fraud", "10", 1, 1),
        ("fraud", "2", 1, 1),
        (None, "2", 1, 1),
    )


def test_without_measures_the_groups_are_told(store):
    assert ask(store, MODEL, measures=()) == [("Fraud",), ("fraud",), (None,)]


def test_the_same_dimension_may_be_asked_twice(store):
    assert ask(store, MODEL, MODEL)[0] == ("Fraud", "Fraud", 1)


def test_nothing_asked_is_nothing_answered(store):
    assert ask(store, measures=()) == []


def test_no_event_gives_no_row(store):
    nothing = Filter(until=utc(2000, 1, 1))

    assert ask(store, where=nothing) == []
    assert ask(store, MODEL, where=nothing) == []
    assert ask(store, dataset="elkmon.metric") == []


@pytest.mark.parametrize(
    ("field", "rows"),
    [
        ("ml.segment.country", [("de", 2), ("fr", 1), (None, 3)]),
        ("ml.segment.Country", [("DE", 1), (None, 5)]),
        ("ml.segment.COUNTRY", [(None, 6)]),
        ("ml.segment.a.b", [("dotted", 1), (None, 5)]),
        ("ml.segment.", [("empty", 1), (None, 5)]),
        ("ml.segment.q\"'[]", [("quoted", 1), (None, 5)]),
        ("ml.segment.straße", [("ä", 1), (None, 5)]),
        ("ml.segment.STRASSE", [(None, 6)]),
        ("ml.segment.x'] OR 1=1 --", [(None, 6)]),
        ('ml.segment."); DROP TABLE x; --', [(None, 6)]),
        ("ml.segment.^", [(None, 6)]),
        ("labels.user", [("7", 2), (None, 4)]),
        ("labels.vip", [("true", 1), (None, 5)]),
        ("labels.list", [("[1,2]", 1), (None, 5)]),
        ("ml.features.category.color", [("red", 1), (None, 5)]),
        ("ml.features.number.big", [(1e300, 1), (None, 5)]),
        ("segment.country", [("de", 2), ("fr", 1), (None, 3)]),
    ],
)
def test_an_entry_of_a_keyed_field_is_a_dimension_whatever_its_name(store, field, rows):
    assert ask(store, FieldValue(field)) == rows


def test_entries_whose_names_differ_in_case_only_are_told_apart(store):
    names = ("country", "Country", "COUNTRY", "cOUNTRY", "^country")

    rows = ask(store, *(FieldValue(f"ml.segment.{name}") for name in names))

    assert rows[0] == ("de", "DE", None, None, None, 1)
    assert rows[1] == ("de", None, None, None, None, 1)


def test_an_entry_and_the_whole_field_may_be_asked_of_at_once(store):
    where = Filter(conditions=(Condition("ml.segment", "exists"),))

    rows = ask(store, FieldValue("ml.segment.country"), where=where)

    assert rows == [("de", 2), ("fr", 1), (None, 2)]


@pytest.mark.parametrize(
    ("bucket", "rows"),
    [
        (TimeBucket(1, "m"), [(utc(2026, 10, 31, 23, 59), 1), (utc(2026, 11, 1), 1),
                              (utc(2026, 11, 22, 23, 59), 1), (utc(2026, 11, 23), 1),
                              (utc(2026, 11, 23, 12, 34), 1), (utc(2026, 12, 1), 1)]),
        (TimeBucket(12, "h"), [(utc(2026, 10, 31, 12), 1), (utc(2026, 11, 1), 1),
                               (utc(2026, 11, 22, 12), 1), (utc(2026, 11, 23), 1),
                               (utc(2026, 11, 23, 12), 1), (utc(2026, 12, 1), 1)]),
        (TimeBucket(1, "d"), [(utc(2026, 10, 31), 1), (utc(2026, 11, 1), 1),
                              (utc(2026, 11, 22), 1), (utc(2026, 11, 23), 2),
                              (utc(2026, 12, 1), 1)]),
        (TimeBucket(1, "w"), [(utc(2026, 10, 26), 2), (utc(2026, 11, 16), 1),
                              (utc(2026, 11, 23), 2), (utc(2026, 11, 30), 1)]),
        (TimeBucket(1, "M"), [(utc(2026, 10, 1), 1), (utc(2026, 11, 1), 4),
                              (utc(2026, 12, 1), 1)]),
        (TimeBucket(3, "M"), [(utc(2026, 10, 1), 6)]),
    ],
)  # fmt: skip
def test_time_falls_into_buckets_of_utc_and_weeks_begin_on_monday(store, bucket, rows):
    assert ask(store, bucket) == rows


def test_times_before_1970_fall_into_buckets_too(kept):
    folder = kept(prediction("a", at="1969-12-31T23:59:59.999999Z"), prediction("b"))

    assert ask(folder, TimeBucket(1, "h"))[0] == (utc(1969, 12, 31, 23), 1)
    assert ask(folder, TimeBucket(1, "w"))[0] == (utc(1969, 12, 29), 1)
    assert ask(folder, TimeBucket(2, "M"))[0] == (utc(1969, 11, 1), 1)


def test_bins_are_the_floor_of_the_value_by_the_width_in_double(store):
    rows = ask(store, Bins(SCORE, 0.05))

    # 0.35 / 0.05 is 6.999999999999999 in double: a float, or a decimal, would say otherwise
    assert rows == [(-2.0, 1), (0.0, 1), (6.0, 1), (10.0, 1), (20.0, 1), (None, 1)]
    assert 0.35 // 0.05 == 6.0
    assert ask(store, Bins("event.duration", 2000)) == [(0.0, 1), (1.0, 1), (None, 4)]
    assert ask(store, Bins("ml.features.number.age", 10))[:2] == [(3.0, 1), (4.0, 1)]


def test_bins_may_be_of_some_events_only(store):
    version = Condition("ml.model.version", "=", ("1", "10"))

    rows = ask(store, VERSION, Bins(SCORE, 0.5, version))

    assert rows == [
        *(("1", 0.0, 1), ("1", 1.0, 1), ("10", 0.0, 1), ("2", None, 2), (None, None, 1)),
    ]


@pytest.mark.parametrize(
    ("edges", "rows"),
    [
        ((0.0, 0.5, 1.0), [(0, 2), (1, 1), (None, 3)]),
        ((0.0, 0.5, 1.0, 2.0), [(0, 2), (1, 1), (2, 1), (None, 2)]),
        ((float("-inf"), 0.35, float("inf")), [(0, 2), (1, 3), (None, 1)]),
        ((5.0, 6.0), [(None, 6)]),
    ],
)
def test_edges_include_their_beginning_and_leave_out_their_end(store, edges, rows):
    assert ask(store, Edges(SCORE, edges)) == rows


def test_what_is_absent_counts_in_no_measure(store):
    kinds = ("count", "weight", "weight2", "sum", "sum2", "min", "max")

    rows = ask(store, MODEL, measures=[Measure(kind, "event.duration") for kind in kinds])

    assert rows == [
        ("Fraud", 0, 0.0, 0.0, None, None, None, None),
        ("fraud", 2, 5.0, 17.0, 13000.0, 37e6, 1000, 3000),
        (None, 0, 0.0, 0.0, None, None, None, None),
    ]


def test_without_a_field_the_measures_are_of_all_events(store):
    measures = [Measure(kind) for kind in ("count", "weight", "weight2")]

    assert ask(store, measures=measures) == [(6, 10.0, 24.0)]


def test_entries_and_times_can_be_measured(store):
    age = "ml.features.number.age"
    measures = [Measure("count", age), Measure("sum", age), Measure("max", "@timestamp")]
    measures += [Measure("min", "@timestamp"), Measure("count", "ml.segment.country")]

    (row,) = ask(store, measures=measures)

    first = utc(2026, 10, 31, 23, 59, 59, 999000)
    assert row == (2, 30 + 4 * 41.5, utc(2026, 12, 1), first, 3)


@pytest.mark.parametrize(
    ("conditions", "left"),
    [
        ([("ml.model.version", "=", "1")], "ab"),
        ([("ml.model.version", "=", "1", "10")], "abd"),
        ([("ml.model.version", "!=", "1")], "cdef"),
        ([("ml.model.version", "!=", "1", "2")], "de"),
        ([("ml.model.version", "exists")], "abcdf"),
        ([("ml.model.version", "missing")], "e"),
        ([("ml.model.version", "<", "2")], "abd"),
        ([(SCORE, "<", 0.35)], "de"),
        ([(SCORE, "<=", 0.35)], "ade"),
        ([(SCORE, ">", "0.5")], "c"),
        ([(SCORE, ">=", 0.5), (SCORE, "<", 1)], "b"),
        ([(SCORE, "=", 0)], "d"),
        ([(SCORE, "!=", 0, 1)], "abef"),
        ([(SCORE, "<", float("inf"))], "abcde"),
        ([("event.duration", "=", 1000)], "a"),
        ([("event.duration", "=", 2**70)], ""),
        ([("ml.segment.country", "=", "de")], "ac"),
        ([("ml.segment.country", "!=", "de")], "bdef"),
        ([("ml.segment.country", "missing")], "def"),
        ([("ml.segment.Country", "exists")], "a"),
        ([("ml.segment.", "=", "empty")], "d"),
        ([("ml.segment.q\"'[]", "exists")], "d"),
        ([("ml.segment", "missing")], "f"),
        ([("labels.user", "=", "7")], "ab"),
        ([("labels.vip", "=", True)], "a"),
        ([("labels.user", "exists"), ("labels.vip", "missing")], "b"),
        ([("ml.features.number.age", ">", 30)], "b"),
        ([("ml.features.number.big", ">", 1e299)], "a"),
        ([("ml.nonfinite", "=", "x")], "a"),
        ([("ml.nonfinite", "=", "x", "y")], "ac"),
        ([("ml.nonfinite", "!=", "x")], "bcdef"),
        ([("ml.nonfinite", "exists")], "ac"),
        ([("ml.model.name", "=", "' OR 1=1 --")], ""),
        ([("ml.model.name", "=", "fraud"), ("ml.model.name", "!=", "fraud")], ""),
        ([("@timestamp", ">=", "2026-11-23")], "def"),
        ([("@timestamp", "<", "2026-11-01T01:00:00+01:00")], "a"),
        ([("@timestamp", "=", utc(2026, 11, 1))], "b"),
        ([("time", ">", utc(2026, 11, 23))], "ef"),
        ([("event.created", "exists")], "abcdef"),
        ([("outcome", "=", "failure")], "c"),
    ],
)  # fmt: skip
def test_conditions_leave_what_they_say(store, conditions, left):
    made = [Condition(field, op, tuple(values)) for field, op, *values in conditions]

    assert ids(store, *made) == left


@pytest.mark.parametrize(
    ("values", "left"),
    [((True,), "a"), (("false",), "b"), (("YES", 0), "ab"), ((1,), "a"), (("no",), "b")],
)
def test_booleans_are_understood_as_people_write_them(store, values, left):
    condition = Condition("ml.truth.correct", "=", values)

    assert ids(store, condition, dataset="elkmon.label") == left


def test_a_boolean_is_a_dimension(store):
    by = FieldValue("ml.truth.correct")

    assert ask(store, by, dataset="elkmon.label") == [(False, 1), (True, 1)]
    assert ask(store, by) == [(False, 1), (True, 1), (None, 4)]


@pytest.mark.parametrize(
    ("since", "until", "left"),
    [
        (None, None, "abcdef"),
        (utc(2026, 11, 1), None, "bcdef"),
        (None, utc(2026, 11, 1), "a"),
        (utc(2026, 11, 22, 23, 59), utc(2026, 11, 23), "c"),
        (utc(2026, 11, 23).replace(tzinfo=None), utc(2026, 12, 1).replace(tzinfo=None), "de"),
        (utc(2026, 12, 1), utc(2026, 12, 1), ""),
        (utc(1, 1, 1), utc(9999, 12, 31, 23, 59, 59, 999999), "abcdef"),
        (utc(999, 1, 1), utc(999, 12, 31), ""),
    ],
)
def test_a_window_includes_its_beginning_and_leaves_out_its_end(store, since, until, left):
    assert ids(store, since=since, until=until) == left


def test_a_window_of_another_zone_is_turned_into_utc(store):
    zone = timezone(timedelta(hours=1))
    since = utc(2026, 11, 1, 1).replace(tzinfo=zone)

    assert ids(store, since=since) == "bcdef"


def test_the_largest_whole_numbers_are_told_apart(kept):
    folder = kept(
        prediction("a", {"event.sequence": 2**53}), prediction("b", {"event.sequence": 2**53 + 1})
    )

    where = Filter(conditions=(Condition("event.sequence", "=", (2**53 + 1,)),))
    assert ask(folder, FieldValue("ml.prediction.id"), where=where) == [("b", 1)]


def test_sums_beyond_double_are_infinite_and_fail_nothing(kept):
    folder = kept(
        *(prediction(name, {VALUE: 1e308, "event.sequence": 2**63 - 1}) for name in "abcd")
    )
    measures = [Measure("sum", VALUE), Measure("max", VALUE), Measure("sum", "event.sequence")]

    assert ask(folder, measures=measures) == [(float("inf"), 1e308, 4 * 2.0**63)]


@pytest.mark.parametrize("kind", ["ndjson", "lines"])
@pytest.mark.parametrize(
    ("value", "taken"),
    [("text", None), ("0.5", 0.5), (True, 1.0), ({}, None), ([], None), ("inf", None),
     ("nan", None), (None, None)],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_absent_and_its_event_counts(kept, value, taken):
    folder = kept(prediction("a", {SCORE: value}), prediction("b", {SCORE: 1.0}))

    assert ask(folder, FieldValue(SCORE), where=Filter(
        conditions=(Condition("ml.prediction.id", "=", ("a",)),))) == [(taken, 1)]  # fmt: skip


@pytest.mark.parametrize("kind", ["ndjson", "lines"])
@pytest.mark.parametrize("value", ["text", [1], 7])
def test_a_field_that_is_no_object_has_no_entries(kept, value):
    folder = kept(prediction("a", {"ml.segment": value}), prediction("b"))

    assert ask(folder, FieldValue("ml.segment.country")) == [(None, 2)]
    assert ask(folder, where=Filter(conditions=(Condition("ml.segment", "exists"),))) == []


def test_a_number_beyond_double_is_absent(kept):
    huge = line(prediction("a", {SCORE: 5.5})).replace(b"5.5", b"1" + b"0" * 400)
    folder = kept(huge, prediction("b"))

    assert ask(folder, FieldValue(SCORE)) == [(None, 2)]


def test_numbers_and_objects_as_texts_are_groups(kept):
    folder = kept(prediction("a", {"ml.model.version": 7}), prediction("b", {
        "ml.model.version": {"major": 1}}))  # fmt: skip

    assert ask(folder, VERSION) == [("7", 1), ('{"major":1}', 1)]


def test_an_infinite_entry_is_absent(kept):
    a = prediction("a", {"ml.features.number": {"x": "inf", "X": 1.0, "": "nan"}})
    folder = kept(a, prediction("b"))

    for name, rows in (("x", [(None, 2)]), ("X", [(1.0, 1), (None, 1)]), ("", [(None, 2)])):
        assert ask(folder, FieldValue(f"ml.features.number.{name}")) == rows


NAMES = ("a b", "*", "?", "[a-z]", "[!x]", "it's", 'say "x"', "{b,c}", "ü", "%20", "a;b", "a\nb")


@pytest.mark.parametrize("name", [*NAMES, "back\\slash", "x.ndjson"])
def test_a_folder_may_have_any_name(tmp_path, name):
    folder = variants(tmp_path / name, "mixed", prediction("a"), prediction("b"))
    variants(tmp_path / "axb", "mixed", prediction("c"), prediction("d"))  # a pattern would find it

    if "*" in name and int(duckdb.__version__.split(".")[0]) < 2:
        with pytest.raises(StoreError, match=r"takes \* for a pattern"):
            ask(folder)
    else:
        assert ask(folder) == [(2,)]


@pytest.mark.parametrize("name", [*NAMES, "a.b", "x.parquet"])
def test_a_file_may_have_any_name(folder, name):
    write(folder / f"{name}.ndjson", prediction("a"))
    write(folder / "b.ndjson", prediction("b"))
    assert ask(folder) == [(2,)]

    assert compact(folder).files == 2

    assert ask(folder) == [(2,)]


def test_a_folder_that_is_not_there_is_an_empty_store(opened):
    assert ask(opened, MODEL) == []
    assert list(opened.events(None, where=ALL, limit=5)) == []
    assert opened.catalog().datasets == {}


def test_an_empty_folder_is_an_empty_store(folder, opened):
    folder.mkdir()

    assert ask(opened, MODEL) == []
    assert opened.catalog().span is None


def test_a_file_is_no_store(tmp_path):
    (tmp_path / "file").write_text("x")

    with pytest.raises(StoreError, match="is a file: give the folder"):
        ask(tmp_path / "file")


@pytest.mark.parametrize(
    ("by", "said"),
    [
        (FieldValue("ml.model.nam"), "no such field: ml.model.nam; did you mean ml.model.name"),
        (FieldValue("quite.else"), "no such field: quite.else; see docs/reference/fields.md"),
        (FieldValue(""), "no such field"),
        (FieldValue("ml.segment.\0"), "names hold no NUL"),
        (FieldValue("x' OR 1=1"), "no such field"),
        (FieldValue("ml.segment"), "name one, such as ml.segment.country"),
        (FieldValue("ml.segment.\ud800"), "half a character"),
        (FieldValue("ml.nonfinite"), "cannot be grouped by"),
        (Bins("ml.model.name", 1), "holds no numbers, and cannot be put into bins"),
        (Bins("ml.segment.age", 1), "holds no numbers"),
        (Bins(SCORE, 0), "a width above 0"),
        (Bins(SCORE, 1, Condition(SCORE, ">", (0,))), "one field's = value"),
        (Bins(SCORE, 1, Condition("ml.redacted", "=", ("a",))), "one field's = value"),
        (Bins(SCORE, 1, Condition("ml.nope", "=", ("a",))), "no such field"),
        (Bins(SCORE, float("nan")), "a width above 0"),
        (Bins(SCORE, float("inf")), "a width above 0"),
        (Edges(SCORE, (1.0,)), "two numbers or more, rising"),
        (Edges(SCORE, (1.0, 1.0)), "rising"),
        (Edges(SCORE, (2.0, 1.0)), "rising"),
        (Edges(SCORE, (0.0, float("nan"))), "rising"),
        (Edges("@timestamp", (0.0, 1.0)), "holds no numbers"),
        (TimeBucket(0, "h"), "1 to 10,000"),
        (TimeBucket(10**9, "w"), "1 to 10,000"),
    ],
)
def test_a_dimension_that_cannot_be_is_refused_with_a_hint(opened, by, said):
    with pytest.raises(QueryError, match=said):
        ask(opened, by)


@pytest.mark.parametrize(
    "each", [Edges(SCORE, (0.0, 1.0)), Bins(SCORE, 1, Condition(RATE, "=", (1.0,)))]
)
def test_only_one_dimension_may_have_edges_and_one_bins_of_some_events(opened, each):
    with pytest.raises(QueryError, match="only one dimension"):
        ask(opened, each, each)


@pytest.mark.parametrize(
    ("measure", "said"),
    [
        (Measure("sum"), "sum needs a field"),
        (Measure("max", "ml.model.name"), "holds no numbers, and cannot have a max"),
        (Measure("sum", "@timestamp"), "holds no numbers"),
        (Measure("count", "nothing"), "no such field"),
    ],
)
def test_a_measure_that_cannot_be_is_refused(opened, measure, said):
    with pytest.raises(QueryError, match=said):
        ask(opened, measures=[measure])


@pytest.mark.parametrize(
    ("field", "op", "values", "said"),
    [
        ("ml.model.nam", "=", ("x",), "did you mean"),
        ("ml.model.name", "=", (), "needs a value"),
        ("ml.model.name", "=", (None,), "ask for missing instead"),
        ("ml.model.name", "=", ("\ud800",), "half a character"),
        (SCORE, "<", (1, 2), "needs a value"),
        (SCORE, "=", ("much",), "holds numbers, not 'much'"),
        (SCORE, "<", (float("nan"),), "holds numbers, not nan"),
        (SCORE, "<", (10**400,), "holds numbers"),
        ("@timestamp", ">", ("soon",), "holds times, not 'soon'"),
        ("@timestamp", ">", ("0001-01-01T00:00:00+02:00",), "holds times"),
        ("ml.truth.correct", "=", ("perhaps",), "is true or false, not 'perhaps'"),
        ("ml.segment", "=", ("x",), "name one, such as ml.segment.country"),
        ("ml.nonfinite", "<", ("x",), "cannot be compared"),
    ],
)
def test_a_condition_that_cannot_be_is_refused(opened, field, op, values, said):
    with pytest.raises(QueryError, match=said):
        ask(opened, where=Filter(conditions=(Condition(field, op, values),)))


@pytest.mark.parametrize("duration", [2**60 - 1, 2**63 - 1, -(2**60) - 1, 5])
def test_the_least_and_greatest_are_what_a_double_holds(folder, duration):
    write(folder / "a.ndjson", prediction("1", {"event.duration": duration}))

    measures = [Measure("min", "event.duration"), Measure("max", "event.duration")]
    ((least, greatest),) = ask(folder, measures=measures)

    assert least == greatest == int(float(duration))
    assert type(least) is int
