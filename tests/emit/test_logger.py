"""What the logger makes of predictions, labels, failures, figures and deployments."""

import asyncio
import math
import threading
import uuid
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from structlog.contextvars import bound_contextvars

import elkmon
from elkmon.events.errors import UsageError
from elkmon.events.ids import kept, prediction_key
from elkmon.testing import capture

ROW = {"amount": 12.5, "age_days": 412, "device": "ios"}
AT = "2026-11-24T08:00:00.123Z"


class Hostile:
    """Raises whatever one does with it."""

    def fail(self, *_):
        raise RuntimeError("hostile")

    __str__ = __repr__ = __iter__ = __len__ = __float__ = __hash__ = __eq__ = __mul__ = fail

    def __getattr__(self, name):
        if name.startswith("__"):  # pytest looks for them
            raise AttributeError(name)
        self.fail()


class Colour(Enum):
    RED = "red"


@pytest.fixture
def log():
    return elkmon.get_logger("fraud", "2.3.1", task="binary", positive="fraud")


@pytest.fixture
def price():
    return elkmon.get_logger("price", "1", task="regression")


def only(events, dataset="elkmon.prediction"):
    return events.one(dataset)


# --- prediction -------------------------------------------------------------------------------


def test_a_prediction_says_everything_that_it_was_given(log, events):
    pid = log.prediction(
        label="legit",
        score=0.2,
        scores={"legit": 0.8, "fraud": 0.2},
        features=ROW,
        segment={"country": "de"},
        duration=0.012,
        id="p-1",
        at=AT,
        user="bob",
    )

    event = only(events)
    assert pid == "p-1"
    assert event["@timestamp"] == AT
    assert event["event"]["outcome"] == "success"
    assert event["event"]["duration"] == 12_000_000
    assert event["event"]["id"] == prediction_key("fraud", "p-1")
    assert len(event["user"]["hash"]) == 32
    ml = event["ml"]
    assert ml["model"] == {"name": "fraud", "version": "2.3.1"}
    assert ml["task"] == "binary"
    assert ml["prediction"] == {
        "id": "p-1",
        "positive": "fraud",
        "label": "legit",
        "score": 0.2,
        "scores": {"legit": 0.8, "fraud": 0.2},
    }
    assert ml["features"] == {
        "number": {"amount": 12.5, "age_days": 412},
        "category": {"device": "ios"},
    }
    assert ml["segment"] == {"country": "de"}
    assert ml["duration_bin"] == math.floor(math.log(12_000_000) / math.log(1.02))
    assert ml["sample"] == {"rate": 1.0, "weight": 1.0}


def test_a_regression_has_a_value(price, events):
    price.prediction(value=31.5)

    assert only(events)["ml"]["prediction"]["value"] == 31.5


def test_a_prediction_without_anything_is_still_an_attempt(events):
    elkmon.get_logger().prediction()

    assert only(events)["event"]["outcome"] == "success"
    assert "task" not in only(events)["ml"]


def test_an_id_is_a_uuid_of_version_7_where_none_was_given(log, events):
    pid = log.prediction(label="legit")

    assert uuid.UUID(pid).version == 7
    assert only(events)["ml"]["prediction"]["id"] == pid


@pytest.mark.parametrize("repeat", [1, 2, 3])
def test_every_call_is_an_event_of_its_own(log, events, repeat):
    ids = {log.prediction(label="legit", features=ROW, duration=0.1) for _ in range(repeat)}

    assert len(ids) == repeat
    assert [event["event"]["sequence"] for event in events.events] == list(range(1, repeat + 1))


@pytest.mark.parametrize(
    ("given", "nanoseconds", "place"),
    [
        (0, 0, 0),
        (1e-9, 1, 0),
        (2e-9, 2, 35),
        (1.0, 10**9, 1046),
        (np.float32(0.5), 500_000_000, 1011),
        (Decimal("0.25"), 250_000_000, 976),
    ],
)
def test_a_duration_is_in_nanoseconds_and_has_its_bin(log, events, given, nanoseconds, place):
    log.prediction(label="legit", duration=given)

    assert only(events)["event"]["duration"] == nanoseconds
    assert only(events)["ml"]["duration_bin"] == place


@pytest.mark.parametrize("given", [-1.0, math.nan, math.inf, "soon", 1e300, Hostile()])
def test_a_duration_that_is_none_is_left_out_and_counted(log, events, given):
    log.prediction(label="legit", duration=given)

    assert "duration" not in only(events)["event"]
    assert events.stats().misused == {"bad_duration": 1}


# --- ids --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("order 17", "order 17"),
        ('a"b\\c\n', 'a"b\\c\n'),
        ("ключ-é", "ключ-é"),
        (17, "17"),
        (17.0, "17"),
        (np.int64(17), "17"),
        (np.float64(17.0), "17"),
        (0, "0"),
        (Colour.RED, "red"),
        (uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        ("a\ud800b", "a�b"),
        ("a\0b", "a␀b"),
    ],
)
@pytest.mark.parametrize("way", ["single", "repeated", "block", "batch", "label"])
def test_an_id_is_the_same_text_on_every_way(log, events, given, stored, way):
    if way == "repeated":
        log.prediction(label="legit", duration=0.1, features=ROW)
        events.events.clear()
    if way == "block":
        with log.predict(id=given) as p:
            assert p.id == stored
    elif way == "batch":
        assert log.predictions(id=[given], label="legit") == [stored]
    elif way == "label":
        log.label(given, "legit")
    else:
        assert log.prediction(id=given, label="legit", duration=0.1, features=ROW) == stored

    (event,) = events.events
    assert event["ml"]["prediction"]["id"] == stored


