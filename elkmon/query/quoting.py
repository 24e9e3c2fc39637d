"""Quote names and values of conditions where necessary, as JSON strings."""

from __future__ import annotations

import json
import re

from elkmon.events.errors import QueryError

__all__ = ["QUOTED", "quote_name", "quote_value", "unquote"]

QUOTED = r'"(?:[^"\\]|\\.)*"'
"""The pattern of a quoted string."""
_OPERATORS = frozenset("=!<>")


def quote_name(name: str) -> str:
    """Return a field's name, quoted if it would otherwise be misread."""
    return _quoted(name) if not _OPERATORS.isdisjoint(name) or not _plain(name) else name


def quote_value(value: str) -> str:
    """Return a value, quoted if it would otherwise be misread."""
    # f= and =v would become f==v, which is f=v
    return _quoted(value) if not _plain(value) or value[:1] in {"", "="} else value


def unquote(text: str) -> str:
    """Return a name or a value without its quotes; unquoted text is returned as it is.

    Args:
        text: as it was typed, without white space around it.

    Raises:
        QueryError: the quoted text is not a valid JSON string.
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
    """Return the text in quotes, with characters that cannot be printed as escapes."""
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(char: str) -> str:
    return char if char.isprintable() and char not in '"\\' else json.dumps(char)[1:-1]
