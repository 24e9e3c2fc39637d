"""Generate events and questions: hostile names, weights, months, edges of bins."""

import math

from hypothesis import strategies as st

from elkmon.events.times import from_iso
from elkmon.stores.protocol import (
    Bins,
    Condition,
    Edges,
    FieldValue,
    Filter,
    Measure,
    TimeBucket,
)

WIDTHS = (0.1, 0.001, 0.07, 1 / 3, 5.0)
EDGES = (0.0, 0.1, 0.3, 0.7, 1.0)
KEYS = ("country", "a.b", "A", "ä'\"", "with space", "_x", "$")
TEXTS = st.sampled_from(["de", "fr", "", " ", "ä'\"", "10", "9", "true", "\U0001f600", "%s{}"])
TIMES = st.sampled_from(
    [
        "1969-12-28T23:59:59.999Z",
        "2026-09-30T23:59:59.999Z",
        "2026-10-01T00:00:00.000Z",
        "2026-11-01T12:00:00.001Z",
        "2026-11-02T00:00:00.000Z",
        "2026-11-08T23:59:59.999Z",
        "2026-11-24T12:34:56.789Z",
    ]
)
MOMENTS = st.one_of(
    TIMES, st.sampled_from(["2026-11-02T00:00:00.000500Z", "2026-11-01T12:00:00.000999Z"])
).map(from_iso)


def _near_edges(draw):
    width = draw(st.sampled_from(WIDTHS))
    value = draw(st.integers(-30, 2000)) * width
    for _ in range(draw(st.integers(0, 2))):
        value = _next(value, up=draw(st.booleans()))
    return value


def _next(value, *, up):
    return math.nextafter(value, math.inf if up else -math.inf)


NUMBERS = st.one_of(
    st.composite(_near_edges)(),
    st.sampled_from([0.0, -0.0, 1.0, 0.35, 1e150, -1e150, 5e-324, 2.5]),
    st.floats(-10, 10),
)
"""Many of them are on the edge of a bin, or the next number beside it."""
MAYBE = st.none() | NUMBERS
SEGMENTS = st.dictionaries(st.sampled_from(KEYS), TEXTS, max_size=3)


def predictions(**fields):
    return st.fixed_dictionaries(
        {
            "@timestamp": TIMES,
            "ml.model.name": st.sampled_from(["fraud", "fraud", "Fraud", None]),
            "ml.model.version": st.sampled_from(["1", "2", None]),
            "ml.prediction.id": st.integers(1, 12).map(str),
            "ml.task": st.sampled_from(["binary", "regression", None]),
            "ml.prediction.label": st.sampled_from(["a", "b", None]),
            "ml.prediction.positive": st.sampled_from(["a", None]),
            "ml.prediction.value": MAYBE,
            "ml.prediction.score": st.none() | st.floats(0, 1) | NUMBERS,
            "event.outcome": st.sampled_from(["success", "success", "failure", None]),
            "event.duration": st.none() | st.integers(0, 1 << 60),
            "ml.sample.weight": st.sampled_from([None, None, 1.0, 4.0, 1 / 0.3]),
            "ml.segment": SEGMENTS,
            "ml.features.number": st.dictionaries(st.sampled_from(["x", "a.b"]), NUMBERS),
            "labels": st.dictionaries(
                st.sampled_from(["request", "n"]), TEXTS | st.integers(0, 9) | st.booleans()
            ),
            "ml.redacted": st.none() | st.lists(st.sampled_from(["p", "q", "r"]), max_size=2),
            **fields,
        }
    ).map(lambda values: ("prediction", values))


LABELS = st.fixed_dictionaries(
    {
        "@timestamp": TIMES,
        "number": st.integers(1, 6),
        "ml.model.name": st.sampled_from(["fraud", "fraud", "Fraud", None]),
        "ml.prediction.id": st.integers(1, 12).map(str),
        "ml.truth.label": st.sampled_from(["a", "b", None]),
        "ml.truth.value": MAYBE,
        "ml.truth.correct": st.sampled_from([True, False, None]),
        "ml.truth.rating": MAYBE,
        "ml.truth.source": st.sampled_from(["people", None]),
    }
).map(lambda fields: ("label", fields))
EVENTS = st.lists(st.one_of(predictions(), predictions(), LABELS), min_size=1, max_size=40)
"""In the order of writing; ids repeat, sometimes with other content."""

