"""Quality from late labels: every metric of a group, with interval, support and coverage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from elkmon.events.classes import TASKS
from elkmon.present.result import Result, parts_of
from elkmon.query.groups import Group
from elkmon.query.label_evidence import BINARY, PROBABILITY, RANK, Evidence, gather
from elkmon.query.question import Question
from elkmon.query.times import step
from elkmon.questions.quality.metrics import Ground, Metric, chosen, defaults
from elkmon.questions.quality.score_bins import score_bins
from elkmon.questions.record import Answer
from elkmon.statistics.auc import ScoreBin
from elkmon.statistics.estimate import Estimate
from elkmon.statistics.matrix import AVERAGED
from elkmon.statistics.rate import Rate
from elkmon.stores.protocol import Cell, Store

__all__ = ["ClassRow", "Gathered", "QualityRow", "answer", "collect", "quality", "rows_of"]


@dataclass(frozen=True, slots=True)
class ClassRow:
    """Figures of one class against all others."""

    label: str
    truth: int
    """Stored predictions of which it was the true class."""
    predicted: int
    """Stored, labelled predictions that named it."""
    precision: Estimate
    recall: Estimate
    f1: Estimate
    specificity: Estimate


@dataclass(frozen=True, slots=True)
class QualityRow:
    """The quality of one group."""

    by: Mapping[str, Cell]
    time: datetime | None
    task: str | None
    coverage: Rate
    """Labelled out of successful predictions."""
    figures: Mapping[str, Estimate]
    """By metric, in the order in which they were asked for."""
    classes: tuple[ClassRow, ...]
    notes: tuple[str, ...]
    """What its figures leave out, in sentences."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What figures are made of: evidence in steps or in whole, and which metrics are wanted."""

    evidence: tuple[Evidence, ...]
    named: tuple[Metric, ...]
    """As they were asked for; empty where each task has its default set."""
    families: frozenset[str]

    def together(self) -> Gathered:
        """Add up the steps in time of each group."""
        found: dict[tuple[Cell, ...], Evidence] = {}
        for each in self.evidence:
            key = (*each.by, each.task)
            if key not in found:
                found[key] = Evidence(each.by, each.task, None)
            found[key].add(each)
        return Gathered(tuple(found.values()), self.named, self.families)

    def metrics(self, task: str | None) -> tuple[Metric, ...]:
        """Give the metrics to compute of a task."""
        return self.named or defaults([task])


def quality(
    store: Store, question: Question, metrics: str | Iterable[str] = ()
) -> Result[QualityRow]:
    """Give the metrics of each group.

    Args:
        store: to ask.
        question: what to ask.
        metrics: names of :data:`elkmon.questions.quality.metrics.METRICS`; a default set by the
            model's task where there are none.

    Raises:
        QueryError: it cannot be asked, or there is no such metric.
        StoreError: the store cannot be read.
    """
    return rows_of(store, question, collect(store, question, metrics))


def collect(store: Store, question: Question, metrics: str | Iterable[str] = ()) -> Gathered:
    """Ask for what figures are made of; arguments and errors as of :func:`quality`."""
    named = chosen(metrics)
    wanted = named or defaults(TASKS)
    families = frozenset(each.family for each in wanted if each.family is not None)
    return Gathered(tuple(gather(store, question, families)), named, families)


def rows_of(
    store: Store, question: Question, gathered: Gathered, *, refine: bool = True
) -> Result[QualityRow]:
    """Compute the figures.

    Args:
        store: to ask again where score bins are too coarse.
        question: that the evidence answers; its steps are those of the evidence.
        gathered: the evidence.
        refine: whether to ask again at all.
    """
    evidence = gathered.evidence
    bins: Sequence[Sequence[ScoreBin]] = [()] * len(evidence)
    if RANK in gathered.families:
        bins = score_bins(store, question, evidence, rounds=None if refine else 0)
    rows = tuple(
        _row(question, each, own, gathered.metrics(each.task))
        for each, own in zip(evidence, bins, strict=True)
    )
    names = dict.fromkeys(name for row in rows for name in row.figures)
    names = names or dict.fromkeys(metric.name for metric in gathered.metrics(BINARY))
    columns = (
        *(*question.by, "time", "task"),
        *(*parts_of(Estimate, *names), *parts_of(Rate, "coverage"), "notes"),
    )
    return Result(question, rows, columns, _notes(rows))


def _row(
    question: Question, evidence: Evidence, bins: Sequence[ScoreBin], metrics: Sequence[Metric]
) -> QualityRow:
    ground = Ground(evidence, bins)
    figures = {metric.name: metric.of(ground) for metric in metrics}
    return QualityRow(
        dict(zip(question.by, evidence.by, strict=True)),
        evidence.time,
        evidence.task,
        evidence.labelled.out_of(evidence.succeeded, "no successful attempt"),
        figures,
        _classes(ground),
        tuple(_left_out(ground, metrics)),
    )


def _classes(ground: Ground) -> tuple[ClassRow, ...]:
    matrix = ground.matrix
    return tuple(
        ClassRow(
            name,
            matrix.truth[name].count if name in matrix.truth else 0,
            matrix.predicted[name].count if name in matrix.predicted else 0,
            *(matrix.of_class(metric, name) for metric in AVERAGED),
        )
        for name in matrix.classes
    )


def _left_out(ground: Ground, metrics: Sequence[Metric]) -> Iterable[str]:
    """Count and name what figures leave out."""
    evidence = ground.evidence
    by_names: dict[tuple[str, ...], list[str]] = {}
    for metric, names in ground.left_out.items():
        if names:
            by_names.setdefault(names, []).append(metric)
    for names, of in by_names.items():
        yield f"without support, absent from the mean over classes ({', '.join(of)}): " + ", ".join(
            names
        )
    if evidence.task in {BINARY, "multiclass"}:
        unpredicted = evidence.classed - ground.matrix.total.count
        if unpredicted:
            yield f"{unpredicted:,} labelled predictions name no class: in no matrix"
        unclassed = evidence.judged.count + unpredicted - evidence.classed
        if unclassed > 0:
            yield f"{unclassed:,} labels say right or wrong only: they count for accuracy alone"
    if not any(metric.family in {PROBABILITY, RANK} for metric in metrics):
        return
    if evidence.outside:
        yield (
            f"{evidence.outside:,} labelled predictions have a score outside [0, 1]: left out of "
            "all figures of scores"
        )
    missing = evidence.classed - evidence.scored - evidence.outside
    if evidence.classed and missing > 0:
        what = "score" if evidence.task == BINARY else "probability of every class within [0, 1]"
        yield (
            f"{missing:,} of {evidence.classed:,} labelled predictions have no {what}: left out of "
            "all figures of scores"
        )


def _notes(rows: Sequence[QualityRow]) -> tuple[str, ...]:
    """Gather what rows leave out, with their group."""
    notes: dict[str, None] = {}
    for row in rows:
        group = Group(tuple(row.by.values()), row.time)
        for note in row.notes:
            notes[f"{group.words}: {note}"] = None
    return tuple(notes)


def answer(store: Store, question: Question, metrics: tuple[str, ...]) -> Answer:
    """Return what the command shows; arguments and errors as of :func:`quality`."""
    steps = question.every or step(question.since, question.until)
    # asked in steps in any case: what is shown in whole is their sum
    stepped = question.stepped(steps)
    gathered = collect(store, stepped, metrics)
    return Answer(
        rows_of(store, question, gathered if question.every else gathered.together()),
        steps,
        lambda: rows_of(store, stepped, gathered, refine=False).rows,
    )
