"""The emitter of this process: made on first use, renewed in a forked child, closed at exit."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NoReturn

from elkmon.emit.emitter import Emitter, Stats
from elkmon.emit.redaction.redactor import Redactor
from elkmon.events.errors import ConfigError
from elkmon.events.settings import Settings, from_environment, override, usable

__all__ = ["configure", "current", "flush", "install", "installed", "reset", "settings", "stats"]

NOT_GIVEN: Any = object()
"""What a parameter is that was not given: None is a value."""

_settings: Settings | None = None
_emitter: Emitter | None = None
_outer: list[Emitter | None] = []
"""What :func:`installed` has set aside, to be put back."""
_hooked = False
_first: dict[int, Emitter] = {}
"""The emitter by process id: of threads that make one at the same time, all take the first."""


def configure(  # noqa: PLR0913 - a parameter for each row of the settings table
    *,
    service: str = NOT_GIVEN,
    environment: str | None = NOT_GIVEN,
    service_version: str | None = NOT_GIVEN,
    node: str | None = NOT_GIVEN,
    sink: Literal["spool", "stdout"] = NOT_GIVEN,
    spool: str | Path = NOT_GIVEN,
    rotate_bytes: int = NOT_GIVEN,
    rotate_seconds: int = NOT_GIVEN,
    max_bytes: int = NOT_GIVEN,
    sample_rate: float = NOT_GIVEN,
    strict: bool = NOT_GIVEN,
    enabled: bool = NOT_GIVEN,
    redact: bool = NOT_GIVEN,
    redact_keys: Iterable[str] = NOT_GIVEN,
    redact_patterns: Iterable[str] = NOT_GIVEN,
    user_key: str | None = NOT_GIVEN,
    **unknown: NoReturn,
) -> None:
    """Set how events are emitted; what is not given comes from ``ELKMON_*``, then the defaults.

    Args:
        service: name of the application (``service.name``).
        environment: prod, staging, … (``service.environment``).
        service_version: the application's version.
        node: name of the host; the machine's own where not given.
        sink: ``"spool"`` (files) or ``"stdout"`` (containers).
        spool: folder that the events are written to.
        rotate_bytes: a file is closed at this size.
        rotate_seconds: a file is closed at this age.
        max_bytes: writing stops at this size of the whole folder.
        sample_rate: share of successes to keep, above 0, up to 1.
        strict: raise on wrong use, for tests; else it is counted.
        enabled: off, nothing is written at all.
        redact: off, strings are written as they are.
        redact_keys: more secret keys.
        redact_patterns: more secret patterns, as regular expressions.
        user_key: key of the hash that stands for ``user=``.
        **unknown: is refused, with the name that was meant.

    Raises:
        ConfigError: no such setting, or a value that cannot be used.
    """
    given = {name: value for name, value in locals().items() if name != "unknown"}
    values = {name: value for name, value in given.items() if value is not NOT_GIVEN}
    global _settings  # noqa: PLW0603 - one emitter a process is the point
    made = _placed(override(from_environment(), {**values, **unknown}))
    Emitter(made)  # a bad pattern is said here, not at the first event
    reset()
    _settings = made


def settings() -> Settings:
    """Return the settings that hold now; a bad variable is said once, and the default is used."""
    global _settings  # noqa: PLW0603
    if _settings is None:
        found, wrong = usable()
        _settings = _placed(found)
        if wrong:
            Emitter(_settings).warn(f"{'; '.join(wrong)}; the default is used instead")
    return _settings


def _placed(given: Settings) -> Settings:
    """Fix the folder: the application may change its directory later, and a child does not know."""
    try:
        return replace(given, spool=given.spool.absolute())
    except OSError:  # the present directory was removed; the spool will say so, and count
        return given


def current() -> Emitter:
    """Return the emitter of this process; make it where there is none yet."""
    return _emitter or install(_first.setdefault(os.getpid(), _make()))


def _make() -> Emitter:
    given = settings()
    try:
        return Emitter(given)
    except ConfigError as error:  # only the patterns are left to be wrong
        good = tuple(each for each in given.redact_patterns if _compiles(each))
        emitter = Emitter(replace(given, redact_patterns=good))
        emitter.warn(f"{error}; it is left out")
        return emitter


def _compiles(pattern: str) -> bool:
    try:
        Redactor(patterns=(pattern,))
    except ConfigError:
        return False
    return True


def install(emitter: Emitter) -> Emitter:
    """Make an emitter the process's own."""
    global _emitter, _hooked  # noqa: PLW0603
    if not _hooked:
        _hooked = True
        os.register_at_fork(after_in_child=_after_fork)
        atexit.register(flush)
    _emitter = emitter
    return emitter


@contextmanager
def installed(emitter: Emitter) -> Iterator[None]:
    """Make an emitter the process's own for the length of a block."""
    global _emitter  # noqa: PLW0603
    _outer.append(_emitter)
    install(emitter)
    try:
        yield
    finally:
        _emitter = _outer.pop()


def reset() -> None:
    """Close the emitter and forget the settings: for tests, and before a new configuration."""
    global _settings, _emitter
    emitter, _emitter, _settings = _emitter, None, None
    _first.clear()
    if emitter is not None:
        emitter.close()


def stats() -> Stats:
    """Return what became of the events of this process: accepted = written + Σ dropped."""
    return current().stats()


def flush() -> None:
    """Close the present file with its last line; every event was written when it was logged."""
    if _emitter is not None:
        _emitter.close()


def _after_fork() -> None:
    """Drop what the child inherited; it numbers its own events in a file of its own."""
    global _emitter  # noqa: PLW0603
    inherited = [each for each in (_emitter, *_outer) if each is not None]
    _outer[:] = [each and each.forked() for each in _outer]
    _emitter = _emitter and _emitter.forked()
    for each in inherited:
        each.sink.abandon()
