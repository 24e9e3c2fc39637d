"""A batch is what so many single calls would have been, with one write a chunk."""

import math
import uuid
from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum, IntEnum

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import elkmon
from elkmon.events.errors import UsageError
from elkmon.events.ids import kept, prediction_key
from elkmon.testing import Captured, capture

TABLE = {"amount": [12.5, 990.0, 3.25], "items": [1, 2, 3], "device": ["ios", "web", "ios"]}


class Stream:
    """All that it can do is to hand over an Arrow stream."""

    def __init__(self, table):
        self._table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self._table.__arrow_c_stream__(requested_schema)


class Level(Enum):
    LOW = 1


class Rank(IntEnum):
    LOW = 1


class Name(str, Enum):
    a = "a"  # hashes, and compares, as the text does


@dataclass
class Money:
    """It can be added, and is no number."""

    amount: int

    def __radd__(self, other):
        return self.amount + other


class Broken:
    def __iter__(self):
        raise RuntimeError("broken")


class BrokenText:
    def __str__(self):
        raise RuntimeError("broken")

    __repr__ = __str__


COLUMNS = {
    "list": list,
    "tuple": tuple,
    "generator": lambda values: (each for each in values),
    "numpy": np.array,
    "pandas": pd.Series,
    "polars": lambda values: pl.Series("x", values),
    "pyarrow": pa.array,
    "pyarrow chunks": lambda values: pa.chunked_array([values[:1], values[1:]]),
    "arrow stream": lambda values: Stream(pa.chunked_array([values])),
    "values of a dict": lambda values: dict(enumerate(values)).values(),
}
FRAMES = {
    "dict": dict,
    "dict of arrays": lambda table: {name: np.array(each) for name, each in table.items()},
    "dict of generators": lambda table: {n: (each for each in v) for n, v in table.items()},
    "rows": lambda table: [
        dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)
    ],
    "generator of rows": lambda table: iter(FRAMES["rows"](table)),
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "pyarrow": pa.table,
    "arrow stream": lambda table: Stream(pa.table(table)),
}


@pytest.fixture
def log():
    return elkmon.get_logger("fraud", "2.3.1", task="binary", positive="fraud")


@pytest.fixture
def writes(monkeypatch):
    """Note how many lines each write takes."""
    taken = []
    write = Captured.write

    def noted(self, data, ms, lines=1):
        taken.append(lines)
        return write(self, data, ms, lines)

    monkeypatch.setattr(Captured, "write", noted)
    return taken


def answers(events, name):
    return [event["ml"]["prediction"].get(name) for event in events.of("elkmon.prediction")]


@pytest.mark.parametrize("made", COLUMNS.values(), ids=COLUMNS)
def test_a_column_comes_from_anything(log, events, made):
    log.predictions(label=made(["a", "b", "c"]), score=made([0.25, 0.5, 1.0]))

    assert answers(events, "label") == ["a", "b", "c"]
    assert answers(events, "score") == [0.25, 0.5, 1.0]


@pytest.mark.parametrize("made", FRAMES.values(), ids=FRAMES)
@pytest.mark.parametrize("careful", [False, True])
def test_features_come_from_any_table(log, events, made, careful):
    log.predictions(label=["a", "b", "c"], features=made(TABLE), value=[None] * 3 * careful or None)

    features = [event["ml"]["features"] for event in events.events]
    assert features[1] == {"number": {"amount": 990, "items": 2}, "category": {"device": "web"}}
    assert len(features) == 3


@pytest.mark.parametrize("made", FRAMES.values(), ids=FRAMES)
def test_segments_come_from_any_table(log, events, made):
    log.predictions(segment=made({"country": ["de", "at"], "tier": ["1", "2"]}))

    segments = [event["ml"]["segment"] for event in events.events]
    assert segments == [{"country": "de", "tier": "1"}, {"country": "at", "tier": "2"}]


@pytest.mark.parametrize(
    "scores",
    [
        {"a": [0.25, 1.0], "b": [0.75, 0.0]},
        [{"a": 0.25, "b": 0.75}, {"a": 1.0, "b": 0.0}],
        pd.DataFrame({"a": [0.25, 1.0], "b": [0.75, 0.0]}),
    ],
)
def test_scores_come_from_any_table(events, scores):
    elkmon.get_logger("m", task="multiclass").predictions(label=["b", "a"], scores=scores)

    assert answers(events, "scores") == [{"a": 0.25, "b": 0.75}, {"a": 1.0, "b": 0.0}]


