"""Names and values that a condition could not hold as they are: in double quotes, as in JSON."""

from __future__ import annotations

import json
import re

from elkmon.events.errors import QueryError

__all__ = ["QUOTED", "name_text", "unquoted", "value_text"]

QUOTED = r'"(?:[^"\\]|\\.)*"'
"""What stands in quotes, as a pattern."""
_OPERATORS = frozenset("=!<>")


def name_text(name: str) -> str:
    """Write a field's name: in quotes where it would not be taken for one name."""
    return _quoted(name) if not _OPERATORS.isdisjoint(name) or not _plain(name) else name


def value_text(value: str) -> str:
    """Write a value: in quotes where it would be taken for another one."""
    # f= and =v would become f==v, which is f=v
    return _quoted(value) if not _plain(value) or value[:1] in {"", "="} else value


def unquoted(text: str) -> str:
    """Read a name or a value; what has no quotes is taken as it is.

    Args:
        text: as it was typed, without white space around it.

    Raises:
        QueryError: what stands in quotes is no string of JSON.
    """
    if not re.fullmatch(QUOTED, text, re.DOTALL):
        return text
    try:
        return str(json.loads(text, strict=False))
    except ValueError as error:
        raise QueryError(
            f"not understood: {text}; in quotes \\ begins an escape, as in JSON: write \\\\ for it"
        ) from error


def _plain(text: str) -> bool:
    return text == text.strip() and text.isprintable() and not text.startswith('"')


def _quoted(text: str) -> str:
    """Write whatever has no shape of its own as an escape, so that it can be seen and copied."""
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(char: str) -> str:
    return char if char.isprintable() and char not in '"\\' else json.dumps(char)[1:-1]
