"""The Elasticsearch store beyond plain answers: pages, indices that are there or not, its notes."""

import pytest

from elkmon.cli import main
from elkmon.events.cluster_settings import Access
from elkmon.events.errors import QueryError, StoreError
from elkmon.events.times import from_iso
from elkmon.stores.elastic import cluster as cluster_module
from elkmon.stores.elastic import grouping
from elkmon.stores.elastic.store import ElasticStore
from elkmon.stores.protocol import Condition, Edges, FieldValue, Filter, Measure, TimeBucket
from tests.support.cluster_loading import index

COUNT = [Measure("count")]
ALL = Filter()


def prediction(number, at="2026-11-24T12:00:00.000Z", **ml):
    return {
        "@timestamp": at,
        "event": {
            "id": f"{number:032x}",
            "dataset": "elkmon.prediction",
            "outcome": "success",
            "created": at,
        },
        "ml": {"model": {"name": "fraud"}, "prediction": {"id": str(number)}, **ml},
    }


@pytest.fixture
def put(installed, prefix, server):
    """Put events on a server with templates; gives a store."""
    stores = []

    def of(*events):
        client = installed(server)
        index(client, prefix, events)
        store = ElasticStore(server.url, Access(prefix=prefix))
        stores.append(store)
        return store

    yield of
    for store in stores:
        store.close()


def ask(store, *by, measures=COUNT, where=ALL):
    return list(store.aggregate("elkmon.prediction", by=by, measures=measures, where=where).rows)


def test_no_index_is_an_empty_store(server, prefix):
    store = ElasticStore(server.url, Access(prefix=prefix))

    assert ask(store) == []
    assert ask(store, TimeBucket(1, "h"), Edges("ml.prediction.score", (0.0, 1.0))) == []
    assert list(store.events(None, where=ALL, limit=5000)) == []
    assert store.catalog().span is None
    assert store.examine() == []
    store.close()


def test_a_flattened_entry_is_counted_rightly_with_no_query_and_nothing_else_first(put):
    store = put(*(prediction(n, segment={"country": "fr" if n % 4 else "de"}) for n in range(8)))

    assert ask(store, FieldValue("ml.segment.country")) == [("de", 2), ("fr", 6)]


def test_an_event_without_a_time_is_in_no_window_and_counted_without_one(put):
    timeless = prediction(2)
    store = put(prediction(1), timeless)
    store.cluster.client.update(
        index=f"{store.cluster.prefix}-prediction-2026.11.01",
        id=timeless["event"]["id"],
        doc={"@timestamp": None},
        refresh=True,
    )
    hour = TimeBucket(1, "h")
    noon = from_iso("2026-11-24T12:00:00Z")
    fraud = Condition("ml.model.name", "=", ("fraud",))

    assert ask(store, hour, where=Filter(since=noon)) == [(noon, 1)]
    assert ask(store, hour, where=Filter(until=from_iso("2099-01-01"))) == [(noon, 1)]
    assert ask(store, hour, where=Filter(since=noon, conditions=(fraud,))) == [(noon, 1)]
    assert ask(store, hour, where=Filter(conditions=(fraud,))) == [(noon, 1), (None, 1)]
    assert ask(store, hour) == [(noon, 1)]


@pytest.mark.parametrize("edges", [(), (Edges("ml.prediction.value", (0.0, 2.0, 5.0)),)])
def test_pages_are_one_answer(put, monkeypatch, edges):
    events = [prediction(n, segment={"country": str(n % 7)}) for n in range(30)]
    for number, event in enumerate(events):
        event["ml"]["prediction"]["value"] = float(number % 6)
    store = put(*events)
    by = (FieldValue("ml.segment.country"), FieldValue("ml.prediction.id"), *edges)
    whole = ask(store, *by)

    monkeypatch.setattr(grouping, "_MOST", 18)

    assert ask(store, *by) == whole
    assert sum(row[-1] for row in whole) == 30


def test_what_comes_between_two_pages_is_not_in_the_answer(put, prefix, server, monkeypatch):
    store = put(*(prediction(number) for number in range(9)))
    monkeypatch.setattr(grouping, "_MOST", 2)
    search = store.cluster.search
    asked = []

    def slowly(names, body):
        answer = search(names, body)
        asked.append(names)
        if len(asked) == 2:  # the first page that is held
            index(store.cluster.client, prefix, [prediction(number) for number in range(9, 30)])
        return answer

    monkeypatch.setattr(store.cluster, "search", slowly)

    assert len(ask(store, FieldValue("ml.prediction.id"))) == 9
    assert len(asked) > 4


def test_events_come_page_by_page_and_only_as_they_are_asked_for(put, monkeypatch):
    store = put(*(prediction(number) for number in range(25)))
    monkeypatch.setattr(cluster_module, "_PAGE", 4)

    newest = [event["event"]["id"] for event in store.events(None, where=ALL, limit=22)]
    few = store.events("elkmon.prediction", where=ALL, limit=20, newest_first=False)

    assert newest == [f"{number:032x}" for number in range(24, 2, -1)]
    assert next(few)["ml"]["prediction"]["id"] == "0"
    few.close()


