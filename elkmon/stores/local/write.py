"""Write a few finished events into a folder, as a file of their own."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from time import gmtime, strftime
from uuid import uuid4

from elkmon.events.errors import StoreError
from elkmon.events.settings import usable
from elkmon.stores.local.files import NDJSON

__all__ = ["write_lines"]


def write_lines(folder: Path, lines: Iterable[bytes]) -> None:
    """Write lines as a closed file: a reader sees all of them or none.

    Args:
        folder: of the events; created if it does not exist.
        lines: events, each with its newline.

    Raises:
        StoreError: they cannot be written, or the folder is as large as it may be.
    """
    data = b"".join(lines)
    limit = usable()[0].max_bytes
    if _size(folder) >= limit:
        raise StoreError(
            f"{folder} holds {limit:,} bytes or more: make room, or raise ELKMON_MAX_BYTES"
        )
    name = f"{strftime('%Y%m%dT%H%M%SZ', gmtime())}-{uuid4().hex}"
    hidden = folder / f".{name}.new"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(hidden, flags, 0o600), "wb") as file:
            file.write(data)
        hidden.rename(folder / f"{name}{NDJSON}")
    except OSError as error:
        with suppress(OSError):
            hidden.unlink()
        raise StoreError(f"cannot write to {folder}: {error.strerror}") from error


def _size(folder: Path) -> int:
    """Return the size of the files of a folder."""
    total = 0
    for file in folder.glob("*"):
        with suppress(FileNotFoundError):  # compacted meanwhile
            total += file.lstat().st_size if file.is_file() else 0
    return total
