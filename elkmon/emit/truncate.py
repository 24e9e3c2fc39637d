"""Make an event fit its limit: without features, then without what else is long."""

from __future__ import annotations

from typing import Any

import orjson

__all__ = ["truncate"]

_FINDINGS = 12
"""Paths of each kind that are still named when space is short, all that was left out among them."""
_NOTES = ("nonfinite", "redacted", "truncated")
_TEXTS = (
    ("message",),
    ("error", "message"),
    ("log", "logger"),
    ("metric", "name"),
    ("metric", "unit"),
    ("ml", "truth", "source"),
)


def truncate(event: dict[str, Any], limit: int) -> bytes:
    """Shorten an event until it fits, and say in ``ml.truncated`` what was left out.

    Args:
        event: nested; it is changed.
        limit: of the line, in bytes.

    Returns:
        The line.

    Raises:
        ValueError: it is too long even so.
    """
    left_out = event["ml"].setdefault("truncated", [])
    for step in (_features, _stack, _labels, _texts, _segment, _scores, _findings):
        paths = step(event, limit)
        if not paths:
            continue
        left_out.extend(paths)
        line = orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE)
        if len(line) <= limit:
            return line
    raise ValueError(f"it is longer than {limit:,} bytes, whatever is left out")


def _features(event: dict[str, Any], _: int) -> list[str]:
    features = event["ml"].get("features")
    if features is None:
        return []
    count = sum(len(features.get(kind, ())) for kind in ("number", "category"))
    event["ml"]["features"] = {"dropped": count + features.get("dropped", 0)}
    return ["ml.features"]


def _stack(event: dict[str, Any], limit: int) -> list[str]:
    return _shorten(event, ("error", "stack_trace"), limit // 4)


def _labels(event: dict[str, Any], _: int) -> list[str]:
    return ["labels"] if event.pop("labels", None) is not None else []


def _texts(event: dict[str, Any], limit: int) -> list[str]:
    return [name for path in _TEXTS for name in _shorten(event, path, limit // 16)]


def _segment(event: dict[str, Any], _: int) -> list[str]:
    return ["ml.segment"] if event["ml"].pop("segment", None) is not None else []


def _scores(event: dict[str, Any], _: int) -> list[str]:
    scores = event["ml"].get("prediction", {}).pop("scores", None)
    return ["ml.prediction.scores"] if scores is not None else []


def _findings(event: dict[str, Any], _: int) -> list[str]:
    """Name fewer of the paths where something was found."""
    ml = event["ml"]
    long = [name for name in _NOTES if len(ml.get(name, ())) > _FINDINGS]
    for name in long:
        ml[name][:] = ml[name][-_FINDINGS:]
    return [f"ml.{name}" for name in long]


def _shorten(event: dict[str, Any], path: tuple[str, ...], room: int) -> list[str]:
    """Cut a text's middle out, so that it takes no more than so many bytes of the line."""
    holder: Any = event
    for part in path[:-1]:
        holder = holder.get(part, {})
    text = holder.get(path[-1])
    if not isinstance(text, str) or _bytes(text) <= room:
        return []
    half = room // 2
    short = text
    while _bytes(short) > room and half:
        half = half * 2 // 3
        short = (
            f"{text[:half]}\n…[cut {len(text) - 2 * half} characters]…\n{text[len(text) - half :]}"
        )
    holder[path[-1]] = short
    return [".".join(path)]


def _bytes(text: str) -> int:
    return len(orjson.dumps(text))
