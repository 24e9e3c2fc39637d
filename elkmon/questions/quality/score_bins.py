"""Ask for finer score bins where too many scores of both classes share one."""

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
"""The largest error of AUC and average precision; beyond it the store is asked again."""
_ROUNDS = 3
_AUC, _ABOVE, _BELOW = (attrgetter(name) for name in ("auc", "above", "below"))
_MOST_EDGES = 1000
_SCORE = "ml.prediction.score"
_MEASURES = (*support(), *(Measure("min", _SCORE), Measure("max", _SCORE)))


def score_bins(
    store: Store, question: Question, evidence: Sequence[Evidence], rounds: int | None = None
) -> list[tuple[ScoreBin, ...]]:
    """Return the score bins of each piece of evidence, as fine as both bounds need.

    Crowded bins are cut into equal parts, up to three times, over the actual range of their
    scores. The bounds include what is still crowded then.

    Args:
        store: the store, which is asked again only if a bound is too large.
        question: the question of the evidence.
        evidence: the evidence, one piece for each group, step and task.
        rounds: how often to ask at most; by default three times.

    Raises:
        StoreError: the store cannot be read.
    """
    bins = [_first(piece) for piece in evidence]
    for _ in range(_ROUNDS if rounds is None else rounds):
        crowded = [_crowded(group_bins) for group_bins in bins]
        edges = _edges(crowded)
        if not edges:
            break
        finer = _ask(store, question, edges)
        for place, piece in enumerate(evidence):
            parts = finer.get(Group(piece.by, piece.time), {})
            cut = [blur.bin for blur in crowded[place]]
            bins[place] = _cut(bins[place], cut, edges, parts)
    return bins


def _first(evidence: Evidence) -> tuple[ScoreBin, ...]:
    return tuple(ScoreBin(b[6], b[7], Sums(*b[0:3]), Sums(*b[3:6])) for b in evidence.bins.values())


def _crowded(bins: Sequence[ScoreBin]) -> list[Blur]:
    """Return the bins that have to be cut so that the rest keeps within each bound."""
    all_blurs = blurs(bins)
    worst: dict[ScoreBin, Blur] = {}
    for part in (_AUC, _ABOVE, _BELOW):
        left = [blur for blur in all_blurs if blur.bin not in worst] if worst else all_blurs
        lost = sum(map(part, left))
        # most have nothing to cut, and need no sorting
        for blur in sorted(left, key=part, reverse=True) if lost > BOUND else ():
            if lost <= BOUND:
                break
            lost -= part(blur)
            worst[blur.bin] = blur
    return sorted(worst.values(), key=_size, reverse=True)


def _size(blur: Blur) -> float:
    return max(blur.auc, blur.above, blur.below)


def _edges(crowded: Sequence[Sequence[Blur]]) -> tuple[float, ...]:
    """Return the edges that cut the crowded bins of all groups, the worst first and finest.

    The error that remains of a bin is its blur divided by the number of its parts. For a given
    total of parts, least error remains if the parts are shared out by the root of the blur.
    """
    edges: set[float] = set()
    whole = sum(sqrt(_size(blur)) for bins in crowded for blur in bins)
    for rank in range(max(map(len, crowded), default=0)):
        for blur in (bins[rank] for bins in crowded if rank < len(bins)):
            cut = _parts(blur.bin, round(_MOST_EDGES * sqrt(_size(blur)) / whole) - 1)
            if len(edges) + len(cut) <= _MOST_EDGES:
                edges |= cut
    return tuple(sorted(edges))


def _parts(crowded: ScoreBin, number: int) -> set[float]:
    """Return the edges that cut a bin into at least 2 parts."""
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
    classes = FieldValue("ml.prediction.positive"), FieldValue("ml.truth.label")
    by = (*classes, Edges(_SCORE, edges))
    by_group: dict[Group, dict[int, list[Any]]] = {}
    for group, row in grouped(store, question, by, _MEASURES, *only):
        positive, truth, number, *cells, low, high = row
        part = by_group.setdefault(group, {}).setdefault(int(number), [Sums(), Sums(), inf, -inf])
        part[truth == positive] += Sums.of(cells)
        part[2], part[3] = min(part[2], low), max(part[3], high)
    return by_group


def _cut(
    bins: Sequence[ScoreBin],
    crowded: Sequence[ScoreBin],
    edges: tuple[float, ...],
    parts: dict[int, list[Any]],
) -> tuple[ScoreBin, ...]:
    """Return the bins with the crowded ones replaced by their parts."""
    apart = set(crowded)
    new_bins = [score_bin for score_bin in bins if score_bin not in apart]
    for score_bin in crowded:
        first = bisect_left(edges, score_bin.lowest)
        last = bisect_left(edges, nextafter(score_bin.highest, inf))
        if edges[first : first + 1] != (score_bin.lowest,):
            new_bins.append(score_bin)  # there was no room for its edges
            continue
        inside = (parts[number] for number in range(first, last) if number in parts)
        new_bins += [
            ScoreBin(low, high, negative, positive) for negative, positive, low, high in inside
        ]
    return tuple(new_bins)
