"""Service and host: is it fast enough, is it busy, and what does the business say?"""

from __future__ import annotations

from elkmon.kibana.columns import Column, Figure, Groups, Last, Times
from elkmon.kibana.dashboard import Dashboard, Panel
from elkmon.kibana.dashboard_figures import (
    ATTEMPTS,
    BLUE,
    FAILURE_RATE,
    GREEN,
    MODEL,
    ORANGE,
    P50,
    P95,
    P99,
    RED,
    VERSION,
    weight,
)
from elkmon.kibana.dashboards.parts import CONTROLS, HEIGHT, LOW, WAY, number
from elkmon.kibana.formulas import Per, average, count, highest, lowest, total
from elkmon.kibana.lens import XY, Layer, Table
from elkmon.kibana.views import METRICS, PREDICTIONS

__all__ = ["DASHBOARD"]

_HOST = Groups("host", "service.node.name", 10, by=count())
_SUCCESS = "event.outcome: success"
_NO_MODEL = "Host readings belong to no model: choose none above."

_NUMBERS = (
    number("Median latency", "p50", "Half of the successful attempts took no longer.", GREEN, P50),
    number("p95 latency", "p95", "95 of 100 successful attempts took no longer.", BLUE, P95),
    number("p99 latency", "p99", "99 of 100 successful attempts took no longer.", ORANGE, P99),
    number(
        "Failure rate",
        "failed / attempts",
        "Attempts that ended in an exception, out of all attempts.",
        RED,
        FAILURE_RATE,
        ATTEMPTS,
    ),
)

_LATENCY = (
    Panel(
        "Latency over time",
        "What 50, 95 and 99 of 100 successful attempts did not exceed. Dashed lines are "
        "deployments.",
        XY(
            Layer(PREDICTIONS, {"time": Times(), "p50": P50, "p95": P95, "p99": P99}),
            colours={"p50": GREEN, "p95": BLUE, "p99": ORANGE},
            releases=True,
        ),
        24,
    ),
    Panel(
        "p95 latency by model",
        "What 95 of 100 successful attempts did not exceed, by model.",
        XY(Layer(PREDICTIONS, {"time": Times(), "model": MODEL, "p95": P95}), releases=True),
        24,
    ),
)

_THROUGHPUT = (
    Panel(
        "Throughput",
        "Attempts per minute, by model. A sampled prediction counts as many times as it stands "
        "for.",
        XY(
            Layer(
                PREDICTIONS,
                {
                    "time": Times(),
                    "model": MODEL,
                    "rate": Figure("per minute", Per(weight(), "m"), decimals=1),
                },
            ),
            "area",
            releases=True,
        ),
        24,
    ),
    Panel(
        "Latency by version and host",
        "Whether a version, or one host of several, is slower.",
        Table(
            Layer(
                PREDICTIONS,
                {
                    "model": MODEL,
                    "version": VERSION,
                    "host": Groups("host", "service.node.name", 5, by=count()),
                    "attempts": ATTEMPTS,
                    "p50": P50,
                    "p95": P95,
                    "p99": P99,
                },
            )
        ),
        24,
    ),
)


def _host(
    title: str, meaning: str, field: str, *, share: bool = True, groups: Column = _HOST
) -> Panel:
    figure = (
        Figure("used", average(field), percent=True)
        if share
        else Figure("per second", Per(total(field), "s"), number="bytes", decimals=1)
    )
    layer = Layer(METRICS, {"time": Times(), "host": groups, "figure": figure}, f"{field}: *")
    return Panel(title, f"{meaning} {_NO_MODEL}", XY(layer), 16)


_BUSY = (
    _host("CPU", "Share of processor time in use, by host.", "system.cpu.total.norm.pct"),
    _host("Memory", "Share of memory in use, by host.", "system.memory.actual.used.pct"),
    _host("GPU", "Share of time that GPUs worked, by host.", "system.gpu.utilization.pct"),
)

_IO = (
    Panel(
        "Disk space",
        f"Share of each file system in use: the highest of all hosts. {_NO_MODEL}",
        XY(
            Layer(
                METRICS,
                {
                    "time": Times(),
                    "mount": Groups("file system", "system.filesystem.mount_point", 10, by=count()),
                    "figure": Figure("used", highest("system.filesystem.used.pct"), percent=True),
                },
                "system.filesystem.used.pct: *",
            ),
            palette="cool",
        ),
        16,
    ),
    Panel(
        "Disk traffic",
        f"Bytes read and written per second, all hosts together. {_NO_MODEL}",
        XY(
            Layer(
                METRICS,
                {
                    "time": Times(),
                    "read": Figure("read", Per(total("host.disk.read.bytes"), "s"), number="bytes"),
                    "write": Figure(
                        "written", Per(total("host.disk.write.bytes"), "s"), number="bytes"
                    ),
                },
                "host.disk.read.bytes: *",
            ),
            colours={"read": BLUE, "write": ORANGE},
        ),
        16,
    ),
    Panel(
        "Network",
        f"Bytes received and sent per second, all hosts together. {_NO_MODEL}",
        XY(
            Layer(
                METRICS,
                {
                    "time": Times(),
                    "in": Figure(
                        "received", Per(total("host.network.ingress.bytes"), "s"), number="bytes"
                    ),
                    "out": Figure(
                        "sent", Per(total("host.network.egress.bytes"), "s"), number="bytes"
                    ),
                },
                "host.network.ingress.bytes: *",
            ),
            colours={"in": BLUE, "out": ORANGE},
        ),
        16,
    ),
)

_BUSINESS = (
    Panel(
        "Business metrics over time",
        "The mean of each figure that the application reports, beside deployments.",
        XY(
            Layer(
                METRICS,
                {
                    "time": Times(),
                    "name": Groups("metric", "metric.name", 10, by=count()),
                    "figure": Figure("mean", average("metric.value"), decimals=2),
                },
                "metric.name: *",
            ),
            releases=True,
        ),
        24,
    ),
    Panel(
        "Business metrics",
        "Each figure that the application reports: mean, lowest, highest and newest value.",
        Table(
            Layer(
                METRICS,
                {
                    "name": Groups("metric", "metric.name", 25, by=count()),
                    "unit": Last("unit", "metric.unit"),
                    "mean": Figure("mean", average("metric.value"), decimals=2),
                    "lowest": Figure("lowest", lowest("metric.value"), decimals=2),
                    "highest": Figure("highest", highest("metric.value"), decimals=2),
                    "newest": Last("newest", "metric.value", "number"),
                    "count": Figure("count", count()),
                },
                "metric.name: *",
            )
        ),
        24,
    ),
)

DASHBOARD = Dashboard(
    "service",
    "Service and host",
    "Whether answers come fast enough, how much is asked, what the hosts bear, and what the "
    "business says.",
    (
        WAY,
        (LOW, _NUMBERS),
        (HEIGHT, _LATENCY),
        (HEIGHT, _THROUGHPUT),
        (HEIGHT, _BUSY),
        (HEIGHT, _IO),
        (HEIGHT, _BUSINESS),
    ),
    CONTROLS,
)
