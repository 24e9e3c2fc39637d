"""Describe one step of a provisioning plan, and how two JSON values differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

__all__ = ["Body", "State", "Step", "differences"]

Body = Mapping[str, Any]
State = Literal["new", "changed", "kept", "same"]
_MAX_LENGTH = 40


@dataclass(frozen=True, slots=True)
class Step:
    """One object, connector or rule that Kibana should hold.

    Attributes:
        title: title for people, such as ``dashboard Overview``.
        state: missing, to be changed, kept although it differs, or already the same.
        why: how it differs, if that can be told.
        body: body of the saved object, connector or rule.
        path: path of a connector or rule.
        method: HTTP method: POST creates (after a deletion if it exists), PUT changes.
    """

    title: str
    state: State
    why: str = ""
    body: Body = field(default_factory=dict)
    path: str = ""
    method: str = "POST"

    @property
    def to_do(self) -> bool:
        """Return whether the step changes Kibana."""
        return self.state in {"new", "changed"}


def differences(expected: object, actual: object, path: str = "") -> Iterator[str]:
    """Yield where the actual value differs from the expected one; additional keys do not count.

    Args:
        expected: JSON value that elkmon provisions.
        actual: JSON value that Kibana holds.
        path: path of both values within their document.
    """
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        for name, value in expected.items():
            yield from differences(value, actual.get(name), f"{path}.{name}" if path else name)
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for number, value in enumerate(expected):
            yield from differences(value, actual[number], f"{path}[{number}]")
    elif expected != actual:
        yield f"{path} is {_short(actual)}, elkmon's is {_short(expected)}"


def _short(value: object) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]}…"
