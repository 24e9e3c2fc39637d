"""Define the dashboard Errors and issues: what fails, what is wrong, since when, and for whom?"""

from __future__ import annotations

from elkmon.kibana.columns import Formula, LastValue, TopValues
from elkmon.kibana.dashboard import Dashboard, Documents, Panel
from elkmon.kibana.dashboard_figures import (
    ERROR_RATE,
    FAILED,
    FAILURE_RATE,
    ORANGE,
    RED,
    WRONG,
    weight,
)
from elkmon.kibana.dashboards.shared_panels import (
    CHART_HEIGHT,
    CONTROLS,
    NAVIGATION,
    NUMBER_HEIGHT,
    number,
    over_time,
    table,
)
from elkmon.kibana.expressions import count, unique_count
from elkmon.kibana.lens import XY, HeatMap, Layer
from elkmon.kibana.views import ERRORS, PREDICTIONS

__all__ = ["DASHBOARD"]

_COUNT = Formula("count", count())
_IS_WRONG = "ml.eval.outcome: wrong"

_NUMBERS = (
    number(
        "Exceptions",
        "with reported failures",
        "Exceptions and reported failures, inside and outside of predictions; each counts once. "
        "They have no segment: with a segment selected above, this panel is empty.",
        RED,
        _COUNT,
        view=ERRORS,
        id="error-events",
    ),
    number(
        "Distinct exceptions",
        "fingerprints",
        "Number of fingerprints: each stands for one type of exception at one place in the code.",
        RED,
        Formula("fingerprints", unique_count("error.fingerprint")),
        view=ERRORS,
        id="different-failures",
    ),
    number(
        "Failed attempts",
        "of all attempts",
        "Attempts to predict that ended in an exception, and their share of all attempts.",
        RED,
        FAILED,
        FAILURE_RATE,
    ),
    number(
        "Wrong answers",
        "of labelled answers",
        "Answers that were wrong according to their label, and their share of those that are "
        "known to be right or wrong.",
        ORANGE,
        WRONG,
        ERROR_RATE,
    ),
)

_OVER_TIME = (
    over_time(
        "Exceptions over time",
        "Exceptions and reported failures by type. Dashed lines are deployments: what begins at "
        "one probably came with that version.",
        {"type": TopValues("type", "error.type", 10, by=count()), "count": _COUNT},
        series="bar_stacked",
        view=ERRORS,
        id="failures-over-time",
    ),
    over_time(
        "Wrong answers over time",
        "Answers that were wrong, by true class.",
        {
            "true": TopValues("true class", "ml.truth.label", 10, by=weight(_IS_WRONG)),
            "count": WRONG,
        },
        series="bar_stacked",
    ),
)

_MOST_FREQUENT = (
    table(
        "Most frequent exceptions",
        "Type, place in the code, last version and last time. A fingerprint links to all its "
        "events.",
        {
            "fingerprint": TopValues("fingerprint", "error.fingerprint", 20, by=count()),
            "type": LastValue("type", "error.type"),
            "culprit": LastValue("place", "error.culprit"),
            "version": LastValue("last version", "ml.model.version"),
            "last": LastValue("last seen", "@timestamp", "date"),
            "count": _COUNT,
        },
        sort="count",
        widths={"fingerprint": 160, "version": 80, "last": 200, "count": 70},
        view=ERRORS,
        width=28,
        id="top-failures",
    ),
    table(
        "Failed attempts by version",
        "Failed attempts of each version, by fingerprint: one with empty older columns is new.",
        {
            "version": TopValues("version", "ml.model.version", 10),
            "fingerprint": TopValues("fingerprint", "error.fingerprint", 20, by=weight()),
            "count": FAILED,
        },
        "event.outcome: failure",
        across="version",
        widths={"fingerprint": 160},
        width=20,
        id="new-in-a-version",
    ),
)


def _by_segment(title: str, meaning: str, formula: Formula, colour: str) -> Panel:
    layer = Layer(
        PREDICTIONS,
        {"segment": TopValues("segment", "segment", 15, by=weight()), "figure": formula},
    )
    return Panel(title, meaning, XY(layer, "bar_horizontal", {"figure": colour}), 16)


_SEGMENTS = (
    _by_segment(
        "Failure rate by segment",
        "Share of attempts that ended in an exception, for each value of each segment.",
        FAILURE_RATE,
        RED,
    ),
    _by_segment(
        "Error rate by segment",
        "Share of wrong answers among those that are known to be right or wrong, for each value "
        "of each segment.",
        ERROR_RATE,
        ORANGE,
    ),
    Panel(
        "Confused classes",
        "Which classes were wrongly predicted instead of which true ones. Select one model above.",
        HeatMap(
            Layer(
                PREDICTIONS,
                {
                    "predicted": TopValues("predicted", "ml.prediction.label", 20),
                    "true": TopValues("true", "ml.truth.label", 20),
                    "count": WRONG,
                },
                _IS_WRONG,
            ),
        ),
        16,
        id="wrong-for-right",
    ),
)

_ISSUES = Documents(
    "Issue history",
    "When elkmon first saw an issue, and when it was resolved, ignored or reopened.",
    "issues",
    id="what-became-of-issues",
)
_NEWEST_EXCEPTIONS = Documents(
    "Newest exceptions",
    "Each document has the stack trace; its trace links to all events and log lines of the trace, "
    "its prediction to the label.",
    "errors",
    id="error-events-one-by-one",
)
_NEWEST_WRONG_ANSWERS = Documents(
    "Newest wrong answers",
    "Predictions that were wrong according to their label.",
    "wrong",
    id="wrong-answers-one-by-one",
)

DASHBOARD = Dashboard(
    "errors",
    "Errors and issues",
    "What fails and what is answered wrongly, what is new, which segments it affects, and the "
    "documents.",
    (
        NAVIGATION,
        (NUMBER_HEIGHT, _NUMBERS),
        (CHART_HEIGHT, _OVER_TIME),
        (CHART_HEIGHT, _MOST_FREQUENT),
        (14, _SEGMENTS),
        (10, (_ISSUES,)),
        (14, (_NEWEST_EXCEPTIONS,)),
        (14, (_NEWEST_WRONG_ANSWERS,)),
    ),
    CONTROLS,
)
