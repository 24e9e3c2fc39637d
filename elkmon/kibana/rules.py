"""Alert rules and their connectors, as Kibana takes them; none needs a paid licence."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from elkmon.events.datasets import LABEL, PREDICTION
from elkmon.events.fields import BY_NAME
from elkmon.stores.elastic.indices import pattern

__all__ = ["Connector", "Rule", "connectors", "rules"]

_QUERY, _EQUATION = ".es-query", "observability.rules.custom_threshold"
_CONSUMERS = {_QUERY: "stackAlerts", _EQUATION: "logs"}
"""Whose rules they are: which of Kibana's privileges opens them. Stack Rules has had the second
type in the newest versions only; Logs has it since there is one."""
_NAMESPACE = uuid.UUID("6f0b1d0e-3a52-5c1b-9d0a-6c2f3e1a7b44")
_EVERY = "5m"
_RECOVERED = "recovered"
_LOOKED_AT = ("joined", "orphan", "sampled_out")

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Connector:
    """Where alerts go: Kibana's own log, or an index."""

    id: str
    kind: str
    name: str
    config: Body


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        id: the same for a prefix and a space, whoever provisions.
        name: for people.
        kind: Kibana's type of rule.
        since: the oldest Kibana that takes it.
        meaning: what an alert means, whatever the thresholds are, and what to do.
        params: as its type takes them.
    """

    id: str
    name: str
    kind: str
    since: tuple[int, int]
    meaning: str
    params: Body

    @property
    def consumer(self) -> str:
        """Name the part of Kibana that it belongs to."""
        return _CONSUMERS[self.kind]

    def body(self, fired: str, to: Sequence[Connector]) -> dict[str, Any]:
        """Give what is told to Kibana.

        Args:
            fired: its type's name for the state of having fired.
            to: where alerts go, when they begin and when they are over.
        """
        return {
            "name": self.name,
            "tags": ["elkmon"],
            "schedule": {"interval": _EVERY},
            "params": self.params,
            "actions": [
                _action(self, connector, group, over=group == _RECOVERED)
                for group in (fired, _RECOVERED)
                for connector in to
            ],
        }


def connectors(prefix: str, space: str) -> list[Connector]:
    """Give the connectors: the two kinds that cost nothing."""
    index = {"index": f"{prefix}-alerts", "executionTimeField": "@timestamp", "refresh": False}
    return [
        Connector(_id(prefix, space, "log"), ".server-log", f"{prefix}: Kibana's log", {}),
        Connector(_id(prefix, space, "index"), ".index", f"{prefix}: index {prefix}-alerts", index),
    ]


def rules(prefix: str, space: str, predictions: str) -> list[Rule]:
    """Give the rules.

    Args:
        prefix: of all indices.
        space: where the rules will be.
        predictions: identifier of the data view of predictions in this space.
    """

    def rule(
        name: str, title: str, kind: str, since: tuple[int, int], meaning: str, params: Body
    ) -> Rule:
        return Rule(_id(prefix, space, name), f"{prefix}: {title}", kind, since, meaning, params)

    return [
        rule(
            "failure-rate", "failure rate", _EQUATION, (8, 12),
            "too many attempts fail. See: elkmon errors --since 1h, elkmon issues list.",
            _equations(
                predictions,
                "h", 1,
                # a failed attempt is never sampled out: it counts once, the others by their weight
                ("failure rate", "A / B", ">", 0.05,
                 {"A": _is("event.outcome", "failure"), "B": _weights()}),
                ("attempts", "A", ">=", 100, {"A": _is("event.outcome", "failure", "success")}),
            ),
        ),
        rule(
            "error-rate", "error rate at enough coverage", _EQUATION, (8, 12),
            "too many answers turn out wrong. See: elkmon errors, elkmon compare, elkmon issues "
            "list.",
            _equations(
                predictions,
                "d", 7,
                ("error rate", "A / B", ">", 0.1,
                 {"A": _judged("wrong"), "B": _judged("wrong", "correct")}),
                ("labelled answers", "A", ">=", 100, {"A": _judged("wrong", "correct")}),
                ("coverage", "A / B", ">=", 0.2,
                 {"A": _judged("wrong", "correct"), "B": _is("event.outcome", "success")}),
            ),
        ),
        rule(
            "silence", "no predictions", _QUERY, (8, 6),
            "no prediction comes in: no model answers, or events do not get here. See: elkmon "
            "worker, elkmon models.",
            _count(pattern(prefix, [PREDICTION]), {"match_all": {}}, "<", 1, "h", 1),
        ),
        rule(
            "label-backlog", "label backlog", _QUERY, (8, 6),
            "labels wait to be joined to their predictions, so that quality figures lag behind. Is "
            "elkmon join, or elkmon worker, running?",
            _count(
                pattern(prefix, [LABEL]),
                {"bool": {
                    "must_not": [{"terms": {_field("ml.join.state"): _LOOKED_AT}}],
                    "filter": [{"range": {_field("event.created"): {"lte": "now-1h"}}}],
                }},
                ">", 0, "d", 7, time="event.created",
            ),
        ),
        rule(
            "dead-letters", "dead letters", _QUERY, (8, 6),
            f"events could not be stored; each is kept with its reason in {prefix}-deadletter-*.",
            _count(f"{prefix}-deadletter-*", {"match_all": {}}, ">", 0, "h", 1),
        ),
    ]  # fmt: skip


def _id(prefix: str, space: str, name: str) -> str:
    # Kibana wants a UUID here, and the same one is never in two spaces
    return str(uuid.uuid5(_NAMESPACE, f"{prefix}/{space}/{name}"))


def _field(name: str) -> str:
    """Give a field's name, held to the table."""
    return BY_NAME[name].name


