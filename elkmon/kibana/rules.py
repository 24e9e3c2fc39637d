"""Define the alert rules and their connectors; none needs a paid licence."""

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

_QUERY, _THRESHOLD = ".es-query", "observability.rules.custom_threshold"
_CONSUMERS = {_QUERY: "stackAlerts", _THRESHOLD: "logs"}
"""The part of Kibana that owns a type of rule, and so the privilege that is needed. Stack Rules can
own the second type in the newest versions only; Logs could own it from the start."""
_NAMESPACE = uuid.UUID("6f0b1d0e-3a52-5c1b-9d0a-6c2f3e1a7b44")
_INTERVAL = "5m"
_RECOVERED = "recovered"
_SETTLED = ("joined", "orphan", "sampled_out")

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Connector:
    """A target of alerts: Kibana's own log, or an index."""

    id: str
    kind: str
    name: str
    config: Body


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        id: identifier; it depends on the prefix and the space only.
        name: name for people.
        kind: Kibana's type of rule.
        since: the oldest Kibana that supports it.
        meaning: what an alert means at any threshold, and what to do.
        params: parameters of its type.
    """

    id: str
    name: str
    kind: str
    since: tuple[int, int]
    meaning: str
    params: Body

    @property
    def consumer(self) -> str:
        """Return the part of Kibana that owns it."""
        return _CONSUMERS[self.kind]

    def body(self, active_group: str, targets: Sequence[Connector]) -> dict[str, Any]:
        """Return the rule as Kibana's API takes it.

        Args:
            active_group: action group of its type for active alerts.
            targets: connectors that are told when an alert starts and when it is over.
        """
        return {
            "name": self.name,
            "tags": ["elkmon"],
            "schedule": {"interval": _INTERVAL},
            "params": self.params,
            "actions": [
                _action(self, target, group)
                for group in (active_group, _RECOVERED)
                for target in targets
            ],
        }


def connectors(prefix: str, space: str) -> list[Connector]:
    """Return the connectors, of the two types that need no paid licence."""
    index = {"index": f"{prefix}-alerts", "executionTimeField": "@timestamp", "refresh": False}
    return [
        Connector(_id(prefix, space, "log"), ".server-log", f"{prefix}: Kibana's log", {}),
        Connector(_id(prefix, space, "index"), ".index", f"{prefix}: index {prefix}-alerts", index),
    ]


def rules(prefix: str, space: str, predictions: str) -> list[Rule]:
    """Return the rules.

    Args:
        prefix: prefix of all indices.
        space: space of the rules.
        predictions: identifier of the data view of predictions in this space.
    """

    def rule(
        name: str, title: str, kind: str, since: tuple[int, int], meaning: str, params: Body
    ) -> Rule:
        return Rule(_id(prefix, space, name), f"{prefix}: {title}", kind, since, meaning, params)

    return [
        rule(
            "failure-rate", "failure rate", _THRESHOLD, (8, 12),
            "too many attempts fail. See elkmon errors --since 1h and elkmon issues list.",
            _threshold_params(
                predictions,
                "h", 1,
                # failed attempts are never sampled: each counts once, the others by weight
                ("failure rate", "A / B", ">", 0.05,
                 {"A": _is("event.outcome", "failure"), "B": _weights()}),
                ("attempts", "A", ">=", 100, {"A": _is("event.outcome", "failure", "success")}),
            ),
        ),
        rule(
            "error-rate", "error rate at enough coverage", _THRESHOLD, (8, 12),
            "too many answers are wrong. See elkmon errors, elkmon compare and elkmon issues list.",
            _threshold_params(
                predictions,
                "d", 7,
                ("error rate", "A / B", ">", 0.1,
                 {"A": _outcome("wrong"), "B": _outcome("wrong", "correct")}),
                ("labelled answers", "A", ">=", 100, {"A": _outcome("wrong", "correct")}),
                ("coverage", "A / B", ">=", 0.2,
                 {"A": _outcome("wrong", "correct"), "B": _is("event.outcome", "success")}),
            ),
        ),
        rule(
            "silence", "no predictions", _QUERY, (8, 6),
            "no predictions arrive: no model answers, or its events are not shipped. Check that "
            "elkmon worker is running; see elkmon models.",
            _query_params(pattern(prefix, [PREDICTION]), {"match_all": {}}, "<", 1, "h", 1),
        ),
        rule(
            "label-backlog", "label backlog", _QUERY, (8, 6),
            "labels are waiting to be joined to their predictions, so quality metrics are out of "
            "date. Check that elkmon join or elkmon worker is running.",
            _query_params(
                pattern(prefix, [LABEL]),
                {"bool": {
                    "must_not": [{"terms": {_field("ml.join.state"): _SETTLED}}],
                    "filter": [{"range": {_field("event.created"): {"lte": "now-1h"}}}],
                }},
                ">", 0, "d", 7, time="event.created",
            ),
        ),
        rule(
            "dead-letters", "dead letters", _QUERY, (8, 6),
            f"events could not be stored. {prefix}-deadletter-* has each of them and the reason.",
            _query_params(f"{prefix}-deadletter-*", {"match_all": {}}, ">", 0, "h", 1),
        ),
    ]  # fmt: skip


def _id(prefix: str, space: str, name: str) -> str:
    # Kibana requires a UUID, and no two spaces may share one
    return str(uuid.uuid5(_NAMESPACE, f"{prefix}/{space}/{name}"))


def _field(name: str) -> str:
    """Return a field's name; a KeyError shows that the field table does not have it."""
    return BY_NAME[name].name


