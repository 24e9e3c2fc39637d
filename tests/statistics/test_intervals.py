"""Wilson's interval: statsmodels' to the last digits, and true in 95 of 100 cases."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from statsmodels.stats.proportion import proportion_confint

from elkmon.statistics.intervals import effective, wilson


@given(st.integers(1, 10**7), st.floats(0, 1))
def test_it_is_the_interval_of_statsmodels(n, part):
    k = round(n * part)

    low, high = wilson(k / n, n)

    expected = proportion_confint(k, n, method="wilson")
    assert (low, high) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(st.floats(0.1, 1e9), st.floats(0, 1))
def test_it_holds_the_share_and_stays_within_0_and_1(n, share):
    low, high = wilson(share, n)

    assert 0 <= low <= share + 1e-12
    assert share - 1e-12 <= high <= 1


def test_nothing_and_everything_reach_the_very_end():
    assert wilson(0.0, 20)[0] == 0.0
    assert wilson(1.0, 20)[1] == 1.0


@pytest.mark.parametrize("n", [100, 400, 2000])
def test_it_covers_the_true_share_in_94_to_96_percent(n):
    shares = np.linspace(0.1, 0.9, 161)
    limits = [wilson(k / n, n) for k in range(n + 1)]

    covered = [
        sum(
            probability
            for (low, high), probability in zip(limits, binom.pmf(range(n + 1), n, p), strict=True)
            if low <= p <= high
        )
        for p in shares
    ]

    assert 0.94 <= np.mean(covered) <= 0.96


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_weighted_it_covers_the_true_share_in_94_to_96_percent(share):
    random = np.random.default_rng(7)
    weights = random.choice([1.0, 4.0, 10.0], size=(20_000, 400), p=[0.5, 0.4, 0.1])
    hits = random.random(weights.shape) < share
    total, squares = weights.sum(axis=1), (weights**2).sum(axis=1)
    shares = (weights * hits).sum(axis=1) / total

    covered = [
        low <= share <= high
        for low, high in (
            wilson(p, effective(w, w2)) for p, w, w2 in zip(shares, total, squares, strict=True)
        )
    ]

    assert 0.94 <= np.mean(covered) <= 0.96


@given(st.integers(1, 10_000), st.floats(0.01, 1000))
def test_equal_weights_tell_as_much_as_their_number(n, weight):
    assert effective(n * weight, n * weight**2) == pytest.approx(n)
