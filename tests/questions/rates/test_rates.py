"""Failure rate, error rate and coverage, from one question to the store."""

import sys
from datetime import datetime, timezone

import pytest
from statsmodels.stats.proportion import proportion_confint

from elkmon import ConfigError
from elkmon.query.question import Question
from elkmon.questions.rates.figures import (
    count_attempts,
    error_rate,
    failure_rate,
    rates,
    sum_steps,
)
from elkmon.stores.protocol import FieldValue, Measure, TimeBucket

DAY = datetime(2026, 11, 20, tzinfo=timezone.utc)


def row(*group, outcome="success", truth=None, n=1, weight=1.0, labelled=None):
    """Lay out one row: n events of that weight, with a truth or without."""
    known = (n if truth is not None else 0) if labelled is None else labelled
    sums = (some * size for some in (n, known) for size in (1, weight, weight**2))
    return (*group, outcome, truth, *sums)


def only(result):
    (result,) = result.rows
    return result


def test_failure_rate_is_failures_out_of_attempts(laid):
    store = laid(
        row("fraud", outcome="failure", n=3), row("fraud", n=90), row("fraud", truth="wrong", n=7)
    )

    result = only(failure_rate(store, Question.of()))

    assert (result.failure_rate.k, result.failure_rate.n) == (3, 100)
    assert result.failure_rate.value == pytest.approx(0.03)
    assert (result.failure_rate.low, result.failure_rate.high) == pytest.approx(
        proportion_confint(3, 100, method="wilson"), rel=1e-9
    )


def test_error_rate_is_wrong_out_of_labelled_successes(laid):
    store = laid(
        row("fraud", outcome="failure", n=50),
        row("fraud", n=60),
        row("fraud", truth="correct", n=30),
        row("fraud", truth="wrong", n=10),
    )

    result = only(error_rate(store, Question.of()))

    assert (result.error_rate.k, result.error_rate.n) == (10, 40)
    assert (result.coverage.k, result.coverage.n) == (40, 100)
    assert (result.error_rate.low, result.error_rate.high) == pytest.approx(
        proportion_confint(10, 40, method="wilson"), rel=1e-9
    )


def test_a_failed_attempt_with_a_label_is_no_wrong_answer(laid):
    store = laid(row("fraud", outcome="failure", truth="wrong", n=5), row("fraud", n=5))

    result = only(rates(store, Question.of()))

    assert result.error_rate.value is None
    assert result.coverage.k == 0


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([row("m", outcome="failure", n=4)], "no successful attempt"),
        ([row("m", n=4)], "no label yet"),
        ([row("m", n=4, labelled=4)], "labels do not say right or wrong"),
    ],
)
def test_an_error_rate_that_cannot_be_computed_is_absent_with_its_reason(laid, rows, reason):
    rate = only(rates(laid(*rows), Question.of())).error_rate

    assert (rate.value, rate.low, rate.high) == (None, None, None)
    assert rate.reason == reason


def test_coverage_of_failures_alone_is_absent(laid):
    coverage = only(rates(laid(row("m", outcome="failure")), Question.of())).coverage

    assert (coverage.value, coverage.reason) == (None, "no successful attempt")


def test_labels_of_a_regression_count_as_coverage(laid):
    store = laid(row("m", n=10, labelled=4))

    coverage = only(rates(store, Question.of())).coverage

    assert (coverage.k, coverage.n, coverage.value) == (4, 10, 0.4)


def test_sampled_predictions_count_as_many_times_as_they_stand_for(laid):
    store = laid(
        row("m", outcome="failure", n=10), row("m", n=25, weight=4.0, truth="correct"),
        row("m", n=5, weight=4.0, truth="wrong"),
    )  # fmt: skip

    result = only(rates(store, Question.of()))

    assert result.failure_rate.value == pytest.approx(10 / (10 + 120))
    assert result.failure_rate.n_eff == pytest.approx(130**2 / (10 + 30 * 16))
    assert (result.failure_rate.low, result.failure_rate.high) == pytest.approx(
        proportion_confint(
            10 / 130 * result.failure_rate.n_eff, result.failure_rate.n_eff, method="wilson"
        )
    )
    assert result.failure_rate.weighted
    assert result.error_rate.value == pytest.approx(5 / 30)
    assert (result.error_rate.k, result.error_rate.n) == (5, 30)
    assert result.error_rate.n_eff == pytest.approx(30)


