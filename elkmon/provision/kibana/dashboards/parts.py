"""What all dashboards have in common: the way to the others, and the controls."""

from __future__ import annotations

from elkmon.provision.kibana.dashboard import Control, Text

__all__ = ["CONTROLS", "HEIGHT", "WAY"]

CONTROLS = (
    Control("Model", "ml.model.name"),
    Control("Version", "ml.model.version"),
    Control("Environment", "service.environment"),
    Control("Segment", "segment"),
)

HEIGHT = 12
"""Of a row of charts."""

WAY = (
    3,
    (
        Text(
            "The way",
            "**elkmon**: [Overview](#/view/{prefix}-dashboard-overview) · "
            "[Model quality](#/view/{prefix}-dashboard-quality) · "
            "[Errors and issues](#/view/{prefix}-dashboard-errors) · "
            "[Data](#/view/{prefix}-dashboard-data) · "
            "[Service and host](#/view/{prefix}-dashboard-service)"
            "  |  documents: [wrong answers](discover#/view/{prefix}-search-wrong) · "
            "[failed attempts](discover#/view/{prefix}-search-failed) · "
            "[error events](discover#/view/{prefix}-search-errors) · "
            "[answers without a label](discover#/view/{prefix}-search-unlabelled) · "
            "[waiting labels](discover#/view/{prefix}-search-waiting) · "
            "[all events](discover#/view/{prefix}-search-events)",
        ),
    ),
)
"""The first row: to the other dashboards, and to the documents."""
