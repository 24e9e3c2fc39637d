"""A host's readings are what the system itself says; what it does not say is absent."""

import os
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import NamedTuple

import psutil
import pytest

from elkmon.events.datasets import METRIC
from elkmon.events.fields import BY_NAME, READINGS
from elkmon.events.settings import Settings
from elkmon.host.readings import Readings
from elkmon.host.record import record

NETWORK = ("bytes_recv", "bytes_sent")


class Nic(NamedTuple):
    """What psutil tells of an interface."""

    bytes_recv: int
    bytes_sent: int


def cpu():
    """Return all and idle processor time, in the ticks of /proc/stat."""
    ticks = [int(text) for text in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    return sum(ticks), ticks[3] + ticks[4]


def counters():
    """Return what has been transferred so far, as the system counts it."""
    disk = psutil.disk_io_counters() or SimpleNamespace(read_bytes=0, write_bytes=0)
    nics = [n for name, n in psutil.net_io_counters(pernic=True).items() if name != "lo"]
    network = (sum(getattr(nic, name) for nic in nics) for name in NETWORK)
    return (*network, disk.read_bytes, disk.write_bytes)


def work(path):
    """Keep a processor, a disk and, where there is one, a network busy."""
    path.write_bytes(os.urandom(4 << 20))
    with path.open("rb") as file:
        os.fsync(file.fileno())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender, suppress(OSError):
        for _ in range(100):  # until there is no way out of here
            sender.sendto(b"x" * 1000, ("192.0.2.1", 9))
    before = os.times().user
    while os.times().user - before < 0.3:
        sum(range(10_000))


def test_what_a_reading_tells_lies_between_what_the_system_told_around_it(tmp_path):
    outer = cpu(), counters()
    readings = Readings()
    inner = cpu(), counters()
    work(tmp_path / "file")
    inner_end = cpu(), counters()
    host, *_ = readings.take()
    outer_end = cpu(), counters()

    transferred = [
        host.get(name, 0)
        for name in (
            *("host.network.ingress.bytes", "host.network.egress.bytes"),
            *("host.disk.read.bytes", "host.disk.write.bytes"),
        )
    ]
    for count, *around in zip(
        transferred, outer[1], inner[1], inner_end[1], outer_end[1], strict=True
    ):
        first, begin, end, last = around
        assert end - begin <= count <= last - first
    (all_1, idle_1), (all_2, idle_2) = outer[0], inner[0]
    (all_3, idle_3), (all_4, idle_4) = inner_end[0], outer_end[0]
    busy_least = (all_3 - idle_3) - (all_2 - idle_2)
    busy_most = (all_4 - idle_4) - (all_1 - idle_1)
    assert busy_least / (all_4 - all_1) - 1e-3 <= host["system.cpu.total.norm.pct"]
    assert host["system.cpu.total.norm.pct"] <= busy_most / (all_3 - all_2) + 1e-3
    assert 0 < host["system.cpu.user.norm.pct"] <= host["system.cpu.total.norm.pct"] <= 1
    assert host["metricset.period"] > 0


def test_what_the_host_has_is_what_the_kernel_says():
    host, root, *_ = Readings().take()

    info = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    usage = os.statvfs("/")
    assert host["system.memory.total"] == int(info["MemTotal"].split()[0]) * 1024
    assert host["system.memory.actual.used.pct"] == pytest.approx(
        1 - int(info["MemAvailable"].split()[0]) / int(info["MemTotal"].split()[0]), abs=0.05
    )
    assert host["system.cpu.cores"] == os.cpu_count()
    assert host["system.load.15"] == pytest.approx(os.getloadavg()[2], abs=0.5)
    assert root["system.filesystem.mount_point"] == "/"
    assert root["system.filesystem.total"] == usage.f_blocks * usage.f_frsize
    assert 0 <= root["system.filesystem.used.pct"] <= 1


def test_every_reading_is_a_field_of_metrics(gpus):
    gpus(Gpu())
    names = {name for reading in Readings().take() for name in reading}

    for name in names:
        assert METRIC in BY_NAME[name].datasets
    assert {"system.gpu.power.watts", "system.load.1", "system.memory.total"} <= names
    assert {field.name for field in READINGS} >= names - {
        *("metricset.period", "system.filesystem.mount_point"),
        *("system.gpu.id", "system.gpu.name"),
    }


def test_a_counter_that_began_anew_is_absent_and_never_negative(monkeypatch):
    answers = iter(
        [
            {"lo": Nic(5, 5), "eth0": Nic(1000, 1000), "eth1": Nic(10, 20)},
            {"lo": Nic(9, 9), "eth0": Nic(3, 1500), "eth1": Nic(15, 20), "new": Nic(7, 7)},
            {"lo": Nic(9, 9)},
        ]
    )
    monkeypatch.setattr(psutil, "net_io_counters", lambda **_: next(answers))
    readings = Readings()

    host, *_ = readings.take()
    after, *_ = readings.take()

    assert host["host.network.ingress.bytes"] == 5
    assert host["host.network.egress.bytes"] == 500
    assert "host.network.ingress.bytes" not in after


def test_what_a_container_hides_is_left_out_and_named(monkeypatch):
    def hidden(*_arguments, **_more):
        raise PermissionError(13, "Permission denied", "/proc/stat")

    for name in ("cpu_times", "disk_partitions", "getloadavg"):
        monkeypatch.setattr(psutil, name, hidden)
    monkeypatch.setattr(psutil, "disk_io_counters", lambda: None)
    readings = Readings()

    (host,) = readings.take()

    assert set(readings.unread) == {"processors", "file systems", "load"}
    assert "/proc/stat" in readings.unread["processors"]
    assert not [name for name in host if name.startswith(("system.cpu.total", "host.disk"))]
    assert host["system.memory.total"] > 0


class Gpu:
    """A GPU of a stand-in NVML: there is none where tests run."""

    uuid, name = "GPU-1", b"NVIDIA T4"

    def __init__(self, power=70_000, *, blind=False):
        self.power = power
        self.rates = None if blind else SimpleNamespace(gpu=37, memory=5)
        self.memory = None if blind else SimpleNamespace(total=1000, used=250, free=750)


@pytest.fixture
def gpus(monkeypatch):
    """A function that puts a stand-in of nvidia-ml-py in place, with some GPUs."""

    class NVMLError(Exception):
        pass

    class NVMLError_NotSupported(NVMLError):  # noqa: N801, N818 - NVML's name
        pass

    def getter(name):
        def get(gpu):
            if getattr(gpu, name) is None:
                raise NVMLError_NotSupported
            return getattr(gpu, name)

        return get

    def install(*devices, broken=False):
        def init():
            if broken:
                raise NVMLError

        def count():
            if devices and devices[0] is None:
                raise NVMLError("GPU is lost")
            return len(devices)

        monkeypatch.setitem(
            sys.modules,
            "pynvml",
            SimpleNamespace(
                NVMLError=NVMLError,
                NVMLError_NotSupported=NVMLError_NotSupported,
                NVML_TEMPERATURE_GPU=0,
                nvmlInit=init,
                nvmlDeviceGetCount=count,
                nvmlDeviceGetHandleByIndex=lambda number: devices[number],
                nvmlDeviceGetUUID=lambda gpu: gpu.uuid,
                nvmlDeviceGetName=lambda gpu: gpu.name,
                nvmlDeviceGetUtilizationRates=getter("rates"),
                nvmlDeviceGetMemoryInfo=getter("memory"),
                nvmlDeviceGetTemperature=lambda _gpu, _sensor: 61,
                nvmlDeviceGetPowerUsage=getter("power"),
            ),
        )

    return install


def of_gpus(readings):
    return [reading for reading in readings.take() if "system.gpu.id" in reading]


def test_swap_space_is_read_where_there_is_any(monkeypatch):
    monkeypatch.setattr(psutil, "swap_memory", lambda: SimpleNamespace(total=1000, used=125))

    host, *_ = Readings().take()

    assert host["system.memory.swap.used.bytes"] == 125
    assert host["system.memory.swap.used.pct"] == 0.125


def test_what_cannot_be_read_is_told_once(monkeypatch, tmp_path):
    def hidden():
        raise PermissionError(13, "Permission denied", "/proc/loadavg")

    monkeypatch.setattr(psutil, "getloadavg", hidden)
    stop, messages = Event(), []

    def tell(sentence):
        messages.append(sentence)
        threading.Timer(0.2, stop.set).start()

    result = record(Settings(spool=tmp_path), 0.05, stop, tell=tell)

    assert result.readings >= 1
    assert result.dropped == {}
    assert len(messages) == 1
    assert "load cannot be read and will be left out: " in messages[0]


def test_each_gpu_is_a_reading_of_its_own(gpus):
    gpus(Gpu(), Gpu(power=None, blind=True))

    first, second = of_gpus(Readings())

    assert first == {
        "system.gpu.id": "GPU-1",
        "system.gpu.name": "NVIDIA T4",
        "system.gpu.utilization.pct": 0.37,
        "system.gpu.memory.total": 1000,
        "system.gpu.memory.used.bytes": 250,
        "system.gpu.memory.used.pct": 0.25,
        "system.gpu.temperature.celsius": 61,
        "system.gpu.power.watts": 70.0,
    }
    assert second == {
        "system.gpu.id": "GPU-1",
        "system.gpu.name": "NVIDIA T4",
        "system.gpu.temperature.celsius": 61,
    }


def test_without_a_driver_there_is_no_gpu(gpus):
    gpus(broken=True)

    readings = Readings()

    assert of_gpus(readings) == []
    assert readings.unread == {}


def test_a_driver_that_went_away_is_named(gpus):
    gpus(None)

    readings = Readings()

    assert of_gpus(readings) == []
    assert "GPU is lost" in readings.unread["GPUs"]
