"""All saved objects, from the field table: data views, saved searches, dashboards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from elkmon.kibana.dashboards import data, errors, overview, quality, service
from elkmon.kibana.searches import SEARCHES
from elkmon.kibana.views import VIEWS

__all__ = ["saved_objects"]


def saved_objects(prefix: str, features: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Give the saved objects, as they are in the default space; each after those it refers to.

    Args:
        prefix: of all indices, and of all identifiers.
        features: numeric features, by name: each gets a panel on Data.
    """
    boards = (
        overview.DASHBOARD,
        quality.DASHBOARD,
        errors.DASHBOARD,
        data.dashboard(features),
        service.DASHBOARD,
    )
    return [
        *(view.body(prefix) for view in VIEWS),
        *(search.body(prefix) for search in SEARCHES),
        *(board.body(prefix) for board in boards),
    ]
