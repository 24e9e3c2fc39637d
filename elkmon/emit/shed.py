"""Make an event fit its limit: shed features, then what else is long, then the stack's middle."""

from __future__ import annotations

from typing import Any

import orjson

__all__ = ["shed"]

_KEEP_STACK = 16_000
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
    ml = event["ml"]
    said = ml.setdefault("truncated", [])
    features = ml.get("features")
    if isinstance(features, dict):
        count = sum(len(features[kind]) for kind in ("number", "category") if kind in features)
        ml["features"] = {"dropped": count + features.get("dropped", 0)}
        said.append("ml.features")
        line = _dump(event)
        if len(line) <= limit:
            return line
    error = event.get("error", {})
    stack = error.get("stack_trace")
    room = min(_KEEP_STACK, limit // 4)
    if stack is not None and len(stack) > room:
        cut = len(stack) - room
        error["stack_trace"] = (
            f"{stack[: room // 2]}\n…[{cut} characters left out]…\n{stack[-room // 2 :]}"
        )
        said.append("error.stack_trace")
        line = _dump(event)
        if len(line) <= limit:
            return line
    for name in ("labels",):
        if event.pop(name, None) is not None:
            said.append(name)
    for holder, name in ((event, "message"), (error, "message")):
        text = holder.get(name)
        if isinstance(text, str) and len(text) > _KEEP_TEXT:
            holder[name] = f"{text[:_KEEP_TEXT]}…[cut {len(text) - _KEEP_TEXT} characters]"
            said.append("message" if holder is event else "error.message")
    for name in ("segment", "nonfinite", "redacted"):
        if len(_dump(event)) > limit and ml.pop(name, None) is not None:
            said.append(f"ml.{name}")
    scores = ml.get("prediction", {})
    if len(_dump(event)) > limit and scores.pop("scores", None) is not None:
        said.append("ml.prediction.scores")
    line = _dump(event)
    if len(line) > limit:
        raise ValueError(f"it has {len(line):,} bytes, more than {limit:,}, whatever is left out")
    return line


def _dump(event: dict[str, Any]) -> bytes:
    return orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE)
