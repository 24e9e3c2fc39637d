"""Σw·x²: what the variance of a mean is made of."""

import numpy as np
import pytest

import elkmon
from elkmon.events.errors import QueryError
from elkmon.stores.local.store import LocalStore
from elkmon.stores.protocol import FieldValue, Filter, Measure


@pytest.fixture
def store(tmp_path):
    """Give 20 values without a weight, and 20 that each stand for 4, half of them labelled."""
    elkmon.configure(spool=tmp_path / "store")
    whole = elkmon.get_logger("price", "1", task="regression")
    sampled = elkmon.get_logger("sampled", "1", task="regression", sample_rate=0.25)
    for number in range(80):
        for log in (whole, sampled):
            log.prediction(value=number + 0.5, id=str(number))
            if number % 2:
                log.label(str(number), value=number)
    elkmon.reset()
    opened = LocalStore(tmp_path / "store")
    yield opened
    opened.close()


def by_model(store, *measures):
    table = store.aggregate(
        "elkmon.prediction", by=[FieldValue("ml.model.name")], measures=measures, where=Filter()
    )
    return {row[0]: row[1:] for row in table.rows}


def test_squares_are_summed_with_their_weight(store):
    field = "ml.prediction.value"

    found = by_model(store, Measure("sum2", field), Measure("weight", field), Measure("sum", field))

    assert found["price"][0] == pytest.approx(np.sum((np.arange(80) + 0.5) ** 2), rel=1e-12)
    (squares, weight, total) = found["sampled"]
    assert weight % 4 == 0
    assert squares / weight > (total / weight) ** 2


def test_values_that_are_absent_do_not_count(store):
    (squares,) = by_model(store, Measure("sum2", "ml.truth.value"))["price"]

    assert squares == pytest.approx(np.sum(np.arange(1, 80, 2) ** 2), rel=1e-12)


def test_of_nothing_there_is_no_sum(store):
    assert by_model(store, Measure("sum2", "ml.truth.rating"))["price"] == (None,)


@pytest.mark.parametrize(
    ("measure", "said"),
    [(Measure("sum2"), "needs a field"), (Measure("sum2", "ml.truth.label"), "holds no numbers")],
)
def test_what_has_no_squares_is_refused(store, measure, said):
    with pytest.raises(QueryError, match=said):
        by_model(store, measure)
