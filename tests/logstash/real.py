"""A real Logstash, named by LOGSTASH_HOME, with pipelines as elkmon setup writes them."""

import os
import re
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

from click.testing import CliRunner

from elkmon.cli import main

_NEWER = r"^ +(?:silence_errors_in_log|clean_consumed) .*\n"
"""Options that Logstash has from 8.8 on, the oldest that is supported; older ones may be tried."""
_PATIENCE = 300.0


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Logstash:
    """One that runs; what it reads are ``spool/*.ndjson`` and ``logs/*.log`` of its folder."""

    def __init__(self, folder, store, prefix, retention):
        self.folder = folder
        self.spool, self.logs = folder / "spool", folder / "logs"
        self.http, self.api = free_port(), free_port()
        for each in (self.spool, self.logs):
            each.mkdir(parents=True)
        self.environ = {
            **{name: os.environ[name] for name in os.environ if name.startswith("ELKMON_")},
            "ELKMON_INDEX_PREFIX": prefix,
            "ELKMON_SPOOL": str(self.spool),
            "ELKMON_LOGS": f"{self.logs}/*.log",
            "LOGSTASH_HTTP_PORT": str(self.http),
            "LOGSTASH_BEATS_PORT": str(free_port()),
            "LOGSTASH_API_PORT": str(self.api),
        }
        done = CliRunner().invoke(
            main,
            ["setup", "--store", store, "--logstash", folder / "ls", "--retention", str(retention)],
            env=self.environ,
        )
        assert done.exit_code == 0, done.output

    def post(self, body, kind="application/json"):
        request = Request(f"http://127.0.0.1:{self.http}/", body, {"content-type": kind})
        with urlopen(request) as answer:  # noqa: S310 - likewise
            return answer.status

    @contextmanager
    def running(self):
        home = Path(os.environ["LOGSTASH_HOME"])
        release = (home / "logstash-core/versions-gem-copy.yml").read_text()
        major, minor = map(
            int, re.search(r"^logstash: (\d+)\.(\d+)", release, re.MULTILINE).groups()
        )
        if (major, minor) < (8, 8):
            for path in (self.folder / "ls/pipeline").glob("*.conf"):
                path.write_text(re.sub(_NEWER, "", path.read_text(), flags=re.MULTILINE))
        with (self.folder / "log").open("w") as log:
            process = subprocess.Popen(
                [home / "bin/logstash", "--path.settings", self.folder / "ls/config",
                 "--path.logs", self.folder],
                env={**os.environ, **self.environ}, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True, cwd=home,
            )  # fmt: skip
        try:
            wait(lambda: "Pipelines running {:count=>5" in self.told(), self.told)
            yield self
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def told(self):
        return (self.folder / "log").read_text()


def wait(for_what, told):
    """Wait for what comes to pass; a run that hangs ends with what was said."""
    until = time.monotonic() + _PATIENCE
    while not for_what():
        assert time.monotonic() < until, told()[-5000:]
        time.sleep(0.5)
