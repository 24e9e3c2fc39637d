"""Late labels join their prediction the same way, whatever order they arrive in."""

import math
from datetime import datetime, timedelta, timezone
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss

from elkmon.events.merge import Joined, Label, Prediction, merge

START = datetime(2026, 11, 24, tzinfo=timezone.utc)
CLASSES = ["a", "b", "c"]


def at(hours):
    return START + timedelta(hours=hours)


def label(number, hours, **truth):
    return Label(event_id=f"{number:04}", observed_at=at(hours), **truth)


optional_classes = st.none() | st.sampled_from(CLASSES)
numbers = st.none() | st.floats(-1e6, 1e6)
probabilities = st.floats(0, 1)
label_lists = st.lists(
    st.tuples(
        st.integers(-5, 5),
        optional_classes,
        numbers,
        st.none() | st.booleans(),
        numbers,
        st.none() | st.sampled_from(["support", "review"]),
    ),
    max_size=6,
).map(
    lambda rows: [
        label(i, hours, label=name, value=value, correct=correct, rating=rating, source=source)
        for i, (hours, name, value, correct, rating, source) in enumerate(rows)
    ]
)
predictions = st.builds(
    Prediction,
    timestamp=st.just(START),
    task=st.sampled_from(["binary", "multiclass", "regression", "generation", None]),
    label=optional_classes,
    positive=st.none() | st.just("a"),
    value=numbers,
    score=st.none() | probabilities | st.floats(-2, 2),
    scores=st.none() | st.dictionaries(st.sampled_from(CLASSES), probabilities),
)


# --- order and repeats ------------------------------------------------------------------------


@given(prediction=predictions, labels=label_lists, data=st.data())
def test_any_order_and_any_repeats_give_the_same(prediction, labels, data):
    shuffled = data.draw(st.permutations(labels))
    repeated = shuffled + data.draw(st.lists(st.sampled_from(labels or [None]), max_size=3))

    assert merge(prediction, [each for each in repeated if each]) == merge(prediction, labels)


@given(prediction=predictions, labels=label_lists)
def test_each_truth_is_that_of_the_newest_label_that_has_it(prediction, labels):
    joined = merge(prediction, iter(labels))

    newest_first = sorted(labels, key=lambda each: (each.observed_at, each.event_id), reverse=True)
    for name in ("label", "value", "correct", "rating"):
        having = (getattr(each, name) for each in newest_first)
        assert getattr(joined, name) == next((x for x in having if x is not None), None)


def test_without_labels_nothing_is_joined():
    assert merge(Prediction(START, label="a", value=1.0, score=0.5), []) == Joined()


def test_a_later_rating_does_not_erase_a_label():
    joined = merge(Prediction(START, label="a"), [label(1, 1, label="a"), label(2, 2, rating=4.0)])

    assert (joined.label, joined.rating, joined.outcome) == ("a", 4.0, "correct")


def test_a_correction_counts_from_its_time_of_observation():
    early, late = label(9, 1, label="a"), label(1, 2, label="b")

    for order in permutations([early, late]):
        assert merge(Prediction(START, label="a"), order).outcome == "wrong"


def test_of_two_labels_of_one_moment_the_higher_event_id_counts():
    for order in permutations([label(1, 1, label="a"), label(2, 1, label="b")]):
        assert merge(Prediction(START, label="b"), order).label == "b"


def test_the_source_and_the_time_are_those_of_the_newest_label():
    joined = merge(
        Prediction(START),
        [label(1, 1, label="a", source="review"), label(2, 2, rating=1.0, source="support")],
    )

    assert (joined.source, joined.observed_at) == ("support", at(2))


# --- outcome ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("predicted", "truth", "outcome"),
    [
        ("a", {"label": "a"}, "correct"),
        ("a", {"label": "b"}, "wrong"),
        ("a", {"correct": True}, "correct"),
        ("a", {"correct": False}, "wrong"),
        (None, {"correct": True}, "correct"),
        (None, {"label": "a"}, None),
        (None, {"label": "a", "correct": False}, "wrong"),
        ("a", {"rating": 5.0}, None),
        ("a", {"value": 5.0}, None),
    ],
)
def test_an_outcome_is_told_by_the_class_else_by_correct(predicted, truth, outcome):
    assert merge(Prediction(START, label=predicted), [label(1, 1, **truth)]).outcome == outcome


@pytest.mark.parametrize("correct", [True, False])
@pytest.mark.parametrize("truth", ["a", "b"])
def test_a_label_wins_over_correct(correct, truth):
    joined = merge(Prediction(START, label="a"), [label(1, 1, label=truth, correct=correct)])

    assert joined.outcome == ("correct" if truth == "a" else "wrong")
    assert joined.correct is correct


# --- delay ------------------------------------------------------------------------------------


@given(prediction=predictions, labels=label_lists, hours=st.integers(0, 100))
def test_a_correction_never_changes_the_first_delay(prediction, labels, hours):
    first = merge(prediction, labels).first_delay
    if first is None:
        return
    latest = max(each.observed_at for each in labels)
    correction = Label("9999", latest + timedelta(hours=hours), label="c")

    assert merge(prediction, [correction, *labels]).first_delay == first


@pytest.mark.parametrize(("hours", "seconds"), [(2, 7200.0), (0, 0.0), (-3, 0.0)])
def test_the_first_delay_is_in_seconds_and_never_negative(hours, seconds):
    joined = merge(Prediction(START), [label(1, hours, label="a"), label(2, 50, label="b")])

    assert joined.first_delay == seconds


