"""The change of a rate: its interval, its test, and what may be said of it."""

from datetime import datetime, timezone

import numpy as np
import pytest
from scipy.stats import binom, fisher_exact
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

from elkmon.questions.compare.label_age import LabelAge
from elkmon.questions.compare.verdict import difference
from elkmon.statistics.rate import Sums

NOW = datetime(2026, 11, 24, tzinfo=timezone.utc)


def sums(number, weight=1.0):
    return Sums(number, number * weight, number * weight**2)


def compared(k1, n1, k2, n2, *, weight=1.0, age=None):
    return difference(
        (sums(k1, weight), sums(n1, weight)), (sums(k2, weight), sums(n2, weight)), "labels", age
    )


@pytest.mark.parametrize("counts", [(50, 500, 80, 400), (7, 900, 30, 950), (300, 500, 260, 500)])
def test_figures_are_those_of_statsmodels(counts):
    k1, n1, k2, n2 = counts
    result = compared(*counts)

    assert result.value == pytest.approx(k2 / n2 - k1 / n1, abs=1e-12)
    expected = confint_proportions_2indep(k2, n2, k1, n1, method="newcomb")
    assert (result.low, result.high) == pytest.approx(expected, abs=1e-9)
    assert result.test == "z"
    assert result.p_value == pytest.approx(proportions_ztest([k1, k2], [n1, n2])[1], abs=1e-9)


@pytest.mark.parametrize("counts", [(1, 40, 6, 45), (0, 30, 4, 30), (38, 40, 39, 41)])
def test_where_few_are_expected_the_test_is_fishers(counts):
    k1, n1, k2, n2 = counts
    result = compared(*counts)

    assert result.test == "Fisher"
    expected = fisher_exact([[k1, n1 - k1], [k2, n2 - k2]]).pvalue
    assert result.p_value == pytest.approx(expected, rel=1e-9)


def test_a_sampled_rate_is_that_of_its_effective_number():
    plain, sampled = compared(50, 500, 80, 400), compared(50, 500, 80, 400, weight=10.0)

    for name in ("value", "low", "high", "p_value", "detectable"):
        assert getattr(sampled, name) == pytest.approx(getattr(plain, name), rel=1e-12)


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        ((100, 1000, 150, 1000), "worse"),
        ((150, 1000, 100, 1000), "better"),
        ((500, 5000, 505, 5000), "no evidence"),
        ((5, 50, 6, 50), "not enough"),
        ((0, 20, 8, 20), "worse"),
    ],
)
def test_verdicts(counts, verdict):
    assert compared(*counts).verdict == verdict


def test_words_say_what_would_have_shown_or_how_many_more_would():
    assert "points would have been detected" in compared(500, 5000, 505, 5000).words
    few = compared(500, 5000, 12, 100)
    assert few.verdict == "not enough"
    assert few.more is not None
    assert f"about {few.more:,} more labels would show a change of 5.0 points" in few.words


def test_so_many_more_would_show_it_four_times_in_five():
    few = compared(500, 5000, 12, 100)
    random = np.random.default_rng(1)
    number = 100 + few.more

    counts = random.binomial(number, 0.15, 400)
    detected = np.mean([compared(500, 5000, int(k), number).verdict == "worse" for k in counts])

    assert 0.75 <= detected <= 0.9


def test_a_baseline_that_is_too_small_says_so():
    result = compared(3, 30, 100, 1000)

    assert (result.verdict, result.more) == ("not enough", None)
    assert "the baseline alone has too few" in result.words


@pytest.mark.parametrize(
    ("k1", "n1", "k2", "n2", "message"),
    [(0, 0, 1, 9, "the baseline has no labels"), (1, 9, 0, 0, "the current side has no labels")],
)
def test_what_is_not_there_is_not_compared(k1, n1, k2, n2, message):
    result = compared(k1, n1, k2, n2)

    assert (result.value, result.p_value, result.verdict) == (None, None, "not enough")
    assert message in result.words


@pytest.mark.parametrize(
    ("right", "wrong", "counts", "verdict"),
    [
        (0.06, 0.0, (1000, 10_000, 1500, 10_000), "no evidence"),
        (0.02, 0.0, (1000, 10_000, 1500, 10_000), "worse"),
        (0.06, 0.0, (1500, 10_000, 1000, 10_000), "better"),
        (0.0, 0.06, (1500, 10_000, 1000, 10_000), "no evidence"),
    ],
)
def test_a_change_has_to_be_larger_than_what_is_still_to_be_corrected(
    right, wrong, counts, verdict
):
    result = compared(*counts, age=LabelAge(60.0, NOW, right, wrong))

    assert result.verdict == verdict
    if verdict == "no evidence":
        assert "will still be corrected may explain" in result.words


@pytest.mark.parametrize(
    ("share", "n1", "n2", "weight"),
    [(0.1, 800, 500, 1.0), (0.1, 40, 30, 1.0), (0.01, 900, 300, 1.0), (0.2, 400, 300, 7.0)],
)
def test_where_nothing_changed_it_is_rarely_called_worse_or_better(share, n1, n2, weight):
    number = 2000
    random = np.random.default_rng(3)
    pairs = zip(random.binomial(n1, share, number), random.binomial(n2, share, number), strict=True)

    verdicts = [compared(int(a), n1, int(b), n2, weight=weight).verdict for a, b in pairs]

    most = binom.ppf(0.999, number, 0.05)
    assert sum(verdict in {"worse", "better"} for verdict in verdicts) <= most
