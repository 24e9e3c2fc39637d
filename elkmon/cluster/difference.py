"""Whether what a cluster has is what it should have, and the difference for people to read."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from elkmon.cluster.templates import Asset

__all__ = ["difference"]

Body = Mapping[str, Any]


def difference(asset: Asset, there: Body | None) -> list[str]:
    """Give the lines that differ, as ``diff`` writes them, with some around; none if none do.

    Args:
        asset: what should be there.
        there: what is there, as the cluster tells it; None for nothing.
    """
    before = [] if there is None else _lines(_comparable(there, asset.body))
    after = _lines(_comparable(asset.body, asset.body))
    return list(difflib.unified_diff(before, after, lineterm=""))[2:]


def _lines(body: Body) -> list[str]:
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS
    return orjson.dumps(body, option=options).decode().splitlines()


def _comparable(body: Body, wanted: Body) -> dict[str, Any]:
    """Give a body without what the cluster adds (dates, versions), settings by dotted names."""
    made: dict[str, Any] = {}
    for name, value in wanted.items():
        here = body.get(name)
        if name == "policy" and isinstance(here, dict):
            here = _comparable(here, value)
        if name == "template" and isinstance(here, dict) and "settings" in here:
            here = {**here, "settings": dict(_dotted(here["settings"]))}
        if here is not None:
            made[name] = here
    return made


def _dotted(settings: Body, above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from _dotted(value, f"{above}{name}.")
        else:
            yield above + name, value
