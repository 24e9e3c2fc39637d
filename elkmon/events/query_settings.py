"""The table of settings with which the events of a folder are asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from elkmon.events.errors import ConfigError
from elkmon.events.limits import MiB
from elkmon.events.settings import Setting, variables

__all__ = ["ASKING", "Asking", "asking"]

_LEAST = 64 * MiB


@dataclass(frozen=True, slots=True)
class Asking:
    """How files are asked; each value has its row in ASKING."""

    memory_bytes: int | None = None


ASKING: tuple[Setting, ...] = (
    Setting("memory_bytes", "ELKMON_MEMORY_BYTES",
            "What a question may hold in memory; the rest goes to a folder of its own under "
            "`TMPDIR` meanwhile. Where not given: for more than 192 MiB of compacted files 96 MiB "
            "a processor (192 MiB at least), and for lines beside them as much more as they have "
            "bytes (up to 512 MiB a processor); for less, and for a question that cannot do with "
            "it, 80 % of the machine's memory."),
)  # fmt: skip


def asking(environ: Mapping[str, str] | None = None) -> Asking:
    """Read how files are asked.

    Args:
        environ: variables to read; the process's own where not given.

    Raises:
        ConfigError: a variable holds what cannot be used.
    """
    text = variables(environ).get("ELKMON_MEMORY_BYTES")
    if not text:
        return Asking()
    if not text.isdecimal() or int(text) < _LEAST:
        raise ConfigError(
            f"ELKMON_MEMORY_BYTES is a whole number of bytes from {_LEAST} on, not {text!r}"
        )
    return Asking(memory_bytes=int(text))
