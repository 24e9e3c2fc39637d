"""Define the data views: the events of one dataset or all; fields come from the field table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from elkmon.events.datasets import (
    DATASETS,
    DEPLOYMENT,
    EMITTER,
    ERROR,
    ISSUE,
    LABEL,
    METRIC,
    PREDICTION,
    RECORDS,
    Dataset,
    short_name,
)
from elkmon.events.fields import Kind, find
from elkmon.kibana.object_format import json_text, object_id, reference, saved_object
from elkmon.stores.elastic.indices import pattern

__all__ = [
    "DEPLOYMENTS", "EMITTERS", "ERRORS", "EVENTS", "ISSUES", "LABELS", "METRICS", "PREDICTIONS",
    "VIEWS", "View",
]  # fmt: skip

Type = Literal["string", "number", "date", "boolean", "text"]

_TYPES: Mapping[Kind, Type] = MappingProxyType(
    {
        Kind.KEYWORD: "string",
        Kind.KEYWORDS: "string",
        Kind.TEXT: "text",
        Kind.DATE: "date",
        Kind.DOUBLE: "number",
        Kind.LONG: "number",
        Kind.BOOLEAN: "boolean",
        Kind.NUMBERS: "number",  # one key of it
    }
)
"""Kibana's type of a field. It has none for flattened fields: see RUNTIME_FIELDS."""


_NO_CONFUSION = " || ".join(
    f"doc['{name}'].size() == 0"
    for name in ("ml.eval.outcome", "ml.prediction.positive", "ml.prediction.label")
)
RUNTIME_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        # values of all segments, such as porto; the control Segment lists them
        "segment": "for (value in doc['ml.segment']) { emit(value) }",
        "category": "for (value in doc['ml.features.category']) { emit(value) }",
        # cell of the confusion matrix of a binary task: true positive, false negative, …
        "confusion": f"if ({_NO_CONFUSION}) {{ return }} "
        "emit((doc['ml.eval.outcome'].value == 'correct' ? 'true ' : 'false ') + "
        "(doc['ml.prediction.label'].value == doc['ml.prediction.positive'].value ? "
        "'positive' : 'negative'))",
    }
)
"""Painless scripts of predictions' runtime fields: Kibana reads no flattened field, and a query for
true positives would otherwise have to name the user's classes."""


@dataclass(frozen=True, slots=True)
class View:
    """A data view.

    Attributes:
        name: last part of its identifier.
        title: title for people.
        datasets: datasets in it.
        runtime_fields: scripts of its runtime fields.
    """

    name: str
    title: str
    datasets: tuple[Dataset, ...]
    runtime_fields: Mapping[str, str] = field(default_factory=dict)

    def type_of(self, name: str) -> Type:
        """Return Kibana's type of a field.

        Raises:
            KeyError: these events have no such field.
        """
        if name in self.runtime_fields:
            return "string"
        entry, _ = find(name)
        if not set(self.datasets) & set(entry.datasets) or entry.kind not in _TYPES:
            raise KeyError(name)
        return _TYPES[entry.kind]

    def id(self, prefix: str) -> str:
        """Return its identifier."""
        return object_id(prefix, "view", self.name)

    def reference(self, prefix: str, name: str) -> dict[str, str]:
        """Return a reference to it.

        Args:
            prefix: prefix of all indices.
            name: name by which the referring object looks the reference up.
        """
        return reference(name, "index-pattern", self.id(prefix))

    def body(self, prefix: str) -> dict[str, Any]:
        """Return the saved object."""
        runtime = {
            name: {"type": "keyword", "script": {"source": script}}
            for name, script in self.runtime_fields.items()
        }
        attributes = {
            "title": pattern(prefix, self.datasets),
            "name": f"{prefix}: {self.title}",
            "timeFieldName": "@timestamp",
            "allowNoIndex": True,  # there is none before the first event of a dataset
            "fields": "[]",
            "sourceFilters": "[]",
            "typeMeta": "{}",
            "fieldAttrs": "{}",
            "runtimeFieldMap": json_text(runtime),
            "fieldFormatMap": json_text(self._formats(prefix)),
        }
        return saved_object("index-pattern", self.id(prefix), attributes, [])

    def _formats(self, prefix: str) -> dict[str, Any]:
        """Return how fields are shown: identifiers as links, durations in milliseconds."""
        formats: dict[str, Any] = {}
        for name in _LINKED:
            try:
                self.type_of(name)
            except KeyError:
                continue
            formats[name] = {"id": "url", "params": _link(prefix, name)}
        if PREDICTION in self.datasets:
            formats["event.duration"] = {
                "id": "duration",
                "params": {
                    "inputFormat": "nanoseconds",
                    "outputFormat": "asMilliseconds",
                    "outputPrecision": 1,
                    "showSuffix": True,
                    "useShortSuffix": True,
                },
            }
        return formats


_LINKED = ("trace.id", "ml.prediction.id", "error.fingerprint")
"""Each value links to all events that have it."""


def _link(prefix: str, name: str) -> dict[str, Any]:
    # Kibana prepends its own address and the space's path to a link that does not begin with /
    value = "%22{{value}}%22"
    link = (
        f"discover#/view/{object_id(prefix, 'search', 'events')}"
        f"?_g=(time:(from:now-90d,to:now))&_a=(query:(language:kuery,query:'{name}:{value}'))"
    )
    return {
        "type": "a",
        "urlTemplate": link,
        "labelTemplate": "{{value}}",
        "openLinkInCurrentTab": False,
    }


_OWN: Mapping[Dataset, View] = {
    record.name: View(
        f"{short_name(record.name)}s",
        record.view,
        (record.name,),
        RUNTIME_FIELDS if record.name == PREDICTION else {},
    )
    for record in RECORDS.values()
    if record.view is not None
}
PREDICTIONS, LABELS, ERRORS = _OWN[PREDICTION], _OWN[LABEL], _OWN[ERROR]
METRICS, DEPLOYMENTS = _OWN[METRIC], _OWN[DEPLOYMENT]
ISSUES, EMITTERS = _OWN[ISSUE], _OWN[EMITTER]
EVENTS = View("events", "all events", DATASETS)

VIEWS = (*_OWN.values(), EVENTS)
