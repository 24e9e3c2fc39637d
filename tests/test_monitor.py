"""The Python client: one method a question, on a folder or on an open store."""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

import elkmon
from elkmon import Monitor

START = datetime(2026, 11, 10, tzinfo=timezone.utc)
SPAN = {"since": "2026-11-10", "until": "2026-11-12"}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Serve 20 attempts of two versions, 2 failed, all others labelled, 3 wrong."""
    elkmon.configure(spool=tmp_path / "store")
    for version in ("1", "2"):
        log = elkmon.get_logger("fraud", version, task="binary", positive="fraud")
        for number in range(10):
            at = START + timedelta(hours=number, minutes=int(version))
            pid = f"{version}-{number}"
            if number == 9:
                with pytest.raises(ValueError, match="no"), log.predict(id=pid, at=at):
                    raise ValueError("no")
                continue
            log.prediction(label="legit", id=pid, at=at)
            wrong = version == "2" and number < 3
            log.label(pid, "fraud" if wrong else "legit", observed_at=at)
    elkmon.reset()
    yield tmp_path / "store"
    elkmon.reset()


def test_failure_rate(folder):
    with Monitor(folder) as monitor:
        (row,) = monitor.failure_rate(**SPAN).rows

    assert (row.failure_rate.k, row.failure_rate.n) == (2, 20)


def test_error_rate_by_version(folder):
    with Monitor(str(folder)) as monitor:
        rows = monitor.error_rate(by=["version"], **SPAN).rows

    assert [(row.by["version"], row.error_rate.k, row.error_rate.n) for row in rows] == [
        *(("1", 0, 9), ("2", 3, 9))
    ]
    assert {row.coverage.value for row in rows} == {1.0}


def test_over_time_and_under_conditions(folder):
    with Monitor(folder) as monitor:
        result = monitor.error_rate(every="6h", where={"version": "2"}, model="fraud", **SPAN)

    assert [(row.time.hour, row.error_rate.k) for row in result.rows] == [(0, 3), (6, 0)]


def test_quality_confusion_and_calibration(folder):
    with Monitor(folder) as monitor:
        (row,) = monitor.quality("accuracy", **SPAN).rows
        cells = monitor.confusion(by="version", where={"version": "2"}, **SPAN).rows
        (drawn,) = monitor.calibration(bins=5, **SPAN).rows

    assert (row.figures["accuracy"].k, row.figures["accuracy"].n) == (15, 18)
    assert {(cell.truth, cell.share.k) for cell in cells} == {("legit", 6), ("fraud", 3)}
    assert drawn.ece.reason == "no labelled prediction has a score within [0, 1]"


def test_latency_and_coverage(folder):
    with Monitor(folder) as monitor:
        outcomes = [row.outcome for row in monitor.latency(**SPAN).rows]
        (row,) = monitor.coverage(**SPAN).rows

    assert outcomes == ["success", "failure"]
    assert (row.coverage.k, row.coverage.n, row.labels.labels) == (18, 18, 18)


def test_exceptions(folder):
    with Monitor(folder) as monitor:
        (row,) = monitor.exceptions(limit=3, **SPAN).rows

    assert (row.type, row.count, row.versions) == ("ValueError", 2, ("1", "2"))


def test_events(folder):
    with Monitor(folder) as monitor:
        failed = list(
            monitor.events(
                "elkmon.prediction", where=["outcome=failure"], newest_first=False, **SPAN
            )
        )
        limited = list(monitor.events(limit=1, **SPAN))

    assert [event["ml"]["prediction"]["id"] for event in failed] == ["1-9", "2-9"]
    assert len(limited) == 1


def test_a_kind_of_event_that_is_none_is_refused(folder):
    with (
        Monitor(folder) as monitor,
        pytest.raises(elkmon.QueryError, match=r"did you mean error\? there are: pred"),
    ):
        monitor.events("errors")


def test_catalog(folder):
    with Monitor(folder) as monitor:
        (model,) = monitor.catalog().models

    assert (model.name, model.predictions, model.failures) == ("fraud", 20, 2)


class Open:
    """A store that knows whether it was closed."""

    closed = False

    def close(self):
        self.closed = True


def test_a_store_that_was_given_open_stays_open():
    store = Open()

    with Monitor(store):
        pass

    assert not store.closed


def test_a_store_that_was_opened_here_is_closed(monkeypatch, tmp_path):
    store = Open()
    monkeypatch.setattr("elkmon.monitor.open_store", lambda _folder: store)

    Monitor(tmp_path).close()

    assert store.closed


def test_nothing_is_an_empty_answer(tmp_path):
    with Monitor(tmp_path / "none") as monitor:
        assert monitor.error_rate().rows == ()
        assert monitor.exceptions().to_dicts() == []
        assert monitor.catalog().span is None


def test_without_duckdb_it_says_what_to_install(monkeypatch, tmp_path):
    def missing(_plugin):
        raise ModuleNotFoundError(name="duckdb")

    monkeypatch.setattr("elkmon.stores.registry.EntryPoint.load", missing)

    with pytest.raises(elkmon.ConfigError, match=r"pip install 'elkmon\[query\]'"):
        Monitor(tmp_path)


def test_a_fault_of_the_store_is_not_taken_for_a_missing_extra(monkeypatch, tmp_path):
    def missing(_plugin):
        raise ModuleNotFoundError(name="elkmon.stores.typo")

    monkeypatch.setattr("elkmon.stores.registry.EntryPoint.load", missing)

    with pytest.raises(ModuleNotFoundError):
        Monitor(tmp_path)


def test_the_report_is_written_where_it_is_asked_for(folder, tmp_path):
    with Monitor(folder) as monitor:
        report = monitor.report(tmp_path / "report.html", model="fraud", **SPAN)

    assert (tmp_path / "report.html").read_text() == report.html
    assert report.served
    assert str(folder) in report.html


def test_the_doctor_finds_what_is_wrong(folder):
    with Monitor(folder) as monitor:
        assert monitor.doctor() == []
    with next(folder.glob("*.ndjson")).open("a") as file:
        file.write("no event\n")

    with Monitor(folder) as monitor:
        assert "not JSON" in " ".join(finding.what for finding in monitor.doctor())


def test_a_question_that_does_not_exist_is_no_attribute(folder):
    with Monitor(folder) as monitor, pytest.raises(AttributeError, match="no 'drifts'"):
        monitor.drifts()
