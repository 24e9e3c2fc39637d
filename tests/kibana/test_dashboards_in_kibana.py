"""The dashboards on a real stack: no panel fails, and figures equal the command line's."""

import os
from contextlib import closing
from datetime import datetime, timedelta, timezone

import pytest
from elasticsearch import helpers

from elkmon.cluster import setup
from elkmon.kibana.provisioning import apply, plan
from elkmon.kibana.saved_objects import saved_objects
from elkmon.monitor import Monitor
from elkmon.stores.elastic.connect import connect
from tests.support.kibana_dashboards import DASHBOARDS, DashboardBrowser

pytestmark = [pytest.mark.kibana, pytest.mark.stack, pytest.mark.browser]

_CLUSTER = os.environ.get("ELKMON_TEST_ES_URL")


def event(kind, number, ml, **more):
    """Return an event of the last hours."""
    moment = datetime.now(timezone.utc) - timedelta(minutes=number)
    return {
        "@timestamp": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "event": {"dataset": f"elkmon.{kind}", "id": f"{kind}-{number}", **more.pop("event", {})},
        "service": {"node": {"name": "one"}},
        "ml": {"model": {"name": "fraud", "version": "1"}, **ml},
        **more,
    }


def events():
    """Yield 300 predictions sampled at 1 of 2, some failed, some labelled; and an error."""
    for number in range(300):
        failed = number % 20 == 0
        positive, right = number % 3 == 0, number % 7 != 0
        label, other = ("fraud", "legit") if positive else ("legit", "fraud")
        ml = {"task": "binary", "sample": {"rate": 0.5, "weight": 1.0 if failed else 2.0}}
        if not failed:
            ml["prediction"] = {"label": label, "positive": "fraud", "score": number / 300}
        if not failed and number % 4:
            ml["truth"] = {
                "label": label if right else other,
                "observed_at": "2026-01-01T00:00:00Z",
            }
            ml["eval"] = {"outcome": "correct" if right else "wrong"}
        outcome = "failure" if failed else "success"
        yield event("prediction", number, ml, event={"outcome": outcome, "duration": 10**6})
    yield event("error", 1, {}, error={"type": "ValueError", "fingerprint": "f1"})
    yield event("deployment", 200, {}, event={"action": "deployed"})


@pytest.fixture
def client(target):
    """A client of the real stack with templates and dashboards; all is removed afterwards."""
    prefix = target.prefix
    with closing(connect(_CLUSTER, target.access)) as client:
        setup.apply(client, setup.plan(client, prefix, replicas=0))
        with target.kibana() as kibana:
            objects = saved_objects(prefix)
            apply(kibana, plan(kibana, "8.12.2", prefix, objects, overwrite=False), lambda *_: None)
        yield client
        names = list(client.indices.get(index=f"{prefix}-*", expand_wildcards="all"))
        if names:
            client.indices.delete(index=names)
        setup.uninstall(client, prefix, dry_run=False)


@pytest.fixture
def stack(target, client):
    """The same stack with events."""
    month = f"{datetime.now(timezone.utc):%Y.%m}.01"
    helpers.bulk(
        client,
        [
            {
                "_op_type": "create",
                "_index": f"{target.prefix}-{item['event']['dataset'][7:]}-{month}",
                "_id": item["event"]["id"],
                **item,
            }
            for item in events()
        ],
        refresh=True,
    )
    return target


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("target", ["real"], indirect=True)
def test_no_panel_has_an_error_before_there_is_an_event(target):
    with closing(
        DashboardBrowser(target.url, target.access, target.prefix, target.space)
    ) as browser:
        errors = {name: browser.open(name)["errors"] for name in DASHBOARDS}

    assert errors == {name: [] for name in DASHBOARDS}


@pytest.mark.parametrize("target", ["real"], indirect=True)
def test_every_panel_is_drawn_and_shows_the_figures_of_the_command_line(stack, monkeypatch):
    access = stack.access
    settings = {
        "USERNAME": access.username,
        "PASSWORD": access.password,
        "API_KEY": access.api_key,
    }
    for name, value in {**settings, "INDEX_PREFIX": access.prefix}.items():
        if value:
            monkeypatch.setenv(f"ELKMON_{name}", value)

    with closing(DashboardBrowser(stack.url, access, access.prefix, stack.space)) as browser:
        dashboards = {name: browser.open(name) for name in DASHBOARDS}

    assert {name: content["errors"] for name, content in dashboards.items()} == {
        name: [] for name in DASHBOARDS
    }
    with Monitor(_CLUSTER) as monitor:
        (failures,) = monitor.failure_rate(since="7d").rows
        (errors,) = monitor.error_rate(since="7d").rows
        (quality,) = monitor.quality(since="7d").rows
    percent = {
        "Failurerate": failures.failure_rate.value,
        "Errorrate": errors.error_rate.value,
        "Coverage": errors.coverage.value,
    }
    numbers = dashboards["overview"]["numbers"]
    assert {name: numbers[name] for name in percent} == {
        name: f"{100 * value:.1f}%" for name, value in percent.items()
    }
    metrics = {"Accuracy": "accuracy", "Precision": "precision", "Recall": "recall", "F1": "f1"}
    numbers = dashboards["quality"]["numbers"]
    assert {title: numbers[title] for title in metrics} == {
        title: f"{quality.figures[name].value:.3f}" for title, name in metrics.items()
    }
    assert [content["panels"] for content in dashboards.values()] == [13, 19, 15, 13, 17]