def _is(field: str, *values: str) -> Body:
    """Count the events whose field has one of some values."""
    told = " or ".join(f'"{value}"' for value in values)
    return {"aggType": "count", "filter": f"{_field(field)}: ({told})"}


def _judged(*outcomes: str) -> Body:
    return _is("ml.eval.outcome", *outcomes)


def _weights() -> Body:
    return {"aggType": "sum", "field": _field("ml.sample.weight")}


def _equations(
    data_view: str,
    unit: str,
    size: int,
    *conditions: tuple[str, str, str, float, Mapping[str, Body]],
) -> dict[str, Any]:
    """Give conditions that a model has to meet, all of them, within one span."""
    return {
        "criteria": [
            {
                "metrics": [{"name": name, **metric} for name, metric in metrics.items()],
                "equation": equation,
                "label": label,
                "comparator": comparator,
                "threshold": [threshold],
                "timeSize": size,
                "timeUnit": unit,
            }
            for label, equation, comparator, threshold, metrics in conditions
        ],
        "groupBy": [_field("ml.model.name")],
        "alertOnNoData": False,
        "alertOnGroupDisappear": False,
        "searchConfiguration": {
            "index": data_view,
            "query": {"language": "kuery", "query": ""},
        },
    }


def _count(
    index: str,
    query: Body,
    comparator: str,
    threshold: int,
    unit: str,
    size: int,
    *,
    time: str = "@timestamp",
) -> dict[str, Any]:
    """Give a condition on how many events there are."""
    return {
        "searchType": "esQuery",
        "index": [index],
        "timeField": _field(time),
        "esQuery": orjson.dumps({"query": query}, option=orjson.OPT_INDENT_2).decode(),
        "thresholdComparator": comparator,
        "threshold": [threshold],
        "timeWindowSize": size,
        "timeWindowUnit": unit,
        "size": 0,  # of events that go with an alert: none, for they may be anybody's
        "excludeHitsFromPreviousRun": False,
    }


def _action(rule: Rule, to: Connector, group: str, *, over: bool) -> dict[str, Any]:
    of, why = "", ""
    if rule.kind == _EQUATION:
        of, why = " of {{alert.id}}", " ({{context.reason}})"  # a model's name; Kibana's words
    said = f"{{{{rule.name}}}}{of}: {'over' if over else rule.meaning + why}"
    params: dict[str, Any] = {"level": "info" if over else "warn", "message": said}
    if to.kind == ".index":
        params = {
            "documents": [
                {
                    "rule": {"id": "{{rule.id}}", "name": "{{rule.name}}"},
                    "alert": {
                        "id": "{{alert.id}}",
                        "state": "over" if over else "begun",
                        "value": "{{context.value}}",
                    },
                    "message": said,
                }
            ]
        }
    return {"group": group, "id": to.id, "params": params}
