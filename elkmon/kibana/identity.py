"""Identifiers of saved objects, and what all kinds of them have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

__all__ = ["identity", "reference", "saved"]

_CORE = "8.6.0"
"""The oldest Kibana that is served: newer ones migrate what is older, none takes what is newer."""
_MIGRATED: Mapping[str, str] = MappingProxyType(
    {"index-pattern": "8.0.0", "search": "8.0.0", "dashboard": "8.6.0"}
)
"""How far objects are migrated already: the last change of each type that 8.6 knows."""


def identity(prefix: str, kind: str, name: str) -> str:
    """Give an identifier: fixed, of words, and no part of an index's name."""
    return f"{prefix}-{kind}-{name}"


def reference(name: str, kind: str, target: str) -> dict[str, str]:
    """Give a reference to a saved object.

    Args:
        name: by which the object that refers finds it.
        kind: type of the target.
        target: its identifier.
    """
    return {"name": name, "type": kind, "id": target}


def saved(
    kind: str, target: str, attributes: Mapping[str, Any], references: Sequence[Mapping[str, str]]
) -> dict[str, Any]:
    """Give a saved object as an import takes it."""
    return {
        "type": kind,
        "id": target,
        "attributes": dict(attributes),
        "references": [dict(each) for each in references],
        "coreMigrationVersion": _CORE,
        "migrationVersion": {kind: _MIGRATED[kind]},  # before 8.8
        "typeMigrationVersion": _MIGRATED[kind],
    }
