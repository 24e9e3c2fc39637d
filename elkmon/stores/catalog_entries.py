"""The entries of a catalog, made from counts in the same way for every store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from elkmon.stores.protocol import ModelEntry, Span, VersionEntry

__all__ = ["models", "span_of", "utc_span"]

Rows = list[tuple[Any, ...]]


def models(parts: Mapping[str, Rows]) -> tuple[ModelEntry, ...]:
    """Return the entries of models, sorted by name.

    Args:
        parts: one or more rows a model, in these lists:
            ``versions``: model, version, first and last time, predictions, failures, repeats,
            differing repeats, lowest rate, tasks; in the order of first sight.
            ``deployed``: model, version, first time. ``labelled``: model, predictions.
            ``labels``: model, labels, those without a prediction, those of them sampled out, and
            on a cluster those not joined yet, orphans given up, when another is looked at.
            ``segments``, ``features``: model, names.
    """
    by_model: dict[Any, Rows] = defaultdict(list)
    for model, *row in parts["versions"]:
        by_model[model].append(tuple(row))
    deployed = {(model, version): at for model, version, at in parts["deployed"]}
    labelled: dict[Any, int] = dict(parts["labelled"])
    labels = {model: counts for model, *counts in parts["labels"]}
    segments: dict[Any, list[str]] = dict(parts["segments"])
    features: dict[Any, list[str]] = dict(parts["features"])
    for model in (*labels, *(model for model, _ in deployed)):
        by_model.setdefault(model, [])  # labels or a deployment, and no prediction yet
    entries = []
    for model, rows in by_model.items():
        count, lost, sampled_out, *join = labels.get(model, (0, 0, 0))
        waiting, given_up, next_look = join or (0, 0, None)
        versions = [_version(row, deployed.get((model, row[0]))) for row in rows]
        moments = [moment for row in rows for moment in row[1:3]]
        if not moments:
            moments = [at for (name, _), at in deployed.items() if name == model]
        entries.append(
            ModelEntry(
                name=model or "",
                tasks=tuple(sorted({task for row in rows for task in row[8] or ()})),
                versions=tuple(sorted(versions, key=lambda v: v.deployed_at or v.span.first)),
                span=span_of(min(moments, default=None), max(moments, default=None)),
                predictions=sum(row[3] for row in rows),
                failures=sum(row[4] for row in rows),
                labelled=labelled.get(model, 0),
                labels=count,
                orphans=lost - sampled_out,
                sampled_out=sampled_out,
                repeats=int(sum(row[5] for row in rows)),
                differing=int(sum(row[6] for row in rows)),
                segments=tuple(segments.get(model, ())),
                features=tuple(features.get(model, ())),
                lowest_rate=min((row[7] for row in rows if row[7] is not None), default=1.0),
                waiting=waiting,
                given_up=given_up,
                next_look=next_look,
            )
        )
    return tuple(sorted(entries, key=lambda entry: entry.name))


def _version(row: tuple[Any, ...], deployed_at: datetime | None) -> VersionEntry:
    return VersionEntry(
        version=row[0] or "",
        span=utc_span(row[1], row[2]),
        predictions=row[3],
        failures=row[4],
        deployed_at=None if deployed_at is None else deployed_at.replace(tzinfo=timezone.utc),
    )


def span_of(first: datetime | None, last: datetime | None) -> Span | None:
    """Return a span in UTC; None if there is none."""
    return None if first is None or last is None else utc_span(first, last)


def utc_span(first: datetime, last: datetime) -> Span:
    """Return a span in UTC."""
    return Span(first.replace(tzinfo=timezone.utc), last.replace(tzinfo=timezone.utc))
