"""The events of a folder, put on a cluster by ship and join, or quickly as these leave them."""

import uuid
from contextlib import closing, contextmanager

from click.testing import CliRunner
from elasticsearch import Elasticsearch, helpers

from elkmon.cli import main
from elkmon.cluster.asset_requests import put, remove
from elkmon.cluster.templates import Layout, assets
from elkmon.events.datasets import DATASETS, LABEL, PREDICTION
from elkmon.events.ids import kept
from elkmon.stores.elastic.indices import index_of
from elkmon.stores.local.store import LocalStore
from elkmon.stores.protocol import Filter

EVERYTHING = 10**6


@contextmanager
def prepared(server, **layout):
    """Give a client and a prefix with its templates, for longer than one test."""
    prefix = f"t{uuid.uuid4().hex[:12]}"
    made = assets(prefix, Layout(**{"replicas": 0, **layout}), lifecycle=False)
    with closing(Elasticsearch(server.url)) as client:
        for asset in made:
            put(client, asset)
        yield client, prefix
        clear(client, prefix)
        for asset in reversed(made):
            remove(client, asset.kind, asset.name)


def clear(client, prefix):
    """Remove all indices of a prefix."""
    names = list(client.indices.get(index=f"{prefix}-*", expand_wildcards="all"))
    if names:
        client.indices.delete(index=names)


def load(folder, client, prefix):
    """Put everything on a cluster, labels joined; each event once, as a bulk of creates would.

    The local store reads the predictions, and so joins them by the same ``merge``.
    """
    with closing(LocalStore(folder)) as store:
        events = {
            each: list(store.events(each, where=Filter(), limit=EVERYTHING, newest_first=False))
            for each in DATASETS
        }
    predictions = {_key(event) for event in events[PREDICTION]}
    rates = {}
    for event in events[PREDICTION]:
        rate = event["ml"].get("sample", {}).get("rate")
        model = _key(event)[0]
        if rate is not None:
            rates[model] = min(rate, rates.get(model, rate))
    for event in events[LABEL]:
        event["ml"]["join"] = {"state": _state(_key(event), predictions, rates)}
    index(client, prefix, (event for each in events.values() for event in each))


def index(client, prefix, events):
    """Create documents, and make them visible."""
    actions = [
        {
            "_op_type": "create",
            "_index": index_of(prefix, event["event"]["dataset"], event["@timestamp"]),
            "_id": event["event"]["id"],
            "_source": event,
        }
        for event in events
    ]
    helpers.bulk(client, actions, refresh=True, chunk_size=2000)


def send(folder, server, client, prefix):
    """Bring a folder to a cluster as people do: ``elkmon ship``, then ``elkmon join``."""
    runner = CliRunner(env={"ELKMON_INDEX_PREFIX": prefix})
    for command in (
        ["ship", "--store", folder, "--to", server.url, "--allow-old"],
        ["join", "--store", server.url, "--retention", 36_500],
    ):
        client.indices.refresh(index=f"{prefix}-*")
        done = runner.invoke(main, [str(each) for each in command], catch_exceptions=False)
        assert done.exit_code == 0, done.output
    client.indices.refresh(index=f"{prefix}-*")


def _key(event):
    ml = event.get("ml", {})
    return ml.get("model", {}).get("name"), ml.get("prediction", {}).get("id")


def _state(key, predictions, rates):
    if key[1] is not None and key in predictions:
        return "joined"
    rate = rates.get(key[0])
    return "orphan" if rate is None or key[1] is None or kept(key[1], rate) else "sampled_out"
