"""List all saved objects: data views, saved searches, dashboards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from elkmon.kibana.dashboards import data, errors, overview, quality, service
from elkmon.kibana.searches import SEARCHES
from elkmon.kibana.views import VIEWS

__all__ = ["saved_objects"]


def saved_objects(prefix: str, features: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return the saved objects for the default space, each after the ones it refers to.

    Args:
        prefix: prefix of all indices and of all identifiers.
        features: names of numeric features; each gets a panel on the dashboard Data.
    """
    dashboards = (
        overview.DASHBOARD,
        quality.DASHBOARD,
        errors.DASHBOARD,
        data.dashboard(features),
        service.DASHBOARD,
    )
    return [
        *(view.body(prefix) for view in VIEWS),
        *(search.body(prefix) for search in SEARCHES),
        *(board.body(prefix) for board in dashboards),
    ]
