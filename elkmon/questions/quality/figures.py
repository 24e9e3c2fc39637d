"""Answer the question: every quality metric of a group, with interval, support and coverage."""

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
from elkmon.questions.quality.metrics import Metric, MetricInput, default_metrics, metrics_named
from elkmon.questions.quality.score_bins import score_bins
from elkmon.questions.record import Answer
from elkmon.statistics.auc import ScoreBin
from elkmon.statistics.estimate import Estimate
from elkmon.statistics.matrix import AVERAGED
from elkmon.statistics.rate import Rate
from elkmon.stores.protocol import Cell, Store

__all__ = [
    "ClassRow",
    "QualityEvidence",
    "QualityRow",
    "answer",
    "collect_evidence",
    "quality",
    "rows_of",
]


@dataclass(frozen=True, slots=True)
class ClassRow:
    """The metrics of one class against all others."""

    label: str
    truth: int
    """How many stored predictions have this true class."""
    predicted: int
    """How many stored, labelled predictions name this class."""
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
    """The share of successful predictions that are labelled."""
    figures: Mapping[str, Estimate]
    """By metric, in the order of the question."""
    classes: tuple[ClassRow, ...]
    notes: tuple[str, ...]
    """What the figures leave out, in sentences."""


@dataclass(frozen=True, slots=True)
class QualityEvidence:
    """The evidence from which metrics are computed, and the metrics to compute."""

    evidence: tuple[Evidence, ...]
    named: tuple[Metric, ...]
    """The metrics of the question; empty for the default set of each task."""
    families: frozenset[str]

    def together(self) -> QualityEvidence:
        """Return the evidence with the time steps of each group added up."""
        together: dict[tuple[Cell, ...], Evidence] = {}
        for evidence in self.evidence:
            key = (*evidence.by, evidence.task)
            if key not in together:
                together[key] = Evidence(evidence.by, evidence.task, None)
            together[key].add(evidence)
        return QualityEvidence(tuple(together.values()), self.named, self.families)

    def metrics(self, task: str | None) -> tuple[Metric, ...]:
        """Return the metrics to compute for a task."""
        return self.named or default_metrics([task])


def quality(
    store: Store, question: Question, metrics: str | Iterable[str] = ()
) -> Result[QualityRow]:
    """Return the metrics of each group.

    Args:
        store: the store.
        question: the question.
        metrics: names of :data:`elkmon.questions.quality.metrics.METRICS`; by default a set for
            the model's task.

    Raises:
        QueryError: the question is invalid, or there is no such metric.
        StoreError: the store cannot be read.
    """
    return rows_of(store, question, collect_evidence(store, question, metrics))


def collect_evidence(
    store: Store, question: Question, metrics: str | Iterable[str] = ()
) -> QualityEvidence:
    """Return the evidence for metrics; see :func:`quality`."""
    named = metrics_named(metrics)
    families = frozenset(
        metric.family for metric in named or default_metrics(TASKS) if metric.family is not None
    )
    return QualityEvidence(tuple(gather(store, question, families)), named, families)


def rows_of(
    store: Store, question: Question, gathered: QualityEvidence, *, refine: bool = True
) -> Result[QualityRow]:
    """Return the metrics, computed from the evidence.

    Args:
        store: the store, which is asked again if score bins are too coarse.
        question: the question of the evidence; its steps are those of the evidence.
        gathered: the evidence.
        refine: whether to ask again at all.
    """
    evidence = gathered.evidence
    bins: Sequence[Sequence[ScoreBin]] = [()] * len(evidence)
    if RANK in gathered.families:
        bins = score_bins(store, question, evidence, rounds=None if refine else 0)
    rows = tuple(
        _row(question, row, row_bins, gathered.metrics(row.task))
        for row, row_bins in zip(evidence, bins, strict=True)
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
    ground = MetricInput(evidence, bins)
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


def _classes(ground: MetricInput) -> tuple[ClassRow, ...]:
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


def _left_out(ground: MetricInput, metrics: Sequence[Metric]) -> Iterable[str]:
    """Yield what the metrics leave out, in sentences with counts."""
    evidence = ground.evidence
    by_names: dict[tuple[str, ...], list[str]] = {}
    for metric, names in ground.left_out.items():
        if names:
            by_names.setdefault(names, []).append(metric)
    for names, of in by_names.items():
        classes = ", ".join(names)
        yield f"without support, absent from the mean over classes ({', '.join(of)}): {classes}"
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
    """Return what rows leave out, with their group."""
    notes: dict[str, None] = {}
    for row in rows:
        group = Group(tuple(row.by.values()), row.time)
        for note in row.notes:
            notes[f"{group.words}: {note}"] = None
    return tuple(notes)


def answer(store: Store, question: Question, metrics: tuple[str, ...]) -> Answer:
    """Return what the command shows; see :func:`quality`."""
    steps = question.every or step(question.since, question.until)
    # always asked in steps: the whole is their sum
    stepped = question.stepped(steps)
    gathered = collect_evidence(store, stepped, metrics)
    return Answer(
        rows_of(store, question, gathered if question.every else gathered.together()),
        steps,
        lambda: rows_of(store, stepped, gathered, refine=False).rows,
    )
