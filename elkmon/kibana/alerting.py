"""Plan the connectors and rules of a space: what exists, and what this Kibana cannot have."""

from __future__ import annotations

from collections.abc import Sequence

from elkmon.kibana.client import Kibana
from elkmon.kibana.plan_step import Body, State, Step, differences
from elkmon.kibana.rules import Connector, Rule, connectors, rules

__all__ = ["plan_alerting", "titles_and_paths"]

_PRIVILEGES = {"stackAlerts": "Stack Rules", "logs": "Logs"}
_NO_ENCRYPTION_KEY = (
    "this Kibana cannot keep rules, so they are left out: set "
    "xpack.encryptedSavedObjects.encryptionKey in kibana.yml (32 characters or more), restart it, "
    "and provision again"
)


def plan_alerting(
    kibana: Kibana,
    version: tuple[int, int],
    prefix: str,
    space: str,
    predictions: str,
    *,
    overwrite: bool,
) -> tuple[list[Step], list[str]]:
    """Return the steps for connectors and rules in a space, in that order.

    What people changed is kept: thresholds are their own. A rule that a newer elkmon changed is
    created again, so that Kibana counts its revisions from 0 and shows whether a person changed it.

    Args:
        kibana: client of the space, or of another one if the space does not exist yet.
        version: Kibana's version.
        prefix: prefix of all indices.
        space: the target space.
        predictions: identifier of the data view of predictions.
        overwrite: whether to replace what differs.

    Returns:
        The steps, and what this Kibana cannot have, with the reason.

    Raises:
        ProvisionError: Kibana cannot be reached, or refuses.
    """
    health = kibana.request("GET", "/api/alerting/_health", None, "read the state of its alerting")
    if not health["has_permanent_encryption_key"]:
        return [], [_NO_ENCRYPTION_KEY]
    response = kibana.request("GET", "/api/alerting/rule_types", None, "read its types of rules")
    rule_types = {item["id"]: item for item in response}
    targets = connectors(prefix, space)
    steps = [_connector_step(kibana, target, overwrite=overwrite) for target in targets]
    warnings = []
    for rule in rules(prefix, space, predictions):
        obstacle = _obstacle(rule, version, rule_types.get(rule.kind))
        if obstacle:
            warnings.append(f"the rule {rule.name} is left out: {obstacle}")
        else:
            rule_type = rule_types[rule.kind]
            steps.append(_rule_step(kibana, rule, rule_type, targets, overwrite=overwrite))
    return steps, warnings


def titles_and_paths(prefix: str, space: str) -> list[tuple[str, str]]:
    """Return the titles and paths of all rules and connectors, in the order of removal."""
    return [
        *((f"rule {rule.name}", _rule_path(rule)) for rule in rules(prefix, space, "")),
        *((f"connector {target.name}", _connector_path(target))
          for target in connectors(prefix, space)),
    ]  # fmt: skip


def _obstacle(rule: Rule, version: tuple[int, int], rule_type: Body | None) -> str:
    """Return the reason why this Kibana cannot have a rule, or an empty text."""
    needs = f", for which they need all privileges for {_PRIVILEGES[rule.consumer]}"
    if version < rule.since:
        return f"it needs Kibana {'.'.join(map(str, rule.since))} or later"
    if rule_type is None or not rule_type["enabled_in_license"]:
        return (
            f"this Kibana has no rule type {rule.kind}, or these credentials may not see it{needs}"
        )
    if not rule_type["authorized_consumers"].get(rule.consumer, {}).get("all"):
        return f"these credentials may not create rules of type {rule.kind}{needs}"
    return ""


def _connector_path(connector: Connector) -> str:
    return f"/api/actions/connector/{connector.id}"


def _rule_path(rule: Rule) -> str:
    return f"/api/alerting/rule/{rule.id}"


def _connector_step(kibana: Kibana, connector: Connector, *, overwrite: bool) -> Step:
    path, title = _connector_path(connector), f"connector {connector.name}"
    expected = {"name": connector.name, "config": connector.config}
    existing = kibana.get(path, f"read the {title}")
    if existing is None:
        body = {**expected, "connector_type_id": connector.kind, "secrets": {}}
        return Step(title, "new", body=body, path=path)
    why = "; ".join(differences(expected, existing))
    if not why:
        return Step(title, "same")
    state: State = "changed" if overwrite else "kept"
    return Step(title, state, why, {**expected, "secrets": {}}, path, "PUT")


def _rule_step(
    kibana: Kibana, rule: Rule, rule_type: Body, targets: Sequence[Connector], *, overwrite: bool
) -> Step:
    path, title = _rule_path(rule), f"rule {rule.name}"
    expected = rule.body(rule_type["default_action_group_id"], targets)
    # 8.6 takes one notify_when for all actions; newer versions may store it with each action
    body = {
        **expected,
        "rule_type_id": rule.kind,
        "consumer": rule.consumer,
        "notify_when": "onActionGroupChange",
    }
    existing = kibana.get(path, f"read the {title}")
    if existing is None:
        return Step(title, "new", body=body, path=path)
    why = "; ".join(differences(expected, existing))
    if not why:
        return Step(title, "same")
    body["enabled"] = existing["enabled"]
    if existing.get("revision") == 0:  # nobody has changed it since it was created
        return Step(title, "changed", "another version of elkmon provisioned it", body, path)
    return Step(title, "changed" if overwrite else "kept", why, body, path)
