"""The alert rules: identifiers, queries, and when they fire on a real stack."""

import os
import time
import uuid
from contextlib import closing
from datetime import datetime, timedelta, timezone

import pytest
from elasticsearch import helpers

from elkmon.cluster import setup
from elkmon.kibana.provisioning import apply, plan, remove
from elkmon.kibana.rules import connectors, rules
from elkmon.stores.elastic.connect import connect

_CLUSTER = os.environ.get("ELKMON_TEST_ES_URL")
NOW = datetime.now(timezone.utc)


def test_each_prefix_and_space_has_identifiers_of_its_own_and_they_never_change():
    def identifiers(prefix, space):
        return [item.id for item in (*rules(prefix, space, "view"), *connectors(prefix, space))]

    spaces = (("elkmon", "default"), ("elkmon", "models"), ("other", "default"))
    ids = [item for space in spaces for item in identifiers(*space)]

    assert len(set(ids)) == len(ids) == 3 * 7
    assert all(uuid.UUID(item) for item in ids)
    assert identifiers("elkmon", "default")[0] == "11ba128a-dd19-5124-b0a2-1be339fd0da9"


def test_rules_query_the_indices_of_their_prefix():
    params = {rule.name: rule.params for rule in rules("mine", "default", "view")}

    assert [params[f"mine: {name}"]["index"] for name in (
        "no predictions", "label backlog", "dead letters",
    )] == [["mine-prediction-*"], ["mine-label-*"], ["mine-deadletter-*"]]  # fmt: skip
    assert params["mine: failure rate"]["searchConfiguration"]["index"] == "view"


def test_alerts_contain_no_event_and_no_connector_needs_a_paid_licence():
    targets = connectors("elkmon", "default")

    assert {target.kind for target in targets} == {".server-log", ".index"}
    for rule in rules("elkmon", "default", "view"):
        assert rule.params.get("size", 0) == 0
        assert "{{context.hits}}" not in str(rule.body("fired", targets))


@pytest.fixture
def cluster(target):
    """The real stack's Elasticsearch with the test's templates; all is removed afterwards."""
    with closing(connect(_CLUSTER, target.access)) as client:
        setup.apply(client, setup.plan(client, target.prefix, replicas=0))
        yield client
        names = list(client.indices.get(index=f"{target.prefix}-*", expand_wildcards="all"))
        if names:
            client.indices.delete(index=names)
        setup.uninstall(client, target.prefix, dry_run=False)


def predictions(model, count, *, failed=0, wrong=0, right=0):
    """Yield predictions of half an hour ago."""
    for number in range(count):
        outcome = "failure" if number < failed else "success"
        ml = {"model": {"name": model}, "sample": {"rate": 1.0, "weight": 1.0}}
        if failed <= number < failed + wrong + right:
            ml["eval"] = {"outcome": "wrong" if number < failed + wrong else "correct"}
        yield event("prediction", timedelta(minutes=30), event={"outcome": outcome}, ml=ml)


def event(dataset, age, **fields):
    at = (NOW - age).isoformat(timespec="milliseconds")
    meta = {"dataset": f"elkmon.{dataset}", "created": at, **fields.pop("event", {})}
    return {"@timestamp": at, "event": meta, **fields}


def index(client, prefix, events):
    helpers.bulk(
        client,
        [
            {
                "_index": f"{prefix}-{item['event']['dataset'].removeprefix('elkmon.')}-2026.11.01",
                "_op_type": "create",
                **item,
            }
            for item in events
        ],
        refresh=True,
    )


@pytest.mark.kibana
@pytest.mark.stack
@pytest.mark.parametrize("target", ["real"], indirect=True)
def test_rules_fire_for_the_right_models_and_states(target, objects, cluster):
    index(cluster, target.prefix, [
        *predictions("fails", 200, failed=20),
        *predictions("fails, but seldom asked", 50, failed=20),
        *predictions("errs", 200, wrong=30, right=90),
        *predictions("errs, but hardly labelled", 1000, wrong=100, right=10),
        *predictions("fine", 200, failed=2, wrong=5, right=150),
        event("label", timedelta(hours=2)),
        event("label", timedelta(hours=2), ml={"join": {"state": "joined"}}),
        event("deadletter", timedelta(minutes=5)),
    ])  # fmt: skip
    with target.kibana() as kibana:
        apply(
            kibana,
            plan(kibana, "8.12.2", target.prefix, objects, overwrite=False),
            lambda *_: None,
        )

        fired = alerts(cluster, f"{target.prefix}-alerts", count=4)
        states = kibana.request("GET", "/api/alerting/rules/_find?per_page=20", None, "look")[
            "data"
        ]
        remove(kibana, target.prefix, objects, dry_run=False)

    assert fired == {
        ("failure rate", "fails", "0.1,200"),
        ("error rate at enough coverage", "errs", "0.25,120,0.6"),
        ("label backlog", "query matched", "1"),
        ("dead letters", "query matched", "1"),
    }
    assert {rule["name"]: rule["execution_status"]["status"] for rule in states} == {
        f"{target.prefix}: {name}": "ok" if name == "no predictions" else "active"
        for name in (
            *("failure rate", "error rate at enough coverage"),
            *("no predictions", "label backlog", "dead letters"),
        )
    }


def alerts(cluster, index, count):
    """Wait until there are so many alerts; return rule, alert and value of each."""
    for _ in range(240):
        cluster.indices.refresh(index=index, ignore_unavailable=True)
        hits = cluster.search(index=index, size=50, ignore_unavailable=True)["hits"]["hits"]
        if len(hits) >= count:
            break
        time.sleep(0.25)
    return {
        (doc["rule"]["name"].split(": ")[1], doc["alert"]["id"], doc["alert"]["value"])
        for doc in (hit["_source"] for hit in hits)
    }
