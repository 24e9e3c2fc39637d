"""What changed, as people read it in a terminal: the first section of the report's page."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from elkmon.present.output import Output, below, clean
from elkmon.report.findings import Finding, Kind
from elkmon.report.model_sections import Section
from elkmon.report.page import KINDS, Report

__all__ = ["show_changed"]

_STYLES: dict[Kind, str] = {
    "worse": "bold red",
    "regressed": "bold red",
    "new": "bold yellow",
    "slower": "bold yellow",
    "better": "green",
    "faster": "green",
    "unclear": "dim",
    "ongoing": "",
}
_MOST = 8
"""Findings of one model; the page has all."""


def show_changed(output: Output, report: Report) -> None:
    """Write what got worse, what else changed, and what cannot be told, model by model."""
    output.show(Text.assemble(("What changed: ", "bold"), _verdict(report)))
    for section in report.sections:
        output.show(Text(""), _head(section))
        made = Table.grid(padding=(0, 1, 0, 1))
        made.add_column(no_wrap=True)
        made.add_column(overflow="fold")
        for each in section.findings[:_MOST]:
            made.add_row(Text(KINDS[each.kind], _STYLES[each.kind]), _words(each))
        left = len(section.findings) - _MOST
        if left > 0:
            made.add_row(Text(""), Text(f"{left} more are on the page", "dim"))
        for why in section.unjudged:
            made.add_row(
                Text(KINDS["unclear"], _STYLES["unclear"]),
                Text(f"Not compared: {clean(why)}.", "dim"),
            )
        if made.row_count:
            output.show(made)


def _verdict(report: Report) -> tuple[str, str]:
    if not report.served:
        return "nothing was served in this span", ""
    number = report.alarms
    if not number:
        return "nothing is known to have got worse", "green"
    names = ", ".join(clean(each.name) for each in report.sections if each.alarms)
    return f"{number} {'thing' if number == 1 else 'things'} got worse, in {names}", "bold red"


def _head(section: Section) -> Text:
    said = Text(clean(section.name), "bold")
    for rated, what in ((section.error_rate, "wrong of {} labelled"),
                        (section.failure_rate, "failed of {} attempts")):  # fmt: skip
        if rated is not None:
            shown = rated.reason or f"{rated.shown} {what.format(rated.of)}"
            said.append(f" · {shown}", "dim")
    return said


def _words(finding: Finding) -> Text:
    """Put the evidence below."""
    title = Text(clean(finding.title), "" if finding.alarm else _STYLES[finding.kind])
    evidence = Text(clean(" ".join(finding.evidence)), "dim")
    return below(title, evidence) if evidence else title
