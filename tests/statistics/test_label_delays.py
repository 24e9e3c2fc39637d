"""How long labels take: Kaplan and Meier's curve, though many predictions are young."""

import numpy as np
import pytest
from statsmodels.duration.survfunc import SurvfuncRight

from elkmon.statistics.label_delays import EDGES, arrivals, bin_of
from elkmon.statistics.rate import Sums


def drawn(n, *, never=0.15, window=7.0, seed=1):
    """Draw delays in days, half of them within 0.4; what is seen of them, and which are there."""
    random = np.random.default_rng(seed)
    delays = 0.4 * np.exp(0.9 * random.normal(size=n)) * 86_400
    delays[random.random(n) < never] = np.inf
    ages = random.random(n) * window * 86_400
    return delays, ages, delays <= ages


def seen(delays, ages, labelled):
    came, young = {}, {}
    for delay, age, there in zip(delays, ages, labelled, strict=True):
        into, number = (came, bin_of(delay)) if there else (young, bin_of(age))
        into[number] = into.get(number, 0.0) + 1.0
    return arrivals(came, young)


def test_the_curve_is_that_of_kaplan_and_meier_within_a_bin():
    delays, ages, labelled = drawn(3000)

    curve = seen(delays, ages, labelled)

    exact = SurvfuncRight(np.where(labelled, delays, ages), labelled.astype(float))
    for hours in (3, 10, 24, 72):
        at = np.searchsorted(exact.surv_times, hours * 3600.0) - 1
        assert curve.within(hours * 3600.0) == pytest.approx(1 - exact.surv_prob[at], abs=0.01)


def test_it_is_right_where_counting_what_is_labelled_would_not_be():
    delays, ages, labelled = drawn(20_000, window=1.0)

    curve = seen(delays, ages, labelled)

    true = np.mean(delays <= 12 * 3600)
    assert curve.within(12 * 3600.0) == pytest.approx(true, abs=0.015)
    assert np.mean(labelled & (delays <= 12 * 3600)) < true - 0.1


def test_without_young_predictions_it_is_the_plain_share():
    curve = arrivals({bin_of(60.0): 3.0, bin_of(7200.0): 1.0}, {len(EDGES) - 2: 4.0})

    assert curve.within(3600.0) == pytest.approx(3 / 8)
    assert curve.within(86_400.0) == pytest.approx(4 / 8)


def test_beyond_the_oldest_age_nothing_is_known():
    curve = arrivals({bin_of(60.0): 3.0}, {bin_of(3600.0): 1.0})

    assert curve.within(86_400.0) is None
    assert curve.horizon == EDGES[bin_of(3600.0) + 1]


def test_the_median_is_that_of_the_labels_that_come():
    delays, ages, labelled = drawn(5000, window=30.0)
    support = Sums(int(labelled.sum()), float(labelled.sum()), float(labelled.sum()))

    median = seen(delays, ages, labelled).delay(0.5, support)

    assert median.value == pytest.approx(0.4 * 86_400, rel=0.06)
    assert median.low <= 0.4 * 86_400 <= median.high
    assert median.bound <= 0.05 * median.value


def test_the_interval_of_the_median_holds_it_though_labels_are_late():
    held = []
    for seed in range(150):
        delays, ages, labelled = drawn(400, seed=seed)
        n = float(labelled.sum())
        estimate = seen(delays, ages, labelled).delay(0.5, Sums(int(n), n, n))
        held.append(estimate.low <= 0.4 * 86_400 <= estimate.high)

    assert np.mean(held) >= 0.94, "never less; bins of 10 % make it wider"


@pytest.mark.parametrize("labelled", [Sums(), Sums(2, 2.0, 2.0)])
def test_without_labels_there_is_no_delay_but_the_reason(labelled):
    estimate = arrivals({}, {bin_of(3600.0): 4.0}).delay(0.5, labelled)

    assert (estimate.value, estimate.reason) == (None, "no label yet")


def test_of_nothing_nothing_is_known():
    curve = arrivals({}, {})

    assert (curve.horizon, curve.within(60.0), curve.shares) == (0.0, None, ())


def test_a_delay_of_any_length_has_a_bin():
    assert bin_of(0.0) == bin_of(-1.0) == 0
    assert bin_of(1e30) == len(EDGES) - 2
    for number in (0, 1, 50, 220):
        assert bin_of(EDGES[number]) == number
