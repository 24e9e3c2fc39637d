"""A call, a second call, a block and a batch give one event, whole, whatever comes."""

import math
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import elkmon
from elkmon.testing import capture

FEW = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])

texts = st.text(max_size=8) | st.sampled_from(
    ["", "a", "ios", "a\0b", "\ud800", '"', "\\", "\n", "%s", "null", "bob@example.com", "x" * 1100]
)
floats = st.floats() | st.floats(0, 1)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | floats
    | texts
    | st.sampled_from([np.float32(0.1), np.int64(5), np.bool_(True), np.str_("a"), Decimal("1.0")])
)
names = st.sampled_from(["amount", "device", "password", "", ".x", "n" * 130, "a.b", "a\0", '"'])
tables = st.dictionaries(names | texts, scalars, max_size=5)
simple = st.dictionaries(
    st.sampled_from(["amount", "device", "age", "null"]),
    st.integers(-5, 2**64) | floats | st.sampled_from(["ios", "web", "bob@example.com"]),
    max_size=4,
)
calls = st.fixed_dictionaries(
    {},
    optional={
        "label": scalars,
        "score": floats | st.none() | st.integers(0, 1),
        "features": simple | tables,
        "segment": st.dictionaries(names, scalars, max_size=3),
        "duration": st.floats(0, 1e10) | st.sampled_from([0, 1, 1e-9, 3e-9, -1.0, math.nan]),
        "id": texts | st.integers() | st.floats(),
    },
)
tasks = st.sampled_from(["binary", "multiclass", "regression", "generation", None])
binds = st.dictionaries(st.sampled_from(["request_id", "note"]), scalars, max_size=2)


def essence(event):
    """Give what an event says, without its own identity, number and times."""
    kept = {name: value for name, value in event.items() if name not in {"@timestamp", "process"}}
    kept["event"] = {
        name: value
        for name, value in event["event"].items()
        if name not in {"id", "created", "sequence"}
    }
    kept["ml"] = {**event["ml"], "prediction": dict(event["ml"]["prediction"])}
    kept["ml"]["prediction"].pop("id")
    return kept


def the_event(write):
    """Give the essence of the one event that a call makes."""
    with capture(strict=False) as events:
        write()
    (event,) = events.events
    assert events.stats().dropped == {}
    return essence(event)


def column(value):
    """Make a column of one row, as an application has it."""
    return [value]


@FEW
@given(call=calls, task=tasks, bound=binds)
@example(call={"features": {"x": 2**63}, "label": "a", "duration": 0.1}, task=None, bound={})
@example(call={"features": {"x": -0.0}, "label": "a", "duration": 0.1}, task=None, bound={})
@example(
    call={"features": {"x": 1.0}, "label": "a", "duration": 0.1, "id": ""}, task=None, bound={}
)
@example(call={"features": {}, "segment": {}, "label": "a", "duration": 0.1}, task=None, bound={})
def test_a_second_identical_call_gives_the_same_event(call, task, bound):
    log = elkmon.get_logger("m", "1", task=task, positive="a", **bound)

    with capture(strict=False) as events:
        for _ in range(3):
            log.prediction(**call)

    first, second, third = events.events
    assert essence(first) == essence(second) == essence(third)


@FEW
@given(before=simple, call=calls)
def test_what_was_seen_before_changes_no_event(before, call):
    log = elkmon.get_logger("m", task="binary", positive="a")
    fresh = elkmon.get_logger("m", task="binary", positive="a")

    with capture(strict=False) as events:
        log.prediction(features=before, label="a", duration=0.1)
        log.prediction(features=before, label="b", segment={"device": "ios"}, duration=0.1)
        log.prediction(**call)
        fresh.prediction(**call)

    *_, seen, unseen = events.events
    assert essence(seen) == essence(unseen)


@FEW
@given(call=calls, task=tasks, bound=binds)
@example(call={"features": {"x": 2**63}}, task=None, bound={})
@example(call={"features": {"x": np.float32(0.1), "y": True}}, task=None, bound={})
@example(call={"label": "a", "id": 'q"\\'}, task=None, bound={"note": '%s"'})
def test_a_batch_of_one_gives_the_same_event(call, task, bound):
    log = elkmon.get_logger("m", "1", task=task, positive="a", **bound)
    table = {
        name: {key: column(each) for key, each in value.items()}
        if name in {"features", "segment"}
        else column(value)
        for name, value in call.items()
    }

    single = the_event(lambda: log.prediction(**call))
    batch = the_event(lambda: log.predictions(**{"id": ["p"], **table}))

    assert batch == single


@FEW
@given(rows=st.lists(calls, min_size=2, max_size=6), bound=binds)
def test_a_batch_gives_the_events_of_its_rows(rows, bound):
    log = elkmon.get_logger("m", "1", task="binary", positive="a", **bound)
    ids = [str(place) for place in range(len(rows))]
    table = {
        "features": [row.get("features") or {} for row in rows],
        "segment": [row.get("segment") or {} for row in rows],
        **{name: [row.get(name) for row in rows] for name in ("label", "score", "duration")},
    }

    with capture(strict=False) as batch:
        log.predictions(id=ids, **table)
    with capture(strict=False) as single:
        for place, name in enumerate(ids):
            log.prediction(id=name, **{key: each[place] for key, each in table.items()})

    by_id = {event["ml"]["prediction"]["id"]: essence(event) for event in batch.events}
    assert by_id == {e["ml"]["prediction"]["id"]: essence(e) for e in single.events}
    assert len(batch.events) == len(rows)


