"""The demo's week in a folder and on a cluster: every question of the client, the same answer."""

from contextlib import closing
from dataclasses import fields, replace
from datetime import datetime, timedelta, timezone

import pytest

from elkmon.demo import DemoOptions, run_demo
from elkmon.emit.emitter import Emitter
from elkmon.emit.encode.scalars import milliseconds
from elkmon.emit.to_json import Notes
from elkmon.events.cluster_settings import Access
from elkmon.events.settings import Settings
from elkmon.host.readings import Readings
from elkmon.host.record import _nested
from elkmon.monitor import Monitor
from elkmon.questions.registry import built_in
from elkmon.stores.elastic.store import ElasticStore
from elkmon.stores.local.store import LocalStore
from elkmon.stores.protocol import Catalog
from tests.support.cluster_loading import prepared, send
from tests.support.nearly_equal import assert_near

END = datetime(2026, 11, 24, 9, tzinfo=timezone.utc)
WEEK = {"since": "2026-11-16", "until": "2026-11-25"}
HALF = {"since": "2026-11-20T06:00:00Z", "until": "2026-11-23T18:30:00Z"}
SITE = {"segment.site": ["lab", "plant"]}
KNOWN_TO_A_FOLDER_ONLY = {"notes"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small week, served once by the demo's own processes, and a host's readings in it."""
    made = tmp_path_factory.mktemp("demo") / "store"
    run_demo(DemoOptions(made, END, requests=1_500, seed=3, workers=2))
    emitter = Emitter(Settings(spool=made, service="host"))
    readings = Readings()
    for hour in range(3):
        for each in readings.take():
            at = milliseconds(END - timedelta(hours=9 * hour))
            emitter.submit("elkmon.metric", _nested(each), Notes(), at=at)
    emitter.close()
    return made


@pytest.fixture(scope="module")
def both(folder, server):
    """The same events in both stores: shipped and joined, in indices of several shards."""
    with prepared(server, shards=3) as (client, prefix):
        send(folder, server, client, prefix)
        local, elastic = LocalStore(folder), ElasticStore(server.url, Access(prefix=prefix))
        with closing(local), closing(elastic):
            yield local, elastic


QUESTIONS = {
    "failure rate": lambda m: m.failure_rate(**WEEK, by=["version"]),
    "failure rate over time": lambda m: m.failure_rate(**HALF, every="6h"),
    "error rate": lambda m: m.error_rate(**WEEK, by=["version", "segment.site"]),
    "error rate over time": lambda m: m.error_rate(**WEEK, every="1h", by="version"),
    "error rate by week": lambda m: m.error_rate(**WEEK, every="1w"),
    "error rate of some": lambda m: m.error_rate(**WEEK, where=["version!=2.0.0", "task=binary"]),
    "quality": lambda m: m.quality(**WEEK, by="version"),
    "quality over time": lambda m: m.quality(**WEEK, every="1d"),
    "confusion": lambda m: m.confusion(**WEEK),
    "calibration": lambda m: m.calibration(**WEEK),
    "latency": lambda m: m.latency(**WEEK, by="version", every="1d"),
    "coverage": lambda m: m.coverage(**WEEK),
    "exceptions": lambda m: m.exceptions(**WEEK),
    "issues": lambda m: m.issues(**WEEK, states=("new", "ongoing", "regressed", "resolved")),
    "compare": lambda m: m.compare(**WEEK),
    "compare spans": lambda m: m.compare("2026-11-17..2026-11-20", "2026-11-20..2026-11-24"),
    "metrics": lambda m: m.metrics(**WEEK, every="1d"),
    "metrics of file systems": lambda m: m.metrics(**WEEK, by="system.filesystem.mount_point"),
}


def test_every_question_is_asked_of_both():
    methods = {record.method for record in built_in()}

    assert methods - {"issue"} <= {name.replace(" ", "_") for name in QUESTIONS}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_has_one_answer(both, name):
    expected, found = (QUESTIONS[name](Monitor(store)) for store in both)

    assert_near(found.to_dicts(), expected.to_dicts())
    assert found.notes == expected.notes
    assert found.rows


def test_an_issue_is_the_same_in_full(both):
    local, elastic = map(Monitor, both)
    for row in local.issues(**WEEK).rows:
        assert_near(elastic.issue(row.id, **WEEK), local.issue(row.id, **WEEK))


@pytest.mark.parametrize("dataset", [None, "elkmon.prediction", "elkmon.label", "elkmon.error"])
@pytest.mark.parametrize("newest_first", [True, False])
def test_events_are_the_same_in_the_same_order(both, dataset, newest_first):
    expected, found = (
        list(Monitor(store).events(dataset, **WEEK, limit=2500, newest_first=newest_first))
        for store in both
    )
    for event in found:
        event.get("ml", {}).pop("join", None)  # which only a cluster needs

    assert found
    assert_near(found, expected)


def test_the_catalog_is_the_same(both):
    expected, found = (store.catalog() for store in both)
    for field in fields(Catalog):
        if field.name not in KNOWN_TO_A_FOLDER_ONLY:
            mine, theirs = getattr(found, field.name), getattr(expected, field.name)
            if field.name == "models":  # a folder looks whenever it is asked
                assert all(each.next_look for each in mine if each.orphans > each.given_up)
                mine = tuple(replace(each, next_look=None, given_up=0) for each in mine)
            assert mine == theirs, field.name
    assert "sent again" in " ".join(found.notes)
