"""One small demo, run once by the real processes, for all tests that look at its results."""

from collections import defaultdict
from typing import Any

import orjson
import pytest

from elkmon.demo import DemoOptions, DemoResult, run_demo
from tests.support.demo_weeks import END, story

__all__ = ["story"]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoResult:
    """Serve a week of 4,000 requests by two processes."""
    folder = tmp_path_factory.mktemp("demo")
    return run_demo(DemoOptions(folder / "store", END, requests=4_000, seed=3, workers=2))


@pytest.fixture(scope="session")
def events(demo: DemoResult) -> dict[str, list[dict[str, Any]]]:
    """Read the store's files as they stand, by dataset."""
    by_dataset = defaultdict(list)
    for path in demo.store.glob("*.ndjson"):
        for line in path.read_bytes().splitlines():
            event = orjson.loads(line)
            by_dataset[event["event"]["dataset"].removeprefix("elkmon.")].append(event)
    return by_dataset
