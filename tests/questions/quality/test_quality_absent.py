"""What cannot be computed is absent with its reason; what is left out is counted and named."""

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

import elkmon
from elkmon.query.question import Question
from elkmon.questions.quality.figures import collect_evidence, rows_of
from elkmon.questions.quality.metrics import METRICS
from elkmon.stores.local.store import LocalStore

START = datetime(2026, 11, 10, tzinfo=timezone.utc)
SPAN = {"since": "2026-11-10", "until": "2026-11-20"}


@pytest.fixture
def serve(tmp_path):
    """Serve predictions: (label, score, truth) each, a truth of None is none; ask for quality."""
    opened = []

    def served(
        rows, metrics=(), *, task="binary", positive="yes", more=(), question=(), refine=True
    ):
        elkmon.configure(spool=tmp_path / "store")
        log = elkmon.get_logger("m", "1", task=task, positive=positive)
        for number, (label, score, truth) in enumerate(rows):
            at = START + timedelta(minutes=number)
            log.prediction(label=label, score=score, id=str(number), at=at)
            if truth is not None:
                log.label(str(number), truth, observed_at=at)
        for call in more:
            call(log)
        elkmon.reset()
        opened.append(LocalStore(tmp_path / "store"))
        full_question = Question.of(**SPAN, **dict(question))
        return rows_of(
            opened[0],
            full_question,
            collect_evidence(opened[0], full_question, metrics),
            refine=refine,
        )

    yield served
    elkmon.reset()
    for store in opened:
        store.close()


def test_nothing_gives_no_rows(serve):
    assert serve([]).rows == ()


@pytest.mark.parametrize(
    ("task", "metrics"),
    [
        *(("binary", ()), ("multiclass", ()), ("regression", ()), ("generation", ()), (None, ())),
        ("binary", [name for name, metric in METRICS.items() if "binary" in metric.tasks]),
    ],
)
def test_failed_attempts_alone_give_a_row_without_figures_and_say_why(serve, task, metrics):
    (row,) = serve([], metrics, task=task, positive=None, more=[fail]).rows

    assert (row.by, row.task) == ({"model": "m"}, task)
    assert {figure.value for figure in row.figures.values()} == {None}
    assert row.coverage.reason == "no successful attempt"
    assert {figure.reason for figure in row.figures.values()} == {"no successful attempt"}


def fail(log):
    with pytest.raises(KeyError), log.predict(id="failed", at=START + timedelta(days=1)):
        raise KeyError


def test_steps_and_groups_of_failed_attempts_alone_are_rows_beside_the_others(serve):
    rows = [("yes", 0.9, "yes"), ("no", 0.2, "no")]

    by_day = serve(rows, "accuracy", more=[fail], question={"every": "1d"}).rows

    assert [(row.time, row.figures["accuracy"].value) for row in by_day] == [
        (START, 1.0), (START + timedelta(days=1), None),
    ]  # fmt: skip


def test_one_class_has_no_auc(serve):
    (row,) = serve([("no", 0.1, "no")] * 5).rows

    auc, mcc, recall = (row.figures[name] for name in ("auc", "mcc", "recall"))
    assert (auc.value, auc.reason, auc.n) == (None, "only class no was seen", 5)
    assert (mcc.value, mcc.reason) == (None, "only class no was seen")
    assert (recall.value, recall.reason) == (None, "class yes was never true")
    assert row.figures["accuracy"].value == 1.0


def test_one_row_has_an_accuracy_and_no_interval_of_a_mean(serve):
    (row,) = serve([("yes", 0.8, "yes")]).rows

    accuracy, loss = row.figures["accuracy"], row.figures["log_loss"]
    assert (accuracy.value, accuracy.n) == (1.0, 1)
    assert loss.value == pytest.approx(-np.log(0.8))
    assert (loss.low, loss.reason) == (None, "no interval: its values do not vary")


def test_no_label_says_so_for_every_figure(serve):
    (row,) = serve([("yes", 0.8, None)] * 3).rows

    assert {figure.reason for figure in row.figures.values()} == {"no label yet"}
    assert all(figure.value is None for figure in row.figures.values())
    assert (row.coverage.k, row.coverage.n) == (0, 3)


