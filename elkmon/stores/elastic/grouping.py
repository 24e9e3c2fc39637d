"""Dimensions and measures as one composite aggregation, and its buckets as rows.

No scripts, and nothing approximate. A weight is one more thing to group by wherever weights are
asked for: within such a group all weigh the same, so that plain sums are enough to give Σw, Σw²,
Σw·x and Σw·x², and there are few different weights.
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
from elkmon.stores.query_validation import known

__all__ = ["Grouping", "binned_apart", "moment"]

Json = dict[str, Any]
Bucket = Mapping[str, Any]

_MOST = 60_000
"""Buckets of one answer: a server gives 65,536 at most."""
_AT_ONCE = 10_000
"""Buckets that are read together."""
_WEIGHT = "ml.sample.weight"
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_FLATTENED = {Kind.CATEGORIES, Kind.LABELS}
_MISSING: Json = {"missing_bucket": True, "missing_order": "last"}
_UNITS = {"m": ("m", 1), "h": ("h", 1), "d": ("d", 1), "w": ("d", 7)}
_STATISTICS = {"sum2": "extended_stats", "sum": "stats", "min": "stats", "max": "stats"}


class Grouping:
    """How a question is put, and what its answer says.

    Args:
        by: dimensions.
        measures: measures; both as checked by :func:`elkmon.stores.query_validation.check`.
        binned: whether the events asked for are those that bins with a condition are of.
        timed: whether all events asked for have a time: they need not be told apart, which costs
            a tenth of the answer's time.

    Attributes:
        sources: of the composite; one that takes no flattened entry comes first, since
            Elasticsearch counts wrongly otherwise.
        aggregations: within each of its buckets.
        size: buckets of a page.
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
        edges = [(place, each) for place, each in enumerate(by) if isinstance(each, Edges)]
        self._edges = edges[0] if edges else None
        own = {name: statistic for name, (statistic, _) in self._fields.items()}
        self.aggregations = own if self._edges is None else _ranges(self._edges[1], own)
        self._weighted = any(each.kind in {"weight", "weight2", "sum", "sum2"} for each in measures)
        self.sources = self._sources()
        self._readers = [(f"d{place}", _reader(each)) for place, each in enumerate(by)]
        places = {name: place for place, (_, name) in self._fields.items()}
        self._takers = [
            _taker(each, None if each.field is None else places[name_of(each.field)])
            for each in measures
        ]
        self._kinds = [each.kind for each in measures]
        self._ordered = all(map(_comes_ordered, by))
        self.size = _MOST if self._edges is None else _MOST // (len(self._edges[1].edges) + 3)

    def rows(self, buckets: Iterable[Bucket]) -> tuple[tuple[Cell, ...], ...]:
        """Give the rows, sorted by the dimensions, None last."""
        found: dict[tuple[Cell, ...], tuple[Any, ...]] = {}
        left = iter(buckets)
        while some := list(islice(left, _AT_ONCE)):
            for key, values in self._read(some):
                known = found.setdefault(key, values)
                if known is not values:
                    found[key] = tuple(map(_together, self._kinds, known, values))
        rows = (key + values for key, values in found.items())
        if self._ordered:
            return tuple(rows)
        width = len(self._by)
        return tuple(sorted(rows, key=lambda row: [(cell is None, cell) for cell in row[:width]]))

    def _read(self, buckets: list[Bucket]) -> Iterator[tuple[tuple[Cell, ...], tuple[Any, ...]]]:
        """Give the cells and the values of buckets: a column at a time, which is quicker."""
        named = [each["key"] for each in buckets]
        parts, edge = buckets, -1
        if self._edges is not None:
            edge, _ = self._edges
            apart = [(key, *part) for key, each in zip(named, buckets, strict=True)
                     for part in _apart(each)]  # fmt: skip
            named = [key for key, _, _ in apart]
            parts = [part for _, part, _ in apart]
        weights: Iterable[float] = repeat(1.0)
        if self._weighted:
            weights = [1.0 if (w := key.get("w")) is None else w for key in named]
        cells = [
            [cell for _, _, cell in apart] if place == edge else _cells(named, name, read)
            for place, (name, read) in enumerate(self._readers)
        ]
        values = [map(take, parts, weights) for take in self._takers]
        none = repeat((), len(parts))
        keys = zip(*cells, strict=True) if cells else none
        return zip(keys, zip(*values, strict=True) if values else none, strict=True)

    def _sources(self) -> list[Json]:
        first: list[Json] = []
        last: list[Json] = []
        for place, by in enumerate(self._by):
            absent = isinstance(by, Bins) and by.where is not None and not self._binned
            if not isinstance(by, Edges) and not absent:
                flat = isinstance(by, FieldValue) and known(by.field)[0].kind in _FLATTENED
                (last if flat else first).append({f"d{place}": _source(by, timed=self._timed)})
        if self._weighted:
            first.append({"w": _terms(_WEIGHT)})
        if not first:
            first.append({"x": _terms("event.dataset")})
        return first + last


def _cells(named: Sequence[Bucket], name: str, read: Callable[[Any], Cell]) -> list[Cell]:
    """Give the cells of a column; each key that occurs is read once."""
    column = [key.get(name) for key in named]
    known: dict[Any, Cell] = {key: None if key is None else read(key) for key in set(column)}
    return [known[key] for key in column]


def _apart(bucket: Bucket) -> Iterator[tuple[Bucket, Cell]]:
    """Give a bucket's parts by edges, each with the number of its first edge."""
    for part in [*bucket["edges"]["buckets"], bucket["none"]]:
        if part["doc_count"]:
            name = part.get("key", "")
            yield part, int(name) if name.isdigit() else None


