"""The table of the emitter's settings, and the only place that reads the environment."""

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
    """One row of a table: the setting's name, its variable, and what it means."""

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
    Setting("node", "ELKMON_NODE", "Name of the host; the machine's own by default."),
    Setting("sink", "ELKMON_SINK", "`spool` (files) or `stdout` (containers)."),
    Setting("spool", "ELKMON_SPOOL", "Folder to write events to."),
    Setting("rotate_bytes", "ELKMON_ROTATE_BYTES",
            "Bytes at which a file is closed and the next begun."),
    Setting("rotate_seconds", "ELKMON_ROTATE_SECONDS",
            "Seconds after which a file is closed and the next begun."),
    Setting("max_bytes", "ELKMON_MAX_BYTES", "Bytes of the whole folder at which writing stops."),
    Setting("sample_rate", "ELKMON_SAMPLE_RATE",
            "Share of successful predictions to keep, above 0 and up to 1."),
    Setting("strict", "ELKMON_STRICT",
            "`1`: wrong use raises, for tests; by default it is counted."),
    Setting("enabled", "ELKMON_ENABLED", "`0`: nothing is written."),
    Setting("redact", "ELKMON_REDACT", "`0`: nothing is redacted."),
    Setting("redact_keys", "ELKMON_REDACT_KEYS",
            "Further keys whose values are redacted, separated by commas."),
    Setting("redact_patterns", "ELKMON_REDACT_PATTERNS",
            "Further patterns to redact: regular expressions, one a line."),
    Setting("user_key", "ELKMON_USER_KEY", "Key of the hash that replaces `user=`."),
)  # fmt: skip

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}


def variables(environ: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """Return the variables to read settings from: the process's own by default."""
    return os.environ if environ is None else environ


def from_environment(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    Args:
        environ: the variables to read; the process's own by default.

    Raises:
        ConfigError: a variable has a value that cannot be used.
    """
    environ = variables(environ)
    texts = {row.name: environ[row.variable] for row in SETTINGS if environ.get(row.variable)}
    return override(Settings(), texts, labels={row.name: row.variable for row in SETTINGS})


def usable(environ: Mapping[str, str] | None = None) -> tuple[Settings, list[str]]:
    """Read the settings, with the default for each bad one: a typo must not undo the others.

    Args:
        environ: the variables to read; the process's own by default.

    Returns:
        The settings, and a message on each variable that was ignored.
    """
    usable_variables = dict(variables(environ))
    messages = []
    for row in SETTINGS:
        try:
            from_environment({row.variable: usable_variables.get(row.variable, "")})
        except ConfigError as error:  # noqa: PERF203 - once a process
            messages.append(str(error))
            del usable_variables[row.variable]
    return from_environment(usable_variables), messages


def override(
    settings: Settings, values: Mapping[str, object], labels: Mapping[str, str] | None = None
) -> Settings:
    """Replace some settings, each checked; text is read as in the environment.

    Args:
        settings: to begin with.
        values: by name of the setting.
        labels: what messages call a setting; its name by default.

    Raises:
        ConfigError: there is no such setting, or its value cannot be used.
    """
    known = {field.name for field in fields(Settings)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ConfigError(
            f"no such setting: {', '.join(unknown)}; there are: {', '.join(sorted(known))}"
        )
    labels = labels or {}
    checked = {key: _convert(key, value, labels.get(key, key)) for key, value in values.items()}
    return replace(settings, **checked)


def _convert(key: str, value: object, label: str) -> Any:  # noqa: ANN401 - each has its type
    if value is None:
        return getattr(Settings(), key)
    if key in {"strict", "enabled", "redact"}:
        return _boolean(value, label)
    if key in {"rotate_bytes", "rotate_seconds", "max_bytes"}:
        return _positive(value, label)
    if key == "sample_rate":
        return _rate(value, label)
    if key in {"redact_keys", "redact_patterns"}:
        if isinstance(value, str):
            parts = value.split("," if key == "redact_keys" else "\n")
            return tuple(part.strip() for part in parts if part.strip())
        if isinstance(value, (list, tuple, set, frozenset)) and all(
            isinstance(item, str) for item in value
        ):
            return tuple(value)
        raise ConfigError(f"{label} takes a list of strings, not {value!r}")
    if key == "spool":
        return Path(str(value))
    if key == "sink" and value not in {"spool", "stdout"}:
        raise ConfigError(f"{label} is 'spool' or 'stdout', not {value!r}")
    return str(value)


def _boolean(value: object, label: str) -> bool:
    text = str(value).lower()
    if text not in _TRUE | _FALSE:
        raise ConfigError(f"{label} is 1 or 0, not {value!r}")
    return text in _TRUE


def _positive(value: object, label: str) -> int:
    try:
        number = int(str(value))
    except ValueError:
        number = 0
    if number <= 0:
        raise ConfigError(f"{label} is a whole number above 0, not {value!r}")
    return number


def _rate(value: object, label: str) -> float:
    try:
        rate = float(str(value))
    except ValueError:
        rate = -1.0
    if not 0.0 < rate <= 1.0:
        raise ConfigError(f"{label} is a share above 0 and up to 1, not {value!r}")
    return rate


def node_name(settings: Settings) -> str:
    """Return the host's name: the setting, else the machine's own."""
    return settings.node or socket.gethostname()