def test_a_long_id_keeps_its_beginning_and_stays_different(log, events):
    one = log.prediction(id="x" * 250 + "1")
    two = log.prediction(id="x" * 250 + "2")

    log.label("x" * 250 + "1", "legit")

    assert one != two
    assert len(one) == len(two) < 256
    assert one.startswith("x" * 200)
    assert events.one("elkmon.label")["ml"]["prediction"]["id"] == one


@pytest.mark.parametrize("given", [None, "", math.nan, pd.NA, pd.NaT, np.nan])
def test_a_missing_id_is_made(log, events, given):
    for _ in range(2):  # the second time goes the short way
        pid = log.prediction(id=given, label="legit", features=ROW, duration=0.1)
        assert uuid.UUID(pid).version == 7


def test_an_id_that_cannot_be_used_is_counted_and_made(log, events):
    pid = log.prediction(id=Hostile(), label="legit")

    assert uuid.UUID(pid).version == 7
    assert events.stats().misused == {"bad_id": 1}
    assert events.stats().accepted == 1


@pytest.mark.parametrize("given", [None, "", math.nan, pd.NA, Hostile()])
def test_a_label_without_an_id_is_not_written_but_counted(log, events, given):
    log.label(given, "legit")

    assert events.events == []
    assert events.stats().misused["label_without_id"] == 1


def test_the_same_id_of_two_models_is_two_predictions(events):
    for model in ("a", "b"):
        elkmon.get_logger(model).prediction(id="1")

    one, two = events.events
    assert one["event"]["id"] != two["event"]["id"]


def test_a_repeated_id_has_the_same_event_id(log, events):
    log.prediction(id="1", label="legit")
    log.prediction(id="1", label="fraud")

    one, two = events.events
    assert one["event"]["id"] == two["event"]["id"]
    assert one["event"]["sequence"] != two["event"]["sequence"]


# --- classes ----------------------------------------------------------------------------------

CLASSES = [
    ("fraud", "fraud"),
    (1, "1"),
    (1.0, "1"),
    (-0.0, "0"),
    (0.5, "0.5"),
    (True, "true"),
    (False, "false"),
    (np.bool_(True), "true"),
    (np.int8(3), "3"),
    (np.float32(3.0), "3"),
    (np.str_("a"), "a"),
    (np.array(["a"]), "a"),
    (Decimal("2.00"), "2"),
    (Decimal("2.50"), "2.50"),
    (b"bytes", "bytes"),
    (Colour.RED, "red"),
    (10**30, str(10**30)),
    ("None", "None"),
]
MISSING = [None, math.nan, np.float64("nan"), pd.NA, pd.NaT, "", Decimal("NaN")]


@pytest.mark.parametrize(("given", "stored"), CLASSES)
def test_a_class_is_the_same_text_wherever_it_stands(events, given, stored):
    log = elkmon.get_logger("m", task="multiclass", positive=given)

    log.prediction(label=given, scores=None if isinstance(given, np.ndarray) else {given: 1.0})
    log.predictions(label=[given, given])
    log.label("p", given)
    log.labels(["p"], [given])

    for event in events.of("elkmon.prediction"):
        assert event["ml"]["prediction"]["label"] == stored
        assert event["ml"]["prediction"]["positive"] == stored
        assert list(event["ml"]["prediction"].get("scores", {stored: 1})) == [stored]
    assert {event["ml"]["truth"]["label"] for event in events.of("elkmon.label")} == {stored}
    assert len(events.events) == 5


@pytest.mark.parametrize("given", MISSING)
def test_a_missing_class_is_no_class(log, events, given):
    log.prediction(label=given)
    log.predictions(label=[given, "legit"])

    assert [event["ml"]["prediction"].get("label") for event in events.events].count(None) == 2
    assert events.stats().misused == {}


@pytest.mark.parametrize("given", [np.array(["a", "b"]), Hostile()])
def test_what_is_no_class_is_counted_and_the_prediction_kept(log, events, given):
    log.prediction(label=given, score=0.5)

    assert "label" not in only(events)["ml"]["prediction"]
    assert events.stats().misused == {"not_a_word": 1}


@pytest.mark.parametrize("given", ["x" * 2000, "a\0b", "\ud800", "bob@example.com"])
def test_a_positive_class_is_stored_as_the_label_is(events, given):
    elkmon.get_logger("m", positive=given).prediction(label=given)

    answer = only(events)["ml"]["prediction"]
    assert answer["positive"] == answer["label"]


def test_a_positive_class_that_cannot_be_read_costs_nothing(events):
    elkmon.get_logger("m", positive=Hostile()).prediction(label="a")

    assert only(events)["ml"]["prediction"]["positive"] == "<Hostile that raises RuntimeError>"


def test_a_long_class_is_cut_and_said_to_be(log, events):
    log.prediction(label="x" * 2000)

    assert len(only(events)["ml"]["prediction"]["label"]) == 1024
    assert only(events)["ml"]["truncated"] == ["ml.prediction.label"]


# --- numbers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (0.2, 0.2),
        (1, 1),
        (np.float32(0.5), 0.5),
        (np.array(0.5), 0.5),
        (Decimal("0.5"), 0.5),
        (True, 1),
        (1e300, 1e300),
        (2**70, float(2**70)),
    ],
)
def test_a_score_is_a_number(log, events, given, stored):
    log.prediction(score=given)

    assert only(events)["ml"]["prediction"]["score"] == stored


@pytest.mark.parametrize("given", [math.nan, math.inf, -math.inf, np.float32("nan"), 10**400])
@pytest.mark.parametrize("field", ["score", "value"])
def test_a_number_that_is_not_finite_is_null_and_named(price, events, field, given):
    price.prediction(**{field: given})

    assert only(events)["ml"]["prediction"][field] is None
    assert only(events)["ml"]["nonfinite"] == [f"ml.prediction.{field}"]


