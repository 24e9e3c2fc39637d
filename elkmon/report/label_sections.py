"""Figures of what labels say: quality by version, confusion, calibration."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

from elkmon.present import plots
from elkmon.present.formatting import (
    ABSENT,
    cell,
    command_line,
    interval,
    limits,
    made_of,
    number,
    percent,
    spread,
)
from elkmon.questions.calibration.figures import CalibrationRow
from elkmon.questions.confusion.figures import ConfusionRow
from elkmon.questions.quality.figures import QualityRow
from elkmon.questions.quality.metrics import METRICS
from elkmon.report.answers import Answers
from elkmon.report.findings import Command
from elkmon.report.page_block import (
    Bar,
    Bars,
    Block,
    Table,
    drawn,
    events,
    rate_cells,
    versions_of,
)
from elkmon.statistics.estimate import Figure
from elkmon.statistics.natural_order import natural
from elkmon.stores.location import Place

__all__ = ["calibration", "confusion", "quality"]

_VERSION = "version"
_MOST_CLASSES = 20
_MOST_WORDED = 12
"""Classes up to which the cells of a matrix hold their counts."""
_MOST_MISTAKES = 12
_SHADES = (
    "Right answers are darker the larger their share of the true class; mistakes the closer they "
    "come to the most frequent one."
)
_DIAGONAL = (
    "On the dashed line, scores come true as often as they say; below it they promise too much."
)


def quality(answers: Answers, store: Place) -> Block:
    """Show each metric of each version, with its interval."""
    commands = (
        Command("all metrics", command_line("quality", store, answers.question, "--by", _VERSION)),
        events(answers, store, "ml.eval.outcome!="),
    )
    by_version = {_name(row.by): row for row in answers.quality}
    versions = versions_of(answers, by_version)
    rows = [by_version[each] for each in versions]
    names = dict.fromkeys(name for row in rows for name in row.figures)
    bars = tuple(_bars(name, rows) for name in names)
    notes = tuple(dict.fromkeys(note for row in rows for note in row.notes))
    if not any(bar.value is not None for each in bars for bar in each.bars):
        reasons = dict.fromkeys(b.reason for each in bars for b in each.bars if b.reason)
        reason = "; ".join(reasons) or "no attempt in this span"
        return Block("quality", "Quality by version", commands=commands, reason=reason, wide=True)
    return Block(
        "quality",
        "Quality by version",
        versions=tuple(cell(each) for each in versions),
        bars=bars,
        notes=notes,
        commands=commands,
        wide=True,
    )


def _bars(name: str, rows: Sequence[QualityRow]) -> Bars:
    metric = METRICS[name]
    figures = [row.figures.get(name) for row in rows]
    known = [x for f in figures if f for x in (f.low, f.value, f.high) if x is not None]
    low, high = min(known, default=0.0), max(known, default=1.0)
    # a margin, so that the ends are seen; one value stands in the middle
    margin = (high - low) * 0.08 or 0.5
    low, wide = low - margin, high - low + 2 * margin

    def place(value: float | None) -> float | None:
        return None if value is None else round(100 * (value - low) / wide, 2)

    def bar(position: int, figure: Figure | None) -> Bar:
        if figure is None:
            return Bar(position, ABSENT, "", "", "not a figure of its task", None, None, None)
        of = ", ".join(each for each in (made_of(figure), spread(figure)) if each)
        places = (place(figure.value), place(figure.low), place(figure.high))
        reason = figure.reason if figure.value is None else None
        return Bar(position, number(figure), limits(figure), of, reason, *places)

    better = "less is better" if metric.falls else ""
    return Bars(metric.title, better, tuple(bar(*each) for each in enumerate(figures, 1)))


def confusion(answers: Answers, store: Place) -> Block | None:
    """Show which classes the current version takes for which; None where there are no classes."""
    tasks = {row.task for row in answers.quality}
    if tasks and not tasks & {"binary", "multiclass", None}:
        return None
    asked = command_line("confusion", store, answers.question, "--by", _VERSION)
    commands = (Command("all versions", asked), events(answers, store, "ml.eval.outcome=wrong"))
    versions = versions_of(answers, {_name(row.by) for row in answers.confusion})
    if not versions:
        return Block("confusion", "Confusion", commands=commands, reason="no label yet")
    rows = [row for row in answers.confusion if _name(row.by) == versions[0]]
    classes, kept, left_out = _fewer(rows)
    wrong = [row for row in kept if row.truth != row.predicted]
    worst = max((row.share.value or 0.0 for row in wrong), default=0.0)
    mistakes = sorted(wrong, key=lambda row: -row.share.weighted_k)
    title = f"Confusion of {cell(versions[0])}"
    lead = "No answer is wrong."
    if mistakes:
        most = mistakes[0]
        lead = (
            f"Most often {cell(most.truth)} is taken for {cell(most.predicted)}: "
            f"{percent(most.share)} of all {cell(most.truth)}."
        )
    spec = plots.confusion(
        f"{title}, {cell(answers.question.model)}. {lead}",
        [_cell(row, worst) for row in _whole(kept, classes)],
        [cell(each) for each in classes],
        words=len(classes) <= _MOST_WORDED,
    )
    table = Table(
        ("true", "predicted", "share of the true class [95 %]", "predictions"),
        tuple(
            (cell(row.truth), cell(row.predicted), *rate_cells([row.share]))
            for row in mistakes[:_MOST_MISTAKES]
        ),
        "The most frequent mistakes",
        frozenset({2, 3}),
    )
    notes = [_SHADES]
    if left_out:
        notes.append(f"{left_out:,} classes with fewer mistakes are left out.")
    return Block("confusion", title, (lead,), spec, str(spec["description"]), table,
                 notes=tuple(notes), commands=commands)  # fmt: skip


def _fewer(rows: Sequence[ConfusionRow]) -> tuple[list[str], list[ConfusionRow], int]:
    """Keep as many classes as can be seen: those with the most mistakes."""
    mistakes: dict[str, float] = {}
    for row in rows:
        for each in {row.truth, row.predicted}:
            extra = row.share.weighted_k if row.truth != row.predicted else 0.0
            mistakes[each] = mistakes.get(each, 0.0) + extra
    kept = sorted(mistakes, key=lambda each: (-mistakes[each], natural(each)))[:_MOST_CLASSES]
    within = [row for row in rows if row.truth in kept and row.predicted in kept]
    return sorted(kept, key=natural), within, len(mistakes) - len(kept)


def _whole(
    rows: Sequence[ConfusionRow], classes: Sequence[str]
) -> list[ConfusionRow | tuple[str, str]]:
    known = {(row.truth, row.predicted): row for row in rows}
    pairs = [(truth, predicted) for truth in classes for predicted in classes]
    return [known.get(pair, pair) for pair in pairs]


def _cell(row: ConfusionRow | tuple[str, str], worst: float) -> dict[str, Any]:
    if isinstance(row, tuple):
        truth, predicted = row
        empty = {"right": truth == predicted, "shade": 0.0, "count": "0", "shown": "0 %"}
        return {"truth": cell(truth), "predicted": cell(predicted), **empty}
    right = row.truth == row.predicted
    share = row.share.value or 0.0
    return {
        "truth": cell(row.truth),
        "predicted": cell(row.predicted),
        "right": right,
        # of areas of one colour, people tell small shares apart on a root scale
        "shade": share if right else sqrt(share / worst),
        "count": f"{row.share.k:,}",
        "shown": f"{percent(row.share)} {interval(row.share)}",
    }


def calibration(answers: Answers, store: Place) -> Block:
    """Show whether scores come true as often as they say."""
    asked = command_line("calibration", store, answers.question, "--by", _VERSION)
    title = "Reliability of scores"
    commands = (Command("calibration", asked), events(answers, store, "ml.eval.outcome!="))
    by_version = {_name(row.by): row for row in answers.calibration if row.bins}
    versions = versions_of(answers, by_version)[:2]
    if not versions:
        reasons = dict.fromkeys(row.ece.reason for row in answers.calibration if row.ece.reason)
        reason = "; ".join(reasons) or "no labelled prediction has a score within [0, 1]"
        return Block("calibration", title, commands=commands, reason=reason)
    rows = [by_version[each] for each in versions]
    lead = tuple(_off(row) for row in rows)
    spec = plots.reliability(
        f"{title} of {cell(answers.question.model)}. {' '.join(lead)}",
        [bin_ for row in rows for bin_ in _bins(row)],
        [cell(each) for each in versions],
    )
    table = Table(
        ("version", "scores", "mean score", "came true [95 %]", "true / labelled"),
        tuple(
            (cell(_name(row.by)), _range(b.low, b.high), f"{b.score:.3f}", *rate_cells([b.share]))
            for row in rows
            for b in row.bins
        ),
        right=frozenset({2, 3, 4}),
    )
    return Block("calibration", title, lead, spec, str(spec["description"]), table,
                 notes=(_DIAGONAL,), commands=commands)  # fmt: skip


def _off(row: CalibrationRow) -> str:
    said = f"{cell(_name(row.by))}: off by {number(row.ece)} on average (ECE)"
    return f"{said}; chance alone would make {row.by_chance:.3f}." if row.by_chance else f"{said}."


def _bins(row: CalibrationRow) -> list[dict[str, Any]]:
    return [
        {
            "version": cell(_name(row.by)),
            "score": each.score,
            **drawn(each.share),
            "bin": _range(each.low, each.high),
        }
        for each in row.bins
    ]


def _range(low: float, high: float) -> str:
    return f"{low:.2g}–{high:.2g}"


def _name(by: Any) -> str | None:  # noqa: ANN401 - a mapping of groups
    value = by.get(_VERSION)
    return None if value is None else str(value)
