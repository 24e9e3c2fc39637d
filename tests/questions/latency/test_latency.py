"""Latency: NumPy's quantiles within 1 %, weighted, successes and failures apart."""

import math
from datetime import datetime, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from elkmon.emit.encode.scalars import duration_bin
from elkmon.query.question import Question
from elkmon.questions.latency.figures import latency
from elkmon.statistics.quantiles import middle, quantile
from elkmon.statistics.rate import Sums

DAY = datetime(2026, 11, 20, tzinfo=timezone.utc)
DURATIONS = st.lists(
    st.tuples(st.integers(1_000, 10**11), st.sampled_from([1.0, 4.0])), min_size=1, max_size=60
)


def row(nanoseconds, n=1, weight=1.0, outcome="success", *group):
    number = None if nanoseconds is None else duration_bin(nanoseconds)
    return (*(group or ("m",)), outcome, number, n, n * weight, n * weight**2)


def rows_of(durations, weights):
    """Lay out a row a bin, as a store does."""
    bins = {}
    for nanoseconds, w in zip(durations, weights, strict=True):
        number = duration_bin(nanoseconds)
        bins[number] = bins.get(number, Sums()) + Sums(1, w, w * w)
    return [("m", "success", b, s.count, s.weight, s.weight2) for b, s in bins.items()]


@given(DURATIONS)
def test_quantiles_are_within_1_percent_of_numpy(laid_rows):
    durations, weights = map(np.asarray, zip(*laid_rows, strict=True))

    (result,) = latency(Laid(rows_of(durations.tolist(), weights.tolist())), Question.of()).rows

    for figure, share in ((result.p50, 0.5), (result.p95, 0.95), (result.p99, 0.99)):
        exact = np.quantile(durations, share, method="inverted_cdf", weights=weights) / 1e6
        assert abs(figure.value - exact) <= 0.01 * exact
        assert abs(figure.value - exact) <= figure.bound * (1 + 1e-6)


class Laid:
    """Answer with these rows."""

    def __init__(self, rows):
        self.rows = rows

    def aggregate(self, *_args, **_more):
        return self


def test_failures_stand_apart_after_successes(laid):
    store = laid(row(2_000_000, n=3, outcome="failure"), row(1_000_000, n=5), row(None, n=2))

    answer = latency(store, Question.of())

    success, failure = answer.rows
    assert (success.outcome, success.p50.n) == ("success", 5)
    assert (failure.outcome, failure.p50.n) == ("failure", 3)
    assert success.p50.value == pytest.approx(1.0, rel=0.01)
    assert answer.notes == ("m: 2 attempts (success) have no duration: left out",)


def test_attempts_without_any_duration_have_no_quantile(laid):
    (result,) = latency(laid(row(None, n=2)), Question.of()).rows

    assert (result.p50.value, result.p50.reason) == (None, "no attempt has a duration")


def test_attempts_of_unknown_outcome_play_no_part(laid):
    assert latency(laid(row(1_000_000, outcome=None)), Question.of()).rows == ()


def test_steps_in_time_are_rows(laid):
    number = duration_bin(1_000_000)
    store = laid(("m", DAY, "success", number, 1, 1.0, 1.0))

    (result,) = latency(store, Question.of(every="1d")).rows

    assert result.time == DAY


@pytest.mark.parametrize(
    ("share", "weighted"), [(0.95, False), (0.5, True)], ids=["plain", "sampled"]
)
def test_the_interval_covers_the_true_quantile(share, weighted):
    random = np.random.default_rng(9)
    width = 1.0003  # so fine that the bins do not widen it
    true = math.exp(0.5 * norm.ppf(share))
    held = []
    for _ in range(1500):
        values = np.exp(0.5 * random.normal(size=1000))
        weights = random.choice([1.0, 4.0], 1000) if weighted else np.ones(1000)
        numbers = np.floor(np.log(values) / math.log(width)).astype(int)
        low = numbers.min()
        sums = [np.bincount(numbers - low, weights**p) for p in range(3)]
        bins = {
            int(b + low): Sums(int(sums[0][b]), sums[1][b], sums[2][b])
            for b in np.nonzero(sums[0])[0]
        }
        result = quantile(bins, share, lambda b: width**b, "")
        held.append(result.low <= true <= result.high)

    assert 0.94 <= np.mean(held) <= 0.965


def test_with_too_few_beyond_it_a_quantile_has_no_interval():
    result = quantile({b: Sums(1, 1.0, 1.0) for b in range(20)}, 0.99, float, "")

    assert (result.low, result.high) == (None, None)
    assert result.reason == "no interval: too few lie beyond it"


def test_a_bin_stands_for_its_middle():
    assert middle(1.0, 4.0) == 2.0
    assert middle(0.0, 1.0) == 0.5
