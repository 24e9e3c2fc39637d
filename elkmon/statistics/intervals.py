"""Compute Wilson's score interval of a share, also for weighted counts."""

from __future__ import annotations

from math import sqrt

__all__ = ["Z95", "effective", "wilson"]

Z95 = 1.959963984540054
"""The standard normal distribution's 97.5 % quantile: two-sided 95 %."""


def effective(weight: float, weight2: float) -> float:
    """Return Kish's effective number of equally weighted observations.

    Args:
        weight: Σw, above 0.
        weight2: Σw².

    Returns:
        (Σw)² / Σw²; the number of observations if all weights are equal.
    """
    return weight * weight / weight2


def wilson(share: float, n: float, z: float = Z95) -> tuple[float, float]:
    """Return Wilson's score interval (E. B. Wilson, JASA 22, 1927).

    Args:
        share: k / n, from 0 to 1.
        n: number of observations, above 0; the effective number where they are weighted.
        z: quantile of the standard normal distribution.

    Returns:
        The lower and upper limit, within [0, 1]; exactly 0 or 1 if the share is.
    """
    square = z * z / n
    centre = (share + square / 2) / (1 + square)
    half = z / (1 + square) * sqrt(share * (1 - share) / n + square / (4 * n))
    low = 0.0 if share <= 0 else max(centre - half, 0.0)
    high = 1.0 if share >= 1 else min(centre + half, 1.0)
    return low, high
