"""Serve weeks of the demo for several folders of tests, each week once in a test run."""

import json
import sys
from datetime import datetime, timedelta, timezone
from fcntl import LOCK_EX, flock
from pathlib import Path
from types import SimpleNamespace

import pytest

import elkmon
from elkmon.demo.serve import feed_labels, serve
from tests.support.terminals import shown_on_terminal

END = datetime(2026, 11, 24, 9, tzinfo=timezone.utc)
WEEK = {"since": END - timedelta(days=7), "until": END}
REQUESTS = 14_000
COLUMNS = 100
_DEMO = """
from datetime import datetime
import elkmon.cli.demo as demo
from elkmon.cli import main
demo._last_full_hour = lambda: datetime.fromisoformat({end!r})
main({arguments!r})
"""


def serve_week(folder: Path, plan) -> Path:
    """Serve a week in this process, which is faster than in several."""
    serve(folder, plan, plan.requests, "host", lambda _number: None)
    feed_labels(folder, plan, lambda _number: None)
    elkmon.reset()
    return folder


def shared_folder(tmp_path_factory, testrun_uid, name, make) -> Path:
    """Return a folder that ``make`` filled, in the first worker of a test run that needs it."""
    folder = tmp_path_factory.getbasetemp().parent / f"{name}-{testrun_uid}"
    with folder.with_suffix(".lock").open("w") as lock:
        flock(lock, LOCK_EX)
        if not folder.with_suffix(".done").exists():
            make(folder)
            folder.with_suffix(".done").touch()
    return folder


@pytest.fixture(scope="session")
def story(tmp_path_factory, testrun_uid):
    """Run ``elkmon demo`` on a terminal; return its lines, store, page and ground truth."""

    def make(folder):
        folder.mkdir()
        arguments = ["demo", "--store", str(folder / "store"), "--requests", str(REQUESTS)]
        code = _DEMO.format(end=END.isoformat(), arguments=arguments)
        lines = shown_on_terminal(COLUMNS, sys.executable, "-c", code)
        (folder / "lines.json").write_text(json.dumps(lines))

    folder = shared_folder(tmp_path_factory, testrun_uid, "demo-story", make)
    store = folder / "store"
    return SimpleNamespace(
        lines=json.loads((folder / "lines.json").read_text()),
        store=store,
        page=(store / "report.html").read_text(encoding="utf-8"),
        truth=json.loads((store / "ground-truth" / "demo.json").read_text()),
    )