@pytest.mark.parametrize("given", ["high", [0.5], 1j, Hostile()])
def test_a_score_that_is_no_number_is_counted(log, events, given):
    log.prediction(score=given, label="legit")

    assert "score" not in only(events)["ml"]["prediction"]
    assert events.stats().misused == {"not_a_number": 1}


@pytest.mark.parametrize("given", [None, pd.NA, pd.NaT])
def test_a_missing_score_is_no_score(log, events, given):
    log.prediction(score=given)

    assert "score" not in only(events)["ml"]["prediction"]


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({"a": 0.25, "b": 0.75}, {"a": 0.25, "b": 0.75}),
        ({0: 0.25, 1.0: 0.75}, {"0": 0.25, "1": 0.75}),
        ([0.25, 0.75], {"0": 0.25, "1": 0.75}),
        (np.array([0.25, 0.75]), {"0": 0.25, "1": 0.75}),
        (pd.Series({"a": 0.25, "b": 0.75}), {"a": 0.25, "b": 0.75}),
        ({"a": math.nan}, {"a": None}),
        ({None: 0.5, "a": 0.5}, {"a": 0.5}),
    ],
)
def test_scores_map_classes_to_numbers(log, events, given, stored):
    log.prediction(scores=given)

    assert only(events)["ml"]["prediction"]["scores"] == stored


@pytest.mark.parametrize("given", [0.5, "high", {"a": "high"}, Hostile()])
def test_scores_that_are_none_are_counted(log, events, given):
    log.prediction(scores=given, label="legit")

    assert "scores" not in only(events)["ml"]["prediction"]
    assert events.stats().misused == {"bad_scores": 1}


# --- features and segments --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "kind", "stored"),
    [
        (5, "number", 5),
        (2.5, "number", 2.5),
        (np.int64(5), "number", 5),
        (np.float32(2.5), "number", 2.5),
        (Decimal("2.5"), "number", 2.5),
        ("ios", "category", "ios"),
        (True, "category", "true"),
        (np.bool_(False), "category", "false"),
        (Colour.RED, "category", "red"),
        (b"bytes", "category", "bytes"),
        (date(2026, 11, 24), "category", "2026-11-24"),
        (np.datetime64("2026-11-24T08:00:00.000000005"), "category",
         "2026-11-24T08:00:00.000000005"),
        ([1, 2], "category", "[1,2]"),
        ("", "category", ""),
        (Hostile(), "category", "<Hostile that raises RuntimeError>"),
        (Decimal("sNaN"), "category", None),
    ],
)  # fmt: skip
def test_features_are_split_by_type(log, events, given, kind, stored):
    log.prediction(features={"f": given, "g": 1})

    features = only(events)["ml"]["features"]
    assert features["number"]["g"] == 1
    assert features.get(kind, {}).get("f") == stored


@pytest.mark.parametrize("given", [None, pd.NA, pd.NaT])
def test_a_missing_feature_is_left_out(log, events, given):
    log.prediction(features={"f": given})

    assert only(events)["ml"]["features"] == {"number": {}}


@pytest.mark.parametrize("given", [math.nan, math.inf, -math.inf, np.nan])
def test_a_feature_that_is_not_finite_is_null_and_named(log, events, given):
    for _ in range(2):
        log.prediction(features={"f": given}, label="legit", duration=0.1)

    for event in events.events:
        assert event["ml"]["features"]["number"] == {"f": None}
        assert event["ml"]["nonfinite"] == ["ml.features.number.f"]


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("", "_"),
        ("a\0b", "a_b"),
        (".a.b.", "_a_b_"),
        ("...", "_"),
        ("a.b", "a.b"),
        (5, "5"),
        (("a", 1), "('a', 1)"),
        ("a\ud800", "a�"),
        (Hostile, "<class 'tests.emit.test_logger.Hostile'>"),
    ],
)
def test_names_are_cleaned(log, events, given, stored):
    log.prediction(features={given: 1.0}, segment={given: "x"})

    assert list(only(events)["ml"]["features"]["number"]) == [stored]
    assert list(only(events)["ml"]["segment"]) == [stored]


def test_a_long_name_is_cut_to_128_characters_and_stays_different(log, events):
    log.prediction(features={"n" * 200 + "1": 1, "n" * 200 + "2": 2})

    names = list(only(events)["ml"]["features"]["number"])
    assert [len(name) for name in names] == [128, 128]
    assert names[0] != names[1]


@pytest.mark.parametrize(("many", "dropped"), [(100, None), (101, 1), (250, 150)])
@pytest.mark.parametrize("value", [1.0, "x"])
def test_a_hundred_features_of_each_type_are_kept(log, events, many, dropped, value):
    log.prediction(features={f"f{i}": value for i in range(many)} | {"other": 1, "another": "x"})

    features = only(events)["ml"]["features"]
    kind = "number" if value == 1.0 else "category"
    extra = 1  # the one of the same type comes last
    assert len(features[kind]) == 100
    assert features["dropped"] == (dropped or 0) + extra


def test_features_under_one_name_after_cleaning_are_counted(log, events):
    log.prediction(features={"": 1, "_": 2})

    assert only(events)["ml"]["features"] == {"number": {"_": 1}, "dropped": 1}


@pytest.mark.parametrize(
    "given",
    [
        pd.Series({"a": 1, "b": "x"}),
        SimpleNamespace(items=lambda: [("a", 1), ("b", "x")]),
    ],
)
def test_features_come_from_anything_that_has_names(log, events, given):
    log.prediction(features=given)

    assert only(events)["ml"]["features"] == {"number": {"a": 1}, "category": {"b": "x"}}


def test_features_without_names_are_numbered(log, events):
    log.prediction(features=np.array([1.5, 2.5]))

    assert only(events)["ml"]["features"]["number"] == {"0": 1.5, "1": 2.5}


