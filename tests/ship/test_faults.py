"""Whatever a destination does, each event is there once, and read = created + already + dead."""

import os
import signal
import socket
from datetime import datetime, timedelta, timezone
from pathlib import Path
from threading import Event, Thread

import pytest

from elkmon.cluster.asset_requests import put
from elkmon.cluster.templates import Layout, assets
from elkmon.events.cluster_settings import Access
from elkmon.events.errors import StoreError
from elkmon.ship import route as route_module
from elkmon.ship.admission import Admission
from elkmon.ship.deadletters import DeadLetters
from elkmon.ship.pace import Patience
from elkmon.ship.retry import retry
from elkmon.ship.route import Route, make_destination
from elkmon.stores.elastic.indices import index_of
from tests.support import elasticsearch_servers as servers
from tests.support.bulk_proxy import Proxy
from tests.support.clusters import KINDS, client_of
from tests.support.shipping import AT, dead_letters, figures, ids, line, many, ship, write

COUNT = 600


@pytest.fixture
def folder(tmp_path):
    """A spool of several files."""
    for number in range(3):
        write(tmp_path / "spool", f"{number}.ndjson", *many(COUNT // 3, number * COUNT // 3, 2000))
    return tmp_path / "spool"


def in_turn(*faults):
    """Apply each fault to one request, in this order; then let all requests through."""
    left = list(faults)
    return lambda _request: left.pop(0) if left else None


def assert_all_there(client, prefix, run, already=None):
    read, created, there, dead = figures(run)
    assert (read, dead) == (COUNT, 0)
    if already is not None:
        assert there == already
    assert ids(client, prefix) == [f"e{n:07d}" for n in range(COUNT)]
    assert created + there == COUNT


def test_a_connection_that_is_refused_is_waited_for(cluster, prefix, proxy, folder):
    proxy.stop()
    turns = []

    def draw():
        turns.append(1)
        if len(turns) == 5:
            proxy.start()
        return 0.01

    run = ship(folder, proxy.url, prefix, draw=draw)

    assert_all_there(cluster, prefix, run, already=0)
    assert run.printed("cannot be reached")


@pytest.mark.parametrize("fault", ["drop", "cut", "lose"])
def test_a_connection_that_is_reset_is_tried_again(cluster, prefix, proxy, folder, fault):
    proxy.fault = in_turn(fault, None, fault, fault)

    run = ship(folder, proxy.url, prefix)

    assert_all_there(cluster, prefix, run)
    assert (run.tally.already > 0) == (fault != "drop")


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_destination_that_is_busy_is_waited_for(cluster, prefix, proxy, folder, status):
    proxy.fault = in_turn(*[status] * 10)

    run = ship(folder, proxy.url, prefix)

    assert_all_there(cluster, prefix, run, already=0)
    assert run.printed("will try again")


def test_a_stall_ends_with_the_patience_for_one_request(cluster, prefix, proxy, folder):
    over = Event()

    def stall(request):
        if request.number <= 2:
            over.wait(30)

    proxy.fault = stall
    try:
        run = ship(folder, proxy.url, prefix, access=Access(prefix=prefix, timeout=0.5))
    finally:
        over.set()

    assert_all_there(cluster, prefix, run)
    assert run.printed("no answer in time")


def test_a_busy_destination_gets_less_at_a_time(cluster, prefix, proxy, folder):
    proxy.fault = in_turn(*[429] * 12)

    ship(folder, proxy.url, prefix)

    assert min(request.size for request in proxy.bulks()) < proxy.requests[0].size / 2


def test_a_mapping_conflict_is_a_dead_letter_and_the_others_are_there(
    cluster, prefix, proxy, folder
):
    bad = line("bad", message={"not": "a text"})
    write(folder, "1.ndjson", bad)

    run = ship(folder, proxy.url, prefix)

    assert figures(run) == (COUNT + 1, COUNT, 0, 1)
    (dead,) = dead_letters(folder)
    assert dead["raw"] == bad.decode()
    assert (dead["file"], dead["line"]) == ("1.ndjson", COUNT // 3 + 1)
    assert "400" in dead["reason"]
    with (folder / "1.ndjson").open("rb") as file:
        file.seek(dead["offset"])
        assert file.readline() == bad + b"\n"


def test_an_over_long_id_fails_a_bulk_and_is_found_in_it(cluster, prefix, proxy, folder):
    bad = line("x" * 513)
    write(folder, "1.ndjson", bad)

    run = ship(folder, proxy.url, prefix)

    assert figures(run) == (COUNT + 1, COUNT, 0, 1)
    (dead,) = dead_letters(folder)
    assert dead["raw"] == bad.decode()
    assert "512 bytes" in dead["reason"]
    assert ids(cluster, prefix) == [f"e{n:07d}" for n in range(COUNT)]


def test_what_is_too_large_is_sent_in_smaller_parts(cluster, prefix, proxy, folder):
    large = line("large", message="y" * 300_000)
    write(folder, "1.ndjson", large)
    limit = 200_000
    proxy.fault = lambda request: 413 if request.size > limit else None

    run = ship(folder, proxy.url, prefix)

    assert figures(run) == (COUNT + 1, COUNT, 0, 1)
    (dead,) = dead_letters(folder)
    assert dead["raw"] == large.decode()
    assert all(request.size <= limit for request in proxy.bulks())


def test_events_that_are_refused_for_now_are_sent_again(cluster, prefix, proxy, folder):
    def some_are_refused(request):
        if request.number > 3:
            return None
        busy = {"status": 429, "error": {"type": "es_rejected_execution_exception"}}
        items = [{"create": busy} for _ in request.lines[::2]]
        return (200, {"errors": True, "items": items})

    proxy.fault = some_are_refused

    run = ship(folder, proxy.url, prefix)

    assert_all_there(cluster, prefix, run)


def test_an_event_on_which_the_destination_fails_is_given_up_after_a_while(
    cluster, prefix, proxy, folder
):
    def fails(request):
        at = [n for n, body in enumerate(request.lines[1::2]) if b"e0000007" in body]
        if not at:
            return None
        error = {"status": 500, "error": {"type": "null_pointer_exception", "reason": "oh"}}
        items = [{"create": {"status": 429}} for _ in request.lines[::2]]
        items[at[0]] = {"create": error}
        return (200, {"errors": True, "items": items})

    proxy.fault = fails

    run = ship(folder, proxy.url, prefix)

    assert figures(run) == (COUNT, COUNT - 1, 0, 1)
    assert "8 times" in dead_letters(folder)[0]["reason"]


@pytest.mark.parametrize("block", ["write", "read_only_allow_delete"])
def test_an_index_that_takes_no_writes_is_waited_for(cluster, server_new, prefix, folder, block):
    index = index_of(prefix, "elkmon.log", AT)
    cluster.indices.create(index=index)
    cluster.indices.put_settings(index=index, settings={f"index.blocks.{block}": True})
    turns = []

    def draw():
        turns.append(1)
        if len(turns) == 6:
            cluster.indices.put_settings(index=index, settings={f"index.blocks.{block}": None})
        return 0.01

    run = ship(folder, server_new.url, prefix, draw=draw)

    assert_all_there(cluster, prefix, run, already=0)
    assert run.printed("cluster_block_exception")
    assert run.printed("blocked for writes")


def test_no_room_for_another_index_is_waited_for(cluster, prefix, proxy, folder):
    full = {
        "type": "validation_exception",
        "reason": "Validation Failed: 1: this action would add [2] shards, but this cluster "
        "currently has [1000]/[1000] maximum normal shards open;",
    }  # as 9.2.4 says it; its limit is the whole cluster's, which tests share

    def refuses(request):
        items = [{"create": {"status": 400, "error": full}} for _ in request.lines[::2]]
        return (200, {"errors": True, "items": items}) if request.number <= 5 else None

    proxy.fault = refuses

    run = ship(folder, proxy.url, prefix)

    assert_all_there(cluster, prefix, run, already=0)
    assert run.printed("no room for another index")


def test_patience_ends_and_nothing_is_lost(cluster, prefix, proxy, folder):
    proxy.fault = lambda request: 503 if request.number > 1 else None

    with pytest.raises(StoreError, match="gave up after"):
        ship(folder, proxy.url, prefix, limit=0.3)
    proxy.fault = lambda _request: None
    ship(folder, proxy.url, prefix)

    assert ids(cluster, prefix) == [f"e{n:07d}" for n in range(COUNT)]


def test_what_is_no_elasticsearch_is_said_to_be_none(prefix, folder):
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer():
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
                    b"content-length: 2\r\n\r\n{}"
                )

        Thread(target=answer, daemon=True).start()
        with pytest.raises(StoreError, match="not Elasticsearch"):
            ship(folder, f"http://127.0.0.1:{listening.getsockname()[1]}", prefix)


@pytest.mark.parametrize("wrong", [timedelta(days=-3), timedelta(days=500)])
def test_a_clock_that_is_wrong_makes_dead_letters_that_are_taken_when_it_is_right(
    cluster, prefix, proxy, folder, monkeypatch, wrong
):
    right = route_module.make_admission

    def now():
        return datetime.now(timezone.utc) + wrong

    def skewed(route, access):
        return Admission(access.prefix, retention=route.retention, allow_old=False, now=now)

    monkeypatch.setattr(route_module, "make_admission", skewed)
    run = ship(folder, proxy.url, prefix)
    assert figures(run) == (COUNT, 0, 0, COUNT)
    assert ids(cluster, prefix) == []

    route, access = Route(folder, proxy.url), Access(prefix=prefix)
    patience = Patience(Event(), lambda _sentence: None)
    tally = retry(
        *(DeadLetters(folder), "ship", make_destination(proxy.url, "elasticsearch", access)),
        *(right(route, access), patience),
    )

    assert (tally.read, tally.created, tally.already, tally.dead) == (COUNT, COUNT, 0, 0)
    assert ids(cluster, prefix) == [f"e{n:07d}" for n in range(COUNT)]


def test_a_server_that_is_killed_and_started_again(prefix, folder):
    place = Path(os.environ[servers.RUN]) / f"own-{prefix}"
    first = servers.launch(KINDS[0], place)
    running = [first]

    def kill(request):
        if request.number == 2:
            servers.stop(first, signal.SIGKILL)
            running[0] = servers.launch(KINDS[0], place, port=int(first.url.rsplit(":", 1)[1]))

    try:
        client = client_of(first)
        for asset in assets(prefix, Layout(replicas=0), lifecycle=False):
            put(client, asset)
        with Proxy(first.url, kill) as proxy:
            run = ship(folder, proxy.url, prefix, draw=lambda: 0.3)
        assert running[0] is not first
        assert run.printed("cannot be reached")
        assert_all_there(client, prefix, run)
        client.close()
    finally:
        servers.stop(running[0])
