"""Dimensions and measures as one composite aggregation, and its buckets as rows.

No scripts, and nothing approximate. A weight is one more thing to group by wherever weights are
asked for: within such a group all weigh the same, so that plain sums are enough to give Σw, Σw²,
Σw·x and Σw·x², and there are few different weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from math import isinf
from typing import Any

from elkmon.events.fields import Kind
from elkmon.store.asked import known
from elkmon.store.base import Bins, Cell, Dimension, Edges, FieldValue, Measure, TimeBucket
from elkmon.store.elastic.request import exists, name_of

__all__ = ["Grouping", "moment"]

Json = dict[str, Any]
Bucket = Mapping[str, Any]

_MOST = 60_000
"""Buckets of one answer: a server gives 65,536 at most."""
_WEIGHT = "ml.sample.weight"
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_FLATTENED = {Kind.CATEGORIES, Kind.LABELS}
_UNITS = {"m": ("m", 1), "h": ("h", 1), "d": ("d", 1), "w": ("d", 7)}
_STATISTICS = {"sum2": "extended_stats", "sum": "stats", "min": "stats", "max": "stats"}


class Grouping:
    """How a question is put, and what its answer says.

    Args:
        by: dimensions.
        measures: measures; both as checked by :func:`elkmon.store.asked.check`.

    Attributes:
        sources: of the composite; one that takes no flattened entry comes first, since
            Elasticsearch counts wrongly otherwise.
        aggregations: within each of its buckets.
        size: buckets of a page.
    """

    def __init__(self, by: Sequence[Dimension], measures: Sequence[Measure]) -> None:
        self._by = by
        self._measures = measures
        self._fields = _statistics(measures)
        edges = [(place, each) for place, each in enumerate(by) if isinstance(each, Edges)]
        self._edges = edges[0] if edges else None
        own = {name: statistic for name, (statistic, _) in self._fields.items()}
        self.aggregations = own if self._edges is None else _ranges(self._edges[1], own)
        self._weighted = any(each.kind in {"weight", "weight2", "sum", "sum2"} for each in measures)
        self.sources = self._sources()
        self._cells = [(f"d{place}", _reader(each)) for place, each in enumerate(by)]
        places = {name: place for place, (_, name) in self._fields.items()}
        self._places = [None if e.field is None else places[name_of(e.field)] for e in measures]
        self.size = _MOST if self._edges is None else _MOST // (len(self._edges[1].edges) + 3)

    def rows(self, buckets: Iterable[Bucket]) -> tuple[tuple[Cell, ...], ...]:
        """Give the rows, sorted by the dimensions, None last."""
        found: dict[tuple[Cell, ...], list[Any]] = {}
        for bucket in buckets:
            named = bucket["key"]
            key = [None if (v := named.get(n)) is None else read(v) for n, read in self._cells]
            weight = named.get("w") if self._weighted else None
            for part in self._parts(bucket, key):
                values = self._values(part, 1.0 if weight is None else float(weight))
                before = found.get(tuple(key))
                if before is not None:
                    kinds = (each.kind for each in self._measures)
                    values = list(map(_together, kinds, before, values))
                found[tuple(key)] = values
        rows = [(*key, *map(_shown, self._measures, each)) for key, each in found.items()]
        width = len(self._by)
        return tuple(sorted(rows, key=lambda row: [(cell is None, cell) for cell in row[:width]]))

    def _sources(self) -> list[Json]:
        first: list[Json] = []
        last: list[Json] = []
        for place, by in enumerate(self._by):
            if not isinstance(by, Edges):
                flat = isinstance(by, FieldValue) and known(by.field)[0].kind in _FLATTENED
                (last if flat else first).append({f"d{place}": _source(by)})
        if self._weighted:
            first.append({"w": _source(FieldValue(_WEIGHT))})
        if not first:
            first.append({"x": _source(FieldValue("event.dataset"))})
        return first + last

    def _parts(self, bucket: Bucket, key: list[Cell]) -> Iterator[Bucket]:
        """Give a bucket, or its parts by edges, whose number is put into the key."""
        if self._edges is None:
            yield bucket
            return
        place, _ = self._edges
        for part in [*bucket["edges"]["buckets"], bucket["none"]]:
            if part["doc_count"]:
                name = part.get("key", "")
                key[place] = int(name) if name.isdigit() else None
                yield part

    def _values(self, part: Bucket, weight: float) -> list[Any]:
        """Give the measures of documents that weigh the same."""
        made: list[Any] = []
        for measure, place in zip(self._measures, self._places, strict=True):
            statistic = part if place is None else part[place]
            count = statistic.get("count", statistic.get("doc_count", statistic.get("value")))
            if measure.kind == "count":
                made.append(count)
            elif measure.kind in {"weight", "weight2"}:
                made.append((weight if measure.kind == "weight" else weight * weight) * count)
            elif not count:
                made.append(None)
            elif measure.kind in {"min", "max"}:
                made.append(statistic[measure.kind])
            else:
                name = "sum" if measure.kind == "sum" else "sum_of_squares"
                made.append(weight * float(statistic[name]))
        return made


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


def _shown(measure: Measure, value: Any) -> Cell:  # noqa: ANN401 - a number, or none
    if measure.kind not in {"min", "max"} or measure.field is None or value is None:
        return value  # type: ignore[no-any-return]  # it is one
    return _READ[known(measure.field)[0].kind](value)


def _source(by: FieldValue | TimeBucket | Bins) -> Json:
    if isinstance(by, FieldValue):
        return {"terms": {"field": name_of(by.field), "missing_bucket": True}}
    if isinstance(by, Bins):
        made = {"field": name_of(by.field), "interval": by.width, "missing_bucket": True}
        return {"histogram": made}
    own: Json = {"field": "@timestamp", "missing_bucket": True}
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
