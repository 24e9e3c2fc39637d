"""Events whole: as they were written, whatever became of their file, with what labels say."""

from datetime import datetime, timezone

import orjson
import pytest

import elkmon
from elkmon import QueryError
from elkmon.stores.local.compact import compact
from elkmon.stores.local.line_scan import scan
from elkmon.stores.protocol import Condition, Filter
from tests.support.event_folders import (
    ALL,
    ENTITY,
    event,
    events,
    label,
    line,
    prediction,
    utc,
    write,
)

TIMES = [f"2026-11-24T12:00:00.00{number}Z" for number in range(5)]


def ids(found):
    return [each["ml"]["prediction"]["id"] for each in found]


def without_nulls(value):
    if isinstance(value, dict):
        return {name: without_nulls(each) for name, each in value.items() if each is not None}
    return value


@pytest.fixture
def five(kept):
    """Keep five predictions, written in another order than they happened."""
    return kept(*(prediction(str(number), at=TIMES[number]) for number in (3, 0, 4, 1, 2)))


def test_the_newest_come_first_or_the_oldest(five):
    assert ids(events(five, newest_first=True)) == ["4", "3", "2", "1", "0"]
    assert ids(events(five, newest_first=False)) == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize(("limit", "given"), [(2, ["4", "3"]), (0, []), (-1, []), (99, 5)])
def test_no_more_than_the_limit_are_given(five, limit, given):
    found = ids(events(five, limit=limit, newest_first=True))

    assert (found if isinstance(given, list) else len(found)) == given


def test_a_window_and_conditions_choose_them(five):
    since, until = (datetime.fromisoformat(TIMES[n][:-1] + "+00:00") for n in (1, 4))
    where = Filter(since, until, (Condition("ml.prediction.id", "!=", ("2",)),))

    assert ids(events(five, where=where)) == ["1", "3"]


def test_events_of_all_kinds_come_where_none_is_named(kept):
    folder = kept(
        prediction("a", at=TIMES[2]),
        label("l", "a", at=TIMES[0]),
        event("metric", "m", {"metric.name": "x", "metric.value": 1.5}, at=TIMES[1]),
    )

    found = events(folder, None)

    kinds = [each["event"]["dataset"] for each in found]
    assert kinds == ["elkmon.label", "elkmon.metric", "elkmon.prediction"]


def test_what_labels_say_stands_on_their_prediction_only(kept):
    folder = kept(
        prediction("a", {"ml.prediction.label": "yes", "ml.prediction.value": 3.0}, at=TIMES[0]),
        prediction("a", {"ml.prediction.label": "yes"}, model="other", at=TIMES[1]),
        label("l1", "a", {"ml.truth.label": "no", "ml.truth.value": 1.0}, at=TIMES[2]),
        label("l2", "a", {"ml.truth.label": "yes", "ml.truth.source": "people"}, at=TIMES[3]),
    )

    mine, other = events(folder)

    assert mine["ml"]["truth"] == {
        "label": "yes",
        "value": 1.0,
        "source": "people",
        "observed_at": TIMES[3],
    }
    assert mine["ml"]["eval"] == {
        "outcome": "correct",
        "residual": 2.0,
        "abs_residual": 2.0,
        "sq_residual": 4.0,
        "first_delay": 0.002,
    }
    assert "truth" not in other["ml"]
    assert "eval" not in other["ml"]


@pytest.mark.parametrize(
    ("condition", "left"),
    [
        (Condition("ml.eval.outcome", "=", ("wrong",)), ["b"]),
        (Condition("ml.eval.outcome", "missing"), ["c"]),
        (Condition("ml.truth.label", "=", ("yes",)), ["a", "b"]),
        (Condition("ml.eval.first_delay", ">=", (0,)), ["a", "b"]),
    ],
)
def test_what_labels_say_can_be_asked_for(kept, condition, left):
    folder = kept(
        *(prediction(name, {"ml.prediction.label": said}, at=TIMES[0])
          for name, said in (("a", "yes"), ("b", "no"), ("c", "no"))),
        label("l1", "a", {"ml.truth.label": "yes"}),
        label("l2", "b", {"ml.truth.label": "yes"}),
    )  # fmt: skip

    assert sorted(ids(events(folder, where=Filter(conditions=(condition,))))) == left