@pytest.mark.parametrize("field", ["features", "segment"])
def test_features_and_segments_that_cannot_be_read_are_counted(log, events, field):
    log.prediction(label="legit", **{field: Hostile()})

    assert only(events)["ml"]["prediction"]["label"] == "legit"
    assert events.stats().misused == {f"bad_{field}": 1}


@pytest.mark.parametrize("given", [5, "de", object()])
def test_a_segment_that_is_no_mapping_is_counted(log, events, given):
    log.prediction(segment=given)

    assert "segment" not in only(events)["ml"]
    assert events.stats().misused == {"bad_segment": 1}


def test_segments_are_texts(log, events):
    log.prediction(segment={"country": "de", "age": 30, "new": True, "tier": 1.0, "no": None})

    assert only(events)["ml"]["segment"] == {
        "country": "de",
        "age": "30",
        "new": "true",
        "tier": "1",
    }


def test_secret_features_are_redacted_by_name_and_by_looks(log, events):
    log.prediction(features={"password": "hunter2", "mail": "bob@example.com", "n": 1})

    event = only(events)
    assert event["ml"]["features"]["category"] == {
        "password": "[redacted]",
        "mail": "[redacted:email]",
    }
    assert event["ml"]["redacted"] == ["ml.features.password", "ml.features.category.mail"]


