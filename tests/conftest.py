"""Decide which tests a run leaves out, and report them at its end.

``ELKMON_SKIP=browser,elasticsearch`` leaves out the tests that need a browser or a cluster. Without
it, such a test fails if there is none, with the command that installs it. Servers that no package
manager installs are named by variables; if a variable is not set, their tests are left out.
"""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

import elkmon
from tests.support import elasticsearch_servers as servers

pytest_plugins = (
    "tests.support.clusters",
    "tests.support.command_line",
    "tests.support.laid_aggregates",
    "tests.support.local_store",
)

SKIPPABLE = {
    "browser": "needs Chromium",
    "elasticsearch": "needs Elasticsearch",
}
NAMED = {
    "kibana": "ELKMON_TEST_KIBANA_URL",
    "logstash": "LOGSTASH_HOME",
    "stack": "ELKMON_TEST_ES_URL",
}
"""Markers of tests that need a server, and the variable that names it."""
_LEFT_OUT = pytest.StashKey[set[str]]()
_SERVERS = pytest.StashKey[Path]()


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch):
    """Hide the machine's own settings, and leave none behind for the next test."""
    for name in list(os.environ):
        if name.startswith("ELKMON_") and not name.startswith("ELKMON_TEST_"):
            monkeypatch.delenv(name)
    yield
    elkmon.reset()


def pytest_configure(config):
    settings.register_profile("unhurried", deadline=None)  # no test fails on a busy machine
    settings.load_profile("unhurried")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background it is ignored,
        signal.signal(signal.SIGINT, signal.default_int_handler)  # but started programs need it
    names = {name.strip() for name in os.environ.get("ELKMON_SKIP", "").split(",")} - {""}
    unknown = sorted(names - set(SKIPPABLE))
    if unknown:
        raise pytest.UsageError(
            f"ELKMON_SKIP: there is no {', '.join(unknown)}; it takes {', '.join(SKIPPABLE)}"
        )
    for name, why in SKIPPABLE.items():
        config.addinivalue_line("markers", f"{name}: {why}; ELKMON_SKIP={name} leaves it out")
    for name, variable in NAMED.items():
        config.addinivalue_line("markers", f"{name}: needs what {variable} names")
    config.stash[_LEFT_OUT] = names
    if not hasattr(config, "workerinput"):  # the process that starts and ends the run
        config.stash[_SERVERS] = servers.begin()


def pytest_collection_modifyitems(config, items):
    for name in sorted(config.stash[_LEFT_OUT]):
        for item in items:
            if item.get_closest_marker(name) is not None:
                item.add_marker(pytest.mark.skip(reason=f"ELKMON_SKIP has {name}"))
    for item in items:
        missing = [
            f"{variable} is not set"
            for name, variable in NAMED.items()
            if item.get_closest_marker(name) is not None and not os.environ.get(variable)
        ]
        if missing:
            item.add_marker(pytest.mark.skip(reason=", ".join(missing)))


def pytest_unconfigure(config):
    """Stop the servers, and report what was left out in the last lines."""
    if _SERVERS in config.stash:
        servers.end(config.stash[_SERVERS])
    names = config.stash.get(_LEFT_OUT, set())
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(config, "workerinput"):
        return
    skipped = reporter.stats.get("skipped", [])

    for name, variable in NAMED.items():
        count = sum(f"{variable} is not set" in str(report.longrepr) for report in skipped)
        if count:
            line = f"NOT TESTED, as {variable} is not set: {name} ({count} tests)"
            reporter.write_line(line, yellow=True)
    if names:
        counts = (
            f"{name} ({sum(name in report.keywords for report in skipped)} tests)"
            for name in sorted(names)
        )
        line = f"NOT TESTED, as ELKMON_SKIP says: {', '.join(counts)}"
        reporter.write_line(line, yellow=True)
