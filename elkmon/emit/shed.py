"""Make an event fit its limit: shed features, then what else is long, then the stack's middle."""

from __future__ import annotations

from typing import Any

import orjson

__all__ = ["shed"]

_KEEP_TEXT = 1_000


def shed(event: dict[str, Any], limit: int) -> bytes:
    """Shorten an event until it fits, and say in ``ml.truncated`` what was left out.

    Args:
        event: nested; it is changed.
        limit: of the line, in bytes.

    Returns:
        The line.

    Raises:
        ValueError: it is too long even so.
    """
    said = event["ml"].setdefault("truncated", [])
    steps = (_features, lambda event: _stack(event, limit // 4), _labels, _texts, _segment, _scores)
    for step in steps:
        what = step(event)
        if what is None:
            continue
        said.append(what)
        line = _dump(event)
        if len(line) <= limit:
            return line
    raise ValueError(f"it is longer than {limit:,} bytes, whatever is left out")


def _features(event: dict[str, Any]) -> str | None:
    features = event["ml"].get("features")
    if features is None:
        return None
    count = sum(len(features.get(kind, ())) for kind in ("number", "category"))
    event["ml"]["features"] = {"dropped": count + features.get("dropped", 0)}
    return "ml.features"


def _stack(event: dict[str, Any], room: int) -> str | None:
    stack = event.get("error", {}).get("stack_trace")
    if stack is None or len(stack) <= room:
        return None
    cut = len(stack) - room
    event["error"]["stack_trace"] = (
        f"{stack[: room // 2]}\n…[cut {cut} characters]…\n{stack[-room // 2 :]}"
    )
    return "error.stack_trace"


def _labels(event: dict[str, Any]) -> str | None:
    return "labels" if event.pop("labels", None) is not None else None


def _texts(event: dict[str, Any]) -> str | None:
    cut = None
    for holder in (event, event.get("error", {})):
        text = holder.get("message", "")
        if len(text) > _KEEP_TEXT:
            holder["message"] = f"{text[:_KEEP_TEXT]}…[cut {len(text) - _KEEP_TEXT} characters]"
            cut = "message"
    return cut


def _segment(event: dict[str, Any]) -> str | None:
    return "ml.segment" if event["ml"].pop("segment", None) is not None else None


def _scores(event: dict[str, Any]) -> str | None:
    scores = event["ml"].get("prediction", {}).pop("scores", None)
    return "ml.prediction.scores" if scores is not None else None


def _dump(event: dict[str, Any]) -> bytes:
    return orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE)