def test_numbers_of_any_size_come_back_as_they_were_written(put):
    event = prediction(1)
    event["labels"] = {"n": 2**70, "hits": {"hits": []}, "x": 0.1}
    store = put(event)

    (found,) = store.events(None, where=ALL, limit=10)

    assert found["labels"] == event["labels"]
    assert type(found["labels"]["n"]) is int


def test_only_the_months_of_a_window_are_asked(put):
    store = put(prediction(1, "2026-10-31T23:59:59.999Z"), prediction(2))
    window = Filter(from_iso("2026-11-01"), from_iso("2026-12-01T00:00:00.001Z"))

    names = store.cluster.names(["elkmon.prediction"], window).split(",")

    assert [name.rsplit("-", 1)[1] for name in names] == ["2026.11.01*", "2026.12.01*"]
    assert ask(store, where=window) == [(1,)]
    assert ask(store, where=Filter(from_iso("1900-01-01"), from_iso("2100-01-01"))) == [(2,)]


def test_a_closed_index_is_an_error_not_a_smaller_number(put, prefix):
    store = put(prediction(1, "2026-10-31T00:00:00.000Z"), prediction(2))
    store.cluster.client.indices.close(index=f"{prefix}-prediction-2026.10.01")

    with pytest.raises(StoreError, match="closed"):
        ask(store)


def test_more_than_a_server_takes_is_refused_in_words(put, monkeypatch):
    store = put(*(prediction(number) for number in range(3)))
    monkeypatch.setattr(grouping, "_MOST", 100_000)

    with pytest.raises(StoreError, match="cannot ask for events: it answers 400"):
        ask(store, FieldValue("ml.prediction.id"))


@pytest.mark.parametrize(
    ("by", "where"),
    [
        ([FieldValue("message")], ALL),
        ([FieldValue("ml.nothing")], ALL),
        ([], Filter(conditions=(Condition("message", "=", ("hi",)),))),
    ],
)
def test_what_no_store_answers_is_refused_before_anybody_is_asked(by, where):
    store = ElasticStore("http://localhost:9", Access())

    with pytest.raises(QueryError):
        store.aggregate("elkmon.prediction", by=by, measures=COUNT, where=where)


def test_what_cannot_be_asked_for_is_named(put):
    event = prediction(1, features={"number": {"n": "no number"}})
    event["ml"]["prediction"]["label"] = "x" * 2000
    store = put(event, prediction(2))

    (finding,) = [each for each in store.examine() if "cannot be asked" in each.what]

    assert finding.count == 1
    assert set(finding.places) == {"ml.prediction.label", "ml.features.number.n"}
    assert any("ml.features.number.n" in note for note in store.catalog().notes)


def test_an_index_made_without_templates_is_a_problem(server, prefix, installed):
    client = installed(server)
    client.indices.create(index=f"{prefix}-prediction-2020.01.01", mappings={"_meta": {}})
    client.indices.delete_index_template(name=f"{prefix}-prediction")
    index(client, prefix, [prediction(1)])
    store = ElasticStore(server.url, Access(prefix=prefix))

    with pytest.raises(StoreError, match="elkmon doctor"):
        ask(store, FieldValue("ml.model.name"))
    (finding,) = store.examine()
    store.close()

    assert (finding.level, finding.count) == ("problem", 1)
    assert finding.places == (f"{prefix}-prediction-2026.11.01",)
    assert "elkmon setup" in finding.advice


def test_labels_that_wait_are_counted(put):
    states = ({}, {"join": {"state": "pending"}}, {"join": {"state": "joined"}})
    labels = [prediction(number, **more) for number, more in enumerate(states)]
    for each in labels:
        each["event"]["dataset"] = "elkmon.label"
    store = put(*labels)

    catalog = store.catalog()
    assert (catalog.labels_waiting, [each.waiting for each in catalog.models]) == (2, [2])
    assert any("elkmon join" in finding.advice for finding in store.examine())


def test_orphans_are_told_with_the_next_look_and_those_given_up(put, capsys):
    soon, later = "2026-12-01T10:30:00.000Z", "2026-12-03T00:00:00.000Z"
    marks = (
        {"state": "orphan", "attempts": 3, "next_at": later},
        {"state": "orphan", "attempts": 1, "next_at": soon},
        {"state": "orphan", "attempts": 12, "next_at": None},
        {"state": "joined", "attempts": 1, "next_at": "2026-11-30T00:00:00.000Z"},
    )
    labels = [prediction(number, join=mark) for number, mark in enumerate(marks)]
    for each in labels:
        each["event"]["dataset"] = "elkmon.label"
    store = put(*labels, prediction(9))
    url = store.url

    (model,) = store.catalog().models
    (finding,) = [each for each in store.examine() if "not in the store" in each.what]
    for asked in (["labels", "--since", "2026-11-20", "--until", "2026-11-27"], ["doctor"]):
        main([*asked, "--store", url], standalone_mode=False)

    assert (model.orphans, model.given_up, model.next_look) == (3, 1, from_iso(soon))
    said = "looks at 2 of them again, the next at 2026-12-01 10:30 UTC; it has given up 1"
    assert said in finding.advice
    assert "".join(capsys.readouterr().out.split()).count("".join(said.split())) == 2
