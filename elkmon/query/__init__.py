"""Shared by all questions: model, span, groups, conditions, and sums from the store."""