# --- times ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (datetime(2026, 11, 24, 8), "2026-11-24T08:00:00.000Z"),  # noqa: DTZ001 - naive is UTC
        (datetime(2026, 11, 24, 8, tzinfo=timezone(timedelta(hours=2))),
         "2026-11-24T06:00:00.000Z"),
        (datetime(2026, 11, 24, 8, 0, 0, 123_999, timezone.utc), "2026-11-24T08:00:00.123Z"),
        (date(2026, 11, 24), "2026-11-24T00:00:00.000Z"),
        (np.datetime64("2026-11-24T08:00:00.123456789"), "2026-11-24T08:00:00.123Z"),
        (np.datetime64("2026-11-24"), "2026-11-24T00:00:00.000Z"),
        (pd.Timestamp("2026-11-24T08:00:00.123456789"), "2026-11-24T08:00:00.123Z"),
        (pd.Timestamp("2026-11-24T08:00:00", tz="Europe/Berlin"), "2026-11-24T07:00:00.000Z"),
        (1_795_507_200, "2026-11-24T08:00:00.000Z"),
        (1_795_507_200.001, "2026-11-24T08:00:00.001Z"),
        (np.float64(1_795_507_200.5), "2026-11-24T08:00:00.500Z"),
        (np.int64(1_795_507_200), "2026-11-24T08:00:00.000Z"),
        ("2026-11-24T08:00:00Z", "2026-11-24T08:00:00.000Z"),
        ("2026-11-24T08:00:00.123+02:00", "2026-11-24T06:00:00.123Z"),
        ("2026-11-24", "2026-11-24T00:00:00.000Z"),
        (-0.001, "1969-12-31T23:59:59.999Z"),
        ("1000-01-01", "1000-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("way", ["single", "block", "failed", "batch", "label", "deployment"])
def test_a_time_is_stored_in_utc_to_the_millisecond(log, events, given, stored, way):
    if way == "single":
        log.prediction(at=given)
    elif way == "batch":
        log.predictions(label=["a"], at=given)
    elif way == "label":
        log.label("p", "fraud", observed_at=given)
    elif way == "deployment":
        log.deployment("2", at=given)
    elif way == "block":
        with log.predict(at=given):
            pass
    else:
        with pytest.raises(ValueError, match="x"), log.predict(at=given):
            raise ValueError("x")

    assert {event["@timestamp"] for event in events.events} == {stored}
    assert events.stats().misused == {}


@pytest.mark.parametrize(
    "given",
    [
        "yesterday",
        "999-01-01",
        True,
        math.nan,
        math.inf,
        1e15,
        10**4000,
        np.datetime64("NaT"),
        np.datetime64("20000-01-01"),
        pd.NaT,
        timedelta(hours=1),
        object(),
        Hostile(),
    ],
)
def test_a_time_that_cannot_be_used_is_now_and_counted(log, events, given):
    log.prediction(at=given)

    event = only(events)
    assert event["@timestamp"] == event["event"]["created"]
    assert events.stats().misused == {"bad_time": 1}


# --- users ------------------------------------------------------------------------------------


def test_a_user_is_kept_as_a_keyed_hash_only(log, events):
    log.prediction(user="bob")
    log.info("hello", user="bob")

    one, two = events.events
    assert one["user"] == two["user"]
    assert "bob" not in str(events.events)


def test_the_hash_of_a_user_depends_on_the_key(log):
    hashes = set()
    for key in ("one", "two"):
        with capture(user_key=key) as events:
            log.prediction(user="bob")
        hashes.add(only(events)["user"]["hash"])

    assert len(hashes) == 2


def test_a_user_without_a_key_is_left_out_and_counted(log):
    with capture(strict=False) as events:
        log.prediction(user="bob", label="legit")
        log.bind(user="bob").prediction(label="legit")

    assert "bob" not in str(events.events)
    assert events.stats().misused == {"user_without_key": 2}
    assert len(events.events) == 2


@pytest.mark.parametrize("given", [None, math.nan, pd.NA])
def test_a_missing_user_is_nobody(log, events, given):
    log.prediction(user=given)

    assert "user" not in only(events)


# --- predict ----------------------------------------------------------------------------------


def test_a_block_measures_and_takes_its_answer(log, events):
    with log.predict(features=ROW, segment={"country": "de"}, id="p-1", user="bob") as p:
        p.label, p.score = "fraud", 0.93

    event = only(events)
    assert event["event"]["outcome"] == "success"
    assert event["event"]["duration"] > 0
    assert event["ml"]["prediction"] == {
        "id": "p-1",
        "positive": "fraud",
        "label": "fraud",
        "score": 0.93,
    }
    assert event["ml"]["segment"] == {"country": "de"}
    assert "user" in event


def test_features_and_segments_may_be_found_in_the_block(price, events):
    with price.predict() as p:
        p.features, p.segment, p.value, p.scores = ROW, {"country": "at"}, 3.5, {"a": 1.0}

    ml = only(events)["ml"]
    assert ml["features"]["category"] == {"device": "ios"}
    assert ml["segment"] == {"country": "at"}
    assert ml["prediction"]["value"] == 3.5
    assert ml["prediction"]["scores"] == {"a": 1.0}


def test_an_exception_is_logged_once_linked_and_goes_on(log, events):
    with pytest.raises(ZeroDivisionError) as caught, log.predict(id="p-1", features=ROW) as p:
        p.label = 1 / 0

    error, attempt = events.events
    assert type(caught.value) is ZeroDivisionError
    assert error["event"]["dataset"] == "elkmon.error"
    assert error["ml"]["prediction"] == {"id": "p-1"}
    assert error["ml"]["model"] == {"name": "fraud", "version": "2.3.1"}
    assert error["error"]["type"] == "ZeroDivisionError"
    assert error["error"]["message"] == "division by zero"
    assert attempt["event"]["dataset"] == "elkmon.prediction"
    assert attempt["event"]["outcome"] == "failure"
    assert attempt["ml"]["features"]["category"] == {"device": "ios"}


def test_a_failed_attempt_keeps_the_answer_that_it_had(log, events):
    with pytest.raises(KeyError), log.predict() as p:  # noqa: PT012 - two steps are the point
        p.label = {}.get("x", "legit")
        p.score = {}["x"]

    assert events.one("elkmon.prediction", outcome="failure", label="legit")


def test_a_failed_attempt_has_the_type_and_the_fingerprint_of_its_error(log, events):
    with pytest.raises(KeyError), log.predict():
        raise KeyError("x")

    error, attempt = events.events
    assert attempt["error"] == {
        "type": "KeyError",
        "fingerprint": error["error"]["fingerprint"],
    }
    assert "duration" in attempt["event"]
    assert attempt["ml"]["sample"] == {"rate": 1.0, "weight": 1.0}


def test_the_fingerprints_agree_when_the_exception_was_logged_further_in(log, events):
    def inner():
        try:
            {}["x"]
        except KeyError as error:
            log.error(error)  # noqa: TRY400 - the point
            raise

    with pytest.raises(KeyError), log.predict():
        inner()

    error, attempt = events.events
    assert attempt["error"]["fingerprint"] == error["error"]["fingerprint"]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_attempt_that_was_broken_off_has_failed(log, events, kind):
    with pytest.raises(kind), log.predict():
        raise kind

    assert events.one("elkmon.prediction", outcome="failure")["error"]["type"] == kind.__name__


def test_nested_blocks_link_what_is_inside_to_the_inner_one(log, price, events):
    with log.predict(id="outer"):
        log.info("before")
        with price.predict(id="inner"):
            log.info("within")
        log.info("after")
    log.info("outside")

    linked = {
        event["message"]: event["ml"].get("prediction", {}).get("id")
        for event in events.of("elkmon.log")
    }
    assert linked == {"before": "outer", "within": "inner", "after": "outer", "outside": None}


def test_an_exception_through_nested_blocks_fails_both_and_is_one_error(log, price, events):
    with pytest.raises(KeyError), log.predict(id="outer"), price.predict(id="inner"):
        raise KeyError("x")

    assert events.one("elkmon.error")["ml"]["prediction"] == {"id": "inner"}
    failed = events.of("elkmon.prediction", outcome="failure")
    assert [each["ml"]["prediction"]["id"] for each in failed] == ["inner", "outer"]
    assert len({each["error"]["fingerprint"] for each in failed}) == 1


def test_an_exception_that_was_caught_inside_fails_nothing(log, events):
    with log.predict() as p:
        try:
            p.label = {}["x"]
        except KeyError:
            p.label = "legit"

    assert only(events)["event"]["outcome"] == "success"
    events.none("elkmon.error")


def test_a_block_without_a_model_takes_the_model_of_the_prediction_for_its_lines(log, events):
    with log.predict(id="p"):
        elkmon.get_logger().info("line")

    assert events.one("elkmon.log")["ml"]["model"] == {"name": "fraud", "version": "2.3.1"}


def test_asyncio_tasks_are_linked_each_to_its_own_prediction(log, events):
    async def task(number):
        async with log.predict(id=f"p-{number}") as p:
            await asyncio.sleep(0)
            await log.ainfo(f"line {number}")
            await asyncio.sleep(0)
            p.label = "legit"
            if number % 2:
                raise ValueError(number)

    async def main():
        return await asyncio.gather(*map(task, range(10)), return_exceptions=True)

    results = asyncio.run(main())

    assert [type(each) for each in results] == [type(None), ValueError] * 5
    for line in events.of("elkmon.log"):
        assert line["ml"]["prediction"]["id"] == line["message"].replace("line ", "p-")
    for error in events.of("elkmon.error"):
        assert error["ml"]["prediction"]["id"] == f"p-{error['error']['message']}"
    assert len(events.of("elkmon.prediction", outcome="success")) == 5
    assert len(events.of("elkmon.prediction", outcome="failure")) == 5


def test_a_cancelled_task_is_a_failed_attempt(log, events):
    async def main():
        async def slow():
            async with log.predict():
                await asyncio.sleep(3600)

        task = asyncio.create_task(slow())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())

    assert events.one("elkmon.prediction")["error"]["type"].endswith("CancelledError")


