"""Means with their interval: statsmodels' to the last digits, and true in 95 of 100 cases."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.weightstats import DescrStatsW

from elkmon.statistics.estimate import Moments, mean
from elkmon.statistics.rate import Sums

VALUES = st.lists(
    st.tuples(st.floats(-1e4, 1e4), st.sampled_from([1.0, 4.0, 10.0])), min_size=2, max_size=50
)


def moments(values, weights=None):
    values = np.asarray(values, float)
    w = np.ones(len(values)) if weights is None else np.asarray(weights, float)
    support = Sums(len(values), w.sum(), (w**2).sum())
    return Moments(support, float((w * values).sum()), float((w * values**2).sum()))


@given(VALUES)
def test_it_is_the_interval_of_statsmodels_for_the_effective_number(rows):
    values, weights = map(np.asarray, zip(*rows, strict=True))

    average = mean(moments(values, weights), "none")

    n_eff = weights.sum() ** 2 / (weights**2).sum()
    assert average.value == pytest.approx(np.average(values, weights=weights), rel=1e-9, abs=1e-9)
    assert average.n_eff == pytest.approx(n_eff)
    if np.std(values) > 1e-3 * np.abs(values).max():
        scaled = DescrStatsW(values, weights * n_eff / weights.sum())
        assert (average.low, average.high) == pytest.approx(
            scaled.zconfint_mean(), rel=1e-6, abs=1e-6
        )


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "sampled"])
def test_it_covers_the_mean_in_94_to_96_percent(weighted):
    random = np.random.default_rng(2)
    values = random.exponential(1.0, size=(4000, 600))
    weights = random.choice([1.0, 4.0], size=values.shape) if weighted else np.ones(values.shape)

    estimates = [mean(moments(v, w), "none") for v, w in zip(values, weights, strict=True)]

    assert 0.94 <= np.mean([average.low <= 1.0 <= average.high for average in estimates]) <= 0.96


def test_of_few_skewed_values_the_interval_is_too_narrow():
    values = np.random.default_rng(3).exponential(1.0, size=(3000, 10))

    estimates = [mean(moments(average), "none") for average in values]

    assert 0.83 <= np.mean([average.low <= 1.0 <= average.high for average in estimates]) <= 0.92


def test_of_nothing_there_is_no_mean_but_the_reason():
    average = mean(moments([]), "no label yet")

    assert (average.value, average.low, average.n, average.reason) == (
        None,
        None,
        0,
        "no label yet",
    )


@pytest.mark.parametrize("values", [[3.0], [1e9, 1e9, 1e9]])
def test_values_that_do_not_vary_have_no_interval(values):
    average = mean(moments(values), "none")

    assert (average.value, average.low) == (values[0], None)
    assert average.reason.startswith("no interval")


def test_sums_that_no_number_can_hold_are_absent():
    average = mean(Moments(Sums(2, 2.0, 2.0), float("inf"), float("inf")), "none")

    assert (average.value, average.reason) == (None, "its sums are too large")


def test_squares_that_no_number_can_hold_leave_the_interval_out():
    average = mean(Moments(Sums(2, 2.0, 2.0), 2e300, float("inf")), "none")

    assert (average.value, average.low) == (1e300, None)


def test_the_limits_stay_within_what_is_possible():
    assert mean(moments([0.0, 0.0, 1.0]), "none", lowest=0.0).low == 0.0
