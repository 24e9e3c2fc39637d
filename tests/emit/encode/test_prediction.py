"""One prediction: what is remembered has bounds, what is long or odd is handled where it stands."""

import sys
from enum import Enum
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

import elkmon
from elkmon.emit import process_emitter as state
from elkmon.emit.encode import remembered
from elkmon.testing import capture


@pytest.fixture
def log():
    return elkmon.get_logger("m", "1", task="multiclass")


def features(events):
    return [event["ml"]["features"] for event in events.events]


def call(log, **given):
    log.prediction(**{"label": "a", "duration": 0.1, **given})


@pytest.mark.parametrize("valid", [True, False])
def test_an_active_trace_stands_in_a_prediction(log, events, monkeypatch, valid):
    tracer = ModuleType("opentelemetry.trace")
    context = SimpleNamespace(trace_id=0xABC, span_id=0x12, is_valid=valid)
    tracer.get_current_span = lambda: SimpleNamespace(get_span_context=lambda: context)
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", tracer)
    for _ in range(2):
        call(log, features={"n": 1.0, "d": "ios"}, segment={"c": "de"})

    call(log, features={"n": 2.0, "d": "web"}, segment={"c": "at"})

    event = events.events[-1]
    assert event["ml"]["features"] == {"number": {"n": 2.0}, "category": {"d": "web"}}
    assert event["ml"]["segment"] == {"c": "at"}
    assert event.get("trace") == ({"id": f"{0xABC:032x}"} if valid else None)
    assert event.get("span") == ({"id": f"{0x12:016x}"} if valid else None)


def test_more_than_is_remembered_is_still_right(log, events, monkeypatch):
    monkeypatch.setattr(remembered, "_REMEMBERED", 3)

    for _ in range(2):
        for i in range(10):
            call(log, label=f"c{i}", features={f"f{i}": 1.0, "d": f"v{i}"}, segment={f"s{i}": "x"})
            call(log, label=f"c{i}", features={"n": 1.0, "d": f"w{i}"}, segment={"s": f"x{i}"})

    emitter = state.current()
    assert max(map(len, (emitter.plain_names, emitter.plain_texts))) <= 3
    labels = [event["ml"]["prediction"]["label"] for event in events.events]
    assert labels == [f"c{i}" for _ in range(2) for i in range(10) for _ in range(2)]
    assert features(events)[-1] == {"number": {"n": 1.0}, "category": {"d": "w9"}}


def test_a_long_text_is_not_remembered(log, events):
    for _ in range(2):
        call(log, features={"d": "x" * 1000})

    assert "x" * 1000 not in state.current().plain_texts
    assert features(events) == [{"number": {}, "category": {"d": "x" * 1000}}] * 2


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"features": {f"{'n' * 100}{i}": 1.0 for i in range(50)}}, id="names"),
        pytest.param({"features": {f"d{i}": "x" * 900 for i in range(5)}}, id="categories"),
        pytest.param({"features": {}, "segment": {"a": "é" * 1000, "b": "x"}}, id="segment"),
        pytest.param({"features": {}, "label": "é" * 1024}, id="class"),
    ],
)
def test_what_is_long_is_the_same_each_time(log, events, given):
    for _ in range(3):
        call(log, **given)

    assert len({str(event["ml"]["features"]) for event in events.events}) == 1
    assert len({str(event["ml"].get("segment")) for event in events.events}) == 1


def test_long_things_that_were_bound_stand_in_each_prediction(events):
    log = elkmon.get_logger("m", note="x" * 5000)

    for _ in range(2):
        call(log, features={"n": 1.0})

    assert {event["labels"]["note"] for event in events.events} == {"x" * 5000}


def test_a_long_name_of_the_service_stands_in_each_prediction(log):
    with capture(service="s" * 5000) as events:
        for _ in range(2):
            call(log, features={"n": 1.0})

    assert {event["service"]["name"] for event in events.events} == {"s" * 5000}


def test_a_long_line_is_whole():
    numbers = {f"{'n' * 9}{i:03}": -1.2345678901234567e-300 for i in range(100)}
    texts = {"d": "\x01" * 280}
    with capture(service="s" * 1200) as events:
        log = elkmon.get_logger("m", note="x" * 1700)
        for _ in range(2):
            log.prediction(
                label="é" * 800,
                features=numbers | texts,
                segment=texts,
                duration=0.1,
                score=0.123456789,
                id="\x01" * 200,
            )

    assert len(str(events.events[-1]).encode()) < 16 * 1024
    assert events.events[-1]["ml"]["features"]["number"] == numbers


class Name(str, Enum):
    """A name that equals a text, and is shown as another."""

    amount = "amount"


class Text(str):
    """A name that is a text, but for its type."""

    __slots__ = ()


@pytest.mark.parametrize("name", [Text("amount"), np.str_("amount"), Name.amount])
def test_a_name_of_a_texts_subclass_is_the_same_whatever_was_seen_before(log, events, name):
    call(log, features={name: 1.0, "device": "ios"}, segment={name: "x"})
    call(log, features={"amount": 1.0, "device": "ios"}, segment={"amount": "x"})
    call(log, features={name: 1.0, "device": "ios"}, segment={name: "x"})

    first, _, third = events.events
    assert first["ml"]["features"] == third["ml"]["features"]
    assert first["ml"]["segment"] == third["ml"]["segment"]
    assert list(first["ml"]["features"]["number"]) == [str(name)]
    assert events.stats().dropped == {}


def test_of_two_names_that_are_stored_as_one_the_first_counts(log, events):
    call(log, features={"a\0": 1.0, "a_": "x", "b": 2.0})

    assert features(events) == [{"number": {"a_": 1.0, "b": 2.0}, "dropped": 1}]


def test_one_value_that_cannot_be_read_costs_no_other(log, events):
    class Hostile(float):
        def __float__(self):
            raise RuntimeError("hostile")

    call(log, features={"n": 1.0, "odd": Hostile(2), "device": "ios"})

    assert features(events)[0]["number"] == {"n": 1.0}
    assert features(events)[0]["category"]["device"] == "ios"
