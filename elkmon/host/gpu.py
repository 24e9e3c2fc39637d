"""Read NVIDIA's GPUs by NVML, where there are any and ``nvidia-ml-py`` is installed."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["Gpus"]

_DIGITS = 4


class Gpus:
    """The GPUs of this host; none where there is no driver, or nothing to talk to it."""

    def __init__(self) -> None:
        self._nvml: Any = None
        try:
            nvml = import_module("pynvml")
        except ImportError:
            return
        try:
            nvml.nvmlInit()
        except nvml.NVMLError:  # no driver: no GPU
            return
        self._nvml = nvml

    def read(self) -> list[dict[str, Any]]:
        """Give the readings of each GPU, by their full names.

        Raises:
            RuntimeError: the driver does not answer any more.
        """
        if self._nvml is None:
            return []
        nvml = self._nvml
        try:
            handles = [
                nvml.nvmlDeviceGetHandleByIndex(number)
                for number in range(nvml.nvmlDeviceGetCount())
            ]
            return [self._one(handle) for handle in handles]
        except nvml.NVMLError as error:
            raise RuntimeError(f"NVML does not answer: {error}") from error

    def _one(self, handle: Any) -> dict[str, Any]:  # noqa: ANN401 - NVML has no types
        nvml = self._nvml
        rates = self._asked(nvml.nvmlDeviceGetUtilizationRates, handle)
        memory = self._asked(nvml.nvmlDeviceGetMemoryInfo, handle)
        power = self._asked(nvml.nvmlDeviceGetPowerUsage, handle)
        found = {
            "system.gpu.id": _text(nvml.nvmlDeviceGetUUID(handle)),
            "system.gpu.name": _text(nvml.nvmlDeviceGetName(handle)),
            "system.gpu.temperature.celsius": self._asked(
                nvml.nvmlDeviceGetTemperature, handle, nvml.NVML_TEMPERATURE_GPU
            ),
        }
        if rates is not None:
            found["system.gpu.utilization.pct"] = rates.gpu / 100
        if memory is not None:
            found["system.gpu.memory.total"] = memory.total
            found["system.gpu.memory.used.bytes"] = memory.used
            found["system.gpu.memory.used.pct"] = round(memory.used / memory.total, _DIGITS)
        if power is not None:
            found["system.gpu.power.watts"] = power / 1000
        return found

    def _asked(self, question: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401
        """Ask what not every GPU can tell; None where it cannot."""
        try:
            return question(*arguments)
        except self._nvml.NVMLError_NotSupported:
            return None


def _text(given: str | bytes) -> str:
    return given.decode("utf-8", "replace") if isinstance(given, bytes) else given
