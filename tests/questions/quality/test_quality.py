"""Quality of generated events, through the real store: scikit-learn's figures."""

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from sklearn import metrics as sk
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

import elkmon
from elkmon.events.ids import kept
from elkmon.query.question import Question
from elkmon.questions.quality.figures import quality
from elkmon.questions.quality.metrics import METRICS
from elkmon.stores.local.store import LocalStore

START = datetime(2026, 11, 10, tzinfo=timezone.utc)
SPAN = {"since": "2026-11-10", "until": "2026-11-20"}
N = 400


def at(number):
    return START + timedelta(minutes=20 * int(number))


@pytest.fixture(scope="module")
def drawn():
    """Draw the truth and the answers of every model."""
    random = np.random.default_rng(5)
    truth = random.random(N) < 0.4
    scores = np.round(1 / (1 + np.exp(-(2 * truth - 1 + random.normal(size=N)))), 2)
    many = random.integers(0, 3, N)
    logits = random.normal(size=(N, 3)) + 1.5 * np.eye(3)[many]
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    values = random.normal(50, 10, N)
    return {
        "truth": truth, "scores": scores, "many": many, "chances": chances, "values": values,
        "predicted": values + random.normal(1, 3, N), "rating": random.integers(1, 6, N),
        "right": random.random(N) < 0.7,
    }  # fmt: skip


@pytest.fixture(scope="module")
def store(drawn, tmp_path_factory):
    """Serve a model of each task; a quarter of the predictions of ``sampled`` is kept."""
    folder = tmp_path_factory.mktemp("quality")
    elkmon.configure(spool=folder)
    binary = elkmon.get_logger("binary", "1", task="binary", positive="yes")
    sampled = elkmon.get_logger("sampled", "1", task="binary", positive="yes", sample_rate=0.25)
    many = elkmon.get_logger("many", "1", task="multiclass")
    price = elkmon.get_logger("price", "1", task="regression")
    chat = elkmon.get_logger("chat", "1", task="generation")
    for i in range(N):
        answer = "yes" if drawn["scores"][i] >= 0.5 else "no"
        right = "yes" if drawn["truth"][i] else "no"
        for log in (binary, sampled):
            log.prediction(label=answer, score=drawn["scores"][i], id=str(i), at=at(i))
            log.label(str(i), right, observed_at=at(i + 1))
        chances = {str(c): float(p) for c, p in enumerate(drawn["chances"][i])}
        many.prediction(
            label=str(drawn["chances"][i].argmax()), scores=chances, id=str(i), at=at(i)
        )
        many.label(str(i), str(drawn["many"][i]), observed_at=at(i + 1))
        price.prediction(value=drawn["predicted"][i], id=str(i), at=at(i))
        price.label(str(i), value=drawn["values"][i], observed_at=at(i + 1))
        chat.prediction(id=str(i), at=at(i))
        chat.label(
            str(i), correct=bool(drawn["right"][i]), rating=int(drawn["rating"][i]),
            observed_at=at(i + 1),
        )  # fmt: skip
    elkmon.reset()
    opened = LocalStore(folder)
    yield opened
    opened.close()


def ask(store, model, metrics=(), **more):
    (row,) = quality(store, Question.of(model=model, **{**SPAN, **more}), metrics).rows
    return row


def same(figure, expected):
    assert figure.value == pytest.approx(expected, rel=1e-9, abs=1e-12)


def assert_binary(row, truth, scores, weights=None):
    predicted, figures, w = scores >= 0.5, row.figures, {"sample_weight": weights}
    same(figures["accuracy"], sk.accuracy_score(truth, predicted, **w))
    same(figures["balanced_accuracy"], sk.balanced_accuracy_score(truth, predicted, **w))
    same(figures["precision"], sk.precision_score(truth, predicted, **w))
    same(figures["recall"], sk.recall_score(truth, predicted, **w))
    same(figures["f1"], sk.f1_score(truth, predicted, **w))
    same(figures["specificity"], sk.recall_score(~truth, ~predicted, **w))
    same(figures["mcc"], sk.matthews_corrcoef(truth, predicted, **w))
    same(figures["log_loss"], sk.log_loss(truth, scores, **w))
    same(figures["brier"], sk.brier_score_loss(truth, scores, **w))
    # scores are rounded to two digits: each bin holds one value, so that nothing is lost
    assert figures["auc"].bound == figures["average_precision"].bound == 0
    same(figures["auc"], sk.roc_auc_score(truth, scores, **w))
    same(figures["average_precision"], sk.average_precision_score(truth, scores, **w))


def test_a_binary_model_has_the_figures_of_scikit_learn(store, drawn):
    row = ask(store, "binary")

    assert_binary(row, drawn["truth"], drawn["scores"])
    right = int(np.sum((drawn["scores"] >= 0.5) == drawn["truth"]))
    accuracy = row.figures["accuracy"]
    assert (accuracy.k, accuracy.n, row.coverage.value) == (right, N, 1.0)
    assert (accuracy.low, accuracy.high) == pytest.approx(
        proportion_confint(right, N, method="wilson"), rel=1e-9
    )


