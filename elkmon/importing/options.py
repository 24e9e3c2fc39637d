"""The options of an import, and its report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from elkmon.events.classes import TASKS
from elkmon.events.errors import ConfigError

__all__ = ["ImportOptions", "ImportReport"]


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """The model whose predictions a table holds, and the role of its columns.

    Attributes:
        model: the model's name.
        version: its version.
        task: binary, multiclass, regression or generation.
        positive: the positive class of a binary task.
        timestamp: column with the time of the prediction; None for the time of the import.
        id: column with the prediction's id; None for a new id in every row.
        label: column with the predicted class.
        value: column with the predicted value of a regression.
        score: column with a probability, 0 to 1.
        truth: column with the true class or value; an empty cell means that it is not known yet.
        truth_time: column with the time at which the truth became known; None, or an empty cell,
            for the row's own time.
        features: columns with the model's features.
        segments: columns to slice by.

    Raises:
        ConfigError: the options contradict each other.
    """

    model: str
    version: str | None = None
    task: str | None = None
    positive: str | None = None
    timestamp: str | None = None
    id: str | None = None
    label: str | None = None
    value: str | None = None
    score: str | None = None
    truth: str | None = None
    truth_time: str | None = None
    features: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.task is not None and self.task not in TASKS:
            raise ConfigError(f"no such task: {self.task!r}; use {', '.join(sorted(TASKS))}")
        if (self.label is None) == (self.value is None):
            raise ConfigError(
                "name the column with the prediction: either label (a class) or value (a number)"
            )
        if self.value is not None and self.task not in {None, "regression"}:
            raise ConfigError(f"a {self.task} model predicts classes: give label, not value")
        if self.label is not None and self.task == "regression":
            raise ConfigError("a regression predicts numbers: give value, not label")
        if self.task == "binary" and self.score is not None and self.positive is None:
            raise ConfigError(
                "a binary score is the probability of the positive class: name that with positive"
            )
        if self.truth_time is not None and self.truth is None:
            raise ConfigError(
                "truth_time is the time of a truth: name the column of the truth with truth"
            )

    def columns(self) -> tuple[tuple[str, str], ...]:
        """Return the role and the name of every column that the options name."""
        roles = ("timestamp", "id", "label", "value", "score", "truth", "truth_time")
        return (
            *((role, column) for role in roles if (column := getattr(self, role)) is not None),
            *(("feature", column) for column in self.features),
            *(("segment", column) for column in self.segments),
        )


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of the rows: read = written + rejected, always."""

    read: int
    written: int
    rejected: int
    labels: int
    """Rows whose truth was written, too."""
    reasons: Mapping[str, int] = field(default_factory=dict)
    """Rejected rows by reason."""
    rejected_file: Path | None = None
    """File with the rejected rows; None if there are none."""

    def balance(self) -> str:
        """Return the counts as an equation: read = written + rejected."""
        return f"read {self.read:,} = written {self.written:,} + rejected {self.rejected:,}"