def test_without_sampling_no_figure_is_marked_as_weighted(laid):
    assert not only(rates(laid(row("m", n=10)), Question.of())).failure_rate.weighted


def test_an_attempt_of_unknown_outcome_is_neither_failed_nor_successful(laid):
    result = only(rates(laid(row("m", outcome=None, n=2), row("m", n=8)), Question.of()))

    assert (result.failure_rate.k, result.failure_rate.n) == (0, 10)
    assert result.coverage.n == 8


def test_nothing_gives_no_rows(laid):
    assert rates(laid(), Question.of()).rows == ()


def test_it_asks_one_question_by_group_step_outcome_and_truth(laid):
    store = laid()

    rates(store, Question.of(by=["version"], every="1h", model="fraud"))

    (request,) = store.asked
    assert request["dataset"] == "elkmon.prediction"
    assert request["by"] == (
        *(FieldValue("ml.model.name"), FieldValue("ml.model.version"), TimeBucket(1, "h")),
        *(FieldValue("event.outcome"), FieldValue("ml.eval.outcome")),
    )
    assert {Measure("count"), Measure("weight"), Measure("weight2")} <= set(request["measures"])


def test_groups_are_named_as_they_were_asked_for(laid):
    store = laid(row("fraud", "de"), row("fraud", None))

    result = rates(store, Question.of(by="segment.country"))

    assert [dict(item.by) for item in result.rows] == [
        {"model": "fraud", "segment.country": "de"},
        {"model": "fraud", "segment.country": None},
    ]


def test_groups_are_sorted_as_people_count_and_absent_ones_come_last(laid):
    store = laid(*(row("m", version) for version in ["2.10.0", None, "2.9.0", "beta", 3.0]))

    result = [item.by["version"] for item in rates(store, Question.of(by="version")).rows]

    assert result == ["2.9.0", "2.10.0", 3.0, "beta", None]


def test_steps_in_time_are_rows_of_their_own_and_add_up(laid):
    store = laid(
        row("m", DAY, truth="wrong", n=2), row("m", DAY.replace(day=21), truth="correct", n=6)
    )

    question = Question.of(every="1d")
    counted = count_attempts(store, question)

    assert [item.time for item in counted] == [DAY, DAY.replace(day=21)]
    (whole,) = sum_steps(counted)
    assert whole.time is None
    assert (whole.error_rate.k, whole.error_rate.n) == (2, 8)


def test_a_step_without_a_zone_is_in_utc(laid):
    store = laid(row("m", DAY.replace(tzinfo=None)))

    assert only(rates(store, Question.of(every="1d"))).time == DAY


def test_as_dictionaries_rows_are_json(laid):
    store = laid(row("m", DAY, truth="wrong", n=2))

    (result,) = error_rate(store, Question.of(every="1d")).to_dicts()

    assert result["by"] == {"model": "m"}
    assert result["time"] == "2026-11-20T00:00:00Z"
    assert result["error_rate"]["value"] == 1.0
    assert result["coverage"]["reason"] is None


def test_as_a_frame_every_group_and_part_has_its_column(laid):
    store = laid(row("m", "1.0", truth="wrong", n=2))

    frame = error_rate(store, Question.of(by="version")).to_pandas()

    assert frame.loc[0, ["model", "version", "error_rate", "error_rate_k"]].to_list() == [
        *("m", "1.0", 1.0, 2)
    ]
    assert {"coverage", "coverage_low", "error_rate_reason"} <= set(frame.columns)


def test_an_empty_frame_has_the_same_columns(laid):
    question = Question.of(by="version")

    empty = failure_rate(laid(), question).to_pandas()
    full = failure_rate(laid(row("m", "1")), question).to_pandas()

    assert list(empty.columns) == list(full.columns)
    assert len(empty) == 0


def test_a_frame_without_pandas_says_what_to_do(laid, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)

    with pytest.raises(ConfigError, match="pip install pandas"):
        failure_rate(laid(), Question.of()).to_pandas()
