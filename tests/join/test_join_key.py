"""The worker's key is enough to join, and the others are not."""

from contextlib import closing

import pytest
from elasticsearch import AuthorizationException, Elasticsearch

from elkmon.cluster.keys import make_keys, revoke
from tests.support.label_joins import Cluster, label, prediction


@pytest.fixture
def cluster(installed, prefix, server_secured):
    cluster = Cluster(installed(server_secured), prefix)
    yield cluster
    revoke(cluster.client, prefix, dry_run=False)


def test_the_workers_key_joins_and_no_other_does(cluster, prefix, server_secured):
    cluster.load(prediction("1", at="2026-10-02T00:00:00.000Z"), label("l1", "1"), label("l2", "2"))
    cluster.seen()
    keys = make_keys(cluster.client, prefix)
    clients = {
        job: Elasticsearch(server_secured.url, ca_certs=server_secured.ca, api_key=key)
        for job, key in keys.items()
    }
    with closing(clients["writer"]), closing(clients["reader"]), closing(clients["worker"]):
        for job in ("writer", "reader"):
            with pytest.raises(AuthorizationException):
                cluster.join(clients[job])

        report = cluster.join(clients["worker"])
        cluster.load(prediction("1"), prediction("2"))
        cluster.later(minutes=5)
        later = cluster.join(clients["worker"])

    assert (report.joined, report.orphans) == (1, 1)
    assert later.late == 2
    assert cluster.states() == {"l1": "joined", "l2": "joined"}
