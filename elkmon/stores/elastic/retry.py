"""Ask a busy cluster again, a few times and with growing pauses."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from elasticsearch import ApiError

from elkmon.events.errors import StoreError
from elkmon.stores.elastic.connect import problem

__all__ = ["jitter", "patiently"]

AnswerT = TypeVar("AnswerT")

_BASE, _LONGEST = 0.25, 30.0
"""Seconds of the first and of the longest pause, at most."""
_ATTEMPTS = 6
"""Together they take some seconds, about as long as people wait for an answer."""
_BUSY = {429, 503}


def jitter(attempt: int, draw: Callable[[], float] = random.random) -> float:
    """Return the seconds to wait before an attempt; the first attempt is number 0.

    Full jitter: any time between 0 and a bound that doubles. Source: Brooker, "Exponential Backoff
    And Jitter", AWS Architecture Blog, 2015.
    """
    return draw() * min(_BASE * 2.0 ** min(attempt, 16), _LONGEST)


def patiently(ask: Callable[[], AnswerT], url: str, doing: str) -> AnswerT:
    """Ask, and ask again while a cluster is too busy or still starts.

    Args:
        ask: asks once; it changes nothing, so it can be repeated.
        url: of the cluster.
        doing: what is tried, for messages.

    Raises:
        StoreError: the cluster is still busy at the last attempt.
        ApiError, TransportError: it refuses for another reason, or cannot be reached.
    """
    for attempt in range(_ATTEMPTS):
        try:
            return ask()
        except ApiError as error:
            if error.meta.status not in _BUSY:
                raise
            if attempt == _ATTEMPTS - 1:
                message = problem(error, url, doing)
                raise StoreError(f"{message} (it was asked {_ATTEMPTS} times)") from error
        time.sleep(jitter(attempt))
    raise AssertionError  # the last attempt returns or raises
