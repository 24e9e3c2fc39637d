"""Build saved objects and references to them in the form that Kibana's import takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import orjson

__all__ = ["json_text", "object_id", "reference", "saved_object"]

_CORE = "8.6.0"
"""The oldest supported Kibana: newer ones migrate older objects, none takes newer objects."""
_MIGRATED: Mapping[str, str] = MappingProxyType(
    {"index-pattern": "8.0.0", "search": "8.0.0", "dashboard": "8.6.0"}
)
"""The last migration of each type that Kibana 8.6 knows."""


def object_id(prefix: str, kind: str, name: str) -> str:
    """Return the fixed identifier of a saved object."""
    return f"{prefix}-{kind}-{name}"


def reference(name: str, kind: str, target: str) -> dict[str, str]:
    """Return a reference to a saved object.

    Args:
        name: name by which the referring object looks the reference up.
        kind: type of the target.
        target: identifier of the target.
    """
    return {"name": name, "type": kind, "id": target}


def saved_object(
    kind: str,
    identifier: str,
    attributes: Mapping[str, Any],
    references: Sequence[Mapping[str, str]],
) -> dict[str, Any]:
    """Return a saved object as an import takes it."""
    return {
        "type": kind,
        "id": identifier,
        "attributes": dict(attributes),
        "references": [dict(item) for item in references],
        "coreMigrationVersion": _CORE,
        "migrationVersion": {kind: _MIGRATED[kind]},  # before 8.8
        "typeMigrationVersion": _MIGRATED[kind],
    }


def json_text(value: object) -> str:
    """Return a value as JSON text: Kibana stores parts of its objects that way."""
    return orjson.dumps(value).decode()
