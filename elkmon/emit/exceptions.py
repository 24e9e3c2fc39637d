"""What an exception says: its type, its stack, and the fingerprint that groups its occurrences."""

from __future__ import annotations

import sysconfig
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from os import sep
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

__all__ = [
    "Failure",
    "brief_repr",
    "describe",
    "describe_text",
    "mark_written",
    "text_of",
    "type_name",
    "written_as",
]

_MARK = "__elkmon_fingerprint__"
_FRAMES = 50
_INLINED = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>"})
"""Frames that Python has no more from 3.12 on: a fingerprint is the same on every version."""
_BRIEF = 100
_LIBRARIES = tuple(
    {sysconfig.get_paths()[name] + sep for name in ("stdlib", "platstdlib", "purelib", "platlib")}
)
_attributes: Callable[[BaseException], dict[str, Any]] = vars(BaseException)["__dict__"].__get__
"""Every exception has attributes, also a frozen one or one with ``__slots__``; this goes past what
its class makes of them."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The ``error.*`` fields of one failure."""

    type: str
    message: str
    fingerprint: str
    stack_trace: str | None = None
    culprit: str | None = None

    def fields(self) -> dict[str, str]:
        """Return them by their names under ``error``, without those that are absent."""
        given = {
            "type": self.type,
            "message": self.message,
            "fingerprint": self.fingerprint,
            "stack_trace": self.stack_trace,
            "culprit": self.culprit,
        }
        return {name: value for name, value in given.items() if value is not None}


def written_as(error: BaseException) -> str | None:
    """Return the fingerprint that this very object was already written with, if any."""
    mark = _attributes(error).get(_MARK)
    return mark if isinstance(mark, str) else None


def mark_written(error: BaseException, fingerprint: str) -> None:
    """Note on the object that it was written: one exception makes one event."""
    _attributes(error)[_MARK] = fingerprint


def type_name(error: BaseException) -> str:
    """Name its type as Python does: with the module, but for built-in ones."""
    kind = type(error)
    if kind.__module__ in {"builtins", "__main__"}:
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def describe(error: BaseException) -> Failure:
    """Read an exception; never raises, whatever its ``__str__`` does.

    The stack grows while an exception is on its way out, so that its fingerprint is the one that it
    was written with, if it was. A function that calls itself counts once, however deep it went.
    """
    frames = _frames(error.__traceback__)
    own = [frame for frame in frames if frame[2]] or frames
    own = [frame for frame in own if frame[1] not in _INLINED] or own
    name = type_name(error)
    steps = list(dict.fromkeys(f"{module}:{function}" for module, function, _ in own))
    return Failure(
        type=name,
        message=text_of(error),
        fingerprint=written_as(error) or _hash("exception", name, *steps[-_FRAMES:]),
        stack_trace=_stack(error),
        culprit=f"{own[-1][0]} in {own[-1][1]}" if own else None,
    )


def describe_text(text: str, template: str | None = None) -> Failure:
    """Read a failure that is reported in words, grouped by its constant part.

    Args:
        text: what is shown.
        template: the constant part, such as a format string; the text itself where not given.
    """
    return Failure(type="message", message=text, fingerprint=_hash("text", template or text))


def _hash(*parts: str) -> str:
    joined = "\0".join(parts).encode("utf-8", "surrogatepass")
    return blake2b(joined, digest_size=8).hexdigest()


def text_of(value: object) -> str:
    """Return any object as text; a broken ``__str__`` is the application's, not ours."""
    try:
        return str(value)
    except Exception as broken:  # noqa: BLE001 - as above
        return f"<{type(value).__name__} that raises {type(broken).__name__}>"


def brief_repr(value: object) -> str:
    """Return an object's ``repr``, cut short for a message."""
    try:
        text = repr(value)
    except Exception as broken:  # noqa: BLE001 - a broken __repr__ is the application's, not ours
        text = f"<{type(value).__name__} that raises {type(broken).__name__}>"
    return text if len(text) <= _BRIEF else f"{text[:_BRIEF]}…"


def _stack(error: BaseException) -> str | None:
    try:
        lines = traceback.format_exception(type(error), error, error.__traceback__)
    except Exception:  # noqa: BLE001 - broken attributes or sources must not cost the event
        return None
    return "".join(lines)


def _frames(trace: TracebackType | None) -> list[tuple[str, str, bool]]:
    """List (module, function, whether it is the application's own), oldest call first."""
    frames = []
    while trace is not None:
        frame = trace.tb_frame
        frames.append((_module(frame), frame.f_code.co_name, _in_app(frame)))
        trace = trace.tb_next
    return frames


def _module(frame: FrameType) -> str:
    name = str(frame.f_globals.get("__name__", "?"))
    if name != "__main__":
        return name
    spec = frame.f_globals.get("__spec__")
    path = frame.f_code.co_filename
    # a cell of a notebook is named after its process or its number, which say nothing
    script = path.endswith(".py") and "ipykernel" not in path
    return str(getattr(spec, "name", None) or (Path(path).stem if script else name))


def _in_app(frame: FrameType) -> bool:
    path = frame.f_code.co_filename
    if path.startswith("<frozen") or "site-packages" in path or "dist-packages" in path:
        return False
    if str(frame.f_globals.get("__name__", "")).startswith("elkmon.emit"):
        return False
    return not path.startswith(_LIBRARIES)
