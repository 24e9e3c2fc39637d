"""Read the host (processors, memory, disks, network, GPUs) and write the readings as events."""

from __future__ import annotations

from elkmon.host.record import Recorded, record

__all__ = ["Recorded", "record"]
