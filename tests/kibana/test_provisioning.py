"""Provisioning a space of Kibana: what it creates, keeps, replaces and removes."""

from contextlib import contextmanager

import pytest

from elkmon.events.errors import ProvisionError
from elkmon.kibana import rules as rules_module
from elkmon.kibana.provisioning import apply, export, plan, remove
from elkmon.kibana.space_objects import with_marks

VERSION = "8.12.2"


@pytest.fixture
def provision(target, objects):
    """A function that provisions the test's space and returns the steps by title."""

    def run(items=objects, *, space=None, overwrite=False, dry_run=False):
        with target.kibana(space) as kibana:
            planned = plan(kibana, VERSION, target.prefix, items, overwrite=overwrite)
            if not dry_run:
                apply(kibana, planned, lambda *_: None)
            return {step.title: step for step in planned.steps}

    return run


@pytest.fixture
def client(target):
    """A context manager that opens a client of the test's space."""

    @contextmanager
    def open_client(space=None):
        with target.kibana(space) as kibana:
            yield kibana

    return open_client


def states(steps):
    return {step.state for step in steps.values()}


def dashboard_in(kibana, identifier):
    keys = [{"type": "dashboard", "id": identifier}]
    return kibana.request("POST", "/api/saved_objects/_bulk_get", keys, "look")["saved_objects"][0]


def make_space(kibana):
    body = {"id": kibana.space, "name": kibana.space}
    kibana.request("POST", "/api/spaces/space", body, "make a space")


def save_by_hand(kibana, identifier, **attributes):
    """Save a dashboard as Kibana's own page does, which renames references."""
    existing = dashboard_in(kibana, identifier)
    references = [
        {**entry, "name": f"tag-ref-{entry['id']}"} if entry["type"] == "tag" else entry
        for entry in existing["references"]
    ]
    body = {
        "type": "dashboard",
        "id": identifier,
        "attributes": {**existing["attributes"], **attributes},
        "references": references,
    }
    assert kibana.upload([body])["success"]


def test_everything_is_created_once(provision, target):
    first, second = provision(), provision()

    assert states(first) == {"new"}
    assert states(second) == {"same"}
    prefix = target.prefix
    assert list(first) == [
        f"tag {prefix}",
        f"data view {prefix}-prediction-*",
        "dashboard Overview",
        f"connector {prefix}: Kibana's log",
        f"connector {prefix}: index {prefix}-alerts",
        f"rule {prefix}: failure rate",
        f"rule {prefix}: error rate at enough coverage",
        f"rule {prefix}: no predictions",
        f"rule {prefix}: label backlog",
        f"rule {prefix}: dead letters",
    ]


def test_a_dry_run_lists_the_changes_and_makes_none(provision):
    steps = provision(dry_run=True)

    assert states(steps) == {"new"}
    assert states(provision(dry_run=True)) == {"new"}


def test_only_what_elkmon_changed_is_changed(provision, objects, target, client):
    provision()
    view, dashboard = objects
    other = {**dashboard, "attributes": {**dashboard["attributes"], "title": "Overview of all"}}

    steps = provision([view, other])

    assert {name for name, step in steps.items() if step.state == "changed"} == {
        "dashboard Overview of all"
    }
    with client() as kibana:
        current = dashboard_in(kibana, f"{target.prefix}-overview-{target.space}")
    assert current["attributes"]["title"] == "Overview of all"
    assert states(provision([view, other])) == {"same"}


def test_a_dashboard_saved_in_kibana_is_kept_unless_overwritten(provision, target, client):
    provision()
    identifier = f"{target.prefix}-overview-{target.space}"
    with client() as kibana:
        save_by_hand(kibana, identifier, title="Mine")

        kept = provision()["dashboard Overview"]
        title_when_kept = dashboard_in(kibana, identifier)["attributes"]["title"]
        overwritten = provision(overwrite=True)["dashboard Overview"]
        title_after = dashboard_in(kibana, identifier)["attributes"]["title"]

    assert kept.state == "kept"
    assert "saved in Kibana" in kept.why
    assert title_when_kept == "Mine"
    assert overwritten.state == "changed"
    assert title_after == "Overview"
    assert states(provision()) == {"same"}


