"""Define the dashboard Service and host: latency, load, host readings and business metrics."""

from __future__ import annotations

from collections.abc import Mapping

from elkmon.kibana.columns import Column, Formula, LastValue, TopValues
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
from elkmon.kibana.dashboards.shared_panels import (
    CHART_HEIGHT,
    CONTROLS,
    NAVIGATION,
    NUMBER_HEIGHT,
    number,
    over_time,
    table,
)
from elkmon.kibana.expressions import average, count, maximum, minimum, per_unit, total
from elkmon.kibana.views import METRICS

__all__ = ["DASHBOARD"]

_PERCENTILES = {"p50": P50, "p95": P95, "p99": P99}
_MEAN = Formula("mean", average("metric.value"), decimals=2)
_HAS_METRIC = "metric.name: *"

_NUMBERS = (
    number("Median latency", "p50", "Half of the successful attempts took no longer.", GREEN, P50),
    number("p95 latency", "p95", "95 of 100 successful attempts took no longer.", BLUE, P95),
    number("p99 latency", "p99", "99 of 100 successful attempts took no longer.", ORANGE, P99),
    number(
        "Failure rate",
        "failed / attempts",
        "Share of attempts that ended in an exception.",
        RED,
        FAILURE_RATE,
        ATTEMPTS,
    ),
)

_LATENCY = (
    over_time(
        "Latency over time",
        "50, 95 and 99 of 100 successful attempts took no longer. Dashed lines are deployments.",
        _PERCENTILES,
        colours={"p50": GREEN, "p95": BLUE, "p99": ORANGE},
    ),
    over_time(
        "p95 latency by model",
        "95 of 100 successful attempts took no longer, by model.",
        {"model": MODEL, "p95": P95},
    ),
)

_THROUGHPUT = (
    over_time(
        "Throughput",
        "Attempts per minute, by model. A sampled prediction counts by its weight.",
        {
            "model": MODEL,
            "rate": Formula("per minute", per_unit(weight(), "m"), decimals=1),
        },
        series="area",
    ),
    table(
        "Latency by version and host",
        "Shows whether one version or one host is slower than the others.",
        {
            "model": MODEL,
            "version": VERSION,
            "host": TopValues("host", "service.node.name", 5, by=count()),
            "attempts": ATTEMPTS,
            **_PERCENTILES,
        },
    ),
)


def _host(
    title: str,
    meaning: str,
    field: str,
    columns: Mapping[str, Column],
    *,
    colours: Mapping[str, str] | None = None,
    palette: str = "default",
) -> Panel:
    return over_time(
        title,
        f"{meaning} Host readings belong to no model: select none above.",
        columns,
        f"{field}: *",
        colours=colours,
        palette=palette,
        deployments=False,
        view=METRICS,
        width=16,
    )


def _usage(title: str, meaning: str, field: str) -> Panel:
    columns = {
        "host": TopValues("host", "service.node.name", 10, by=count()),
        "figure": Formula("used", average(field), percent=True),
    }
    return _host(title, meaning, field, columns)


def _bytes(label: str, field: str) -> Formula:
    return Formula(label, per_unit(total(field), "s"), number="bytes")


_USAGE = (
    _usage("CPU", "Share of processor time in use, by host.", "system.cpu.total.norm.pct"),
    _usage("Memory", "Share of memory in use, by host.", "system.memory.actual.used.pct"),
    _usage("GPU", "Share of time that GPUs were busy, by host.", "system.gpu.utilization.pct"),
)

_IO = (
    _host(
        "Disk space",
        "Share of each file system in use; the highest value of all hosts.",
        "system.filesystem.used.pct",
        {
            "mount": TopValues("file system", "system.filesystem.mount_point", 10, by=count()),
            "figure": Formula("used", maximum("system.filesystem.used.pct"), percent=True),
        },
        palette="cool",
    ),
    _host(
        "Disk traffic",
        "Bytes read and written per second, all hosts together.",
        "host.disk.read.bytes",
        {
            "read": _bytes("read", "host.disk.read.bytes"),
            "write": _bytes("written", "host.disk.write.bytes"),
        },
        colours={"read": BLUE, "write": ORANGE},
    ),
    _host(
        "Network",
        "Bytes received and sent per second, all hosts together.",
        "host.network.ingress.bytes",
        {
            "in": _bytes("received", "host.network.ingress.bytes"),
            "out": _bytes("sent", "host.network.egress.bytes"),
        },
        colours={"in": BLUE, "out": ORANGE},
    ),
)

_BUSINESS = (
    over_time(
        "Business metrics over time",
        "Mean of each metric that the application reports. Dashed lines are deployments.",
        {"name": TopValues("metric", "metric.name", 10, by=count()), "figure": _MEAN},
        _HAS_METRIC,
        view=METRICS,
    ),
    table(
        "Business metrics",
        "Mean, lowest, highest and newest value of each metric that the application reports.",
        {
            "name": TopValues("metric", "metric.name", 25, by=count()),
            "unit": LastValue("unit", "metric.unit"),
            "mean": _MEAN,
            "lowest": Formula("lowest", minimum("metric.value"), decimals=2),
            "highest": Formula("highest", maximum("metric.value"), decimals=2),
            "newest": LastValue("newest", "metric.value", "number"),
            "count": Formula("count", count()),
        },
        _HAS_METRIC,
        view=METRICS,
    ),
)

DASHBOARD = Dashboard(
    "service",
    "Service and host",
    "Latency, throughput, the load of hosts, and business metrics.",
    (
        NAVIGATION,
        (NUMBER_HEIGHT, _NUMBERS),
        (CHART_HEIGHT, _LATENCY),
        (CHART_HEIGHT, _THROUGHPUT),
        (CHART_HEIGHT, _USAGE),
        (CHART_HEIGHT, _IO),
        (CHART_HEIGHT, _BUSINESS),
    ),
    CONTROLS,
)