def _is(field: str, *values: str) -> Body:
    """Return the count of events with one of the values in a field."""
    choices = " or ".join(f'"{value}"' for value in values)
    return {"aggType": "count", "filter": f"{_field(field)}: ({choices})"}


def _outcome(*outcomes: str) -> Body:
    return _is("ml.eval.outcome", *outcomes)


def _weights() -> Body:
    return {"aggType": "sum", "field": _field("ml.sample.weight")}


def _threshold_params(
    data_view: str,
    unit: str,
    size: int,
    *conditions: tuple[str, str, str, float, Mapping[str, Body]],
) -> dict[str, Any]:
    """Return parameters of a rule that fires if a model meets all conditions in a time window."""
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


def _query_params(
    index: str,
    query: Body,
    comparator: str,
    threshold: int,
    unit: str,
    size: int,
    *,
    time: str = "@timestamp",
) -> dict[str, Any]:
    """Return parameters of a rule that fires on the number of events in a time window."""
    return {
        "searchType": "esQuery",
        "index": [index],
        "timeField": _field(time),
        "esQuery": orjson.dumps({"query": query}, option=orjson.OPT_INDENT_2).decode(),
        "thresholdComparator": comparator,
        "threshold": [threshold],
        "timeWindowSize": size,
        "timeWindowUnit": unit,
        "size": 0,  # alerts contain no events: they may hold personal data
        "excludeHitsFromPreviousRun": False,
    }


def _action(rule: Rule, target: Connector, group: str) -> dict[str, Any]:
    over = group == _RECOVERED
    model, reason = "", ""
    if rule.kind == _THRESHOLD:
        model, reason = " of {{alert.id}}", " ({{context.reason}})"  # the latter is Kibana's text
    message = f"{{{{rule.name}}}}{model}: {'over' if over else rule.meaning + reason}"
    params: dict[str, Any] = {"level": "info" if over else "warn", "message": message}
    if target.kind == ".index":
        params = {
            "documents": [
                {
                    "rule": {"id": "{{rule.id}}", "name": "{{rule.name}}"},
                    "alert": {
                        "id": "{{alert.id}}",
                        "state": "over" if over else "begun",
                        "value": "{{context.value}}",
                    },
                    "message": message,
                }
            ]
        }
    return {"group": group, "id": target.id, "params": params}
