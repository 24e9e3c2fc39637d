"""Fixtures of the tests of the import: a store, its events, and rejected rows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Return a store that does not exist yet."""
    return tmp_path / "store"


@pytest.fixture
def events(store: Path) -> Callable[[str], list[dict[str, Any]]]:
    """Read all events of a dataset, in the order of their writing."""

    def read(dataset: str) -> list[dict[str, Any]]:
        lines = [
            line
            for path in sorted(store.glob("*.ndjson"))
            for line in path.read_bytes().split(b"\n")
        ]
        events = [orjson.loads(line) for line in lines if line]
        return [event for event in events if event["event"]["dataset"] == f"elkmon.{dataset}"]

    return read


@pytest.fixture
def rejected() -> Callable[[Any], list[tuple[int, str, Any]]]:
    """Read the rejected rows of a report: line, reason, row."""

    def read(report: Any) -> list[tuple[int, str, Any]]:
        rows = map(orjson.loads, report.rejected_file.read_bytes().splitlines())
        return [(row["line"], row["reason"], row["raw"]) for row in rows]

    return read
