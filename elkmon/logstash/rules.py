"""What Logstash's pipelines go by, from the tables that ship and emit go by."""

from __future__ import annotations

import re
from typing import Any

import orjson

from elkmon.emit.redaction.patterns import ASSIGNMENT, PATTERNS
from elkmon.emit.redaction.redactor import SCHEMES, WORDS
from elkmon.events.datasets import DATASETS, KEPT_FOR_EVER
from elkmon.events.fields import ECS_VERSION, SCHEMA
from elkmon.events.limits import EVENT_ID, LINE, LINE_KEPT, NESTING
from elkmon.ship.admission import AHEAD

__all__ = ["rules"]


def rules() -> bytes:
    """Give the rules as JSON."""
    made: dict[str, Any] = {
        "datasets": DATASETS,
        "kept": KEPT_FOR_EVER,
        "schema": SCHEMA,
        "ecs": ECS_VERSION,
        "max_line": LINE,
        "max_line_kept": LINE_KEPT,
        "max_nesting": NESTING,
        "max_id": EVENT_ID,
        "ahead": int(AHEAD.total_seconds()),
        "patterns": [
            {
                "kind": pattern.kind,
                "regex": in_ruby(pattern.regex),
                "check": pattern.check and pattern.check.__name__.removeprefix("_"),
            }
            for pattern in PATTERNS
        ],
        "assignment": in_ruby(ASSIGNMENT),
        "schemes": sorted(SCHEMES),
        "words": {name: sorted(words) for name, words in WORDS.items()},
    }
    return orjson.dumps(made, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def in_ruby(regex: re.Pattern[str]) -> str:
    r"""Write a regular expression as Ruby reads it.

    ``(?u)`` makes ``\w``, ``\d`` and ``\s`` mean in Ruby what they mean here: Unicode's.
    """
    text = regex.pattern.replace("(?P<", "(?<").replace(r"\Z", r"\z")
    return "(?u)" + re.sub(r"\(\?P=(\w+)\)", r"\\k<\1>", text)
