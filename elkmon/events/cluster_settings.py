"""The table of settings with which a cluster is reached; secrets come from here, or from files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from elkmon.events.errors import ConfigError
from elkmon.events.settings import Setting, variables

__all__ = ["ACCESS", "SECRETS", "Access", "access"]


@dataclass(frozen=True, slots=True)
class Access:
    """How Elasticsearch, Logstash and Kibana are reached; each value has its row in ACCESS."""

    api_key: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    fingerprint: str | None = None
    verify: bool = True
    timeout: float = 30.0
    prefix: str = "elkmon"
    kibana_url: str | None = None
    retention: int | None = None


ACCESS: tuple[Setting, ...] = (
    Setting("api_key", "ELKMON_API_KEY",
            "API key for Elasticsearch and Kibana, as they encode it."),
    Setting("username", "ELKMON_USERNAME", "User's name, where there is no API key."),
    Setting("password", "ELKMON_PASSWORD", "The user's password."),
    Setting("ca_file", "ELKMON_CA_FILE",
            "File with the certificate authority; the system's own where not given."),
    Setting("fingerprint", "ELKMON_CA_FINGERPRINT",
            "SHA-256 of the server's certificate authority, instead of a file."),
    Setting("verify", "ELKMON_VERIFY_CERTS", "Off: certificates are not checked."),
    Setting("timeout", "ELKMON_TIMEOUT", "How long one request may take, in seconds."),
    Setting("prefix", "ELKMON_INDEX_PREFIX", "What the names of all indices begin with."),
    Setting("kibana_url", "ELKMON_KIBANA_URL", "Kibana, such as `https://kibana:5601`."),
    Setting("retention", "ELKMON_RETENTION",
            "How long events are kept, in days; for setup, ship, join and worker alike. "
            "`--retention` wins over it; 365 where neither is given."),
)  # fmt: skip

SECRETS = ("api_key", "username", "password")
"""Settings that a file may hold, too: its name stands in the variable with ``_FILE`` added."""
_FALSE, _TRUE = {"0", "false", "no", "off"}, {"1", "true", "yes", "on"}
_HEX_OF_SHA256 = 64
_LONGEST_RETENTION = 36_500


def access(environ: Mapping[str, str] | None = None) -> Access:
    """Read how a cluster is reached.

    Args:
        environ: variables to read; the process's own where not given.

    Raises:
        ConfigError: a variable, or a file that it names, holds what cannot be used.
    """
    given = variables(environ)
    found = {each.name: given[each.variable] for each in ACCESS if given.get(each.variable)}
    for each in ACCESS:
        if each.name in SECRETS and given.get(f"{each.variable}_FILE"):
            if each.name in found:
                raise ConfigError(
                    f"{each.variable} and {each.variable}_FILE are both set: keep one"
                )
            found[each.name] = _secret(f"{each.variable}_FILE", given[f"{each.variable}_FILE"])
    if "api_key" in found and "username" in found:
        raise ConfigError("ELKMON_API_KEY and ELKMON_USERNAME are both set: keep one")
    if ("username" in found) != ("password" in found):
        raise ConfigError("ELKMON_USERNAME and ELKMON_PASSWORD belong together: set both")
    return Access(
        api_key=found.get("api_key"),
        username=found.get("username"),
        password=found.get("password"),
        ca_file=_ca_file(found.get("ca_file")),
        fingerprint=_fingerprint(found.get("fingerprint")),
        verify=_verify(found.get("verify", "1")),
        timeout=_timeout(found.get("timeout", "30")),
        prefix=_prefix(found.get("prefix", "elkmon")),
        kibana_url=found.get("kibana_url"),
        retention=_retention(found.get("retention")),
    )


def _secret(variable: str, name: str) -> str:
    try:
        text = Path(name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{variable}: {name} cannot be read: {error}") from error
    if not text:
        raise ConfigError(f"{variable}: {name} is empty")
    return text


def _ca_file(name: str | None) -> Path | None:
    if name is None:
        return None
    if not Path(name).is_file():
        raise ConfigError(f"ELKMON_CA_FILE: there is no file {name}")
    return Path(name)


def _fingerprint(text: str | None) -> str | None:
    if text is None:
        return None
    digits = text.replace(":", "").lower()
    if len(digits) != _HEX_OF_SHA256 or set(digits) - set("0123456789abcdef"):
        raise ConfigError(
            "ELKMON_CA_FINGERPRINT is a SHA-256 in hexadecimal (64 digits), as given by "
            "openssl x509 -fingerprint -sha256 -noout -in ca.crt"
        )
    return digits


def _verify(text: str) -> bool:
    if text.lower() not in _TRUE | _FALSE:
        raise ConfigError(f"ELKMON_VERIFY_CERTS is 1 or 0, not {text!r}")
    return text.lower() in _TRUE


def _timeout(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds < float("inf"):
        raise ConfigError(f"ELKMON_TIMEOUT is a number of seconds above 0, not {text!r}")
    return seconds


def _retention(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or not 0 < int(text) <= _LONGEST_RETENTION:
        raise ConfigError(
            f"ELKMON_RETENTION is a number of days, from 1 to {_LONGEST_RETENTION}, not {text!r}"
        )
    return int(text)


def _prefix(text: str) -> str:
    good = text.islower() and text.isascii() and text[0].isalpha()
    if not good or set(text) - set("abcdefghijklmnopqrstuvwxyz0123456789_-"):
        raise ConfigError(
            f"ELKMON_INDEX_PREFIX is of small letters, digits, - and _, and begins with a letter; "
            f"not {text!r}"
        )
    return text
