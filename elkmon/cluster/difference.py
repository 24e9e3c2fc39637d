"""Compare an asset on a cluster with what it should be, as a diff for people to read."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from elkmon.cluster.templates import Asset

__all__ = ["difference"]

Body = Mapping[str, Any]


def difference(asset: Asset, current: Body | None) -> list[str]:
    """Return a unified diff from the current body to the asset's; empty if they are the same.

    Args:
        asset: what the cluster should have.
        current: what the cluster has, as it returns it; None for nothing.
    """
    before = [] if current is None else _lines(_comparable(current, asset.body))
    after = _lines(_comparable(asset.body, asset.body))
    return list(difflib.unified_diff(before, after, lineterm=""))[2:]


def _lines(body: Body) -> list[str]:
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS
    return orjson.dumps(body, option=options).decode().splitlines()


def _comparable(body: Body, target: Body) -> dict[str, Any]:
    """Return a body without what the cluster adds (dates, versions), settings by dotted names."""
    comparable: dict[str, Any] = {}
    for name, target_value in target.items():
        value = body.get(name)
        if name == "policy" and isinstance(value, dict):
            value = _comparable(value, target_value)
        if name == "template" and isinstance(value, dict) and "settings" in value:
            value = {**value, "settings": dict(_dotted(value["settings"]))}
        if value is not None:
            comparable[name] = value
    return comparable


def _dotted(settings: Body, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from _dotted(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
