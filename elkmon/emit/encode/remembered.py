"""Names and texts that are stored as they are, remembered: most come again in the next call."""

from __future__ import annotations

from elkmon.emit.encode.scalars import feature_name
from elkmon.emit.redaction.redactor import Redactor
from elkmon.emit.to_json import clean_text
from elkmon.events.limits import VALUE

__all__ = ["PlainNames", "PlainTexts"]

_REMEMBERED = 10_000
_LENGTH = 200
"""Characters of what is remembered, at most."""


class PlainNames(set[str]):
    """Names of features that need no cleaning, and whose values are not secret.

    Args:
        redactor: knows the names of secrets.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def learn(self, name: object) -> bool:
        """Return whether a name is one of these; it is remembered."""
        if type(name) is not str:
            return False
        if name in self:
            return True
        if feature_name(name) != name or self._redactor.key(name):
            return False
        if len(self) >= _REMEMBERED:
            self.clear()
        self.add(name)
        return True


class PlainTexts(dict[str, bool]):
    """Whether a text is stored as it is: neither empty, long, secret nor hard to store.

    Args:
        redactor: finds secrets.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def __missing__(self, text: str) -> bool:
        plain = 0 < len(text) <= VALUE and self._redactor.redact(clean_text(text)) == text
        if len(text) <= _LENGTH:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[text] = plain
        return plain

    def odd_ones(self, texts: list[str]) -> list[str]:
        """Return the texts that are not stored as they are, looking at many as if they were one."""
        joined = "\n".join(texts)
        if (
            all(texts)
            and joined.isascii()
            and "\0" not in joined
            and max(map(len, texts)) <= VALUE
            and self._redactor.harmless(joined)
        ):
            return []
        if len(texts) == 1:
            return [] if self[texts[0]] else texts
        half = len(texts) // 2
        return [*self.odd_ones(texts[:half]), *self.odd_ones(texts[half:])]
