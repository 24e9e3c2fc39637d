"""Make any value strict JSON: whatever it is, and whatever its methods do."""

from __future__ import annotations

import base64
import dataclasses
import math
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from elkmon.emit.redaction.redactor import REDACTED
from elkmon.events.limits import DEPTH, INTEGER_BITS, ITEMS, KEY, NODES, PATHS, TEXT

if TYPE_CHECKING:
    from elkmon.emit.redaction.redactor import Redactor

__all__ = ["JSON", "Notes", "clean_text", "to_json"]

JSON: TypeAlias = "bool | int | float | str | list[Any] | dict[str, Any] | None"


class Notes(dict[str, list[str]]):
    """What was found while values were made JSON: paths by kind, as they stand under ``ml``.

    The kinds are ``nonfinite``, ``redacted`` and ``truncated``.
    """

    def add(self, kind: str, path: str) -> None:
        """Note a path."""
        self.setdefault(kind, []).append(path)


def clean_text(text: str) -> str:
    """Return a text that every store takes: surrogates joined or replaced, NUL replaced."""
    if not text.isascii():
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\0", "␀") if "\0" in text else text


def to_json(
    value: object, path: str, notes: Notes, redactor: Redactor, *, limit: int = TEXT
) -> JSON:
    """Make a value strict JSON, cut to a size, and redacted.

    Args:
        value: anything; its methods may raise.
        path: of the value within the event, for the notes.
        notes: takes the paths of what was not finite, was redacted, or was cut.
        redactor: what is secret.
        limit: characters of each text.
    """
    return _Walk(notes, redactor, limit).value(value, path, 0)


