"""Build the report: what changed and why, as one self-contained HTML page."""

from elkmon.events.errors import ConfigError

try:
    from elkmon.report.page import Report, build_report
except ModuleNotFoundError as error:
    if error.name not in {"jinja2", "markupsafe"}:
        raise
    raise ConfigError(
        f"a report needs {error.name}: install it with pip install 'elkmon[report]'"
    ) from error

__all__ = ["Report", "build_report"]
