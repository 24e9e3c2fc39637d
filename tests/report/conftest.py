"""Reports of small stores and of the demo, and the browser that opens them."""

import shutil

import pytest

from elkmon.query.question import Question
from elkmon.report import build_report
from elkmon.stores.registry import open_store
from tests.support.browser import Browser, Page
from tests.support.demo_weeks import WEEK, story
from tests.support.report_scenes import END, START, numbers, serve

__all__ = ["story"]


@pytest.fixture(scope="session")
def build():
    """Make the report of a folder."""

    def build_page(folder, since=START, until=END, **arguments):
        store = open_store(folder)
        try:
            return build_report(store, Question.of(since=since, until=until, **arguments), folder)
        finally:
            store.close()

    return build_page


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """Serve two versions, the second of which is worse."""
    return serve(tmp_path_factory.mktemp("report") / "store")


@pytest.fixture(scope="session")
def report(build, store):
    """Make the report of a model that got worse."""
    return build(store)


@pytest.fixture(scope="session")
def others(build, tmp_path_factory):
    """Make the report of a regression, and of many classes without labels."""
    return build(numbers(tmp_path_factory.mktemp("others") / "store"))


@pytest.fixture(scope="session")
def demo_report(build, story):
    """Make the report of the demo's week."""
    return build(story.store, **WEEK)


@pytest.fixture(scope="session")
def browser():
    """Start Chromium."""
    program = shutil.which("chromium")
    if program is None:
        pytest.fail(
            "Chromium is not there: apt-get install -y chromium, or leave these tests out with "
            "ELKMON_SKIP=browser"
        )
    started = Browser(program)
    yield started
    started.close()


@pytest.fixture
def open_page(browser, tmp_path):
    """Open a report in the browser."""
    pages = []

    def opened(report, **how):
        path = tmp_path / "report.html"
        path.write_text(report.html, encoding="utf-8", newline="\n")
        pages.append(Page(browser, path, **how))
        return pages[-1]

    yield opened
    for page in pages:
        page.close()
