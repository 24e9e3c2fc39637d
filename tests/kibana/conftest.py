"""A Kibana for each test: what stands in for one, and a real one where a variable names it."""

import os
import uuid
from contextlib import closing
from dataclasses import replace

import pytest

from elkmon.events.cluster_settings import Access, access
from elkmon.stores.elastic.connect import connect
from tests.support.kibana_places import Place
from tests.support.kibana_standin import StandIn

_REAL = os.environ.get("ELKMON_TEST_KIBANA_URL")
_CLUSTER = os.environ.get("ELKMON_TEST_ES_URL")
_REAL_ACCESS = access() if _REAL else Access()
"""As it was before any test hid the machine's own settings."""


@pytest.fixture
def standin():
    """What stands in for Kibana."""
    with StandIn() as one:
        yield one


@pytest.fixture(params=["standin", pytest.param("real", marks=pytest.mark.kibana)])
def place(request, standin):
    """A place on either; on a real Kibana the test's space is deleted after it."""
    name = f"t{uuid.uuid4().hex[:10]}"
    if request.param == "standin":
        yield Place(standin.url, Access(), name, name)
        return
    made = Place(_REAL, replace(_REAL_ACCESS, prefix=name), name, name)
    yield made
    with made.kibana("default") as kibana:
        for space in (name, f"{name}-2"):
            if kibana.get(f"/api/spaces/space/{space}", "look") is not None:
                kibana.ask("DELETE", f"/api/spaces/space/{space}", None, "clear up")
    if _CLUSTER:  # where alerts of rules that ran went to
        with closing(connect(_CLUSTER, made.access)) as client:
            client.indices.delete(index=f"{name}-alerts", ignore_unavailable=True)


@pytest.fixture
def objects(place):
    """Two saved objects, as the default space would have them: a data view, and a dashboard."""
    prefix = place.prefix
    view = {
        "type": "index-pattern",
        "id": f"{prefix}-predictions",
        "attributes": {"title": f"{prefix}-prediction-*", "timeFieldName": "@timestamp"},
        "references": [],
    }
    board = {
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
    return [view, board]
