"""Define the saved searches: which documents they select, and which columns they show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from elkmon.kibana.object_format import json_text, object_id, saved_object
from elkmon.kibana.views import ERRORS, EVENTS, ISSUES, LABELS, PREDICTIONS, View

__all__ = ["SEARCHES", "Search"]

_INDEX = "kibanaSavedObjectMeta.searchSourceJSON.index"


@dataclass(frozen=True, slots=True)
class Search:
    """A saved search: a KQL query over a data view, and the columns to show."""

    name: str
    title: str
    meaning: str
    view: View
    where: str
    columns: Sequence[str]

    def body(self, prefix: str) -> dict[str, Any]:
        """Return the saved object.

        Raises:
            KeyError: a column is not a field of these events.
        """
        for column in self.columns:
            self.view.type_of(column)
        source = {
            "query": {"query": self.where, "language": "kuery"},
            "filter": [],
            "highlightAll": True,
            "version": True,
            "indexRefName": _INDEX,
        }
        attributes = {
            "title": f"{prefix}: {self.title}",
            "description": self.meaning,
            "columns": list(self.columns),
            "sort": [["@timestamp", "desc"]],
            "grid": {},
            "hideChart": False,
            "isTextBasedQuery": False,
            "timeRestore": True,
            "timeRange": {"from": "now-7d", "to": "now"},
            "kibanaSavedObjectMeta": {"searchSourceJSON": json_text(source)},
        }
        identifier = object_id(prefix, "search", self.name)
        return saved_object("search", identifier, attributes, [self.view.reference(prefix, _INDEX)])


_MODEL = ("ml.model.name", "ml.model.version")

SEARCHES = (
    Search(
        "wrong", "wrong answers", "Predictions that were wrong according to their label.",
        PREDICTIONS, "ml.eval.outcome: wrong",
        (*_MODEL, "ml.prediction.label", "ml.truth.label", "ml.prediction.score", "segment",
         "ml.prediction.id", "trace.id"),
    ),
    Search(
        "failed", "failed attempts", "Attempts to predict that ended in an exception.",
        PREDICTIONS, "event.outcome: failure",
        (*_MODEL, "error.type", "error.fingerprint", "segment", "ml.prediction.id", "trace.id"),
    ),
    Search(
        "errors", "exceptions", "Exceptions and reported failures, with their stack traces.",
        ERRORS, "",
        (*_MODEL, "error.type", "error.message", "error.culprit", "error.fingerprint",
         "ml.prediction.id", "trace.id"),
    ),
    Search(
        "unlabelled", "predictions without a label",
        "Successful predictions that have no label yet.",
        PREDICTIONS, "event.outcome: success and not ml.truth.observed_at: *",
        (*_MODEL, "ml.prediction.label", "ml.prediction.score", "segment", "ml.prediction.id"),
    ),
    Search(
        "waiting", "labels waiting to be joined",
        "Labels that have not been joined to their prediction yet.",
        LABELS, "not ml.join.state: (joined or sampled_out or orphan)",
        ("ml.model.name", "ml.prediction.id", "ml.truth.label", "ml.truth.source",
         "ml.join.state", "ml.join.attempts", "ml.join.next_at"),
    ),
    Search(
        "issues", "issue history",
        "When each issue was first seen, resolved, ignored or reopened.",
        ISSUES, "",
        (*_MODEL, "event.action", "message", "error.fingerprint"),
    ),
    Search(
        "events", "all events",
        "All events; links from a trace, a prediction or a fingerprint lead here.",
        EVENTS, "",
        ("event.dataset", *_MODEL, "message", "error.type", "error.message", "event.outcome",
         "ml.prediction.id", "trace.id"),
    ),
)  # fmt: skip
