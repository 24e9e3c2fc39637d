"""Saved searches: the documents that are looked for most, with the columns that tell most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from elkmon.kibana.identity import identity, saved
from elkmon.kibana.views import ERRORS, EVENTS, ISSUES, LABELS, PREDICTIONS, View

__all__ = ["SEARCHES", "Search"]

_INDEX = "kibanaSavedObjectMeta.searchSourceJSON.index"


@dataclass(frozen=True, slots=True)
class Search:
    """A saved search: which documents of a data view, and which columns of them."""

    name: str
    title: str
    meaning: str
    view: View
    where: str
    columns: Sequence[str]

    def body(self, prefix: str) -> dict[str, Any]:
        """Give the saved object.

        Raises:
            KeyError: a column is no field of these events.
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
            "kibanaSavedObjectMeta": {"searchSourceJSON": orjson.dumps(source).decode()},
        }
        target = identity(prefix, "search", self.name)
        return saved("search", target, attributes, [self.view.referred(prefix, _INDEX)])


_ABOUT = ("ml.model.name", "ml.model.version")

SEARCHES = (
    Search(
        "wrong", "wrong answers", "Predictions whose label says that they were wrong.",
        PREDICTIONS, "ml.eval.outcome: wrong",
        (*_ABOUT, "ml.prediction.label", "ml.truth.label", "ml.prediction.score", "segment",
         "ml.prediction.id", "trace.id"),
    ),
    Search(
        "failed", "failed attempts", "Attempts to predict that ended in an exception.",
        PREDICTIONS, "event.outcome: failure",
        (*_ABOUT, "error.type", "error.fingerprint", "segment", "ml.prediction.id", "trace.id"),
    ),
    Search(
        "errors", "error events", "Exceptions and reported failures, with their stacks.",
        ERRORS, "",
        (*_ABOUT, "error.type", "error.message", "error.culprit", "error.fingerprint",
         "ml.prediction.id", "trace.id"),
    ),
    Search(
        "unlabelled", "answers without a label", "Predictions whose truth has not arrived.",
        PREDICTIONS, "event.outcome: success and not ml.truth.observed_at: *",
        (*_ABOUT, "ml.prediction.label", "ml.prediction.score", "segment", "ml.prediction.id"),
    ),
    Search(
        "waiting", "labels that wait for the join", "Labels that no join has looked at, or that "
        "wait for their prediction.",
        LABELS, "not ml.join.state: (joined or sampled_out or orphan)",
        ("ml.model.name", "ml.prediction.id", "ml.truth.label", "ml.truth.source",
         "ml.join.state", "ml.join.attempts", "ml.join.next_at"),
    ),
    Search(
        "issues", "what became of issues", "When an issue was first seen, resolved, ignored or "
        "reopened.",
        ISSUES, "",
        (*_ABOUT, "event.action", "message", "error.fingerprint"),
    ),
    Search(
        "events", "all events", "Every event of every kind: what a link of a trace, a prediction "
        "or a fingerprint opens.",
        EVENTS, "",
        ("event.dataset", *_ABOUT, "message", "error.type", "error.message", "event.outcome",
         "ml.prediction.id", "trace.id"),
    ),
)  # fmt: skip
