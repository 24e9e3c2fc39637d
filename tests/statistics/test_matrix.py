"""Figures of the confusion matrix: scikit-learn's to the last digits, with intervals that hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    balanced_accuracy_score,
    f1_score,
    matthews_corrcoef,
    precision_score,
    recall_score,
)
from statsmodels.stats.proportion import proportion_confint

from elkmon.statistics.matrix import AVERAGED, Matrix
from elkmon.statistics.rate import Sums

SCORES = {"precision": precision_score, "recall": recall_score, "f1": f1_score}
CLASSES = st.sampled_from("abcd")
ROWS = st.lists(
    st.tuples(CLASSES, CLASSES, st.sampled_from([1.0, 4.0, 2.5])), min_size=1, max_size=60
)


def matrix(truth, predicted, weights=None):
    weights = np.ones(len(truth)) if weights is None else weights
    cells = {}
    for t, p, w in zip(truth, predicted, weights, strict=True):
        cells[t, p] = cells.get((t, p), Sums()) + Sums(1, w, w * w)
    return Matrix(cells)


def assert_same(figure, expected):
    if np.isnan(expected):
        assert figure.value is None
        assert figure.reason
    else:
        assert figure.value == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(ROWS)
def test_figures_of_each_class_are_those_of_scikit_learn(rows):
    truth, predicted, weights = zip(*rows, strict=True)
    confusion = matrix(truth, predicted, weights)
    more = {"sample_weight": weights, "average": None, "zero_division": np.nan}

    for metric, score in SCORES.items():
        scores = score(truth, predicted, labels=confusion.classes, **more)
        for name, expected in zip(confusion.classes, scores, strict=True):
            # scikit-learn's F1 of a class that is never true is 0: here it has no support
            unseen = metric == "f1" and name not in truth
            assert_same(confusion.of_class(metric, name), np.nan if unseen else expected)


@given(ROWS)
def test_specificity_is_the_recall_of_all_other_classes_together(rows):
    truth, predicted, weights = zip(*rows, strict=True)
    confusion = matrix(truth, predicted, weights)

    for name in confusion.classes:
        others = [label != name for label in truth]
        expected = recall_score(
            others, [label != name for label in predicted], sample_weight=weights,
            zero_division=np.nan,
        )  # fmt: skip
        assert_same(confusion.of_class("specificity", name), expected)


@given(ROWS)
def test_means_over_classes_are_those_of_scikit_learn_over_classes_with_support(rows):
    truth, predicted, weights = zip(*rows, strict=True)
    confusion = matrix(truth, predicted, weights)
    labels = sorted(set(truth))

    for metric, score in SCORES.items():
        for average, mean_of in (("macro", confusion.macro), ("weighted", confusion.weighted)):
            expected = score(
                truth, predicted, labels=labels, average=average, sample_weight=weights,
                zero_division=np.nan,
            )  # fmt: skip
            figure, left_out = mean_of(metric)
            assert_same(figure, expected)
            unpredicted = set(truth) - set(predicted) if metric == "precision" else set()
            assert set(left_out) == (set(predicted) - set(truth)) | unpredicted


@given(ROWS)
def test_mcc_is_that_of_scikit_learn_where_both_sides_vary(rows):
    truth, predicted, weights = zip(*rows, strict=True)

    figure = matrix(truth, predicted, weights).mcc()

    if len(set(truth)) == 1 or len(set(predicted)) == 1:
        assert figure.value is None
        assert figure.reason.startswith("only class ")
    else:
        assert_same(figure, matthews_corrcoef(truth, predicted, sample_weight=weights))


def test_macro_recall_is_balanced_accuracy():
    truth, predicted = list("aaaabbbcc"), list("aaabbbacb")

    figure, _ = matrix(truth, predicted).macro("recall")

    assert_same(figure, balanced_accuracy_score(truth, predicted))


@given(ROWS)
def test_every_interval_holds_its_figure_within_what_is_possible(rows):
    confusion = matrix(*zip(*rows, strict=True))
    figures = [confusion.mcc()]
    for metric in AVERAGED:
        figures += [confusion.macro(metric)[0], confusion.weighted(metric)[0]]
        figures += [confusion.of_class(metric, name) for name in confusion.classes]

    for figure in figures:
        if figure.low is not None:
            assert -1 <= figure.low <= figure.value + 1e-9
            assert figure.value - 1e-9 <= figure.high <= 1 + 1e-9
        else:
            assert figure.reason


def test_precision_and_recall_have_the_interval_of_wilson():
    confusion = matrix(["a"] * 30 + ["b"] * 70, ["a"] * 20 + ["b"] * 10 + ["a"] * 5 + ["b"] * 65)

    precision, recall = confusion.of_class("precision", "a"), confusion.of_class("recall", "a")

    assert (precision.k, precision.n, recall.k, recall.n) == (20, 25, 20, 30)
    assert (precision.low, precision.high) == pytest.approx(
        proportion_confint(20, 25, method="wilson"), rel=1e-9
    )
    assert (recall.low, recall.high) == pytest.approx(
        proportion_confint(20, 30, method="wilson"), rel=1e-9
    )


@pytest.mark.parametrize("metric", ["f1", "precision", "recall", "specificity"])
@pytest.mark.parametrize("average", ["macro", "weighted"])
def test_the_delta_method_has_the_slopes_of_the_figure(metric, average):
    shares = np.array([[0.3, 0.05, 0.02], [0.04, 0.25, 0.03], [0.06, 0.05, 0.2]])
    n = 1e6

    def at(p):
        cells = {
            (str(i), str(j)): Sums(1, p[i, j] * n, p[i, j] * n)
            for i in range(3) for j in range(3)
        }  # fmt: skip
        return getattr(Matrix(cells), average)(metric)[0]

    figure = at(shares)
    slopes = np.zeros((3, 3))
    for place in np.ndindex(3, 3):
        step = np.zeros((3, 3))
        step[place] = 1e-6
        slopes[place] = (at(shares + step).value - at(shares - step).value) / 2e-6
    variance = (np.sum(shares * slopes**2) - np.sum(shares * slopes) ** 2) / n
    assert (figure.high - figure.low) / 2 == pytest.approx(1.959964 * variance**0.5, rel=1e-4)


def simulated(shares, n, figure, *, weighted=False, runs=3000):
    """Draw matrices; say how often the interval holds what the shares say."""
    random = np.random.default_rng(11)
    names = [(str(i), str(j)) for i in range(len(shares)) for j in range(len(shares))]
    p = np.asarray(shares, float).ravel()
    true = figure(Matrix({k: Sums(1, v, v) for k, v in zip(names, p, strict=True)})).value
    strata = [(1.0, n // 2), (4.0, n // 2)] if weighted else [(1.0, n)]
    drawn = [(w, random.multinomial(m, p, size=runs)) for w, m in strata]
    held = 0
    for run in range(runs):
        cells = {}
        for place, name in enumerate(names):
            counts = [(w, int(draws[run, place])) for w, draws in drawn]
            cells[name] = Sums(
                sum(c for _, c in counts), sum(w * c for w, c in counts),
                sum(w * w * c for w, c in counts),
            )  # fmt: skip
        estimate = figure(Matrix(cells))
        held += estimate.low is not None and estimate.low <= true <= estimate.high
    return held / runs


BINARY = [[0.55, 0.08], [0.07, 0.3]]
THREE = [[0.3, 0.05, 0.02], [0.04, 0.25, 0.03], [0.06, 0.05, 0.2]]


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "sampled"])
@pytest.mark.parametrize(
    ("shares", "figure"),
    [
        (BINARY, lambda confusion: confusion.of_class("precision", "1")),
        (BINARY, lambda confusion: confusion.of_class("recall", "1")),
        (BINARY, lambda confusion: confusion.of_class("specificity", "1")),
        (BINARY, lambda confusion: confusion.of_class("f1", "1")),
        (BINARY, lambda confusion: confusion.mcc()),
        (THREE, lambda confusion: confusion.macro("f1")[0]),
        (THREE, lambda confusion: confusion.macro("recall")[0]),
        (THREE, lambda confusion: confusion.weighted("precision")[0]),
        (THREE, lambda confusion: confusion.mcc()),
    ],
    ids=["precision", "recall", "specificity", "f1", "mcc", "macro-f1", "balanced", "weighted",
         "mcc-of-3"],
)  # fmt: skip
def test_intervals_cover_the_truth_in_94_to_96_percent(shares, figure, weighted):
    assert 0.94 <= simulated(shares, 2000, figure, weighted=weighted) <= 0.96


def test_with_few_predictions_the_delta_method_covers_less_and_wilson_holds():
    f1 = simulated(BINARY, 40, lambda confusion: confusion.of_class("f1", "1"))
    recall = simulated(BINARY, 40, lambda confusion: confusion.of_class("recall", "1"))

    assert 0.88 <= f1 < 0.95
    assert 0.93 <= recall <= 0.98


@pytest.mark.parametrize(("right", "value"), [(20, 1.0), (0, 0.0)])
def test_f1_has_an_interval_also_where_all_answers_are_right_or_wrong(right, value):
    confusion = matrix(["a"] * 20 + ["b"] * 30, ["a"] * right + ["b"] * (20 - right) + ["b"] * 30)

    figure = confusion.of_class("f1", "a")

    assert figure.value == value
    low, high = proportion_confint(right, 20, method="wilson")
    assert (figure.low, figure.high) == pytest.approx((2 * low / (1 + low), 2 * high / (1 + high)))


def test_an_interval_without_width_is_left_out_with_its_reason():
    figure, _ = matrix(list("aabbcc"), list("aabbcc")).macro("f1")

    assert (figure.value, figure.low) == (1.0, None)
    assert figure.reason == "no interval: its values do not vary"


def test_what_cannot_be_computed_says_why():
    empty, one = Matrix({}), matrix("aaa", "aab")

    assert empty.of_class("f1", "a").reason == "no label yet"
    assert empty.macro("f1")[0].reason == empty.mcc().reason == "no label yet"
    assert one.mcc().reason == "only class a was seen"
    assert matrix("aab", "aaa").mcc().reason == "only class a was predicted"
    assert one.of_class("specificity", "a").reason == "only class a was seen"
    assert one.of_class("recall", "b").reason == "class b was never true"
    assert one.of_class("precision", "c").reason == "class c was never predicted"
    assert matrix("a", "b").macro("precision")[0].reason == "no class has support"
