"""The exceptions that elkmon raises.

ElkmonError
├── ConfigError   a setting that cannot be used
├── UsageError    wrong use of the logger; raised in strict mode only
├── QueryError    a question that cannot be asked: unknown field, bad time span
└── StoreError    the events cannot be read or written
    └── ProvisionError  what a cluster should hold cannot be put there, or taken away
"""

from __future__ import annotations

__all__ = ["ConfigError", "ElkmonError", "ProvisionError", "QueryError", "StoreError", "UsageError"]


class ElkmonError(Exception):
    """Stand at the root of everything that elkmon raises on purpose."""


class ConfigError(ElkmonError):
    """Say which setting cannot be used, and what it takes instead."""


class UsageError(ElkmonError):
    """Say how the logger was used wrongly; raised only with ``strict=True``."""


class QueryError(ElkmonError):
    """Say what is wrong with a question: an unknown field, a bad span, a bad filter."""


class StoreError(ElkmonError):
    """Say why events cannot be read or written, and what to do about it."""


class ProvisionError(StoreError):
    """Say what could not be set up on a cluster, or taken away, and what to do about it."""