def test_what_labels_say_cannot_be_asked_of_all_kinds(five):
    where = Filter(conditions=(Condition("ml.eval.outcome", "exists"),))

    with pytest.raises(QueryError, match=r"name the dataset, elkmon\.prediction"):
        events(five, None, where=where)


def test_of_a_repeat_the_first_that_was_written_is_given(kept):
    folder = kept(
        prediction("a", {"ml.prediction.label": "late", "event.created": TIMES[2]}),
        prediction("a", {"ml.prediction.label": "never", "event.created": None}),
        prediction("a", {"ml.prediction.label": "first", "event.created": TIMES[1]}),
    )

    (found,) = events(folder)

    assert found["ml"]["prediction"]["label"] == "first"


def test_a_repeat_in_another_month_is_an_event_of_its_own(kept):
    folder = kept(
        prediction("a", {"ml.prediction.label": "then"}, at="2026-10-31T23:59:59.999Z"),
        prediction("a", {"ml.prediction.label": "now"}, at="2026-11-01T00:00:00.000Z"),
    )

    found = events(folder)

    assert [each["ml"]["prediction"]["label"] for each in found] == ["then", "now"]


def test_predictions_that_share_an_event_id_are_told_apart(kept):
    folder = kept(
        prediction("a", {"event.id": "same"}, at=TIMES[0]),
        prediction("b", {"event.id": "same"}, at=TIMES[0]),
    )

    assert sorted(ids(events(folder))) == ["a", "b"]


def test_predictions_without_an_id_have_no_labels(kept):
    folder = kept(
        prediction("x", {"ml.prediction.id": None}),
        event("label", "l", {"ml.model.name": "fraud", "ml.truth.label": "yes"}),
    )

    (found,) = events(folder)

    assert "truth" not in found["ml"]


@pytest.mark.parametrize("kind", ["ndjson", "lines"])
@pytest.mark.parametrize(
    "said",
    [
        {"ml.truth.observed_at": "yesterday"},
        {"ml.truth.observed_at": 17},
        {"ml.truth.observed_at": "infinity"},
        {"ml.truth.value": "3.5", "ml.truth.correct": "no"},
        {"ml.truth.value": {"a": 1}, "ml.truth.correct": []},
        {"ml.model.name": {"a": 1}, "ml.truth.correct": True},
        {"ml.truth.label": {"a": [1]}},
    ],
)
def test_a_label_of_odd_values_means_the_same_in_events_and_in_figures(kept, said):
    folder = kept(
        prediction("a", {"ml.prediction.value": 1.0, "ml.prediction.label": '{"a":[1]}'}),
        label("l", "a", said),
    )

    (found,) = events(folder)

    figures = {**found["ml"].get("truth", {}), **found["ml"].get("eval", {})}
    for name, value in figures.items():
        room = "truth" if name in found["ml"]["truth"] else "eval"
        where = Filter(conditions=(Condition(f"ml.{room}.{name}", "=", (value,)),))
        assert len(events(folder, where=where)) == 1, name


