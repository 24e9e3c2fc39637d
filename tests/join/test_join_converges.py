"""Whatever the order of events, and wherever a join dies, both stores give the same answer."""

import tempfile
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from elkmon.join.lock import JoinBusyError
from elkmon.stores.elastic.indices import month_of, month_of_id
from elkmon.stores.local.store import LocalStore
from tests.support.label_joins import Cluster, Dying, Killed, joined_locally, label, prediction

MODELS = st.sampled_from(["fraud", "fraud", "churn", None])
OCTOBER = "01a19467-e7ff-7000-8000-000000000001"
NOVEMBER = "01a20d6d-5a00-7000-8000-000000000002"
IDS = st.sampled_from(["1", "ä'\"", OCTOBER, NOVEMBER])
CLASSES = st.sampled_from(["a", "b", None])
NUMBERS = st.sampled_from([None, 0.0, 1.5, -2.5])
SHARES = st.sampled_from([None, 0.0, 0.25, 1.0])
TIMES = st.sampled_from(
    ["2026-10-31T23:59:59.999Z", "2026-11-01T00:00:00.000Z", "2026-11-24T12:00:00.000Z"]
)
OBSERVED = st.sampled_from(
    ["2026-10-01T00:00:00.000Z", "2026-11-24T12:00:00.001Z", "2026-11-25T00:00:00.000Z", None]
)
PREDICTIONS = st.builds(
    lambda prediction_id, fields, model, at: (
        "load",
        prediction(prediction_id, fields, model=model, at=at),
    ),
    IDS,
    st.fixed_dictionaries(
        {
            "ml.task": st.sampled_from(["binary", "multiclass", "regression"]),
            "ml.prediction.label": CLASSES,
            "ml.prediction.positive": st.sampled_from(["a", None]),
            "ml.prediction.value": NUMBERS,
            "ml.prediction.score": SHARES,
            "ml.prediction.scores": st.one_of(
                st.none(), st.dictionaries(st.sampled_from(["a", "b"]), SHARES, max_size=2)
            ),
            "event.outcome": st.sampled_from(["success", "success", "success", "failure"]),
            "ml.sample.rate": st.sampled_from([None, 1.0, 0.25]),
        }
    ),
    MODELS,
    TIMES,
)
LABELS = st.builds(
    lambda name, prediction_id, fields, model, at: (
        "load",
        label(f"{model}/{prediction_id}/{name}", prediction_id, fields, model=model, at=at),
    ),
    st.sampled_from(["l1", "l2", "l3"]),
    IDS,
    st.fixed_dictionaries(
        {
            "ml.truth.label": CLASSES,
            "ml.truth.value": NUMBERS,
            "ml.truth.correct": st.sampled_from([True, False, None]),
            "ml.truth.rating": NUMBERS,
            "ml.truth.source": st.sampled_from(["people", None]),
            "ml.truth.observed_at": OBSERVED,
        }
    ),
    MODELS,
    TIMES,
)
STEPS = st.one_of(
    PREDICTIONS,
    LABELS,
    LABELS,
    st.tuples(st.just("join"), st.integers(1, 3)),
    st.tuples(
        st.just("killed"),
        st.integers(0, 4),
        st.sampled_from(["before", "within", "behind"]),
    ),
    st.tuples(st.just("later"), st.sampled_from([20, 61, 90, 7200])),
)
"""What happens: an event comes, a join of some page, one that is killed at some write, time."""


@pytest.mark.parametrize("examples", [15])
def test_any_interleaving_says_what_the_local_store_says(installed, prefix, server, examples):
    client = installed(server)

    @settings(
        max_examples=examples,
        database=None,
        phases=[Phase.generate],  # to make one smaller would take hundreds of joins
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example],
    )
    @given(steps=st.lists(STEPS, min_size=8, max_size=30))
    def held(steps):
        emptied(client, prefix)
        cluster = Cluster(client, prefix)
        events = [event for kind, *(event, *_) in steps if kind == "load"]
        for kind, *what in steps:
            happen(cluster, kind, *what)
        settle(cluster)

        with tempfile.TemporaryDirectory() as name:
            assert cluster.joined() == near(joined_locally(Path(name), events))
            assert_marked_as_counted(cluster, Path(name))

    held()


def emptied(client, prefix):
    """Begin anew, with the templates and without any index."""
    names = list(client.indices.get(index=f"{prefix}-*"))
    if names:
        client.indices.delete(index=names)


def happen(cluster, kind, *what):
    if kind == "load":
        cluster.load(what[0])
    elif kind == "later":
        cluster.later(seconds=what[0])
    else:
        client, page = cluster.client, what[0]
        if kind == "killed":
            client, page = Dying(client, *what), 2
        with suppress(Killed, JoinBusyError):  # the lock of one that was killed holds for a while
            cluster.join(client, page=page)


def settle(cluster):
    """Join, a good while after the last event, until a pass finds nothing to do.

    This takes no longer than the longest wait of an orphan.
    """
    cluster.later(days=8)
    while True:
        report = cluster.join()
        if not report.read and not report.late:
            return
        cluster.later(seconds=31)


def near(joined):
    """Let numbers differ in the last digits: SQL adds up in another order."""
    return {
        place: {
            name: pytest.approx(value, rel=1e-12, abs=1e-12) if type(value) is float else value
            for name, value in fields.items()
        }
        for place, fields in joined.items()
    }


def assert_marked_as_counted(cluster, folder):
    """Hold the labels' marks to what the local store's catalog counts."""
    by_model = {}
    for label_document in cluster.documents("label").values():
        model = label_document["ml"].get("model", {}).get("name") or ""
        state = label_document["ml"]["join"]["state"]
        counts = by_model.setdefault(model, {})
        counts[state] = counts.get(state, 0) + 1
    with closing(LocalStore(folder)) as store:
        models = store.catalog().models
    for model in models:
        counts = by_model.get(model.name, {})
        assert model.labels == sum(counts.values())
        assert model.orphans + model.sampled_out == model.labels - counts.get("joined", 0)
        assert model.sampled_out == counts.get("sampled_out", 0)


def test_the_ids_tell_their_months():
    assert [month_of(month_of_id(name)) for name in (OCTOBER, NOVEMBER)] == [
        "2026.10.01",
        "2026.11.01",
    ]
