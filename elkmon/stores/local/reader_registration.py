"""How far a shipper has read the files of a folder: ``readers/<name>.json``."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from hashlib import blake2b
from pathlib import Path

import orjson

from elkmon.events.errors import StoreError
from elkmon.stores.local.atomic_file import replace_whole

__all__ = ["HEAD", "Registration", "Seen", "head_of", "load", "lock_of", "registered", "save"]

HEAD = 256
"""Bytes at the beginning of a file that tell it from another file of its name."""


@dataclass(slots=True)
class Seen:
    """How far a file was read, and which file it was.

    Attributes:
        offset: bytes whose events are at the destination or dead letters.
        lines: the number of these lines.
        inode: of the file.
        head_size, head: how many bytes of its beginning are hashed, and their hash.
        size: of the file when it was last looked at.
    """

    offset: int = 0
    lines: int = 0
    inode: int = 0
    head_size: int = 0
    head: str = ""
    size: int = 0


@dataclass(slots=True)
class Registration:
    """What a shipper keeps between two runs.

    Attributes:
        to: the address of the destination.
        via: what the destination is: ``elasticsearch`` or ``logstash``.
        files: by name.
    """

    to: str
    via: str
    files: dict[str, Seen] = field(default_factory=dict)


def head_of(data: bytes) -> str:
    """Return the hash of the first bytes of a file."""
    return blake2b(data, digest_size=8).hexdigest()


def registered(folder: Path) -> list[str]:
    """Return the names of the shippers of a folder."""
    return sorted(path.stem for path in (folder / "readers").glob("[!.]*.json"))


def lock_of(folder: Path, name: str) -> Path:
    """Return the file that a shipper of a folder holds while it runs."""
    return folder / "readers" / f".{name}.lock"


def load(folder: Path, name: str) -> Registration | None:
    """Read the registration of a shipper; None if it has never run.

    Raises:
        StoreError: the file cannot be read, or holds something else.
    """
    path = folder / "readers" / f"{name}.json"
    try:
        stored = orjson.loads(path.read_bytes())
        names = {row.name for row in fields(Seen)} - {"offset"}
        files = {
            file: Seen(
                offset=int(offset),
                **{key: kind(stored["files"][file][key]) for key, kind in _kinds(names).items()},
            )
            for file, offset in stored["offsets"].items()
        }
        return Registration(str(stored["to"]), str(stored["via"]), files)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(
            f"{path} cannot be understood ({error!r}): remove it, and everything is sent again, "
            "of which nothing is stored twice"
        ) from error


def _kinds(names: set[str]) -> dict[str, type]:
    return {name: str if name == "head" else int for name in names}


def save(folder: Path, name: str, registration: Registration) -> None:
    """Write the registration of a shipper.

    Raises:
        OSError: it cannot be written; the old one stays.
    """
    readers = folder / "readers"
    readers.mkdir(mode=0o700, exist_ok=True)
    rows = {file: asdict(seen) for file, seen in registration.files.items()}
    offsets = {file: row.pop("offset") for file, row in rows.items()}
    stored = {"to": registration.to, "via": registration.via, "offsets": offsets, "files": rows}
    replace_whole(
        readers / f"{name}.json", orjson.dumps(stored, option=orjson.OPT_INDENT_2) + b"\n"
    )
