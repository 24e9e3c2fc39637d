"""Where events are: in a folder, or at an address such as ``https://es:9200``."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["FOLDER", "Place", "is_cluster", "is_missing", "scheme_of"]

Place = Path | str
"""A folder, or the address of a store as text."""
FOLDER = ""
"""The scheme of a folder, which has none."""
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def scheme_of(location: Place) -> str:
    """Return the scheme of an address, in lower case; FOLDER for a folder."""
    match = _SCHEME.match(str(location))
    return match[1].lower() if match else FOLDER


def is_cluster(location: Place) -> bool:
    """Return whether a location is the address of Elasticsearch."""
    return scheme_of(location) in {"http", "https"}


def is_missing(location: Place) -> bool:
    """Return whether a location is a folder that does not exist."""
    return scheme_of(location) == FOLDER and not Path(location).exists()
