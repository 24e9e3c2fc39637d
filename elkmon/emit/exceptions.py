"""What an exception says: its type, its stack, and the fingerprint that groups its occurrences."""

from __future__ import annotations

import sysconfig
import traceback
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from itertools import groupby
from pathlib import Path
from types import FrameType, TracebackType

__all__ = ["Failure", "describe", "describe_text", "mark_written", "type_name", "written_as"]

_MARK = "__elkmon_event_id__"
_FRAMES = 50
_LIBRARIES = tuple(
    {sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
)


@dataclass(frozen=True, slots=True)
class Failure:
    """The ``error.*`` fields of one failure."""

    type: str
    message: str
    fingerprint: str
    stack_trace: str | None = None
    culprit: str | None = None

    def fields(self) -> dict[str, str]:
        """Give them by their names under ``error``; what is absent is left out."""
        given = {
            "type": self.type,
            "message": self.message,
            "fingerprint": self.fingerprint,
            "stack_trace": self.stack_trace,
            "culprit": self.culprit,
        }
        return {name: value for name, value in given.items() if value is not None}


def written_as(error: BaseException) -> str | None:
    """Give the id of the event that was already written for this very object, if any."""
    mark = getattr(error, "__dict__", {}).get(_MARK)
    return mark if isinstance(mark, str) else None


def mark_written(error: BaseException, event_id: str) -> None:
    """Note on the object that it was written: one exception makes one event."""
    with suppress(AttributeError, TypeError):
        error.__dict__[_MARK] = event_id  # past any __setattr__ of a frozen class


def type_name(error: BaseException) -> str:
    """Name its type as Python does: with the module, but for built-in ones."""
    kind = type(error)
    if kind.__module__ in {"builtins", "__main__"}:
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def describe(error: BaseException) -> Failure:
    """Read an exception; never raises, whatever its ``__str__`` does."""
    frames = _frames(error.__traceback__)
    own = [frame for frame in frames if frame[2]] or frames
    name = type_name(error)
    steps = [step for step, _ in groupby(f"{module}:{function}" for module, function, _ in own)]
    return Failure(
        type=name,
        message=_text(error),
        fingerprint=_hash("exception", name, *steps[-_FRAMES:]),
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


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as broken:  # noqa: BLE001 - a broken __str__ is the application's, not ours
        return f"<{type(broken).__name__} in its __str__>"


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
    return str(getattr(spec, "name", None) or Path(frame.f_code.co_filename).stem)


def _in_app(frame: FrameType) -> bool:
    path = frame.f_code.co_filename
    if path.startswith("<frozen") or "site-packages" in path or "dist-packages" in path:
        return False
    if frame.f_globals.get("__name__", "").startswith("elkmon.emit"):
        return False
    return not path.startswith(_LIBRARIES)
