"""The files of a folder that hold its events; every event is in exactly one of them."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import orjson

from elkmon.events.errors import StoreError

__all__ = ["NDJSON", "PARQUET", "Listing", "is_closed", "listing", "readers_behind", "strangers"]

NDJSON = ".ndjson"
PARQUET = ".parquet"


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of one moment, sorted; of two with the same stem the Parquet file counts."""

    ndjson: tuple[Path, ...] = ()
    parquet: tuple[Path, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.ndjson or self.parquet)


def listing(folder: Path) -> Listing:
    """Return the files of a folder that hold events.

    A folder that does not exist is an empty store. Files with a dot name are not finished; a
    folder, a link or a pipe holds no events.

    Raises:
        StoreError: it is no folder, or may not be read.
    """
    # Two passes: one may miss both a new file and the old one that was removed for it.
    # A file of the first pass that has gone meanwhile is noticed when it is opened.
    names = _names(folder) | _names(folder)
    parquet = {name.removesuffix(PARQUET) for name in names if name.endswith(PARQUET)}
    ndjson = {name.removesuffix(NDJSON) for name in names if name.endswith(NDJSON)} - parquet
    return Listing(
        ndjson=tuple(folder / (stem + NDJSON) for stem in sorted(ndjson)),
        parquet=tuple(folder / (stem + PARQUET) for stem in sorted(parquet)),
    )


def _names(folder: Path) -> set[str]:
    try:
        with os.scandir(folder) as entries:
            return {entry.name for entry in entries if _is_ours(entry, regular=True)}
    except FileNotFoundError:
        return set()
    except NotADirectoryError as error:
        raise StoreError(f"{folder} is a file: give the folder that holds the events") from error
    except OSError as error:
        raise StoreError(f"{folder} cannot be read: {error.strerror}") from error


def strangers(folder: Path) -> list[str]:
    """Return the names that look like files of events but are no regular files."""
    with suppress(OSError), os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if _is_ours(entry, regular=False))
    return []


def _is_ours(entry: os.DirEntry[str], *, regular: bool) -> bool:
    named = entry.name.endswith((NDJSON, PARQUET)) and not entry.name.startswith(".")
    return named and entry.is_file(follow_symlinks=False) == regular


def is_closed(file: Path) -> bool:
    """Return whether no process writes to a file any more, which its lock tells.

    Raises:
        OSError: the file cannot be opened.
    """
    fd = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(fd)
    return True


def readers_behind(folder: Path, file: Path) -> list[str]:
    """Return the names of the registered readers that have not read a file to its end.

    A reader registers as ``readers/<name>.json`` in the folder: ``{"offsets": {"<name of a file>":
    <bytes that it has read>}}``. A registration that cannot be read counts as 0 bytes.
    """
    size = file.stat().st_size
    behind = []
    for registered in sorted((folder / "readers").glob("*.json")):
        try:
            passed = orjson.loads(registered.read_bytes())["offsets"].get(file.name, 0)
            done = passed >= size
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            done = False
        if not done:
            behind.append(registered.stem)
    return behind
