"""``elkmon doctor --logstash``: findings from Logstash's monitoring API."""

import copy
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from elkmon.cli import main

RECORDED = json.loads((Path(__file__).parent / "stats.json").read_text())
"""The response of a Logstash 8.3.3 that ran the pipelines and had rejected ten lines."""


@pytest.fixture
def serve():
    """A function that serves a response on its own port and returns the address."""
    servers = []

    def start(body, status=200):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                assert self.path == "/_node/stats/pipelines"
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

            def log_message(self, *_):
                """Print nothing."""

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, args=(0.05,)).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def examine(url):
    result = CliRunner().invoke(main, ["doctor", "--logstash", url, "--format", "json"])
    return result.exit_code, json.loads(result.stdout) if result.stdout else result.stderr


def changed(name, **parts):
    stats = copy.deepcopy(RECORDED)
    for part, values in parts.items():
        stats["pipelines"][name][part].update(values)
    return stats


def test_rejected_events_are_a_warning_and_received_lines_a_note(serve):
    code, findings = examine(serve(RECORDED))

    assert code == 0
    assert [finding["level"] for finding in findings] == ["warning", "note"]
    assert findings[0]["count"] == 10
    assert findings[0]["places"] == ["elkmon-deadletter-*"]
    assert "received 23 lines" in findings[1]["what"]


@pytest.mark.parametrize(
    ("stats", "message"),
    [
        (changed("events", reloads={"failures": 2, "last_error": {"message": "bad brace"}}),
         "the pipeline events could not be reloaded: bad brace"),
        (changed("http", queue={"type": "memory"}), "has its queue in memory"),
        (changed("events", dead_letter_queue={"dropped_events": 3}), "events were lost"),
        ({"pipelines": {}}, "the pipeline deadletter does not run"),
    ],
)  # fmt: skip
def test_whatever_loses_events_is_a_problem(serve, stats, message):
    code, findings = examine(serve(stats))

    assert code == 1
    assert any(finding["level"] == "problem" and message in finding["what"] for finding in findings)


def test_a_queue_that_is_almost_full_is_a_warning(serve):
    full = {"queue_size_in_bytes": 900, "max_queue_size_in_bytes": 1000, "events_count": 12}
    code, findings = examine(serve(changed("events", queue=full)))

    assert code == 0
    assert "the queue of events is 90% full, with 12 events" in findings[0]["what"]


@pytest.mark.parametrize(("body", "status"), [(b"{}", 200), (b"no", 200), (b"{}", 404)])
def test_another_server_than_logstash_is_reported(serve, body, status):
    code, message = examine(serve(body, status))

    assert code == 3
    assert "is not Logstash's monitoring API: its port is 9600" in message


def test_a_broken_api_is_reported(serve):
    code, message = examine(serve(b"", 500))

    assert code == 3
    assert "answers 500 and nothing else" in message
    assert "see Logstash's log" in message


def test_a_server_that_does_not_answer_is_reported():
    code, message = examine("http://127.0.0.1:9")

    assert code == 3
    assert "http://127.0.0.1:9" in message
