"""What was injected is found and named first; where nothing was, nothing is."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta

import pytest
from scipy.stats import binom

import elkmon
from elkmon import Monitor
from elkmon.demo import make_plan
from elkmon.demo.story import DIGITS, TRIAGE, UNIT_SITE, V1, V2
from elkmon.query.question import Question
from elkmon.questions.compare.error_increases import LEVEL
from elkmon.report import build_report
from elkmon.stores.registry import open_store
from tests.support.demo_weeks import END, WEEK, serve_week, shared_folder

SEEDS = 20
RATE = 0.05
"""The largest share of weeks without a change in which a page may raise an alarm."""


@pytest.fixture(autouse=True)
def _own_settings() -> Iterator[None]:
    yield
    elkmon.reset()


@pytest.fixture(scope="session")
def quiet_weeks(tmp_path_factory, testrun_uid):
    """Serve a week without faults for each seed."""

    def make(folder):
        for seed in range(SEEDS):
            serve_week(folder / f"{seed}", make_plan(1_500, seed, END, faults=False))

    folder = shared_folder(tmp_path_factory, testrun_uid, "quiet-weeks", make)
    return [folder / f"{seed}" for seed in range(SEEDS)]


def test_each_fault_is_among_the_first_issues_and_nothing_else_is_blamed(story):
    with Monitor(story.store) as monitor:
        rows = monitor.issues(**WEEK).rows

    assert [(row.title, row.state) for row in rows if row.state == "new"] == [
        (f"malignant predicted as benign, site={UNIT_SITE}", "new"),
        ("ValueError", "new"),
    ]
    assert all(row.versions == (V2,) for row in rows[:2])
    # the old failure, a measurement that was not sent, is in both versions
    assert [(row.title.split(".")[-1], row.state) for row in rows[2:]] == [
        ("IncompleteReadingError", "ongoing")
    ]


def test_the_onset_of_the_wrong_unit_is_found(story):
    with Monitor(story.store) as monitor:
        wrong = monitor.issues(**WEEK).rows[0]
        since = monitor.issue(wrong.id, **WEEK).rising_since

    begun = datetime.fromisoformat(story.truth["injected"]["unit_error"]["from"])
    assert abs(since - begun) <= timedelta(hours=6)


def test_the_new_version_is_found_to_fail_more_often_and_to_be_worse_at_the_site(story):
    with Monitor(story.store) as monitor:
        (row,) = [row for row in monitor.compare(V1, V2, **WEEK).rows if row.model == TRIAGE]

    assert row.failure_rate.verdict == "worse"
    assert row.worse[0].name == f"site={UNIT_SITE}"
    others = {"site=lyon", "site=oslo", "site=graz"}
    assert others.isdisjoint(slice_.name for slice_ in row.worse)


def test_without_faults_there_are_no_alarms_but_at_the_stated_rate(quiet_weeks):
    issues, verdicts, slices = 0, [], 0
    half = {"since": END - timedelta(days=3), "until": END, "model": DIGITS}

    for store in quiet_weeks:
        with Monitor(store) as monitor:
            rows = [*monitor.issues(**WEEK).rows, *monitor.issues(**half).rows]
            compared = [*monitor.compare(**WEEK).rows, *monitor.compare(**half).rows]
        issues += any(row.kind == "wrong" or row.state == "new" for row in rows)
        verdicts += [
            rate.verdict for row in compared for rate in (row.failure_rate, row.error_rate)
        ]
        slices += sum(bool(row.worse) for row in compared)

    # each list has a family of its own, each comparison two rates and a family of slices
    assert issues <= binom.ppf(0.99, 2 * SEEDS, LEVEL)
    assert len(verdicts) == 4 * SEEDS
    changed = sum(verdict in {"worse", "better"} for verdict in verdicts)
    assert changed <= binom.ppf(0.99, 4 * SEEDS, 0.05)
    assert slices <= binom.ppf(0.99, 2 * SEEDS, 0.05)


def test_without_faults_the_report_raises_no_alarm_but_at_the_stated_rate(quiet_weeks):
    alarms = {}

    for store in quiet_weeks:
        with closing(open_store(store)) as source:
            report = build_report(source, Question.of(**WEEK), store)
        alarms[store.name] = [
            alarm.title for section in report.sections for alarm in section.alarms
        ]
        calm = "No sign that anything got worse." in report.html
        assert calm == (not alarms[store.name])

    raised = {seed: titles for seed, titles in alarms.items() if titles}
    assert len(raised) <= binom.ppf(0.99, SEEDS, RATE), raised


def test_without_faults_version_2_answers_as_version_1():
    plan = make_plan(400, 1, END, faults=False)
    faulty = make_plan(400, 1, END)

    assert not any(request.wrong_unit for request in plan.requests)
    assert any(request.wrong_unit for request in faulty.requests)
    assert [request.id for request in plan.requests] == [request.id for request in faulty.requests]
    assert {request.version for request in plan.requests if request.model == TRIAGE} == {V1, V2}
