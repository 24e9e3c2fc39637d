"""The limits of events, each declared once, for whoever writes, reads or sends them.

What is beyond a limit of a line is no event, whoever reads it; what is beyond a limit of a value is
cut by the emitter, which says so in ``ml.truncated``.
"""

from __future__ import annotations

__all__ = [
    "CLASSES",
    "DEPTH",
    "EVENT_ID",
    "FEATURES",
    "FILE_LINE",
    "ID",
    "INTEGER_BITS",
    "ITEMS",
    "KEY",
    "LINE",
    "LINE_KEPT",
    "NAME",
    "NESTING",
    "NODES",
    "PATHS",
    "STACK",
    "STDOUT_LINE",
    "TEXT",
    "TOO_LONG",
    "VALUE",
    "KiB",
    "MiB",
    "mebibytes",
    "too_long",
]

KiB = 1024
MiB = 1024 * KiB

# a line, whoever wrote it
LINE = 16 * MiB
"""Bytes of a line without its newline: a longer one is no event, and is set apart."""
LINE_KEPT = 64 * KiB
"""Bytes of a longer line that a dead letter, or a rejected row of an import, keeps of it."""
NESTING = 100
"""Levels of objects and lists in a line, which every reader takes: Logstash sets a deeper one
apart, and the local store counts it only if DuckDB can read it."""
EVENT_ID = 512
"""Bytes of ``event.id``: Elasticsearch refuses a whole request for the sake of a longer one."""

# a line that the emitter writes
FILE_LINE = 256 * KiB
"""Bytes of a line in a file, its newline included: what makes a longer one is left out or cut."""
STDOUT_LINE = 16 * KiB
"""Likewise on standard output, where log drivers of containers cut longer lines."""

# values of an event, cut by the emitter
ID = 200
"""Characters of a prediction's id, a model's name or version: the end of a longer one is hashed."""
NAME = 128
"""Characters of the name of a feature, segment or class: the end of a longer one is hashed."""
VALUE = 1024
"""Characters of a category, class or unit: Elasticsearch indexes no longer keyword."""
FEATURES = 100
"""Features of each type, and segments, in an event; features beyond are counted."""
CLASSES = 1000
"""Classes whose probability an event holds."""
TEXT = 32_768
"""Characters of any other text."""
STACK = 10 * TEXT
"""Characters of a stack trace."""
KEY = 256
"""Characters of a key within ``labels``."""
ITEMS = 1000
"""Entries of one list or mapping within ``labels``."""
NODES = 10_000
"""Values of one field, all that is nested in it included."""
DEPTH = 16
"""Levels of objects and lists within one field."""
INTEGER_BITS = 4096
"""Bits of an integer that is written out as text."""
PATHS = 50
"""Paths that each of ``ml.nonfinite``, ``ml.redacted`` and ``ml.truncated`` names."""

TOO_LONG = f"longer than the limit of {LINE // MiB} MiB"
"""What is wrong with a line beyond LINE, where such lines are counted together."""


def mebibytes(size: int) -> str:
    """Return a number of bytes in MiB, rounded up: what is beyond a limit never reads as equal."""
    return f"{-(-size * 10 // MiB) / 10:.1f} MiB"


def too_long(size: int) -> str:
    """Return why a line of so many bytes is no event: ``line 17 is …``."""
    return f"{mebibytes(size)} long; the limit is {LINE // MiB} MiB"
