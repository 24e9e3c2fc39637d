"""Connectors and rules in a space: what is there of them, and which Kibana cannot have."""

from __future__ import annotations

from collections.abc import Sequence

from elkmon.kibana.client import Kibana
from elkmon.kibana.rules import Connector, Rule, connectors, rules
from elkmon.kibana.steps import Body, State, Step, differing

__all__ = ["alerting", "places"]

_PRIVILEGES = {"stackAlerts": "Stack Rules", "logs": "Logs"}
_NO_KEY = (
    "this Kibana cannot keep rules, which are left out: set "
    "xpack.encryptedSavedObjects.encryptionKey in kibana.yml (32 characters or more), restart it, "
    "and provision again"
)


def alerting(
    kibana: Kibana,
    number: tuple[int, int],
    prefix: str,
    space: str,
    predictions: str,
    *,
    overwrite: bool,
) -> tuple[list[Step], list[str]]:
    """Say what has to be done about connectors and rules in a space, in that order.

    What people changed stays as it is, for thresholds are their own. A rule that differs is made
    anew, so that Kibana counts its changes from 0: by that it is known who changed it.

    Args:
        kibana: the space, or another one as long as there is none of its name.
        number: Kibana's version.
        prefix: of all indices.
        space: where they go.
        predictions: identifier of the data view of predictions.
        overwrite: whether what differs is replaced.

    Returns:
        The steps, and what this Kibana cannot have, with the reason.

    Raises:
        ProvisionError: Kibana cannot be reached, or refuses.
    """
    health = kibana.ask("GET", "/api/alerting/_health", None, "see whether it has rules")
    if not health["has_permanent_encryption_key"]:
        return [], [_NO_KEY]
    listed = kibana.ask("GET", "/api/alerting/rule_types", None, "see its types of rules")
    types = {each["id"]: each for each in listed}
    to = connectors(prefix, space)
    steps = [_connector(kibana, each, overwrite=overwrite) for each in to]
    without = []
    for rule in rules(prefix, space, predictions):
        lacking = _lacking(rule, number, types.get(rule.kind))
        if lacking:
            without.append(f"the rule {rule.name} is left out: {lacking}")
        else:
            steps.append(_rule(kibana, rule, types[rule.kind], to, overwrite=overwrite))
    return steps, without


def places(prefix: str, space: str) -> list[tuple[str, str]]:
    """Give titles and addresses of all rules and connectors, in the order to remove them."""
    return [
        *((f"rule {each.name}", _rule_path(each)) for each in rules(prefix, space, "")),
        *((f"connector {each.name}", _connector_path(each)) for each in connectors(prefix, space)),
    ]


def _lacking(rule: Rule, number: tuple[int, int], kind: Body | None) -> str:
    """Say why a rule cannot be there; nothing if it can."""
    needs = f", for which they need all privileges for {_PRIVILEGES[rule.consumer]}"
    if number < rule.since:
        return f"it needs Kibana {'.'.join(map(str, rule.since))} or later"
    if kind is None or not kind["enabled_in_license"]:
        return f"this Kibana has no type {rule.kind}, or these credentials may not see it{needs}"
    if not kind["authorized_consumers"].get(rule.consumer, {}).get("all"):
        return f"these credentials may not make rules of type {rule.kind}{needs}"
    return ""


def _connector_path(connector: Connector) -> str:
    return f"/api/actions/connector/{connector.id}"


def _rule_path(rule: Rule) -> str:
    return f"/api/alerting/rule/{rule.id}"


def _connector(kibana: Kibana, wanted: Connector, *, overwrite: bool) -> Step:
    path, title = _connector_path(wanted), f"connector {wanted.name}"
    body = {"name": wanted.name, "config": wanted.config}
    there = kibana.get(path, f"see the {title}")
    if there is None:
        made = {**body, "connector_type_id": wanted.kind, "secrets": {}}
        return Step(title, "new", body=made, path=path)
    differs = "; ".join(differing(body, there))
    if not differs:
        return Step(title, "same")
    state: State = "changed" if overwrite else "kept"
    return Step(title, state, differs, {**body, "secrets": {}}, path, "PUT")


def _rule(
    kibana: Kibana, rule: Rule, kind: Body, to: Sequence[Connector], *, overwrite: bool
) -> Step:
    path, title = _rule_path(rule), f"rule {rule.name}"
    body = rule.body(kind["default_action_group_id"], to)
    # when to act is said for all actions at once, as 8.6 takes it; newer ones may keep it otherwise
    made = {
        **body,
        "rule_type_id": rule.kind,
        "consumer": rule.consumer,
        "notify_when": "onActionGroupChange",
    }
    there = kibana.get(path, f"see the {title}")
    if there is None:
        return Step(title, "new", body=made, path=path)
    differs = "; ".join(differing(body, there))
    if not differs:
        return Step(title, "same")
    made["enabled"] = there["enabled"]
    if there.get("revision") == 0:  # nobody has changed it since it was made
        return Step(title, "changed", "this elkmon has another one", made, path)
    return Step(title, "changed" if overwrite else "kept", differs, made, path)
