"""Tests of significance, held to SciPy and statsmodels."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control, fisher_exact, norm
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

from elkmon.statistics.significance import (
    fisher,
    fisher_rise,
    newcombe,
    normal_tail,
    significant,
    two_proportion_z,
)

EDGES = [(0, 1, 0, 1), (1, 1, 1, 1), (0, 5, 5, 5), (5, 5, 0, 5), (3, 7, 3, 7), (0, 9, 1, 2000)]


def _tables():
    """Draw counts of two groups, of few and of many, alike and not."""
    random = np.random.default_rng(4)
    for most in (8, 60, 1000, 100_000):
        for _ in range(40):
            n1, n2 = (int(number) for number in random.integers(1, most, size=2))
            share = random.random() ** 3
            k1 = int(random.binomial(n1, share))
            yield k1, n1, int(random.binomial(n2, min(1.0, share * random.uniform(0.5, 2.0)))), n2


TABLES = [*EDGES, *_tables()]


def test_fishers_exact_test_is_scipys():
    for k1, n1, k2, n2 in TABLES:
        table = [[k1, n1 - k1], [k2, n2 - k2]]
        assert fisher(k1, n1, k2, n2) == pytest.approx(fisher_exact(table).pvalue, rel=1e-9)


def test_a_rise_is_scipys_one_sided_test():
    for k1, n1, k2, n2 in TABLES:
        table = [[k1, n1 - k1], [k2, n2 - k2]]
        expected = fisher_exact(table, alternative="less").pvalue
        assert fisher_rise(k1, n1, k2, n2) == pytest.approx(expected, rel=1e-9)


def test_what_is_as_good_as_impossible_is_no_error():
    assert fisher(0, 100_000, 100_000, 100_000) == 0.0
    assert fisher_rise(0, 100_000, 100_000, 100_000) == 0.0
    assert fisher_rise(100_000, 100_000, 0, 100_000) == 1.0


def test_newcombes_interval_is_that_of_statsmodels():
    for k1, n1, k2, n2 in TABLES:
        expected = confint_proportions_2indep(k2, n2, k1, n1, method="newcomb")
        assert newcombe(k1 / n1, n1, k2 / n2, n2) == pytest.approx(expected, abs=1e-9)


def test_the_z_test_is_that_of_statsmodels():
    for k1, n1, k2, n2 in TABLES:
        if 0 < k1 + k2 < n1 + n2:
            _, expected = proportions_ztest([k1, k2], [n1, n2])
            assert two_proportion_z(k1, n1, k2, n2) == pytest.approx(expected, abs=1e-9)


def test_shares_that_are_both_nothing_or_both_all_do_not_differ():
    assert two_proportion_z(0, 5, 0, 9) == 1.0
    assert two_proportion_z(5, 5, 9, 9) == 1.0


@pytest.mark.parametrize("z", [-3.0, 0.0, 1.0, 8.0])
def test_the_tail_is_that_of_the_normal_distribution(z):
    assert normal_tail(z) == pytest.approx(norm.sf(z), rel=1e-9)


@pytest.mark.parametrize("level", [0.01, 0.05, 0.2])
def test_what_counts_is_what_scipy_adjusts_below_the_level(level):
    random = np.random.default_rng(7)
    for number in (1, 5, 200):
        p_values = random.random(number) ** random.integers(1, 6)
        cut = significant(p_values.tolist(), level)
        adjusted = false_discovery_control(p_values)
        assert (p_values <= cut).tolist() == (adjusted <= level).tolist()


def test_where_nothing_was_tried_nothing_counts():
    assert significant([], 0.05) < 0


def test_newcombes_interval_covers_95_percent():
    random = np.random.default_rng(11)
    covered = []
    for p1, p2, n1, n2 in [(0.1, 0.1, 200, 300), (0.05, 0.12, 400, 150), (0.4, 0.3, 100, 100)]:
        k1, k2 = random.binomial(n1, p1, 4000), random.binomial(n2, p2, 4000)
        bounds = [newcombe(a / n1, n1, b / n2, n2) for a, b in zip(k1, k2, strict=True)]
        covered.append(np.mean([low <= p2 - p1 <= high for low, high in bounds]))

    assert all(0.94 <= share <= 0.96 for share in covered), covered
