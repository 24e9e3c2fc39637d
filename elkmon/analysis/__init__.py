"""Arithmetic on aggregates: what the answers of a store mean, as figures with intervals."""
