"""One issue in full, as people read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.text import Text

from elkmon.present.event_line import summary_of, time_of
from elkmon.present.formatting import about_duration, counts, interval, percent, probability, when
from elkmon.present.output import Output, clean, copyable, table
from elkmon.query.conditions import lookup
from elkmon.query.question import Question
from elkmon.questions.issues.detail import IssueDetail
from elkmon.questions.issues.table import STATE_STYLES, bars_of, events_command, trend_of
from elkmon.statistics.rate import Rate
from elkmon.stores.location import Place
from elkmon.stores.protocol import Event

__all__ = ["show_issue"]

_STACK_LINES = 12
_FEATURES = 12


def show_issue(output: Output, store: Place, question: Question, detail: IssueDetail) -> None:
    """Write an issue: what, since when, how often, in which versions and segments, examples."""
    row = detail.issue
    output.show(
        Text.assemble((row.id, "bold"), " ", (row.state, STATE_STYLES[row.state])),
        Text(clean(row.title), "bold red"),
    )
    if row.evidence:
        output.show(Text(clean(row.evidence)))
    output.show(
        Text(
            f"{row.count:,} times; first seen {when(row.first_seen)}, last {when(row.last_seen)} "
            f"UTC"
        )
    )
    if detail.rising_since is not None:
        output.show(Text(f"rising since about {when(detail.rising_since)} UTC", "yellow"))
    bars = bars_of(row)
    if len(bars) > 1:
        top = max(bar.count for bar in bars)
        width = about_duration((bars[1].time - bars[0].time).total_seconds())
        drawn = Text.assemble(
            "trend ",
            (trend_of(row), "cyan"),
            (f" from {when(bars[0].time)}, steps of {width}, highest {top:,}", "dim"),
        )
        output.show(drawn)
    _show_shares(output, detail)
    shown: set[str] = set()
    for number, event in enumerate(detail.examples, 1):
        output.show(Text(""), Text(f"Example {number}", "bold"), *_example(event, shown))
    line = events_command(store, question, row)
    output.show(Text(""), Text("All its events", "bold"), copyable(line))


def _show_shares(output: Output, detail: IssueDetail) -> None:
    wrong = detail.issue.kind == "wrong"
    of = "wrong / labelled" if wrong else "failed / attempts"
    if detail.versions:
        made = table(output, ["version", "share", of])
        for each in detail.versions:
            made.add_row(Text(clean(each.version or "(none)")), _share(each.share), _of(each.share))
        output.show(Text(""), made)
    if detail.segments:
        made = table(output, ["over-represented in", "share", of, "elsewhere", ""])
        for over in detail.segments:
            made.add_row(
                Text(clean(over.segment), "bold"),
                _share(over.inside),
                _of(over.inside),
                _share(over.outside),
                Text(probability(over.p_value), "dim"),
            )
        output.show(Text(""), made)


def _share(rate: Rate) -> Text:
    return Text.assemble((percent(rate), "bold"), " ", (interval(rate), "dim"))


def _of(rate: Rate) -> Text:
    return Text(counts(rate), "dim")


def _example(event: Event, shown: set[str]) -> Iterator[Text]:
    """Write an event, with its stack, unless it was shown already, or its features."""
    yield Text(f"{time_of(event)} {summary_of(event)}")
    stack = lookup(event, "error.stack_trace")
    if isinstance(stack, str) and stack in shown:
        yield Text("  the same stack", "dim")
    elif isinstance(stack, str):
        shown.add(stack)
        lines = stack.rstrip().splitlines()
        if len(lines) > _STACK_LINES:
            yield Text(f"  … {len(lines) - _STACK_LINES} lines", "dim")
        for line in lines[-_STACK_LINES:]:
            yield Text(f"  {clean(line)}", "dim")
    features = [*_entries(event, "ml.features.number"), *_entries(event, "ml.features.category")]
    if features:
        more = f", … {len(features) - _FEATURES} more" if len(features) > _FEATURES else ""
        yield Text(f"  {', '.join(features[:_FEATURES])}{more}", "dim")


def _entries(event: Event, field: str) -> Iterator[str]:
    part: object = event
    for name in field.split("."):
        part = part.get(name) if isinstance(part, Mapping) else None
    if isinstance(part, Mapping):
        for name, value in part.items():
            shown = f"{value:.6g}" if isinstance(value, float) else str(value)
            yield clean(f"{name}={shown}")
