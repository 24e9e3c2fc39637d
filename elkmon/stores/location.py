"""Where events are: in a folder, or on a cluster that has an address."""

from __future__ import annotations

from pathlib import Path

__all__ = ["Place", "is_url", "place_of"]

Place = Path | str
"""A folder, or the address of a cluster as text."""


def is_url(place: object) -> bool:
    """Say whether a place is an address rather than a folder."""
    return str(place).startswith(("http://", "https://"))


def place_of(text: str | Path) -> Place:
    """Tell the address of a cluster from the name of a folder."""
    return str(text) if is_url(text) else Path(text)
