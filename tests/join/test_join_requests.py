"""Which requests the join repeats; faults are put into a real client's answers."""

import pytest
from elastic_transport import ApiResponseMeta, ConnectionTimeout, HttpHeaders, NodeConfig, TlsError
from elasticsearch import ApiError
from elasticsearch.exceptions import ConnectionError as Unreachable

from elkmon.events.errors import StoreError
from elkmon.join.requests import complete, retry
from tests.support.label_joins import Cluster, Hooked, label, prediction


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """Do not wait; return the list of waits."""
    waits = []
    monkeypatch.setattr("elkmon.join.requests.time.sleep", waits.append)
    return waits


def answered(status):
    node = NodeConfig("http", "localhost", 9200)
    return ApiError("", ApiResponseMeta(status, "1.1", HttpHeaders(), 0.0, node), {})


def failing(*errors):
    left = list(errors)

    def call():
        if left:
            raise left.pop(0)
        return "answer"

    return call


@pytest.mark.parametrize("error", [Unreachable("x"), ConnectionTimeout("x"), answered(503)])
def test_what_may_pass_is_asked_again(error, waits):
    assert retry(failing(error, error)) == "answer"
    assert len(waits) == 2


@pytest.mark.parametrize("error", [TlsError("x"), answered(403)])
def test_what_does_not_pass_is_raised_at_once(error, waits):
    with pytest.raises(type(error)):
        retry(failing(error))
    assert waits == []


def test_patience_has_an_end(waits):
    with pytest.raises(Unreachable):
        retry(failing(*[Unreachable("x")] * 100))
    assert len(waits) < 10


@pytest.mark.parametrize("shards", [{"failed": 1, "total": 3}, {"failed": 0, "total": 3}])
def test_a_part_of_an_answer_is_none(shards):
    with pytest.raises(StoreError, match="of 3 did not answer"):
        complete({"_shards": shards, "timed_out": not shards["failed"]})


@pytest.fixture
def cluster(installed, prefix, server_new):
    cluster = Cluster(installed(server_new), prefix)
    cluster.load(prediction("1"), label("l1", "1"))
    cluster.seen()
    return cluster


class Busy:
    """A client some of whose bulks have every item refused."""

    def __init__(self, client, status, times, first=0):
        self._client = client
        self._status = status
        self._refused = range(first, first + times)
        self._count = -1

    def __getattr__(self, name):
        return getattr(self._client, name)

    def bulk(self, *, operations, **options):
        self._count += 1
        if self._count not in self._refused:
            return self._client.bulk(operations=operations, **options)
        error = {"type": "es_rejected_execution_exception", "reason": "full"}
        item = {"update": {"status": self._status, "error": error}}
        return {"items": [item] * (len(operations) // 2)}


@pytest.mark.parametrize("first", [0, 1], ids=["predictions", "marks"])
def test_what_a_busy_cluster_refuses_is_written_again(cluster, first, waits):
    report = cluster.join(Busy(cluster.client, 429, times=2, first=first))

    assert (report.joined, report.left) == (1, 0)
    assert waits
    assert cluster.states() == {"l1": "joined"}


def test_what_a_busy_cluster_refuses_for_too_long_is_left(cluster):
    report = cluster.join(Busy(cluster.client, 429, times=100))

    assert (report.joined, report.left) == (0, 1)
    assert report.reasons == {"the cluster is too busy": 1}
    assert cluster.join().joined == 1


def test_a_mark_that_is_refused_leaves_the_label(cluster):
    report = cluster.join(Busy(cluster.client, 400, times=1, first=1))

    assert (report.joined, report.left, report.written) == (0, 1, 1)
    again = cluster.join()
    assert (again.joined, again.written) == (1, 0)


def test_an_answer_that_is_lost_changes_nothing(cluster):
    lost = [Unreachable("x")]

    def lose():
        raise lost.pop()

    report = cluster.join(Hooked(cluster.client, "bulk", behind=lose))

    assert (report.joined, report.left) == (1, 0)
    assert cluster.states() == {"l1": "joined"}
