"""What Kibana is given: it is what the builder makes of the field table, and holds together."""

import json
import re
from contextlib import closing

import pytest

from elkmon.events.cluster_settings import Access
from elkmon.events.datasets import DATASETS
from elkmon.events.fields import find
from elkmon.kibana.__main__ import FILE, written
from elkmon.kibana.client import Kibana
from elkmon.kibana.features import features
from elkmon.kibana.objects import saved_objects

OBJECTS = saved_objects("elkmon")
BOARDS = [each for each in OBJECTS if each["type"] == "dashboard"]
VIEWS = {each["id"]: each for each in OBJECTS if each["type"] == "index-pattern"}
NUMERIC = {"double", "long"}
FITTING = {
    "sum": NUMERIC, "average": NUMERIC, "median": NUMERIC, "percentile": NUMERIC,
    "range": NUMERIC, "date_histogram": {"date"},
    "terms": {"keyword", "boolean", *NUMERIC},
    "max": {"date", *NUMERIC}, "min": {"date", *NUMERIC},
    "unique_count": {"keyword"}, "last_value": {"keyword", "date", "boolean", *NUMERIC},
}  # fmt: skip
"""Mapping types that each of Lens's operations can use."""


def panels(board):
    return json.loads(board["attributes"]["panelsJSON"])


def lenses():
    """Give dashboard, title and attributes of each Lens panel."""
    return [
        (board["id"], each["title"], each["embeddableConfig"]["attributes"])
        for board in BOARDS
        for each in panels(board)
        if each["type"] == "lens"
    ]


def held(view, name):
    """Give the mapping type of a field in a data view; of a computed one, too."""
    attributes = VIEWS[view]["attributes"]
    computed = json.loads(attributes["runtimeFieldMap"])
    if name in computed:
        return computed[name]["type"]
    field, key = find(name)
    kinds = {f"elkmon.{part.split('-')[1]}" for part in attributes["title"].split(",")}
    assert kinds & set(field.datasets), f"{name} is not in {view}"
    return "double" if key and field.kind.elastic == "object" else field.kind.elastic


def columns(attributes):
    """Give each column of a panel's layers, with its data view; orders included."""
    asked = {each["name"]: each["id"] for each in attributes["references"]}
    for key, layer in attributes["state"]["datasourceStates"]["formBased"]["layers"].items():
        view = asked[f"indexpattern-datasource-layer-{key}"]
        for column in layer["columns"].values():
            yield view, column
            if "orderAgg" in column.get("params", {}):
                yield view, column["params"]["orderAgg"]


def queries(thing):
    """Give each KQL in a JSON."""
    if isinstance(thing, dict):
        if thing.get("language") == "kuery" and thing["query"]:
            yield thing["query"]
        for each in thing.values():
            yield from queries(each)
    elif isinstance(thing, list):
        for each in thing:
            yield from queries(each)


def test_the_committed_file_is_what_the_builder_gives():
    assert FILE.read_bytes() == written(), "run make kibana"


def test_identifiers_are_unique_words_and_begin_with_the_prefix():
    ids = [each["id"] for each in saved_objects("other")]

    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"other-(view|search|dashboard)-[a-z]+", each) for each in ids)
    assert [each.replace("other", "elkmon", 1) for each in ids] == [each["id"] for each in OBJECTS]


def test_every_reference_leads_to_an_object_before_it():
    known = set()
    for each in OBJECTS:
        assert {(one["type"], one["id"]) for one in each["references"]} <= known, each["id"]
        known.add((each["type"], each["id"]))


def test_every_panel_finds_its_references_by_name():
    for board in BOARDS:
        names = [each["name"] for each in board["references"]]
        assert len(set(names)) == len(names)
        for each in panels(board):
            wanted = [
                one["name"]
                for one in each["embeddableConfig"].get("attributes", {}).get("references", [])
            ]
            wanted += [each["panelRefName"]] if "panelRefName" in each else []
            for name in wanted:
                assert f"{each['panelIndex']}:{name}" in names


@pytest.mark.parametrize(("board", "title", "attributes"), lenses())
def test_every_field_of_a_panel_exists_with_a_fitting_type(board, title, attributes):
    for view, column in columns(attributes):
        name = column.get("sourceField", "___records___")
        if name != "___records___":
            assert held(view, name) in FITTING[column["operationType"]], f"{board}, {title}: {name}"
    view = attributes["references"][0]["id"]
    state = {**attributes["state"], "visualization": {}}
    for query in queries(state):
        for name in re.findall(r"([\w.@]+)\s*(?:[:<>])", re.sub(r'"[^"]*"', "", query)):
            held(view, name)


@pytest.mark.parametrize(("board", "title", "attributes"), lenses())
def test_every_panel_says_in_words_what_it_shows_and_leads_to_the_documents(
    board, title, attributes
):
    assert attributes["description"].endswith("."), f"{board}, {title}"
    (shown,) = [
        each
        for one in BOARDS
        if one["id"] == board
        for each in panels(one)
        if each["title"] == title
    ]
    (event,) = shown["embeddableConfig"]["enhancements"]["dynamicActions"]["events"]
    assert event["action"]["factoryId"] == "OPEN_IN_DISCOVER_DRILLDOWN"


@pytest.mark.parametrize(("board", "title", "attributes"), lenses())
def test_every_column_that_a_panel_names_is_there(board, title, attributes):
    ((_, layer),) = attributes["state"]["datasourceStates"]["formBased"]["layers"].items()
    there = layer["columns"]
    assert set(layer["columnOrder"]) == set(there)
    for column in there.values():
        assert set(column.get("references", ())) <= set(there), f"{board}, {title}"


def test_computed_fields_read_fields_of_the_table():
    for view in VIEWS.values():
        for each in json.loads(view["attributes"]["runtimeFieldMap"]).values():
            for name in re.findall(r"doc\['([^']+)'\]", each["script"]["source"]):
                assert find(name)[0].name == name


def test_every_kind_of_event_is_in_a_data_view():
    titles = ",".join(each["attributes"]["title"] for each in VIEWS.values())
    assert {f"elkmon.{part.split('-')[1]}" for part in titles.split(",")} == set(DATASETS)


def test_the_oldest_kibana_takes_them():
    for each in OBJECTS:
        assert each["coreMigrationVersion"] == "8.6.0"
        assert each["migrationVersion"] == {each["type"]: each["typeMigrationVersion"]}
        assert each["typeMigrationVersion"] <= "8.6.0"


def test_each_feature_that_predictions_have_gets_a_panel_on_data(standin):
    view = "/api/data_views/data_view/elkmon-view-predictions"
    told = ("ml.features.number.amount", "ml.features.number.age days", "ml.prediction.score")
    there = {"data_view": {"fields": {name: {"type": "number"} for name in told}}}

    with closing(Kibana(standin.url, Access())) as kibana:
        before = features(kibana, "elkmon")
        standin.fault = lambda _method, path: (200, there) if path == view else None
        found = features(kibana, "elkmon")

    assert before == []  # no data view yet
    assert found == ["amount"]  # a name that a query would have to quote is left out
    (board,) = [one for one in saved_objects("elkmon", found) if one["id"].endswith("-data")]
    assert [one["title"] for one in panels(board)][-2:] == ["Missing features", "Feature amount"]
