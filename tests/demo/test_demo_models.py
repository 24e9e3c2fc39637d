"""The models: version 2 is better, and fails where a logarithm does not exist."""

from datetime import datetime, timezone

import numpy as np
import pytest

from elkmon.demo.data import CONCAVITY, FEATURES, digits, tumours
from elkmon.demo.models import DigitReader, IncompleteReadingError, TriageV1, TriageV2
from elkmon.demo.plan import make_plan
from elkmon.demo.story import TRIAGE, UNIT_FACTOR, UNIT_FEATURE, V2

END = datetime(2026, 11, 24, 9, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def split():
    return tumours(1)


def measured(row):
    return dict(zip(FEATURES, row.tolist(), strict=True))


def error_rate(model, rows, classes):
    answers = [model.answer(measured(row))[0] for row in rows]
    return np.mean([answer != truth for answer, truth in zip(answers, classes, strict=True)])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_version_2_is_wrong_less_often_on_rows_nobody_learnt_from(seed):
    split = tumours(seed)
    usable = split.held_out[:, CONCAVITY] > 0
    rows, classes = split.held_out[usable], split.held_out_class[usable]

    before = error_rate(TriageV1(split), rows, classes)
    after = error_rate(TriageV2(split), rows, classes)

    assert 0.0 < after < before < 0.2


def test_version_2_fails_on_a_sample_without_concavity_and_version_1_does_not(split):
    sample = measured(split.held_out[split.held_out[:, CONCAVITY] == 0][0])

    assert TriageV1(split).answer(sample)[0] == "benign"
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - its words differ between Pythons
        TriageV2(split).answer(sample)
    assert "_logarithms" in {entry.name for entry in caught.traceback}


@pytest.mark.parametrize("version", [TriageV1, TriageV2])
def test_a_missing_measurement_is_named(split, version):
    sample = {**measured(split.held_out[0]), "texture": None}

    with pytest.raises(IncompleteReadingError, match="no texture"):
        version(split).answer(sample)


def test_the_wrong_unit_makes_version_2_wrong_several_times_as_often(split):
    usable = split.held_out[:, CONCAVITY] > 0
    rows, classes = split.held_out[usable], split.held_out_class[usable]
    hit = rows.copy()
    hit[:, FEATURES.index(UNIT_FEATURE)] *= UNIT_FACTOR
    model = TriageV2(split)

    assert error_rate(model, hit, classes) > 3 * error_rate(model, rows, classes)


def test_the_score_is_the_probability_of_malignant(split):
    model = TriageV2(split)

    answers = [model.answer(measured(row)) for row in split.train[:50] if row[CONCAVITY] > 0]

    assert {label for label, _ in answers} == {"malignant", "benign"}
    assert all((score >= 0.5) == (label == "malignant") for label, score in answers)


def test_the_digit_reader_gives_probabilities_of_ten_classes_and_makes_mistakes():
    split = digits(1)
    reader = DigitReader(split)

    probabilities = reader.probabilities(split.held_out)

    assert reader.classes == [str(number) for number in range(10)]
    assert np.allclose(probabilities.sum(axis=1), 1.0)
    answers = np.array(reader.classes)[probabilities.argmax(axis=1)]
    assert 0.01 < (answers != split.held_out_class).mean() < 0.2


@pytest.mark.parametrize("seed", range(1, 4))
def test_every_week_has_samples_that_version_2_fails_on(seed):
    plan = make_plan(6_000, seed, END)

    triage = [request for request in plan.requests if request.model == TRIAGE]
    zero = [request for request in triage if request.version == V2 and request.row[CONCAVITY] == 0]
    assert len(zero) > 10
