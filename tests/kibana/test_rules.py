"""The alert rules: whose they are, what they ask, and when they fire on a real stack."""

import os
import time
import uuid
from contextlib import closing
from datetime import datetime, timedelta, timezone

import pytest
from elasticsearch import helpers

from elkmon.cluster import setup
from elkmon.kibana.provisioning import apply, plan, take_out
from elkmon.kibana.rules import connectors, rules
from elkmon.stores.elastic.connect import connect

_CLUSTER = os.environ.get("ELKMON_TEST_ES_URL")
NOW = datetime.now(timezone.utc)


def test_each_prefix_and_space_has_identifiers_of_its_own_and_they_never_change():
    def identifiers(prefix, space):
        return [each.id for each in (*rules(prefix, space, "view"), *connectors(prefix, space))]

    places = (("elkmon", "default"), ("elkmon", "models"), ("other", "default"))
    all_of_them = [each for place in places for each in identifiers(*place)]

    assert len(set(all_of_them)) == len(all_of_them) == 3 * 7
    assert all(uuid.UUID(each) for each in all_of_them)
    assert identifiers("elkmon", "default")[0] == "11ba128a-dd19-5124-b0a2-1be339fd0da9"


def test_rules_look_at_the_indices_of_their_prefix():
    params = {each.name: each.params for each in rules("mine", "default", "view")}

    assert [params[f"mine: {name}"]["index"] for name in (
        "no predictions", "label backlog", "dead letters",
    )] == [["mine-prediction-*"], ["mine-label-*"], ["mine-deadletter-*"]]  # fmt: skip
    assert params["mine: failure rate"]["searchConfiguration"]["index"] == "view"


def test_no_event_goes_with_an_alert_and_no_connector_needs_a_paid_licence():
    to = connectors("elkmon", "default")

    assert {each.kind for each in to} == {".server-log", ".index"}
    for rule in rules("elkmon", "default", "view"):
        assert rule.params.get("size", 0) == 0
        assert "{{context.hits}}" not in str(rule.body("fired", to))


@pytest.fixture
def cluster(place):
    """The real stack's Elasticsearch, with templates of the test's prefix; all goes afterwards."""
    with closing(connect(_CLUSTER, place.access)) as client:
        setup.apply(client, setup.plan(client, place.prefix, replicas=0))
        yield client
        names = list(client.indices.get(index=f"{place.prefix}-*", expand_wildcards="all"))
        if names:
            client.indices.delete(index=names)
        setup.take_out(client, place.prefix, dry_run=False)


def predictions(model, count, *, failed=0, wrong=0, right=0):
    """Give predictions of half an hour ago."""
    for number in range(count):
        outcome = "failure" if number < failed else "success"
        ml = {"model": {"name": model}, "sample": {"rate": 1.0, "weight": 1.0}}
        if failed <= number < failed + wrong + right:
            ml["eval"] = {"outcome": "wrong" if number < failed + wrong else "correct"}
        yield event("prediction", timedelta(minutes=30), event={"outcome": outcome}, ml=ml)


def event(dataset, age, **fields):
    at = (NOW - age).isoformat(timespec="milliseconds")
    mine = {"dataset": f"elkmon.{dataset}", "created": at, **fields.pop("event", {})}
    return {"@timestamp": at, "event": mine, **fields}


def index(client, prefix, events):
    helpers.bulk(
        client,
        [
            {
                "_index": f"{prefix}-{each['event']['dataset'].removeprefix('elkmon.')}-2026.11.01",
                "_op_type": "create",
                **each,
            }
            for each in events
        ],
        refresh=True,
    )


@pytest.mark.kibana
@pytest.mark.stack
@pytest.mark.parametrize("place", ["real"], indirect=True)
def test_rules_fire_for_the_models_and_states_that_they_are_about(place, objects, cluster):
    index(cluster, place.prefix, [
        *predictions("fails", 200, failed=20),
        *predictions("fails, but seldom asked", 50, failed=20),
        *predictions("errs", 200, wrong=30, right=90),
        *predictions("errs, but hardly labelled", 1000, wrong=100, right=10),
        *predictions("fine", 200, failed=2, wrong=5, right=150),
        event("label", timedelta(hours=2)),
        event("label", timedelta(hours=2), ml={"join": {"state": "joined"}}),
        event("deadletter", timedelta(minutes=5)),
    ])  # fmt: skip
    with place.kibana() as kibana:
        apply(
            kibana,
            plan(kibana, "8.12.2", place.prefix, objects, overwrite=False),
            lambda *_: None,
        )

        told = alerts(cluster, f"{place.prefix}-alerts", count=4)
        found = kibana.ask("GET", "/api/alerting/rules/_find?per_page=20", None, "look")["data"]
        take_out(kibana, place.prefix, objects, dry_run=False)

    assert told == {
        ("failure rate", "fails", "0.1,200"),
        ("error rate at enough coverage", "errs", "0.25,120,0.6"),
        ("label backlog", "query matched", "1"),
        ("dead letters", "query matched", "1"),
    }
    assert {each["name"]: each["execution_status"]["status"] for each in found} == {
        f"{place.prefix}: {name}": "ok" if name == "no predictions" else "active"
        for name in (
            *("failure rate", "error rate at enough coverage"),
            *("no predictions", "label backlog", "dead letters"),
        )
    }


def alerts(cluster, index, count):
    """Wait until there are so many alerts; give rule, alert and value of all."""
    for _ in range(240):
        cluster.indices.refresh(index=index, ignore_unavailable=True)
        hits = cluster.search(index=index, size=50, ignore_unavailable=True)["hits"]["hits"]
        if len(hits) >= count:
            break
        time.sleep(0.25)
    return {
        (told["rule"]["name"].split(": ")[1], told["alert"]["id"], told["alert"]["value"])
        for told in (each["_source"] for each in hits)
    }
