"""The confusion matrix: scikit-learn's, also weighted, as rows."""

import numpy as np
from sklearn.metrics import confusion_matrix

from elkmon.query.question import Question
from elkmon.questions.confusion.figures import confusion


def row(truth, predicted, n=1, weight=1.0, model="m"):
    """Lay out n labelled predictions: group, task, said, then counts, Σw, Σw², labelled."""
    outcome = None if truth is None else "correct" if truth == predicted else "wrong"
    counts = (n, n * weight, n * weight**2, n, n * weight)
    return (model, "multiclass", "success", None, predicted, truth, outcome, *counts)


def test_it_is_the_matrix_of_scikit_learn(laid):
    random = np.random.default_rng(6)
    truth, predicted = (
        random.integers(0, 4, 200).astype(str),
        random.integers(0, 4, 200).astype(str),
    )
    weights = random.choice([1.0, 4.0], 200)
    store = laid(
        *(row(*cell) for cell in zip(truth, predicted, np.ones(200, int), weights, strict=True))
    )

    cells = confusion(store, Question.of()).rows

    counts = np.zeros((4, 4))
    shares = np.zeros((4, 4))
    for cell in cells:
        counts[int(cell.truth), int(cell.predicted)] = cell.share.k
        shares[int(cell.truth), int(cell.predicted)] = cell.share.value
    assert (counts == confusion_matrix(truth, predicted)).all()
    expected = confusion_matrix(truth, predicted, sample_weight=weights, normalize="true")
    np.testing.assert_allclose(shares, expected, rtol=1e-9)


def test_rows_are_sorted_as_people_count_and_empty_cells_are_left_out(laid):
    store = laid(row("10", "2"), row("2", "2", n=3), row("10", "10"))

    result = [(cell.truth, cell.predicted) for cell in confusion(store, Question.of()).rows]

    assert result == [("2", "2"), ("10", "2"), ("10", "10")]


def test_labelled_predictions_without_a_class_are_counted_and_named(laid):
    store = laid(row("a", "a", n=4), row("a", None, n=2))

    result = confusion(store, Question.of())

    assert len(result.rows) == 1
    assert result.notes == (
        "m: 2 of 6 labelled predictions lack the true or the predicted class and are left out",
    )


def test_a_regression_has_no_cells_and_no_note(laid):
    result = confusion(laid(row(None, None, n=5)), Question.of())

    assert (result.rows, result.notes) == ((), ())


def test_as_a_frame_each_cell_is_a_row(laid):
    frame = confusion(laid(row("a", "b", n=3), row("a", "a")), Question.of()).to_pandas()

    assert frame.loc[1, ["truth", "predicted", "share", "share_k"]].to_list() == ["a", "b", 0.75, 3]
