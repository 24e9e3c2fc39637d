"""Write a store in which one version has a new failure and a higher error rate at one site."""

from datetime import datetime, timedelta, timezone

import pytest

import elkmon

START = datetime(2026, 11, 10, tzinfo=timezone.utc)
SPAN = ("--since", "2026-11-10", "--until", "2026-11-20")
EACH = 400


def serve(folder):
    """Serve ten days of ``fraud``: both versions are wrong in 1 of 20, and 2.0 in half from porto.

    2.0 raises a KeyError in each 40th attempt; both raise a ValueError now and then.
    """
    elkmon.configure(service="shop", environment="test", node="host-1", spool=folder)
    for version, begin in (("1.0", START), ("2.0", START + timedelta(days=5))):
        log = elkmon.get_logger("fraud", version, task="binary", positive="fraud")
        log.deployment(version, at=begin)
        for number in range(EACH):
            _attempt(log, version, number, begin + timedelta(minutes=15 * number))
    shop = elkmon.get_logger("fraud", "2.0")
    for value in (3.0, 5.0, 10.0):
        shop.metric("basket_value", value, unit="eur")
    elkmon.get_logger().metric("queue_length", 7)
    elkmon.reset()
    return folder


def _attempt(log, version, number, at):
    pid = f"{version}-{number}"
    site = ("porto", "oslo", "lyon", "graz")[number % 4]
    segment = {"site": site, "channel": ("shop", "app")[number // 4 % 2]}
    fault = KeyError if version == "2.0" and number % 40 == 11 else None
    if number % 100 == 57:
        fault = ValueError
    if fault is not None:
        with pytest.raises(fault), log.predict(id=pid, at=at, segment=segment):
            raise fault("no amount")
        return
    hit = version == "2.0" and site == "porto" and number // 8 % 2 == 0
    truth = "fraud" if hit or number % 20 == 3 else "legit"
    duration = 0.01 if version == "1.0" else 0.02
    features = {"amount": number}
    log.prediction(
        label="legit", duration=duration, features=features, segment=segment, id=pid, at=at
    )
    log.label(pid, truth, observed_at=at + timedelta(minutes=5))
