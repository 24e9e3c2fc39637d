"""What is in a store: models, versions, labels that found nothing, processes and what they lack."""

import pytest

import elkmon
from elkmon.events.ids import kept as is_kept
from elkmon.stores.protocol import FieldValue, Span
from tests.support.event_folders import (
    ALL,
    ask,
    catalog,
    count,
    event,
    events,
    label,
    prediction,
    utc,
    write,
)

NOON = "2026-11-24T12:00:00.000Z"


def at(hour):
    return f"2026-11-24T{hour:02d}:00:00.000Z"


def version(name, hour, number=1, **more):
    fields = {"ml.model.version": name, **more}
    return [prediction(f"{name}-{hour}-{i}", fields, at=at(hour)) for i in range(number)]


def deployment(name, hour, action="deployed", model="fraud"):
    fields = {"ml.model.name": model, "ml.model.version": name, "event.action": action}
    return event("deployment", f"d{name}{hour}{action}", fields, at=at(hour))


def only_model(folder):
    (model,) = catalog(folder).models
    return model


def test_versions_come_in_the_order_of_deployment_else_of_first_sight(kept):
    folder = kept(
        *version("2.0", 8),
        *version("1.10", 5),
        *version("1.9", 3),
        deployment("2.0", 4),
        deployment("2.0", 9),
        deployment("1.9", 1, "rolled_back"),
        deployment("3.0", 10),
    )

    versions = only_model(folder).versions

    assert [each.version for each in versions] == ["1.9", "2.0", "1.10"]
    assert [each.deployed_at for each in versions] == [None, utc(2026, 11, 24, 4), None]


def test_a_version_has_its_span_and_its_counts(kept):
    failed = {"event.outcome": "failure"}
    folder = kept(
        *version("1", 3, 2), *version("1", 5, 3, **failed), *version(None, 4), *version("2", 6)
    )

    model = only_model(folder)

    figures = {each.version: (each.predictions, each.failures) for each in model.versions}
    assert figures == {"1": (5, 3), "": (1, 0), "2": (1, 0)}
    assert model.versions[0].span == Span(utc(2026, 11, 24, 3), utc(2026, 11, 24, 5))
    assert (model.predictions, model.failures) == (7, 3)
    assert model.span == Span(utc(2026, 11, 24, 3), utc(2026, 11, 24, 6))


def test_a_model_that_is_only_told_of_is_there(kept):
    folder = kept(deployment("1", 4), label("l", "a", model="price"))

    fraud, price = catalog(folder).models

    assert (fraud.name, fraud.versions) == ("fraud", ())
    assert fraud.span == Span(utc(2026, 11, 24, 4), utc(2026, 11, 24, 4))
    assert (price.name, price.labels, price.orphans, price.span) == ("price", 1, 1, None)


def test_repeats_are_counted_and_those_that_say_something_else(kept):
    same, other = {"ml.prediction.label": "yes"}, {"ml.prediction.label": "no"}
    folder = kept(
        prediction("a", same), prediction("a", same), prediction("a", other),
        prediction("b", same), prediction("b", {**same, "event.created": at(13)}),
        prediction("a", same, model="price"),
        prediction("c", same, at="2026-10-31T23:59:59.999Z"),
        prediction("c", same, at="2026-11-01T00:00:00.000Z"),
    )  # fmt: skip

    fraud, price = catalog(folder).models

    assert (fraud.predictions, fraud.repeats, fraud.differing) == (4, 3, 1)
    assert (price.predictions, price.repeats, price.differing) == (1, 0, 0)


def test_labels_count_once_and_orphans_are_those_without_a_prediction(kept):
    folder = kept(
        prediction("a"),
        prediction("f", {"event.outcome": "failure"}),
        label("l1", "a"),
        label("l1", "a"),
        label("l2", "a"),
        label("l3", "f"),
        label("l4", "gone"),
        label("l5", None),
        label("l6", "a", model="price"),
    )

    fraud, price = catalog(folder).models

    assert (fraud.labels, fraud.orphans, fraud.labelled, fraud.sampled_out) == (5, 2, 1, 0)
    assert (price.labels, price.orphans) == (1, 1)


def test_a_prediction_without_an_id_counts_once_by_its_event_and_no_label_reaches_it(kept):
    nameless = {"ml.prediction.id": None}
    one, other = (prediction("", {**nameless, "event.id": name}) for name in ("one", "other"))
    next_month = {**other, "@timestamp": "2026-12-01T00:00:00.000Z"}
    told = {"ml.truth.label": "yes"}

    folder = kept(
        *(one, prediction("a"), label("l", None, told), one, other, next_month),
        label("one", "", told),
    )

    (model,) = catalog(folder).models
    assert (model.predictions, model.repeats, model.differing) == (4, 1, 0)
    assert (model.labelled, model.labels, model.orphans) == (0, 2, 2)
    assert ask(folder, FieldValue("ml.truth.label")) == [(None, 4)]
    assert len(events(folder)) == 4


