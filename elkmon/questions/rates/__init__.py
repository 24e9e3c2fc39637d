"""Failure rate and error rate."""
