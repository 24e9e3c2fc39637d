"""Logstash's pipelines with a user's settings: what differs in a folder, and what it gets."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from elkmon.events.cluster_settings import Access
from elkmon.events.errors import ProvisionError
from elkmon.logstash.bundled_files import assets_of

__all__ = ["File", "files", "write"]

_VARIABLE = re.compile(r"\$\{([A-Z_]+):([^}]*)\}")
_OPTION = r"^ +(?:{})\b.*\n"
_TLS_OUT = ("ssl_enabled", "ssl_certificate_authorities", "ssl_verification_mode")
_TLS_IN = ("ssl_enabled", "ssl_certificate", "ssl_key", "user", "password", "ssl[.][a-z_]+")
_INTAKES = ("http.conf", "beats.conf", "filebeat.yml")
_STORING = ("events.conf", "deadletter.conf")


@dataclass(frozen=True, slots=True)
class File:
    """A file of the pipelines.

    Attributes:
        path: where it will be.
        text: as it will be.
        lines: how it differs from what is there; empty where it is as it should be.
        new: whether nothing is there.
    """

    path: Path
    text: str
    lines: list[str]
    new: bool


def files(
    folder: Path, url: str, access: Access, environ: Mapping[str, str], *, retention: int
) -> list[File]:
    """Give the pipelines' files with a user's settings; nothing is written.

    Variables that are set now become the defaults of the files; what is secret stays a variable.

    Args:
        folder: where they will be.
        url: of Elasticsearch.
        access: how it is reached.
        environ: variables.
        retention: days for which events are kept.

    Raises:
        ProvisionError: the files are not there, or what is there cannot be read.
    """
    defaults = {
        **{name: value for name, value in environ.items() if value},
        "ELASTICSEARCH_HOSTS": url,
        "ELKMON_INDEX_PREFIX": access.prefix,
        "ELKMON_RETENTION": str(retention),
        "LOGSTASH_PIPELINES": str(folder.absolute() / "pipeline"),
    }
    defaults.setdefault("LOGSTASH_DATA", str(folder.absolute() / "data"))
    guarded = bool(environ.get("LOGSTASH_CERTIFICATE"))
    if not guarded:
        defaults["LOGSTASH_HOST"] = "127.0.0.1"  # without TLS, this host alone is listened to
    source = assets_of("logstash")
    made = []
    for path in [source / "filebeat.yml", *sorted(source.glob("*/*.*"))]:
        text = path.read_text(encoding="utf-8")
        if path.name in _INTAKES and not guarded:
            text = _without(text, _TLS_IN)
        if path.name in _STORING:
            text = _stored(text, url, access)
        text = _VARIABLE.sub(lambda found: _with_default(found, defaults), text)
        made.append(_file(folder / path.relative_to(source), text))
    return made


def write(made: list[File]) -> None:
    """Write the files that differ.

    Raises:
        ProvisionError: they cannot be written.
    """
    for file in made:
        if file.lines:
            try:
                file.path.parent.mkdir(parents=True, exist_ok=True)
                file.path.write_text(file.text, encoding="utf-8")
            except OSError as error:
                raise ProvisionError(f"{file.path} cannot be written: {error.strerror}") from error


def _stored(text: str, url: str, access: Access) -> str:
    """Let Elasticsearch be reached as the user reaches it."""
    secure = url.startswith("https:")
    if access.username is not None:
        text = text.replace(
            'api_key => "${LOGSTASH_API_KEY}"',
            f'user => "${{ELKMON_USERNAME:{access.username}}}"\n      '
            'password => "${ELKMON_PASSWORD}"',
        )
    elif not secure:  # Logstash sends no API key without TLS
        text = _without(text, ("api_key",))
    if not secure:
        return _without(text, _TLS_OUT)
    if not access.verify:
        text = text.replace('ssl_verification_mode => "full"', 'ssl_verification_mode => "none"')
    if access.ca_file is None:
        return _without(text, ("ssl_certificate_authorities",))
    authority = access.ca_file.absolute()
    return text.replace("${ELKMON_CA_FILE}", f"${{ELKMON_CA_FILE:{authority}}}")


def _without(text: str, options: tuple[str, ...]) -> str:
    return re.sub(_OPTION.format("|".join(options)), "", text, flags=re.MULTILINE)


def _with_default(found: re.Match[str], defaults: Mapping[str, str]) -> str:
    return f"${{{found[1]}:{defaults.get(found[1], found[2])}}}"


def _file(path: Path, text: str) -> File:
    try:
        there = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return File(path, text, ["new"], new=True)
    except (OSError, UnicodeDecodeError) as error:
        raise ProvisionError(f"{path} cannot be read: {error}") from error
    lines = difflib.unified_diff(there.splitlines(), text.splitlines(), lineterm="", n=0)
    return File(path, text, [line for line in lines if line[:3] not in {"---", "+++"}], new=False)