GROUPED = (
    *("ml.model.name", "ml.model.version", "ml.task", "ml.prediction.label", "event.outcome"),
    *("ml.eval.outcome", "ml.truth.correct", "ml.truth.observed_at", "event.duration"),
    *("ml.prediction.value", "ml.features.number.x", "ml.features.number.a.b", "labels.n"),
    *(f"ml.segment.{key}" for key in KEYS),
)
NUMERIC = (
    *("ml.prediction.value", "ml.prediction.score", "event.duration", "ml.eval.residual"),
    *("ml.eval.first_delay", "ml.features.number.x", "ml.features.number.none"),
)
OPS = st.sampled_from(["<", "<=", ">", ">="])
TEXTUAL = ("ml.segment.country", "ml.segment.a.b", "labels.n", "ml.model.version")
CONDITIONS = st.one_of(
    st.builds(
        Condition,
        st.sampled_from((*GROUPED, *NUMERIC, "ml.segment", "message", "ml.redacted")),
        st.sampled_from(["exists", "missing"]),
    ),
    st.builds(
        Condition,
        st.sampled_from(TEXTUAL),
        st.sampled_from(["=", "!="]),
        st.lists(TEXTS, min_size=1, max_size=2).map(tuple),
    ),
    st.builds(Condition, st.sampled_from(TEXTUAL), OPS, TEXTS.map(lambda text: (text,))),
    st.builds(
        Condition,
        st.sampled_from(NUMERIC),
        st.sampled_from(["=", "!=", "<", "<=", ">", ">="]),
        st.one_of(
            NUMBERS, st.integers(-5, 5), st.sampled_from([float("inf"), float("-inf"), 1e19])
        ).map(lambda number: (number,)),
    ),
    st.builds(
        Condition,
        st.sampled_from(["@timestamp", "ml.truth.observed_at"]),
        st.sampled_from(["=", "!=", "<", "<=", ">", ">="]),
        MOMENTS.map(lambda moment: (moment,)),
    ),
    st.builds(
        Condition,
        st.just("ml.truth.correct"),
        st.sampled_from(["=", "!=", "<", ">="]),
        st.booleans().map(lambda value: (value,)),
    ),
    st.builds(
        Condition,
        st.just("ml.redacted"),
        st.sampled_from(["=", "!="]),
        st.sampled_from([("p",), ("p", "q")]),
    ),
)
FILTERS = st.builds(
    Filter,
    st.none() | MOMENTS,
    st.none() | MOMENTS,
    st.lists(CONDITIONS, max_size=2).map(tuple),
)
DIMENSIONS = st.one_of(
    st.sampled_from(GROUPED).map(FieldValue),
    st.builds(TimeBucket, st.sampled_from([1, 2, 5, 12, 7]), st.sampled_from("mhdwM")),
    st.builds(Bins, st.sampled_from(NUMERIC), st.sampled_from(WIDTHS)),
)
EDGED = st.builds(
    Edges,
    st.sampled_from(NUMERIC),
    st.sampled_from([EDGES, (-1e3, -0.0, 5.0), (float("-inf"), 0.1, float("inf"))]),
)
BINNED = st.builds(
    Bins,
    st.sampled_from(NUMERIC),
    st.sampled_from(WIDTHS),
    st.sampled_from(
        [
            Condition("ml.task", "=", ("binary",)),
            Condition("event.outcome", "=", ("success", "unknown")),
            Condition("ml.model.version", "=", ("1",)),
        ]
    ),
)
BY = st.tuples(
    st.lists(DIMENSIONS, max_size=3), st.lists(EDGED, max_size=1), st.lists(BINNED, max_size=1)
).flatmap(lambda parts: st.permutations([item for part in parts for item in part]))
MEASURES = st.lists(
    st.one_of(
        st.sampled_from([Measure("count"), Measure("weight"), Measure("weight2")]),
        st.builds(
            Measure,
            st.sampled_from(["count", "weight", "weight2", "sum", "sum2", "min", "max"]),
            st.sampled_from(NUMERIC),
        ),
        st.builds(
            Measure,
            st.sampled_from(["count", "weight"]),
            st.sampled_from(["ml.truth.label", "ml.segment.country", "message", "ml.redacted"]),
        ),
        st.builds(Measure, st.sampled_from(["min", "max", "count"]), st.just("@timestamp")),
    ),
    min_size=1,
    max_size=4,
)
QUESTIONS = st.tuples(BY, MEASURES, FILTERS)