def binned_apart(by: Sequence[Dimension], where: Filter) -> list[tuple[Filter, bool]]:
    """Split a question where bins are of some events only: a source is of all or of none.

    Returns:
        What each part asks for, and whether its events are put into those bins.
    """
    within = next((each.where for each in by if isinstance(each, Bins) and each.where), None)
    if within is None:
        return [(where, True)]
    return [
        (replace(where, conditions=(*where.conditions, only)), only is within)
        for only in (within, replace(within, op="!="))
    ]


def _taker(measure: Measure, place: str | None) -> Callable[[Bucket, float], Any]:
    """Say how a measure is had of documents that all weigh the same.

    Args:
        measure: the measure.
        place: of its field's aggregation; None for the documents themselves.
    """
    kind, field = measure.kind, measure.field

    def count(part: Bucket) -> Any:  # noqa: ANN401 - a number
        if place is None:
            return part["doc_count"]
        found = part[place]
        return found.get("count", found.get("doc_count", found.get("value")))

    if kind == "count":
        return (lambda part, _: part["doc_count"]) if place is None else lambda p, _: count(p)
    if kind == "weight":
        return lambda part, weight: weight * count(part)
    if kind == "weight2":
        return lambda part, weight: weight * weight * count(part)
    assert place is not None  # noqa: S101 - the others have a field
    assert field is not None  # noqa: S101
    if kind in {"min", "max"}:
        read = _READ[known(field)[0].kind]
        return lambda part, _: read(part[place][kind]) if count(part) else None
    name = "sum" if kind == "sum" else "sum_of_squares"
    return lambda part, weight: weight * float(part[place][name]) if count(part) else None


def moment(milliseconds: float) -> datetime:
    """Turn milliseconds since 1970 into a time in UTC."""
    return _EPOCH + timedelta(milliseconds=int(milliseconds))


_READ: Mapping[Kind, Callable[[Any], Cell]] = {
    Kind.DATE: moment,
    Kind.LONG: int,
    Kind.BOOLEAN: bool,
    Kind.DOUBLE: float,
    Kind.NUMBERS: float,
}


def _reader(by: Dimension) -> Callable[[Any], Cell]:
    """Say how a key of the composite becomes a cell."""
    if isinstance(by, Bins):
        width = by.width
        # the key is index · width, rounded: what that lost is far from half a bin
        return lambda key: float(round(float(key) / width))
    if isinstance(by, TimeBucket):
        every = by.every
        return moment if by.unit != "M" else lambda key: _month(moment(key), every)
    return _READ.get(known(by.field)[0].kind, str)


def _comes_ordered(by: Dimension) -> bool:
    """Say whether the buckets come in the order of rows.

    Flattened entries are put behind; numbers do where there are no two zeros, one of them negative.
    """
    if isinstance(by, FieldValue):
        return known(by.field)[0].kind in {Kind.KEYWORD, Kind.LONG, Kind.BOOLEAN, Kind.DATE}
    return isinstance(by, TimeBucket)


def _terms(field: str) -> Json:
    return {"terms": {"field": field, **_MISSING}}


def _source(by: FieldValue | TimeBucket | Bins, *, timed: bool) -> Json:
    if isinstance(by, FieldValue):
        return _terms(name_of(by.field))
    if isinstance(by, Bins):
        made = {"field": name_of(by.field), "interval": by.width, **_MISSING}
        return {"histogram": made}
    own: Json = {"field": "@timestamp", **({} if timed else _MISSING)}
    if by.unit == "M":
        return {"date_histogram": {**own, "calendar_interval": "month"}}
    unit, length = _UNITS[by.unit]
    own["fixed_interval"] = f"{by.every * length}{unit}"
    if by.unit == "w":  # counted from the Monday before 1970, which began on a Thursday
        own["offset"] = "-3d"
    return {"date_histogram": own}


def _month(time: datetime, every: int) -> datetime:
    months = time.year * 12 + time.month - 1
    year, month = divmod(months - months % every, 12)
    return time.replace(year=max(year, 1), month=month + 1)


def _statistics(measures: Sequence[Measure]) -> dict[str, tuple[Json, str]]:
    """Give one aggregation for each field that is measured, under its place; with its name."""
    asked: dict[str, set[str]] = {}
    for each in measures:
        if each.field is not None:
            asked.setdefault(name_of(each.field), set()).add(each.kind)
    return {
        f"f{place}": (_statistic(name, kinds), name)
        for place, (name, kinds) in enumerate(asked.items())
    }


def _statistic(name: str, kinds: set[str]) -> Json:
    field, key = known(name)
    number = field.kind in {Kind.DOUBLE, Kind.LONG, Kind.DATE, Kind.NUMBERS}
    if not number or (field.kind is Kind.NUMBERS and key is None):
        return {"filter": exists(name)}
    kind = next((way for each, way in _STATISTICS.items() if each in kinds), "value_count")
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
    ranges += [each for each in outside if len(each) > 1]
    more = {"aggs": own} if own else {}
    return {
        "edges": {"range": {"field": name, "ranges": ranges}, **more},
        "none": {"missing": {"field": name}, **more},
    }


def _range(key: str, first: float, last: float) -> Json:
    """Give a range; JSON cannot say infinity, and an end that is left out is that."""
    made: Json = {"key": key}
    if not isinf(first):
        made["from"] = first
    if not isinf(last):
        made["to"] = last
    return made


def _together(kind: str, one: Any, other: Any) -> Any:  # noqa: ANN401 - numbers, or none
    if one is None or other is None:
        return other if one is None else one
    if kind in {"min", "max"}:
        return min(one, other) if kind == "min" else max(one, other)
    return one + other
