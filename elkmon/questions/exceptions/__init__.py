"""The most frequent exceptions."""
