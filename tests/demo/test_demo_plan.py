"""The week that is drawn: what happens in it, to whom, and from when."""

from collections import Counter
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from elkmon.demo.data import FEATURES
from elkmon.demo.plan import make_plan
from elkmon.demo.story import DIGITS, TRIAGE, UNIT_SITE, V1, V2

END = datetime(2026, 11, 24, 9, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def plan():
    return make_plan(20_000, 1, END)


def test_the_same_seed_and_end_give_the_same_week(plan):
    again = make_plan(20_000, 1, END)

    assert [request.id for request in again.requests] == [request.id for request in plan.requests]
    assert [request.labels for request in again.requests] == [
        request.labels for request in plan.requests
    ]
    assert all(
        np.array_equal(first.row, second.row)
        for first, second in zip(plan.requests, again.requests, strict=True)
    )


def test_another_seed_gives_another_week(plan):
    other = make_plan(20_000, 2, END)

    assert [request.at for request in other.requests] != [request.at for request in plan.requests]


def test_every_request_lies_within_the_week_in_the_order_of_time(plan):
    times = [request.at for request in plan.requests]

    assert len(times) == 20_000
    assert END - timedelta(days=7) <= times[0]
    assert times[-1] < END
    assert times == sorted(times)
    assert len({request.id for request in plan.requests}) == 20_000


def test_held_out_rows_were_not_learnt_from(plan):
    learnt = {row.tobytes() for row in plan.tumours.train}

    assert not any(row.tobytes() in learnt for row in plan.tumours.held_out)


def test_version_2_takes_over_midweek(plan):
    triage = [request for request in plan.requests if request.model == TRIAGE]

    assert {request.version for request in triage if request.at < plan.v2_from} == {V1}
    assert {request.version for request in triage if request.at >= plan.v2_from} == {V2}


def test_the_wrong_unit_hits_one_site_from_its_hour_on_and_nobody_else(plan):
    hit = {request.id for request in plan.requests if request.wrong_unit}

    assert hit == {
        request.id
        for request in plan.requests
        if request.model == TRIAGE
        and request.segment["site"] == UNIT_SITE
        and request.at >= plan.unit_from
    }
    perimeter = FEATURES.index("perimeter")
    triage = [request for request in plan.requests if request.model == TRIAGE]
    smallest = min(request.row[perimeter] for request in triage if not request.wrong_unit)
    assert max(request.row[perimeter] for request in triage if request.wrong_unit) < smallest


def test_labels_come_late_before_the_end_and_the_last_one_is_right(plan):
    for request in plan.requests:
        for label in request.labels:
            assert request.at <= label.at < END
        assert len(request.labels) < 2 or request.labels[0].label != request.truth
        if len(request.labels) == 2:
            assert request.labels[-1].label == request.truth
            assert request.labels[0].at < request.labels[1].at


def test_some_labels_never_come_some_are_pending_and_some_are_corrected(plan):
    never = sum(not request.labels and not request.pending for request in plan.requests)
    corrected = sum(len(request.labels) == 2 for request in plan.requests)

    assert 0.13 < never / 20_000 < 0.17
    assert 0.02 < corrected / 20_000 < 0.05
    pending = [request for request in plan.requests if request.pending]
    assert pending
    assert not any(request.labels for request in pending)


def test_both_models_have_sites_and_channels_of_their_own(plan):
    sites = Counter((request.model, request.segment["site"]) for request in plan.requests)

    assert {model for model, _ in sites} == {TRIAGE, DIGITS}
    assert min(sites.values()) > 1000
    assert all(set(request.segment) == {"site", "channel"} for request in plan.requests)
