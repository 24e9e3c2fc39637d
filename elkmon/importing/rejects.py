"""Write the file of rejected rows: the line of each, the reason, and the row itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import orjson

from elkmon.events.errors import StoreError
from elkmon.importing.record import BadRow

__all__ = ["Rejects"]


class Rejects:
    """Write rejected rows as NDJSON below the store; without such rows there is no file.

    Args:
        store: the store's folder.
        source: the file that is imported.
        now: the time of the import, for the file's name.
    """

    def __init__(self, store: Path, source: Path, now: datetime) -> None:
        self._folder = store / "rejected"
        self._stem = f"{source.name.split('.')[0] or 'table'}-{now:%Y%m%dT%H%M%SZ}"
        self._fd = -1
        self.path: Path | None = None
        self.reasons: dict[str, int] = {}

    def add(self, row: BadRow) -> None:
        """Write one row, and count its reason.

        Raises:
            StoreError: the file cannot be written.
        """
        self.reasons[row.reason] = self.reasons.get(row.reason, 0) + 1
        document = {"line": row.line, "reason": row.reason, "raw": _readable(row.raw)}
        if row.cut:
            document["cut"] = True
        data = orjson.dumps(
            document, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS, default=str
        )
        try:
            if self.path is None:
                self.path = self._open()
            while data:
                data = data[os.write(self._fd, data) :]
        except OSError as error:
            raise StoreError(
                f"cannot write the rejected rows to {self._folder}: {error.strerror}"
            ) from error

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _open(self) -> Path:
        self._folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # the store
        self._folder.mkdir(mode=0o700, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        path, number = self._folder / f"{self._stem}.ndjson", 1
        while True:
            try:
                self._fd = os.open(path, flags, 0o600)  # rows are as secret as events
            except FileExistsError:  # noqa: PERF203 - a name is seldom taken
                number += 1
                path = self._folder / f"{self._stem}-{number}.ndjson"
            else:
                return path


def _readable(raw: bytes | Mapping[str, object]) -> object:
    """Return the row as text (bytes that are not UTF-8 in hexadecimal), or its values."""
    if isinstance(raw, bytes):
        return raw.decode(errors="backslashreplace").removesuffix("\n").removesuffix("\r")
    return raw
