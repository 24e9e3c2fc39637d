"""Why a cluster does not answer, in words that say what to do."""

import json
import socket
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from elastic_transport import ApiResponseMeta, HttpHeaders, NodeConfig
from elasticsearch import ApiError

from elkmon.events.cluster_settings import Access
from elkmon.events.errors import StoreError
from elkmon.stores.elastic import retry
from elkmon.stores.elastic.store import ElasticStore
from elkmon.stores.protocol import Filter, Measure
from tests.support import elasticsearch_servers as servers
from tests.support.clusters import client_of


def ask(url, **given):
    with closing(ElasticStore(url, Access(**given))) as store:
        return store.aggregate(
            "elkmon.prediction", by=[], measures=[Measure("count")], where=Filter()
        ).rows


def test_a_cluster_that_says_nothing_in_time():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"

        with pytest.raises(StoreError, match=r"no answer in time.*ELKMON_TIMEOUT gives it longer"):
            ask(url, timeout=0.2)


@contextmanager
def pretending(body, headers=(), status=200):
    """Answer every request with the same."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            data = json.dumps(body).encode()
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


ELASTIC = [("X-Elastic-Product", "Elasticsearch")]


def answer(failed, timed_out=False):
    shards = {"total": 2, "successful": 2 - failed, "skipped": 0, "failed": failed}
    return {"timed_out": timed_out, "_shards": shards, "hits": {"hits": []}}


def test_a_cluster_that_is_not_there():
    with pytest.raises(StoreError, match="cannot be reached"):
        ask("http://localhost:9")


def test_a_host_that_nobody_knows():
    with pytest.raises(StoreError, match=r"reached \([^()]*\([^()]*\)\); is it"):
        ask("http://nobody.invalid:9200")


def test_a_server_without_tls():
    with pretending({}) as url, pytest.raises(StoreError, match="is it http://"):
        ask(url.replace("http:", "https:"))


def test_a_server_with_tls(server_secured):
    with pytest.raises(StoreError, match=r"connection without response\).*is it https://"):
        ask(server_secured.url.replace("https:", "http:"))


def test_a_server_that_answers_with_a_page():
    with pretending("<p>no</p>", status=501) as url, pytest.raises(StoreError, match="or a proxy"):
        ask(url)


def test_another_product():
    with pretending({"hello": "world"}) as url, pytest.raises(StoreError, match="another product"):
        ask(url)


@pytest.mark.parametrize("given", [answer(1), answer(0, timed_out=True)])
def test_a_part_of_an_answer_is_none(given):
    with pretending(given, ELASTIC) as url, pytest.raises(StoreError, match="only a part"):
        ask(url)


def test_a_cluster_that_is_too_busy(monkeypatch):
    monkeypatch.setattr(retry, "_BASE", 0.0)
    body = {"error": {"type": "es_rejected_execution_exception", "reason": "queue"}, "status": 429}
    with (
        pretending(body, ELASTIC, 429) as url,
        pytest.raises(StoreError, match=r"too busy .*try again later \(it was asked 6 times\)"),
    ):
        ask(url)


@pytest.mark.parametrize("status", [429, 503])
def test_a_cluster_that_is_busy_for_a_moment_is_asked_again(monkeypatch, status):
    monkeypatch.setattr(retry, "_BASE", 0.0)
    asked = []

    def ask_once():
        asked.append(status)
        if len(asked) < 3:
            meta = ApiResponseMeta(
                status, "1.1", HttpHeaders(), 0.0, NodeConfig("http", "es", 9200)
            )
            raise ApiError("busy", meta, {})
        return "an answer"

    assert retry.patiently(ask_once, "http://es", "ask") == "an answer"
    assert len(asked) == 3


def test_no_credentials(server_secured):
    with pytest.raises(StoreError, match="ELKMON_API_KEY"):
        ask(server_secured.url, ca_file=server_secured.ca)


def test_a_certificate_that_nobody_vouches_for(server_secured):
    with pytest.raises(StoreError, match="ELKMON_CA_FILE"):
        ask(server_secured.url, username="elastic", password=servers.PASSWORD)


def test_credentials_that_may_not_read_are_no_empty_store(server_secured, prefix):
    with closing(client_of(server_secured)) as client:
        roles = {"other": {"index": [{"names": ["other-*"], "privileges": ["read"]}]}}
        key = client.security.create_api_key(name=prefix, role_descriptors=roles)["encoded"]

    with pytest.raises(StoreError, match=r"may not read .*privilege read"):
        ask(server_secured.url, ca_file=server_secured.ca, api_key=key, prefix=prefix)
    known = {"username": "elastic", "password": servers.PASSWORD, "prefix": prefix}
    assert ask(server_secured.url, ca_file=server_secured.ca, **known) == ()
