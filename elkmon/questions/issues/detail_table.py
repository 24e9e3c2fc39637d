"""Write one issue in full to a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from elkmon.present.event_line import summary_of, time_of
from elkmon.present.formatting import about_duration, counts, interval, percent, probability, when
from elkmon.present.output import Output, clean, copyable, table
from elkmon.query.question import Question
from elkmon.questions.issues.detail import IssueDetail, entries_of, stack_of
from elkmon.questions.issues.table import STATE_STYLES, bars_of, events_command, trend_of
from elkmon.statistics.rate import Rate
from elkmon.stores.location import Place
from elkmon.stores.protocol import Event

__all__ = ["show_issue"]

_STACK_LINES = 12
_FEATURES = 12


def show_issue(output: Output, store: Place, question: Question, detail: IssueDetail) -> None:
    """Write an issue: its title, times and counts, versions, segments and example events."""
    row = detail.issue
    output.show(
        Text.assemble((row.id, "bold"), " ", (row.state, STATE_STYLES[row.state])),
        Text(clean(row.title), "bold red"),
    )
    if row.evidence:
        output.show(Text(clean(row.evidence)))
    times = f"first seen {when(row.first_seen)}, last {when(row.last_seen)} UTC"
    output.show(Text(f"{row.count:,} times; {times}"))
    if detail.rising_since is not None:
        output.show(Text(f"rising since about {when(detail.rising_since)} UTC", "yellow"))
    bars = bars_of(row)
    if len(bars) > 1:
        top = max(bar.count for bar in bars)
        width = about_duration((bars[1].time - bars[0].time).total_seconds())
        trend = Text.assemble(
            "trend ",
            (trend_of(row), "cyan"),
            (f" from {when(bars[0].time)}, steps of {width}, highest {top:,}", "dim"),
        )
        output.show(trend)
    _show_shares(output, detail)
    stacks: set[str] = set()
    for number, event in enumerate(detail.examples, 1):
        output.show(Text(""), Text(f"Example {number}", "bold"), *_example(event, stacks))
    line = events_command(store, question, row)
    output.show(Text(""), Text("All its events", "bold"), copyable(line))


def _show_shares(output: Output, detail: IssueDetail) -> None:
    wrong = detail.issue.kind == "wrong"
    of = "wrong / labelled" if wrong else "failed / attempts"
    if detail.versions:
        grid = table(output, ["version", "share", of])
        for version in detail.versions:
            grid.add_row(
                Text(clean(version.version or "(none)")), _share(version.share), _of(version.share)
            )
        output.show(Text(""), grid)
    if detail.segments:
        grid = table(output, ["over-represented in", "share", of, "elsewhere", ""])
        for over in detail.segments:
            grid.add_row(
                Text(clean(over.segment), "bold"),
                _share(over.inside),
                _of(over.inside),
                _share(over.outside),
                Text(probability(over.p_value), "dim"),
            )
        output.show(Text(""), grid)


def _share(rate: Rate) -> Text:
    return Text.assemble((percent(rate), "bold"), " ", (interval(rate), "dim"))


def _of(rate: Rate) -> Text:
    return Text(counts(rate), "dim")


def _example(event: Event, stacks: set[str]) -> Iterator[Text]:
    """Write an event, with its stack, unless an example before has the same, and its features."""
    yield Text(f"{time_of(event)} {summary_of(event)}")
    for line in stack_of(event, stacks, _STACK_LINES):
        yield Text(f"  {line}", "dim")
    features = [
        clean(f"{name}={value}")
        for kind in ("number", "category")
        for name, value in entries_of(event, "ml", "features", kind)
    ]
    if features:
        more = f", … {len(features) - _FEATURES} more" if len(features) > _FEATURES else ""
        yield Text(f"  {', '.join(features[:_FEATURES])}{more}", "dim")