@pytest.mark.parametrize("kind", ["ndjson", "lines"])
@pytest.mark.parametrize(
    "odd",
    [
        b'"x":NaN',
        b'"x":-Infinity',
        b'"x":1e999',
        b'"ml":{"model":{"name":"m"},"prediction":{"id":"a","scores":{"x":NaN,"y":1}},},',
        b'"event":{"id":"other","dataset":"elkmon.log"}',
        b'"x":' + b"[" * 100_000 + b"]" * 100_000,
        b'"labels":{"x":' + b"[" * 2000 + b"]" * 2000 + b',"y":NaN}',
    ],
)
def test_a_line_that_only_duckdb_reads_is_given_by_its_columns(kept, odd):
    folder = kept(
        line(prediction("a"))[:-2] + b"," + odd + b"}\n",
        prediction("b", at="2026-11-24T11:00:00.000Z"),
    )

    found = events(folder)

    assert ids(found)[-1] == "a"
    assert orjson.dumps(found[-1]["event"]["id"]) in {b'"fraud/a"', b'"other"'}


def test_a_line_with_a_key_twice_is_one_event(kept):
    twice = line(prediction("a")).replace(b'"outcome"', b'"id":"again","outcome"')
    folder = kept(twice, prediction("b"))

    assert sorted(ids(events(folder))) == ["a", "b"]


def log_some():
    log = elkmon.get_logger("fraud", "1", task="binary", positive="yes")
    features = {"n": 1.5, "i": 3, "c": "ä\U0001f600", "none": None}
    with log.predict(features=features, segment={"a.b": "x", "A": "y"}) as attempt:
        attempt.label, attempt.score = "yes", 0.7
    when = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=timezone.utc)
    log.prediction(label="no", score=float("nan"), id="p", at=when, duration=0.01)
    log.label("p", "yes", observed_at=when)
    log.label("p", correct=False, rating=2, observed_at=when, source="people")
    log.error(ValueError("boom"), user_words={"deep": [1, None, {"x": True}]})
    log.bind(request="r").warning("slow", took=1.25, flag=False, nothing=None)
    log.metric("basket", 31.5, unit="eur")
    log.deployment("2")
    elkmon.reset()


def test_what_elkmon_writes_comes_back_from_parquet_as_from_its_lines(spool):
    log_some()
    before = events(spool, None)
    written = [orjson.loads(each.data) for file in spool.glob("*.ndjson") for each in scan(file)]

    assert compact(spool).rejected == 0

    after = events(spool, None)
    assert [without_nulls(each) for each in before] == [without_nulls(each) for each in after]
    assert len(before) == len(written) == 9
    by_id = {each["event"]["id"]: each for each in before}
    for each in written:
        found = by_id[each["event"]["id"]]
        found["ml"].pop("eval", None)
        if each["event"]["dataset"] == "elkmon.prediction":
            found["ml"].pop("truth", None)
        assert found == each


@pytest.mark.parametrize(
    "more",
    [{"custom": {"x": [1, None]}}, {"ml.schema": 2, "ml.new": 7}, {"ml.schema": None},
     {"process.entity_id": "another"}, {"ml.prediction.score": "high"}, {"labels": [1]}],
)  # fmt: skip
def test_what_has_no_column_is_kept_whole_by_compaction(folder, more):
    name = "foreign" if "custom" in more else ENTITY
    file = write(folder / f"{name}.ndjson", prediction("a", more), prediction("b"))
    written = [orjson.loads(each) for each in file.read_bytes().splitlines()]

    assert compact(folder).files == 1

    assert events(folder) == sorted(written, key=lambda each: each["event"]["id"])


def test_events_come_from_years_that_python_has_no_name_for_not_at_all(kept):
    folder = kept(prediction("a", at="20260-11-24T12:00:00Z"), prediction("b"))

    assert ids(events(folder)) == ["b"]


def test_times_of_any_form_are_read_as_utc(kept):
    folder = kept(
        prediction("a", at="2026-11-24T13:00:00+02:00"),
        prediction("b", at="2026-11-24 11:00:00.123456789"),
        prediction("c", at="2026-11-25"),
    )
    where = Filter(utc(2026, 11, 24, 11), utc(2026, 11, 24, 11, 1))

    assert ids(events(folder, where=where)) == ["a", "b"]
    assert len(events(folder, where=ALL)) == 3
