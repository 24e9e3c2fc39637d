"""Show quality metrics by version in the report."""

from __future__ import annotations

from collections.abc import Sequence

from elkmon.present.formatting import ABSENT, cell, command_line, counts, interval, number, spread
from elkmon.present.page_block import (
    VERSION,
    Bar,
    Bars,
    Block,
    Command,
    Frame,
    SectionAnswers,
    events,
    version_of,
    versions_of,
)
from elkmon.questions.quality import QUALITY
from elkmon.questions.quality.figures import QualityRow, quality
from elkmon.questions.quality.metrics import METRICS
from elkmon.statistics.estimate import Estimate
from elkmon.stores.location import Place
from elkmon.stores.protocol import Store

__all__ = ["ask", "blocks"]


def ask(store: Store, frame: Frame) -> tuple[Sequence[QualityRow], Sequence[str]]:
    """Return the metrics of each version."""
    result = quality(store, frame.versions)
    return result.rows, result.notes


def blocks(answers: SectionAnswers, location: Place) -> list[Block]:
    """Return the block that shows each metric of each version, with its interval."""
    commands = (
        Command(
            "all metrics", command_line("quality", location, answers.question, "--by", VERSION)
        ),
        events(answers, location, "ml.eval.outcome!="),
    )
    by_version = {version_of(row.by): row for row in answers.rows[QUALITY.method]}
    versions = versions_of(answers, by_version)
    rows = [by_version[version] for version in versions]
    names = dict.fromkeys(name for row in rows for name in row.figures)
    bars = tuple(_bars(name, rows) for name in names)
    notes = tuple(dict.fromkeys(note for row in rows for note in row.notes))
    if not any(bar.value is not None for metric in bars for bar in metric.bars):
        reasons = dict.fromkeys(b.reason for metric in bars for b in metric.bars if b.reason)
        reason = "; ".join(reasons) or "no attempt in this span"
        block = Block("quality", "Quality by version", commands=commands, reason=reason, wide=True)
        return [block]
    return [
        Block(
            "quality",
            "Quality by version",
            versions=tuple(cell(version) for version in versions),
            bars=bars,
            notes=notes,
            commands=commands,
            wide=True,
        )
    ]


def _bars(name: str, rows: Sequence[QualityRow]) -> Bars:
    metric = METRICS[name]
    figures = [row.figures.get(name) for row in rows]
    values = [x for f in figures if f for x in (f.low, f.value, f.high) if x is not None]
    low, high = min(values, default=0.0), max(values, default=1.0)
    # a margin, so that the ends are visible; a single value stands in the middle
    margin = (high - low) * 0.08 or 0.5
    low, wide = low - margin, high - low + 2 * margin

    def place(value: float | None) -> float | None:
        return None if value is None else round(100 * (value - low) / wide, 2)

    def bar(position: int, figure: Estimate | None) -> Bar:
        if figure is None:
            return Bar(position, ABSENT, "", "", "not a figure of its task", None, None, None)
        of = ", ".join(text for text in (counts(figure), spread(figure)) if text)
        places = (place(figure.value), place(figure.low), place(figure.high))
        reason = figure.reason if figure.value is None else None
        return Bar(position, number(figure), interval(figure), of, reason, *places)

    better = "less is better" if metric.falls else ""
    return Bars(metric.title, better, tuple(bar(*item) for item in enumerate(figures, 1)))
