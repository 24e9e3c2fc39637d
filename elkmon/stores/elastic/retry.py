"""Ask a busy cluster again, a few times and with growing gaps."""

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
"""Seconds of the first and of the longest wait."""
_ATTEMPTS = 6
"""Of one question: some seconds, which is as long as people wait for an answer."""
_BUSY = {429, 503}


def jitter(attempt: int, draw: Callable[[], float] = random.random) -> float:
    """Give the seconds to wait before an attempt, the first being 0.

    Full jitter: anything from 0 to a bound that doubles. Source: Brooker, "Exponential Backoff
    And Jitter", AWS Architecture Blog, 2015.
    """
    return draw() * min(_BASE * 2.0 ** min(attempt, 16), _LONGEST)


def patiently(ask: Callable[[], AnswerT], url: str, doing: str) -> AnswerT:
    """Ask, and ask again where a cluster has too much to do, or is about to be there.

    Args:
        ask: asks once; it changes nothing, so that it can be repeated.
        url: of the cluster.
        doing: what is tried, for messages.

    Raises:
        StoreError: it is as busy at the last attempt.
        ApiError, TransportError: it refuses for another reason, or cannot be reached.
    """
    for attempt in range(_ATTEMPTS):
        try:
            return ask()
        except ApiError as error:
            if error.meta.status not in _BUSY:
                raise
            if attempt == _ATTEMPTS - 1:
                told = problem(error, url, doing)
                raise StoreError(f"{told} (it was asked {_ATTEMPTS} times)") from error
        time.sleep(jitter(attempt))
    raise AssertionError  # the last attempt returned or raised
