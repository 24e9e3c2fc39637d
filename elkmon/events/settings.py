"""The table of settings, and the only place that reads the environment."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from elkmon.events.errors import ConfigError
from elkmon.events.limits import MiB

__all__ = [
    "SETTINGS",
    "Setting",
    "Settings",
    "from_environment",
    "node_name",
    "override",
    "usable",
    "variables",
]


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table: the keyword of ``configure``, its variable, and what it means."""

    name: str
    variable: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Settings:
    """How events are emitted; each value has its row in SETTINGS."""

    service: str = "unknown"
    environment: str | None = None
    service_version: str | None = None
    node: str | None = None
    sink: str = "spool"
    spool: Path = Path("elkmon-data")
    rotate_bytes: int = 64 * MiB
    rotate_seconds: int = 3600
    max_bytes: int = 10 * 1024 * MiB
    sample_rate: float = 1.0
    strict: bool = False
    enabled: bool = True
    redact: bool = True
    redact_keys: tuple[str, ...] = ()
    redact_patterns: tuple[str, ...] = ()
    user_key: str | None = None


SETTINGS: tuple[Setting, ...] = (
    Setting("service", "ELKMON_SERVICE", "Name of the application (`service.name`)."),
    Setting("environment", "ELKMON_ENVIRONMENT", "prod, staging, … (`service.environment`)."),
    Setting("service_version", "ELKMON_SERVICE_VERSION", "The application's version."),
    Setting("node", "ELKMON_NODE", "Name of the host; the machine's own where not given."),
    Setting("sink", "ELKMON_SINK", "`spool` (files) or `stdout` (containers)."),
    Setting("spool", "ELKMON_SPOOL", "Folder that the events are written to."),
    Setting("rotate_bytes", "ELKMON_ROTATE_BYTES", "A file is closed at this size, in bytes."),
    Setting("rotate_seconds", "ELKMON_ROTATE_SECONDS", "A file is closed at this age, in seconds."),
    Setting("max_bytes", "ELKMON_MAX_BYTES", "Writing stops at this size of the whole folder."),
    Setting("sample_rate", "ELKMON_SAMPLE_RATE", "Share of successes to keep, up to 1."),
    Setting("strict", "ELKMON_STRICT", "Raise on wrong use, for tests; else it is counted."),
    Setting("enabled", "ELKMON_ENABLED", "Off: nothing is written at all."),
    Setting("redact", "ELKMON_REDACT", "Off: strings are written as they are."),
    Setting("redact_keys", "ELKMON_REDACT_KEYS", "More secret keys, separated by commas."),
    Setting("redact_patterns", "ELKMON_REDACT_PATTERNS",
            "More secret patterns (regular expressions), separated by new lines."),
    Setting("user_key", "ELKMON_USER_KEY", "Key of the hash that stands for `user=`."),
)  # fmt: skip

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}


def variables(environ: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """Give the variables to read settings from: the process's own where none are given."""
    return os.environ if environ is None else environ


def from_environment(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    Args:
        environ: variables to read; the process's own where not given.

    Raises:
        ConfigError: a variable holds what cannot be used.
    """
    environ = variables(environ)
    given = {each.name: environ[each.variable] for each in SETTINGS if environ.get(each.variable)}
    return override(Settings(), given, names={each.name: each.variable for each in SETTINGS})


def usable(environ: Mapping[str, str] | None = None) -> tuple[Settings, list[str]]:
    """Read the settings, each bad one by its default: a typo in one must not undo the others.

    Args:
        environ: variables to read; the process's own where not given.

    Returns:
        The settings, and what is wrong with the variables that were left out.
    """
    left = dict(variables(environ))
    wrong = []
    for each in SETTINGS:
        try:
            from_environment({each.variable: left.get(each.variable, "")})
        except ConfigError as error:  # noqa: PERF203 - once a process
            wrong.append(str(error))
            del left[each.variable]
    return from_environment(left), wrong


def override(
    settings: Settings, values: Mapping[str, object], names: Mapping[str, str] | None = None
) -> Settings:
    """Replace some settings, each checked; text is understood as in the environment.

    Raises:
        ConfigError: no such setting, or a value that cannot be used.
    """
    known = {each.name for each in fields(Settings)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ConfigError(
            f"no such setting: {', '.join(unknown)}; there are: {', '.join(sorted(known))}"
        )
    names = names or {}
    made = {key: _convert(key, value, names.get(key, key)) for key, value in values.items()}
    return replace(settings, **made)


def _convert(key: str, value: object, shown: str) -> Any:  # noqa: ANN401 - each setting has its type
    if value is None:
        return getattr(Settings(), key)
    if key in {"strict", "enabled", "redact"}:
        return _boolean(value, shown)
    if key in {"rotate_bytes", "rotate_seconds", "max_bytes"}:
        return _positive(value, shown)
    if key == "sample_rate":
        return _rate(value, shown)
    if key in {"redact_keys", "redact_patterns"}:
        if isinstance(value, str):
            parts = value.split("," if key == "redact_keys" else "\n")
            return tuple(part.strip() for part in parts if part.strip())
        if isinstance(value, (list, tuple, set, frozenset)) and all(
            isinstance(each, str) for each in value
        ):
            return tuple(value)
        raise ConfigError(f"{shown} takes a list of strings, not {value!r}")
    if key == "spool":
        return Path(str(value))
    if key == "sink" and value not in {"spool", "stdout"}:
        raise ConfigError(f"{shown} is 'spool' or 'stdout', not {value!r}")
    return str(value)


def _boolean(value: object, shown: str) -> bool:
    text = str(value).lower()
    if text not in _TRUE | _FALSE:
        raise ConfigError(f"{shown} is 1 or 0, not {value!r}")
    return text in _TRUE


def _positive(value: object, shown: str) -> int:
    try:
        number = int(str(value))
    except ValueError:
        number = 0
    if number <= 0:
        raise ConfigError(f"{shown} is a whole number above 0, not {value!r}")
    return number


def _rate(value: object, shown: str) -> float:
    try:
        rate = float(str(value))
    except ValueError:
        rate = -1.0
    if not 0.0 < rate <= 1.0:
        raise ConfigError(f"{shown} is a share above 0 and up to 1, not {value!r}")
    return rate


def node_name(settings: Settings) -> str:
    """Give the host's name: the setting, else the machine's own."""
    return settings.node or socket.gethostname()