def test_a_threshold_changed_in_kibana_is_kept_and_listed(provision, target, client):
    title = f"rule {target.prefix}: no predictions"
    first = provision()[title]
    with client() as kibana:
        body = {**first.body, "params": {**first.body["params"], "threshold": [50]}}
        for name in ("consumer", "rule_type_id"):
            del body[name]
        kibana.request("PUT", first.path, body, "change the threshold")

        kept = provision()[title]
        threshold_when_kept = kibana.get(first.path, "look")["params"]["threshold"]
        overwritten = provision(overwrite=True)[title]
        threshold_after = kibana.get(first.path, "look")["params"]["threshold"]

    assert kept.state == "kept"
    assert kept.why == "params.threshold[0] is 50, elkmon's is 1"
    assert threshold_when_kept == [50]
    assert overwritten.state == "changed"
    assert threshold_after == [1]
    assert states(provision()) == {"same"}


def test_a_rule_that_elkmon_changed_is_created_again_and_stays_disabled(
    provision, target, client, monkeypatch
):
    title = f"rule {target.prefix}: no predictions"
    path = provision()[title].path
    with client() as kibana:
        kibana.request("POST", f"{path}/_disable", None, "switch it off")
        monkeypatch.setattr(rules_module, "_INTERVAL", "1h")

        steps = provision()

        rule = kibana.get(path, "look")
    assert steps[title].state == "changed"
    assert (rule["schedule"]["interval"], rule["enabled"], rule["revision"]) == ("1h", False, 0)
    assert states(provision()) == {"same"}


def test_two_spaces_have_their_own_objects(provision, target, client):
    first, second = provision(), provision(space=f"{target.space}-2")

    assert states(first) == states(second) == {"new"}
    assert states(provision()) == {"same"}
    with client(f"{target.space}-2") as kibana:
        identifier = f"{target.prefix}-overview-{target.space}-2"
        dashboard = dashboard_in(kibana, identifier)
    assert f"#/view/{identifier}" in dashboard["attributes"]["description"]
    view = f"{target.prefix}-predictions-{target.space}-2"
    assert view in {entry["id"] for entry in dashboard["references"]}


def test_removing_removes_everything_of_elkmon_and_nothing_else(provision, objects, target, client):
    provision()
    other = {**objects[1], "id": f"{target.prefix}-mine", "references": []}
    with client() as kibana:
        kibana.upload([other])

        dry_run = remove(kibana, target.prefix, objects, dry_run=True)
        first = remove(kibana, target.prefix, objects, dry_run=False)
        untouched = dashboard_in(kibana, other["id"])
        second = remove(kibana, target.prefix, objects, dry_run=False)

    assert dry_run == first
    assert len(first[0]) == 10
    assert "everything else in it" in first[1][0]
    assert untouched["attributes"]["title"] == "Overview"
    assert second == ([], [])


def test_objects_that_people_tagged_stay_and_so_does_the_tag(objects, target, client):
    with client() as kibana:
        tag = with_marks(objects, target.prefix, target.space)[0]
        reference = {"type": "tag", "id": tag["id"], "name": f"tag-ref-{tag['id']}"}
        other = {**objects[1], "id": f"{target.prefix}-mine", "references": [reference]}
        make_space(kibana)
        kibana.upload([tag, *with_marks(objects, target.prefix, target.space)[1:], other])

        removed, remaining = remove(kibana, target.prefix, objects, dry_run=False)
        untouched = dashboard_in(kibana, other["id"])

    assert removed == [f"data view {target.prefix}-prediction-*", "dashboard Overview"]
    assert remaining[0] == (
        f"dashboard Overview: it has the tag {target.prefix}, but does not come from elkmon"
    )
    assert untouched["references"] == [reference]


def test_an_export_can_be_imported(provision, objects, target, client):
    provision()
    with client() as kibana:
        exported = export(kibana, target.prefix, objects)
        result = kibana.upload(exported)

    assert {item["type"] for item in exported} == {"tag", "dashboard", "index-pattern"}
    assert result["success"]
    assert result["successCount"] == 3
    assert provision()["dashboard Overview"].state == "kept"  # its owner is who imported it


def test_an_export_of_an_empty_space_is_refused(objects, target, client):
    with (
        client("default") as kibana,
        pytest.raises(ProvisionError, match="the space default has no objects of elkmon"),
    ):
        export(kibana, target.prefix, objects)


def test_objects_that_kibana_refuses_are_listed_with_the_number_imported(provision, objects):
    view, dashboard = objects
    missing = {"type": "index-pattern", "id": "nowhere", "name": "kibanaSavedObjectMeta.index"}

    with pytest.raises(ProvisionError) as caught:
        provision([view, {**dashboard, "references": [missing]}])

    assert "Kibana took 2 of 3 saved objects" in str(caught.value)
    assert "dashboard Overview: it refers to index-pattern nowhere, which does not exist" in str(
        caught.value
    )
