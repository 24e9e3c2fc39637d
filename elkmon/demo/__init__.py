"""The demo: real models serve a simulated week; what was injected is written as ground truth."""

from __future__ import annotations

from elkmon.demo.plan import Plan, make_plan
from elkmon.demo.run import DemoOptions, DemoResult, run_demo

__all__ = ["DemoOptions", "DemoResult", "Plan", "make_plan", "run_demo"]
