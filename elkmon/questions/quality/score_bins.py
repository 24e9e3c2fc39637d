"""Score bins of each group, made finer where too many scores of both classes share one."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from math import inf, nextafter, sqrt
from operator import attrgetter
from typing import Any

from elkmon.query.groups import Group, grouped, support
from elkmon.query.label_evidence import BINARY, SUCCEEDED, Evidence
from elkmon.query.question import Question
from elkmon.statistics.auc import Blur, ScoreBin, blurs
from elkmon.statistics.rate import Sums
from elkmon.stores.protocol import Condition, Edges, FieldValue, Measure, Store

__all__ = ["BOUND", "score_bins"]

BOUND = 0.005
"""AUC and average precision may be off by so much; else another question is asked."""
_ROUNDS = 3
_AUC, _ABOVE, _BELOW = (attrgetter(name) for name in ("auc", "above", "below"))
_MOST_EDGES = 1000
_SCORE = "ml.prediction.score"
_MEASURES = (
    *support(),
    *(Measure("min", _SCORE), Measure("max", _SCORE)),
)


def score_bins(
    store: Store, question: Question, found: Sequence[Evidence], rounds: int | None = None
) -> list[tuple[ScoreBin, ...]]:
    """Give the score bins of each piece of evidence, as fine as both bounds need.

    Crowded bins are cut into equal parts, up to three times, over the range that their scores
    really have; what is still crowded then is told by the bounds.

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
            cut = [blur.bin for blur in crowded[place]]
            bins[place] = _cut(bins[place], cut, edges, parts)
    return bins


def _first(found: Evidence) -> tuple[ScoreBin, ...]:
    return tuple(ScoreBin(b[6], b[7], Sums(*b[0:3]), Sums(*b[3:6])) for b in found.bins.values())


def _crowded(bins: Sequence[ScoreBin]) -> list[Blur]:
    """Name the bins that have to be cut so that what is left keeps within each bound."""
    found = blurs(bins)
    worst: dict[ScoreBin, Blur] = {}
    for part in (_AUC, _ABOVE, _BELOW):
        left = [each for each in found if each.bin not in worst] if worst else found
        lost = sum(map(part, left))
        # most have nothing to cut, and need no order
        for each in sorted(left, key=part, reverse=True) if lost > BOUND else ():
            if lost <= BOUND:
                break
            lost -= part(each)
            worst[each.bin] = each
    return sorted(worst.values(), key=_size, reverse=True)


def _size(blur: Blur) -> float:
    return max(blur.auc, blur.above, blur.below)


def _edges(crowded: Sequence[Sequence[Blur]]) -> tuple[float, ...]:
    """Cut crowded bins of all groups, the worst first and finest, as one question bears it.

    What is left of a bin is its blur divided by its parts; of a given number of parts in all, least
    is left where each has them by the root of its blur.
    """
    edges: set[float] = set()
    whole = sum(sqrt(_size(each)) for bins in crowded for each in bins)
    for rank in range(max(map(len, crowded), default=0)):
        for each in (bins[rank] for bins in crowded if rank < len(bins)):
            cut = _parts(each.bin, round(_MOST_EDGES * sqrt(_size(each)) / whole) - 1)
            if len(edges) + len(cut) <= _MOST_EDGES:
                edges |= cut
    return tuple(sorted(edges))


def _parts(crowded: ScoreBin, number: int) -> set[float]:
    """Cut a bin, into 2 parts at least."""
    number = max(number, 2)
    width = (crowded.highest - crowded.lowest) / number
    cut = {crowded.lowest + width * part for part in range(number)}
    return {*cut, nextafter(crowded.highest, inf)}


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
    apart = set(crowded)
    made = [each for each in bins if each not in apart]
    for each in crowded:
        first = bisect_left(edges, each.lowest)
        last = bisect_left(edges, nextafter(each.highest, inf))
        if edges[first : first + 1] != (each.lowest,):
            made.append(each)  # there was no room for its edges
            continue
        own = (parts[number] for number in range(first, last) if number in parts)
        made += [ScoreBin(low, high, negative, positive) for negative, positive, low, high in own]
    return tuple(made)
