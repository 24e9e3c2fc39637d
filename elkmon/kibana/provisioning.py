"""Provision a space of Kibana: plan the changes, apply them, export and remove the objects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from elkmon.events.datasets import PREDICTION
from elkmon.events.errors import ProvisionError
from elkmon.kibana.alerting import plan_alerting, titles_and_paths
from elkmon.kibana.client import DEFAULT, Kibana
from elkmon.kibana.plan_step import Body, Step
from elkmon.kibana.response_errors import RefusedError
from elkmon.kibana.space_objects import (
    import_objects,
    plan_objects,
    provisioned_and_foreign,
    tagged_objects,
    title_of,
    with_marks,
    without_mark,
)
from elkmon.stores.elastic.indices import pattern

__all__ = ["OLDEST", "Plan", "apply", "export", "plan", "remove", "supported_version"]

OLDEST = (8, 6)
"""The oldest Kibana that can read these saved objects."""
_SPACES = "/api/spaces/space"
_BAD_REQUEST, _FORBIDDEN, _NOT_FOUND = 400, 403, 404


@dataclass(frozen=True, slots=True)
class Plan:
    """What provisioning would do.

    Attributes:
        new_space: whether the space has to be created.
        objects: steps for saved objects.
        rules: steps for connectors and rules, in the order to create them.
        warnings: what this Kibana cannot have, and why.
    """

    new_space: bool
    objects: list[Step]
    rules: list[Step]
    warnings: list[str]

    @property
    def steps(self) -> list[Step]:
        """Return all steps, in order."""
        return [*self.objects, *self.rules]


def supported_version(kibana: Kibana, version: str) -> tuple[int, int]:
    """Return the major and minor version of a Kibana that is supported.

    Raises:
        ProvisionError: it is too old.
    """
    major, minor, *_ = (int(part) for part in version.split("."))
    if (major, minor) < OLDEST:
        raise ProvisionError(
            f"{kibana.url}: this is Kibana {version}: elkmon needs "
            f"{'.'.join(map(str, OLDEST))} or later"
        )
    return major, minor


def plan(
    kibana: Kibana, version: str, prefix: str, objects: Sequence[Body], *, overwrite: bool
) -> Plan:
    """Return what has to change in a space, without changing anything.

    Args:
        kibana: client of the space.
        version: version of Kibana.
        prefix: prefix of all indices.
        objects: the saved objects for the default space.
        overwrite: whether to replace what people changed in Kibana.

    Raises:
        ProvisionError: Kibana is too old, cannot be reached, or refuses.
    """
    supported = supported_version(kibana, version)
    marked = with_marks(objects, prefix, kibana.space)
    predictions = next(
        item["id"]
        for item in marked
        if item["type"] == "index-pattern"
        and item["attributes"]["title"] == pattern(prefix, [PREDICTION])
    )
    new_space = kibana.get(f"{_SPACES}/{kibana.space}", f"read the space {kibana.space}") is None
    # Kibana forbids everything in a space that does not exist: the default one answers the same
    reader = kibana.in_space(DEFAULT) if new_space else kibana
    steps = plan_objects(reader, marked, overwrite=overwrite)
    try:
        rules, warnings = plan_alerting(
            reader, supported, prefix, kibana.space, predictions, overwrite=overwrite
        )
    except RefusedError as error:
        if error.status != _FORBIDDEN:
            raise
        rules, warnings = [], [f"rules and connectors are left out: {error}"]
    return Plan(new_space, steps, rules, warnings)


def apply(kibana: Kibana, planned: Plan, progress: Callable[[int, int], None]) -> None:
    """Make the changes of a plan; it can be interrupted and repeated.

    Args:
        kibana: client of the space.
        planned: plan for this space.
        progress: called with the number of steps done and their total; a rule takes seconds.

    Raises:
        ProvisionError: Kibana cannot be reached, or refuses something; the message says what.
    """
    if planned.new_space:
        body = {"id": kibana.space, "name": kibana.space}
        kibana.request("POST", _SPACES, body, f"create the space {kibana.space}")
    objects = [step for step in planned.objects if step.to_do]
    rules = [step for step in planned.rules if step.to_do]
    if objects:
        import_objects(kibana, objects)
    for done, step in enumerate(rules, len(objects)):
        progress(done, len(objects) + len(rules))
        doing = f"write the {step.title}"
        if step.state == "changed" and step.method == "POST":
            kibana.request("DELETE", step.path, None, doing)
        kibana.request(step.method, step.path, step.body, doing)


def export(kibana: Kibana, prefix: str, objects: Sequence[Body]) -> list[dict[str, Any]]:
    """Return the saved objects of a space that have elkmon's tag, and all that they refer to.

    Args:
        kibana: client of the space.
        prefix: prefix of all indices.
        objects: the saved objects for the default space.

    Raises:
        ProvisionError: Kibana cannot be reached, refuses, or has none.
    """
    tagged = tagged_objects(kibana, with_marks(objects, prefix, kibana.space), deep=True)
    if not tagged:
        raise ProvisionError(
            f"{kibana.url}: the space {kibana.space} has no objects of elkmon: name another one "
            "with --space, or run elkmon kibana provision"
        )
    return [without_mark(item) for item in tagged]


def remove(
    kibana: Kibana, prefix: str, objects: Sequence[Body], *, dry_run: bool
) -> tuple[list[str], list[str]]:
    """Remove from a space what provisioning created, and nothing else; the space stays.

    Args:
        kibana: client of the space.
        prefix: prefix of all indices.
        objects: the saved objects for the default space.
        dry_run: whether only to return what would be removed.

    Returns:
        What was removed, and what stays, with the reason.

    Raises:
        ProvisionError: Kibana cannot be reached, or refuses.
    """
    provisioned, foreign = provisioned_and_foreign(
        kibana, with_marks(objects, prefix, kibana.space)
    )
    candidates, remaining = _existing_rules(kibana, prefix)
    remaining += [
        f"{title_of(item)}: it has the tag {prefix}, but does not come from elkmon"
        for item in foreign
    ]
    candidates += [
        (title_of(item), f"/api/saved_objects/{item['type']}/{item['id']}") for item in provisioned
    ]
    removed = []
    for title, path in candidates:
        reason = None if dry_run else _delete(kibana, title, path)
        if reason is None:
            removed.append(title)
        else:
            remaining.append(f"{title}: {reason}")
    if removed and kibana.space != DEFAULT:
        remaining.append(f"space {kibana.space}: everything else in it would be deleted with it")
    return removed, remaining


def _existing_rules(kibana: Kibana, prefix: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Return titles and paths of existing rules and connectors, and those one may not read."""
    existing, hidden = [], []
    for title, path in titles_and_paths(prefix, kibana.space):
        try:
            if kibana.get(path, f"read the {title}") is not None:
                existing.append((title, path))
        except RefusedError as error:  # noqa: PERF203 - seven requests, not a hot loop
            if error.status != _FORBIDDEN:
                raise
            hidden.append(f"{title}, if it exists: {error.message}")
    return existing, hidden


def _delete(kibana: Kibana, title: str, path: str) -> str | None:
    """Delete one object, rule or connector; return the reason if it stays."""
    try:
        kibana.request("DELETE", path, None, f"remove the {title}")
    except RefusedError as error:
        if error.status not in {_BAD_REQUEST, _NOT_FOUND}:
            raise
        return error.message
    return None
