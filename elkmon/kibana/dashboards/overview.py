"""Overview: is everything as it should be, and where is it not?"""

from __future__ import annotations

from elkmon.kibana.columns import Figure, Groups, Last, Times
from elkmon.kibana.dashboard import Dashboard, Panel
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
from elkmon.kibana.dashboards.parts import CONTROLS, HEIGHT, LOW, WAY, number
from elkmon.kibana.formulas import count, highest
from elkmon.kibana.lens import XY, Layer, Table
from elkmon.kibana.views import EMITTERS, ERRORS, LABELS, PREDICTIONS

__all__ = ["DASHBOARD"]


def _over_time(title: str, meaning: str, figure: Figure) -> Panel:
    layer = Layer(PREDICTIONS, {"time": Times(), "model": MODEL, "figure": figure})
    return Panel(title, meaning, XY(layer, releases=True), 24)


_NUMBERS = (
    number(
        "Attempts",
        "failed ones included",
        "All attempts to predict, failed ones included. A sampled prediction counts as many "
        "times as it stands for.",
        BLUE,
        ATTEMPTS,
    ),
    number(
        "Failure rate",
        "failed / attempts",
        "Attempts that ended in an exception, out of all attempts.",
        RED,
        FAILURE_RATE,
        FAILED,
    ),
    number(
        "Error rate",
        "wrong / known to be right or wrong",
        "Wrong answers, out of those that are known to be right or wrong.",
        ORANGE,
        ERROR_RATE,
        WRONG,
    ),
    number(
        "Labelled",
        "labelled / answers",
        "Answers whose truth has arrived, out of all answers: how far the error rate can be "
        "relied on.",
        GREEN,
        COVERAGE,
        LABELLED,
    ),
)

_RATES = (
    Panel(
        "Attempts over time",
        "How often each model is asked. Dashed lines are deployments.",
        XY(
            Layer(PREDICTIONS, {"time": Times(), "model": MODEL, "figure": ATTEMPTS}),
            "bar_stacked",
            releases=True,
        ),
        24,
    ),
    _over_time(
        "Failure rate over time",
        "Attempts that ended in an exception, out of all attempts, by model.",
        FAILURE_RATE,
    ),
)

_WRONG = (
    _over_time(
        "Error rate over time",
        "Wrong answers, out of those that are known to be right or wrong, by model and by the "
        "time of the answer. The newest answers have the fewest labels.",
        ERROR_RATE,
    ),
    _over_time(
        "Labelled over time",
        "Answers whose truth has arrived, out of all answers, by the time of the answer. It "
        "falls towards the end, as labels take their time.",
        COVERAGE,
    ),
)

_MODELS = (
    Panel(
        "Models",
        "Each model and version: how much it is asked, how often it fails, how often it is "
        "wrong, and how much of that is known.",
        Table(
            Layer(
                PREDICTIONS,
                {
                    "model": MODEL,
                    "version": VERSION,
                    "attempts": ATTEMPTS,
                    "failure": FAILURE_RATE,
                    "error": ERROR_RATE,
                    "labelled": COVERAGE,
                    "latency": P95,
                    "last": Last("last seen", "@timestamp", "date"),
                },
            ),
            widths={"version": 80, "last": 200},
        ),
        28,
    ),
    Panel(
        "Failures",
        "The most frequent exceptions. A fingerprint leads to all events of that failure; Errors "
        "and issues has more.",
        Table(
            Layer(
                ERRORS,
                {
                    "type": Groups("type", "error.type", 10, by=count()),
                    "fingerprint": Groups("fingerprint", "error.fingerprint", 5, by=count()),
                    "count": Figure("count", count()),
                },
            ),
            sort="count",
        ),
        20,
    ),
)

_COMPLETE = (
    Panel(
        "Completeness of processes",
        "What each process tried to write, what is in its files, and what was lost on the way "
        "there, as its accounts say. Anything lost makes all figures of its time too low.",
        Table(
            Layer(
                EMITTERS,
                {
                    "host": Groups("host", "service.node.name", 10, by=count()),
                    "process": Groups("process", "process.entity_id", 20, by=count()),
                    "accepted": Figure("tried to write", highest("ml.emitter.accepted")),
                    "written": Figure("written", highest("ml.emitter.written")),
                    "lost": Figure(
                        "lost", highest("ml.emitter.accepted") - highest("ml.emitter.written")
                    ),
                    "sampled": Figure("sampled out", highest("ml.emitter.sampled_out")),
                },
            ),
            sort="lost",
        ),
        28,
    ),
    Panel(
        "Labels",
        "What became of labels, by the time that they arrived: joined to their prediction, "
        "sampled out with it, without one, or still waiting for the join.",
        XY(
            Layer(
                LABELS,
                {
                    "time": Times(),
                    "joined": Figure("joined", count("ml.join.state: joined")),
                    "sampled": Figure("sampled out", count("ml.join.state: sampled_out")),
                    "orphan": Figure("without a prediction", count("ml.join.state: orphan")),
                    "waiting": Figure(
                        "waiting",
                        count("not ml.join.state: (joined or sampled_out or orphan)"),
                    ),
                },
            ),
            "bar_stacked",
            {"joined": GREEN, "sampled": GREY, "orphan": RED, "waiting": ORANGE},
        ),
        20,
    ),
)

DASHBOARD = Dashboard(
    "overview",
    "Overview",
    "Which models run, how often they fail, how often they are wrong, and whether that can be "
    "relied on.",
    (
        WAY,
        (LOW, _NUMBERS),
        (HEIGHT, _RATES),
        (HEIGHT, _WRONG),
        (HEIGHT, _MODELS),
        (HEIGHT, _COMPLETE),
    ),
    CONTROLS,
)
