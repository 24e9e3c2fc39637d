"""The table of settings for queries of a folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from elkmon.events.errors import ConfigError
from elkmon.events.limits import MiB
from elkmon.events.settings import Setting, variables

__all__ = ["QUERY_SETTINGS", "QuerySettings", "query_settings"]

_LEAST = 64 * MiB


@dataclass(frozen=True, slots=True)
class QuerySettings:
    """How files are queried; each value has its row in QUERY_SETTINGS."""

    memory_bytes: int | None = None


QUERY_SETTINGS: tuple[Setting, ...] = (
    Setting("memory_bytes", "ELKMON_MEMORY_BYTES",
            "Bytes that one query may hold in memory, at least 64 MiB; it keeps the rest in a "
            "temporary folder under `TMPDIR`. By default, for more than 192 MiB of compacted "
            "files: 96 MiB a processor (192 MiB at least), plus the size of the files that are "
            "not compacted (up to 512 MiB a processor). For fewer files, and for a query that "
            "fails with that, 80 % of the machine's memory."),
)  # fmt: skip


def query_settings(environ: Mapping[str, str] | None = None) -> QuerySettings:
    """Read how files are queried.

    Args:
        environ: the variables to read; the process's own by default.

    Raises:
        ConfigError: a variable has a value that cannot be used.
    """
    text = variables(environ).get("ELKMON_MEMORY_BYTES")
    if not text:
        return QuerySettings()
    if not text.isdecimal() or int(text) < _LEAST:
        raise ConfigError(
            f"ELKMON_MEMORY_BYTES is a whole number of bytes, {_LEAST} or more, not {text!r}"
        )
    return QuerySettings(memory_bytes=int(text))
