"""What the short way remembers has bounds, and is forgotten rather than grown."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

import elkmon
from elkmon.emit import fast
from elkmon.testing import capture


@pytest.fixture
def log():
    return elkmon.get_logger("m", "1", task="multiclass")


def features(events):
    return [event["ml"]["features"] for event in events.events]


def call(log, **given):
    log.prediction(**{"label": "a", "duration": 0.1, **given})


@pytest.mark.parametrize("valid", [True, False])
def test_new_values_are_encoded_without_the_careful_way(log, events, monkeypatch, valid):
    tracer = ModuleType("opentelemetry.trace")
    context = SimpleNamespace(trace_id=0xABC, span_id=0x12, is_valid=valid)
    tracer.get_current_span = lambda: SimpleNamespace(get_span_context=lambda: context)
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", tracer)
    for _ in range(2):
        call(log, features={"n": 1.0, "d": "ios"}, segment={"c": "de"})

    def careful(*_):
        raise AssertionError("the careful way")

    monkeypatch.setattr(type(log), "_prediction", careful)
    call(log, features={"n": 2.0, "d": "web"}, segment={"c": "at"})

    event = events.events[-1]
    assert event["ml"]["features"] == {"number": {"n": 2.0}, "category": {"d": "web"}}
    assert event["ml"]["segment"] == {"c": "at"}
    assert event.get("trace") == ({"id": f"{0xABC:032x}"} if valid else None)
    assert event.get("span") == ({"id": f"{0x12:016x}"} if valid else None)


@pytest.mark.parametrize("bound", ["_SHAPES", "_VALUES"])
def test_more_than_is_remembered_is_still_right(log, events, monkeypatch, bound):
    monkeypatch.setattr(fast, bound, 3)

    for _ in range(2):
        for i in range(10):
            call(log, label=f"c{i}", features={f"f{i}": 1.0, "d": f"v{i}"}, segment={f"s{i}": "x"})
            call(log, label=f"c{i}", features={"n": 1.0, "d": f"w{i}"}, segment={"s": f"x{i}"})

    plans = log._logger.plans
    assert max(map(len, (plans.features, plans.segments))) <= 256 * (bound == "_VALUES") + 3
    labels = [event["ml"]["prediction"]["label"] for event in events.events]
    assert labels == [f"c{i}" for _ in range(2) for i in range(10) for _ in range(2)]
    assert features(events)[-1] == {"number": {"n": 1.0}, "category": {"d": "w9"}}


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"features": {f"{'n' * 100}{i}": 1.0 for i in range(50)}}, id="names"),
        pytest.param({"features": {f"d{i}": "x" * 900 for i in range(5)}}, id="categories"),
        pytest.param({"features": {}, "segment": {"a": "é" * 1000, "b": "x"}}, id="segment"),
        pytest.param({"features": {}, "label": "é" * 1024}, id="class"),
    ],
)
def test_what_is_long_goes_the_careful_way_each_time(log, events, given):
    for _ in range(3):
        call(log, **given)

    assert len({str(each["ml"]["features"]) for each in events.events}) == 1
    assert len({str(each["ml"].get("segment")) for each in events.events}) == 1


def test_long_things_that_were_bound_go_the_careful_way(events):
    log = elkmon.get_logger("m", note="x" * 5000)

    for _ in range(2):
        call(log, features={"n": 1.0})

    assert {event["labels"]["note"] for event in events.events} == {"x" * 5000}


def test_a_long_name_of_the_service_goes_the_careful_way(log):
    with capture(service="s" * 5000) as events:
        for _ in range(2):
            call(log, features={"n": 1.0})

    assert {event["service"]["name"] for event in events.events} == {"s" * 5000}


def test_the_longest_short_line_fits_every_sink():
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
