"""How far a shipper is: ``readers/<name>.json``, which compaction honours, too."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from hashlib import blake2b
from pathlib import Path

import orjson

from elkmon.events.errors import StoreError
from elkmon.stores.local.atomic_file import replace_whole

__all__ = ["HEAD", "Registration", "Seen", "head_of", "load", "lock_of", "registered", "save"]

HEAD = 256
"""So many first bytes of a file tell it from another one of its name."""


@dataclass(slots=True)
class Seen:
    """A file as it was read.

    Attributes:
        offset: bytes that are settled: at the destination, or a dead letter.
        lines: how many lines these are.
        inode: of the file.
        head_size, head: how many first bytes were looked at, and their hash.
        size: of the file, when it was last looked at.
    """

    offset: int = 0
    lines: int = 0
    inode: int = 0
    head_size: int = 0
    head: str = ""
    size: int = 0


@dataclass(slots=True)
class Registration:
    """What a shipper has to remember.

    Attributes:
        to: the destination's address.
        via: what stands there: ``elasticsearch`` or ``logstash``.
        files: by name.
    """

    to: str
    via: str
    files: dict[str, Seen] = field(default_factory=dict)


def head_of(data: bytes) -> str:
    """Hash the first bytes of a file."""
    return blake2b(data, digest_size=8).hexdigest()


def registered(folder: Path) -> list[str]:
    """Name the shippers of a folder."""
    return sorted(path.stem for path in (folder / "readers").glob("[!.]*.json"))


def lock_of(folder: Path, name: str) -> Path:
    """Return the file that a shipper of a folder holds while it runs."""
    return folder / "readers" / f".{name}.lock"


def load(folder: Path, name: str) -> Registration | None:
    """Read how far a shipper is; None where it never ran.

    Raises:
        StoreError: the file cannot be read, or understood.
    """
    path = folder / "readers" / f"{name}.json"
    try:
        told = orjson.loads(path.read_bytes())
        known = {each.name for each in fields(Seen)} - {"offset"}
        files = {
            file: Seen(
                offset=int(offset),
                **{key: kind(told["files"][file][key]) for key, kind in _kinds(known).items()},
            )
            for file, offset in told["offsets"].items()
        }
        return Registration(str(told["to"]), str(told["via"]), files)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(
            f"{path} cannot be understood ({error!r}): remove it, and all is sent again, of which "
            "nothing is doubled"
        ) from error


def _kinds(names: set[str]) -> dict[str, type]:
    return {name: str if name == "head" else int for name in names}


def save(folder: Path, name: str, registration: Registration) -> None:
    """Write how far a shipper is.

    Raises:
        OSError: it cannot be written; what was there before stays.
    """
    readers = folder / "readers"
    readers.mkdir(mode=0o700, exist_ok=True)
    rows = {file: asdict(seen) for file, seen in registration.files.items()}
    offsets = {file: row.pop("offset") for file, row in rows.items()}
    told = {"to": registration.to, "via": registration.via, "offsets": offsets, "files": rows}
    replace_whole(readers / f"{name}.json", orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n")
