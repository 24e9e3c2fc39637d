"""Provide a Kibana for each test: a fake one, and a real one where a variable names it."""

import os
import uuid
from contextlib import closing
from dataclasses import replace

import pytest

from elkmon.events.cluster_settings import Access, access
from elkmon.stores.elastic.connect import connect
from tests.support.fake_kibana import FakeKibana
from tests.support.kibana_target import KibanaTarget

_REAL = os.environ.get("ELKMON_TEST_KIBANA_URL")
_CLUSTER = os.environ.get("ELKMON_TEST_ES_URL")
_REAL_ACCESS = access() if _REAL else Access()
"""Read before any test hides the machine's own settings."""


@pytest.fixture
def fake_kibana():
    """A fake Kibana."""
    with FakeKibana() as server:
        yield server


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.kibana)])
def target(request, fake_kibana):
    """A target on either Kibana; on a real one the test's spaces are deleted afterwards."""
    name = f"t{uuid.uuid4().hex[:10]}"
    if request.param == "fake":
        yield KibanaTarget(fake_kibana.url, Access(), name, name)
        return
    real = KibanaTarget(_REAL, replace(_REAL_ACCESS, prefix=name), name, name)
    yield real
    with real.kibana("default") as kibana:
        for space in (name, f"{name}-2"):
            if kibana.get(f"/api/spaces/space/{space}", "look") is not None:
                kibana.request("DELETE", f"/api/spaces/space/{space}", None, "clear up")
    if _CLUSTER:  # rules that ran wrote their alerts there
        with closing(connect(_CLUSTER, real.access)) as client:
            client.indices.delete(index=f"{name}-alerts", ignore_unavailable=True)


@pytest.fixture
def objects(target):
    """Two saved objects for the default space: a data view and a dashboard."""
    prefix = target.prefix
    view = {
        "type": "index-pattern",
        "id": f"{prefix}-predictions",
        "attributes": {"title": f"{prefix}-prediction-*", "timeFieldName": "@timestamp"},
        "references": [],
    }
    dashboard = {
        "type": "dashboard",
        "id": f"{prefix}-overview",
        "attributes": {
            "title": "Overview",
            "description": f"See [errors](#/view/{prefix}-overview).",
            "panelsJSON": "[]",
            "optionsJSON": "{}",
            "kibanaSavedObjectMeta": {"searchSourceJSON": "{}"},
        },
        "references": [
            {"type": "index-pattern", "id": view["id"], "name": "kibanaSavedObjectMeta.index"}
        ],
    }
    return [view, dashboard]
