"""Data views: events of one kind or of all, as Kibana finds them; their fields are the table's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import orjson

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
from elkmon.kibana.identity import identity, reference, saved
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
        Kind.NUMBERS: "number",  # one entry of it
    }
)
"""What Kibana takes a field for. A flattened one it takes for nothing: see COMPUTED."""


@dataclass(frozen=True, slots=True)
class Computed:
    """A field that Elasticsearch computes when asked, from columns that it has: no stored text.

    Attributes:
        meaning: in plain words.
        script: in Painless; Kibana itself needs it.
    """

    meaning: str
    script: str


_NO_CELL = " || ".join(
    f"doc['{name}'].size() == 0"
    for name in ("ml.eval.outcome", "ml.prediction.positive", "ml.prediction.label")
)
COMPUTED: Mapping[str, Computed] = MappingProxyType(
    {
        "segment": Computed(
            "Values of all segments, such as porto: what the control Segment lists.",
            "for (value in doc['ml.segment']) { emit(value) }",
        ),
        "category": Computed(
            "Values of all categorical features.",
            "for (value in doc['ml.features.category']) { emit(value) }",
        ),
        "confusion": Computed(
            "Of a labelled answer of a binary task: true positive, false negative, …",
            f"if ({_NO_CELL}) {{ return }} "
            "emit((doc['ml.eval.outcome'].value == 'correct' ? 'true ' : 'false ') + "
            "(doc['ml.prediction.label'].value == doc['ml.prediction.positive'].value ? "
            "'positive' : 'negative'))",
        ),
    }
)
"""Of predictions: what Kibana cannot read otherwise, or only with a user's names of classes."""


@dataclass(frozen=True, slots=True)
class View:
    """A data view.

    Attributes:
        name: its identifier's last part.
        title: for people.
        datasets: kinds of events in it.
        computed: fields that are made when asked.
    """

    name: str
    title: str
    datasets: tuple[Dataset, ...]
    computed: Mapping[str, Computed] = field(default_factory=dict)

    def type_of(self, name: str) -> Type:
        """Say what Kibana takes a field for.

        Raises:
            KeyError: no such field in these events.
        """
        if name in self.computed:
            return "string"
        found, _ = find(name)
        if not set(self.datasets) & set(found.datasets) or found.kind not in _TYPES:
            raise KeyError(name)
        return _TYPES[found.kind]

    def id(self, prefix: str) -> str:
        """Give its identifier."""
        return identity(prefix, "view", self.name)

    def referred(self, prefix: str, name: str) -> dict[str, str]:
        """Give a reference to it.

        Args:
            prefix: of all indices.
            name: of the reference, by which the object finds it.
        """
        return reference(name, "index-pattern", self.id(prefix))

    def body(self, prefix: str) -> dict[str, Any]:
        """Give the saved object."""
        runtime = {
            name: {"type": "keyword", "script": {"source": each.script}}
            for name, each in self.computed.items()
        }
        attributes = {
            "title": pattern(prefix, self.datasets),
            "name": f"{prefix}: {self.title}",
            "timeFieldName": "@timestamp",
            "allowNoIndex": True,  # before the first event of a kind there is none
            "fields": "[]",
            "sourceFilters": "[]",
            "typeMeta": "{}",
            "fieldAttrs": "{}",
            "runtimeFieldMap": _text(runtime),
            "fieldFormatMap": _text(self._formats(prefix)),
        }
        return saved("index-pattern", self.id(prefix), attributes, [])

    def _formats(self, prefix: str) -> dict[str, Any]:
        """Give what makes values readable, and what leads from an id to all that bears it."""
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
"""Each value leads to all events that bear it: those of a trace, a prediction, a failure."""


def _link(prefix: str, name: str) -> dict[str, Any]:
    # Kibana puts its own address, with that of the space, before what does not begin with /
    where = "%22{{value}}%22"
    question = (
        f"discover#/view/{identity(prefix, 'search', 'events')}"
        f"?_g=(time:(from:now-90d,to:now))&_a=(query:(language:kuery,query:'{name}:{where}'))"
    )
    return {
        "type": "a",
        "urlTemplate": question,
        "labelTemplate": "{{value}}",
        "openLinkInCurrentTab": False,
    }


def _text(value: object) -> str:
    return orjson.dumps(value).decode()


_OWN: Mapping[Dataset, View] = {
    record.name: View(
        f"{short_name(record.name)}s",
        record.view,
        (record.name,),
        COMPUTED if record.name == PREDICTION else {},
    )
    for record in RECORDS.values()
    if record.view is not None
}
PREDICTIONS, LABELS, ERRORS = _OWN[PREDICTION], _OWN[LABEL], _OWN[ERROR]
METRICS, DEPLOYMENTS = _OWN[METRIC], _OWN[DEPLOYMENT]
ISSUES, EMITTERS = _OWN[ISSUE], _OWN[EMITTER]
EVENTS = View("events", "all events", DATASETS)

VIEWS = (*_OWN.values(), EVENTS)