def test_a_block_left_in_another_context_is_still_logged(log, events):
    def steps():
        with log.predict(id="p"):
            yield

    import contextvars  # noqa: PLC0415

    generator = steps()
    contextvars.copy_context().run(next, generator)
    next(generator, None)

    assert only(events)["ml"]["prediction"]["id"] == "p"


def test_threads_have_blocks_of_their_own(log, events):
    barrier = threading.Barrier(4)

    def work(number):
        for _ in range(50):
            with log.predict(id=f"p-{number}") as p:
                p.label = "legit"
                log.info(str(number))
        barrier.wait()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(event["event"]["sequence"] for event in events.events) == list(range(1, 401))
    for line in events.of("elkmon.log"):
        assert line["ml"]["prediction"]["id"] == f"p-{line['message']}"


# --- labels -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({"label": "fraud"}, {"label": "fraud"}),
        ({"correct": False}, {"correct": False}),
        ({"correct": np.bool_(True)}, {"correct": True}),
        ({"correct": 1}, {"correct": True}),
        ({"correct": 0.0}, {"correct": False}),
        ({"correct": "false"}, {"correct": False}),
        ({"rating": 4}, {"rating": 4}),
        ({"rating": np.float32(0.5), "source": "support"}, {"rating": 0.5, "source": "support"}),
        ({"label": "fraud", "source": Colour.RED}, {"label": "fraud", "source": "red"}),
        ({"label": "fraud", "source": math.nan}, {"label": "fraud"}),
    ],
)
def test_a_label_says_what_turned_out_to_be_true(log, events, given, stored):
    log.label("p-1", **given, observed_at=AT)

    event = only(events, "elkmon.label")
    assert event["ml"]["truth"] == {**stored, "observed_at": AT}
    assert event["ml"]["prediction"] == {"id": "p-1"}
    assert event["ml"]["model"] == {"name": "fraud"}
    assert event["@timestamp"] == AT
    assert uuid.UUID(event["event"]["id"]).version == 7


def test_a_label_without_a_time_is_of_now(log, events):
    log.label("p", "fraud")

    event = only(events, "elkmon.label")
    assert event["ml"]["truth"]["observed_at"] == event["@timestamp"]


def test_a_regression_is_labelled_with_a_value(price, events):
    price.label("p", value=np.float32(2.5))

    assert only(events, "elkmon.label")["ml"]["truth"]["value"] == 2.5


@pytest.mark.parametrize(
    ("task", "given", "kind"),
    [
        ("regression", {"label": "fraud"}, "label_for_regression"),
        ("binary", {"value": 1.5}, "value_for_classification"),
        ("multiclass", {"value": 1.5}, "value_for_classification"),
        ("binary", {"correct": "perhaps"}, "bad_correct"),
        ("binary", {"correct": Hostile()}, "not_a_word"),
        ("generation", {"rating": "good"}, "not_a_number"),
        ("binary", {"label": "a", "correct": False}, "label_and_correct"),
        ("binary", {}, "empty_label"),
        ("binary", {"label": math.nan}, "empty_label"),
        ("regression", {"value": math.nan}, "empty_label"),
        ("binary", {"correct": pd.NA}, "empty_label"),
    ],
)
def test_a_wrong_label_is_counted_or_raised(task, given, kind):
    log = elkmon.get_logger("m", task=task)

    with capture(strict=False) as events:
        log.label("p", **given)
    with capture(strict=True), pytest.raises(UsageError):
        log.label("p", **given)

    assert events.stats().misused[kind] == 1


def test_a_label_beside_correct_counts_and_both_are_kept(log, events):
    log.label("p", "fraud", correct=True)

    truth = only(events, "elkmon.label")["ml"]["truth"]
    assert (truth["label"], truth["correct"]) == ("fraud", True)


def test_labels_are_never_sampled(events):
    log = elkmon.get_logger("m", sample_rate=0.01)

    for number in range(50):
        log.label(str(number), "a")

    assert len(events.of("elkmon.label")) == 50


# --- figures and deployments ------------------------------------------------------------------


def test_a_metric_is_a_number_with_a_unit(log, events):
    log.metric("basket_value", 31.5, unit="eur")

    event = only(events, "elkmon.metric")
    assert event["metric"] == {"name": "basket_value", "value": 31.5, "unit": "eur"}
    assert event["event"]["kind"] == "metric"


def test_a_metric_in_a_block_is_linked(log, events):
    with log.predict(id="p"):
        log.metric("tokens", 5)

    assert only(events, "elkmon.metric")["ml"]["prediction"] == {"id": "p"}


def test_a_metric_that_is_not_finite_is_null_and_named(log, events):
    log.metric("x", math.nan)

    event = only(events, "elkmon.metric")
    assert event["metric"]["value"] is None
    assert event["ml"]["nonfinite"] == ["metric.value"]


@pytest.mark.parametrize("given", ["many", None, [], Hostile()])
def test_a_metric_that_is_no_number_is_not_written_but_counted(log, events, given):
    log.metric("x", given)

    assert events.events == []
    assert sum(events.stats().misused.values()) == 1


@pytest.mark.parametrize("action", ["deployed", "rolled_back"])
def test_a_deployment_names_the_version(log, events, action):
    log.deployment("2.4.0", action=action, at=AT)

    event = only(events, "elkmon.deployment")
    assert event["event"]["action"] == action
    assert event["ml"]["model"] == {"name": "fraud", "version": "2.4.0"}
    assert event["@timestamp"] == AT


@pytest.mark.parametrize(("version", "action"), [("2", "shipped"), (None, "deployed"), ("2", [])])
def test_a_deployment_that_says_nothing_is_counted(log, events, version, action):
    log.deployment(version, action=action)

    assert events.events == []
    assert events.stats().misused == {"bad_deployment": 1}


