"""Which numeric features predictions have, as Kibana sees them: their names are the user's."""

from __future__ import annotations

import re

from elkmon.kibana.client import DEFAULT, Kibana
from elkmon.kibana.views import PREDICTIONS

__all__ = ["MOST", "features"]

MOST = 29
"""More panels help nobody: with that of what is missing, ten rows of three."""
_FIELDS = "ml.features.number."
_PLAIN = re.compile(r"[\w.-]+")


def features(kibana: Kibana, prefix: str) -> list[str]:
    """Name the numeric features, the first ones by name; none before there is a data view.

    Args:
        kibana: a space of it.
        prefix: of all indices.

    Raises:
        ProvisionError: Kibana cannot be reached, or refuses.
    """
    view = PREDICTIONS.id(prefix) + ("" if kibana.space == DEFAULT else f"-{kibana.space}")
    there = kibana.get(f"/api/data_views/data_view/{view}", "see which features there are")
    if there is None:
        return []
    names = (
        name.removeprefix(_FIELDS)
        for name in there["data_view"].get("fields", {})
        if name.startswith(_FIELDS)
    )
    return sorted(filter(_PLAIN.fullmatch, names))[:MOST]
