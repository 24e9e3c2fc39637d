"""elkmon: model error tracking on log pipelines.

An application emits predictions, labels and errors as JSON events::

    import elkmon

    log = elkmon.get_logger(model="fraud", version="2.3.1", task="binary", positive="fraud")
    with log.predict(features={"amount": 12.5}) as p:
        p.label, p.score = "fraud", 0.93

and anybody asks for the error rates behind them with ``elkmon errors`` or :class:`elkmon.Monitor`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, get_type_hints

if TYPE_CHECKING:
    from elkmon import emit
    from elkmon.emit import (
        ElkmonFormatter,
        ElkmonHandler,
        ElkmonLogger,
        ElkmonProcessor,
        ElkmonRenderer,
        Predict,
        Stats,
        configure,
        flush,
        get_logger,
        reset,
        stats,
    )
    from elkmon.events.errors import (
        ConfigError,
        ElkmonError,
        ProvisionError,
        QueryError,
        StoreError,
        UsageError,
    )
    from elkmon.monitor import Monitor
    from elkmon.present.result import Result
    from elkmon.query.question import Question
    from elkmon.questions.business_metrics.figures import MetricRow
    from elkmon.questions.calibration.figures import CalibrationBin, CalibrationRow
    from elkmon.questions.compare.changes import Change
    from elkmon.questions.compare.comparison_sides import Side
    from elkmon.questions.compare.figures import Comparison, Shift
    from elkmon.questions.compare.verdict import Difference
    from elkmon.questions.confusion.figures import ConfusionRow
    from elkmon.questions.coverage.figures import AgeShare, CoverageRow, LabelArrival, LabelCounts
    from elkmon.questions.exceptions.figures import ExceptionRow
    from elkmon.questions.issues.detail import IssueDetail, VersionShare
    from elkmon.questions.issues.overrepresentation import Overrepresentation
    from elkmon.questions.issues.row import IssueRow, Step
    from elkmon.questions.latency.figures import LatencyRow
    from elkmon.questions.quality.figures import ClassRow, QualityRow
    from elkmon.questions.rates.figures import ErrorRow, FailureRow
    from elkmon.report.page import Report
    from elkmon.statistics.estimate import Estimate
    from elkmon.statistics.rate import Rate
    from elkmon.stores.finding import Finding
    from elkmon.stores.protocol import (
        Catalog,
        Condition,
        ModelEntry,
        ProcessEntry,
        Span,
        TimeBucket,
        VersionEntry,
    )

__version__ = "0.1.0"

__all__ = [
    "AgeShare",
    "CalibrationBin",
    "CalibrationRow",
    "Catalog",
    "Change",
    "ClassRow",
    "Comparison",
    "Condition",
    "ConfigError",
    "ConfusionRow",
    "CoverageRow",
    "Difference",
    "ElkmonError",
    "ElkmonFormatter",
    "ElkmonHandler",
    "ElkmonLogger",
    "ElkmonProcessor",
    "ElkmonRenderer",
    "ErrorRow",
    "Estimate",
    "ExceptionRow",
    "FailureRow",
    "Finding",
    "IssueDetail",
    "IssueRow",
    "LabelArrival",
    "LabelCounts",
    "LatencyRow",
    "MetricRow",
    "ModelEntry",
    "Monitor",
    "Overrepresentation",
    "Predict",
    "ProcessEntry",
    "ProvisionError",
    "QualityRow",
    "QueryError",
    "Question",
    "Rate",
    "Report",
    "Result",
    "Shift",
    "Side",
    "Span",
    "Stats",
    "Step",
    "StoreError",
    "TimeBucket",
    "UsageError",
    "VersionEntry",
    "VersionShare",
    "__version__",
    "configure",
    "emit",
    "flush",
    "get_logger",
    "reset",
    "stats",
]

_MODULES = {
    "emit": "ElkmonFormatter ElkmonHandler ElkmonLogger ElkmonProcessor ElkmonRenderer Predict "
    "Stats configure flush get_logger reset stats",
    "events.errors": "ConfigError ElkmonError ProvisionError QueryError StoreError UsageError",
    "monitor": "Monitor",
    "present.result": "Result",
    "query.question": "Question",
    "questions.business_metrics.figures": "MetricRow",
    "questions.calibration.figures": "CalibrationBin CalibrationRow",
    "questions.compare.changes": "Change",
    "questions.compare.comparison_sides": "Side",
    "questions.compare.figures": "Comparison Shift",
    "questions.compare.verdict": "Difference",
    "questions.confusion.figures": "ConfusionRow",
    "questions.coverage.figures": "AgeShare LabelArrival CoverageRow LabelCounts",
    "questions.exceptions.figures": "ExceptionRow",
    "questions.issues.detail": "IssueDetail VersionShare",
    "questions.issues.overrepresentation": "Overrepresentation",
    "questions.issues.row": "IssueRow Step",
    "questions.latency.figures": "LatencyRow",
    "questions.quality.figures": "ClassRow QualityRow",
    "questions.rates.figures": "ErrorRow FailureRow",
    "report.page": "Report",
    "statistics.estimate": "Estimate",
    "statistics.rate": "Rate",
    "stores.finding": "Finding",
    "stores.protocol": "Catalog Condition ModelEntry ProcessEntry Span TimeBucket VersionEntry",
}
"""Where each name lives. It is imported on first use: an application that only emits never pays
for the client, and the command line never pays for the emitter."""
_HOME = {name: module for module, names in _MODULES.items() for name in names.split()}


def __getattr__(name: str) -> object:
    """Import a name on first use; a class says that it is of elkmon itself."""
    if name == "emit":
        return import_module("elkmon.emit")
    if name not in _HOME:
        raise AttributeError(f"module 'elkmon' has no attribute {name!r}")
    value = getattr(import_module(f"elkmon.{_HOME[name]}"), name)
    if isinstance(value, type):
        if "__annotations__" in vars(value):  # as types, since their names are known there only
            value.__annotations__ = {
                key: hint
                for key, hint in get_type_hints(value).items()
                if key in value.__annotations__
            }
        value.__module__ = "elkmon"
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Name what is there, also what has not been imported yet."""
    return sorted({*globals(), *__all__})
