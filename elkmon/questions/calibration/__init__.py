"""Calibration: whether scores come true as often as they say."""