def test_an_array_of_two_dimensions_has_numbered_columns(log, events):
    log.predictions(features=np.array([[1.5, 2.5], [3.5, 4.5]]))

    numbers = [event["ml"]["features"]["number"] for event in events.events]
    assert numbers == [{"0": 1.5, "1": 2.5}, {"0": 3.5, "1": 4.5}]


def test_an_array_of_two_dimensions_takes_no_careful_way(log, events, writes):
    log.predictions(features=np.zeros((1000, 3)))

    assert writes == [250] * 4


def test_single_values_hold_for_all_rows(log, events):
    log.predictions(
        label=["a", "b"],
        score=0.5,
        duration=0.25,
        features={"amount": 1.5, "device": "ios"},
        segment={"country": "de"},
        at="2026-11-24T08:00:00Z",
        user="bob",
    )

    one, two = events.events
    for event in (one, two):
        assert event["ml"]["prediction"]["score"] == 0.5
        assert event["event"]["duration"] == 250_000_000
        assert event["ml"]["features"] == {"number": {"amount": 1.5}, "category": {"device": "ios"}}
        assert event["ml"]["segment"] == {"country": "de"}
        assert event["@timestamp"] == "2026-11-24T08:00:00.000Z"
    assert one["user"] == two["user"]


@pytest.mark.parametrize(
    "times",
    [
        [datetime(2026, 11, 24, 8, tzinfo=timezone.utc)],
        ["2026-11-24T08:00:00Z"],
        [1_795_507_200],
        np.array(["2026-11-24T08:00:00"], dtype="datetime64[ns]"),
        np.array(["2026-11-24T08:00:00"], dtype="datetime64[s]"),
        pd.Series(pd.to_datetime(["2026-11-24T08:00:00Z"])),
        pd.to_datetime(["2026-11-24T08:00:00Z"]),
        pl.Series([datetime(2026, 11, 24, 8, tzinfo=timezone.utc)]),
        pa.array([datetime(2026, 11, 24, 8, tzinfo=timezone.utc)]),
    ],
)
def test_times_come_from_any_library(log, events, times):
    log.predictions(label=["a"], at=times)
    log.labels(["p"], "a", observed_at=times)

    assert {event["@timestamp"] for event in events.events} == {"2026-11-24T08:00:00.000Z"}


@pytest.mark.parametrize("number", [1, 249, 250, 251, 5000])
def test_the_ids_are_given_back_in_the_order_of_the_rows(log, events, number):
    ids = log.predictions(score=[0.5] * number)

    assert answers(events, "id") == ids
    assert len(set(ids)) == number
    assert {uuid.UUID(each).version for each in ids} == {7}


def test_own_ids_are_kept_and_missing_ones_made(log, events):
    ids = log.predictions(id=["a", None, math.nan, "", 'q"\\\n', 7.0], label="x")

    assert answers(events, "id") == ids
    assert [ids[0], ids[4], ids[5]] == ["a", 'q"\\\n', "7"]
    assert {uuid.UUID(each).version for each in ids[1:4]} == {7}


@pytest.mark.parametrize(
    "given",
    [['a",', ',"b', "c"], ["é", '","', "x,y"], ['["', '"]', "\u2028"], ["a,b", "c"], ["\\", ","]],
)
def test_ids_that_look_like_json_stay_apart(log, events, given):
    assert log.predictions(id=given, label="x") == given

    assert answers(events, "id") == given
    assert [event["event"]["id"] for event in events.events] == [
        prediction_key("fraud", each) for each in given
    ]


def test_a_chunk_is_one_write(log, events, writes):
    log.predictions(label=["a"] * 600, features={"x": [1.0] * 600})

    assert writes == [250, 250, 100]


def test_a_chunk_of_long_lines_has_fewer(log, events, writes, monkeypatch):
    monkeypatch.setattr(Captured, "limit", 20_000)

    log.predictions(label=["a"] * 100, features={"text": ["x" * 1000] * 100})

    assert max(writes) < 20
    assert len(writes) < 10
    assert sum(writes) == 100


def test_a_chunk_that_becomes_too_long_is_halved(log, events, writes, monkeypatch):
    monkeypatch.setattr(Captured, "limit", 20_000)
    texts = [f"{'x' * (place % 1000)}{place}" for place in range(1000)]

    log.predictions(label="a", features={"text": texts})

    assert len(writes) < 200
    assert [each["ml"]["features"]["category"]["text"] for each in events.events] == texts
    assert [each["event"]["sequence"] for each in events.events] == list(range(1, 1001))


