"""Errors and issues: what fails, what is new, whom it meets, and which documents show it."""

from __future__ import annotations

from elkmon.kibana.columns import Figure, Groups, Last, Times
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
from elkmon.kibana.dashboards.parts import CONTROLS, HEIGHT, LOW, WAY, number
from elkmon.kibana.formulas import count, different
from elkmon.kibana.lens import XY, HeatMap, Layer, Table
from elkmon.kibana.views import ERRORS, PREDICTIONS

__all__ = ["DASHBOARD"]

_COUNT = Figure("count", count())
_TYPE = Groups("type", "error.type", 10, by=count())
_FINGERPRINT = Groups("fingerprint", "error.fingerprint", 20, by=count())
_WRONG = "ml.eval.outcome: wrong"

_NUMBERS = (
    number(
        "Error events",
        "exceptions and reported failures",
        "Exceptions and reported failures, in a prediction or not; each exception counts once. "
        "Error events bear no segment: with a segment chosen above, there are none.",
        RED,
        _COUNT,
        view=ERRORS,
    ),
    number(
        "Different failures",
        "fingerprints",
        "How many different failures these are: one fingerprint is one type of exception at one "
        "place in the code.",
        RED,
        Figure("fingerprints", different("error.fingerprint")),
        view=ERRORS,
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
        "of those known to be right or wrong",
        "Answers whose truth says that they were wrong, and their share of those that are known "
        "to be right or wrong.",
        ORANGE,
        WRONG,
        ERROR_RATE,
    ),
)

_COURSE = (
    Panel(
        "Failures over time",
        "Error events by type. Dashed lines are deployments: what begins at one began with that "
        "version.",
        XY(
            Layer(ERRORS, {"time": Times(), "type": _TYPE, "count": _COUNT}),
            "bar_stacked",
            releases=True,
        ),
        24,
    ),
    Panel(
        "Wrong answers over time",
        "Answers that were wrong, by the class that would have been right.",
        XY(
            Layer(
                PREDICTIONS,
                {
                    "time": Times(),
                    "true": Groups("true class", "ml.truth.label", 10, by=weight(_WRONG)),
                    "count": WRONG,
                },
            ),
            "bar_stacked",
            releases=True,
        ),
        24,
    ),
)

_TOP = (
    Panel(
        "Top failures",
        "The most frequent failures: type, place in the code, in which version and when last. A "
        "fingerprint leads to all its events.",
        Table(
            Layer(
                ERRORS,
                {
                    "fingerprint": _FINGERPRINT,
                    "type": Last("type", "error.type"),
                    "culprit": Last("place", "error.culprit"),
                    "version": Last("last version", "ml.model.version"),
                    "last": Last("last seen", "@timestamp", "date"),
                    "count": _COUNT,
                },
            ),
            sort="count",
            widths={"fingerprint": 160, "version": 80, "last": 200, "count": 70},
        ),
        28,
    ),
    Panel(
        "New in a version",
        "How often attempts failed in each version, by fingerprint: one that is empty in the "
        "older columns is new.",
        Table(
            Layer(
                PREDICTIONS,
                {
                    "version": Groups("version", "ml.model.version", 10),
                    "fingerprint": Groups("fingerprint", "error.fingerprint", 20, by=weight()),
                    "count": FAILED,
                },
                "event.outcome: failure",
            ),
            across="version",
            widths={"fingerprint": 160},
        ),
        20,
    ),
)


def _by_segment(title: str, meaning: str, figure: Figure, colour: str) -> Panel:
    layer = Layer(
        PREDICTIONS,
        {"segment": Groups("segment", "segment", 15, by=weight()), "figure": figure},
    )
    return Panel(title, meaning, XY(layer, "bar_horizontal", {"figure": colour}), 16)


_SEGMENTS = (
    _by_segment(
        "Failure rate by segment",
        "Attempts that ended in an exception, out of all attempts, for each value of each segment.",
        FAILURE_RATE,
        RED,
    ),
    _by_segment(
        "Error rate by segment",
        "Wrong answers, out of those that are known to be right or wrong, for each value of each "
        "segment.",
        ERROR_RATE,
        ORANGE,
    ),
    Panel(
        "Wrong for right",
        "Which wrong answers were given instead of which right ones; choose one model above.",
        HeatMap(
            Layer(
                PREDICTIONS,
                {
                    "predicted": Groups("predicted", "ml.prediction.label", 20),
                    "true": Groups("true", "ml.truth.label", 20),
                    "count": WRONG,
                },
                _WRONG,
            ),
        ),
        16,
    ),
)

DASHBOARD = Dashboard(
    "errors",
    "Errors and issues",
    "What fails and what is answered wrongly, what of it is new, whom it meets, and the "
    "documents that show it.",
    (
        WAY,
        (LOW, _NUMBERS),
        (HEIGHT, _COURSE),
        (HEIGHT, _TOP),
        (14, _SEGMENTS),
        (
            10,
            (
                Documents(
                    "What became of issues",
                    "When elkmon first saw an issue, and when it was resolved, ignored or "
                    "reopened.",
                    "issues",
                ),
            ),
        ),
        (
            14,
            (
                Documents(
                    "Error events, one by one",
                    "The stack is in the document; a trace leads to all its events and log "
                    "lines, a prediction to its label.",
                    "errors",
                ),
            ),
        ),
        (
            14,
            (
                Documents(
                    "Wrong answers, one by one",
                    "Predictions whose truth says that they were wrong.",
                    "wrong",
                ),
            ),
        ),
    ),
    CONTROLS,
)