def test_missing_scores_and_scores_outside_are_counted_and_named(serve):
    rows = [("yes", 0.9, "yes"), ("no", 0.2, "no"), ("no", 0.6, "yes"), ("yes", 0.4, "no")]
    odd = [("yes", None, "yes"), ("yes", float("nan"), "yes"), ("yes", 1.0004, "yes"),
           ("yes", -0.5, "no"), ("yes", 7.0, "no")]  # fmt: skip

    answer = serve(rows + odd)

    (row,) = answer.rows
    assert row.figures["accuracy"].n == 9
    assert row.figures["auc"].n == row.figures["log_loss"].n == 4
    assert row.figures["auc"].value == roc_auc_score([1, 0, 1, 0], [0.9, 0.2, 0.6, 0.4])
    assert any(note.startswith("3 labelled predictions have a score outside") for note in row.notes)
    assert any(note.startswith("2 of 9 labelled predictions have no score") for note in row.notes)
    assert all(note.startswith("m: ") for note in answer.notes)


def test_a_class_without_support_is_absent_from_the_mean_and_named(serve):
    rows = [("a", None, "a"), ("b", None, "b"), ("c", None, "a"), ("b", None, "d")]

    (row,) = serve(rows, "recall,precision", task="multiclass", positive=None).rows

    assert row.figures["recall"].value == pytest.approx(np.mean([1 / 2, 1, 0]))
    assert row.figures["precision"].value == pytest.approx(np.mean([1, 1 / 2]))
    assert any("recall_macro): c" in note for note in row.notes)
    assert any("precision_macro): c, d" in note for note in row.notes)


def test_labels_that_only_say_right_or_wrong_count_for_accuracy_alone(serve):
    more = [lambda log: log.label("0", correct=True), lambda log: log.label("1", correct=False)]

    (row,) = serve([("yes", 0.9, None), ("no", 0.2, None)], more=more).rows

    assert row.figures["accuracy"].value == 0.5
    assert row.figures["f1"].reason == "labels do not say which class"
    assert "2 labels say right or wrong only: they count for accuracy alone" in row.notes


def test_without_a_positive_class_its_figures_are_absent_and_the_others_are_there(serve):
    (row,) = serve([("yes", 0.9, "yes"), ("no", 0.2, "no")], positive=None).rows

    assert row.figures["precision"].reason == "the positive class was not named to the logger"
    assert row.figures["auc"].reason == "the positive class was not named to the logger"
    assert row.figures["mcc"].value == pytest.approx(1.0)


def test_failed_attempts_play_no_part(serve):
    def fail(log):
        with pytest.raises(ValueError, match="no"), log.predict(id="f", at=START):
            raise ValueError("no")
        log.label("f", "yes")

    (row,) = serve([("yes", 0.9, "yes")], more=[fail]).rows

    assert row.figures["accuracy"].n == 1
    assert (row.coverage.k, row.coverage.n) == (1, 1)


def test_crowded_bins_are_made_finer(serve):
    random = np.random.default_rng(1)
    truth = random.random(600) < 0.3
    scores = 10.0 ** (-9 + 4 * random.random(600) + truth)  # all of them in the first bin
    rows = [
        ("no", score, "yes" if is_yes else "no")
        for is_yes, score in zip(truth, scores, strict=True)
    ]

    (row,) = serve(rows, "auc,average_precision").rows

    auc, precision = row.figures["auc"], row.figures["average_precision"]
    assert max(auc.bound, precision.bound) <= 0.005
    assert abs(auc.value - roc_auc_score(truth, scores)) <= auc.bound
    assert abs(precision.value - average_precision_score(truth, scores)) <= precision.bound


def test_bins_are_made_finer_for_average_precision_where_auc_needs_it_not(serve):
    # of what counts most, the highest scores, too many share one bin
    truth = np.arange(1000) % 3 == 0
    scores = np.concatenate([np.linspace(0.9991, 0.9999, 30), np.linspace(0, 0.99, 970)])
    rows = [("no", *row) for row in zip(scores, np.where(truth, "yes", "no"), strict=True)]

    (row,) = serve(rows, "auc,average_precision").rows
    (coarse,) = serve([], "auc,average_precision", refine=False).rows

    assert coarse.figures["auc"].bound <= 0.005 < coarse.figures["average_precision"].bound
    precision = row.figures["average_precision"]
    assert precision.bound <= 0.005
    off = abs(precision.value - average_precision_score(truth, scores))
    assert off <= precision.bound + 1e-9


@pytest.mark.parametrize("truths", [[3.0, 3.0, 3.0], [3.0]])
def test_r2_of_true_values_that_do_not_vary_is_absent(serve, truths):
    def values(log):
        for number, truth in enumerate(truths):
            log.prediction(value=2.0, id=f"v{number}", at=START)
            log.label(f"v{number}", value=truth)

    (row,) = serve([], task="regression", positive=None, more=[values]).rows

    assert row.figures["r2"].reason == "the true values do not vary"
    assert row.figures["bias"].value == -1.0
