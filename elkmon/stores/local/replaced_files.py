"""Replace a file of events without making its shippers read it again."""

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
    """Put a file in the place of another whose lines begin and end at the same bytes.

    The registrations of shippers that do not run are changed to the new file. A shipper that runs,
    or whose registration is not changed because this process is killed, reads the file again: its
    events are then already at the destination.

    Args:
        part: the new file, in the same file system.
        file: to be replaced, in the folder of the events.

    Raises:
        OSError: the file cannot be replaced, or a registration cannot be written.
    """
    folder = file.parent
    with ExitStack() as locks:
        known = list(_known(file, locks))
        part.rename(file)
        for name, registration in known:
            seen = registration.files[file.name]
            seen.inode, seen.head = file.stat().st_ino, _head(file, seen)
            save(folder, name, registration)


def _known(file: Path, locks: ExitStack) -> Iterator[tuple[str, Registration]]:
    """Yield the shippers that know this very file; they cannot run meanwhile."""
    folder = file.parent
    for name in registered(folder):
        with suppress(StoreError):  # it runs, or is another kind of reader
            locks.enter_context(alone(lock_of(folder, name), f"ship {folder}"))
            registration = load(folder, name)
            seen = registration and registration.files.get(file.name)
            if registration and seen and _is(file, seen):
                yield name, registration


def _is(file: Path, seen: Seen) -> bool:
    return seen.inode == file.stat().st_ino and seen.head == _head(file, seen)


def _head(file: Path, seen: Seen) -> str:
    with file.open("rb") as stream:
        return head_of(stream.read(seen.head_size))
