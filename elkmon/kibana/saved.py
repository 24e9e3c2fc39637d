"""Saved objects in a space: as they should be, each with a mark, and what is there of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any

import orjson

from elkmon.events.errors import ProvisionError
from elkmon.kibana.client import DEFAULT, Kibana
from elkmon.kibana.steps import Body, Step, differing

__all__ = ["bring", "compared", "marked", "ours", "tagged", "title_of", "unmarked"]

Key = tuple[str, str]

_MARK = "elkmon-"
"""Begins the name of an object's reference to our tag; the object's digest ends it. Whoever saves
the object in Kibana makes Kibana write a name of its own: so it is known what was changed there."""
_NOT_FOUND = 404
_WORDS = {"index-pattern": "data view", "search": "saved search"}


def title_of(saved: Body) -> str:
    """Name a saved object for people."""
    kind, attributes = saved["type"], saved.get("attributes") or saved.get("meta") or {}
    name = attributes.get("name") or attributes.get("title") or saved["id"]
    return f"{_WORDS.get(kind, kind)} {name}"


def marked(objects: Sequence[Body], prefix: str, space: str) -> list[dict[str, Any]]:
    """Give saved objects as they should be in a space, each with its mark; our tag before them.

    Args:
        objects: as they are in the default space.
        prefix: of all indices.
        space: where they go. An identifier is never in two spaces: other ones add their name.
    """
    text = orjson.dumps(list(objects)).decode()
    if space != DEFAULT:
        names = "|".join(sorted((re.escape(each["id"]) for each in objects), reverse=True))
        text = re.sub(rf"({names})(?![\w*-]|\.\w)", rf"\1-{space}", text)
    tag = _tag(prefix, space)
    made = [tag]
    for each in orjson.loads(text):
        digest = hashlib.sha256(orjson.dumps(each, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
        reference = {"type": "tag", "id": tag["id"], "name": f"{_MARK}{digest}"}
        made.append({**each, "references": [*each["references"], reference]})
    return made


def unmarked(saved: dict[str, Any]) -> dict[str, Any]:
    """Give a saved object with a plain reference to our tag: a mark is of one place only."""
    references = [
        {**each, "name": f"tag-ref-{each['id']}"} if each["name"] in _marks(saved) else each
        for each in saved["references"]
    ]
    return {**saved, "references": references}


def compared(kibana: Kibana, wanted: Sequence[Body], *, overwrite: bool) -> list[Step]:
    """Say what has to be done about each object in a space.

    Args:
        kibana: a space of it.
        wanted: objects with their marks.
        overwrite: whether what was changed in Kibana is replaced, too.

    Raises:
        ProvisionError: Kibana cannot be reached, or refuses.
    """
    there = _there(kibana, wanted)
    return [_step(each, there.get(_key(each)), overwrite=overwrite) for each in wanted]


def bring(kibana: Kibana, steps: Sequence[Step]) -> None:
    """Import objects, and read what became of each: an answer of 200 does not say that it is there.

    Raises:
        ProvisionError: Kibana cannot be reached, or refuses all or some; it names them.
    """
    sent = {_key(step.body): step for step in steps}
    account = kibana.upload([step.body for step in steps])

    def name(told: Body) -> str:
        step = sent.get(_key(told))
        return title_of(told) if step is None else step.title

    lost = [f"{name(each)}: {_reason(each['error'])}" for each in account.get("errors", ())]
    lost += [
        f"{name(each)}: its identifier is taken in another space; it got {each['destinationId']}"
        for each in account.get("successResults", ())
        if each.get("destinationId", each["id"]) != each["id"]
    ]
    taken = account["successCount"]
    if lost or not account["success"] or taken != len(sent):
        raise ProvisionError(
            f"{kibana.url}: Kibana took {taken} of {len(sent)} saved objects:\n  "
            + "\n  ".join(lost or ["it does not say which ones it did not take"])
        )


def tagged(kibana: Kibana, wanted: Sequence[Body], *, deep: bool = False) -> list[dict[str, Any]]:
    """Give what bears our tag in a space.

    Args:
        kibana: a space of it.
        wanted: objects with their marks.
        deep: whether with all that they refer to.

    Raises:
        ProvisionError: Kibana cannot be reached, or refuses.
    """
    tag, *objects = wanted
    asked = {
        "type": sorted({each["type"] for each in objects}),
        "hasReference": [{"type": tag["type"], "id": tag["id"]}],
        "includeReferencesDeep": deep,
    }
    return kibana.download(asked)


def ours(kibana: Kibana, wanted: Sequence[Body]) -> tuple[list[Body], list[Body]]:
    """Give what provisioning put into a space, our tag at last; and what else bears the tag.

    Raises:
        ProvisionError: Kibana cannot be reached, or refuses.
    """
    known = {_key(each) for each in wanted}
    mine: list[Body] = []
    others: list[Body] = []
    for each in tagged(kibana, wanted):
        (mine if _key(each) in known or _marks(each) else others).append(each)
    if not others:  # or they would refer to nothing
        mine += _there(kibana, wanted[:1]).values()
    return mine, others


def _tag(prefix: str, space: str) -> dict[str, Any]:
    return {
        "type": "tag",
        "id": f"{prefix}-tag" + ("" if space == DEFAULT else f"-{space}"),
        "attributes": {
            "name": prefix,
            "description": "Put there by elkmon kibana provision.",
            "color": "#0B64DD",
        },
        "references": [],
    }


def _there(kibana: Kibana, wanted: Sequence[Body]) -> dict[Key, Body]:
    asked = [{"type": each["type"], "id": each["id"]} for each in wanted]
    doing = "see what is there"
    found = {}
    for each in kibana.ask("POST", "/api/saved_objects/_bulk_get", asked, doing)["saved_objects"]:
        error = each.get("error")
        if error is None:
            found[_key(each)] = each
        elif error.get("statusCode") != _NOT_FOUND:
            raise ProvisionError(
                f"{kibana.url}: cannot {doing}: {each['type']} {each['id']}: {error['message']}"
            )
    return found


def _step(wanted: Body, there: Body | None, *, overwrite: bool) -> Step:
    title = title_of(wanted)
    if there is None:
        return Step(title, "new", body=wanted)
    if not _marks(wanted):  # our tag
        same = not list(differing(wanted["attributes"], there["attributes"]))
        return Step(title, "same" if same else "changed", body=wanted)
    if _marks(there) & _marks(wanted):
        return Step(title, "same")
    if _marks(there):
        return Step(title, "changed", "this elkmon has another one", wanted)
    why = "it was saved in Kibana, or is not elkmon's"
    return Step(title, "changed" if overwrite else "kept", why, wanted)


def _marks(saved: Body) -> set[str]:
    return {
        each["name"]
        for each in saved.get("references", ())
        if each["type"] == "tag" and each["name"].startswith(_MARK)
    }


def _key(saved: Body) -> Key:
    return saved["type"], saved["id"]


def _reason(error: Body) -> str:
    kind = error["type"]
    if kind == "missing_references":
        names = ", ".join(f"{each['type']} {each['id']}" for each in error["references"])
        return f"it refers to {names}, which is not there"
    if kind == "unsupported_type":
        return "this Kibana does not know such objects"
    if "conflict" in kind:
        return f"there is something else in its place ({kind}): rename or remove that first"
    told = error.get("message") or error.get("output", {}).get("payload", {}).get("message")
    return str(told or kind)
