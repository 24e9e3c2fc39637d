"""The emitter: numbers events, adds what every event carries, counts what is lost."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import count, cycle
from select import select
from sys import modules
from threading import RLock
from time import monotonic
from typing import Any, Protocol

import orjson

from elkmon.emit.clock import COUNTERS, Clock, iso
from elkmon.emit.encode.remembered import PlainNames, PlainTexts
from elkmon.emit.encode.scalars import feature_name
from elkmon.emit.redaction.redactor import Redactor
from elkmon.emit.sinks.spool import Spool
from elkmon.emit.sinks.stdout import Stdout, is_standard
from elkmon.emit.to_json import JSON, Notes, to_json
from elkmon.emit.truncate import truncate
from elkmon.events.datasets import EMITTER, RECORDS, Dataset
from elkmon.events.errors import UsageError
from elkmon.events.fields import ECS_VERSION, SCHEMA
from elkmon.events.limits import TEXT
from elkmon.events.settings import Settings, node_name

__all__ = ["Emitter", "Sink", "Stats"]

_WARN_SECONDS = 60.0
_WARN_LENGTH = 800
"""Characters: what a pipe takes at once, however they are written."""


class Sink(Protocol):
    """Where lines go; it alone knows which ones arrived, so it counts them."""

    limit: int
    written: int
    dropped: dict[str, int]

    def write(self, data: bytes, ms: int, lines: int = 1) -> None:
        """Write whole lines, and count them: written, or dropped for a reason."""
        ...

    def close(self) -> None:
        """Write the last line, and let go."""
        ...

    def abandon(self) -> None:
        """Let go at once, as a forked child must."""
        ...


@dataclass(frozen=True, slots=True)
class Stats:
    """What became of the events of this process: accepted = written + Σ dropped, always.

    An event is accepted once its fate is known: one that another thread is just writing is not yet
    counted, and neither is one whose call an exception of a signal handler cut off.
    """

    accepted: int
    written: int
    dropped: Mapping[str, int]
    sampled_out: int
    misused: Mapping[str, int]


class Emitter:
    """Write events of one process to one sink.

    Args:
        settings: how.
        sink: where to, also in a forked child; made from the settings where not given.
    """

    def __init__(self, settings: Settings, sink: Sink | None = None) -> None:
        self.settings = settings
        self.clock = Clock()
        self.redactor = Redactor(
            keys=settings.redact_keys, patterns=settings.redact_patterns, enabled=settings.redact
        )
        self.plain_names = PlainNames(self.redactor)
        self.plain_texts = PlainTexts(self.redactor)
        self.entity = os.urandom(8).hex()
        self.counters = cycle(COUNTERS)
        self.sequence = count(1)
        self.handed_sequence = count(1)
        self.handed_on = 0
        self.dropped: dict[str, int] = {}
        """Events that did not even come to the sink, by reason."""
        """Lines that were rendered for a logger which prints them itself."""
        self.misused: dict[str, int] = {}
        self.sampled_out = 0
        self._lock = RLock()  # re-entrant: a signal handler may log, too
        self._warned_at = -_WARN_SECONDS
        self._unwarned = 0
        self._given = sink
        self.sink = self._make_sink() if sink is None else sink
        service = {
            "name": settings.service,
            "version": settings.service_version,
            "environment": settings.environment,
            "node": {"name": node_name(settings)},
        }
        static = {
            "ecs": {"version": ECS_VERSION},
            "service": {name: value for name, value in service.items() if value is not None},
            "process": {"pid": os.getpid(), "entity_id": self.entity},
        }
        self.static = {name: orjson.Fragment(orjson.dumps(value)) for name, value in static.items()}
        self._handed_process = {"process": {"pid": os.getpid(), "entity_id": os.urandom(8).hex()}}

    def _make_sink(self) -> Sink:
        if self.settings.sink == "stdout":
            return Stdout(self.warn)
        return Spool(
            self.settings.spool,
            entity=self.entity,
            rotate_bytes=self.settings.rotate_bytes,
            rotate_seconds=self.settings.rotate_seconds,
            max_bytes=self.settings.max_bytes,
            on_close=self.emitter_line,
            on_trouble=self.warn,
            on_misuse=self.count_misuse,
        )

    def write(self, line: bytes, ms: int, lines: int = 1) -> None:
        """Hand finished lines, already numbered, to the sink, which counts them."""
        try:
            self.sink.write(line, ms, lines)
        except Exception as error:  # noqa: BLE001 - emitting never raises into the caller
            self.unwritten(error)

    def unwritten(self, error: Exception) -> None:
        """Warn that the sink itself failed; it counts what it gets."""
        self.warn(f"cannot write an event: {error!r}")

    def drop(self, reason: str, sentence: str) -> None:
        """Count an event that did not come to the sink, and say so."""
        with self._lock:
            self.dropped[reason] = self.dropped.get(reason, 0) + 1
        self.warn(sentence)

    def submit(
        self,
        dataset: Dataset,
        fields: dict[str, Any],
        notes: Notes,
        *,
        at: int | None = None,
        event_id: str | None = None,
    ) -> str:
        """Number an event, complete it and write it.

        Args:
            dataset: its kind.
            fields: what is its own, nested, strict JSON already.
            notes: what was found while it was made so.
            at: when it happened, in milliseconds; now where not given.
            event_id: its identity; a new UUIDv7 where not given.

        Returns:
            Its identity.
        """
        event_id = event_id or self.new_id()
        if self.settings.enabled:
            parts = _parts(fields, notes)
            self.send(self.complete(dataset, event_id, *parts, at, next(self.sequence)))
        return event_id

    def render(
        self,
        dataset: Dataset,
        fields: dict[str, Any],
        notes: Notes,
        *,
        at: int | None = None,
        handed_on: bool = False,
    ) -> bytes | None:
        """Number an event and complete it; return its line, or None where it had to be dropped.

        Lines that somebody else is to write are numbered apart, as of a process of their own: a gap
        in our own numbers tells what we lost.
        """
        sequence = next(self.handed_sequence if handed_on else self.sequence)
        event = self.complete(dataset, self.new_id(), *_parts(fields, notes), at, sequence)
        if handed_on:
            event.update(self._handed_process)
        return self._encoded(event)

    def complete(
        self,
        dataset: Dataset,
        event_id: object,
        own: Mapping[str, Any],
        ml: Mapping[str, Any],
        rest: Mapping[str, Any],
        at: int | None,
        sequence: object,
    ) -> dict[str, Any]:
        """Return an event with what all have in common, in the order in which it is written.

        Args:
            dataset: its kind.
            event_id: its identity.
            own: what is its own under ``event``.
            ml: what stands under ``ml``, ``schema`` and notes included.
            rest: what else it has.
            at: when it happened, in milliseconds; now where not given.
            sequence: its number.
        """
        created = self.clock.instant().iso
        event = {
            "@timestamp": created if at is None else iso(at),
            "event": {
                "id": event_id,
                "dataset": dataset,
                "kind": RECORDS[dataset].kind,
                **own,
                "created": created,
                "sequence": sequence,
            },
            "ml": ml,
            **rest,
            **self.static,
        }
        if "opentelemetry.trace" in modules:
            event.update(trace_fields())
        return event

    def send(self, event: dict[str, Any]) -> None:
        """Write a complete event; one that cannot be encoded is counted."""
        line = self._encoded(event)
        if line is not None:
            try:
                self.sink.write(line, self.clock.now.ms)
            except Exception as error:  # noqa: BLE001 - emitting never raises into the caller
                self.unwritten(error)

    def _encoded(self, event: dict[str, Any]) -> bytes | None:
        try:
            try:
                line = orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE)
            except TypeError:
                line = orjson.dumps(_exact(event), option=orjson.OPT_APPEND_NEWLINE)
            return line if len(line) <= self.sink.limit else truncate(event, self.sink.limit)
        except Exception as error:  # noqa: BLE001 - emitting never raises into the caller
            dataset = event["event"]["dataset"]
            self.drop("unencodable", f"cannot encode an event of {dataset}: {error!r}")
            return None

    def lost(self, error: Exception) -> None:
        """Count an event that could not be made at all, such as for a broken ``__str__``."""
        next(self.sequence)
        self.drop("internal", f"cannot make an event: {error!r}")

    def labels(self, values: Mapping[str, object], notes: Notes) -> dict[str, Any]:
        """Return what the application adds: ``labels``, and ``user.hash`` for ``user``."""
        if not values:
            return {}
        rest = dict(values)
        fields: dict[str, Any] = {}
        if "user" in rest:
            fields.update(self.user(rest.pop("user")))
        if rest:
            fields["labels"] = self.to_json(rest, "labels", notes)
        return fields

    def to_json(self, value: object, path: str, notes: Notes, limit: int = TEXT) -> JSON:
        """Make any value strict JSON, redacted, its texts cut to a number of characters."""
        return to_json(value, path, notes, self.redactor, limit=limit)

    def user(self, user: object) -> dict[str, Any]:
        """Return the keyed hash that stands for a user; without a key, count a misuse."""
        if user is None:
            return {}
        key = self.settings.user_key
        if not key:
            self.misuse("user_without_key", "user= needs ELKMON_USER_KEY, and is left out")
            return {}
        try:
            text = str(user).encode("utf-8", "replace")
        except Exception:  # noqa: BLE001 - a broken __str__ is the application's
            return {}
        keyed = blake2b(text, key=key.encode()[:64], digest_size=16)
        return {"user": {"hash": keyed.hexdigest()}}

    def new_id(self) -> str:
        """Make a UUIDv7 for an event."""
        now = self.clock.instant()
        return f"{now.head}{next(self.counters)}{now.tail}"

    def misuse(self, kind: str, sentence: str) -> None:
        """Count wrong use.

        Raises:
            UsageError: in strict mode.
        """
        if self.settings.strict:
            raise UsageError(sentence)
        self.count_misuse(kind, sentence)

    def count_misuse(self, kind: str, sentence: str) -> None:
        """Count wrong use, also in strict mode."""
        with self._lock:
            self.misused[kind] = self.misused.get(kind, 0) + 1
        self.warn(f"{self.redactor.text(sentence)} (counted as {kind})")

    def warn(self, sentence: str) -> None:
        """Write a sentence to standard error, once a minute at most."""
        with self._lock:
            now = monotonic()
            if now - self._warned_at < _WARN_SECONDS:
                self._unwarned += 1
                return
            unsaid, self._unwarned, self._warned_at = self._unwarned, 0, now
        more = f" ({unsaid:,} more warnings were not shown)" if unsaid else ""
        text = f"elkmon: {sentence[:_WARN_LENGTH]}{more}\n".encode("ascii", "backslashreplace")
        try:
            if is_standard(2) and select([], [2], [], 0)[1]:  # else nobody reads, and it blocks
                os.write(2, text)
        except (OSError, ValueError):
            return  # nobody listens

    def stats(self) -> Stats:
        """Return what became of the events so far."""
        written = self.sink.written + self.handed_on
        dropped = dict(self.sink.dropped)
        for reason, lines in dict(self.dropped).items():
            dropped[reason] = dropped.get(reason, 0) + lines
        return Stats(
            accepted=written + sum(dropped.values()),
            written=written,
            dropped=dropped,
            sampled_out=self.sampled_out,
            misused=dict(self.misused),
        )

    def emitter_line(self) -> bytes | None:
        """Make the ``elkmon.emitter`` event that ends a file."""
        stats = self.stats()
        figures: dict[str, JSON] = {
            "last_sequence": _peek(self.sequence) - 1,
            "accepted": stats.accepted - self.handed_on,
            "written": stats.written - self.handed_on,
            "dropped": dict(stats.dropped),
            "sampled_out": stats.sampled_out,
            "misused": dict(stats.misused),
        }
        return self.render(EMITTER, {"ml": {"emitter": figures}}, Notes())

    def forked(self) -> Emitter:
        """Make the emitter of a forked child, in place of this one."""
        return Emitter(self.settings, self._given)

    def close(self) -> None:
        """Write what is left and let the sink go; a later event opens it again."""
        try:
            self.sink.close()
        except Exception as error:  # noqa: BLE001 - called at exit, where nobody could catch it
            self.warn(f"cannot close the sink: {error!r}")


def _parts(
    fields: dict[str, Any], notes: Notes
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Return the own fields of an event apart: ``event``, ``ml`` with its schema, and the rest."""
    rest = {name: value for name, value in fields.items() if name not in {"event", "ml"}}
    return fields.get("event", {}), {"schema": SCHEMA, **fields.get("ml", {}), **notes}, rest


def _exact(value: object) -> object:
    """Return a value with names that are text, not of a subclass, which orjson does not take."""
    if type(value) is not dict:
        return value
    return {feature_name(name): _exact(member) for name, member in value.items()}


def _peek(counter: count[int]) -> int:
    """Return what a counter would give next, without taking it; its text is all that it shows."""
    return int(repr(counter)[6:-1])


def trace_fields() -> dict[str, Any]:
    """Return the trace and span that are active, where OpenTelemetry is in use."""
    try:
        context = modules["opentelemetry.trace"].get_current_span().get_span_context()
        fields = {
            "trace": {"id": f"{context.trace_id:032x}"},
            "span": {"id": f"{context.span_id:016x}"},
        }
        valid = bool(context.is_valid)
    except Exception:  # noqa: BLE001 - a tracer that is broken, or half imported, costs no event
        return {}
    return fields if valid else {}
