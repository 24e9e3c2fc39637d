"""The field table: every field of every event, declared once.

The local store's columns, the docs page and (later) index templates and dashboards come from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

__all__ = [
    "BY_NAME",
    "DATASETS",
    "FIELDS",
    "READINGS",
    "SCHEMA",
    "Dataset",
    "Field",
    "Kind",
    "find",
]

SCHEMA = 1
"""The version of this table, written as ``ml.schema``; readers accept older and newer ones."""

ECS_VERSION = "8.17.0"

Dataset = Literal[
    "elkmon.prediction",
    "elkmon.label",
    "elkmon.error",
    "elkmon.log",
    "elkmon.metric",
    "elkmon.deployment",
    "elkmon.issue",
    "elkmon.emitter",
]

PREDICTION: Dataset = "elkmon.prediction"
LABEL: Dataset = "elkmon.label"
ERROR: Dataset = "elkmon.error"
LOG: Dataset = "elkmon.log"
METRIC: Dataset = "elkmon.metric"
DEPLOYMENT: Dataset = "elkmon.deployment"
ISSUE: Dataset = "elkmon.issue"
EMITTER: Dataset = "elkmon.emitter"

DATASETS: tuple[Dataset, ...] = (
    PREDICTION,
    LABEL,
    ERROR,
    LOG,
    METRIC,
    DEPLOYMENT,
    ISSUE,
    EMITTER,
)


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
        """Give the mapping type; NUMBERS are an object of doubles with ``subobjects: false``."""
        return self.value[0]

    @property
    def duckdb(self) -> str:
        """Give the column type."""
        return self.value[1]

    @property
    def keyed(self) -> bool:
        """Say whether ``name.<key>`` addresses one entry of it."""
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
    Field("event.dataset", _K, "Which of the event kinds this is."),
    Field("event.kind", _K, "ECS: event or metric."),
    Field("event.created", Kind.DATE, "When it was written, in UTC.", unit="ms"),
    Field("event.sequence", _N, "Number of the event within its process, from 1, drops included."),
    Field("event.action", _K, "deployed, rolled_back; first_seen, resolved, …",
          (DEPLOYMENT, ISSUE)),
    Field("service.name", _K, "The application."),
    Field("service.version", _K, "The application's version."),
    Field("service.environment", _K, "prod, staging, …"),
    Field("service.node.name", _K, "The host that the process runs on."),
    Field("process.pid", _N, "Process id."),
    Field("process.entity_id", _K, "Identity of one process, unique over restarts and hosts."),
    Field("trace.id", _K, "Trace that was active."),
    Field("span.id", _K, "Span that was active."),
    Field("user.hash", _K, "Keyed hash of the user."),
    Field("log.level", _K, "Level of the log call.", (ERROR, LOG)),
    Field("log.logger", _K, "Name of the logger.", (ERROR, LOG)),
    Field("message", _T, "Text of the log call."),
    Field("labels", Kind.LABELS, "What the application added beyond this table."),
    Field("ml.schema", _N, "Version of this table."),
    Field("ml.nonfinite", Kind.KEYWORDS, "Paths that held NaN or ±inf and are null."),
    Field("ml.redacted", Kind.KEYWORDS, "Paths where something was redacted."),
    Field("ml.truncated", Kind.KEYWORDS, "Paths that were cut or left out to keep the size."),
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
    Field("metric.value", _D, "Its value.", (METRIC,)),
    Field("metric.unit", _K, "Its unit.", (METRIC,)),
    # host readings, under the names that Metricbeat gives them; it has none for GPUs
    Field("metricset.period", _N, "Time since the reading before.", _M, unit="ms"),
    Field("system.cpu.cores", _N, "Processors that the host has.", _M),
    Field("system.cpu.total.norm.pct", _D, "Share of processor time in use, 0 to 1.", _M),
    Field("system.cpu.user.norm.pct", _D, "Share of it spent in programs.", _M),
    Field("system.cpu.system.norm.pct", _D, "Share of it spent in the kernel.", _M),
    Field("system.cpu.iowait.norm.pct", _D, "Share of it that waits for a disk.", _M),
    Field("system.load.1", _D, "Processes that run or wait to, mean of 1 minute.", _M),
    Field("system.load.5", _D, "Likewise, of 5 minutes.", _M),
    Field("system.load.15", _D, "Likewise, of 15 minutes.", _M),
    Field("system.memory.total", _N, "Memory that the host has.", _M, unit="byte"),
    Field("system.memory.actual.used.bytes", _N, "Memory that is not available to programs.",
          _M, unit="byte"),
    Field("system.memory.actual.used.pct", _D, "Share of memory in use, 0 to 1.", _M),
    Field("system.memory.swap.used.bytes", _N, "Swap space in use.", _M, unit="byte"),
    Field("system.memory.swap.used.pct", _D, "Share of swap space in use, 0 to 1.", _M),
    Field("system.filesystem.mount_point", _K, "The file system that a reading is of.", _M),
    Field("system.filesystem.total", _N, "Its size.", _M, unit="byte"),
    Field("system.filesystem.used.bytes", _N, "Space in use.", _M, unit="byte"),
    Field("system.filesystem.used.pct", _D, "Share of the usable space in use, 0 to 1.", _M),
    Field("host.disk.read.bytes", _N, "Read from all disks since the reading before.", _M,
          unit="byte"),
    Field("host.disk.write.bytes", _N, "Written to all disks since the reading before.", _M,
          unit="byte"),
    Field("host.network.ingress.bytes", _N,
          "Received on all interfaces but the loopback since the reading before.", _M,
          unit="byte"),
    Field("host.network.egress.bytes", _N, "Sent on them since the reading before.", _M,
          unit="byte"),
    Field("system.gpu.id", _K, "The GPU that a reading is of.", _M),
    Field("system.gpu.name", _K, "Its product's name.", _M),
    Field("system.gpu.utilization.pct", _D, "Share of time that it worked, 0 to 1.", _M),
    Field("system.gpu.memory.total", _N, "Memory that it has.", _M, unit="byte"),
    Field("system.gpu.memory.used.bytes", _N, "Memory in use.", _M, unit="byte"),
    Field("system.gpu.memory.used.pct", _D, "Share of its memory in use, 0 to 1.", _M),
    Field("system.gpu.temperature.celsius", _D, "Its temperature.", _M, unit="°C"),
    Field("system.gpu.power.watts", _D, "The power that it draws.", _M, unit="W"),
    # emitter
    Field("ml.emitter.last_sequence", _N, "The highest sequence given out so far.", (EMITTER,)),
    Field("ml.emitter.accepted", _N, "Events that the process tried to write so far.",
          (EMITTER,)),
    Field("ml.emitter.written", _N, "Of these, events that are in a file.", (EMITTER,)),
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
"""Figures of a host, each a field of its own; several stand in one event."""

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
    """Look a name up as people type it.

    Args:
        name: a field's dotted name, a short name (``version``, ``segment.country``), or an entry
            of a keyed field (``ml.segment.country``, ``labels.request_id``).

    Returns:
        The field, and the key within it where the name addresses one entry.

    Raises:
        KeyError: no such field.
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
