"""Read NVIDIA GPUs through NVML, if there are any and ``nvidia-ml-py`` is installed."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["Gpus"]

_DIGITS = 4


class Gpus:
    """The GPUs of this host; none without a driver or without ``nvidia-ml-py``."""

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
        """Return one reading for each GPU, by full field names.

        Raises:
            RuntimeError: the driver no longer answers.
        """
        if self._nvml is None:
            return []
        nvml = self._nvml
        try:
            handles = [
                nvml.nvmlDeviceGetHandleByIndex(number)
                for number in range(nvml.nvmlDeviceGetCount())
            ]
            return [self._reading(handle) for handle in handles]
        except nvml.NVMLError as error:
            raise RuntimeError(f"NVML does not answer: {error}") from error

    def _reading(self, handle: Any) -> dict[str, Any]:  # noqa: ANN401 - NVML has no types
        nvml = self._nvml
        rates = self._query(nvml.nvmlDeviceGetUtilizationRates, handle)
        memory = self._query(nvml.nvmlDeviceGetMemoryInfo, handle)
        power = self._query(nvml.nvmlDeviceGetPowerUsage, handle)
        reading = {
            "system.gpu.id": _text(nvml.nvmlDeviceGetUUID(handle)),
            "system.gpu.name": _text(nvml.nvmlDeviceGetName(handle)),
            "system.gpu.temperature.celsius": self._query(
                nvml.nvmlDeviceGetTemperature, handle, nvml.NVML_TEMPERATURE_GPU
            ),
        }
        if rates is not None:
            reading["system.gpu.utilization.pct"] = rates.gpu / 100
        if memory is not None:
            reading["system.gpu.memory.total"] = memory.total
            reading["system.gpu.memory.used.bytes"] = memory.used
            reading["system.gpu.memory.used.pct"] = round(memory.used / memory.total, _DIGITS)
        if power is not None:
            reading["system.gpu.power.watts"] = power / 1000
        return reading

    def _query(self, function: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401
        """Call a function of NVML; return None if this GPU does not support it."""
        try:
            return function(*arguments)
        except self._nvml.NVMLError_NotSupported:
            return None


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
