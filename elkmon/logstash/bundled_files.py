"""Find the files that elkmon brings for other programs: in a wheel, or in a checkout."""

from __future__ import annotations

from pathlib import Path

from elkmon.events.errors import ProvisionError

__all__ = ["assets_of"]

_ROOT = Path(__file__).parents[2]
_WITHIN = Path(__file__).parents[1] / "assets"


def assets_of(name: str) -> Path:
    """Give a folder such as ``logstash``.

    Raises:
        ProvisionError: this installation came without it.
    """
    for folder in (_WITHIN / name, _ROOT / name):
        if folder.is_dir():
            return folder
    raise ProvisionError(f"this installation has no folder {name}: install elkmon from its wheel")