# --- lines ------------------------------------------------------------------------------------

LEVELS = ["debug", "info", "warning"]
FAILURES = ["error", "critical"]


@pytest.mark.parametrize("level", LEVELS + FAILURES)
@pytest.mark.parametrize("wait", [False, True])
def test_a_line_has_a_level_a_text_and_what_was_added(log, events, level, wait):
    if wait:
        asyncio.run(getattr(log, f"a{level}")("slow %s", "store", took=1.2))
    else:
        getattr(log, level)("slow %s", "store", took=1.2)

    (event,) = events.events
    dataset = "elkmon.error" if level in FAILURES else "elkmon.log"
    assert event["event"]["dataset"] == dataset
    assert event["log"]["level"] == level
    assert event["message"] == "slow store"
    assert event["labels"] == {"took": 1.2}


@pytest.mark.parametrize(
    ("alias", "level"),
    [("warn", "warning"), ("msg", "info"), ("fatal", "critical"), ("exception", "error")],
)
def test_aliases_mean_their_level(log, events, alias, level):
    getattr(log, alias)("text")
    asyncio.run(getattr(log, f"a{alias}")("text"))

    assert [event["log"]["level"] for event in events.events] == [level] * 2


@pytest.mark.parametrize(
    ("number", "level"),
    [(10, "debug"), (20, "info"), (35, "warning"), (40, "error"), (99, "critical"), (5, "debug")],
)
def test_a_number_is_the_level_below(log, events, number, level):
    log.log(number, "text")
    asyncio.run(log.alog(number, "text"))

    assert [event["log"]["level"] for event in events.events] == [level] * 2


@pytest.mark.parametrize(
    ("text", "args", "shown"),
    [
        ("100%", (), "100%"),
        ("%s of %s", (1, 2), "1 of 2"),
        ("%(a)s", ({"a": 1},), "1"),
        ("%d", ("x",), "%d x"),
        ("%s", (1, 2), "%s 1, 2"),
        ("%s", (Hostile(),), "%s <Hostile that raises RuntimeError>"),
        (5, ("x",), "5 x"),
        (Hostile(), (), "<Hostile that raises RuntimeError>"),
    ],
)
@pytest.mark.parametrize("level", ["info", "error"])
def test_arguments_are_put_into_the_text_or_shown(log, events, text, args, shown, level):
    getattr(log, level)(text, *args)

    (event,) = events.events
    assert event["message"] == shown


@pytest.mark.parametrize(
    "name", ["level", "logger", "timestamp", "exception", "function", "method_name", "name"]
)
@pytest.mark.parametrize("level", ["info", "error"])
def test_what_is_added_may_have_any_name(log, events, name, level):
    getattr(log, level)("text", **{name: "error"})

    (event,) = events.events
    assert event["labels"] == {name: "error"}
    assert event["log"]["level"] == level


def test_what_was_bound_is_said_with_every_event(log, events):
    bound = log.bind(request_id="r1")
    with pytest.raises(KeyError), bound.predict():
        raise KeyError("x")
    bound.prediction()
    bound.predictions(label=["a", "b"])
    bound.label("p", "a")
    bound.labels(["p"], "a")
    bound.metric("x", 1)
    bound.deployment("2")
    bound.info("text")

    assert len(events.events) == 10
    assert {event["labels"]["request_id"] for event in events.events} == {"r1"}


def test_unbinding_and_binding_anew_are_as_in_structlog(log, events):
    bound = log.bind(a=1, b=2)
    for each in (bound.unbind("a"), bound.try_unbind("z"), bound.new(c=3), log):
        each.prediction(label="legit", features=ROW, duration=0.1)

    labels = [event.get("labels") for event in events.events]
    assert labels == [{"b": 2}, {"a": 1, "b": 2}, {"c": 3}, None]


@pytest.mark.parametrize("repeat", [1, 2])
def test_context_variables_of_structlog_are_said_with_every_event(log, events, repeat):
    with bound_contextvars(request_id="r1"):
        for _ in range(repeat):
            log.prediction(label="legit", features=ROW, duration=0.1)
        log.info("text")
    log.prediction(label="legit", features=ROW, duration=0.1)

    *inside, outside = events.events
    assert {event["labels"]["request_id"] for event in inside} == {"r1"}
    assert "labels" not in outside


def test_what_was_bound_is_redacted_by_the_rules_of_the_present(log):
    bound = log.bind(mail="bob@example.com")
    seen = []
    for redact in (False, True):
        with capture(redact=redact) as events:
            for _ in range(2):
                bound.prediction(label="legit", features=ROW, duration=0.1)
            seen.append({event["labels"]["mail"] for event in events.events})

    assert seen == [{"bob@example.com"}, {"[redacted:email]"}]


def test_the_stack_is_added_where_asked_for(log, events):
    log.info("text", stack_info=True)

    assert "test_logger" in only(events, "elkmon.log")["labels"]["stack"]


# --- wrong use --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"task": "classification"}, "unknown_task"),
        ({"task": ["binary"]}, "unknown_task"),
        ({"sample_rate": 0}, "sample_rate"),
        ({"sample_rate": 1.5}, "sample_rate"),
        ({"sample_rate": math.nan}, "sample_rate"),
        ({"sample_rate": "half"}, "sample_rate"),
    ],
)
def test_a_wrong_logger_is_counted_or_raised(given, kind):
    with capture(strict=False) as events:
        elkmon.get_logger("m", **given).prediction(label="a")
    with capture(strict=True), pytest.raises(UsageError):
        elkmon.get_logger("m", **given)

    assert events.stats().misused == {kind: 1}
    assert "task" not in only(events)["ml"]
    assert only(events)["ml"]["sample"]["rate"] == 1.0


