"""Read what the host has in use, and how its counters changed since the previous reading.

Shares lie between 0 and 1, as in Metricbeat. What a host does not report is absent, never 0.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

import psutil

from elkmon.host.gpu import Gpus

__all__ = ["Readings"]

_LOOPBACK = ("lo", "lo0")
_IMAGES = {"squashfs", "iso9660"}
"""Read-only file systems, which are always full."""
_WITHIN_OTHERS = {"guest", "guest_nice"}
"""Processor times that are already part of other times."""
_UNREADABLE = (OSError, RuntimeError, NotImplementedError, psutil.Error)
_DIGITS = 4

_T = TypeVar("_T")

Reading = dict[str, Any]
"""Fields of one event, by their full names."""


@dataclass(frozen=True, slots=True)
class _Counters:
    """The host's counters, which only grow, at one moment."""

    at: float
    cpu: Mapping[str, float]
    disk: Mapping[str, int]
    network: Mapping[str, Mapping[str, int]]


class Readings:
    """Take readings; each covers the time since the previous one, or since this was created.

    Attributes:
        unread: what could not be read last time, each with the reason.
    """

    def __init__(self) -> None:
        self.unread: dict[str, str] = {}
        self._gpus = Gpus()
        self._before = self._counters()

    def take(self) -> list[Reading]:
        """Return one reading of the host, one for each file system, and one for each GPU."""
        self.unread = {}
        before, now = self._before, self._counters()
        self._before = now
        host = {
            "metricset.period": round((now.at - before.at) * 1000),
            "system.cpu.cores": psutil.cpu_count(),
            **_processors(before.cpu, now.cpu),
            **_transfer(before.disk, now.disk),
            **_total(
                _transfer(before.network.get(name, {}), counters)
                for name, counters in now.network.items()
            ),
            **self._try("load", _load, dict),
            **self._try("memory", _memory, dict),
        }
        mounts: list[str] = self._try("file systems", _mounts, list)
        systems: list[Reading] = [
            self._try(f"file system {path}", partial(_filesystem, path), dict) for path in mounts
        ]
        gpus: list[Reading] = self._try("GPUs", self._gpus.read, list)
        return [
            {name: value for name, value in reading.items() if value is not None}
            for reading in [host, *systems, *gpus]
            if reading
        ]

    def _counters(self) -> _Counters:
        return _Counters(
            monotonic(),
            self._try("processors", lambda: psutil.cpu_times()._asdict(), dict),
            self._try("disks", _disk_counters, dict),
            self._try("network", _network_counters, dict),
        )

    def _try(self, name: str, read: Callable[[], _T], default: Callable[[], _T]) -> _T:
        """Return what ``read`` returns; if the host does not allow it, note why and go on."""
        try:
            return read()
        except _UNREADABLE as error:
            self.unread[name] = str(error) or type(error).__name__
            return default()


def _processors(before: Mapping[str, float], now: Mapping[str, float]) -> Reading:
    spent = {
        name: max(0.0, seconds - before.get(name, seconds))
        for name, seconds in now.items()
        if name not in _WITHIN_OTHERS
    }
    total = sum(spent.values())
    if not total:  # no tick of the clock between two readings
        return {}
    parts = {
        "user": ("user", "nice"),
        "system": ("system", "irq", "softirq"),
        "iowait": ("iowait",),
    }
    shares = {
        name: sum(spent[kind] for kind in kinds if kind in spent) / total
        for name, kinds in parts.items()
        if kinds[0] in spent
    }
    shares["total"] = 1 - (spent["idle"] + spent.get("iowait", 0.0)) / total
    return {f"system.cpu.{name}.norm.pct": round(share, _DIGITS) for name, share in shares.items()}


def _disk_counters() -> dict[str, int]:
    counters = psutil.disk_io_counters()
    if counters is None:  # a container without disks of its own
        return {}
    return {
        "host.disk.read.bytes": counters.read_bytes,
        "host.disk.write.bytes": counters.write_bytes,
    }


def _network_counters() -> dict[str, dict[str, int]]:
    return {
        name: {
            "host.network.ingress.bytes": counters.bytes_recv,
            "host.network.egress.bytes": counters.bytes_sent,
        }
        for name, counters in psutil.net_io_counters(pernic=True).items()
        if name not in _LOOPBACK
    }


def _transfer(before: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    """Return what each counter gained; a counter that is new or was reset is left out."""
    return {
        name: count - before[name]
        for name, count in now.items()
        if name in before and count >= before[name]
    }


def _total(parts: Iterator[Mapping[str, int]]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for part in parts:
        for name, count in part.items():
            totals[name] = totals.get(name, 0) + count
    return totals


def _load() -> Reading:
    means = zip((1, 5, 15), psutil.getloadavg(), strict=True)
    return {f"system.load.{minutes}": round(mean, _DIGITS) for minutes, mean in means}


def _memory() -> Reading:
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    used = memory.total - memory.available
    reading = {
        "system.memory.total": memory.total,
        "system.memory.actual.used.bytes": used,
        "system.memory.actual.used.pct": round(used / memory.total, _DIGITS),
    }
    if swap.total:
        reading["system.memory.swap.used.bytes"] = swap.used
        reading["system.memory.swap.used.pct"] = round(swap.used / swap.total, _DIGITS)
    return reading


def _mounts() -> list[str]:
    """Return the shortest path of each file system; the root is always among them."""
    paths = [
        partition.mountpoint
        for partition in psutil.disk_partitions(all=False)
        if partition.fstype not in _IMAGES
        and Path(partition.mountpoint).is_dir()  # a container mounts files, too
    ]
    by_device: dict[int, str] = {}
    for path in sorted({"/", *paths}, key=lambda path: (len(path), path)):
        by_device.setdefault(os.stat(path).st_dev, path)  # noqa: PTH116 - a path as it is mounted
    return list(by_device.values())


def _filesystem(path: str) -> Reading:
    usage = psutil.disk_usage(path)
    return {
        "system.filesystem.mount_point": path,
        "system.filesystem.total": usage.total,
        "system.filesystem.used.bytes": usage.used,
        "system.filesystem.used.pct": round(usage.percent / 100, _DIGITS),
    }
