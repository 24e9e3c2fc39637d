"""What has to be done about one thing that Kibana should hold, and how it differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

__all__ = ["Body", "State", "Step", "differing"]

Body = Mapping[str, Any]
State = Literal["new", "changed", "kept", "same"]
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that Kibana should hold.

    Attributes:
        title: for people, such as ``dashboard Overview``.
        state: to be made, to be changed, kept though it differs, or as it should be.
        why: how it differs, where that can be said.
        body: of a saved object, a connector or a rule.
        path: of a connector or a rule.
        method: of HTTP: POST for what is made, anew where it was there; PUT for what is changed.
    """

    title: str
    state: State
    why: str = ""
    body: Body = field(default_factory=dict)
    path: str = ""
    method: str = "POST"

    @property
    def to_do(self) -> bool:
        """Say whether Kibana has to be changed for it."""
        return self.state in {"new", "changed"}


def differing(wanted: object, there: object, path: str = "") -> Iterator[str]:
    """Say where what is there is not as wanted; what it has besides does not count.

    Args:
        wanted: any JSON.
        there: any JSON.
        path: where both stand.
    """
    if isinstance(wanted, Mapping) and isinstance(there, Mapping):
        for name, value in wanted.items():
            yield from differing(value, there.get(name), f"{path}.{name}" if path else name)
    elif isinstance(wanted, list) and isinstance(there, list) and len(wanted) == len(there):
        for number, value in enumerate(wanted):
            yield from differing(value, there[number], f"{path}[{number}]")
    elif wanted != there:
        yield f"{path} is {_short(there)}, elkmon's is {_short(wanted)}"


def _short(value: object) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
