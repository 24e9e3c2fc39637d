"""All saved objects, from the field table: data views, saved searches, dashboards."""

from __future__ import annotations

from typing import Any

from elkmon.provision.kibana.dashboards import DASHBOARDS
from elkmon.provision.kibana.searches import SEARCHES
from elkmon.provision.kibana.views import VIEWS

__all__ = ["saved_objects"]


def saved_objects(prefix: str) -> list[dict[str, Any]]:
    """Give the saved objects, as they are in the default space; each after those it refers to.

    Args:
        prefix: of all indices, and of all identifiers.
    """
    return [each.body(prefix) for each in (*VIEWS, *SEARCHES, *DASHBOARDS)]
