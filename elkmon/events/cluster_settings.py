"""The table of settings for connecting to a cluster; secrets may come from files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from elkmon.events.errors import ConfigError
from elkmon.events.settings import Setting, variables

__all__ = ["ACCESS", "SECRETS", "Access", "access"]


@dataclass(frozen=True, slots=True)
class Access:
    """How to connect to Elasticsearch, Logstash and Kibana; each value has its row in ACCESS."""

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
            "API key for Elasticsearch and Kibana, encoded as they return it."),
    Setting("username", "ELKMON_USERNAME", "User name, if there is no API key."),
    Setting("password", "ELKMON_PASSWORD", "Password of that user."),
    Setting("ca_file", "ELKMON_CA_FILE",
            "File of the certificate authority; the system's own by default."),
    Setting("fingerprint", "ELKMON_CA_FINGERPRINT",
            "SHA-256 of the certificate authority, instead of its file."),
    Setting("verify", "ELKMON_VERIFY_CERTS", "`0`: certificates are not checked."),
    Setting("timeout", "ELKMON_TIMEOUT", "Seconds that one request may take."),
    Setting("prefix", "ELKMON_INDEX_PREFIX", "Prefix of the names of all indices."),
    Setting("kibana_url", "ELKMON_KIBANA_URL", "Address of Kibana, such as `https://kibana:5601`."),
    Setting("retention", "ELKMON_RETENTION",
            "Days that events are kept, for setup, ship, join and worker alike; `--retention` "
            "overrides it; 365 by default."),
)  # fmt: skip

SECRETS = ("api_key", "username", "password")
"""Settings that may also be read from a file, named by the variable with ``_FILE`` added."""
_FALSE, _TRUE = {"0", "false", "no", "off"}, {"1", "true", "yes", "on"}
_HEX_OF_SHA256 = 64
_MAX_RETENTION = 36_500


def access(environ: Mapping[str, str] | None = None) -> Access:
    """Read how to connect to a cluster.

    Args:
        environ: the variables to read; the process's own by default.

    Raises:
        ConfigError: a variable, or a file that it names, has a value that cannot be used.
    """
    environ = variables(environ)
    texts = {row.name: environ[row.variable] for row in ACCESS if environ.get(row.variable)}
    for row in ACCESS:
        file_variable = f"{row.variable}_FILE"
        if row.name in SECRETS and environ.get(file_variable):
            if row.name in texts:
                raise ConfigError(f"{row.variable} and {file_variable} are both set: keep one")
            texts[row.name] = _secret(file_variable, environ[file_variable])
    if "api_key" in texts and "username" in texts:
        raise ConfigError("ELKMON_API_KEY and ELKMON_USERNAME are both set: keep one")
    if ("username" in texts) != ("password" in texts):
        raise ConfigError("ELKMON_USERNAME and ELKMON_PASSWORD belong together: set both")
    return Access(
        api_key=texts.get("api_key"),
        username=texts.get("username"),
        password=texts.get("password"),
        ca_file=_ca_file(texts.get("ca_file")),
        fingerprint=_fingerprint(texts.get("fingerprint")),
        verify=_verify(texts.get("verify", "1")),
        timeout=_timeout(texts.get("timeout", "30")),
        prefix=_prefix(texts.get("prefix", "elkmon")),
        kibana_url=texts.get("kibana_url"),
        retention=_retention(texts.get("retention")),
    )


def _secret(variable: str, name: str) -> str:
    try:
        text = Path(name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{variable}: cannot read {name}: {error}") from error
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
            "ELKMON_CA_FINGERPRINT is a SHA-256 of 64 hexadecimal digits; print it with "
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
    if not text.isdecimal() or not 0 < int(text) <= _MAX_RETENTION:
        raise ConfigError(
            f"ELKMON_RETENTION is a number of days, from 1 to {_MAX_RETENTION}, not {text!r}"
        )
    return int(text)


def _prefix(text: str) -> str:
    good = text.islower() and text.isascii() and text[0].isalpha()
    if not good or set(text) - set("abcdefghijklmnopqrstuvwxyz0123456789_-"):
        raise ConfigError(
            f"ELKMON_INDEX_PREFIX has lower-case letters, digits, - and _ only, and begins with a "
            f"letter; it is {text!r}"
        )
    return text
