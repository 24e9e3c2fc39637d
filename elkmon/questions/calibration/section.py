"""Write the report's section of calibration by version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from elkmon.present import plots
from elkmon.present.formatting import cell, command_line, number
from elkmon.present.page_block import (
    VERSION,
    Block,
    Command,
    Frame,
    SectionAnswers,
    Table,
    events,
    plot_values,
    rate_cells,
    version_of,
    versions_of,
)
from elkmon.questions.calibration import CALIBRATION
from elkmon.questions.calibration.figures import CalibrationRow, calibration
from elkmon.stores.location import Place
from elkmon.stores.protocol import Store

__all__ = ["ask", "blocks"]

_DIAGONAL = (
    "On the dashed line, scores come true as often as they say; below it they promise too much."
)


def ask(store: Store, frame: Frame) -> tuple[Sequence[CalibrationRow], Sequence[str]]:
    """Return the calibration of each version, and notes."""
    result = calibration(store, frame.versions)
    return result.rows, result.notes


def blocks(answers: SectionAnswers, location: Place) -> list[Block]:
    """Return the block of the reliability diagram."""
    return [_block(answers, location)]


def _block(answers: SectionAnswers, store: Place) -> Block:
    line = command_line("calibration", store, answers.question, "--by", VERSION)
    title = "Reliability of scores"
    commands = (Command("calibration", line), events(answers, store, "ml.eval.outcome!="))
    by_version = {version_of(row.by): row for row in answers.rows[CALIBRATION.method] if row.bins}
    versions = versions_of(answers, by_version)[:2]
    if not versions:
        reasons = dict.fromkeys(
            row.ece.reason for row in answers.rows[CALIBRATION.method] if row.ece.reason
        )
        reason = "; ".join(reasons) or "no labelled prediction has a score within [0, 1]"
        return Block("calibration", title, commands=commands, reason=reason)
    rows = [by_version[version] for version in versions]
    lead = tuple(_off(row) for row in rows)
    spec = plots.reliability(
        f"{title} of {cell(answers.question.model)}. {' '.join(lead)}",
        [bin_ for row in rows for bin_ in _bins(row)],
        [cell(version) for version in versions],
    )
    table = Table(
        ("version", "scores", "mean score", "came true [95 %]", "true / labelled"),
        tuple(
            (
                cell(version_of(row.by)),
                _range(b.low, b.high),
                f"{b.score:.3f}",
                *rate_cells([b.share]),
            )
            for row in rows
            for b in row.bins
        ),
        right=frozenset({2, 3, 4}),
    )
    return Block("calibration", title, lead, spec, str(spec["description"]), table,
                 notes=(_DIAGONAL,), commands=commands)  # fmt: skip


def _off(row: CalibrationRow) -> str:
    text = f"{cell(version_of(row.by))}: off by {number(row.ece)} on average (ECE)"
    return f"{text}; chance alone would make {row.by_chance:.3f}." if row.by_chance else f"{text}."


def _bins(row: CalibrationRow) -> list[dict[str, Any]]:
    return [
        {
            "version": cell(version_of(row.by)),
            "score": bin_.score,
            **plot_values(bin_.share),
            "bin": _range(bin_.low, bin_.high),
        }
        for bin_ in row.bins
    ]


def _range(low: float, high: float) -> str:
    return f"{low:.2g}–{high:.2g}"
