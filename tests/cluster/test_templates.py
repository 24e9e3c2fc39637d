"""What the templates make of events: on real servers, and as they follow from the field table."""

import pytest
from elasticsearch import BadRequestError

from elkmon.cluster.difference import difference
from elkmon.cluster.templates import VERSION, Layout, assets
from elkmon.events.datasets import DATASETS
from elkmon.events.fields import FIELDS, Kind

INDEX = "prediction-2026.11.01"


@pytest.fixture
def indexed(server, prefix, installed):
    """A function that indexes a document, and returns it with what was ignored in it."""
    client = installed(server)

    def keep(document):
        event = {"id": "e1", "dataset": "elkmon.prediction", **document.pop("event", {})}
        whole = {"@timestamp": "2026-11-24T10:00:00.000Z", "event": event, **document}
        name = f"{prefix}-{INDEX}"
        client.index(index=name, id=event["id"], document=whole, refresh=True)
        (hit,) = client.search(index=name, query={"ids": {"values": [event["id"]]}})["hits"]["hits"]
        return hit

    return keep


@pytest.fixture
def properties(server, prefix, installed):
    """A function that returns the mapping of a dataset's index, by dotted name."""
    client = installed(server)

    def mapped(dataset):
        name = f"{prefix}-{dataset.removeprefix('elkmon.')}-2026.11.01"
        client.indices.create(index=name)
        return dict(flat(client.indices.get_mapping(index=name)[name]["mappings"]["properties"]))

    return mapped


def flat(tree, above=""):
    for name, mapping in tree.items():
        if "type" in mapping:
            yield above + name, mapping
        else:
            yield from flat(mapping["properties"], f"{above}{name}.")


@pytest.mark.parametrize("dataset", DATASETS)
def test_each_dataset_has_the_fields_of_the_table_and_no_others(properties, dataset):
    mapped = properties(dataset)

    expected = {field.name: field.kind.elastic for field in FIELDS if dataset in field.datasets}
    assert {name: mapping["type"] for name, mapping in mapped.items()} == expected


def test_features_with_and_without_a_dot_live_beside_each_other(indexed):
    hit = indexed({"ml": {"features": {"number": {"a": 1, "a.b": 2.5, "c": 1e300}}}})

    assert "_ignored" not in hit


def test_what_is_no_number_is_named_as_ignored_and_the_event_stays(indexed):
    hit = indexed({"ml": {"features": {"number": {"x": "abc"}}, "prediction": {"score": "high"}}})

    assert hit["_ignored"] == ["ml.features.number.x", "ml.prediction.score"]


def test_what_is_not_in_the_table_stays_in_the_source_and_adds_no_field(
    server, prefix, indexed, installed
):
    hit = indexed({"unknown": {"deep": 1}})

    mapping = installed(server).indices.get_mapping(index=f"{prefix}-{INDEX}")
    assert hit["_source"]["unknown"] == {"deep": 1}
    assert "unknown" not in mapping[f"{prefix}-{INDEX}"]["mappings"]["properties"]


def test_long_values_and_deep_labels_are_taken(indexed):
    deep = {}
    here = deep
    for _ in range(60):
        here["a"] = {}
        here = here["a"]
    here["a"] = "end"

    hit = indexed(
        {
            "labels": {"deep": deep, "long": "x" * 40_000},
            "service": {"name": "s" * 40_000},
            "ml": {"segment": {"city": "y" * 40_000}},
        }
    )

    assert "service.name" in hit["_ignored"]


def test_an_event_without_a_readable_time_is_refused(indexed):
    with pytest.raises(BadRequestError, match="failed to parse field"):
        indexed({"@timestamp": "yesterday"})


def test_features_beyond_the_limit_are_ignored_and_the_event_stays(
    server, prefix, indexed, installed
):
    fewer = {"index.mapping.total_fields.limit": 200}
    installed(server).indices.create(index=f"{prefix}-{INDEX}", settings=fewer)

    hit = indexed({"ml": {"features": {"number": {f"f{number}": number for number in range(300)}}}})

    assert len(hit["_source"]["ml"]["features"]["number"]) == 300
    assert 100 < len(hit["_ignored"]) < 300


def test_an_index_says_by_which_version_of_the_templates_it_was_made(server, prefix, installed):
    client = installed(server, shards=2)
    client.indices.create(index=f"{prefix}-label-2026.11.01")

    (index,) = client.indices.get(index=f"{prefix}-label-*").values()
    assert index["mappings"]["_meta"] == {"managed_by": "elkmon", "version": VERSION}
    assert index["settings"]["index"]["number_of_shards"] == "2"
    assert index["settings"]["index"]["number_of_replicas"] == "0"


def by_name(kind, **options):
    everything = assets("elkmon", Layout(retention=90), **options)
    return {asset.name: asset.body for asset in everything if asset.kind == kind}


def test_events_go_a_month_after_their_retention_counted_by_the_name_of_the_index():
    (policy,) = by_name("lifecycle policy").values()
    aging = by_name("component template")["elkmon-retention"]["template"]["settings"]

    assert policy["policy"]["phases"] == {
        "delete": {"min_age": "121d", "actions": {"delete": {"delete_searchable_snapshot": True}}}
    }
    assert aging == {
        "index.lifecycle.name": "elkmon-retention",
        "index.lifecycle.parse_origination_date": "true",
    }


def test_a_policy_that_a_cluster_tells_with_what_it_adds_is_the_same():
    policy, *_ = assets("elkmon", Layout(retention=90))
    added = {"version": 3, "modified_date": "2026-11-24T10:00:00.000Z", "in_use_by": {}}
    current = {**added, "policy": policy.body["policy"]}
    longer, *_ = assets("elkmon", Layout(retention=91))

    assert difference(policy, current) == []
    lines = [line for line in difference(longer, current) if line[0] in "+-"]
    assert lines == ['-        "min_age": "121d"', '+        "min_age": "122d"']


def test_issues_are_kept_for_ever():
    templates = by_name("index template")

    aged = {name for name, body in templates.items() if "elkmon-retention" in body["composed_of"]}
    assert set(templates) - aged == {"elkmon-issue"}


def test_without_lifecycle_nothing_speaks_of_it():
    assert "lifecycle" not in str(assets("elkmon", Layout(), lifecycle=False))


def test_numbers_are_doubles_whatever_comes_first():
    templates = by_name("index template")
    named = {
        name
        for body in templates.values()
        for rule in body["template"]["mappings"].get("dynamic_templates", [])
        for name in rule
    }

    assert named == {field.name for field in FIELDS if field.kind is Kind.NUMBERS}
