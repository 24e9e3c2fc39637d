"""Provision a space of Kibana: look first, change only what has to be; take out only one's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from elkmon.events.datasets import PREDICTION
from elkmon.events.errors import ProvisionError
from elkmon.kibana.alerting import alerting, places
from elkmon.kibana.client import DEFAULT, Kibana
from elkmon.kibana.refusals import RefusedError
from elkmon.kibana.saved import (
    bring,
    compared,
    marked,
    ours,
    tagged,
    title_of,
    unmarked,
)
from elkmon.kibana.steps import Body, Step
from elkmon.stores.elastic.indices import pattern

__all__ = ["OLDEST", "Plan", "apply", "checked", "export", "plan", "take_out"]

OLDEST = (8, 6)
"""The oldest Kibana that reads these saved objects."""
_SPACES = "/api/spaces/space"
_BAD_REQUEST, _FORBIDDEN, _NOT_FOUND = 400, 403, 404


@dataclass(frozen=True, slots=True)
class Plan:
    """What provisioning would do.

    Attributes:
        new_space: whether the space is to be made.
        objects: saved objects.
        rules: connectors and rules, in the order to make them.
        warnings: what this Kibana cannot have, and why.
    """

    new_space: bool
    objects: list[Step]
    rules: list[Step]
    warnings: list[str]

    @property
    def steps(self) -> list[Step]:
        """Give all steps, in the order to make them."""
        return [*self.objects, *self.rules]


def checked(kibana: Kibana, version: str) -> tuple[int, int]:
    """Give major and minor version of a Kibana that is served.

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
    """Say what has to change in a space; nothing is changed.

    Args:
        kibana: a space of it.
        version: of Kibana.
        prefix: of all indices.
        objects: saved objects, as they are in the default space.
        overwrite: whether what people changed in Kibana is replaced, too.

    Raises:
        ProvisionError: Kibana is too old, cannot be reached, or refuses.
    """
    supported = checked(kibana, version)
    wanted = marked(objects, prefix, kibana.space)
    predictions = next(
        each["id"]
        for each in wanted
        if each["type"] == "index-pattern"
        and each["attributes"]["title"] == pattern(prefix, [PREDICTION])
    )
    new = kibana.get(f"{_SPACES}/{kibana.space}", f"see the space {kibana.space}") is None
    # a space that is not there says to everyone that he may not: the default one tells the same
    asked = kibana.at(DEFAULT) if new else kibana
    steps = compared(asked, wanted, overwrite=overwrite)
    try:
        rules, warnings = alerting(
            asked, supported, prefix, kibana.space, predictions, overwrite=overwrite
        )
    except RefusedError as error:
        if error.status != _FORBIDDEN:
            raise
        rules, warnings = [], [f"rules and connectors are left out: {error}"]
    return Plan(new, steps, rules, warnings)


def apply(kibana: Kibana, planned: Plan, progress: Callable[[int, int], None]) -> None:
    """Make the changes of a plan; it can be interrupted and repeated.

    Args:
        kibana: the space.
        planned: for it.
        progress: takes how many are done, of how many; a rule takes Kibana some seconds.

    Raises:
        ProvisionError: Kibana does not answer, or refuses something: which, and what it took.
    """
    if planned.new_space:
        body = {"id": kibana.space, "name": kibana.space}
        kibana.ask("POST", _SPACES, body, f"make the space {kibana.space}")
    sent = [step for step in planned.objects if step.to_do]
    rules = [step for step in planned.rules if step.to_do]
    if sent:
        bring(kibana, sent)
    for done, step in enumerate(rules, len(sent)):
        progress(done, len(sent) + len(rules))
        doing = f"put the {step.title} there"
        if step.state == "changed" and step.method == "POST":
            kibana.ask("DELETE", step.path, None, doing)
        kibana.ask(step.method, step.path, step.body, doing)


def export(kibana: Kibana, prefix: str, objects: Sequence[Body]) -> list[dict[str, Any]]:
    """Give the saved objects of a space that bear our tag, and all that they refer to.

    Args:
        kibana: a space of it.
        prefix: of all indices.
        objects: saved objects, as they are in the default space.

    Raises:
        ProvisionError: Kibana cannot be reached, refuses, or has none.
    """
    found = tagged(kibana, marked(objects, prefix, kibana.space), deep=True)
    if not found:
        raise ProvisionError(
            f"{kibana.url}: nothing of elkmon's is in the space {kibana.space}: name another one "
            "by --space, or run elkmon kibana provision"
        )
    return [unmarked(each) for each in found]


def take_out(
    kibana: Kibana, prefix: str, objects: Sequence[Body], *, dry_run: bool
) -> tuple[list[str], list[str]]:
    """Remove from a space what provisioning put there, and nothing else; the space stays.

    Args:
        kibana: a space of it.
        prefix: of all indices.
        objects: saved objects, as they are in the default space.
        dry_run: whether only to say what would go.

    Returns:
        What went, and what stays with its reason.

    Raises:
        ProvisionError: Kibana cannot be reached, or refuses.
    """
    mine, others = ours(kibana, marked(objects, prefix, kibana.space))
    going, stays = _alerting(kibana, prefix)
    stays += [
        f"{title_of(each)}: it bears the tag {prefix}, but is not elkmon's" for each in others
    ]
    going += [(title_of(each), f"/api/saved_objects/{each['type']}/{each['id']}") for each in mine]
    gone = []
    for title, path in going:
        reason = None if dry_run else _remove(kibana, title, path)
        if reason is None:
            gone.append(title)
        else:
            stays.append(f"{title}: {reason}")
    if gone and kibana.space != DEFAULT:
        stays.append(f"space {kibana.space}: all else in it would go with it")
    return gone, stays


def _alerting(kibana: Kibana, prefix: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Give rules and connectors that are there, and those of which one may not know."""
    there, hidden = [], []
    for title, path in places(prefix, kibana.space):
        try:
            if kibana.get(path, f"see the {title}") is not None:
                there.append((title, path))
        except RefusedError as error:  # noqa: PERF203 - seven requests, not a hot loop
            if error.status != _FORBIDDEN:
                raise
            hidden.append(f"{title}, if it is there: {error.told}")
    return there, hidden


def _remove(kibana: Kibana, title: str, path: str) -> str | None:
    """Remove one thing; give the reason why it stays, if it does."""
    try:
        kibana.ask("DELETE", path, None, f"remove the {title}")
    except RefusedError as error:
        if error.status not in {_BAD_REQUEST, _NOT_FOUND}:
            raise
        return error.told
    return None
