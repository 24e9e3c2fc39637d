"""Coverage by age, delays, and what became of labels, through the real store."""

from datetime import datetime, timedelta, timezone

import pytest
from statsmodels.stats.proportion import proportion_confint

import elkmon
from elkmon.events.ids import kept
from elkmon.query.question import Question
from elkmon.questions.coverage.figures import coverage
from elkmon.stores.local.store import LocalStore

END = datetime(2026, 11, 20, tzinfo=timezone.utc)
SPAN = {"since": "2026-11-01", "until": "2026-11-20"}
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Serve an hourly prediction for 9 days, labelled after 10 hours, every fourth never.

    5 of the labels are corrected, 3 have no prediction; ``sampled`` keeps a quarter.
    """
    folder = tmp_path_factory.mktemp("coverage")
    elkmon.configure(spool=folder)
    logs = [
        elkmon.get_logger("m", "1", task="binary", positive="yes"),
        elkmon.get_logger("sampled", "1", task="binary", positive="yes", sample_rate=0.25),
    ]
    for log in logs:
        for hour in range(216):
            at = END - hour * HOUR - timedelta(minutes=30)
            log.prediction(label="yes", id=str(hour), at=at)
            if hour >= 10 and hour % 4:
                log.label(str(hour), "yes", observed_at=at + 10 * HOUR)
    for hour in (11, 13, 14, 15, 17):
        logs[0].label(str(hour), "no", observed_at=END - 5 * HOUR)
    for number in range(3):
        logs[0].label(f"gone-{number}", "yes", observed_at=END - timedelta(minutes=1))
    with pytest.raises(ValueError, match="no"), logs[0].predict(id="failed", at=END - 2 * HOUR):
        raise ValueError("no")
    logs[0].label("failed", "yes", observed_at=END - HOUR)
    elkmon.reset()
    opened = LocalStore(folder)
    yield opened
    opened.close()


def ask(store, model="m", **more):
    return coverage(store, Question.of(model=model, **{**SPAN, **more})).rows


def test_it_is_labelled_out_of_successful_predictions(store):
    (row,) = ask(store)

    labelled = sum(1 for hour in range(10, 216) if hour % 4)
    assert (row.coverage.k, row.coverage.n) == (labelled, 216)
    assert row.as_of == END - timedelta(minutes=1)


def test_by_age_it_is_counted_back_from_the_last_that_is_known(store):
    (row,) = ask(store)

    shares = {(age.since, age.until): age.share for age in row.ages}
    assert list(shares) == [
        (0.0, 3600.0), (3600.0, 21_600.0), (21_600.0, 86_400.0), (86_400.0, 259_200.0),
        (259_200.0, 604_800.0), (604_800.0, 2_592_000.0),
    ]  # fmt: skip
    assert shares[0.0, 3600.0].value == 0.0
    week = shares[604_800.0, 2_592_000.0]
    assert (week.k, week.n) == (36, 48)
    assert (week.low, week.high) == pytest.approx(
        proportion_confint(36, 48, method="wilson"), rel=1e-9
    )


def test_the_curve_says_what_becomes_of_a_prediction_in_time(store):
    (row,) = ask(store)

    arrived = {arrival.within: arrival.share for arrival in row.arrived}
    assert arrived[3600.0] == 0.0
    assert arrived[86_400.0] == pytest.approx(0.75, abs=0.01)
    assert arrived[2_592_000.0] is None
    assert row.median.value == pytest.approx(36_000, rel=0.05)
    assert row.p90.low <= 36_000 <= row.p90.high
    assert 9 * 86_400 * 0.9 <= row.horizon <= 9 * 86_400 * 1.1


def test_what_became_of_labels_is_of_the_whole_store(store):
    (row,) = ask(store, since=END - 24 * HOUR)

    labelled = sum(1 for hour in range(10, 216) if hour % 4) + 1
    labels = row.labels
    assert (labels.labels, labels.labelled) == (labelled + 5 + 3, labelled)
    assert (labels.corrections, labels.orphans, labels.sampled_out) == (5, 3, 0)
    assert labels.waiting == 0


def test_labels_of_predictions_that_were_sampled_out_are_told_apart(store):
    (row,) = ask(store, "sampled")

    hours = [hour for hour in range(10, 216) if hour % 4]
    here = [hour for hour in hours if kept(str(hour), 0.25)]
    assert row.labels.sampled_out == len(hours) - len(here)
    assert (row.labels.orphans, row.labels.corrections) == (0, 0)
    assert row.coverage.k == len(here)
    assert row.coverage.weighted_k == 4 * len(here)


def test_steps_in_time_and_groups_are_rows(store):
    rows = ask(store, every="1d", by="version")

    assert len(rows) == 9
    assert sum(row.coverage.n for row in rows) == 216
    assert rows[0].time == END - 9 * 24 * HOUR
    assert rows[0].coverage.value == 0.75
    assert rows[-1].by == {"model": "m", "version": "1"}


def test_of_a_model_that_is_not_there_there_is_no_row(store):
    assert ask(store, "none") == ()


def test_as_a_frame_it_has_a_column_a_part(store):
    frame = coverage(store, Question.of(**SPAN)).to_pandas()

    assert list(frame["model"]) == ["m", "sampled"]
    assert {"coverage", "median", "p90_low", "as_of", "labels_orphans"} <= set(frame.columns)
