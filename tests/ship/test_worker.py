"""``elkmon worker``: ship and join in one process, a page that says how it is, a clean stop."""

import json
import os
import re
import signal
import subprocess
from time import monotonic, sleep
from urllib.error import HTTPError
from urllib.request import urlopen

import orjson
import pytest

from elkmon.stores.elastic.indices import index_of
from tests.support.bulk_proxy import Proxy
from tests.support.label_joins import label, prediction
from tests.support.shipping import AT, ELKMON, write

PREDICTION = prediction("1", {"ml.prediction.label": "a"}, at=AT)
LABEL = label("l1", "1", {"ml.truth.label": "a"}, at=AT)


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "spool", "a.ndjson", orjson.dumps(PREDICTION))
    return tmp_path / "spool"


def tell_truth(worker, client, prefix, folder):
    """Write the label when its prediction can be searched: else the join waits a minute for it."""
    worker.until(lambda health: health["ship"]["created"] == 1)
    client.indices.refresh(index=f"{prefix}-*")
    write(folder, "a.ndjson", orjson.dumps(LABEL))
    return worker.until(lambda health: health["join"]["joined"] == 1)


running = []


@pytest.fixture(autouse=True)
def _none_left():
    """Kill the processes that a failed test left."""
    yield
    while running:
        with running.pop().process as process:
            process.kill()


class Running:
    """A worker process."""

    def __init__(self, folder, url, *more):
        self.process = subprocess.Popen(
            [ELKMON, "worker", "--store", folder, "--to", url, "--listen", "127.0.0.1:0",
             "--join-every", "0.2", *more],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ,
        )  # fmt: skip
        first = self.process.stdout.readline()
        running.append(self)
        match = re.search(r"on port (\d+)", first)
        assert match, first + self.process.stderr.read()
        self.port = int(match[1])

    def health(self, path="/healthz"):
        with urlopen(f"http://127.0.0.1:{self.port}{path}") as answer:
            return json.load(answer)

    def until(self, condition):
        give_up = monotonic() + 60
        while not condition(health := self.health()):
            assert monotonic() < give_up, health
            sleep(0.05)
        return health

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        out, err = self.process.communicate(timeout=120)
        return self.process.returncode, out, err


def test_events_are_shipped_and_their_labels_joined(server_new, installed, prefix, folder):
    client = installed(server_new)
    worker = Running(folder, server_new.url)

    health = tell_truth(worker, client, prefix, folder)
    code, out, _ = worker.stop()

    assert health["status"] == "ok"
    assert health["ship"]["created"] == 2
    assert code == 0
    assert "read 2 = 2 created + 0 already there + 0 dead letters" in out
    assert "1 joined" in out
    index = index_of(prefix, "elkmon.prediction", AT)
    stored = client.get(index=index, id=PREDICTION["event"]["id"])["_source"]
    assert stored["ml"]["eval"]["outcome"] == "correct"


def test_a_destination_that_is_away_is_waited_for_in_good_health(
    server_new, installed, prefix, folder
):
    client = installed(server_new)
    with Proxy(server_new.url) as proxy:
        proxy.stop()
        worker = Running(folder, proxy.url)
        health = worker.until(
            lambda health: health["ship"]["waiting_for"] and health["join"]["waiting_for"]
        )
        assert health["status"] == "ok"
        assert "cannot be reached" in health["ship"]["waiting_for"]
        proxy.start()
        health = tell_truth(worker, client, prefix, folder)
        assert health["ship"]["waiting_for"] is None
        code, _, err = worker.stop(signal.SIGINT)

    assert code == 0
    assert "cannot be reached" in err


def test_what_waiting_does_not_help_ends_the_process(server_new, prefix, folder):
    done = subprocess.run(
        [ELKMON, "worker", "--store", folder, "--to", server_new.url, "--listen", "127.0.0.1:0"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 3
    assert "elkmon setup" in done.stderr


def test_there_is_no_other_page(server_new, installed, prefix, folder):
    installed(server_new)
    worker = Running(folder, server_new.url)

    with pytest.raises(HTTPError, match="404"):
        worker.health("/")
    worker.stop()


def test_with_logstash_the_place_of_the_join_is_to_be_named(folder):
    done = subprocess.run(
        [ELKMON, "worker", "--store", folder, "--to", "http://localhost:9", "--via", "logstash"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 2
    assert "--join-at" in done.stderr


def test_a_place_that_cannot_be_listened_on_is_said(folder):
    done = subprocess.run(
        [ELKMON, "worker", "--store", folder, "--to", "http://localhost:9", "--listen", "nowhere"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 2
    assert "HOST:PORT" in done.stderr
