"""What an import is asked to do, and what it reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from elkmon.events.classes import TASKS
from elkmon.events.errors import ConfigError

__all__ = ["ImportOptions", "ImportReport"]


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """Say which model a table is of, and which of its columns is what.

    Attributes:
        model: the model's name.
        version: its version.
        task: binary, multiclass, regression or generation.
        positive: the positive class of a binary task.
        timestamp: column with the time of the prediction; the time of the import where not given.
        id: column with the prediction's id; a new one for every row where not given.
        label: column with the predicted class.
        value: column with the predicted value of a regression.
        score: column with a probability, 0 to 1.
        truth: column with what turned out to be true; an empty cell is no label yet.
        truth_time: column with the time at which the truth became known; the row's own time where
            there is none.
        features: columns that the model was given.
        segments: columns to slice by.

    Raises:
        ConfigError: options that contradict each other.
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
            raise ConfigError(f"no such task: {self.task!r}; there are {', '.join(sorted(TASKS))}")
        if (self.label is None) == (self.value is None):
            raise ConfigError(
                "say which column has the prediction: either label (a class) or value (a number)"
            )
        if self.value is not None and self.task not in {None, "regression"}:
            raise ConfigError(f"a {self.task} model predicts classes: give label, not value")
        if self.label is not None and self.task == "regression":
            raise ConfigError("a regression predicts numbers: give value, not label")
        if self.task == "binary" and self.score is not None and self.positive is None:
            raise ConfigError(
                "a binary score is the probability of the positive class: name it with positive"
            )
        if self.truth_time is not None and self.truth is None:
            raise ConfigError(
                "truth_time is the time of a truth: say which column has it with truth"
            )

    def columns(self) -> tuple[tuple[str, str], ...]:
        """List (what it is, the column's name) for every column that is asked for."""
        single = ("timestamp", "id", "label", "value", "score", "truth", "truth_time")
        named = [(name, getattr(self, name)) for name in single]
        return (
            *((name, column) for name, column in named if column is not None),
            *(("feature", column) for column in self.features),
            *(("segment", column) for column in self.segments),
        )


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Say what became of the rows: read = written + rejected, always."""

    read: int
    written: int
    rejected: int
    labels: int
    """Rows whose truth was written too."""
    reasons: Mapping[str, int] = field(default_factory=dict)
    """Rejected rows by reason."""
    rejected_file: Path | None = None
    """Where the rejected rows are; None where there are none."""

    def balance(self) -> str:
        """Give the line that must come out even."""
        return f"read {self.read:,} = written {self.written:,} + rejected {self.rejected:,}"
