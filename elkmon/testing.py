"""Capture the events that an application logs, and check them, in users' own tests.

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
        """Write lines, as a sink does."""
        self.events.extend(orjson.loads(line) for line in data.splitlines())
        self.written += lines

    def close(self) -> None:
        """Do nothing: no file is open."""

    def abandon(self) -> None:
        """Do nothing: no file is open."""

    def stats(self) -> Stats:
        """Return the counts of accepted, dropped and misused events."""
        return self.emitter.stats()

    def of(self, dataset: Dataset | None = None, **where: object) -> list[Event]:
        """Return the events of a dataset that meet all conditions.

        Args:
            dataset: such as ``prediction`` or ``elkmon.prediction``; any dataset if not given.
            **where: fields by short name (``model``, ``version``, ``label``, ``outcome``, …) or by
                full name with ``__`` for the dots (``ml__segment__country="de"``).
        """
        return [event for event in self.events if _matches(event, dataset, where)]

    def one(self, dataset: Dataset | None = None, **where: object) -> Event:
        """Return the only event that meets the conditions.

        Raises:
            AssertionError: there is none, or more than one; the message lists what was captured.
        """
        events = self.of(dataset, **where)
        if len(events) != 1:
            expected = _description(dataset, where)
            raise AssertionError(f"expected one {expected}, found {len(events)}; {self._summary()}")
        return events[0]

    def none(self, dataset: Dataset | None = None, **where: object) -> None:
        """Check that no event meets the conditions.

        Raises:
            AssertionError: there is one; the message shows it.
        """
        events = self.of(dataset, **where)
        if events:
            raise AssertionError(
                f"expected no {_description(dataset, where)}, found {len(events)}: {events[0]}"
            )

    def _summary(self) -> str:
        kinds: dict[str, int] = {}
        for event in self.events:
            name = event["event"]["dataset"]
            kinds[name] = kinds.get(name, 0) + 1
        listed = ", ".join(f"{count} {name}" for name, count in sorted(kinds.items()))
        return f"captured: {listed or 'nothing'}"


@contextmanager
def capture(*, strict: bool = True, **settings: object) -> Iterator[Captured]:
    """Keep events in memory instead of writing them while the block runs.

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


def _description(dataset: Dataset | None, where: dict[str, object]) -> str:
    conditions = " with " + ", ".join(f"{k}={v!r}" for k, v in where.items()) if where else ""
    return f"{_named(dataset) if dataset else 'event'}{conditions}"


def _named(dataset: str) -> Dataset:
    try:
        return dataset_name(dataset)
    except QueryError as error:
        raise AssertionError(str(error)) from None
