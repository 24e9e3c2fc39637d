"""Write what changed to a terminal: the first section of the report's page."""

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
"""How many findings of one model are written; the page has all."""


def show_changed(output: Output, report: Report) -> None:
    """Write what got worse, what else changed, and what cannot be told, model by model."""
    output.show(Text.assemble(("What changed: ", "bold"), _verdict(report)))
    for section in report.sections:
        output.show(Text(""), _head(section))
        grid = Table.grid(padding=(0, 1, 0, 1))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        for finding in section.findings[:_MOST]:
            grid.add_row(Text(KINDS[finding.kind], _STYLES[finding.kind]), _words(finding))
        left = len(section.findings) - _MOST
        if left > 0:
            grid.add_row(Text(""), Text(f"{left} more are on the page", "dim"))
        for why in section.not_compared:
            grid.add_row(
                Text(KINDS["unclear"], _STYLES["unclear"]),
                Text(f"Not compared: {clean(why)}.", "dim"),
            )
        if grid.row_count:
            output.show(grid)


def _verdict(report: Report) -> tuple[str, str]:
    if not report.served:
        return "there are no predictions in this span", ""
    number = report.alarms
    if not number:
        return "no sign that anything got worse", "green"
    names = ", ".join(clean(section.name) for section in report.sections if section.alarms)
    return f"{number} {'thing' if number == 1 else 'things'} got worse, in {names}", "bold red"


def _head(section: Section) -> Text:
    head = Text(clean(section.name), "bold")
    for rated, what in ((section.error_rate, "wrong of {} labelled"),
                        (section.failure_rate, "failed of {} attempts")):  # fmt: skip
        if rated is not None:
            text = rated.reason or f"{rated.value} {what.format(rated.of)}"
            head.append(f" · {text}", "dim")
    return head


def _words(finding: Finding) -> Text:
    """Return the title, with the evidence below."""
    title = Text(clean(finding.title), "" if finding.alarm else _STYLES[finding.kind])
    evidence = Text(clean(" ".join(finding.evidence)), "dim")
    return below(title, evidence) if evidence else title
