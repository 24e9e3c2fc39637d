"""Calibration: the bins of scikit-learn, ECE by hand, in both sorts of task."""

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from statsmodels.stats.proportion import proportion_confint

import elkmon
from elkmon.query.question import Question
from elkmon.questions.calibration.figures import ScoreSums, calibration, expected_error
from elkmon.statistics.rate import Sums
from elkmon.stores.local.store import LocalStore

START = datetime(2026, 11, 10, tzinfo=timezone.utc)
SPAN = {"since": "2026-11-10", "until": "2026-11-20"}


@pytest.fixture
def ask(tmp_path):
    """Serve (label, score, truth) each; ask for calibration."""
    opened = []

    def served(rows, bins=10, *, task="binary", positive="yes", **more):
        elkmon.configure(spool=tmp_path / "store")
        log = elkmon.get_logger("m", "1", task=task, positive=positive)
        for number, (label, score, truth) in enumerate(rows):
            at = START + timedelta(minutes=number)
            log.prediction(label=label, score=score, id=str(number), at=at)
            log.label(str(number), truth, observed_at=at)
        elkmon.reset()
        opened.append(LocalStore(tmp_path / "store"))
        return calibration(opened[0], Question.of(**SPAN, **more), bins)

    yield served
    elkmon.reset()
    for store in opened:
        store.close()


@pytest.mark.parametrize("bins", [5, 10, 17])
def test_a_binary_task_has_the_bins_of_scikit_learn(ask, bins):
    random = np.random.default_rng(4)
    scores = random.random(300)
    truth = random.random(300) < scores**1.5

    (row,) = ask(
        [("x", s, "yes" if t else "no") for s, t in zip(scores, truth, strict=True)], bins
    ).rows

    true, mean = calibration_curve(truth, scores, n_bins=bins)
    assert [bin_.share.value for bin_ in row.bins] == pytest.approx(true.tolist(), rel=1e-9)
    assert [bin_.score for bin_ in row.bins] == pytest.approx(mean.tolist(), rel=1e-9)
    counts = np.histogram(scores, bins=bins, range=(0, 1))[0]
    assert [bin_.share.n for bin_ in row.bins] == counts[counts > 0].tolist()
    error = np.sum(counts[counts > 0] / 300 * np.abs(true - mean))
    assert row.ece.value == pytest.approx(error, rel=1e-9)
    first = row.bins[0].share
    assert (first.low, first.high) == pytest.approx(
        proportion_confint(first.k, first.n, method="wilson")
    )


def test_several_classes_compare_the_predicted_class_with_being_right(ask):
    rows = [("a", 0.9, "a")] * 8 + [("b", 0.9, "a")] * 2

    (row,) = ask(rows, task="multiclass", positive=None).rows

    (only,) = row.bins
    assert (only.low, only.high, only.score) == (0.9, 1.0, pytest.approx(0.9))
    assert (only.share.k, only.share.n) == (8, 10)
    assert row.ece.value == pytest.approx(0.1)


def test_edges_belong_to_the_bin_above_and_one_to_the_last(ask):
    (row,) = ask([("x", score, "yes") for score in (0.0, 0.1, 0.3, 0.7, 1.0)]).rows

    assert [(bin_.low, bin_.share.n) for bin_ in row.bins] == [
        *((0.0, 1), (0.1, 1), (0.3, 1), (0.7, 1), (0.9, 1))
    ]


def test_missing_scores_and_scores_outside_are_counted_and_named(ask):
    answer = ask([("x", 0.5, "yes"), ("x", None, "yes"), ("x", 1.5, "yes"), ("x", -0.1, "no")])

    (row,) = answer.rows
    assert row.ece.n == 1
    assert answer.notes == (
        "m: 1 labelled predictions have no score: left out",
        "m: 2 labelled predictions have a score outside [0, 1]: left out",
    )


@pytest.mark.parametrize(
    ("rows", "positive", "reason"),
    [
        ([("x", None, "yes")], "yes", "no labelled prediction has a score within [0, 1]"),
        ([("yes", 0.5, "yes")], None, "the positive class, or the true one, is not known"),
    ],
)
def test_what_cannot_be_compared_is_absent_with_its_reason(ask, rows, positive, reason):
    (row,) = ask(rows, positive=positive).rows

    assert (row.ece.value, row.by_chance, row.bins) == (None, None, ())
    assert row.ece.reason == reason


def test_steps_in_time_are_rows(ask):
    rows = ask([("x", 0.5, "yes")] * 120, every="1h").rows

    assert [(row.time.hour, row.ece.n) for row in rows] == [(0, 60), (1, 60)]


@pytest.mark.parametrize("bins", [1, 101])
def test_a_number_of_bins_that_says_nothing_is_refused(ask, bins):
    with pytest.raises(elkmon.QueryError, match="2 to 100 bins"):
        ask([], bins)


def test_sampled_predictions_count_as_many_times_as_they_stand_for():
    bins = [
        ScoreSums(Sums(10, 40.0, 160.0), Sums(5, 20.0, 80.0), 40 * 0.7),
        ScoreSums(Sums(10, 10.0, 10.0), Sums(2, 2.0, 2.0), 10 * 0.3),
    ]

    error, _ = expected_error(bins)

    assert error == pytest.approx(0.8 * 0.2 + 0.2 * 0.1)


def test_perfect_calibration_shows_what_is_said_of_chance():
    random = np.random.default_rng(8)
    errors_by_run = []
    for _ in range(400):
        scores = random.random(500)
        true = random.random(500) < scores
        places = (scores * 10).astype(int)
        sums = [
            ScoreSums(
                Sums(n := int(here.sum()), n, n), Sums(k := int(true[here].sum()), k, k),
                float(scores[here].sum()),
            )
            for here in (places == b for b in range(10))
        ]  # fmt: skip
        errors_by_run.append(expected_error(sums))

    errors, chances = np.mean(errors_by_run, axis=0)
    assert errors == pytest.approx(chances, rel=0.05)
