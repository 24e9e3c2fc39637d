"""Provisioning a space of Kibana: what it puts there, when it does not, and what it takes out."""

from contextlib import contextmanager

import pytest

from elkmon.events.errors import ProvisionError
from elkmon.kibana import rules as module
from elkmon.kibana.provisioning import apply, export, plan, take_out
from elkmon.kibana.saved import marked

VERSION = "8.12.2"


@pytest.fixture
def provision(place, objects):
    """A function that provisions the test's space, and gives what each thing was found to be."""

    def run(wanted=objects, *, space=None, overwrite=False, dry_run=False):
        with place.kibana(space) as kibana:
            planned = plan(kibana, VERSION, place.prefix, wanted, overwrite=overwrite)
            if not dry_run:
                apply(kibana, planned, lambda *_: None)
            return {step.title: step for step in planned.steps}

    return run


@pytest.fixture
def asking(place):
    """A function that gives a client of the test's space, and closes it."""

    @contextmanager
    def ask(space=None):
        with place.kibana(space) as kibana:
            yield kibana

    return ask


def states(steps):
    return {step.state for step in steps.values()}


def board_of(kibana, identifier):
    asked = [{"type": "dashboard", "id": identifier}]
    return kibana.ask("POST", "/api/saved_objects/_bulk_get", asked, "look")["saved_objects"][0]


def make_space(kibana):
    body = {"id": kibana.space, "name": kibana.space}
    kibana.ask("POST", "/api/spaces/space", body, "make a space")


def save_by_hand(kibana, identifier, **attributes):
    """Do to a dashboard what Kibana's own page does: it names references as it pleases."""
    there = board_of(kibana, identifier)
    references = [
        {**each, "name": f"tag-ref-{each['id']}"} if each["type"] == "tag" else each
        for each in there["references"]
    ]
    body = {
        "type": "dashboard",
        "id": identifier,
        "attributes": {**there["attributes"], **attributes},
        "references": references,
    }
    assert kibana.upload([body])["success"]


def test_all_is_put_there_once(provision, place):
    first, second = provision(), provision()

    assert states(first) == {"new"}
    assert states(second) == {"same"}
    prefix = place.prefix
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


def test_a_dry_run_says_what_it_would_do_and_does_nothing(provision):
    dry = provision(dry_run=True)

    assert states(dry) == {"new"}
    assert states(provision(dry_run=True)) == {"new"}


def test_what_elkmon_changed_is_changed_and_nothing_else(provision, objects, place, asking):
    provision()
    view, board = objects
    other = {**board, "attributes": {**board["attributes"], "title": "Overview of all"}}

    found = provision([view, other])

    assert {name for name, step in found.items() if step.state == "changed"} == {
        "dashboard Overview of all"
    }
    with asking() as kibana:
        there = board_of(kibana, f"{place.prefix}-overview-{place.space}")
    assert there["attributes"]["title"] == "Overview of all"
    assert states(provision([view, other])) == {"same"}


def test_a_dashboard_that_was_saved_in_kibana_is_kept_unless_it_is_to_be_overwritten(
    provision, place, asking
):
    provision()
    identifier = f"{place.prefix}-overview-{place.space}"
    with asking() as kibana:
        save_by_hand(kibana, identifier, title="Mine")

        kept = provision()["dashboard Overview"]
        title_when_kept = board_of(kibana, identifier)["attributes"]["title"]
        overwritten = provision(overwrite=True)["dashboard Overview"]
        title_after = board_of(kibana, identifier)["attributes"]["title"]

    assert kept.state == "kept"
    assert "saved in Kibana" in kept.why
    assert title_when_kept == "Mine"
    assert overwritten.state == "changed"
    assert title_after == "Overview"
    assert states(provision()) == {"same"}


def test_a_threshold_that_was_changed_in_kibana_is_kept_and_named(provision, place, asking):
    title = f"rule {place.prefix}: no predictions"
    first = provision()[title]
    with asking() as kibana:
        body = {**first.body, "params": {**first.body["params"], "threshold": [50]}}
        for name in ("consumer", "rule_type_id"):
            del body[name]
        kibana.ask("PUT", first.path, body, "change the threshold")

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


