"""Overview: is everything as it should be, and where is it not?"""

from __future__ import annotations

from elkmon.provision.kibana.columns import Figure, Groups, Last, Times
from elkmon.provision.kibana.dashboard import Control, Dashboard, Panel
from elkmon.provision.kibana.figures import (
    ATTEMPTS,
    COVERAGE,
    ERROR_RATE,
    FAILURE_RATE,
    P95,
    weight,
)
from elkmon.provision.kibana.formulas import count
from elkmon.provision.kibana.lens import XY, Layer, Number, Table
from elkmon.provision.kibana.views import ERRORS, PREDICTIONS

CONTROLS = (
    Control("Model", "ml.model.name"),
    Control("Version", "ml.model.version"),
    Control("Environment", "service.environment"),
    Control("Segment", "segment"),
)
MODEL = Groups("model", "ml.model.name", 10, by=weight())

DASHBOARD = Dashboard(
    "overview",
    "Overview",
    "Which models run, how often they fail, how often they are wrong, and whether that can be "
    "relied on.",
    (
        (
            6,
            (
                Panel(
                    "Attempts",
                    "All attempts to predict, failed ones included; sampled ones count as many "
                    "times as they stand for.",
                    Number(Layer(PREDICTIONS, {"figure": ATTEMPTS})),
                    12,
                ),
                Panel(
                    "Failure rate",
                    "Attempts that ended in an exception, out of all attempts.",
                    Number(Layer(PREDICTIONS, {"figure": FAILURE_RATE})),
                    12,
                ),
                Panel(
                    "Error rate",
                    "Wrong answers, out of those whose truth has arrived.",
                    Number(Layer(PREDICTIONS, {"figure": ERROR_RATE})),
                    12,
                ),
                Panel(
                    "Labelled",
                    "Answers whose truth has arrived, out of all answers: how far the error rate "
                    "can be relied on.",
                    Number(Layer(PREDICTIONS, {"figure": COVERAGE})),
                    12,
                ),
            ),
        ),
        (
            12,
            (
                Panel(
                    "Attempts over time",
                    "How much each model is asked; dashed lines are deployments.",
                    XY(
                        Layer(PREDICTIONS, {"time": Times(), "model": MODEL, "figure": ATTEMPTS}),
                        "bar_stacked",
                        releases=True,
                    ),
                    24,
                ),
                Panel(
                    "Failure rate over time",
                    "Attempts that ended in an exception, out of all attempts, by model.",
                    XY(
                        Layer(
                            PREDICTIONS, {"time": Times(), "model": MODEL, "figure": FAILURE_RATE}
                        ),
                        releases=True,
                    ),
                    24,
                ),
            ),
        ),
        (
            12,
            (
                Panel(
                    "Error rate over time",
                    "Wrong answers out of those whose truth has arrived, by model; the newest "
                    "predictions have the fewest labels.",
                    XY(
                        Layer(PREDICTIONS, {"time": Times(), "model": MODEL, "figure": ERROR_RATE}),
                        releases=True,
                    ),
                    24,
                ),
                Panel(
                    "Models",
                    "Each model and version.",
                    Table(
                        Layer(
                            PREDICTIONS,
                            {
                                "model": MODEL,
                                "version": Groups("version", "ml.model.version", 10, by=weight()),
                                "attempts": ATTEMPTS,
                                "failure": FAILURE_RATE,
                                "error": ERROR_RATE,
                                "coverage": COVERAGE,
                                "p95": P95,
                                "last": Last("last seen", "@timestamp", "date"),
                            },
                        )
                    ),
                    24,
                ),
            ),
        ),
        (
            12,
            (
                Panel(
                    "Failures",
                    "The most frequent exceptions.",
                    Table(
                        Layer(
                            ERRORS,
                            {
                                "fingerprint": Groups(
                                    "fingerprint", "error.fingerprint", 10, by=count()
                                ),
                                "type": Groups("type", "error.type", 1, by=count()),
                                "count": Figure("count", count()),
                            },
                        )
                    ),
                    48,
                ),
            ),
        ),
    ),
    CONTROLS,
)
