"""AUC and average precision from bins: scikit-learn's within the bound that is given."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import average_precision_score, roc_auc_score

from elkmon.statistics.auc import ScoreBin, auc, average_precision
from elkmon.statistics.rate import Sums

SCORES = st.lists(
    st.tuples(st.booleans(), st.floats(0, 1), st.sampled_from([1.0, 4.0])), min_size=2, max_size=80
)


def binned(truth, scores, weights=None, width=0.001):
    truth, scores = np.asarray(truth, bool), np.asarray(scores, float)
    weights = np.ones(len(scores)) if weights is None else np.asarray(weights, float)
    numbers = np.floor(scores / width).astype(int)
    values, position = np.unique(numbers, return_inverse=True)
    low, high = np.full(len(values), np.inf), np.full(len(values), -np.inf)
    np.minimum.at(low, position, scores)
    np.maximum.at(high, position, scores)
    sides = [
        [np.bincount(position[truth == side], weights[truth == side] ** power, len(values)).tolist()
         for power in range(3)]
        for side in (False, True)
    ]  # fmt: skip
    return [
        ScoreBin(low[b], high[b], *(Sums(int(n[b]), w[b], w2[b]) for n, w, w2 in sides))
        for b in range(len(values))
    ]


@given(SCORES, st.sampled_from([0.001, 0.1, 0.5]))
def test_auc_is_within_its_bound_of_scikit_learn(rows, width):
    truth, scores, weights = zip(*rows, strict=True)

    estimate = auc(binned(truth, scores, weights, width))

    if len(set(truth)) == 1:
        assert estimate.value is None
        return
    exact = roc_auc_score(truth, scores, sample_weight=weights)
    assert abs(estimate.value - exact) <= estimate.bound + 1e-9


@given(SCORES, st.sampled_from([0.001, 0.1, 0.5]))
def test_average_precision_is_within_its_bound_of_scikit_learn(rows, width):
    truth, scores, weights = zip(*rows, strict=True)

    estimate = average_precision(binned(truth, scores, weights, width))

    if not any(truth):
        assert estimate.value is None
        return
    exact = average_precision_score(truth, scores, sample_weight=weights)
    assert abs(estimate.value - exact) <= estimate.bound + 1e-9


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20)), min_size=2, max_size=60))
def test_where_all_scores_of_a_bin_are_tied_both_are_exact(rows):
    truth = [label for label, _ in rows]
    scores = [number / 20 for _, number in rows]
    if len(set(truth)) == 1:
        truth = [not truth[0], *truth[1:]]

    area, precision = auc(binned(truth, scores)), average_precision(binned(truth, scores))

    assert (area.bound, precision.bound) == (0, 0)
    assert area.value == pytest.approx(roc_auc_score(truth, scores), rel=1e-9)
    assert precision.value == pytest.approx(average_precision_score(truth, scores), rel=1e-9)


def test_coarse_bins_say_how_wrong_they_may_be():
    random = np.random.default_rng(3)
    truth = random.random(5000) < 0.3
    scores = np.where(truth, 0.02, 0.01) * random.random(5000)

    estimate = auc(binned(truth, scores, width=0.05))

    assert estimate.bound == pytest.approx(0.5)
    assert estimate.value == pytest.approx(0.5)


def draws(area, runs, *, positive=150, negative=300, weighted=False, exponential=False):
    """Draw scores whose area is known, normal or negative exponential; give them in bins."""
    random = np.random.default_rng(17)
    shift = np.sqrt(2) * norm.ppf(area)
    truth = np.repeat([True, False], [positive, negative])
    for _ in range(runs):
        if exponential:
            scores = 1 - np.exp(-0.2 * random.exponential(np.where(truth, area / (1 - area), 1)))
        else:
            scores = norm.cdf(random.normal(size=truth.size) + shift * truth - shift / 2)
        w = random.choice([1.0, 4.0], size=truth.size) if weighted else None
        yield binned(truth, scores, w)


def coverage(figure, true, drawn):
    return np.mean([estimate.low <= true <= estimate.high for estimate in map(figure, drawn)])


@pytest.mark.parametrize(
    ("area", "weighted"), [(0.7, False), (0.85, True)], ids=["plain", "sampled"]
)
def test_the_interval_of_auc_covers_the_truth_in_94_to_96_percent(area, weighted):
    drawn = draws(area, 2500, weighted=weighted, exponential=True)

    assert 0.94 <= coverage(auc, area, drawn) <= 0.96


def test_of_normal_scores_the_interval_of_auc_is_a_little_wide():
    assert 0.95 <= coverage(auc, 0.85, draws(0.85, 800)) <= 0.98


def test_the_interval_of_average_precision_is_a_little_wide():
    area = 0.85
    (large,) = draws(area, 1, positive=200_000, negative=400_000)
    true = average_precision(large).value

    assert 0.95 <= coverage(average_precision, true, draws(area, 800)) <= 0.99


def test_one_class_has_no_area():
    estimate = auc(binned([True, True], [0.1, 0.9]))

    assert (estimate.value, estimate.low, estimate.n) == (None, None, 2)
    assert average_precision(binned([False], [0.1])).value is None


def test_where_the_classes_lie_apart_there_is_no_interval_but_a_reason():
    estimate = auc(binned([False, True], [0.1, 0.9]))
    precision = average_precision(binned([False, True], [0.1, 0.9]))

    assert (estimate.value, estimate.low) == (1.0, None)
    assert "Hanley and McNeil" in estimate.reason
    assert (precision.value, precision.low) == (1.0, None)
    assert "logit" in precision.reason
