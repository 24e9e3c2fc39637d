"""Write the pipelines' files with a user's settings, and show how a folder differs from them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from elkmon.events.cluster_settings import Access
from elkmon.events.errors import ProvisionError

__all__ = ["File", "bundled_folder", "files", "write"]

_VARIABLE = re.compile(r"\$\{([A-Z_]+):([^}]*)\}")
_OPTION = r"^ +(?:{})\b.*\n"
_OUTPUT_TLS = ("ssl_enabled", "ssl_certificate_authorities", "ssl_verification_mode")
_INPUT_TLS = ("ssl_enabled", "ssl_certificate", "ssl_key", "user", "password", "ssl[.][a-z_]+")
_INPUTS = ("http.conf", "beats.conf", "filebeat.yml")
_OUTPUTS = ("events.conf", "deadletter.conf")


@dataclass(frozen=True, slots=True)
class File:
    """A file of the pipelines.

    Attributes:
        path: where to write it.
        text: its content.
        lines: how it differs from the existing file; empty if it does not.
        new: whether there is no file yet.
    """

    path: Path
    text: str
    lines: list[str]
    new: bool


def bundled_folder() -> Path:
    """Return the folder of the pipelines' files: in an installed wheel, or in a checkout.

    Raises:
        ProvisionError: this installation does not have it.
    """
    package = Path(__file__).parents[1]
    for folder in (package / "assets" / "logstash", package.parent / "logstash"):
        if folder.is_dir():
            return folder
    raise ProvisionError("this installation has no folder logstash: install elkmon from its wheel")


def files(
    folder: Path, url: str, access: Access, environ: Mapping[str, str], *, retention: int
) -> list[File]:
    """Return the pipelines' files with a user's settings, without writing them.

    The values of variables become defaults in the files, but secrets stay variables.

    Args:
        folder: where to write them.
        url: address of Elasticsearch.
        access: credentials and certificates for it.
        environ: environment variables.
        retention: days for which events are kept.

    Raises:
        ProvisionError: the bundled files are missing, or existing files cannot be read.
    """
    defaults = {
        **{name: value for name, value in environ.items() if value},
        "ELASTICSEARCH_HOSTS": url,
        "ELKMON_INDEX_PREFIX": access.prefix,
        "ELKMON_RETENTION": str(retention),
        "LOGSTASH_PIPELINES": str(folder.absolute() / "pipeline"),
    }
    defaults.setdefault("LOGSTASH_DATA", str(folder.absolute() / "data"))
    has_certificate = bool(environ.get("LOGSTASH_CERTIFICATE"))
    if not has_certificate:
        defaults["LOGSTASH_HOST"] = "127.0.0.1"  # without TLS, listen on this host only
    source = bundled_folder()
    configured = []
    for path in [source / "filebeat.yml", *sorted(source.glob("*/*.*"))]:
        text = path.read_text(encoding="utf-8")
        if path.name in _INPUTS and not has_certificate:
            text = _without(text, _INPUT_TLS)
        if path.name in _OUTPUTS:
            text = _with_access(text, url, access)
        text = _VARIABLE.sub(lambda match: _with_default(match, defaults), text)
        configured.append(_file(folder / path.relative_to(source), text))
    return configured


def write(changes: list[File]) -> None:
    """Write the files that differ.

    Raises:
        ProvisionError: they cannot be written.
    """
    for file in changes:
        if file.lines:
            try:
                file.path.parent.mkdir(parents=True, exist_ok=True)
                file.path.write_text(file.text, encoding="utf-8")
            except OSError as error:
                raise ProvisionError(f"{file.path} cannot be written: {error.strerror}") from error


def _with_access(text: str, url: str, access: Access) -> str:
    """Return an output with the user's credentials and certificates for Elasticsearch."""
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
        return _without(text, _OUTPUT_TLS)
    if not access.verify:
        text = text.replace('ssl_verification_mode => "full"', 'ssl_verification_mode => "none"')
    if access.ca_file is None:
        return _without(text, ("ssl_certificate_authorities",))
    authority = access.ca_file.absolute()
    return text.replace("${ELKMON_CA_FILE}", f"${{ELKMON_CA_FILE:{authority}}}")


def _without(text: str, options: tuple[str, ...]) -> str:
    return re.sub(_OPTION.format("|".join(options)), "", text, flags=re.MULTILINE)


def _with_default(match: re.Match[str], defaults: Mapping[str, str]) -> str:
    return f"${{{match[1]}:{defaults.get(match[1], match[2])}}}"


def _file(path: Path, text: str) -> File:
    try:
        existing = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return File(path, text, ["new"], new=True)
    except (OSError, UnicodeDecodeError) as error:
        raise ProvisionError(f"{path} cannot be read: {error}") from error
    lines = difflib.unified_diff(existing.splitlines(), text.splitlines(), lineterm="", n=0)
    return File(path, text, [line for line in lines if line[:3] not in {"---", "+++"}], new=False)
