"""Logstash's http input as a destination: what it is sent, and what becomes of its answers."""

from threading import Event

import orjson
import pytest

from elkmon.events.cluster_settings import Access
from elkmon.events.errors import StoreError
from tests.support.bulk_proxy import Proxy
from tests.support.shipping import dead_letters, figures, line, many, ship, write

OK = (200, "ok")


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "spool", "a.ndjson", *many(500, width=3000))
    return tmp_path / "spool"


@pytest.fixture
def logstash():
    """A server that answers like the http input; it takes everything."""
    with Proxy("http://localhost:9", lambda _request: OK) as proxy:
        yield proxy


def through(folder, logstash, **options):
    return ship(folder, logstash.url, "elkmon", via="logstash", **options)


def test_events_are_sent_as_arrays_of_their_lines(logstash, folder):
    write(folder, "b.ndjson", odd := line("odd", message="\u2028 ü"))

    run = through(folder, logstash)

    assert figures(run) == (501, 501, 0, 0)
    assert all(request.compressed for request in logstash.requests)
    assert len(logstash.requests) > 1
    lines = [text for request in logstash.requests for text in request.lines]
    assert len(lines) == len(logstash.requests)
    assert sum(len(orjson.loads(text)) for text in lines) == 501
    assert odd in b"".join(lines)


def test_a_backlog_is_waited_for(logstash, folder):
    answers = [429, 429, 503] * 3
    logstash.fault = lambda _request: answers.pop() if answers else OK

    run = through(folder, logstash)

    assert figures(run) == (500, 500, 0, 0)
    assert run.printed("Logstash answers")


def test_what_is_refused_is_found(logstash, folder):
    def refuses(request):
        return 413 if request.size > 100_000 else 400 if b"e0000123" in request.lines[0] else OK

    logstash.fault = refuses

    run = through(folder, logstash)

    assert figures(run) == (500, 499, 0, 1)
    assert b"e0000123" in dead_letters(folder)[0]["raw"].encode()


@pytest.mark.parametrize(("status", "words"), [(401, "ELKMON_USERNAME"), (404, "http input")])
def test_what_waiting_does_not_help_ends_it(logstash, folder, status, words):
    logstash.fault = lambda _request: status

    with pytest.raises(StoreError, match=words):
        through(folder, logstash)


def test_a_users_name_is_sent_and_an_api_key_is_not(logstash, folder):
    seen = []
    logstash.fault = lambda request: seen.append(request.authorization) or OK

    through(folder, logstash, access=Access(username="shipper", password="of-shipper"))  # noqa: S106
    write(folder, "b.ndjson", line("b"))
    through(folder, logstash, access=Access(api_key="of-elasticsearch"))

    assert seen[0] == "Basic c2hpcHBlcjpvZi1zaGlwcGVy"
    assert seen[-1] is None


def test_one_request_may_take_as_long_as_the_settings_say(logstash, folder):
    over = Event()
    # without that setting, a request is waited for twice as long as this
    logstash.fault = lambda request: (over.wait(5) if request.number == 1 else None) or OK
    try:
        run = through(folder, logstash, access=Access(timeout=0.3))
    finally:
        over.set()

    assert figures(run) == (500, 500, 0, 0)
    assert run.printed("no answer in time")