@pytest.mark.parametrize("library", [pd.DataFrame, dict], ids=["pandas", "dict"])
@FEW
@given(
    amounts=st.lists(floats, min_size=3, max_size=3),
    devices=st.lists(texts, min_size=3, max_size=3),
    labels=st.lists(st.sampled_from(["a", "b", ""]), min_size=3, max_size=3),
)
def test_a_frame_gives_the_events_of_its_rows(library, amounts, devices, labels):
    log = elkmon.get_logger("m", task="binary", positive="a")
    devices = [each.encode("utf-8", "replace").decode() for each in devices]  # arrow takes no other
    table = {"amount": amounts, "device": devices}

    with capture(strict=False) as batch:
        log.predictions(id=["0", "1", "2"], label=np.array(labels), features=library(table))
    with capture(strict=False) as single:
        for place in range(3):
            row = {"amount": amounts[place], "device": devices[place]}
            log.prediction(id=str(place), label=labels[place], features=row)

    by_id = {event["ml"]["prediction"]["id"]: essence(event) for event in batch.events}
    assert by_id == {e["ml"]["prediction"]["id"]: essence(e) for e in single.events}


@FEW
@given(call=calls, task=tasks)
def test_a_block_gives_the_event_of_a_call(call, task):
    log = elkmon.get_logger("m", task=task, positive="a")
    call.pop("duration", None)

    def block():
        with log.predict(id=call.get("id")) as p:
            for name, value in call.items():
                if name != "id":
                    setattr(p, name, value)

    made = the_event(block)
    made["event"].pop("duration")
    made["ml"].pop("duration_bin")

    assert made == the_event(lambda: log.prediction(**call))


# --- hostile values ---------------------------------------------------------------------------


class Raising:
    def __str__(self):
        raise RuntimeError("hostile")

    __repr__ = __iter__ = __hash__ = __eq__ = __float__ = __len__ = __bool__ = __str__


class Liar(dict):
    """A mapping whose methods disagree."""

    def items(self):
        return [(1, 2, 3)]


def cycle():
    ring = {}
    ring["self"] = ring
    return ring


ODD = (
    Raising(),
    Liar(a=1),
    cycle(),
    object(),
    Raising,
    10**400,
    -(2**63),
    2**63,
    Decimal("sNaN"),
    Decimal("1E+1000000"),
    1e308 * 10,
    np.float64("nan"),
    np.datetime64("NaT"),
    np.array([[1.0, math.nan]]),
    pd.NA,
    pd.NaT,
    pd.Series([1, 2]),
    b"\xff\x00",
    "\ud83d",
    "\ud83d\ude00",
    "\0",
    "\u2028\x85\r\n",
    "x" * 300_000,
    {"password": "hunter2"},
    {("a", 1): {None: 5}},
    {1, "a"},
    range(10**9),
    datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))),
    timedelta.max,
    ValueError("x"),
)
CALL = ("label", "score", "value", "scores", "features", "segment", "duration", "id", "at", "user")
odd = st.integers(0, len(ODD) - 1).map(ODD.__getitem__)  # by its place: some have no hash
anything = st.recursive(
    scalars | odd | st.binary(max_size=8) | st.datetimes() | st.decimals() | st.complex_numbers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(texts | st.integers() | st.booleans(), inner, max_size=3)
        | st.tuples(inner, inner)
    ),
    max_leaves=8,
)


@FEW
@given(
    call=st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            [
                "label",
                "score",
                "value",
                "scores",
                "features",
                "segment",
                "duration",
                "id",
                "at",
                "user",
            ],
            anything,
        ),
    ),
    task=tasks,
)
def test_any_prediction_is_one_event(events, call, task):
    before = len(events.events)
    log = elkmon.get_logger("m", task=task, positive=call.get("label"))

    pid = log.prediction(**call)

    assert len(events.events) == before + 1
    assert events.events[-1]["ml"]["prediction"]["id"] == pid
    assert events.stats().dropped == {}


@FEW
@given(value=anything, name=texts, level=st.sampled_from(["info", "error", "exception"]))
def test_any_line_is_one_event(events, value, name, level):
    before = len(events.events)
    log = elkmon.get_logger("m", bound=value)

    getattr(log, level)(value, **({name: value} if name != "exc_info" else {}))
    getattr(log, level)("text %s", value)

    assert len(events.events) == before + 2
    assert events.stats().dropped == {}


@FEW
@given(
    truth=st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ("label", "value", "correct", "rating", "source", "observed_at"), anything
        ),
    ),
    pid=anything,
    task=tasks,
)
def test_any_label_is_an_event_or_counted(events, truth, pid, task):
    before = len(events.events), sum(events.stats().misused.values())
    log = elkmon.get_logger("m", task=task)

    log.label(pid, truth.pop("label", None), **truth)

    now = len(events.events), sum(events.stats().misused.values())
    assert now != before
    assert now[0] - before[0] <= 1
    assert events.stats().dropped == {}


@FEW
@given(name=anything, value=anything, unit=anything, version=anything, at=anything)
def test_any_metric_or_deployment_is_an_event_or_counted(events, name, value, unit, version, at):
    before = len(events.events) + sum(events.stats().misused.values())
    log = elkmon.get_logger(name, version)

    log.metric(name, value, unit=unit)
    log.deployment(version, at=at)

    assert len(events.events) + sum(events.stats().misused.values()) >= before + 2
    assert events.stats().dropped == {}


@FEW
@given(
    columns=st.dictionaries(
        st.sampled_from(["label", "score", "value", "features", "segment", "scores", "at", "id"]),
        anything | st.lists(anything, min_size=2, max_size=2),
        max_size=4,
    )
)
def test_any_batch_is_events_or_counted(events, columns):
    before = events.stats()

    ids = elkmon.get_logger("m").predictions(**columns)

    after = events.stats()
    assert after.written - before.written == len(ids)
    assert after.dropped == {}
