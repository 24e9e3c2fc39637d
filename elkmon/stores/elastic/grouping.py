"""Dimensions and measures as one composite aggregation, and its buckets as rows.

There are no scripts, and nothing is approximate. If a measure has weights, the weight is one more
source of the composite: within a bucket all events weigh the same, so plain sums are enough for Σw,
Σw², Σw·x and Σw·x². There are few different weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import islice, pairwise, repeat
from math import isinf
from typing import Any

from elkmon.events.fields import Kind
from elkmon.stores.elastic.filter_query import exists, name_of
from elkmon.stores.protocol import (
    Bins,
    Cell,
    Dimension,
    Edges,
    FieldValue,
    Filter,
    Measure,
    TimeBucket,
)
from elkmon.stores.query_validation import lookup

__all__ = ["Grouping", "binned_apart", "moment"]

Json = dict[str, Any]
Bucket = Mapping[str, Any]

_MOST = 60_000
"""Buckets in one answer; a server allows 65,536."""
_AT_ONCE = 10_000
"""Buckets that are turned into rows together."""
_WEIGHT = "ml.sample.weight"
_WEIGHTED = {"weight", "weight2", "sum", "sum2"}
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_FLATTENED = {Kind.CATEGORIES, Kind.LABELS}
_MISSING: Json = {"missing_bucket": True, "missing_order": "last"}
_UNITS = {"m": ("m", 1), "h": ("h", 1), "d": ("d", 1), "w": ("d", 7)}
_STATISTICS = {"sum2": "extended_stats", "sum": "stats", "min": "stats", "max": "stats"}


class Grouping:
    """A question as an aggregation, and its buckets as rows.

    Args:
        by: dimensions, checked by :func:`elkmon.stores.query_validation.check`.
        measures: likewise.
        binned: whether the events meet the condition of the bins, if these have one.
        timed: whether all events have a time: a bucket for those without costs a tenth of the
            time of an answer.

    Attributes:
        sources: of the composite; the first one is no flattened entry, with which Elasticsearch
            would count wrongly.
        aggregations: within each bucket.
        size: buckets in a page.
    """

    def __init__(
        self,
        by: Sequence[Dimension],
        measures: Sequence[Measure],
        *,
        binned: bool = True,
        timed: bool = False,
    ) -> None:
        self._by = by
        self._binned = binned
        self._timed = timed
        self._measures = measures
        self._fields = _statistics(measures)
        edges = [(number, dim) for number, dim in enumerate(by) if isinstance(dim, Edges)]
        self._edges = edges[0] if edges else None
        own = {name: statistic for name, (statistic, _) in self._fields.items()}
        self.aggregations = own if self._edges is None else _ranges(self._edges[1], own)
        self._weighted = any(measure.kind in _WEIGHTED for measure in measures)
        self.sources = self._sources()
        self._readers = [(f"d{number}", _reader(dim)) for number, dim in enumerate(by)]
        keys = {name: key for key, (_, name) in self._fields.items()}
        self._takers = [
            _taker(measure, None if measure.field is None else keys[name_of(measure.field)])
            for measure in measures
        ]
        self._kinds = [measure.kind for measure in measures]
        self._ordered = all(map(_comes_ordered, by))
        self.size = _MOST if self._edges is None else _MOST // (len(self._edges[1].edges) + 3)

    def rows(self, buckets: Iterable[Bucket]) -> tuple[tuple[Cell, ...], ...]:
        """Return the rows, sorted by the dimensions, None last."""
        groups: dict[tuple[Cell, ...], tuple[Any, ...]] = {}
        remaining = iter(buckets)
        while batch := list(islice(remaining, _AT_ONCE)):
            for key, values in self._read(batch):
                known = groups.setdefault(key, values)
                if known is not values:
                    groups[key] = tuple(map(_combined, self._kinds, known, values))
        rows = (key + values for key, values in groups.items())
        if self._ordered:
            return tuple(rows)
        width = len(self._by)
        return tuple(sorted(rows, key=lambda row: [(cell is None, cell) for cell in row[:width]]))

    def _read(self, buckets: list[Bucket]) -> Iterator[tuple[tuple[Cell, ...], tuple[Any, ...]]]:
        """Yield cells and values of buckets; they are read by columns, which is faster."""
        keys = [bucket["key"] for bucket in buckets]
        parts, edge = buckets, -1
        if self._edges is not None:
            edge, _ = self._edges
            split = [(key, *part) for key, bucket in zip(keys, buckets, strict=True)
                     for part in _by_edges(bucket)]  # fmt: skip
            keys = [key for key, _, _ in split]
            parts = [part for _, part, _ in split]
        weights: Iterable[float] = repeat(1.0)
        if self._weighted:
            weights = [1.0 if (w := key.get("w")) is None else w for key in keys]
        cells = [
            [cell for _, _, cell in split] if number == edge else _cells(keys, name, read)
            for number, (name, read) in enumerate(self._readers)
        ]
        values = [map(take, parts, weights) for take in self._takers]
        empty = repeat((), len(parts))
        rows = zip(*cells, strict=True) if cells else empty
        return zip(rows, zip(*values, strict=True) if values else empty, strict=True)

    def _sources(self) -> list[Json]:
        first: list[Json] = []
        last: list[Json] = []
        for number, by in enumerate(self._by):
            absent = isinstance(by, Bins) and by.where is not None and not self._binned
            if not isinstance(by, Edges) and not absent:
                flat = isinstance(by, FieldValue) and lookup(by.field)[0].kind in _FLATTENED
                (last if flat else first).append({f"d{number}": _source(by, timed=self._timed)})
        if self._weighted:
            first.append({"w": _terms(_WEIGHT)})
        if not first:
            first.append({"x": _terms("event.dataset")})
        return first + last


def _cells(keys: Sequence[Bucket], name: str, read: Callable[[Any], Cell]) -> list[Cell]:
    """Return the cells of a column; every different value is read once."""
    column = [key.get(name) for key in keys]
    cells: dict[Any, Cell] = {cell: None if cell is None else read(cell) for cell in set(column)}
    return [cells[cell] for cell in column]


def _by_edges(bucket: Bucket) -> Iterator[tuple[Bucket, Cell]]:
    """Yield the parts of a bucket between edges, each with the number of its first edge."""
    for part in [*bucket["edges"]["buckets"], bucket["none"]]:
        if part["doc_count"]:
            name = part.get("key", "")
            yield part, int(name) if name.isdigit() else None


def binned_apart(by: Sequence[Dimension], where: Filter) -> list[tuple[Filter, bool]]:
    """Split a filter if bins have a condition: the source of a composite applies to all events.

    Returns:
        The parts, each with whether its events go into those bins.
    """
    within = next((dim.where for dim in by if isinstance(dim, Bins) and dim.where), None)
    if within is None:
        return [(where, True)]
    return [
        (replace(where, conditions=(*where.conditions, condition)), condition is within)
        for condition in (within, replace(within, op="!="))
    ]


def _taker(measure: Measure, key: str | None) -> Callable[[Bucket, float], Any]:
    """Return the function that reads a measure from a bucket whose documents weigh the same.

    Args:
        measure: to read.
        key: of the aggregation of its field; None for the documents themselves.
    """
    kind, field = measure.kind, measure.field

    def count(part: Bucket) -> Any:  # noqa: ANN401 - a number
        if key is None:
            return part["doc_count"]
        result = part[key]
        return result.get("count", result.get("doc_count", result.get("value")))

    if kind == "count":
        return (lambda part, _: part["doc_count"]) if key is None else lambda p, _: count(p)
    if kind == "weight":
        return lambda part, weight: weight * count(part)
    if kind == "weight2":
        return lambda part, weight: weight * weight * count(part)
    assert key is not None  # noqa: S101 - the others have a field
    assert field is not None  # noqa: S101
    if kind in {"min", "max"}:
        read = _READ[lookup(field)[0].kind]
        return lambda part, _: read(part[key][kind]) if count(part) else None
    name = "sum" if kind == "sum" else "sum_of_squares"
    return lambda part, weight: weight * float(part[key][name]) if count(part) else None


def moment(milliseconds: float) -> datetime:
    """Return the time in UTC that is so many milliseconds after 1970 began."""
    return _EPOCH + timedelta(milliseconds=int(milliseconds))


_READ: Mapping[Kind, Callable[[Any], Cell]] = {
    Kind.DATE: moment,
    Kind.LONG: int,
    Kind.BOOLEAN: bool,
    Kind.DOUBLE: float,
    Kind.NUMBERS: float,
}


def _reader(by: Dimension) -> Callable[[Any], Cell]:
    """Return the function that turns a key of the composite into a cell."""
    if isinstance(by, Bins):
        width = by.width
        # the key is index · width, rounded; the rounding is far from half a bin
        return lambda key: float(round(float(key) / width))
    if isinstance(by, TimeBucket):
        every = by.every
        return moment if by.unit != "M" else lambda key: _month(moment(key), every)
    return _READ.get(lookup(by.field)[0].kind, str)


def _comes_ordered(by: Dimension) -> bool:
    """Return whether Elasticsearch sorts the buckets as rows are sorted.

    Flattened entries are sorted last, and doubles have two zeros, one of them negative.
    """
    if isinstance(by, FieldValue):
        return lookup(by.field)[0].kind in {Kind.KEYWORD, Kind.LONG, Kind.BOOLEAN, Kind.DATE}
    return isinstance(by, TimeBucket)


def _terms(field: str) -> Json:
    return {"terms": {"field": field, **_MISSING}}


def _source(by: FieldValue | TimeBucket | Bins, *, timed: bool) -> Json:
    if isinstance(by, FieldValue):
        return _terms(name_of(by.field))
    if isinstance(by, Bins):
        return {"histogram": {"field": name_of(by.field), "interval": by.width, **_MISSING}}
    own: Json = {"field": "@timestamp", **({} if timed else _MISSING)}
    if by.unit == "M":
        return {"date_histogram": {**own, "calendar_interval": "month"}}
    unit, length = _UNITS[by.unit]
    own["fixed_interval"] = f"{by.every * length}{unit}"
    if by.unit == "w":  # weeks begin on Monday, and 1970 began on a Thursday
        own["offset"] = "-3d"
    return {"date_histogram": own}


def _month(time: datetime, every: int) -> datetime:
    months = time.year * 12 + time.month - 1
    year, month = divmod(months - months % every, 12)
    return time.replace(year=max(year, 1), month=month + 1)


def _statistics(measures: Sequence[Measure]) -> dict[str, tuple[Json, str]]:
    """Return the aggregation and the name of each measured field, by a short key."""
    fields: dict[str, set[str]] = {}
    for measure in measures:
        if measure.field is not None:
            fields.setdefault(name_of(measure.field), set()).add(measure.kind)
    return {
        f"f{number}": (_statistic(name, kinds), name)
        for number, (name, kinds) in enumerate(fields.items())
    }


def _statistic(name: str, kinds: set[str]) -> Json:
    field, key = lookup(name)
    number = field.kind in {Kind.DOUBLE, Kind.LONG, Kind.DATE, Kind.NUMBERS}
    if not number or (field.kind is Kind.NUMBERS and key is None):
        return {"filter": exists(name)}
    kind = next((way for measured, way in _STATISTICS.items() if measured in kinds), "value_count")
    return {kind: {"field": name}}


def _ranges(by: Edges, own: Json) -> Json:
    name = name_of(by.field)
    ranges = [
        _range(str(number), first, last) for number, (first, last) in enumerate(pairwise(by.edges))
    ]
    outside = [
        _range("below", -float("inf"), by.edges[0]),
        _range("above", by.edges[-1], float("inf")),
    ]
    ranges += [part for part in outside if len(part) > 1]
    more = {"aggs": own} if own else {}
    return {
        "edges": {"range": {"field": name, "ranges": ranges}, **more},
        "none": {"missing": {"field": name}, **more},
    }


def _range(key: str, first: float, last: float) -> Json:
    """Return a range; an infinite end is left out, as JSON cannot express it."""
    bounds: Json = {"key": key}
    if not isinf(first):
        bounds["from"] = first
    if not isinf(last):
        bounds["to"] = last
    return bounds


def _combined(kind: str, one: Any, other: Any) -> Any:  # noqa: ANN401 - numbers, or none
    if one is None or other is None:
        return other if one is None else one
    if kind in {"min", "max"}:
        return min(one, other) if kind == "min" else max(one, other)
    return one + other