def test_ten_thousand_rows_are_ten_thousand_events(log, events, writes):
    number = 10_000
    amounts = np.linspace(0, 1, number)

    ids = log.predictions(
        label=np.where(amounts > 0.5, "fraud", "legit"),
        score=amounts,
        duration=np.full(number, 0.01),
        features=pd.DataFrame({"amount": amounts, "device": ["ios", "web"] * 5000}),
        segment={"country": ["de", "at", "ch", "fr"] * 2500},
    )

    assert len(set(ids)) == number
    assert len(writes) == 40
    assert [event["event"]["sequence"] for event in events.events] == list(range(1, number + 1))
    assert answers(events, "score") == amounts.tolist()
    assert answers(events, "label").count("fraud") == number // 2


@pytest.mark.parametrize("missing", [None, math.nan, pd.NA])
def test_a_missing_value_costs_its_field_only(log, events, missing):
    log.predictions(
        label=["a", missing, "c"],
        features={"amount": [1.5, 2.5, 3.5], "device": ["ios", "web", missing]},
        id=["1", "2", "3"],
    )

    by_id = {event["ml"]["prediction"]["id"]: event["ml"] for event in events.events}
    assert [by_id[each]["prediction"].get("label") for each in "123"] == ["a", None, "c"]
    assert by_id["2"]["features"]["category"] == {"device": "web"}
    assert "category" not in by_id["3"]["features"]
    assert events.stats().dropped == {}


@pytest.mark.parametrize("values", [[1.5, math.nan, 2.5], [1.5, math.inf, 2.5]])
def test_a_number_that_is_not_finite_is_null_and_named_in_its_row_only(log, events, values):
    log.predictions(score=values, features={"x": values}, id=["1", "2", "3"])

    by_id = {event["ml"]["prediction"]["id"]: event["ml"] for event in events.events}
    assert by_id["2"]["nonfinite"] == ["ml.prediction.score", "ml.features.number.x"]
    assert by_id["2"]["features"]["number"] == {"x": None}
    assert "nonfinite" not in by_id["1"]
    assert by_id["3"]["prediction"]["score"] == 2.5


@pytest.mark.parametrize(
    ("values", "numbers", "categories"),
    [
        ([1, "a", 2.5], [1, 2.5], ["a"]),
        ([1, True], [1], ["true"]),
        ([2.5, True, False], [2.5], ["false", "true"]),
        ([2.5, Level.LOW], [2.5], ["1"]),
        ([2.5, Rank.LOW], [2.5, 1], []),
        ([2.5, Money(1)], [2.5], ['{"amount":1}']),
        (["a", Name.a, "b"], [], ["a", "a", "b"]),
        ([1, 2**70], [1, float(2**70)], []),
        ([2**63, 2**53 + 1], [float(2**63), 2**53 + 1], []),
        ([np.float32(0.5), "b"], [0.5], ["b"]),
        ([[1], {"a": 1}], [], ["[1]", '{"a":1}']),
    ],
)
def test_a_mixed_column_is_split_by_the_type_of_each_value(
    log, events, values, numbers, categories
):
    log.predictions(features={"x": values})

    features = [event["ml"]["features"] for event in events.events]
    assert [each["number"]["x"] for each in features if each["number"]] == numbers
    found = [each["category"]["x"] for each in features if "category" in each]
    assert sorted(found) == sorted(categories)


def test_secrets_are_redacted_and_said_to_be(log, events):
    log.predictions(
        features={"password": ["a", "b"], "mail": ["bob@example.com", "none"]}, id=["1", "2"]
    )

    assert "bob@" not in str(events.events)
    assert {event["ml"]["features"]["category"]["password"] for event in events.events} == {
        "[redacted]"
    }


def test_a_row_that_cannot_be_made_costs_no_other(log, events, monkeypatch):
    log.predictions(label=["a", "b", "c"], user=["x", BrokenText(), "z"])

    assert len(events.events) == 3
    assert events.stats().dropped == {}
    assert events.stats().misused == {"not_a_word": 1}


def test_a_row_that_is_lost_is_counted_alone(log, events, monkeypatch):
    from elkmon.emit.encode import batch  # noqa: PLC0415 - a fault is injected into it

    write = batch.write_prediction

    def faulty(*args, **given):
        if given["label"] == "b":
            raise RuntimeError("fault")
        write(*args, **given)

    monkeypatch.setattr(batch, "write_prediction", faulty)
    ids = log.predictions(label=["a", "b", "c"], at=[None, None, None], user=["u"] * 3)

    assert len(ids) == 3
    assert answers(events, "label") == ["a", "c"]
    assert events.stats().dropped == {"internal": 1}


