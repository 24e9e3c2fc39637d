"""Define the dashboard Overview: is everything as it should be, and if not, where?"""

from __future__ import annotations

from elkmon.kibana.columns import Formula, LastValue, TopValues
from elkmon.kibana.dashboard import Dashboard
from elkmon.kibana.dashboard_figures import (
    ATTEMPTS,
    BLUE,
    COVERAGE,
    ERROR_RATE,
    FAILED,
    FAILURE_RATE,
    GREEN,
    GREY,
    LABELLED,
    MODEL,
    ORANGE,
    P95,
    RED,
    VERSION,
    WRONG,
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
from elkmon.kibana.expressions import count, maximum
from elkmon.kibana.views import EMITTERS, ERRORS, LABELS

__all__ = ["DASHBOARD"]

_NUMBERS = (
    number(
        "Attempts",
        "including failed ones",
        "All attempts to predict, including failed ones. A sampled prediction counts by its "
        "weight.",
        BLUE,
        ATTEMPTS,
    ),
    number(
        "Failure rate",
        "failed / attempts",
        "Share of attempts that ended in an exception.",
        RED,
        FAILURE_RATE,
        FAILED,
    ),
    number(
        "Error rate",
        "wrong / labelled",
        "Share of wrong answers among those that are known to be right or wrong.",
        ORANGE,
        ERROR_RATE,
        WRONG,
    ),
    number(
        "Coverage",
        "labelled / successful",
        "Share of successful predictions that have a label: how reliable the error rate is.",
        GREEN,
        COVERAGE,
        LABELLED,
        id="labelled",
    ),
)

_RATES = (
    over_time(
        "Attempts over time",
        "Attempts by model. Dashed lines are deployments.",
        {"model": MODEL, "figure": ATTEMPTS},
        series="bar_stacked",
    ),
    over_time(
        "Failure rate over time",
        "Share of attempts that ended in an exception, by model.",
        {"model": MODEL, "figure": FAILURE_RATE},
    ),
)

_ERRORS = (
    over_time(
        "Error rate over time",
        "Share of wrong answers among those that are known to be right or wrong, by model and "
        "time of the prediction. The newest predictions have the fewest labels.",
        {"model": MODEL, "figure": ERROR_RATE},
    ),
    over_time(
        "Coverage over time",
        "Share of successful predictions that have a label, by time of the prediction. It falls "
        "towards the end because labels arrive late.",
        {"model": MODEL, "figure": COVERAGE},
        id="labelled-over-time",
    ),
)

_MODELS = (
    table(
        "Models",
        "Attempts, failure rate, error rate, coverage and latency of each model and version.",
        {
            "model": MODEL,
            "version": VERSION,
            "attempts": ATTEMPTS,
            "failure": FAILURE_RATE,
            "error": ERROR_RATE,
            "labelled": COVERAGE,
            "latency": P95,
            "last": LastValue("last seen", "@timestamp", "date"),
        },
        widths={"version": 80, "last": 200},
        width=28,
    ),
    table(
        "Most frequent exceptions",
        "A fingerprint links to all its events. The dashboard Errors and issues has more.",
        {
            "type": TopValues("type", "error.type", 10, by=count()),
            "fingerprint": TopValues("fingerprint", "error.fingerprint", 5, by=count()),
            "count": Formula("count", count()),
        },
        sort="count",
        view=ERRORS,
        width=20,
        id="failures",
    ),
)

_COMPLETENESS = (
    table(
        "Lost events by process",
        "How many events each process tried to write, wrote to its files, and lost. Lost events "
        "make all counts of that time too low.",
        {
            "host": TopValues("host", "service.node.name", 10, by=count()),
            "process": TopValues("process", "process.entity_id", 20, by=count()),
            "accepted": Formula("tried to write", maximum("ml.emitter.accepted")),
            "written": Formula("written", maximum("ml.emitter.written")),
            "lost": Formula("lost", maximum("ml.emitter.accepted") - maximum("ml.emitter.written")),
            "sampled": Formula("sampled out", maximum("ml.emitter.sampled_out")),
        },
        sort="lost",
        view=EMITTERS,
        width=28,
        id="completeness-of-processes",
    ),
    over_time(
        "Labels by join state",
        "Labels by time of arrival: joined to their prediction, sampled out with it, without a "
        "prediction, or waiting for the join.",
        {
            "joined": Formula("joined", count("ml.join.state: joined")),
            "sampled": Formula("sampled out", count("ml.join.state: sampled_out")),
            "orphan": Formula("without a prediction", count("ml.join.state: orphan")),
            "waiting": Formula(
                "waiting", count("not ml.join.state: (joined or sampled_out or orphan)")
            ),
        },
        series="bar_stacked",
        colours={"joined": GREEN, "sampled": GREY, "orphan": RED, "waiting": ORANGE},
        deployments=False,
        view=LABELS,
        width=20,
        id="labels",
    ),
)

DASHBOARD = Dashboard(
    "overview",
    "Overview",
    "Which models run, how often they fail, how often they are wrong, and how reliable these "
    "figures are.",
    (
        NAVIGATION,
        (NUMBER_HEIGHT, _NUMBERS),
        (CHART_HEIGHT, _RATES),
        (CHART_HEIGHT, _ERRORS),
        (CHART_HEIGHT, _MODELS),
        (CHART_HEIGHT, _COMPLETENESS),
    ),
    CONTROLS,
)
