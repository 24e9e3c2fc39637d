"""What happens in the simulated week: the names and numbers of the demo."""

from __future__ import annotations

from datetime import timedelta

__all__ = [
    "DAYS",
    "DIGITS",
    "DIGITS_RATE",
    "DIGITS_VERSION",
    "TRIAGE",
    "UNIT_FACTOR",
    "UNIT_FEATURE",
    "UNIT_FROM",
    "UNIT_SITE",
    "V1",
    "V2",
    "V2_FROM",
]

DAYS = 7
TRIAGE = "tumour-triage"
"""Binary: is the tumour malignant? Version 1.4.0 is replaced midweek."""
V1, V2 = "1.4.0", "2.0.0"
V2_FROM = timedelta(days=3, hours=12)
"""From the start of the week to the moment when version 2 goes live."""

DIGITS = "digit-reader"
"""Ten classes: which digit is on the envelope? Low risk, so its predictions are sampled."""
DIGITS_VERSION = "3.1.0"
DIGITS_RATE = 0.25

UNIT_SITE = "porto"
UNIT_FEATURE = "perimeter"
UNIT_FACTOR = 0.1
"""One site's scanners begin to send this feature in centimetres instead of millimetres."""
UNIT_FROM = timedelta(days=4, hours=20)
"""From the start of the week to the first wrong unit."""
