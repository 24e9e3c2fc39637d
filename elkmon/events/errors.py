"""The exceptions that elkmon raises.

ElkmonError
├── ConfigError   a setting that cannot be used
├── UsageError    wrong use of the logger; raised in strict mode only
├── QueryError    a question that cannot be asked: an unknown field, a bad time span
└── StoreError    the events cannot be read or written
    └── ProvisionError  a cluster cannot be set up, or what was set up cannot be removed
"""

from __future__ import annotations

__all__ = ["ConfigError", "ElkmonError", "ProvisionError", "QueryError", "StoreError", "UsageError"]


class ElkmonError(Exception):
    """The root of everything that elkmon raises on purpose."""


class ConfigError(ElkmonError):
    """A setting cannot be used; the message says what it takes."""


class UsageError(ElkmonError):
    """The logger was used wrongly; raised only with ``strict=True``."""


class QueryError(ElkmonError):
    """A question has an unknown field, a bad span or a bad condition."""


class StoreError(ElkmonError):
    """Events cannot be read or written; the message says what to do."""


class ProvisionError(StoreError):
    """A cluster cannot be set up, or cleared; the message says what to do."""
