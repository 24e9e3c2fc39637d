"""For users' own tests: capture what would be logged, and say what is expected of it.

With pytest::

    import pytest
    from elkmon.testing import capture

    @pytest.fixture
    def events():
        with capture() as captured:
            yield captured

    def test_scores_are_logged(events):
        score_customer(42)
        prediction = events.one("elkmon.prediction", model="fraud", label="legit")
        assert prediction["ml"]["segment"]["country"] == "de"
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from elkmon.emit import process_emitter as state
from elkmon.emit.emitter import Emitter, Stats
from elkmon.events.datasets import Dataset, dataset_name
from elkmon.events.errors import QueryError
from elkmon.events.fields import find
from elkmon.events.limits import FILE_LINE
from elkmon.events.settings import Settings, override

__all__ = ["Captured", "Event", "capture"]

Event = dict[str, Any]


class Captured:
    """The events that were logged while they were captured, in order."""

    limit = FILE_LINE

    def __init__(self, settings: Settings) -> None:
        self.events: list[Event] = []
        self.written = 0
        self.dropped: dict[str, int] = {}
        self.emitter = Emitter(settings, sink=self)

    def write(self, data: bytes, ms: int, lines: int = 1) -> None:  # noqa: ARG002 - a sink
        """Take lines, as a sink does."""
        self.events.extend(orjson.loads(line) for line in data.splitlines())
        self.written += lines

    def close(self) -> None:
        """Nothing is held."""

    def abandon(self) -> None:
        """Nothing is held."""

    def stats(self) -> Stats:
        """Tell what was accepted, dropped and misused."""
        return self.emitter.stats()

    def of(self, dataset: Dataset | None = None, **where: object) -> list[Event]:
        """Give the events of a kind for which all conditions hold.

        Args:
            dataset: such as ``prediction`` or ``elkmon.prediction``; any where not given.
            **where: fields by short name (``model``, ``version``, ``label``, ``outcome``, …) or by
                full name with ``__`` for the dots (``ml__segment__country="de"``).
        """
        return [event for event in self.events if _matches(event, dataset, where)]

    def one(self, dataset: Dataset | None = None, **where: object) -> Event:
        """Give the only such event.

        Raises:
            AssertionError: there is none, or there are several; it says what there is.
        """
        found = self.of(dataset, **where)
        if len(found) != 1:
            raise AssertionError(
                f"expected one {_sought(dataset, where)}, found {len(found)}; {self._there_is()}"
            )
        return found[0]

    def none(self, dataset: Dataset | None = None, **where: object) -> None:
        """Hold that there is no such event.

        Raises:
            AssertionError: there is one; it says which.
        """
        found = self.of(dataset, **where)
        if found:
            raise AssertionError(
                f"expected no {_sought(dataset, where)}, found {len(found)}: {found[0]}"
            )

    def _there_is(self) -> str:
        kinds: dict[str, int] = {}
        for event in self.events:
            name = event["event"]["dataset"]
            kinds[name] = kinds.get(name, 0) + 1
        listed = ", ".join(f"{count} {name}" for name, count in sorted(kinds.items()))
        return f"captured: {listed or 'nothing'}"


@contextmanager
def capture(*, strict: bool = True, **settings: object) -> Iterator[Captured]:
    """Keep events in memory instead of writing them, for the length of a block.

    Args:
        strict: whether wrong use raises, as it should in a test.
        **settings: as for :func:`elkmon.configure`.

    Raises:
        ConfigError: a setting that cannot be used.
    """
    captured = Captured(override(state.settings(), {"strict": strict, **settings}))
    with state.installed(captured.emitter):
        yield captured


def _matches(event: Event, dataset: Dataset | None, where: dict[str, object]) -> bool:
    if dataset is not None and event["event"]["dataset"] != _named(dataset):
        return False
    return all(_value(event, name) == value for name, value in where.items())


def _value(event: Event, name: str) -> object:
    try:
        field, key = find(name.replace("__", "."))
    except KeyError:
        raise AssertionError(f"no such field: {name}; see docs/reference/fields.md") from None
    here: Any = event
    for part in (*field.name.split("."), *([key] if key is not None else [])):
        if not isinstance(here, dict) or part not in here:
            return None
        here = here[part]
    return here


def _sought(dataset: Dataset | None, where: dict[str, object]) -> str:
    conditions = " with " + ", ".join(f"{k}={v!r}" for k, v in where.items()) if where else ""
    return f"{_named(dataset) if dataset else 'event'}{conditions}"


def _named(dataset: str) -> Dataset:
    try:
        return dataset_name(dataset)
    except QueryError as error:
        raise AssertionError(str(error)) from None