def test_rows_that_need_care_cost_no_other_row_wherever_they_stand(log, events):
    number = 2500
    odd = {0, 999, 1000, 2001, 2499}
    amounts = [math.nan if row in odd else float(row) for row in range(number)]
    devices = [f"device {row % 700}" for row in range(number)]
    ids = [str(row) for row in range(number)]

    log.predictions(id=ids, features={"amount": amounts, "device": devices})

    by_id = {event["ml"]["prediction"]["id"]: event["ml"] for event in events.events}
    assert len(events.events) == len(by_id) == number
    assert {int(each) for each, ml in by_id.items() if "nonfinite" in ml} == odd
    assert [by_id[each]["features"]["category"]["device"] for each in ids] == devices
    assert all(by_id[str(row)]["features"]["number"]["amount"] == row for row in (1, 1001, 2498))


@pytest.mark.parametrize("careful", [False, True])
def test_a_mapping_that_all_rows_share_is_not_cut(log, events, careful):
    shared = {"a": list(range(20))}

    log.predictions(
        score=[0.5] * 1001, features={"scores": shared}, value=[None] * 1001 if careful else None
    )

    (found,) = {event["ml"]["features"]["category"]["scores"] for event in events.events}
    assert found == '{"a":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19]}'


@pytest.mark.parametrize("values", [[1, True, 1.0], [True, 1, 1], [1.0, 1, 1], [0.0, -0.0, 0]])
def test_values_that_are_equal_are_not_taken_for_one_another(log, events, values):
    log.predictions(id=["1", "2", "3"], features={"x": values}, label=values)

    assert len(events.events) == 3
    for value, name in zip(values, "123", strict=True):
        (event,) = events.of("elkmon.prediction", ml__prediction__id=name)
        kind = "category" if isinstance(value, bool) else "number"
        found = event["ml"]["features"][kind]["x"]
        assert str(found) == ("true" if value is True else str(value))
        assert event["ml"]["prediction"]["label"] == ("true" if value is True else str(int(value)))


def test_more_than_a_hundred_features_are_counted(log, events):
    log.predictions(features={f"f{i:03}": [1.0, 2.0] for i in range(150)})

    for event in events.events:
        assert len(event["ml"]["features"]["number"]) == 100
        assert event["ml"]["features"]["dropped"] == 50


def test_more_than_a_hundred_segments_are_said_to_be_left_out(log, events):
    log.predictions(segment={f"s{i:03}": ["x", "y"] for i in range(101)})

    for event in events.events:
        assert len(event["ml"]["segment"]) == 100
        assert event["ml"]["truncated"] == ["ml.segment.s100"]


@pytest.mark.parametrize("limit", [16 * 1024, 2000])
def test_a_line_that_is_too_long_sheds_its_features(log, monkeypatch, limit):
    monkeypatch.setattr(Captured, "limit", limit)
    long = {f"f{i}": ["é" * 1000, "short"] for i in range(20)}

    with capture() as events:
        log.predictions(label=["a", "b"], features=long)

    shed, whole = events.events
    assert shed["ml"]["features"] == {"dropped": 20}
    assert shed["ml"]["truncated"] == ["ml.features"]
    assert len(whole["ml"]["features"]["category"]) == 20
    assert events.stats().accepted == 2


def test_a_table_without_columns_has_no_features(log, events):
    log.predictions(label=["a", "b"], features={}, segment={})

    for event in events.events:
        assert event["ml"]["features"] == {"number": {}}
        assert "segment" not in event["ml"]


# --- shapes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        {"label": []},
        {"label": np.array([])},
        {"features": pd.DataFrame({"a": []})},
        {"features": []},
        {"features": np.empty((0, 3))},
        {"features": {"a": []}, "label": [], "at": []},
    ],
)
def test_no_rows_are_no_events(log, given):
    with capture() as events:
        assert log.predictions(**given) == []

    assert events.events == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"label": ["a", "b"], "score": [0.5]}, "columns have 1, 2 rows"),
        ({"label": ["a"], "features": {"x": [1, 2], "y": [1, 2, 3]}}, "columns have 1, 2, 3 rows"),
        ({"label": "a"}, "no column tells how many rows there are"),
        ({}, "no column tells how many rows there are"),
        ({"label": ["a"], "id": "p"}, "give id= as a column"),
        ({"label": ["a"], "features": 5}, "a column cannot be read from int"),
        ({"label": ["a"], "features": np.zeros(3)}, "an array needs two dimensions"),
        ({"label": ["a"], "features": [[1, 2], [3]]}, "argument 2 is shorter"),
        ({"label": Broken()}, "broken"),
        ({"label": ["a"], "features": {"x": Broken()}}, "broken"),
    ],
)
def test_columns_that_do_not_fit_are_not_written_but_counted_or_raised(log, given, said):
    with capture(strict=False) as events:
        assert log.predictions(**given) == []
    with capture(strict=True), pytest.raises(UsageError, match=said):
        log.predictions(**given)

    assert events.events == []
    assert events.stats().misused == {"shapeless_batch": 1}


