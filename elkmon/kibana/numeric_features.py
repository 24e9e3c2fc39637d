"""Read from Kibana which numeric features predictions have: their names are the user's."""

from __future__ import annotations

import re

from elkmon.kibana.client import DEFAULT, Kibana
from elkmon.kibana.views import PREDICTIONS

__all__ = ["MAX_FEATURES", "numeric_features"]

MAX_FEATURES = 29
"""With the panel of missing features this fills ten rows of three; more panels help nobody."""
_FIELD_PREFIX = "ml.features.number."
_PLAIN_NAME = re.compile(r"[\w.-]+")


def numeric_features(kibana: Kibana, prefix: str) -> list[str]:
    """Return the names of numeric features, the first ones by name; none without a data view.

    Args:
        kibana: client of the space.
        prefix: prefix of all indices.

    Raises:
        ProvisionError: Kibana cannot be reached, or refuses.
    """
    view = PREDICTIONS.id(prefix) + ("" if kibana.space == DEFAULT else f"-{kibana.space}")
    response = kibana.get(f"/api/data_views/data_view/{view}", "read the features of predictions")
    if response is None:
        return []
    names = (
        name.removeprefix(_FIELD_PREFIX)
        for name in response["data_view"].get("fields", {})
        if name.startswith(_FIELD_PREFIX)
    )
    return sorted(filter(_PLAIN_NAME.fullmatch, names))[:MAX_FEATURES]