class _Walk:
    """One value on its way to JSON."""

    def __init__(self, notes: Notes, redactor: Redactor, limit: int) -> None:
        self._notes = notes
        self._redactor = redactor
        self._limit = limit
        self._nodes = 0
        self._above: set[int] = set()

    def note(self, kind: str, path: str) -> None:
        paths = self._notes.get(kind, ())
        if len(paths) < PATHS and path not in paths:
            self._notes.add(kind, path)

    def value(self, value: Any, path: str, depth: int) -> JSON:  # noqa: ANN401 - that is the point
        self._nodes += 1
        kind = type(value)
        if value is None or kind is bool:
            return value  # type: ignore[no-any-return]  # it is one of the two
        if kind is str:
            return self.text(value, path)
        if kind is float or kind is int:
            return self.number(value, path)
        if self._nodes > NODES or depth > DEPTH:
            self.note("truncated", path)
            return "…"
        if id(value) in self._above:
            return "<cycle>"
        self._above.add(id(value))
        try:
            return self.object(value, path, depth)
        except Exception as error:  # noqa: BLE001 - its methods are the application's
            return self.text(f"<{kind.__name__} that raises {type(error).__name__}>", path)
        finally:
            self._above.discard(id(value))

    def text(self, text: str, path: str) -> str:
        length = len(text)
        if length > 2 * self._limit:  # what is cut off need not be searched, but for the edge
            text = text[: 2 * self._limit]
        text = clean_text(text)
        clean = self._redactor.text(text)
        if clean != text:
            self.note("redacted", path)
        if len(clean) > self._limit:
            self.note("truncated", path)
            clean = f"{clean[: self._limit]}…[cut {length - self._limit} characters]"
        return clean

    def number(self, number: float, path: str) -> JSON:
        if isinstance(number, int):
            if -(2**63) <= number < 2**63:
                return number
            return (
                str(number)
                if number.bit_length() < INTEGER_BITS
                else f"<{number.bit_length()} bit integer>"
            )
        if math.isfinite(number):
            return number
        self.note("nonfinite", path)
        return None

    def object(self, value: Any, path: str, depth: int) -> JSON:  # noqa: ANN401, C901, PLR0911, PLR0912 - one line a type
        if type(value).__name__ in {"NAType", "NaTType"}:  # pandas' missing values
            return None
        if isinstance(value, Enum):
            return self.value(value.value, path, depth + 1)
        if isinstance(value, str):
            return self.text(str.__str__(value), path)
        if isinstance(value, int):
            return self.number(int.__int__(value), path)
        if isinstance(value, float):
            return self.number(float.__float__(value), path)
        if isinstance(value, Mapping):
            return self.mapping(value.items(), path, depth)
        if isinstance(value, tuple) and hasattr(value, "_asdict"):
            return self.mapping(value._asdict().items(), path, depth)
        if isinstance(value, (list, tuple)):
            return self.items(value, path, depth)
        if isinstance(value, (set, frozenset)):
            return self.items(_sorted(value), path, depth)
        if isinstance(value, (datetime, date, time, timedelta)):
            return _time(value)
        if isinstance(value, Decimal):
            return str(value) if value.is_finite() else self.number(math.nan, path)
        if isinstance(value, (UUID, PurePath, complex)):
            return self.text(str(value), path)
        if isinstance(value, (bytes, bytearray, memoryview)):
            return self.bytes(bytes(value[: 2 * self._limit]), path)
        if isinstance(value, BaseException):
            return self.text(f"{type(value).__name__}: {value}", path)
        if isinstance(value, type):
            return self.text(f"{value.__module__}.{value.__qualname__}", path)
        return self.other(value, path, depth)

    def other(self, value: Any, path: str, depth: int) -> JSON:  # noqa: ANN401 - that is the point
        """Handle what other libraries make, none of which is imported here."""
        if dataclasses.is_dataclass(value):
            names = [field.name for field in dataclasses.fields(value)]
            return self.mapping(((name, getattr(value, name)) for name in names), path, depth)
        attributes = getattr(type(value), "__attrs_attrs__", None)
        if attributes is not None:
            pairs = ((attribute.name, getattr(value, attribute.name)) for attribute in attributes)
            return self.mapping(pairs, path, depth)
        dump = getattr(value, "model_dump", None)  # pydantic
        if callable(dump):
            return self.value(dump(), path, depth + 1)
        size = getattr(value, "size", None)
        if hasattr(value, "dtype") and getattr(value, "ndim", None) == 0:
            kind = getattr(value.dtype, "kind", "")
            return str(value) if kind in "mM" else self.value(value.item(), path, depth + 1)
        tolist = getattr(value, "tolist", None)
        if callable(tolist):
            if isinstance(size, int) and size > ITEMS:
                self.note("truncated", path)
                value = value.ravel()[:ITEMS] if hasattr(value, "ravel") else value[:ITEMS]
                tolist = value.tolist
            return self.value(tolist(), path, depth + 1)
        return self.text(repr(value), path)

    def items(self, values: Any, path: str, depth: int) -> list[JSON]:  # noqa: ANN401 - a sequence
        if len(values) > ITEMS:
            self.note("truncated", path)
        return [self.value(value, path, depth + 1) for value in values[:ITEMS]]

    def mapping(self, pairs: Any, path: str, depth: int) -> dict[str, JSON]:  # noqa: ANN401 - an iterable
        members: dict[str, JSON] = {}
        for raw, value in pairs:
            if len(members) >= ITEMS:
                self.note("truncated", path)
                break
            name = self.name(raw)
            number = 2
            while name in members:
                name, number = f"{name.rpartition('#')[0] or name}#{number}", number + 1
            place = f"{path}.{name}"
            if self._redactor.key(name):
                self.note("redacted", place)
                members[name] = REDACTED
            else:
                members[name] = self.value(value, place, depth + 1)
        return members

    def name(self, raw: Any) -> str:  # noqa: ANN401 - keys may be anything
        if isinstance(raw, Enum):
            raw = raw.value
        if isinstance(raw, bool):
            return "true" if raw else "false"
        if isinstance(raw, bytes):
            raw = raw.decode("utf-8", "replace")
        try:
            text = str.__str__(raw) if isinstance(raw, str) else str(raw)
        except Exception:  # noqa: BLE001 - its methods are the application's
            text = f"<{type(raw).__name__}>"
        return self._redactor.text(clean_text(text[:KEY]))

    def bytes(self, data: bytes, path: str) -> str:
        try:
            return self.text(data.decode(), path)
        except UnicodeDecodeError:
            return self.text("base64:" + base64.b64encode(data).decode(), path)


def _sorted(values: Any) -> list[Any]:  # noqa: ANN401 - a set of anything
    try:
        return sorted(values)
    except TypeError:  # of several types
        return sorted(values, key=repr)


def _time(value: datetime | date | time | timedelta) -> str | float:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
    return value.isoformat()