@pytest.mark.parametrize(
    ("task", "given", "kind"),
    [
        ("regression", {"label": "a"}, "label_for_regression"),
        ("binary", {"value": 1.0}, "value_for_classification"),
        ("binary", {"score": "high"}, "not_a_number"),
        ("binary", {"at": "yesterday"}, "bad_time"),
        ("binary", {"segment": 5}, "bad_segment"),
        ("binary", {"scores": 5}, "bad_scores"),
        ("binary", {"user": "bob"}, "user_without_key"),
    ],
)
@pytest.mark.parametrize("way", ["prediction", "predict", "predictions"])
def test_a_wrong_prediction_is_counted_and_kept_or_raised(task, given, kind, way):
    log = elkmon.get_logger("m", task=task)

    def predict():
        if way == "prediction":
            log.prediction(**given)
        elif way == "predictions":
            log.predictions(id=["1"], **given)
        else:
            with log.predict() as p:
                for name, value in given.items():
                    setattr(p, name, value)

    if (way, kind) in {("predictions", "bad_segment"), ("predictions", "bad_scores")}:
        kind = "shapeless_batch"
    with capture(strict=False) as events:
        predict()
    with capture(strict=True), pytest.raises(UsageError):
        predict()

    assert events.stats().misused == {kind: 1}
    assert len(events.events) == (kind != "shapeless_batch")


def test_hostile_values_never_raise_and_cost_no_event(log, events):
    log.prediction(label="legit", features=ROW, duration=0.1)  # so that the short way is known

    log.prediction(label=Hostile(), features=ROW, duration=0.1)
    log.prediction(label="legit", score=Hostile(), features=ROW, duration=Hostile())
    log.prediction(label="legit", features={**ROW, "device": Hostile()}, duration=0.1, id="x")
    log.prediction(label="legit", features=Hostile(), segment=Hostile(), duration=0.1)
    log.info("text", hostile=Hostile())
    log.error("text", hostile=Hostile())

    assert len(events.events) == 7
    assert events.stats().dropped == {}


def test_what_is_said_of_wrong_use_holds_no_secret(log, events, capfd):
    log.prediction(score="bob@example.com")

    said = capfd.readouterr().err
    assert "not_a_number" in said
    assert "bob@" not in said


# --- sampling ---------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["prediction", "predict", "predictions"])
def test_sampling_keeps_by_the_hash_of_the_id(events, way):
    log = elkmon.get_logger("m", sample_rate=0.25)
    ids = [f"p-{number}" for number in range(400)]

    if way == "predictions":
        log.predictions(id=ids, label="a")
    for each in ids:
        if way == "prediction":
            log.prediction(id=each, label="a", features=ROW, duration=0.1)
        elif way == "predict":
            with log.predict(id=each) as p:
                p.label = "a"

    stored = [event["ml"]["prediction"]["id"] for event in events.events]
    assert stored == [each for each in ids if kept(each, 0.25)]
    assert 60 < len(stored) < 140
    assert {str(e["ml"]["sample"]) for e in events.events} == {"{'rate': 0.25, 'weight': 4.0}"}
    assert events.stats().sampled_out == 400 - len(stored)
    sequence = [event["event"]["sequence"] for event in events.events]
    assert sequence == list(range(1, len(stored) + 1))


def test_failures_are_always_kept_and_stand_for_themselves(events):
    log = elkmon.get_logger("m", sample_rate=0.001)

    for number in range(20):
        with pytest.raises(KeyError), log.predict(id=str(number)):
            raise KeyError("x")

    failed = events.of("elkmon.prediction")
    assert len(failed) == 20
    assert all(each["ml"]["sample"] == {"rate": 1.0, "weight": 1.0} for each in failed)


def test_the_rate_of_the_settings_holds_where_a_logger_has_none():
    log, own = elkmon.get_logger("m"), elkmon.get_logger("m", sample_rate=1.0)

    with capture(sample_rate=0.5) as events:
        for number in range(40):
            log.prediction(id=str(number))
        own.predictions(id=["own"], label="a")

    rates = {event["ml"]["sample"]["rate"] for event in events.events}
    assert rates == {0.5, 1.0}


def test_a_sampled_out_prediction_still_has_its_id(events):
    log = elkmon.get_logger("m", sample_rate=1e-9)

    assert log.prediction(id="p") == "p"
    assert log.predictions(id=["p", "q"], label="a") == ["p", "q"]
    assert events.events == []


# --- settings ---------------------------------------------------------------------------------


def test_every_event_says_where_it_comes_from(log):
    with capture(
        service="scoring-api", environment="prod", service_version="7", node="host-1"
    ) as events:
        log.prediction()
        log.label("p", "fraud")
        log.info("text")

    for event in events.events:
        assert event["service"] == {
            "name": "scoring-api",
            "version": "7",
            "environment": "prod",
            "node": {"name": "host-1"},
        }


def test_nothing_is_written_where_it_is_switched_off(log):
    with capture(enabled=False) as events:
        pid = log.prediction(label="legit")
        assert log.predictions(label=["legit"])
        log.label(pid, "legit")
        log.info("text")
        log.metric("x", 1)
        with pytest.raises(KeyError), log.predict():
            raise KeyError("x")

    assert events.events == []
    assert events.stats().accepted == 0


@pytest.mark.parametrize(
    ("model", "version", "stored"),
    [
        ("fraud", 2.0, {"name": "fraud", "version": "2.0"}),
        ("a\0b", "1\ud800", {"name": "a␀b", "version": "1�"}),
        (None, None, {}),
        ("", "", {}),
        (Hostile(), 1, {"name": "<Hostile that raises RuntimeError>", "version": "1"}),
    ],
)
def test_models_and_versions_are_texts(events, model, version, stored):
    elkmon.get_logger(model, version).prediction(label="a")

    assert only(events)["ml"].get("model", {}) == stored
