"""Read the host: what it has in use, and what became of its counters since the reading before.

Shares lie between 0 and 1, as Metricbeat has them. What a host does not tell is absent, never 0.
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
"""File systems that are full by their nature."""
_WITHIN_OTHERS = {"guest", "guest_nice"}
"""Processor times that others hold already."""
_UNREADABLE = (OSError, RuntimeError, NotImplementedError, psutil.Error)
_DIGITS = 4

_T = TypeVar("_T")

Reading = dict[str, Any]
"""Fields of one event, by their full names."""


@dataclass(frozen=True, slots=True)
class _Counters:
    """What only grows, as of one moment."""

    at: float
    cpu: Mapping[str, float]
    disk: Mapping[str, int]
    network: Mapping[str, Mapping[str, int]]


class Readings:
    """Take readings; each tells what happened since the one before, or since this was made.

    Attributes:
        unread: what could not be read last time, each with why.
    """

    def __init__(self) -> None:
        self.unread: dict[str, str] = {}
        self._gpus = Gpus()
        self._before = self._counters()

    def take(self) -> list[Reading]:
        """Give one event of the host, one of each file system, and one of each GPU."""
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
            **self._tried("load", _load, dict),
            **self._tried("memory", _memory, dict),
        }
        mounts: list[str] = self._tried("file systems", _mounts, list)
        systems: list[Reading] = [
            self._tried(f"file system {each}", partial(_filesystem, each), dict) for each in mounts
        ]
        gpus: list[Reading] = self._tried("GPUs", self._gpus.read, list)
        found: list[Reading] = [host, *systems, *gpus]
        return [{name: v for name, v in each.items() if v is not None} for each in found if each]

    def _counters(self) -> _Counters:
        return _Counters(
            monotonic(),
            self._tried("processors", lambda: psutil.cpu_times()._asdict(), dict),
            self._tried("disks", _disk_counters, dict),
            self._tried("network", _network_counters, dict),
        )

    def _tried(self, name: str, read: Callable[[], _T], otherwise: Callable[[], _T]) -> _T:
        """Read something; what a host, or a container, does not let us read is noted, and left."""
        try:
            return read()
        except _UNREADABLE as error:
            self.unread[name] = str(error) or type(error).__name__
            return otherwise()


def _processors(before: Mapping[str, float], now: Mapping[str, float]) -> Reading:
    spent = {
        name: max(0.0, seconds - before.get(name, seconds))
        for name, seconds in now.items()
        if name not in _WITHIN_OTHERS
    }
    whole = sum(spent.values())
    if not whole:  # no tick of the clock between two readings
        return {}
    parts = {
        "user": ("user", "nice"),
        "system": ("system", "irq", "softirq"),
        "iowait": ("iowait",),
    }
    shares = {
        name: sum(spent[each] for each in kinds if each in spent) / whole
        for name, kinds in parts.items()
        if kinds[0] in spent
    }
    shares["total"] = 1 - (spent["idle"] + spent.get("iowait", 0.0)) / whole
    return {f"system.cpu.{name}.norm.pct": round(each, _DIGITS) for name, each in shares.items()}


def _disk_counters() -> dict[str, int]:
    found = psutil.disk_io_counters()
    if found is None:  # a container without disks of its own
        return {}
    return {"host.disk.read.bytes": found.read_bytes, "host.disk.write.bytes": found.write_bytes}


def _network_counters() -> dict[str, dict[str, int]]:
    return {
        name: {
            "host.network.ingress.bytes": each.bytes_recv,
            "host.network.egress.bytes": each.bytes_sent,
        }
        for name, each in psutil.net_io_counters(pernic=True).items()
        if name not in _LOOPBACK
    }


def _transfer(before: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    """Give what was added; a counter that is new, or began anew, says nothing yet."""
    return {
        name: count - before[name]
        for name, count in now.items()
        if name in before and count >= before[name]
    }


def _total(parts: Iterator[Mapping[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in parts:
        for name, count in part.items():
            found[name] = found.get(name, 0) + count
    return found


def _load() -> Reading:
    means = zip((1, 5, 15), psutil.getloadavg(), strict=True)
    return {f"system.load.{minutes}": round(mean, _DIGITS) for minutes, mean in means}


def _memory() -> Reading:
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    used = memory.total - memory.available
    made = {
        "system.memory.total": memory.total,
        "system.memory.actual.used.bytes": used,
        "system.memory.actual.used.pct": round(used / memory.total, _DIGITS),
    }
    if swap.total:
        made["system.memory.swap.used.bytes"] = swap.used
        made["system.memory.swap.used.pct"] = round(swap.used / swap.total, _DIGITS)
    return made


def _mounts() -> list[str]:
    """Name each file system once, by its shortest path; the root is always among them."""
    found = [
        each.mountpoint
        for each in psutil.disk_partitions(all=False)
        if each.fstype not in _IMAGES and Path(each.mountpoint).is_dir()  # a container mounts files
    ]
    by_device: dict[int, str] = {}
    for path in sorted({"/", *found}, key=lambda path: (len(path), path)):
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
