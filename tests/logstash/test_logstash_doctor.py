"""``elkmon doctor --logstash``: what its monitoring API says, in words."""

import copy
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from elkmon.cli import main

RECORDED = json.loads((Path(__file__).parent / "stats.json").read_text())
"""What Logstash 8.3.3 answered while it ran the pipelines, and had set ten lines apart."""


@pytest.fixture
def answering():
    """A function that answers as told on a port of its own, and gives its address."""
    servers = []

    def answer(body, status=200):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                assert self.path == "/_node/stats/pipelines"
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

            def log_message(self, *_):
                """Keep quiet."""

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, args=(0.05,)).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield answer
    for each in servers:
        each.shutdown()
        each.server_close()


def examined(url):
    done = CliRunner().invoke(main, ["doctor", "--logstash", url, "--format", "json"])
    return done.exit_code, json.loads(done.stdout) if done.stdout else done.stderr


def changed(name, **parts):
    stats = copy.deepcopy(RECORDED)
    for part, values in parts.items():
        stats["pipelines"][name][part].update(values)
    return stats


def test_what_was_set_apart_is_a_warning_and_what_was_taken_a_note(answering):
    code, found = examined(answering(RECORDED))

    assert code == 0
    assert [each["level"] for each in found] == ["warning", "note"]
    assert found[0]["count"] == 10
    assert found[0]["places"] == ["elkmon-deadletter-*"]
    assert "23 lines were taken" in found[1]["what"]


@pytest.mark.parametrize(
    ("stats", "words"),
    [
        (changed("events", reloads={"failures": 2, "last_error": {"message": "bad brace"}}),
         "the pipeline events could not be loaded again: bad brace"),
        (changed("http", queue={"type": "memory"}), "keeps its queue in memory"),
        (changed("events", dead_letter_queue={"dropped_events": 3}), "events are lost"),
        ({"pipelines": {}}, "the pipeline deadletter does not run"),
    ],
)  # fmt: skip
def test_what_loses_events_is_a_problem(answering, stats, words):
    code, found = examined(answering(stats))

    assert code == 1
    assert any(each["level"] == "problem" and words in each["what"] for each in found)


def test_a_queue_that_fills_is_a_warning(answering):
    full = {"queue_size_in_bytes": 900, "max_queue_size_in_bytes": 1000, "events_count": 12}
    code, found = examined(answering(changed("events", queue=full)))

    assert code == 0
    assert "the queue of events is full to 90%, with 12 events" in found[0]["what"]


@pytest.mark.parametrize(("body", "status"), [(b"{}", 200), (b"no", 200), (b"{}", 404)])
def test_what_is_no_logstash_is_said(answering, body, status):
    code, said = examined(answering(body, status))

    assert code == 3
    assert "not as Logstash's monitoring API does: its port is 9600" in said


def test_an_api_that_is_broken_is_said(answering):
    code, said = examined(answering(b"", 500))

    assert code == 3
    assert "answers 500 and nothing else" in said
    assert "says nothing of its pipelines" in said


def test_one_that_does_not_answer_is_said():
    code, said = examined("http://127.0.0.1:9")

    assert code == 3
    assert "http://127.0.0.1:9" in said
