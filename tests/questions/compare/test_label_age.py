"""Equal label age: which labels count, of which predictions, and how many are still to change."""

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

import elkmon
from elkmon.query.question import Question
from elkmon.questions.compare.comparison_sides import current_side, side_before
from elkmon.questions.compare.figures import compare
from elkmon.questions.compare.label_age import HORIZONS, label_age
from elkmon.questions.issues.figures import issues
from elkmon.stores.local.store import LocalStore

START = datetime(2026, 11, 2, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)


@pytest.fixture
def week(tmp_path):
    """Serve one model: 14 days of predictions, every so many minutes, labelled as a test says."""
    stores = []

    def served(labels, *, days=14, minutes=10, version_of=lambda _at: "1"):
        folder = tmp_path / f"store-{len(stores)}"
        elkmon.configure(spool=folder)
        log = elkmon.get_logger("m", task="binary", positive="yes")
        times = [START + timedelta(minutes=minutes * n) for n in range(days * 1440 // minutes)]
        ids = [f"p{n}" for n in range(len(times))]
        for version in dict.fromkeys(map(version_of, times)):
            chosen = [n for n, at in enumerate(times) if version_of(at) == version]
            elkmon.get_logger("m", version, task="binary", positive="yes").predictions(
                id=[ids[n] for n in chosen], at=[times[n] for n in chosen], label="no"
            )
        rows = [(pid, *label) for pid, at in zip(ids, times, strict=True) for label in labels(at)]
        names, truths, times = map(list, zip(*rows, strict=True))
        log.labels(names, truths, observed_at=times)
        elkmon.reset()
        stores.append(LocalStore(folder))
        return stores[-1]

    yield served
    elkmon.reset()
    for store in stores:
        store.close()


END = START + timedelta(days=14)


def make_question(**more):
    return Question.of(since=END - timedelta(days=7), until=END, **more)


def matured(store):
    question = make_question()
    (model,) = store.catalog().models
    now = current_side(model, question)
    before = side_before(model, question, now)
    return label_age(store, model, question, before, now), before, now


def until(end, *labels):
    """Keep the labels that came before an end."""
    return [label for label in labels if label[1] < end]


def test_where_all_labels_take_a_day_the_horizon_is_a_little_more(week):
    store = week(lambda at: until(END, ("no", at + 20 * HOUR)))

    age, _, _ = matured(store)

    assert age.horizon == 24 * 3600
    assert END - 24 * HOUR - timedelta(minutes=11) < age.until <= END - 24 * HOUR


def test_labels_at_once_need_no_age_worth_the_name(week):
    store = week(lambda at: [("no", at)])

    age, _, _ = matured(store)

    assert age.horizon == HORIZONS[0]
    assert age.late == 0


def test_the_horizon_is_the_one_that_leaves_the_most(week):
    random = np.random.default_rng(2)
    store = week(lambda at: until(END, ("no", at + 9 * HOUR * float(random.lognormal(0, 0.9)))))

    age, before, now = matured(store)

    def left(horizon):
        total = 0
        for event in store.events(
            "elkmon.prediction", where=now.filter("m", make_question()), limit=10_000
        ):
            delay = event["ml"].get("eval", {}).get("first_delay")
            at = datetime.fromisoformat(event["@timestamp"].replace("Z", "+00:00"))
            total += delay is not None and delay < horizon <= (END - at).total_seconds()
        return total

    counts = {horizon: left(horizon) for horizon in HORIZONS}
    assert counts[age.horizon] >= 0.98 * max(counts.values())
    assert before.until == now.since


def test_labels_that_come_all_at_once_leave_no_equal_age(week):
    label_time = END - HOUR
    store = week(lambda at: [("yes" if at.minute == 0 else "no", label_time)])

    age, _, _ = matured(store)

    assert age.horizon is None
    assert age.words == "labels of any age"
    (row,) = compare(store, make_question()).rows
    assert row.horizon is None
    assert row.error_rate.verdict == "no evidence"


def test_what_is_still_to_be_corrected_is_told_by_the_baseline(week):
    """Each tenth label is wrong at first; a day later it is corrected."""

    def labels(at):
        first = at + HOUR / 2
        mistaken = at.minute == 30 and at.hour % 2 == 0
        labels = [("yes", first), ("no", first + 24 * HOUR)] if mistaken else [("no", first)]
        return until(END, *labels)

    store = week(labels)

    age, _, _ = matured(store)

    # of 7 days, those predictions that are between 1 hour and 24.5 hours old, a twelfth each
    assert age.horizon == 3600
    assert age.late_right == pytest.approx(23.5 / (7 * 24 - 1) / 12, rel=0.1)
    assert age.late_wrong == 0.0
    assert issues(store, make_question()).rows == ()
    assert compare(store, make_question()).rows[0].error_rate.verdict != "worse"


def test_no_label_that_says_right_or_wrong_leaves_nothing(week):
    store = week(lambda at: [(None, at)] if at.hour == 0 else [("no", at)], days=1)
    question = make_question()
    (model,) = store.catalog().models
    now = current_side(model, question)

    assert label_age(store, model, question, now, now) is None


def test_a_young_version_is_compared_at_its_own_age(week):
    """Wrong answers are told fast, right ones late: without equal age, what is young looks bad."""
    live = END - 30 * HOUR

    def labels(at):
        wrong = at.minute == 0
        return until(END, ("yes", at + HOUR / 2) if wrong else ("no", at + 20 * HOUR))

    store = week(labels, version_of=lambda at: "2" if at >= live else "1")
    question = make_question()

    (row,) = compare(store, question).rows
    shares = row.error_rate.baseline.value, row.error_rate.current.value

    assert (row.baseline.name, row.current.name) == ("1", "2")
    assert row.horizon == 24 * 3600
    assert shares[1] == pytest.approx(shares[0], abs=0.02)
    assert row.error_rate.verdict != "worse"
    assert issues(store, question).rows == ()


@pytest.mark.parametrize("seed", range(3))
def test_late_labels_that_are_often_corrected_raise_no_alarm(week, seed):
    random = np.random.default_rng(seed)

    def labels(at):
        right = "yes" if random.random() < 0.1 else "no"
        first = at + 9 * HOUR * float(random.lognormal(0, 0.9))
        mistaken = {"yes": "no", "no": "yes"}[right]
        corrected = [(mistaken, first), (right, first + HOUR * float(random.uniform(6, 48)))]
        labels = corrected if random.random() < 0.05 else [(right, first)]
        return until(END, *labels) if random.random() < 0.85 else []

    store = week(labels, minutes=4)

    assert issues(store, make_question()).rows == ()
    (row,) = compare(store, make_question()).rows
    assert row.error_rate.verdict in {"no evidence", "not enough"}
    assert 0 < row.late_right < 0.05