def test_a_sampled_model_has_those_with_sample_weight(store, drawn):
    row = ask(store, "sampled")

    here = np.array([kept(str(i), 0.25) for i in range(N)])
    assert row.figures["accuracy"].n == here.sum()
    assert row.figures["accuracy"].weighted_n == 4 * here.sum()
    assert row.figures["accuracy"].weighted
    assert_binary(row, drawn["truth"][here], drawn["scores"][here], np.full(here.sum(), 4.0))


def test_the_intervals_of_means_are_those_of_statsmodels(store, drawn):
    brier = ask(store, "binary").figures["brier"]

    errors = (drawn["scores"] - drawn["truth"]) ** 2
    assert (brier.low, brier.high) == pytest.approx(DescrStatsW(errors).zconfint_mean(), rel=1e-9)


def test_several_classes_have_the_figures_of_scikit_learn(store, drawn):
    names = [*METRICS]
    row = ask(store, "many", names)

    truth, chances = drawn["many"], drawn["chances"]
    predicted = chances.argmax(axis=1)
    for average in ("macro", "weighted"):
        more = {"average": average}
        same(row.figures[f"precision_{average}"], sk.precision_score(truth, predicted, **more))
        same(row.figures[f"recall_{average}"], sk.recall_score(truth, predicted, **more))
        same(row.figures[f"f1_{average}"], sk.f1_score(truth, predicted, **more))
    same(row.figures["f1"], sk.f1_score(truth, predicted, average="macro"))
    same(row.figures["mcc"], sk.matthews_corrcoef(truth, predicted))
    same(row.figures["log_loss"], sk.log_loss(truth, chances))
    same(row.figures["brier"], np.mean(np.sum((chances - np.eye(3)[truth]) ** 2, axis=1)))
    by_class = sk.f1_score(truth, predicted, average=None)
    assert [class_row.f1.value for class_row in row.classes] == pytest.approx(
        by_class.tolist(), rel=1e-9
    )
    assert "every class's score" in row.figures["auc"].reason
    assert row.figures["mae"].reason == "there is none of a multiclass task"


def test_a_regression_has_the_figures_of_scikit_learn(store, drawn):
    figures = ask(store, "price").figures

    truth, predicted = drawn["values"], drawn["predicted"]
    residual = predicted - truth
    same(figures["mae"], sk.mean_absolute_error(truth, predicted))
    same(figures["rmse"], sk.root_mean_squared_error(truth, predicted))
    same(figures["bias"], residual.mean())
    same(figures["r2"], sk.r2_score(truth, predicted))
    for name, values in (("mae", np.abs(residual)), ("bias", residual)):
        assert (figures[name].low, figures[name].high) == pytest.approx(
            DescrStatsW(values).zconfint_mean(), rel=1e-9
        )
    assert (figures["rmse"].low, figures["rmse"].high) == pytest.approx(
        np.sqrt(DescrStatsW(residual**2).zconfint_mean()), rel=1e-9
    )
    assert figures["r2"].low is None
    assert figures["r2"].reason.startswith("no interval")


def test_a_generation_has_its_mean_rating_and_share_correct(store, drawn):
    row = ask(store, "chat")

    same(row.figures["rating"], drawn["rating"].mean())
    same(row.figures["accuracy"], drawn["right"].mean())
    assert list(row.figures) == ["accuracy", "rating"]


def test_steps_in_time_add_up_to_the_whole(store, drawn):
    question = Question.of(model="binary", every="1d", **SPAN)

    rows = quality(store, question, "accuracy,auc").rows

    assert sum(row.figures["accuracy"].n for row in rows) == N
    day = [i for i in range(N) if at(i).date() == START.date()]
    same(rows[0].figures["auc"], sk.roc_auc_score(drawn["truth"][day], drawn["scores"][day]))
    assert rows[0].time == START


def test_a_condition_narrows_and_the_window_is_half_open(store):
    until = ask(store, "binary", "accuracy", until=at(3)).figures["accuracy"]
    since = ask(store, "binary", "accuracy", since=at(3)).figures["accuracy"]
    under = ask(store, "binary", "accuracy", where=["ml.prediction.score>=0.5"])

    assert (until.n, since.n) == (3, N - 3)
    assert under.figures["accuracy"].n < N


def test_a_model_that_is_not_there_has_no_row(store):
    assert quality(store, Question.of(model="none", **SPAN)).rows == ()
    assert quality(store, Question.of(model="none", **SPAN), "f1").rows == ()


def test_a_metric_that_is_none_is_refused_with_those_meant(store):
    with pytest.raises(elkmon.QueryError, match="no such metric: acuracy; did you mean accuracy"):
        quality(store, Question.of(**SPAN), "acuracy")
    with pytest.raises(elkmon.QueryError, match="there are: accuracy, balanced_accuracy"):
        quality(store, Question.of(**SPAN), ["xyzzy"])


def test_a_frame_has_a_column_a_figure_and_part(store):
    frame = quality(store, Question.of(model="binary", **SPAN), "f1, AUC").to_pandas()

    assert {"f1", "f1_low", "auc_bound", "coverage_k", "notes", "task"} <= set(frame.columns)
    assert frame["auc"][0] > 0.5
