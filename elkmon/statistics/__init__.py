"""Arithmetic on counts and sums: shares, intervals, tests, ranking. It knows no store."""