def test_an_orphan_that_sampling_explains_is_sampled_out(kept):
    ids = [f"ä-{number}" for number in range(60)]
    left_out = [each for each in ids if not is_kept(each, 0.25)]
    rates = {"ml.sample.rate": 0.25, "ml.sample.weight": 4.0}
    folder = kept(
        *(prediction(each, rates) for each in ids[:50] if is_kept(each, 0.25)),
        prediction("whole", {"ml.sample.rate": 1.0}),
        *(label(f"l{each}", each) for each in ids),
        *(label(f"o{each}", each, model="never") for each in left_out),
    )

    fraud, never = catalog(folder).models

    lost = [each for each in ids[50:] if is_kept(each, 0.25)]
    assert (fraud.sampled_out, fraud.orphans) == (len(left_out), len(lost))
    assert (never.sampled_out, never.orphans) == (0, len(left_out))
    assert (fraud.lowest_rate, never.lowest_rate) == (0.25, 1.0)
    assert lost


def test_what_elkmon_samples_out_is_told_from_orphans(spool):
    log = elkmon.get_logger("fraud", "1", task="binary", sample_rate=0.5)
    for number in range(100):
        log.prediction(label="yes", id=str(number))
        log.label(str(number), "yes")
    log.label("elsewhere", "yes")
    elkmon.reset()

    model = only_model(spool)

    assert model.predictions == sum(is_kept(str(number), 0.5) for number in range(100))
    assert model.predictions == model.labelled
    assert model.labels == 101
    assert model.sampled_out + model.orphans == 101 - model.predictions
    assert model.orphans == is_kept("elsewhere", 0.5)


def test_segments_and_features_are_named_once_each(kept):
    folder = kept(
        prediction("a", {"ml.segment": {"z": "1", "a.b": "2"}, "ml.features.number": {"n": 1}}),
        prediction("b", {"ml.segment": {"z": "3", "": "4"}, "ml.features.category": {"c": "x"}}),
        prediction("c", {"ml.features.number": {"N": None}, "ml.features.category": "no object"}),
    )

    model = only_model(folder)

    assert model.segments == ("", "a.b", "z")
    assert model.features == ("N", "c", "n")


def test_tasks_are_named_once_each(kept):
    tasks = ("binary", "regression", "binary", None)
    folder = kept(*(prediction(str(i), {"ml.task": task}) for i, task in enumerate(tasks)))

    assert only_model(folder).tasks == ("binary", "regression")


def test_events_are_counted_by_kind_each_once(kept):
    folder = kept(
        prediction("a"), prediction("a"), label("l", "a"), label("l", "a"),
        event("error", "e1"), event("error", "e2"),
    )  # fmt: skip

    found = catalog(folder)

    assert found.datasets == {"elkmon.error": 2, "elkmon.label": 1, "elkmon.prediction": 1}
    assert found.datasets["elkmon.error"] == count(folder, "elkmon.error", ALL)
    assert found.labels_waiting == 0


def numbered(sequence, fields=None, *, hour=12, entity="one"):
    own = {"process.entity_id": entity, "event.sequence": sequence, "service.name": "shop"}
    return event("log", f"{entity}{sequence}", {**own, **(fields or {})}, at=at(hour))


def emitter(sequence, dropped, *, hour=12, entity="one"):
    own = {"event.dataset": "elkmon.emitter", "ml.emitter.dropped": dropped}
    return numbered(sequence, own, hour=hour, entity=entity)


def test_what_a_process_lacks_is_told_from_what_it_dropped(kept):
    folder = kept(
        numbered(3, {"service.node.name": "host"}, hour=1),
        numbered(4, hour=2),
        numbered(4, hour=2),
        numbered(9, hour=4),
        emitter(10, {"disk_full": 2, "unwritable": 1}),
        emitter(8, {"disk_full": 1}, hour=3),
        numbered(1, entity="two", hour=5),
        numbered(2, {"process.entity_id": None}),
    )

    one, two = catalog(folder).processes

    assert (one.entity_id, one.service, one.host) == ("one", "shop", "host")
    assert one.span == Span(utc(2026, 11, 24, 1), utc(2026, 11, 24, 12))
    assert (one.events, one.missing, one.dropped) == (5, 3, 3)
    assert (two.entity_id, two.events, two.missing, two.dropped) == ("two", 1, 0, 0)


@pytest.mark.parametrize(
    ("odd", "missing"),
    [(2**63 - 1, 2**63 - 4), (-(2**63), 2**63), ("x", 0), ({}, 0), (1e30, 0)],
)
def test_odd_numbers_fail_nothing(kept, odd, missing):
    folder = kept(
        numbered(1), numbered(odd), emitter(2, {"a": 1e300, "b": "many", "c": None, "d": -1})
    )

    (process,) = catalog(folder).processes

    assert process.missing == missing
    assert process.dropped == 0


def test_what_elkmon_wrote_is_complete(spool):
    log = elkmon.get_logger("fraud", "1", task="binary")
    for _ in range(20):
        log.prediction(label="yes")
    elkmon.reset()

    (process,) = catalog(spool).processes

    assert (process.events, process.missing, process.dropped) == (21, 0, 0)
    assert process.service == "shop"


def test_the_span_is_that_of_all_events(kept):
    folder = kept(prediction("a", at=at(3)), event("log", "x", at=at(1)), label("l", "a", at=at(9)))

    assert catalog(folder).span == Span(utc(2026, 11, 24, 1), utc(2026, 11, 24, 9))


def test_lines_that_were_left_out_are_counted(folder):
    write(folder / "a.ndjson", prediction("a"), b"{\n", b"\n", b"[]\n", b'{"event":{}}\n')

    assert catalog(folder).bad_lines == 3
