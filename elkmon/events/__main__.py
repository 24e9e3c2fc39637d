"""Write the pages of fields and of settings: ``python -m elkmon.events``."""

from __future__ import annotations

from pathlib import Path

from elkmon.events.cluster_settings import ACCESS, SECRETS, Access
from elkmon.events.datasets import DATASETS, RECORDS, short_name
from elkmon.events.fields import FIELDS
from elkmon.events.query_settings import QUERY_SETTINGS
from elkmon.events.settings import SETTINGS, Settings

DOCS = Path(__file__).parents[2] / "docs/reference"


def fields_page() -> str:
    """Return ``docs/reference/fields.md``."""
    lines = [
        "# Events and their fields",
        "",
        "Every kind of event and every field, from the tables in `elkmon/events/datasets.py` and",
        "`elkmon/events/fields.py`; `python -m elkmon.events` writes this page.",
        "",
        "## Datasets",
        "",
        "Each event belongs to one dataset, its `event.dataset`. Commands and Python also take the",
        "short name: `error` for `elkmon.error`.",
        "",
        "| dataset | what one event says | written by |",
        "|---|---|---|",
        *(f"| `{each.name}` | {each.summary} | {each.writer} |" for each in RECORDS.values()),
        "",
        "## Fields",
        "",
        "What an application adds beyond these goes to `labels`.",
        "",
        "| field | meaning | unit | events | written by | Elasticsearch | DuckDB |",
        "|---|---|---|---|---|---|---|",
    ]
    for field in FIELDS:
        events = ", ".join(map(short_name, field.datasets))
        events = "all" if field.datasets == DATASETS else events
        meaning = field.meaning.replace("|", "\\|")
        lines.append(
            f"| `{field.name}` | {meaning} | {field.unit} | {events} | {field.writer} "
            f"| `{field.kind.elastic}` | `{field.kind.duckdb}` |"
        )
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    """Return ``docs/reference/settings.md``."""
    lines = [
        "# Settings",
        "",
        "From the table in `elkmon/events/settings.py`; `python -m elkmon.events` writes this",
        "page. A keyword of `elkmon.configure` wins over its variable.",
        "",
        "| `elkmon.configure` | variable | meaning | default |",
        "|---|---|---|---|",
    ]
    defaults = Settings()
    for setting in SETTINGS:
        value = getattr(defaults, setting.name)
        default = "" if value in {None, ()} else f"`{value}`"
        lines.append(f"| `{setting.name}` | `{setting.variable}` | {setting.meaning} | {default} |")
    lines += [
        "",
        "## Queries of files",
        "",
        "From the table in `elkmon/events/query_settings.py`.",
        "",
        "| variable | meaning |",
        "|---|---|",
        *(f"| `{setting.variable}` | {setting.meaning} |" for setting in QUERY_SETTINGS),
        "",
        "## Reaching a cluster",
        "",
        "From `elkmon/events/cluster_settings.py`. Secrets are never given on a command line;",
        "each may also stand in a file, named by its variable with `_FILE` added.",
        "",
        "| variable | meaning | default |",
        "|---|---|---|",
    ]
    access = Access()
    for setting in ACCESS:
        value = getattr(access, setting.name)
        default = "" if value is None else f"`{int(value) if value is True else value}`"
        also = " Also as `_FILE`." if setting.name in SECRETS else ""
        lines.append(f"| `{setting.variable}` | {setting.meaning}{also} | {default} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    (DOCS / "fields.md").write_text(fields_page(), encoding="utf-8")
    (DOCS / "settings.md").write_text(settings_page(), encoding="utf-8")
