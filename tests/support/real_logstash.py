"""Run the Logstash in LOGSTASH_HOME with the pipelines that elkmon setup writes."""

import os
import re
import signal
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.request import Request, urlopen

from click.testing import CliRunner
from pylogbeat import PyLogBeatClient

from elkmon.cli import main

_NEW_OPTIONS = r"^ +(?:silence_errors_in_log|clean_consumed) .*\n"
"""Options of Logstash 8.8, the oldest supported version; tests may also run older ones."""
_PATIENCE = 300.0


def timed(event):
    """Return an event as Logstash before 8.4 writes it: whole seconds without milliseconds."""
    return {**event, "@timestamp": event["@timestamp"].replace(".000Z", "Z")}


def free_port():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]


def is_open(port):
    with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


class Logstash:
    """A Logstash that reads ``spool/*.ndjson`` and ``logs/*.log`` of its folder."""

    def __init__(self, folder, store, prefix, retention):
        self.folder = folder
        self.spool, self.logs = folder / "spool", folder / "logs"
        self.api, self.beats, self.http = free_port(), free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.http}"
        for path in (self.spool, self.logs):
            path.mkdir(parents=True)
        self.environ = {
            **{name: os.environ[name] for name in os.environ if name.startswith("ELKMON_")},
            "ELKMON_INDEX_PREFIX": prefix,
            "ELKMON_SPOOL": str(self.spool),
            "ELKMON_LOGS": f"{self.logs}/*.log",
            "LOGSTASH_HTTP_PORT": str(self.http),
            "LOGSTASH_BEATS_PORT": str(self.beats),
            "LOGSTASH_API_PORT": str(self.api),
        }
        result = CliRunner().invoke(
            main,
            ["setup", "--store", store, "--logstash", folder / "ls", "--retention", str(retention)],
            env=self.environ,
        )
        assert result.exit_code == 0, result.output

    def post(self, body, kind="application/json"):
        request = Request(f"{self.url}/", body, {"content-type": kind})  # noqa: S310 - its own http address
        with urlopen(request) as response:  # noqa: S310 - likewise
            return response.status

    def send_beats(self, lines):
        """Send lines as Filebeat does; None stands for an event of another Beat, without a line."""
        log = {"file": {"path": "/var/lib/elkmon/there.ndjson"}}
        with PyLogBeatClient("127.0.0.1", self.beats) as client:
            client.send([
                {
                    "@timestamp": "2026-11-24T10:00:00.000Z",
                    "@metadata": {"beat": "filebeat", "type": "_doc", "version": "8.8.2"},
                    **({} if line is None else {"message": line.decode()}),
                    "log": {**log, "offset": number},
                    "agent": {"type": "filebeat"},
                    "host": {"name": "there"},
                }
                for number, line in enumerate(lines)
            ])  # fmt: skip

    @contextmanager
    def running(self):
        home = Path(os.environ["LOGSTASH_HOME"])
        release = (home / "logstash-core/versions-gem-copy.yml").read_text()
        major, minor = map(
            int, re.search(r"^logstash: (\d+)\.(\d+)", release, re.MULTILINE).groups()
        )
        if (major, minor) < (8, 8):
            for path in (self.folder / "ls/pipeline").glob("*.conf"):
                path.write_text(re.sub(_NEW_OPTIONS, "", path.read_text(), flags=re.MULTILINE))
        with (self.folder / "ls/config/logstash.yml").open("a") as settings:
            settings.write("allow_superuser: true\n")  # tests may run as root, which 9.0 refuses
        with (self.folder / "log").open("w") as log:
            process = subprocess.Popen(
                [home / "bin/logstash", "--path.settings", self.folder / "ls/config",
                 "--path.logs", self.folder],
                env={**os.environ, **self.environ}, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True, cwd=home,
            )  # fmt: skip
        try:
            wait(lambda: self._runs(process), self.log_text)
            yield self
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _runs(self, process):
        text = self.log_text()
        assert process.poll() is None, text[-5000:]
        assert "Failed to execute action" not in text, text[-5000:]
        if "Pipelines running {:count=>5" not in text:
            return False
        return all(map(is_open, (self.http, self.beats)))  # they open a little later

    def log_text(self):
        return (self.folder / "log").read_text()


def wait(condition, log_text):
    """Wait until a condition is true; a run that hangs fails with the end of the log."""
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < deadline, log_text()[-5000:]
        time.sleep(0.5)
