"""Business and host figures: by name and unit, over time, and as one."""

from datetime import datetime, timedelta, timezone

import pytest

from elkmon import QueryError
from elkmon.query.question import Question
from elkmon.questions.business_metrics.figures import metrics, sum_steps
from elkmon.stores.protocol import Condition

LOGGED = ("basket", "cpu", "x")
"""Names of no reading of a host: these alone are asked for."""
NOON = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)


def test_each_name_and_unit_is_a_row(laid):
    store = laid(
        ("cpu", "%", None, 4, 4, 4.0, 200.0, 20.0, 80.0),
        ("basket", "eur", "m", 3, 2, 2.0, 30.0, 5.0, 25.0),
    )

    basket, cpu = metrics(store, Question.of(), LOGGED).rows

    assert (basket.name, basket.unit, basket.by) == ("basket", "eur", {"model": "m"})
    assert (basket.count, basket.absent, basket.mean) == (2, 1, 15.0)
    assert (cpu.mean, cpu.min, cpu.max, cpu.by) == (50.0, 20.0, 80.0, {"model": None})


def test_a_figure_without_any_value_has_no_mean(laid):
    (row,) = metrics(
        laid(("x", None, "m", 2, 0, 0.0, None, None, None)), Question.of(), LOGGED
    ).rows

    assert (row.count, row.absent, row.mean, row.min, row.max) == (0, 2, None, None, None)


def test_steps_are_put_together_to_one(laid):
    later = NOON + timedelta(hours=1)
    store = laid(
        ("x", "s", "m", NOON, 1, 1, 1.0, 4.0, 4.0, 4.0),
        ("x", "s", "m", later, 4, 3, 3.0, 24.0, 2.0, 20.0),
    )

    stepped = metrics(store, Question.of(every="1h"), LOGGED).rows
    (row,) = sum_steps(stepped)

    assert [metric.time for metric in stepped] == [NOON, later]
    assert (row.time, row.count, row.absent, row.mean) == (None, 4, 1, 7.0)
    assert (row.min, row.max) == (2.0, 20.0)


def test_steps_without_values_do_not_spoil_the_whole(laid):
    later = NOON + timedelta(hours=1)
    store = laid(
        ("x", "s", "m", NOON, 1, 0, 0.0, None, None, None),
        ("x", "s", "m", later, 1, 0, 0.0, None, None, None),
    )

    (row,) = sum_steps(metrics(store, Question.of(every="1h"), LOGGED).rows)

    assert (row.count, row.absent, row.mean, row.min) == (0, 2, None, None)


def test_readings_of_a_host_are_asked_for_at_once_each_as_a_figure(laid):
    store = laid(("m", "host-1", 3, 6.0, 1.0, 3.0, 0, None, None, None))
    names = ("system.load.1", "system.memory.total")

    (row,) = metrics(store, Question.of(by="host", model="m"), names).rows

    (request,) = store.asked
    assert request["where"].conditions[-1] == Condition("metric.name", "missing")
    assert (row.name, row.unit, row.by) == ("system.load.1", None, {"model": "m", "host": "host-1"})
    assert (row.count, row.absent, row.mean, row.min, row.max) == (3, 0, 2.0, 1.0, 3.0)


def test_names_are_conditions(laid):
    store = laid()

    metrics(store, Question.of(model="m"), ("a", "b"))

    (request,) = store.asked
    assert request["dataset"] == "elkmon.metric"
    assert request["where"].conditions[-1] == Condition("metric.name", "=", ("a", "b"))


@pytest.mark.parametrize("arguments", [{"where": ["segment.site=x"]}, {"by": ["label"]}])
def test_what_metrics_never_have_is_refused(laid, arguments):
    with pytest.raises(QueryError, match="metrics have no ml"):
        metrics(laid(), Question.of(**arguments))
