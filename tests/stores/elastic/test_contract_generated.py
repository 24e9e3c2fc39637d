"""Whatever the events and whatever the question: a cluster answers as a folder does."""

import math
import uuid
from contextlib import closing
from dataclasses import replace

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from elkmon.events.cluster_settings import Access
from elkmon.events.ids import prediction_key
from elkmon.stores.elastic.store import ElasticStore
from elkmon.stores.local.store import LocalStore
from elkmon.stores.protocol import Condition
from tests.support.cluster_loading import clear, load, prepared, send
from tests.support.generated_questions import EVENTS, FILTERS, QUESTIONS
from tests.support.nearly_equal import assert_near

quick = settings(
    max_examples=6,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)
SEVERAL = st.lists(QUESTIONS, min_size=20, max_size=20)


@pytest.fixture(scope="module")
def place(server):
    with prepared(server) as (client, prefix):
        yield server, client, prefix


@quick
@given(events=EVENTS, questions=SEVERAL, narrowed=FILTERS, limit=st.integers(0, 50))
def test_both_stores_say_the_same(place, tmp_path_factory, events, questions, narrowed, limit):
    server, client, prefix = place
    run = uuid.uuid4().hex  # the events of all examples share their indices, which cost the time
    folder = tmp_path_factory.mktemp("events")
    lines = [orjson.dumps(written(run, *each, number)) for number, each in enumerate(events, 1)]
    (folder / "p0-1.ndjson").write_bytes(b"\n".join(lines) + b"\n")
    load(folder, client, prefix)
    local, elastic = LocalStore(folder), ElasticStore(server.url, Access(prefix=prefix))
    with closing(local), closing(elastic):
        for by, measures, where in questions:
            asked = {"by": by, "measures": measures, "where": of(run, where)}
            expected = local.aggregate("elkmon.prediction", **asked)
            found = elastic.aggregate("elkmon.prediction", **asked)
            assert_same(found.rows, expected.rows, asked)
        asked = {"where": of(run, narrowed), "limit": limit}
        expected = list(local.events("elkmon.prediction", **asked))
        assert list(elastic.events("elkmon.prediction", **asked)) == expected


@settings(quick, max_examples=5, database=None, phases=[Phase.generate])
@given(events=EVENTS, questions=st.lists(QUESTIONS, min_size=10, max_size=10))
def test_what_was_shipped_and_joined_says_the_same_and_the_catalog_too(
    place, tmp_path_factory, events, questions
):
    server, client, prefix = place
    clear(client, prefix)
    folder = tmp_path_factory.mktemp("events")
    lines = [orjson.dumps(written("", *each, number)) for number, each in enumerate(events, 1)]
    path = folder / "p0-1.ndjson"
    path.write_bytes(b"\n".join(lines) + b"\n")
    send(folder, server, client, prefix)
    local, elastic = LocalStore(folder), ElasticStore(server.url, Access(prefix=prefix))
    with closing(local), closing(elastic):
        for by, measures, where in questions:
            asked = {"by": by, "measures": measures, "where": where}
            expected = local.aggregate("elkmon.prediction", **asked)
            found = elastic.aggregate("elkmon.prediction", **asked)
            assert_same(found.rows, expected.rows, asked)
        assert_same_catalog(elastic.catalog(), local.catalog())
    clear(client, prefix)


def assert_same_catalog(found, expected):
    """Hold what both stores can know: a cluster refuses repeats, and a folder looks when asked."""
    repeated = {model.name for model in expected.models if model.differing}
    for mine, theirs in zip(found.models, expected.models, strict=True):
        assert set(mine.segments) <= set(theirs.segments)
        assert set(mine.features) <= set(theirs.features)
    alike = {"repeats": 0, "differing": 0, "given_up": 0, "next_look": None}
    unnamed = {**alike, "segments": (), "features": ()}
    mine, theirs = (
        replace(
            catalog,
            notes=(),
            models=tuple(
                replace(model, **(unnamed if model.name in repeated else alike))
                for model in catalog.models
            ),
        )
        for catalog in (found, expected)
    )
    assert_near(mine, theirs)


def of(run, where):
    own = Condition("service.name", "=", (run,))
    return replace(where, conditions=(*where.conditions, own))


def written(run, kind, fields, number):
    """Give the event as its line has it: numbered in the order of writing."""
    same = prediction_key(fields["ml.model.name"] or "", fields["ml.prediction.id"])
    own = {"event.sequence": number, "event.created": "2026-12-01T00:00:00.000Z"}
    if kind == "label":
        same = f"{same}/{fields['number']}"
        own["ml.truth.observed_at"] = fields["@timestamp"]
    name = f"{run}/{same}" if run else same  # by which alone a join finds a prediction
    own |= {"event.id": name, "event.dataset": f"elkmon.{kind}", "service.name": run or None}
    made = {}
    for name, value in {**fields, **own}.items():
        if value not in (None, [], {}) and name != "number":  # which nobody writes
            *above, last = name.split(".")
            here = made
            for part in above:
                here = here.setdefault(part, {})
            here[last] = value
    return made


def assert_same(found, expected, asked):
    assert len(found) == len(expected), asked
    groups = len(asked["by"])
    for mine, theirs in zip(found, expected, strict=True):
        assert mine[:groups] == theirs[:groups], asked
        for one, other, measure in zip(
            mine[groups:], theirs[groups:], asked["measures"], strict=True
        ):
            assert type(one) is type(other), (asked, mine, theirs)
            if measure.kind in {"sum", "sum2", "weight", "weight2"} and other is not None:
                assert math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9), (asked, mine, theirs)
            else:
                assert one == other, (asked, mine, theirs)
