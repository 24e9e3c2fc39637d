"""Compare saved objects with those of a space, import them, and export them.

The name of an object's reference to elkmon's tag is its mark: it ends with the digest of what was
imported. Kibana rewrites that name when somebody saves the object, which shows that it was changed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any

import orjson

from elkmon.events.errors import ProvisionError
from elkmon.kibana.client import DEFAULT, Kibana
from elkmon.kibana.plan_step import Body, Step, differences

__all__ = [
    "import_objects",
    "plan_objects",
    "provisioned_and_foreign",
    "tagged_objects",
    "title_of",
    "with_marks",
    "without_mark",
]

Key = tuple[str, str]

_MARK = "elkmon-"
_NOT_FOUND = 404
_KIND_TITLES = {"index-pattern": "data view", "search": "saved search"}


def title_of(item: Body) -> str:
    """Return the title of a saved object for people, such as ``dashboard Overview``."""
    kind, attributes = item["type"], item.get("attributes") or item.get("meta") or {}
    name = attributes.get("name") or attributes.get("title") or item["id"]
    return f"{_KIND_TITLES.get(kind, kind)} {name}"


def with_marks(objects: Sequence[Body], prefix: str, space: str) -> list[dict[str, Any]]:
    """Return elkmon's tag and the saved objects as they should be in a space, with their marks.

    Args:
        objects: the objects for the default space.
        prefix: prefix of all indices.
        space: the target. No identifier may be in two spaces, so other spaces append their name.
    """
    text = orjson.dumps(list(objects)).decode()
    if space != DEFAULT:
        identifiers = "|".join(sorted((re.escape(item["id"]) for item in objects), reverse=True))
        text = re.sub(rf"({identifiers})(?![\w*-]|\.\w)", rf"\1-{space}", text)
    tag = _tag(prefix, space)
    marked = [tag]
    for item in orjson.loads(text):
        digest = hashlib.sha256(orjson.dumps(item, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
        mark = {"type": "tag", "id": tag["id"], "name": f"{_MARK}{digest}"}
        marked.append({**item, "references": [*item["references"], mark]})
    return marked


def without_mark(item: dict[str, Any]) -> dict[str, Any]:
    """Return a saved object with a plain reference to the tag: a mark is valid in one space."""
    references = [
        {**entry, "name": f"tag-ref-{entry['id']}"} if entry["name"] in _marks(item) else entry
        for entry in item["references"]
    ]
    return {**item, "references": references}


def plan_objects(kibana: Kibana, objects: Sequence[Body], *, overwrite: bool) -> list[Step]:
    """Return the step for each saved object of a space.

    Args:
        kibana: client of the space.
        objects: objects with their marks.
        overwrite: whether to replace objects that were changed in Kibana.

    Raises:
        ProvisionError: Kibana cannot be reached, or refuses.
    """
    existing = _existing(kibana, objects)
    return [_step(item, existing.get(_key(item)), overwrite=overwrite) for item in objects]


def import_objects(kibana: Kibana, steps: Sequence[Step]) -> None:
    """Import saved objects, and check each result: a status of 200 does not mean success.

    Raises:
        ProvisionError: Kibana cannot be reached, or refuses all or some; the message names them.
    """
    titles = {_key(step.body): step.title for step in steps}
    result = kibana.upload([step.body for step in steps])

    def title(item: Body) -> str:
        return titles.get(_key(item)) or title_of(item)

    failures = [f"{title(item)}: {_reason(item['error'])}" for item in result.get("errors", ())]
    failures += [
        f"{title(item)}: its identifier is taken in another space; it got {item['destinationId']}"
        for item in result.get("successResults", ())
        if item.get("destinationId", item["id"]) != item["id"]
    ]
    imported = result["successCount"]
    if failures or not result["success"] or imported != len(steps):
        raise ProvisionError(
            f"{kibana.url}: Kibana took {imported} of {len(steps)} saved objects:\n  "
            + "\n  ".join(failures or ["it does not say which ones it refused"])
        )


def tagged_objects(
    kibana: Kibana, objects: Sequence[Body], *, deep: bool = False
) -> list[dict[str, Any]]:
    """Return the saved objects of a space that have elkmon's tag.

    Args:
        kibana: client of the space.
        objects: elkmon's tag, then the objects with their marks.
        deep: whether to include everything they refer to.

    Raises:
        ProvisionError: Kibana cannot be reached, or refuses.
    """
    tag, *others = objects
    selection = {
        "type": sorted({item["type"] for item in others}),
        "hasReference": [{"type": tag["type"], "id": tag["id"]}],
        "includeReferencesDeep": deep,
    }
    return kibana.download(selection)


def provisioned_and_foreign(
    kibana: Kibana, objects: Sequence[Body]
) -> tuple[list[Body], list[Body]]:
    """Return the objects that elkmon provisioned, its tag last; and foreign ones with the tag.

    Raises:
        ProvisionError: Kibana cannot be reached, or refuses.
    """
    known = {_key(item) for item in objects}
    provisioned: list[Body] = []
    foreign: list[Body] = []
    for item in tagged_objects(kibana, objects):
        (provisioned if _key(item) in known or _marks(item) else foreign).append(item)
    if not foreign:  # they would refer to a missing tag
        provisioned += _existing(kibana, objects[:1]).values()
    return provisioned, foreign


def _tag(prefix: str, space: str) -> dict[str, Any]:
    return {
        "type": "tag",
        "id": f"{prefix}-tag" + ("" if space == DEFAULT else f"-{space}"),
        "attributes": {
            "name": prefix,
            "description": "Created by elkmon kibana provision.",
            "color": "#0B64DD",
        },
        "references": [],
    }


def _existing(kibana: Kibana, objects: Sequence[Body]) -> dict[Key, Body]:
    keys = [{"type": item["type"], "id": item["id"]} for item in objects]
    doing = "read the saved objects"
    response = kibana.request("POST", "/api/saved_objects/_bulk_get", keys, doing)
    existing = {}
    for item in response["saved_objects"]:
        error = item.get("error")
        if error is None:
            existing[_key(item)] = item
        elif error.get("statusCode") != _NOT_FOUND:
            raise ProvisionError(
                f"{kibana.url}: cannot {doing}: {item['type']} {item['id']}: {error['message']}"
            )
    return existing


def _step(item: Body, existing: Body | None, *, overwrite: bool) -> Step:
    title = title_of(item)
    if existing is None:
        return Step(title, "new", body=item)
    if not _marks(item):  # elkmon's tag
        same = not list(differences(item["attributes"], existing["attributes"]))
        return Step(title, "same" if same else "changed", body=item)
    if _marks(existing) & _marks(item):
        return Step(title, "same")
    if _marks(existing):
        return Step(title, "changed", "another version of elkmon provisioned it", item)
    why = "it was saved in Kibana, or does not come from elkmon"
    return Step(title, "changed" if overwrite else "kept", why, item)


def _marks(item: Body) -> set[str]:
    return {
        entry["name"]
        for entry in item.get("references", ())
        if entry["type"] == "tag" and entry["name"].startswith(_MARK)
    }


def _key(item: Body) -> Key:
    return item["type"], item["id"]


def _reason(error: Body) -> str:
    kind = error["type"]
    if kind == "missing_references":
        names = ", ".join(f"{item['type']} {item['id']}" for item in error["references"])
        return f"it refers to {names}, which does not exist"
    if kind == "unsupported_type":
        return "this Kibana does not know this type of object"
    if "conflict" in kind:
        return f"another object is in its place ({kind}): rename or remove that one first"
    message = error.get("message") or error.get("output", {}).get("payload", {}).get("message")
    return str(message or kind)
