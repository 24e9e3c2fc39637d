"""SQL is held to ``merge``: whatever the events, the store says what plain Python says of them."""

import contextlib
import tempfile
from collections import defaultdict
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from elkmon.events.fields import BY_NAME
from elkmon.events.merge import Label, Prediction, merge
from elkmon.events.times import from_iso
from elkmon.stores.local.compact import compact
from elkmon.stores.local.store import LocalStore
from elkmon.stores.protocol import FieldValue, Filter, Measure
from tests.support.event_folders import event, write

MODELS = st.sampled_from(["fraud", "fraud", "Fraud", None])
IDS = st.sampled_from(["1", "2", "ä'\""])
CLASSES = st.sampled_from(["a", "b", "1", None])
NUMBERS = st.one_of(st.none(), st.sampled_from([0.0, 1.0, -2.5, 0.35, 1e150, 1e-9]))
SHARES = st.one_of(st.none(), st.sampled_from([0.0, 1e-18, 0.25, 0.5, 1.0, 1.5, -0.1]))
TIMES = st.sampled_from(
    ["2026-10-31T23:59:59.999Z", "2026-11-01T00:00:00.000Z", "2026-11-24T12:00:00.000Z"]
)
OBSERVED = st.sampled_from(
    ["2026-10-01T00:00:00.000Z", "2026-11-24T12:00:00.001Z", "2026-11-25T00:00:00.000Z"]
)

PREDICTIONS = st.fixed_dictionaries(
    {
        "@timestamp": TIMES,
        "ml.model.name": MODELS,
        "ml.prediction.id": IDS,
        "ml.task": st.sampled_from(["binary", "multiclass", "regression", None]),
        "ml.prediction.label": CLASSES,
        "ml.prediction.positive": st.sampled_from(["a", "1", None]),
        "ml.prediction.value": NUMBERS,
        "ml.prediction.score": SHARES,
        "ml.prediction.scores": st.one_of(
            st.none(), st.dictionaries(st.sampled_from(["a", "b", "1"]), SHARES, max_size=3)
        ),
        "event.outcome": st.sampled_from(["success", "success", "failure", None]),
        "ml.sample.weight": st.sampled_from([None, 1.0, 4.0]),
    }
).map(lambda fields: ("prediction", fields))
LABELS = st.fixed_dictionaries(
    {
        "@timestamp": TIMES,
        "event.id": st.sampled_from(["l1", "l2", "l3", "l4"]),
        "ml.model.name": MODELS,
        "ml.prediction.id": IDS,
        "ml.truth.label": CLASSES,
        "ml.truth.value": NUMBERS,
        "ml.truth.correct": st.sampled_from([True, False, None]),
        "ml.truth.rating": NUMBERS,
        "ml.truth.source": st.sampled_from(["people", "rules", None]),
        "ml.truth.observed_at": st.one_of(st.none(), OBSERVED),
    }
).map(lambda fields: ("label", fields))
STORES = st.lists(st.one_of(PREDICTIONS, LABELS), max_size=14)
"""Events in the order that they are written; repeats are likely, and may say something else."""
ROUNDS = st.lists(st.sampled_from([1, 2, None]), min_size=1, max_size=3)
"""For each file the compaction that makes it Parquet, if any."""

GROUPS = ("outcome", "label", "correct", "source", "observed_at")
FIGURES = (
    *("residual", "abs_residual", "sq_residual", "log_loss", "brier", "first_delay"),
    *("value", "rating"),
)


def written(kind, fields, number):
    """Give the event as the line has it: numbered in the order of writing."""
    same = f"{fields['ml.model.name']}/{fields['ml.prediction.id']}"
    own = {"event.id": f"{same}/{fields.get('event.id')}", "event.sequence": number}
    return event(kind, same, {**fields, **own, "event.created": "2026-12-01T00:00:00.000Z"})


def once(events):
    """Of the same event in a month, the first that was written counts."""
    first = {}
    for kind, fields in events:
        own = fields["event.id"] if kind == "label" else ""
        month = fields["@timestamp"][:7]
        key = (kind, own, fields["ml.model.name"], fields["ml.prediction.id"], month)
        first.setdefault(key, (kind, fields))
    return [fields for kind, fields in first.values() if kind == "prediction"], [
        fields for kind, fields in first.values() if kind == "label"
    ]


def reference(events):
    """Join by plain Python: each prediction with what ``merge`` makes of its labels."""
    predictions, labels = once(events)
    told = defaultdict(list)
    for fields in labels:
        told[fields["ml.model.name"], fields["ml.prediction.id"]].append(
            Label(
                event_id=fields["event.id"],  # within one prediction, as in the file
                observed_at=from_iso(fields["ml.truth.observed_at"] or fields["@timestamp"]),
                label=fields["ml.truth.label"],
                value=fields["ml.truth.value"],
                correct=fields["ml.truth.correct"],
                rating=fields["ml.truth.rating"],
                source=fields["ml.truth.source"],
            )
        )
    joined = []
    for fields in predictions:
        made = Prediction(
            timestamp=from_iso(fields["@timestamp"]),
            task=fields["ml.task"],
            label=fields["ml.prediction.label"],
            positive=fields["ml.prediction.positive"],
            value=fields["ml.prediction.value"],
            score=fields["ml.prediction.score"],
            scores=fields["ml.prediction.scores"],
            failed=fields["event.outcome"] != "success",
        )
        key = (fields["ml.model.name"], fields["ml.prediction.id"])
        joined.append((fields, asdict(merge(made, told[key]))))
    return joined


