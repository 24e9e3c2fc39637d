"""The field table: every field of every event, declared once.

The local store's columns, index templates, dashboards and the reference page come from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from elkmon.events.datasets import (
    DATASETS,
    DEPLOYMENT,
    EMITTER,
    ERROR,
    ISSUE,
    LABEL,
    LOG,
    METRIC,
    PREDICTION,
    Dataset,
)

__all__ = [
    "BY_NAME",
    "FIELDS",
    "READINGS",
    "SCHEMA",
    "Field",
    "Kind",
    "find",
]

SCHEMA = 1
"""The version of this table, written as ``ml.schema``; readers accept older and newer ones."""

ECS_VERSION = "8.17.0"


class Kind(Enum):
    """What a field holds, with its type in Elasticsearch and in DuckDB."""

    KEYWORD = ("keyword", "VARCHAR")
    TEXT = ("text", "VARCHAR")
    DATE = ("date", "TIMESTAMP")
    DOUBLE = ("double", "DOUBLE")
    LONG = ("long", "BIGINT")
    BOOLEAN = ("boolean", "BOOLEAN")
    KEYWORDS = ("keyword", "VARCHAR[]")
    CATEGORIES = ("flattened", "MAP(VARCHAR, VARCHAR)")
    LABELS = ("flattened", "MAP(VARCHAR, JSON)")
    NUMBERS = ("object", "MAP(VARCHAR, DOUBLE)")

    @property
    def elastic(self) -> str:
        """Return the mapping type; NUMBERS are an object of doubles with ``subobjects: false``."""
        return self.value[0]

    @property
    def duckdb(self) -> str:
        """Return the column type."""
        return self.value[1]

    @property
    def keyed(self) -> bool:
        """Return whether ``name.<key>`` addresses one entry of it."""
        return self in {Kind.CATEGORIES, Kind.LABELS, Kind.NUMBERS}


@dataclass(frozen=True, slots=True)
class Field:
    """One row of the table."""

    name: str
    kind: Kind
    meaning: str
    datasets: tuple[Dataset, ...] = DATASETS
    unit: str = ""
    writer: Literal["emit", "join"] = "emit"


_MODEL = (PREDICTION, LABEL, ERROR, LOG, METRIC, DEPLOYMENT, ISSUE)
_P = (PREDICTION,)
_L = (LABEL,)
_PL = (PREDICTION, LABEL)
_M = (METRIC,)
_K, _T, _D, _N = Kind.KEYWORD, Kind.TEXT, Kind.DOUBLE, Kind.LONG

FIELDS: tuple[Field, ...] = (
    # every event
    Field("@timestamp", Kind.DATE, "When it happened, in UTC.", unit="ms"),
    Field("ecs.version", _K, "The version of the Elastic Common Schema that names come from."),
    Field("event.id", _K, "Identity: a UUIDv7; for a prediction BLAKE2b-128 of model and id."),
    Field("event.dataset", _K, "The kind of event, one of the datasets above."),
    Field("event.kind", _K, "ECS: event or metric."),
    Field("event.created", Kind.DATE, "When it was written, in UTC.", unit="ms"),
    Field("event.sequence", _N,
          "Number of the event within its process, from 1, lost events included."),
    Field("event.action", _K, "deployed, rolled_back; first_seen, resolved, …",
          (DEPLOYMENT, ISSUE)),
    Field("service.name", _K, "The application."),
    Field("service.version", _K, "The application's version."),
    Field("service.environment", _K, "prod, staging, …"),
    Field("service.node.name", _K, "The host that the process runs on."),
    Field("process.pid", _N, "Process id."),
    Field("process.entity_id", _K, "Identity of one process, unique over restarts and hosts."),
    Field("trace.id", _K, "The active trace."),
    Field("span.id", _K, "The active span."),
    Field("user.hash", _K, "Keyed hash of the user."),
    Field("log.level", _K, "Level of the log call.", (ERROR, LOG)),
    Field("log.logger", _K, "Name of the logger.", (ERROR, LOG)),
    Field("message", _T, "Text of the log call."),
    Field("labels", Kind.LABELS, "What the application added beyond these fields."),
    Field("ml.schema", _N, "Version of the field table."),
    Field("ml.nonfinite", Kind.KEYWORDS, "Paths of values that were NaN or ±inf, and are null."),
    Field("ml.redacted", Kind.KEYWORDS, "Paths of values in which something was redacted."),
    Field("ml.truncated", Kind.KEYWORDS,
          "Paths of values that were cut or left out to stay within a limit."),
    # predictions
    Field("ml.model.name", _K, "The model.", _MODEL),
    Field("ml.model.version", _K, "The model's version.", _MODEL),
    Field("ml.task", _K, "binary, multiclass, regression or generation.", _P),
    Field("ml.prediction.id", _K, "Identity of the prediction: the caller's or a UUIDv7.",
          (PREDICTION, LABEL, ERROR, LOG, METRIC)),
    Field("ml.prediction.label", _K, "The predicted class.", _P),
    Field("ml.prediction.positive", _K, "The positive class of a binary task.", _P),
    Field("ml.prediction.value", _D, "The predicted value of a regression.", _P),
    Field("ml.prediction.score", _D,
          "Probability of the positive class (binary), else of the predicted class.", _P),
    Field("ml.prediction.scores", Kind.NUMBERS, "Probability of each class.", _P),
    Field("event.outcome", _K, "success or failure of the attempt.", _P),
    Field("event.duration", _N, "How long the prediction took.", _P, unit="ns"),
    Field("ml.duration_bin", _N, "floor(ln(duration in ns) / ln 1.02): 2 % wide bins.", _P),
    Field("ml.features.number", Kind.NUMBERS, "Numeric features.", _P),
    Field("ml.features.category", Kind.CATEGORIES, "Categorical features.", _P),
    Field("ml.features.dropped", _N, "Features left out beyond the allowed number.", _P),
    Field("ml.segment", Kind.CATEGORIES, "The few dimensions that people slice by.", _P),
    Field("ml.sample.rate", _D, "Share of predictions that were kept.", _P),
    Field("ml.sample.weight", _D, "1 / rate: how many predictions this one stands for.", _P),
    # labels, and what the join writes onto a prediction
    Field("ml.truth.label", _K, "The true class.", _PL),
    Field("ml.truth.value", _D, "The true value of a regression.", _PL),
    Field("ml.truth.correct", Kind.BOOLEAN, "Whether the answer was right.", _PL),
    Field("ml.truth.rating", _D, "A person's rating of the answer.", _PL),
    Field("ml.truth.source", _K, "Where the truth comes from.", _PL),
    Field("ml.truth.observed_at", Kind.DATE, "When the truth became known.", _PL, unit="ms"),
    Field("ml.eval.outcome", _K, "correct or wrong.", _P, writer="join"),
    Field("ml.eval.residual", _D, "Predicted minus true value.", _P, writer="join"),
    Field("ml.eval.abs_residual", _D, "|residual|.", _P, writer="join"),
    Field("ml.eval.sq_residual", _D, "residual².", _P, writer="join"),
    Field("ml.eval.log_loss", _D, "−ln of the probability given to the truth.", _P,
          unit="nat", writer="join"),
    Field("ml.eval.brier", _D, "Squared error of the probabilities.", _P, writer="join"),
    Field("ml.eval.first_delay", _D, "From the prediction to its first label.", _P,
          unit="s", writer="join"),
    Field("ml.join.state", _K, "pending, joined, orphan or sampled_out.", _L, writer="join"),
    Field("ml.join.attempts", _N, "How often the join looked for the prediction.", _L,
          writer="join"),
    Field("ml.join.next_at", Kind.DATE, "When the join looks again.", _L, unit="ms",
          writer="join"),
    # errors
    Field("error.type", _K, "Type of the exception.", (PREDICTION, ERROR, LOG)),
    Field("error.message", _T, "Text of the exception.", (ERROR,)),
    Field("error.stack_trace", _T, "The stack, newest call last.", (ERROR,)),
    Field("error.fingerprint", _K, "Groups occurrences of one failure.",
          (PREDICTION, ERROR, ISSUE)),
    Field("error.culprit", _K, "The innermost in-app frame: module in function.", (ERROR,)),
    # metrics
    Field("metric.name", _K, "Name of the figure.", (METRIC,)),
    Field("metric.value", _D, "Value of the figure.", (METRIC,)),
    Field("metric.unit", _K, "Unit of the figure.", (METRIC,)),
    # host readings, under the names that Metricbeat gives them; it has none for GPUs
    Field("metricset.period", _N, "Time since the previous reading.", _M, unit="ms"),
    Field("system.cpu.cores", _N, "Processors that the host has.", _M),
    Field("system.cpu.total.norm.pct", _D, "Share of processor time in use, 0 to 1.", _M),
    Field("system.cpu.user.norm.pct", _D, "Share of processor time spent in programs.", _M),
    Field("system.cpu.system.norm.pct", _D, "Share of processor time spent in the kernel.", _M),
    Field("system.cpu.iowait.norm.pct", _D,
          "Share of processor time spent waiting for a disk.", _M),
    Field("system.load.1", _D, "Processes that run or wait to run, mean of 1 minute.", _M),
    Field("system.load.5", _D, "The same, mean of 5 minutes.", _M),
    Field("system.load.15", _D, "The same, mean of 15 minutes.", _M),
    Field("system.memory.total", _N, "Memory that the host has.", _M, unit="byte"),
    Field("system.memory.actual.used.bytes", _N, "Memory in use: not available to programs.",
          _M, unit="byte"),
    Field("system.memory.actual.used.pct", _D, "Share of memory in use, 0 to 1.", _M),
    Field("system.memory.swap.used.bytes", _N, "Swap space in use.", _M, unit="byte"),
    Field("system.memory.swap.used.pct", _D, "Share of swap space in use, 0 to 1.", _M),
    Field("system.filesystem.mount_point", _K, "The file system that the reading is of.", _M),
    Field("system.filesystem.total", _N, "Size of the file system.", _M, unit="byte"),
    Field("system.filesystem.used.bytes", _N, "Space in use on the file system.", _M, unit="byte"),
    Field("system.filesystem.used.pct", _D, "Share of the usable space in use, 0 to 1.", _M),
    Field("host.disk.read.bytes", _N, "Read from all disks since the previous reading.", _M,
          unit="byte"),
    Field("host.disk.write.bytes", _N, "Written to all disks since the previous reading.", _M,
          unit="byte"),
    Field("host.network.ingress.bytes", _N,
          "Received on all interfaces but the loopback since the previous reading.", _M,
          unit="byte"),
    Field("host.network.egress.bytes", _N,
          "Sent on the same interfaces since the previous reading.", _M,
          unit="byte"),
    Field("system.gpu.id", _K, "The GPU that the reading is of.", _M),
    Field("system.gpu.name", _K, "Product name of the GPU.", _M),
    Field("system.gpu.utilization.pct", _D, "Share of time that the GPU worked, 0 to 1.", _M),
    Field("system.gpu.memory.total", _N, "Memory of the GPU.", _M, unit="byte"),
    Field("system.gpu.memory.used.bytes", _N, "Memory of the GPU in use.", _M, unit="byte"),
    Field("system.gpu.memory.used.pct", _D, "Share of the GPU's memory in use, 0 to 1.", _M),
    Field("system.gpu.temperature.celsius", _D, "Temperature of the GPU.", _M, unit="°C"),
    Field("system.gpu.power.watts", _D, "Power that the GPU draws.", _M, unit="W"),
    # emitter
    Field("ml.emitter.last_sequence", _N, "The highest sequence given out so far.", (EMITTER,)),
    Field("ml.emitter.accepted", _N, "Events that the process tried to write so far.",
          (EMITTER,)),
    Field("ml.emitter.written", _N, "Of these, events that were written.", (EMITTER,)),
    Field("ml.emitter.dropped", Kind.NUMBERS, "Of these, events lost, by reason.", (EMITTER,)),
    Field("ml.emitter.sampled_out", _N, "Predictions left out by sampling so far.", (EMITTER,)),
    Field("ml.emitter.misused", Kind.NUMBERS, "Wrong uses of the logger so far, by kind.",
          (EMITTER,)),
)  # fmt: skip

BY_NAME: dict[str, Field] = {field.name: field for field in FIELDS}

READINGS: tuple[Field, ...] = tuple(
    field
    for field in FIELDS
    if field.name.startswith(("system.", "host.")) and field.kind is not Kind.KEYWORD
)
"""Readings of a host, each a field of its own; one event holds several."""

_SHORT = {
    "time": "@timestamp",
    "model": "ml.model.name",
    "version": "ml.model.version",
    "task": "ml.task",
    "service": "service.name",
    "environment": "service.environment",
    "outcome": "event.outcome",
    "label": "ml.prediction.label",
    "truth": "ml.truth.label",
    "fingerprint": "error.fingerprint",
    "error": "error.type",
    "dataset": "event.dataset",
    "host": "service.node.name",
}
_SHORT_PREFIX = {"segment.": "ml.segment.", "feature.": "ml.features.category."}


def find(name: str) -> tuple[Field, str | None]:
    """Look up a field by the name that people type.

    Args:
        name: a field's dotted name, a short name (``version``, ``segment.country``), or an entry
            of a keyed field (``ml.segment.country``, ``labels.request_id``).

    Returns:
        The field, and the key within it if the name addresses one entry.

    Raises:
        KeyError: there is no such field.
    """
    full = _SHORT.get(name, name)
    for short, prefix in _SHORT_PREFIX.items():
        if full.startswith(short):
            full = prefix + full[len(short) :]
    if full in BY_NAME:
        return BY_NAME[full], None
    parts = full.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        field = BY_NAME.get(".".join(parts[:cut]))
        if field is not None and field.kind.keyed:
            return field, ".".join(parts[cut:])
    raise KeyError(name)
