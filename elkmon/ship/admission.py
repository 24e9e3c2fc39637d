"""Check which lines are events that may be sent, and find the index of each."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import orjson

from elkmon.events.datasets import DATASETS, KEPT_FOR_EVER
from elkmon.events.limits import EVENT_ID
from elkmon.events.times import from_iso
from elkmon.stores.elastic.indices import index_of

__all__ = ["AHEAD", "Admission", "NotAdmittedError"]

AHEAD = timedelta(days=1)
"""How far ahead of the clock the time of an event may be."""
_PLAIN = re.compile(
    r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?Z"
)
"""Times as emitters write them: they can be compared as text, without parsing."""
_SECONDS = "%Y-%m-%dT%H:%M:%S"


class NotAdmittedError(Exception):
    """A line may not be sent; the message says why."""


class Admission:
    """Read the id and the index of a line's event, or say why the line may not be sent.

    Args:
        prefix: what the names of indices begin with.
        retention: days; older events would be deleted at once, except issues.
        allow_old: whether to admit older events all the same.
        now: returns the time.
    """

    def __init__(
        self, prefix: str, *, retention: int, allow_old: bool, now: Callable[[], datetime]
    ) -> None:
        self._prefix = prefix
        self._retention = retention
        self._allow_old = allow_old
        self._now = now
        self._oldest = self._newest = ""
        self.refresh()

    def refresh(self) -> None:
        """Compute the oldest and the newest time to admit from the clock."""
        now = self._now().astimezone(timezone.utc)
        try:
            oldest = now - timedelta(days=self._retention)
        except OverflowError:  # before the calendar begins
            oldest = datetime.min.replace(tzinfo=timezone.utc)
        self._oldest = f"{oldest:{_SECONDS}}".zfill(19)
        self._newest = f"{now + AHEAD:{_SECONDS}}"

    def __call__(self, line: bytes) -> tuple[str, str]:
        """Return the id of a line's event, and the name of its index.

        Raises:
            NotAdmittedError: the line is not an event, or its time is not admitted.
        """
        try:
            event = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise NotAdmittedError(f"not JSON: {error.msg}") from None
        try:
            event_id, dataset = event["event"]["id"], event["event"]["dataset"]
            at = event["@timestamp"]
        except (KeyError, TypeError, IndexError):
            raise NotAdmittedError(_missing(event)) from None
        if not isinstance(event_id, str) or not event_id:
            raise NotAdmittedError("event.id is no text")
        if len(event_id) > EVENT_ID // 4 and len(event_id.encode()) > EVENT_ID:
            raise NotAdmittedError(f"event.id has more than {EVENT_ID} bytes")
        if dataset not in DATASETS:
            raise NotAdmittedError(f"event.dataset {_short(dataset)} is none of ours")
        return event_id, index_of(self._prefix, dataset, self._time(at, dataset))

    def _time(self, at: object, dataset: str) -> str:
        text = _in_utc(at)
        if text > self._newest:
            raise NotAdmittedError(
                f"@timestamp {_short(at)} is more than a day ahead: a clock is wrong"
            )
        if text < self._oldest and not self._allow_old and dataset not in KEPT_FOR_EVER:
            raise NotAdmittedError(
                f"@timestamp {_short(at)} is older than the retention of {self._retention} days; "
                "send it with --allow-old"
            )
        return text


def _in_utc(at: object) -> str:
    if not isinstance(at, str):
        raise NotAdmittedError("@timestamp is no text")
    if _PLAIN.fullmatch(at):
        return at
    try:
        return f"{from_iso(at):{_SECONDS}}".zfill(19)
    except (ValueError, OverflowError):
        raise NotAdmittedError(f"@timestamp {_short(at)} is no time") from None


def _missing(event: object) -> str:
    if not isinstance(event, dict):
        return "not a JSON object"
    meta = event.get("event")
    if not isinstance(meta, dict):
        return "without event.id and event.dataset"
    absent = [f"event.{name}" for name in ("id", "dataset") if name not in meta]
    if "@timestamp" not in event:
        absent.append("@timestamp")
    return f"without {' and '.join(absent)}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"  # noqa: PLR2004 - a line for people
