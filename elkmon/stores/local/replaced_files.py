"""Replace a file of events by one of the same lines, without its shippers reading it anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

from elkmon.events.errors import StoreError
from elkmon.stores.local.file_lock import alone
from elkmon.stores.local.reader_registration import (
    Registration,
    Seen,
    head_of,
    load,
    lock_of,
    registered,
    save,
)

__all__ = ["put_in_place"]


def put_in_place(part: Path, file: Path) -> None:
    """Put a file in the place of another, whose lines begin and end at the same bytes.

    Shippers that are not running are told that they know it. One that runs, or is not told because
    this is killed over it, reads the file again: all of it is then already at its destination.

    Args:
        part: the new file, in the same file system.
        file: is replaced as a whole; it lies in the folder of the events.

    Raises:
        OSError: it cannot be replaced, or a shipper cannot be told.
    """
    folder = file.parent
    with ExitStack() as held:
        known = list(_known(file, held))
        part.rename(file)
        for name, registration in known:
            seen = registration.files[file.name]
            seen.inode, seen.head = file.stat().st_ino, _head(file, seen)
            save(folder, name, registration)


def _known(file: Path, held: ExitStack) -> Iterator[tuple[str, Registration]]:
    """Return the shippers that know this very file, each kept from running."""
    folder = file.parent
    for name in registered(folder):
        with suppress(StoreError):  # it runs, or is none of ours
            held.enter_context(alone(lock_of(folder, name), f"ship {folder}"))
            registration = load(folder, name)
            seen = registration and registration.files.get(file.name)
            if registration and seen and _is(file, seen):
                yield name, registration


def _is(file: Path, seen: Seen) -> bool:
    return seen.inode == file.stat().st_ino and seen.head == _head(file, seen)


def _head(file: Path, seen: Seen) -> str:
    with file.open("rb") as stream:
        return head_of(stream.read(seen.head_size))
