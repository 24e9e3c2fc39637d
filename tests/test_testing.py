"""What users have for tests of their own."""

import os

import pytest

import elkmon
from elkmon import Monitor
from elkmon.emit import flush
from elkmon.events.errors import ConfigError, UsageError
from elkmon.testing import capture


@pytest.fixture
def log():
    return elkmon.get_logger("fraud", "2", task="binary", positive="fraud")


@pytest.fixture
def events(log):
    with capture() as captured:
        log.prediction(label="legit", segment={"country": "de"}, id="1")
        log.prediction(label="fraud", segment={"country": "at"}, id="2")
        log.label("1", "legit")
    return captured


def test_events_are_captured_in_order(events):
    kinds = [event["event"]["dataset"] for event in events.events]

    assert kinds == ["elkmon.prediction", "elkmon.prediction", "elkmon.label"]


def test_nothing_is_written_to_disk(log, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with capture():
        log.prediction(label="legit")
        log.predictions(label=["legit"] * 3)

    assert list(tmp_path.iterdir()) == []


def test_a_forked_child_captures_in_its_own_memory(log, tmp_path):
    elkmon.configure(spool=tmp_path / "spool")
    log.prediction(label="legit", id="before")
    with capture() as captured:
        child = os.fork()
        if child == 0:
            log.prediction(label="legit", id="captured")
            count = len(captured.events)
    if child == 0:
        log.prediction(label="legit", id=f"captured {count}")
        flush()
        os._exit(0)
    os.waitpid(child, 0)
    log.prediction(label="legit", id="after")
    elkmon.reset()

    assert captured.events == []
    with Monitor(tmp_path / "spool") as monitor:
        ids = [event["ml"]["prediction"]["id"] for event in monitor.events("elkmon.prediction")]
        processes = monitor.catalog().processes
    assert sorted(ids) == ["after", "before", "captured 1"]
    assert [process.missing for process in processes] == [0, 0]


@pytest.mark.parametrize(
    ("dataset", "where", "number"),
    [
        (None, {}, 3),
        ("elkmon.prediction", {}, 2),
        ("elkmon.error", {}, 0),
        (None, {"model": "fraud"}, 3),
        (None, {"model": "fraud", "label": "legit"}, 1),
        ("elkmon.prediction", {"version": "2"}, 2),
        ("elkmon.prediction", {"ml__segment__country": "de"}, 1),
        ("elkmon.prediction", {"segment__country": "fr"}, 0),
        ("elkmon.label", {"truth": "legit"}, 1),
        ("elkmon.label", {"ml__prediction__id": "1"}, 1),
        (None, {"ml__prediction__score": None}, 3),
    ],
)
def test_events_are_found_by_kind_and_fields(events, dataset, where, number):
    assert len(events.of(dataset, **where)) == number


def test_one_gives_the_only_event(events):
    assert events.one("elkmon.prediction", label="fraud")["ml"]["segment"] == {"country": "at"}


def test_one_says_what_there_is_where_it_finds_none(events):
    with pytest.raises(AssertionError) as failed:
        events.one("elkmon.error", model="fraud")

    message = str(failed.value)
    assert "expected one elkmon.error with model='fraud', found 0" in message
    assert "1 elkmon.label, 2 elkmon.prediction" in message


def test_one_says_how_many_it_found(events):
    with pytest.raises(AssertionError, match="expected one event, found 3"):
        events.one()


def test_nothing_captured_is_said_to_be_nothing():
    with capture() as events, pytest.raises(AssertionError, match="captured: nothing"):
        events.one()


def test_none_holds_that_there_is_none(events):
    events.none("elkmon.error")

    with pytest.raises(AssertionError, match=r"expected no elkmon.label, found 1"):
        events.none("elkmon.label")


def test_a_field_that_does_not_exist_is_said_so(events):
    with pytest.raises(AssertionError, match=r"no such field: lable; see docs/reference/fields.md"):
        events.of(lable="legit")


def test_the_figures_are_those_of_the_capture_also_afterwards(events):
    stats = events.stats()

    assert (stats.accepted, stats.written, stats.dropped) == (3, 3, {})


def test_wrong_use_raises(log):
    with capture(), pytest.raises(UsageError):
        log.prediction(value=1.5)


def test_wrong_use_is_counted_where_asked_for(log):
    with capture(strict=False) as events:
        log.prediction(value=1.5)

    assert events.stats().misused == {"value_for_classification": 1}


def test_settings_hold_for_the_block(log):
    with capture(service="scoring-api", sample_rate=1.0) as events:
        log.prediction()

    assert events.one(service="scoring-api")


def test_a_setting_that_does_not_exist_is_said_so():
    with pytest.raises(ConfigError, match="no such setting: servce"), capture(servce="x"):
        pass


def test_captures_nest(log):
    with capture() as outer:
        log.prediction(id="1")
        with capture() as inner:
            log.prediction(id="2")
        log.prediction(id="3")

    assert [event["ml"]["prediction"]["id"] for event in outer.events] == ["1", "3"]
    assert [event["ml"]["prediction"]["id"] for event in inner.events] == ["2"]


def test_what_was_there_before_goes_on_after_an_exception(log):
    with capture() as outer:
        with pytest.raises(KeyError), capture():
            raise KeyError("x")
        log.prediction()

    assert len(outer.events) == 1


def test_a_logger_made_outside_is_captured_too(log):
    with capture() as first:
        log.prediction(label="legit", features={"a": 1.0}, duration=0.1)
    with capture() as second:
        for _ in range(2):
            log.prediction(label="legit", features={"a": 1.0}, duration=0.1)

    assert (len(first.events), len(second.events)) == (1, 2)
