"""The dashboards on a real stack: no panel with an error, and the figures of the command line."""

import base64
import os
import shutil
import time
from contextlib import closing
from datetime import datetime, timedelta, timezone

import orjson
import pytest
from browser import Browser
from elasticsearch import helpers

from elkmon.monitor import Monitor
from elkmon.provision import setup
from elkmon.provision.kibana.objects import saved_objects
from elkmon.provision.kibana.provisioning import apply, plan
from elkmon.store.elastic.connect import connect

pytestmark = [pytest.mark.kibana, pytest.mark.stack, pytest.mark.browser]

_CLUSTER = os.environ.get("ELKMON_TEST_ES_URL")
BOARDS = ("overview", "quality", "errors", "data", "service")
PATIENCE = 300
"""Seconds until a dashboard that is not drawn is taken to hang."""
LOOK = """JSON.stringify((() => {
  const all = which => [...document.querySelectorAll(which)];
  const parts = all('[data-shared-item]');
  const title = e => e.querySelector('[data-test-subj^="embeddablePanelHeading-"]');
  return {
    panels: all('.react-grid-item, [data-grid-row] .kbnGridPanel').length,
    parts: parts.length,
    drawn: parts.filter(e => e.dataset.renderComplete === 'true').length,
    errors: all('[data-test-subj="embeddableError"], [data-test-subj*="lens-failure"]')
      .map(e => e.innerText),
    numbers: Object.fromEntries(all('[data-test-subj="embeddablePanel"]')
      .filter(e => title(e) && e.querySelector('.echMetricText__value'))
      .map(e => [title(e).dataset.testSubj.split('-')[1],
                 e.querySelector('.echMetricText__value').innerText])),
  };
})())"""


def event(kind, number, ml, **more):
    """Give an event of the last hours."""
    moment = datetime.now(timezone.utc) - timedelta(minutes=number)
    return {
        "@timestamp": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "event": {"dataset": f"elkmon.{kind}", "id": f"{kind}-{number}", **more.pop("event", {})},
        "service": {"node": {"name": "one"}},
        "ml": {"model": {"name": "fraud", "version": "1"}, **ml},
        **more,
    }


def events():
    """Give 300 predictions that are sampled at 1 of 2, some failed, some judged; and an error."""
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
def stack(place):
    """The real stack with these events, and the dashboards; all goes afterwards."""
    prefix = place.prefix
    with closing(connect(_CLUSTER, place.access)) as client:
        setup.apply(client, setup.plan(client, prefix, replicas=0))
        month = f"{datetime.now(timezone.utc):%Y.%m}.01"
        helpers.bulk(
            client,
            [
                {
                    "_op_type": "create",
                    "_index": f"{prefix}-{each['event']['dataset'][7:]}-{month}",
                    "_id": each["event"]["id"],
                    **each,
                }
                for each in events()
            ],
            refresh=True,
        )
        with place.kibana() as kibana:
            objects = saved_objects(prefix)
            apply(kibana, plan(kibana, "8.12.2", prefix, objects, overwrite=False), lambda *_: None)
        yield place
        names = list(client.indices.get(index=f"{prefix}-*", expand_wildcards="all"))
        if names:
            client.indices.delete(index=names)
        setup.take_out(client, prefix, dry_run=False)


class Kibana:
    """A browser that shows dashboards of a place."""

    def __init__(self, place):
        self._browser = Browser(shutil.which("chromium"))
        self._place = place
        target = self._browser.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._browser.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self._call("Network.enable")
        access = place.access
        if access.api_key:
            said = f"ApiKey {access.api_key}"
        else:
            said = f"{access.username}:{access.password}".encode()
            said = f"Basic {base64.b64encode(said).decode()}"
        self._call("Network.setExtraHTTPHeaders", headers={"Authorization": said})
        size = {"width": 1700, "height": 3600, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", **size)

    def close(self):
        self._browser.close()

    def shown(self, board):
        """Open a dashboard, wait until it is drawn, and say what is on it."""
        place = self._place
        path = f"/s/{place.space}/app/dashboards#/view/{place.prefix}-dashboard-{board}"
        self._call("Page.navigate", url="about:blank")  # or the one before is still there
        self._call("Page.navigate", url=f"{place.url}{path}-{place.space}")
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            told = self._call("Runtime.evaluate", expression=LOOK, returnByValue=True)["result"]
            found = orjson.loads(told.get("value") or "{}")
            if found.get("parts") and found["drawn"] == found["parts"] == found["panels"]:
                return found
            time.sleep(0.5)
        pytest.fail(f"{board} is not drawn: {found}")

    def _call(self, method, **parameters):
        return self._browser.call(method, self._session, **parameters)


@pytest.mark.parametrize("place", ["real"], indirect=True)
def test_every_panel_is_drawn_and_says_what_the_command_line_says(stack, monkeypatch):
    access = stack.access
    told = {"USERNAME": access.username, "PASSWORD": access.password, "API_KEY": access.api_key}
    for name, value in {**told, "INDEX_PREFIX": access.prefix}.items():
        if value:
            monkeypatch.setenv(f"ELKMON_{name}", value)

    with closing(Kibana(stack)) as kibana:
        found = {board: kibana.shown(board) for board in BOARDS}

    assert {board: each["errors"] for board, each in found.items()} == {
        board: [] for board in BOARDS
    }
    with Monitor(_CLUSTER) as monitor:
        (failures,) = monitor.failure_rate(since="7d").rows
        (errors,) = monitor.error_rate(since="7d").rows
        (quality,) = monitor.quality(since="7d").rows
    percent = {
        "Failurerate": failures.failure_rate.value,
        "Errorrate": errors.error_rate.value,
        "Labelled": errors.coverage.value,
    }
    numbers = found["overview"]["numbers"]
    assert {name: numbers[name] for name in percent} == {
        name: f"{100 * value:.1f}%" for name, value in percent.items()
    }
    wanted = {"Accuracy": "accuracy", "Precision": "precision", "Recall": "recall", "F1": "f1"}
    numbers = found["quality"]["numbers"]
    assert {title: numbers[title] for title in wanted} == {
        title: f"{quality.figures[name].value:.3f}" for title, name in wanted.items()
    }
    assert [each["panels"] for each in found.values()] == [13, 19, 15, 13, 17]
