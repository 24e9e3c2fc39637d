"""Locks on files, which end with their process, however it ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from elkmon.events.errors import StoreError

__all__ = ["alone", "holding"]


@contextmanager
def alone(path: Path, doing: str) -> Iterator[None]:
    """Hold a lock, and write the id of this process into its file.

    Args:
        path: of the file, which is not removed.
        doing: what a process does that holds the lock, for messages: ``ship ./elkmon-data``.

    Raises:
        StoreError: another process holds the lock, or the file cannot be created.
    """
    try:
        for folder in (path.parent.parent, path.parent):  # parents would get another mode
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = _open(path)
    except OSError as error:
        raise StoreError(f"cannot write to {path}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            pid = os.pread(fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
            raise StoreError(
                f"process {pid} is there already to {doing}: stop it first, or let it do the work"
            ) from error
        os.ftruncate(fd, 0)
        os.pwrite(fd, b"%d\n" % os.getpid(), 0)
        yield
    finally:
        os.close(fd)


@contextmanager
def holding(path: Path) -> Iterator[None]:
    """Wait for a lock, and hold it."""
    fd = _open(path)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
