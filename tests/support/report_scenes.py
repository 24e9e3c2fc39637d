"""Write small stores: two versions of one model, where the second may be worse."""

import re
from contextlib import suppress
from datetime import datetime, timedelta, timezone

import elkmon

START = datetime(2026, 11, 10, tzinfo=timezone.utc)
END = datetime(2026, 11, 20, tzinfo=timezone.utc)
SPAN = ("--since", "2026-11-10", "--until", "2026-11-20")
EACH = 400

HOSTILE = (
    "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"
    "\u2028\n\x1b[2J\x07\"'&amp;{{ 7 * 7 }}\u202e"
)


def serve(folder, *, name="fraud", worse=True, versions=("1.0", "2.0"), labels=True):
    """Serve ten days; a hostile ``name`` becomes part of every name that people choose.

    Version 1.0 is wrong in 1 of 20. So is 2.0; if it is ``worse``, it is also wrong in half of the
    requests from porto, and raises a KeyError in each 20th attempt.
    """
    suffix = "" if name == "fraud" else name
    elkmon.configure(
        service=f"shop{suffix}", environment="test", node=f"host{suffix}", spool=folder
    )
    for order, version in enumerate(versions):
        begin = START + timedelta(days=5 * order)
        log = elkmon.get_logger(
            name, f"{version}{suffix}", task="binary", positive=f"fraud{suffix}"
        )
        log.deployment(f"{version}{suffix}", at=begin)
        bad = worse and order == 1
        for number in range(EACH):
            at = begin + timedelta(minutes=15 * number)
            _attempt(log, f"{version}-{number}{suffix}", number, at, suffix, bad=bad, labels=labels)
    elkmon.reset()
    return folder


def _attempt(log, pid, number, at, suffix, *, bad, labels):
    site = ("porto", "oslo", "lyon", "graz")[number % 4]
    # =, !, < and > in the name of a segment cannot be typed as a condition
    segment = {f"site{re.sub('[=!<>]', '', suffix)}": f"{site}{suffix}"}
    if bad and number % 20 == 11:
        with suppress(KeyError), log.predict(id=pid, at=at, segment=segment):
            raise KeyError(f"no amount{suffix}")
        return
    hit = bad and site == "porto" and number // 8 % 2 == 0
    truth = "fraud" if hit or number % 20 == 3 else "legit"
    predicted = "fraud" if number % 20 == 7 else "legit"
    log.prediction(
        label=f"{predicted}{suffix}", score=0.9 if predicted == "fraud" else 0.2, id=pid, at=at,
        features={f"amount{suffix}": number, f"device{suffix}": f"ios{suffix}"}, segment=segment,
        duration=0.01 + number % 7 / 1000,
    )  # fmt: skip
    if labels:
        truth = predicted if predicted == "fraud" else truth
        log.label(pid, f"{truth}{suffix}", observed_at=at + timedelta(minutes=5))


def numbers(folder):
    """Serve a regression and a sampled model of many classes, without labels."""
    elkmon.configure(service="shop", environment="test", node="host-1", spool=folder)
    price = elkmon.get_logger("price", "1", task="regression")
    for number in range(60):
        at = START + timedelta(hours=number)
        price.prediction(value=number, id=f"p{number}", at=at)
        price.label(f"p{number}", value=number + 0.5, observed_at=at + timedelta(hours=1))
    many = elkmon.get_logger("many", "1", task="multiclass", sample_rate=0.25)
    for number in range(200):
        many.prediction(label=str(number % 30), id=f"m{number}", at=START + timedelta(hours=number))
    elkmon.reset()
    return folder
