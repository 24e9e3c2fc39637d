"""``elkmon join`` as people run it: real processes, killed and stopped."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

from tests.support.label_joins import joined_locally, label, prediction

BALANCE = re.compile(r"read ([\d,]+) labels = ([\d,]+) joined \+ ([\d,]+) without .* sampled out")


@pytest.fixture
def command(server, prefix):
    """A function that starts ``elkmon join`` with some arguments, and environment."""
    started = []

    def start(*arguments, store=server.url, **environ):
        process = subprocess.Popen(
            [sys.executable, "-m", "elkmon.cli", "join", "--store", store, *arguments],
            env={**os.environ, "ELKMON_INDEX_PREFIX": prefix, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def until(condition, seconds=60):
    """Wait until a condition holds."""
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, "it did not come to that"
        time.sleep(0.05)


def test_the_last_line_balances(cluster, command):
    cluster.load(prediction("1"), label("l1", "1"), label("l2", "1"), label("l3", "2"))
    cluster.seen()

    out, err = command().communicate(timeout=60)

    assert err == ""
    assert BALANCE.fullmatch(out.splitlines()[-1]).groups() == ("3", "2", "1")


def test_what_is_left_is_said_with_its_reason(cluster, command):
    cluster.load(prediction("1"), label("l1", "1"))
    index = f"{cluster.prefix}-prediction-2026.11.01"
    cluster.client.indices.put_settings(index=index, settings={"index.blocks.write": True})
    cluster.seen()

    process = command()
    out, _ = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "left 1: cluster_block_exception" in out
    assert out.splitlines()[-1].endswith("1 left for the next pass")


def test_it_can_be_killed_anywhere(cluster, command, tmp_path):
    events = [prediction(f"{number}") for number in range(6000)]
    events += [label(f"l{number}", f"{number}") for number in range(6000)]
    events += [label(f"m{number}", f"{number}", {"ml.truth.label": "b"}, at="2026-11-26T00:00:00Z")
               for number in range(0, 6000, 3)]  # fmt: skip
    cluster.load(*events)
    cluster.seen()
    killed = 0
    while True:
        process = command()
        if ended_before(process, cluster, marks=1000 * killed + 1):
            break
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed += 1
        cluster.client.delete(index=f"{cluster.prefix}-join", id="lock")  # as if it had run out

    out, _ = process.communicate()

    assert killed >= 2
    assert BALANCE.search(out)
    assert set(cluster.states().values()) == {"joined"}
    assert cluster.joined() == joined_locally(tmp_path, events)


def ended_before(process, cluster, marks):
    """Wait until so many labels are marked or the process has ended; return whether it has."""
    until(lambda: process.poll() is not None or marked(cluster) >= marks)
    return process.poll() is not None


def marked(cluster):
    cluster.seen()
    query = {"exists": {"field": "ml.join.state"}}
    return cluster.client.count(index=f"{cluster.prefix}-label-*", query=query)["count"]


def test_it_follows_until_it_is_told_to_stop(cluster, command):
    process = command("--follow", "--every", "0.2")
    cluster.load(prediction("1"), label("l1", "1"))
    until(lambda: cluster.states() == {"l1": "joined"})
    cluster.load(prediction("2"), label("l2", "2"))
    until(lambda: marked(cluster) == 2)

    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)

    assert (process.returncode, err) == (0, "")
    assert out.splitlines()[-1].startswith("in all: read 2 labels")
    lock = cluster.client.options(ignore_status=404).get(index=f"{cluster.prefix}-join", id="lock")
    assert not lock["found"]


def test_a_second_one_waits_for_the_first(cluster, command):
    index = f"{cluster.prefix}-join"
    cluster.client.index(
        index=index, id="lock",
        document={"owner": "elsewhere", "token": "t", "expires": "2099-01-01T00:00:00.000Z"},
    )  # fmt: skip

    process = command()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "another join is running (elsewhere)" in err

    follower = command("--follow", "--every", "0.2")
    cluster.load(prediction("1"), label("l1", "1"))
    assert "elsewhere" in follower.stderr.readline()
    cluster.client.delete(index=index, id="lock")
    until(lambda: marked(cluster) == 1)


def test_a_folder_needs_no_join(command, tmp_path):
    process = command(store=str(tmp_path))
    _, err = process.communicate(timeout=60)

    assert process.returncode == 2
    assert "labels are joined whenever a question is asked" in err


def test_a_cluster_that_is_not_there_is_said(command):
    process = command(store="http://localhost:9")
    _, err = process.communicate(timeout=120)

    assert process.returncode == 3
    assert "http://localhost:9: cannot join labels: it cannot be reached" in err
