"""The saved objects: what the builder makes of the field table, consistent and complete."""

import json
import re
from contextlib import closing

import pytest

from elkmon.events.cluster_settings import Access
from elkmon.events.datasets import DATASETS
from elkmon.events.fields import find
from elkmon.kibana.__main__ import FILE, ndjson
from elkmon.kibana.client import Kibana
from elkmon.kibana.numeric_features import numeric_features
from elkmon.kibana.saved_objects import saved_objects

OBJECTS = saved_objects("elkmon")
DASHBOARDS = [item for item in OBJECTS if item["type"] == "dashboard"]
VIEWS = {item["id"]: item for item in OBJECTS if item["type"] == "index-pattern"}
NUMERIC = {"double", "long"}
FITTING = {
    "sum": NUMERIC, "average": NUMERIC, "median": NUMERIC, "percentile": NUMERIC,
    "range": NUMERIC, "date_histogram": {"date"},
    "terms": {"keyword", "boolean", *NUMERIC},
    "max": {"date", *NUMERIC}, "min": {"date", *NUMERIC},
    "unique_count": {"keyword"}, "last_value": {"keyword", "date", "boolean", *NUMERIC},
}  # fmt: skip
"""Mapping types that each Lens operation can use."""


def panels(dashboard):
    return json.loads(dashboard["attributes"]["panelsJSON"])


def lens_panels():
    """Return dashboard, panel and the panel's Lens attributes."""
    return [
        pytest.param(panel, attributes, id=f"{dashboard['id']}: {panel['title']}")
        for dashboard in DASHBOARDS
        for panel in panels(dashboard)
        if (attributes := panel["embeddableConfig"].get("attributes"))
    ]


def mapping_type(view, name):
    """Return the mapping type of a field in a data view, including runtime fields."""
    attributes = VIEWS[view]["attributes"]
    runtime_fields = json.loads(attributes["runtimeFieldMap"])
    if name in runtime_fields:
        return runtime_fields[name]["type"]
    field, key = find(name)
    kinds = {f"elkmon.{part.split('-')[1]}" for part in attributes["title"].split(",")}
    assert kinds & set(field.datasets), f"{name} is not in {view}"
    return "double" if key and field.kind.elastic == "object" else field.kind.elastic


def columns(attributes):
    """Yield each column of a panel's layers and each sort order, with its data view."""
    views = {entry["name"]: entry["id"] for entry in attributes["references"]}
    for key, layer in attributes["state"]["datasourceStates"]["formBased"]["layers"].items():
        view = views[f"indexpattern-datasource-layer-{key}"]
        for column in layer["columns"].values():
            yield view, column
            if "orderAgg" in column.get("params", {}):
                yield view, column["params"]["orderAgg"]


def queries(value):
    """Yield each KQL query in a JSON value."""
    if isinstance(value, dict):
        if value.get("language") == "kuery" and value["query"]:
            yield value["query"]
        for part in value.values():
            yield from queries(part)
    elif isinstance(value, list):
        for part in value:
            yield from queries(part)


def test_the_committed_file_is_up_to_date():
    assert FILE.read_bytes() == ndjson(), "run make kibana"


def test_identifiers_are_unique_words_and_begin_with_the_prefix():
    ids = [item["id"] for item in saved_objects("other")]

    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"other-(view|search|dashboard)-[a-z]+", name) for name in ids)
    assert [name.replace("other", "elkmon", 1) for name in ids] == [item["id"] for item in OBJECTS]


def test_every_reference_leads_to_an_object_before_it():
    known = set()
    for item in OBJECTS:
        targets = {(entry["type"], entry["id"]) for entry in item["references"]}
        assert targets <= known, item["id"]
        known.add((item["type"], item["id"]))


def test_every_panel_finds_its_references_by_name():
    for dashboard in DASHBOARDS:
        names = [entry["name"] for entry in dashboard["references"]]
        assert len(set(names)) == len(names)
        for panel in panels(dashboard):
            attributes = panel["embeddableConfig"].get("attributes", {})
            needed = [entry["name"] for entry in attributes.get("references", [])]
            needed += [panel["panelRefName"]] if "panelRefName" in panel else []
            for name in needed:
                assert f"{panel['panelIndex']}:{name}" in names


@pytest.mark.parametrize(("panel", "attributes"), lens_panels())
def test_every_field_of_a_panel_exists_with_a_fitting_type(panel, attributes):
    for view, column in columns(attributes):
        name = column.get("sourceField", "___records___")
        if name != "___records___":
            assert mapping_type(view, name) in FITTING[column["operationType"]], name
    view = attributes["references"][0]["id"]
    state = {**attributes["state"], "visualization": {}}
    for query in queries(state):
        for name in re.findall(r"([\w.@]+)\s*(?:[:<>])", re.sub(r'"[^"]*"', "", query)):
            mapping_type(view, name)


@pytest.mark.parametrize(("panel", "attributes"), lens_panels())
def test_every_panel_says_in_words_what_it_shows_and_links_to_the_documents(panel, attributes):
    assert attributes["description"].endswith(".")
    (event,) = panel["embeddableConfig"]["enhancements"]["dynamicActions"]["events"]
    assert event["action"]["factoryId"] == "OPEN_IN_DISCOVER_DRILLDOWN"


@pytest.mark.parametrize(("panel", "attributes"), lens_panels())
def test_every_column_that_a_panel_names_exists(panel, attributes):
    ((_, layer),) = attributes["state"]["datasourceStates"]["formBased"]["layers"].items()
    columns = layer["columns"]
    assert set(layer["columnOrder"]) == set(columns)
    for column in columns.values():
        assert set(column.get("references", ())) <= set(columns)


def test_runtime_fields_read_fields_of_the_table():
    for view in VIEWS.values():
        for field in json.loads(view["attributes"]["runtimeFieldMap"]).values():
            for name in re.findall(r"doc\['([^']+)'\]", field["script"]["source"]):
                assert find(name)[0].name == name


def test_every_kind_of_event_is_in_a_data_view():
    titles = ",".join(view["attributes"]["title"] for view in VIEWS.values())
    assert {f"elkmon.{part.split('-')[1]}" for part in titles.split(",")} == set(DATASETS)


def test_the_oldest_kibana_takes_them():
    for item in OBJECTS:
        assert item["coreMigrationVersion"] == "8.6.0"
        assert item["migrationVersion"] == {item["type"]: item["typeMigrationVersion"]}
        assert item["typeMigrationVersion"] <= "8.6.0"


def test_each_feature_that_predictions_have_gets_a_panel_on_data(fake_kibana):
    view = "/api/data_views/data_view/elkmon-view-predictions"
    names = ("ml.features.number.amount", "ml.features.number.age days", "ml.prediction.score")
    response = {"data_view": {"fields": {name: {"type": "number"} for name in names}}}

    with closing(Kibana(fake_kibana.url, Access())) as kibana:
        before = numeric_features(kibana, "elkmon")
        fake_kibana.fault = lambda _method, path: (200, response) if path == view else None
        features = numeric_features(kibana, "elkmon")

    assert before == []  # no data view yet
    assert features == ["amount"]  # a name that a query would have to quote is left out
    objects = saved_objects("elkmon", features)
    (dashboard,) = [item for item in objects if item["id"].endswith("-data")]
    titles = [panel["title"] for panel in panels(dashboard)]
    assert titles[-2:] == ["Missing features", "Feature amount"]