def test_a_rule_that_elkmon_changed_is_made_anew_and_stays_switched_off(
    provision, place, asking, monkeypatch
):
    title = f"rule {place.prefix}: no predictions"
    path = provision()[title].path
    with asking() as kibana:
        kibana.ask("POST", f"{path}/_disable", None, "switch it off")
        monkeypatch.setattr(module, "_EVERY", "1h")

        found = provision()

        there = kibana.get(path, "look")
    assert found[title].state == "changed"
    assert (there["schedule"]["interval"], there["enabled"], there["revision"]) == ("1h", False, 0)
    assert states(provision()) == {"same"}


def test_two_spaces_have_their_own_of_everything(provision, place, asking):
    first, second = provision(), provision(space=f"{place.space}-2")

    assert states(first) == states(second) == {"new"}
    assert states(provision()) == {"same"}
    with asking(f"{place.space}-2") as kibana:
        identifier = f"{place.prefix}-overview-{place.space}-2"
        board = board_of(kibana, identifier)
    assert f"#/view/{identifier}" in board["attributes"]["description"]
    assert f"{place.prefix}-predictions-{place.space}-2" in {r["id"] for r in board["references"]}


def test_removing_takes_out_all_of_it_and_nothing_of_others(provision, objects, place, asking):
    provision()
    other = {**objects[1], "id": f"{place.prefix}-mine", "references": []}
    with asking() as kibana:
        kibana.upload([other])

        dry = take_out(kibana, place.prefix, objects, dry_run=True)
        wet = take_out(kibana, place.prefix, objects, dry_run=False)
        left = board_of(kibana, other["id"])
        again = take_out(kibana, place.prefix, objects, dry_run=False)

    assert dry == wet
    assert len(wet[0]) == 10
    assert "all else in it" in wet[1][0]
    assert left["attributes"]["title"] == "Overview"
    assert again == ([], [])


def test_what_people_tagged_themselves_stays_and_so_does_the_tag(objects, place, asking):
    with asking() as kibana:
        tag = marked(objects, place.prefix, place.space)[0]
        reference = {"type": "tag", "id": tag["id"], "name": f"tag-ref-{tag['id']}"}
        other = {**objects[1], "id": f"{place.prefix}-mine", "references": [reference]}
        make_space(kibana)
        kibana.upload([tag, *marked(objects, place.prefix, place.space)[1:], other])

        gone, stays = take_out(kibana, place.prefix, objects, dry_run=False)
        left = board_of(kibana, other["id"])

    assert gone == [f"data view {place.prefix}-prediction-*", "dashboard Overview"]
    assert stays[0] == f"dashboard Overview: it bears the tag {place.prefix}, but is not elkmon's"
    assert left["references"] == [reference]


def test_an_export_can_be_imported(provision, objects, place, asking):
    provision()
    with asking() as kibana:
        found = export(kibana, place.prefix, objects)
        account = kibana.upload(found)

    assert {each["type"] for each in found} == {"tag", "dashboard", "index-pattern"}
    assert account["success"]
    assert account["successCount"] == 3
    assert provision()["dashboard Overview"].state == "kept"  # its owner is who imported it


def test_an_export_of_nothing_says_so(objects, place, asking):
    with (
        asking("default") as kibana,
        pytest.raises(ProvisionError, match="nothing of elkmon's is in the space default"),
    ):
        export(kibana, place.prefix, objects)


def test_what_kibana_does_not_take_is_named_with_what_it_took(provision, objects):
    view, board = objects
    lost = {"type": "index-pattern", "id": "nowhere", "name": "kibanaSavedObjectMeta.index"}

    with pytest.raises(ProvisionError) as caught:
        provision([view, {**board, "references": [lost]}])

    assert "Kibana took 2 of 3 saved objects" in str(caught.value)
    assert "dashboard Overview: it refers to index-pattern nowhere, which is not there" in str(
        caught.value
    )