def test_an_arrow_stream_without_pyarrow_says_what_to_install(log, monkeypatch):
    from elkmon.emit.encode import tables  # noqa: PLC0415 - a fault is injected into it

    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(tables, "import_module", missing)

    with capture(), pytest.raises(UsageError, match="pip install pyarrow"):
        log.predictions(features=Stream(pa.table(TABLE)))


# --- labels -----------------------------------------------------------------------------------


def truths(events, name):
    return [event["ml"]["truth"].get(name) for event in events.of("elkmon.label")]


@pytest.mark.parametrize("made", COLUMNS.values(), ids=COLUMNS)
def test_labels_come_from_any_columns(log, events, made):
    log.labels(made(["1", "2", "3"]), made(["a", "b", "c"]), source="support")

    assert answers_of_labels(events) == ["1", "2", "3"]
    assert truths(events, "label") == ["a", "b", "c"]
    assert truths(events, "source") == ["support"] * 3


def answers_of_labels(events):
    return [event["ml"]["prediction"]["id"] for event in events.of("elkmon.label")]


@pytest.mark.parametrize(
    ("task", "given", "name", "stored"),
    [
        ("regression", {"value": np.array([1.5, 2.5])}, "value", [1.5, 2.5]),
        ("binary", {"correct": np.array([True, False])}, "correct", [True, False]),
        ("generation", {"rating": pd.Series([4, 5])}, "rating", [4, 5]),
        ("binary", {"label": np.array([1.0, 0.0])}, "label", ["1", "0"]),
    ],
)
def test_labels_take_every_kind_of_truth(events, task, given, name, stored):
    elkmon.get_logger("m", task=task).labels(["1", "2"], **given)

    assert truths(events, name) == stored


@pytest.mark.parametrize("missing", [None, math.nan, pd.NA])
def test_rows_without_a_truth_are_counted(log, events, missing):
    log.labels(["1", "2", None], ["a", missing, "c"])

    assert answers_of_labels(events) == ["1"]
    assert events.stats().misused == {"empty_label": 1, "label_without_id": 1}


@pytest.mark.parametrize(
    ("ids", "given"),
    [
        (["1", "2"], {"label": ["a"]}),
        ("1", {"label": ["a"]}),
        (None, {"label": ["a"]}),
        (Broken(), {"label": "a"}),
        (["1"], {"label": Broken()}),
    ],
)
def test_labels_that_do_not_fit_are_not_written_but_counted_or_raised(log, ids, given):
    with capture(strict=False) as events:
        log.labels(ids, **given)
    with capture(strict=True), pytest.raises(UsageError):
        log.labels(ids, **given)

    assert events.events == []
    assert events.stats().misused == {"shapeless_batch": 1}


def test_a_label_links_to_a_prediction_whose_id_became_a_float(log, events):
    log.predictions(id=[1, 2], label="a")
    log.labels(pd.Series([1.0, 2.0]), ["a", "b"])

    assert answers_of_labels(events) == answers(events, "id")


# --- sampling ---------------------------------------------------------------------------------


@pytest.mark.parametrize("careful", [False, True])
def test_a_sampled_batch_keeps_what_single_calls_would(events, careful):
    log = elkmon.get_logger("m", sample_rate=0.3)
    ids = [f"p-{number}" for number in range(1000)]
    features = {"x": [math.nan if careful and number % 3 else 1.0 for number in range(1000)]}

    assert log.predictions(id=ids, features=features) == ids

    stored = set(answers(events, "id"))
    assert stored == {each for each in ids if kept(each, 0.3)}
    assert events.stats().sampled_out == 1000 - len(stored)
    assert sorted(event["event"]["sequence"] for event in events.events) == list(
        range(1, len(stored) + 1)
    )


def test_a_text_that_pandas_misses_is_no_number():
    frame = pd.DataFrame({"colour": ["red", None, "blue"]})

    with capture() as captured:
        elkmon.get_logger("m", "1").predictions(label=["a", "b", "c"], features=frame)

    features = {
        each["ml"]["prediction"]["label"]: each["ml"]["features"].get("category")
        for each in captured.events
    }
    assert features == {"a": {"colour": "red"}, "b": None, "c": {"colour": "blue"}}
    assert all("nonfinite" not in each["ml"] for each in captured.events)
