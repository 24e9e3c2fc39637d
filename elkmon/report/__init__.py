"""The report: what changed and why, as one page of HTML that needs nothing else."""

from elkmon.report.page import Report, build_report

__all__ = ["Report", "build_report"]