# --- residuals --------------------------------------------------------------------------------


@given(predicted=st.floats(-1e6, 1e6), truth=st.floats(-1e6, 1e6))
def test_a_residual_is_predicted_minus_true(predicted, truth):
    joined = merge(Prediction(START, value=predicted), [label(1, 1, value=truth)])

    assert joined.residual == predicted - truth
    assert joined.abs_residual == abs(predicted - truth)
    assert joined.sq_residual == (predicted - truth) * (predicted - truth)


@pytest.mark.parametrize(("predicted", "truth"), [(None, 1.0), (1.0, None)])
def test_no_residual_without_both_values(predicted, truth):
    joined = merge(Prediction(START, value=predicted), [label(1, 1, value=truth, rating=1.0)])

    assert joined.residual is joined.abs_residual is joined.sq_residual is None


# --- probabilities ----------------------------------------------------------------------------

FEW = settings(max_examples=50)
edges = st.sampled_from([0.0, 1.0, 1e-300, 1 - 1e-16, 0.5, 1e-9])


@FEW
@given(score=probabilities | edges, truth=st.sampled_from(["a", "b"]))
def test_binary_losses_are_those_of_scikit_learn(score, truth):
    prediction = Prediction(START, task="binary", positive="a", score=score)

    joined = merge(prediction, [label(1, 1, label=truth)])

    hit = [int(truth == "a")]
    expected = log_loss(hit, np.array([[1 - score, score]]), labels=[0, 1])
    assert joined.log_loss == pytest.approx(expected, rel=1e-9, abs=1e-15)
    brier = brier_score_loss(hit, [score], labels=[0, 1], pos_label=1)
    assert joined.brier == pytest.approx(brier, rel=1e-9, abs=1e-15)


@FEW
@given(
    weights=st.lists(st.floats(0, 1) | edges, min_size=3, max_size=3).filter(lambda w: sum(w) > 0),
    truth=st.sampled_from(CLASSES),
)
def test_multiclass_losses_are_those_of_scikit_learn(weights, truth):
    shares = np.array(weights) / sum(weights)
    prediction = Prediction(
        START, task="multiclass", scores=dict(zip(CLASSES, shares.tolist(), strict=True))
    )

    joined = merge(prediction, [label(1, 1, label=truth)])

    expected = log_loss([truth], [shares], labels=CLASSES)
    assert joined.log_loss == pytest.approx(expected, rel=1e-9, abs=1e-15)
    brier = brier_score_loss([truth], [shares], labels=CLASSES)  # over several classes not halved
    assert joined.brier == pytest.approx(brier, rel=1e-9, abs=1e-15)


@FEW
@given(score=probabilities, truth=st.sampled_from(["a", "b"]))
def test_the_mean_over_samples_is_that_of_scikit_learn(score, truth):
    rows = [(score, truth), (0.25, "a"), (0.75, "b")]

    joined = [
        merge(Prediction(START, task="binary", positive="a", score=p), [label(1, 1, label=t)])
        for p, t in rows
    ]

    hits = [int(t == "a") for _, t in rows]
    mean = sum(each.brier for each in joined) / 3
    assert mean == pytest.approx(brier_score_loss(hits, [p for p, _ in rows]), rel=1e-9)


@pytest.mark.parametrize(
    ("given", "truth"),
    [
        pytest.param({"task": "binary", "positive": "a"}, "a", id="no score"),
        pytest.param({"task": "binary", "score": 0.5}, "a", id="no positive class"),
        pytest.param({"task": "binary", "positive": "a", "score": 1.5}, "a", id="no probability"),
        pytest.param({"task": "binary", "positive": "a", "score": -0.1}, "b", id="below 0"),
        pytest.param({"task": "binary", "positive": "a", "score": math.nan}, "a", id="NaN"),
        pytest.param({"task": "binary", "positive": "a", "score": 0.5}, None, id="no truth"),
        pytest.param({"task": "multiclass", "score": 0.5}, "a", id="no scores"),
        pytest.param({"task": "multiclass", "scores": {}}, "a", id="empty scores"),
        pytest.param({"task": "multiclass", "scores": {"b": 1.0}}, "a", id="truth without score"),
        pytest.param({"task": "multiclass", "scores": {"a": 2.0}}, "a", id="no probabilities"),
        pytest.param({"task": "generation", "scores": {"a": 1.0}}, "a", id="generation"),
        pytest.param({"score": 0.5, "positive": "a"}, "a", id="no task"),
    ],
)
def test_what_cannot_be_computed_is_absent(given, truth):
    joined = merge(Prediction(START, **given), [label(1, 1, label=truth, rating=1.0)])

    assert joined.log_loss is joined.brier is None


# --- failed attempts --------------------------------------------------------------------------


def test_a_failed_attempt_gets_the_truth_and_no_evaluation():
    failed = Prediction(START, task="binary", label="a", positive="a", score=0.5, failed=True)

    joined = merge(failed, [label(1, 1, label="a", rating=2.0, source="support")])

    assert joined == Joined(label="a", rating=2.0, source="support", observed_at=at(1))


def test_scores_that_are_not_all_known_have_no_losses():
    prediction = Prediction(START, task="multiclass", scores={"a": 0.5, "b": None})

    joined = merge(prediction, [label(1, 1, label="a")])

    assert joined.log_loss is joined.brier is None
