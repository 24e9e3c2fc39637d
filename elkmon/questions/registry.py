"""List all questions: those of elkmon, and those of installed plug-ins."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from elkmon.events.errors import ConfigError
from elkmon.questions.business_metrics import METRICS
from elkmon.questions.calibration import CALIBRATION
from elkmon.questions.compare import COMPARE
from elkmon.questions.confusion import CONFUSION
from elkmon.questions.coverage import COVERAGE
from elkmon.questions.exceptions import EXCEPTIONS
from elkmon.questions.issues import ISSUE, ISSUES
from elkmon.questions.latency import LATENCY
from elkmon.questions.quality import QUALITY
from elkmon.questions.rates import ERROR_RATE, FAILURE_RATE
from elkmon.questions.record import QuestionRecord

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["GROUP", "Questions", "built_in", "questions"]

GROUP = "elkmon.questions"
"""The entry points by which a package adds questions: each names a ``QuestionRecord``."""


class Questions:
    """Every question of elkmon, in the order of the commands' list."""

    error_rate = ERROR_RATE
    failure_rate = FAILURE_RATE
    issues = ISSUES
    issue = ISSUE
    exceptions = EXCEPTIONS
    compare = COMPARE
    metrics = METRICS
    quality = QUALITY
    confusion = CONFUSION
    calibration = CALIBRATION
    latency = LATENCY
    coverage = COVERAGE


def built_in() -> list[QuestionRecord[..., Any]]:
    """Return the records of elkmon's own questions."""
    return [record for record in vars(Questions).values() if isinstance(record, QuestionRecord)]


@cache
def questions() -> dict[str, QuestionRecord[..., Any]]:
    """Return all questions by the name of their method, those of plug-ins last.

    Raises:
        ConfigError: a plug-in cannot be loaded, or adds a question that already exists.
    """
    from importlib.metadata import entry_points  # noqa: PLC0415 - only plug-ins need it

    known = {record.method: record for record in built_in()}
    commands = {record.command for record in built_in()}
    for point in entry_points(group=GROUP):
        record = _load(point)
        if record.method in known or (record.command and record.command in commands):
            raise ConfigError(
                f"the plug-in {point.value} adds {record.command or record.method}, a question "
                "that already exists: uninstall one of the two"
            )
        known[record.method] = record
        commands.add(record.command)
    return known


def _load(point: EntryPoint) -> QuestionRecord[..., Any]:
    try:
        record = point.load()
    except Exception as error:
        raise ConfigError(
            f"the question {point.name} of the plug-in {point.value} cannot be loaded: {error!r}"
        ) from error
    if not isinstance(record, QuestionRecord):
        raise ConfigError(
            f"the plug-in {point.value} is not a QuestionRecord of elkmon.questions.record: "
            "correct its entry point"
        )
    return record
