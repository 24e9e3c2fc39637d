"""Host readings: processors, memory, disks, network and GPUs, as events beside those of models."""

from __future__ import annotations

from elkmon.host.record import Recorded, record

__all__ = ["Recorded", "record"]
