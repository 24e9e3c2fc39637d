"""The row of an issue: an exception, or a kind of wrong answer that became more frequent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Literal

from elkmon.events.datasets import Dataset
from elkmon.query.slices import Pair, Slice
from elkmon.questions.issues import State
from elkmon.statistics.rate import Rate
from elkmon.stores.protocol import Condition

__all__ = ["ISSUE_COLUMNS", "IssueRow", "Step", "pair_in_words", "wrong_fingerprint"]


ISSUE_COLUMNS = (
    *("id", "kind", "state", "title", "evidence", "count", "first_seen", "last_seen"),
    *("models", "versions", "segments", "p_value"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """How often an issue occurred in one step of time."""

    time: datetime
    count: int


@dataclass(frozen=True, slots=True)
class IssueRow:
    """One issue within the span of the question."""

    id: str
    """The fingerprint, which never changes."""
    kind: Literal["exception", "wrong"]
    state: State
    title: str
    evidence: str
    """Where it was raised; or how much more frequent it became, with the test."""
    count: int
    """Occurrences within the span; of wrong answers, on the current side."""
    first_seen: datetime
    """The first occurrence ever: a note in the store counts even if the events are gone."""
    last_seen: datetime
    models: tuple[str, ...]
    versions: tuple[str, ...]
    segments: tuple[str, ...]
    """Segment values in which it is over-represented, the most evident first."""
    p_value: float | None
    """Of the increase; None for exceptions."""
    baseline: Rate | None
    """The share before, of labelled predictions at equal label age; None for exceptions."""
    current: Rate | None
    trend: tuple[Step, ...]
    dataset: Dataset
    where: tuple[Condition, ...]
    """The conditions of its events; in dictionaries as text."""


def wrong_fingerprint(model: str, pair: Pair, where: Slice | None) -> str:
    """Return the fingerprint of a kind of wrong answer: 16 hexadecimal digits."""
    parts = ("wrong", model, *(name or "" for name in pair), *(where or ()))
    joined = "\0".join(parts).encode("utf-8", "surrogatepass")
    return blake2b(joined, digest_size=8).hexdigest()


def pair_in_words(pair: Pair, where: Slice | None) -> str:
    """Return which answers are wrong, and where, in words."""
    truth, predicted = pair
    if truth is None:
        words = "wrong answers" if predicted is None else f"{predicted}, which is wrong"
    else:
        words = f"{truth} predicted as {predicted if predicted is not None else 'no class'}"
    return words if where is None else f"{words}, {where[0]}={where[1]}"
