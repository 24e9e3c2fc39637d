"""Bridges from other loggers: an application's own structlog chain, and the logging module."""
