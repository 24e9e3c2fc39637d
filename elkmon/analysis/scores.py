"""Score bins of each group, made finer where too many scores of both classes share one."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from math import inf, nextafter
from typing import Any

from elkmon.analysis.auc import ScoreBin, blur
from elkmon.analysis.evidence import BINARY, SUCCEEDED, Evidence
from elkmon.analysis.groups import Group, grouped
from elkmon.analysis.question import Question
from elkmon.analysis.rates import Sums, support
from elkmon.store.base import Condition, Edges, FieldValue, Measure, Store

__all__ = ["BOUND", "score_bins"]

BOUND = 0.005
"""AUC may be off by so much; where it could be by more, another question is asked."""
_ROUNDS = 3
_PARTS = 100
_MOST_EDGES = 1000
_SCORE = "ml.prediction.score"
_MEASURES = (
    *support(),
    *(Measure("min", _SCORE), Measure("max", _SCORE)),
)


def score_bins(
    store: Store, question: Question, found: Sequence[Evidence], rounds: int | None = None
) -> list[tuple[ScoreBin, ...]]:
    """Give the score bins of each piece of evidence, as fine as the bound of AUC needs.

    Crowded bins are cut into equal parts, up to three times, over the range that their scores
    really have; what is still crowded then is told by the bound.

    Args:
        store: to ask again, only where a bound is too large.
        question: that the evidence answers.
        found: the evidence, one piece a group, step and task.
        rounds: how often to ask at most; three times where not given.

    Raises:
        StoreError: the store cannot be read.
    """
    bins = [_first(each) for each in found]
    for _ in range(_ROUNDS if rounds is None else rounds):
        crowded = [_crowded(each) for each in bins]
        edges = _edges(crowded)
        if not edges:
            break
        finer = _ask(store, question, edges)
        for place, each in enumerate(found):
            parts = finer.get(Group(each.by, each.time), {})
            bins[place] = _cut(bins[place], crowded[place], edges, parts)
    return bins


def _first(found: Evidence) -> tuple[ScoreBin, ...]:
    return tuple(ScoreBin(b[6], b[7], Sums(*b[0:3]), Sums(*b[3:6])) for b in found.bins.values())


def _crowded(bins: Sequence[ScoreBin]) -> list[ScoreBin]:
    """Name the bins that have to be cut so that what is left keeps within the bound."""
    negative = sum(each.negative.weight for each in bins)
    positive = sum(each.positive.weight for each in bins)
    allowed = 2 * negative * positive * BOUND
    lost = sum(blur(each) for each in bins)
    worst = []
    for each in sorted(bins, key=blur, reverse=True):
        if lost <= allowed:
            break
        lost -= blur(each)
        worst.append(each)
    return worst


def _edges(crowded: Sequence[Sequence[ScoreBin]]) -> tuple[float, ...]:
    """Cut crowded bins of all groups; of very many, as many as one question bears."""
    edges: set[float] = set()
    for rank in range(max(map(len, crowded), default=0)):
        for each in (bins[rank] for bins in crowded if rank < len(bins)):
            width = (each.highest - each.lowest) / _PARTS
            cut = {each.lowest + width * part for part in range(_PARTS)}
            cut.add(nextafter(each.highest, inf))
            if len(edges) + len(cut) <= _MOST_EDGES:
                edges |= cut
    return tuple(sorted(edges))


def _ask(
    store: Store, question: Question, edges: tuple[float, ...]
) -> dict[Group, dict[int, list[Any]]]:
    only = (
        *(SUCCEEDED, Condition("ml.task", "=", (BINARY,)), Condition("ml.eval.brier", "exists")),
        *(Condition(_SCORE, ">=", (edges[0],)), Condition(_SCORE, "<", (edges[-1],))),
    )
    said = FieldValue("ml.prediction.positive"), FieldValue("ml.truth.label")
    by = (*said, Edges(_SCORE, edges))
    found: dict[Group, dict[int, list[Any]]] = {}
    for group, row in grouped(store, question, by, _MEASURES, *only):
        positive, truth, number, *cells, low, high = row
        part = found.setdefault(group, {}).setdefault(int(number), [Sums(), Sums(), inf, -inf])
        part[truth == positive] += Sums.of(cells)
        part[2], part[3] = min(part[2], low), max(part[3], high)
    return found


def _cut(
    bins: Sequence[ScoreBin],
    crowded: Sequence[ScoreBin],
    edges: tuple[float, ...],
    parts: dict[int, list[Any]],
) -> tuple[ScoreBin, ...]:
    """Put the parts of crowded bins into their place."""
    made = [each for each in bins if each not in crowded]
    for each in crowded:
        first = bisect_left(edges, each.lowest)
        last = bisect_left(edges, nextafter(each.highest, inf))
        if edges[first : first + 1] != (each.lowest,):
            made.append(each)  # there was no room for its edges
            continue
        own = (parts[number] for number in range(first, last) if number in parts)
        made += [ScoreBin(low, high, negative, positive) for negative, positive, low, high in own]
    return tuple(made)