@contextlib.contextmanager
def store_of(events, rounds):
    """Spread events over files, make some Parquet at once and some later, and open the store."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = [folder / f"file-{number}.ndjson" for number in range(len(rounds))]
        for number, (kind, fields) in enumerate(events, 1):
            write(files[number % len(files)].with_suffix(".later"), written(kind, fields, number))
        for compaction in (1, 2, None):
            for file, when in zip(files, rounds, strict=True):
                if when == compaction:
                    write(file.with_suffix(".later")).rename(file)
            if compaction:
                compact(folder)
        store = LocalStore(folder)
        try:
            yield store
        finally:
            store.close()


def weight(fields):
    return fields["ml.sample.weight"] or 1.0


def grouped(joined):
    """Count, and sum the weights, by model and what labels say."""
    found = defaultdict(lambda: (0, 0.0))
    for fields, truth in joined:
        key = (fields["ml.model.name"], *(truth[name] for name in GROUPS))
        count, weights = found[key]
        found[key] = (count + 1, weights + weight(fields))
    return dict(found)


def summed(joined, name):
    """Count, and sum with their weights, the values of one joined field."""
    there = [(weight(fields), truth[name]) for fields, truth in joined if truth[name] is not None]
    return len(there), sum(each * value for each, value in there) if there else None


def full_name(name):
    return f"ml.truth.{name}" if f"ml.truth.{name}" in BY_NAME else f"ml.eval.{name}"


held = settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow],
)
CORRECTION = [
    ("prediction", {"@timestamp": "2026-11-01T00:00:00.000Z", "ml.model.name": "fraud",
                    "ml.prediction.id": "1", "ml.task": "binary", "ml.prediction.label": "a",
                    "ml.prediction.positive": "a", "ml.prediction.value": None,
                    "ml.prediction.score": 0.25, "ml.prediction.scores": None,
                    "event.outcome": "success", "ml.sample.weight": 4.0}),
    *(("label", {"@timestamp": "2026-11-01T00:00:00.000Z", "event.id": name,
                 "ml.model.name": "fraud", "ml.prediction.id": "1", "ml.truth.label": said,
                 "ml.truth.value": None, "ml.truth.correct": None, "ml.truth.rating": rating,
                 "ml.truth.source": None, "ml.truth.observed_at": "2026-11-25T00:00:00.000Z"})
      for name, said, rating in (("l2", "b", None), ("l1", "a", 1.0), ("l2", "a", 2.0))),
]  # fmt: skip
"""Two labels of the same time, and one of them again, saying something else."""


@held
@example(events=CORRECTION, rounds=[1, None])
@given(events=STORES, rounds=ROUNDS)
def test_aggregates_of_joined_fields_equal_merge(events, rounds):
    joined = reference(events)
    measures = [Measure(kind, full_name(name)) for name in FIGURES for kind in ("count", "sum")]

    with store_of(events, rounds) as store:
        groups = store.aggregate(
            "elkmon.prediction",
            by=[FieldValue("ml.model.name"), *(FieldValue(full_name(name)) for name in GROUPS)],
            measures=[Measure("count"), Measure("weight")],
            where=Filter(),
        ).rows
        sums = store.aggregate("elkmon.prediction", by=[], measures=measures, where=Filter()).rows

    assert {row[:-2]: row[-2:] for row in groups} == grouped(joined)
    if joined:
        assert list(sums[0]) == [near(value) for name in FIGURES for value in summed(joined, name)]


def near(value):
    return value if value is None else pytest.approx(value, rel=1e-9, abs=1e-12)


@held
@example(events=CORRECTION, rounds=[1, None])
@given(events=STORES, rounds=ROUNDS)
def test_events_carry_what_merge_says(events, rounds):
    expected = {
        (fields["ml.model.name"], fields["ml.prediction.id"], fields["@timestamp"][:7]): truth
        for fields, truth in reference(events)
    }
    with store_of(events, rounds) as store:
        given_events = list(store.events("elkmon.prediction", where=Filter(), limit=100))

    assert len(given_events) == len(expected)
    for found in given_events:
        ml = found["ml"]
        key = (ml.get("model", {}).get("name"), ml["prediction"]["id"], found["@timestamp"][:7])
        said = {**ml.get("truth", {}), **ml.get("eval", {})}
        if "observed_at" in said:
            said["observed_at"] = from_iso(said["observed_at"])
        truth = {name: value for name, value in expected[key].items() if value is not None}
        assert said.keys() == truth.keys()
        for name, value in truth.items():
            exact = isinstance(value, (str, bool, datetime))
            assert said[name] == (value if exact else near(value))


@held
@given(events=STORES, rounds=ROUNDS)
def test_the_catalog_equals_plain_counts(events, rounds):
    predictions, labels = once(events)
    with store_of(events, rounds) as store:
        found = {model.name: model for model in store.catalog().models}

    names = {fields["ml.model.name"] for fields in [*predictions, *labels]}
    assert set(found) == {name or "" for name in names}
    for name in names:
        model = found[name or ""]
        mine = [fields for fields in predictions if fields["ml.model.name"] == name]
        told = [fields for fields in labels if fields["ml.model.name"] == name]
        ids = {fields["ml.prediction.id"] for fields in mine}
        labelled = {fields["ml.prediction.id"] for fields in told}
        every = [
            fields
            for kind, fields in events
            if kind == "prediction" and fields["ml.model.name"] == name
        ]
        assert model.predictions == len(mine)
        assert model.repeats == len(every) - len(mine)
        assert model.failures == sum(f["event.outcome"] == "failure" for f in mine)
        assert model.labelled == sum(
            f["event.outcome"] == "success" and f["ml.prediction.id"] in labelled for f in mine
        )
        assert model.orphans == sum(f["ml.prediction.id"] not in ids for f in told)
