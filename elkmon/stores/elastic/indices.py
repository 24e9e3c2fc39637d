"""Names of indices: one a dataset and UTC month, with the month's first day in its name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone

from elkmon.events.datasets import DATASETS, Dataset, short_name

__all__ = [
    "PRIORITY",
    "RETENTION",
    "dead_letters",
    "index_of",
    "month_of",
    "month_of_id",
    "pattern",
]

RETENTION = timedelta(days=365)
"""How long events are kept by default."""
PRIORITY = 200
"""The priority of index templates: above Elastic's own, which have 100."""
_ID_V7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def index_of(prefix: str, dataset: str, timestamp: str) -> str:
    """Return the name of the index that an event belongs into.

    Args:
        prefix: of all names.
        dataset: of the event.
        timestamp: ``@timestamp`` of the event as written, in UTC: ``2026-11-24T…``.
    """
    return f"{prefix}-{short_name(dataset)}-{timestamp[:4]}.{timestamp[5:7]}.01"


def pattern(prefix: str, datasets: Iterable[Dataset] = DATASETS) -> str:
    """Return the pattern of all indices of some datasets."""
    return ",".join(f"{prefix}-{short_name(dataset)}-*" for dataset in datasets)


def dead_letters(prefix: str) -> str:
    """Return the pattern of the indices in which Logstash keeps what it did not store."""
    return f"{prefix}-deadletter-*"


def month_of(moment: datetime) -> str:
    """Return the month of a time as it stands in the name of an index: ``2026.11.01``."""
    return f"{moment:%Y.%m}.01"


def month_of_id(prediction_id: str) -> datetime | None:
    """Return the time that a UUIDv7 holds; None for any other id."""
    if not _ID_V7.fullmatch(prediction_id):
        return None
    milliseconds = int(prediction_id[:8] + prediction_id[9:13], 16)
    try:
        return datetime.fromtimestamp(0, timezone.utc) + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None
