"""One table says what every kind of event is, and each door takes both of its names."""

from datetime import datetime, timezone

import pytest
from click.testing import CliRunner

import elkmon
from elkmon import Monitor
from elkmon.cli import main
from elkmon.events.datasets import DATASETS, RECORDS, dataset_name, short_name
from elkmon.events.errors import QueryError
from elkmon.events.fields import BY_NAME
from elkmon.present.event_line import colour_of
from elkmon.testing import capture

UNKNOWN = "no such dataset: eror; did you mean error? there are: prediction, label, error, log, "


@pytest.mark.parametrize("record", RECORDS.values(), ids=lambda record: record.name)
def test_every_dataset_says_what_it_is(record):
    assert record.summary.endswith(".")
    assert record.writer
    assert colour_of({"event": {"dataset": record.name}}) == record.colour != ""
    for name in record.words.values():
        assert record.name in BY_NAME[name].datasets


def test_an_event_of_another_has_no_colour():
    assert colour_of({"event": {"dataset": "other"}}) == colour_of({}) == ""


@pytest.mark.parametrize("name", DATASETS)
def test_both_names_mean_the_same(name):
    assert dataset_name(name) == dataset_name(short_name(name)) == name


@pytest.mark.parametrize("given", ["", "Error", "elkmon.", "elkmon.elkmon.error", "errors", "x"])
def test_any_other_name_is_refused_and_what_there_is_is_named(given):
    with pytest.raises(QueryError, match=r"there are: prediction, label, error, .*, emitter$"):
        dataset_name(given)


def test_the_nearest_is_named_where_there_is_one():
    with pytest.raises(QueryError, match=r"elkmon\.predictions; did you mean prediction\? "):
        dataset_name("elkmon.predictions")
    with pytest.raises(QueryError, match="no such dataset: zzz; there are"):
        dataset_name("zzz")


@pytest.fixture
def folder(tmp_path):
    elkmon.configure(spool=tmp_path / "store")
    log = elkmon.get_logger("fraud", "1")
    log.error("no amount")
    log.info("served")
    elkmon.reset()
    return tmp_path / "store"


def run(folder, *door):
    return CliRunner().invoke(main, ["events", "--store", str(folder), "--format", "json", *door])


@pytest.mark.parametrize("name", ["error", "elkmon.error"])
def test_every_door_takes_both_names(folder, name):
    year = {"since": "1d", "until": datetime.now(timezone.utc).replace(year=2100)}
    with Monitor(folder) as monitor:
        assert len(list(monitor.events(name, **year))) == 1
        assert len(list(monitor.events(where={"dataset": name}, **year))) == 1
        assert len(list(monitor.events(where=[f"event.dataset={name}"], **year))) == 1
        assert len(list(monitor.events(where=[f"dataset!={name}"], **year))) == 2
    for door in (("--dataset", name), ("--where", f"dataset={name}")):
        result = run(folder, *door)
        assert result.stdout.count("\n") == 1
    with capture() as events:
        elkmon.get_logger("fraud", "1").error("no amount")
        assert events.one(name)["message"] == "no amount"


def test_every_door_refuses_an_unknown_one_alike(folder):
    with Monitor(folder) as monitor:
        with pytest.raises(QueryError) as refused:
            monitor.events("eror")
        assert UNKNOWN in str(refused.value)
        with pytest.raises(QueryError) as refused:
            monitor.events(where="dataset=eror")
        assert UNKNOWN in str(refused.value)
    for door in (("--dataset", "eror"), ("--where", "dataset=eror")):
        result = run(folder, *door)
        assert result.exit_code == 2
        assert UNKNOWN in result.stderr
    with capture() as events:
        elkmon.get_logger("fraud", "1").error("no amount")
        with pytest.raises(AssertionError) as failed:
            events.none("eror")
    assert UNKNOWN in str(failed.value)
