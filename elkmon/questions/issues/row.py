"""One issue: an exception, or a sort of wrong answer that became more frequent."""

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
    """How often it occurred in one step of time."""

    time: datetime
    count: int


@dataclass(frozen=True, slots=True)
class IssueRow:
    """One issue within the span that was asked for."""

    id: str
    """Its fingerprint: the same whenever and wherever it is asked for."""
    kind: Literal["exception", "wrong"]
    state: State
    title: str
    evidence: str
    """Where it was raised; or how much more frequent it became, and by what test."""
    count: int
    """Occurrences within the span; of wrong answers, on the current side."""
    first_seen: datetime
    """Ever: what was noted of it counts, also where its events are gone."""
    last_seen: datetime
    models: tuple[str, ...]
    versions: tuple[str, ...]
    segments: tuple[str, ...]
    """Segment values in which it is over-represented, the most evident first."""
    p_value: float | None
    """That the share rose; None for exceptions."""
    baseline: Rate | None
    """The share before, of labelled predictions at equal label age; None for exceptions."""
    current: Rate | None
    trend: tuple[Step, ...]
    dataset: Dataset
    where: tuple[Condition, ...]
    """What its events meet; in dictionaries as it is typed."""


def wrong_fingerprint(model: str, pair: Pair, where: Slice | None) -> str:
    """Give the fingerprint of a sort of wrong answer: 16 hexadecimal digits."""
    parts = ("wrong", model, *(each or "" for each in pair), *(where or ()))
    joined = "\0".join(parts).encode("utf-8", "surrogatepass")
    return blake2b(joined, digest_size=8).hexdigest()


def pair_in_words(pair: Pair, where: Slice | None) -> str:
    """Say which answers are wrong, and where."""
    truth, predicted = pair
    if truth is None:
        said = "wrong answers" if predicted is None else f"{predicted}, which is wrong"
    else:
        said = f"{truth} predicted as {predicted if predicted is not None else 'no class'}"
    return said if where is None else f"{said}, {where[0]}={where[1]}"
