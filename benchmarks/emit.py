"""What emitting costs, beside the loggers that an application would use otherwise.

Everybody writes the same prediction to a file of their own on the same disk: about 900 bytes, with
the features, ids, times and names of one elkmon event. structlog and python-json-logger are set up
as their documentation advises for production, with orjson.

Rows differ in every call: ten numbers and three texts, one of which seldom repeats; label, score
and duration differ, too. structlog gets the same and makes the same event of it, ids included. A
constant row in every call is measured apart: there both libraries are also given a finished dict,
which is the least that they could do.
"""

from __future__ import annotations

import logging
import logging.handlers
import os
import queue
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from hashlib import blake2b
from itertools import count
from math import log as ln
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import structlog
from pythonjsonlogger.orjson import OrjsonFormatter

import elkmon
from benchmarks.rounds import Row, interleaved, show

CALLS = 2_000
BATCH = 10_000
CHUNK = 250
_BIN = ln(1.02)
MERCHANTS = 200_000
"""Values of the text that seldom repeats."""
ROW: dict[str, Any] = {
    "amount": 129.99,
    "age_days": 412,
    "orders_30d": 3,
    "basket_items": 4,
    "hour": 14,
    "distance_km": 12.75,
    "velocity": 0.373,
    "trust": 0.8125,
    "country": "de",
    "device": "ios",
    "channel": "web",
}
SEGMENT = {"country": "de"}
CONSTANT: dict[str, Any] = {
    "label": "fraud",
    "score": 0.93,
    "features": ROW,
    "segment": SEGMENT,
    "duration": 0.012,
}

_random = np.random.default_rng(7)
_unique = count()


def main() -> None:
    """Measure, and print the table."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        _run(Path(folder))


def _run(folder: Path) -> None:
    elkmon.configure(service="scoring-api", environment="prod", spool=folder / "spool")
    log = elkmon.get_logger("fraud", "2.3.1", task="binary", positive="fraud")
    event = _event(log, folder)
    slog = _structlog(folder)
    plog = _jsonlogger(folder)
    fd = os.open(folder / "floor", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    show(
        "Emitting rows that differ in every call",
        [*_single_rows(log, slog, event), *_batch_rows(log)],
    )
    show("Emitting a constant row", _constant_rows(log, slog, plog, fd, event))
    show("Emitting batches of the constant row, its floats varied", _table_rows(log, fd, event))
    show("Bursts", _burst_rows(log, plog, event))
    elkmon.reset()


def calls(number: int, *, repeat: bool = True) -> list[dict[str, Any]]:
    """Make what an application has for some predictions, each with other values.

    Args:
        number: how many.
        repeat: whether texts repeat, as countries and devices do and merchants seldom do.
    """
    floats = np.abs(_random.normal(100.0, 25.0, size=(number, 7))).tolist()
    integers = _random.integers(0, 1000, size=(number, 6)).tolist()
    merchants = _random.integers(0, MERCHANTS, size=number).tolist()
    made = []
    for (amount, km, speed, trust, lat, lon, risk), (age, orders, items, a, b, c), merchant in zip(
        floats, integers, merchants, strict=True
    ):
        apart = 0 if repeat else next(_unique)
        country = f"country {a % 12}" if repeat else f"country {apart}"
        features = {
            "amount": amount,
            "age_days": age,
            "orders_30d": orders,
            "basket_items": items,
            "distance_km": km,
            "velocity": speed,
            "trust": trust,
            "latitude": lat,
            "longitude": lon,
            "risk": risk,
            "country": country,
            "device": f"device {b % 40}" if repeat else f"device {apart}",
            "merchant": f"merchant {merchant if repeat else apart}",
        }
        score = c / 1000
        made.append(
            {
                "label": "fraud" if score > 0.5 else "legit",
                "score": score,
                "features": features,
                "segment": {"country": country},
                "duration": 0.001 + amount / 1e4,
            }
        )
    return made


def _single_rows(
    log: elkmon.emit.ElkmonLogger,
    slog: structlog.typing.FilteringBoundLogger,
    event: dict[str, Any],
) -> list[Row]:
    repeating: list[dict[str, Any]] = []
    never: list[dict[str, Any]] = []

    def prepare() -> None:
        """Make new rows, outside of the time that is measured."""
        repeating[:] = calls(CALLS)
        never[:] = calls(CALLS, repeat=False)

    def single() -> None:
        for one in repeating:
            log.prediction(**one)

    def fresh() -> None:
        for one in never:
            log.prediction(**one)

    def block() -> None:
        for one in repeating:
            with log.predict(features=one["features"], segment=one["segment"]) as p:
                p.label, p.score = one["label"], one["score"]

    def structlog_made() -> None:
        for one in repeating:
            slog.info("prediction", **_made(event, **one))

    everything = {
        "structlog": structlog_made,
        "single": single,
        "block": block,
        "fresh": fresh,
    }
    medians = interleaved(everything, rounds=25, per=CALLS, prepare=prepare)
    us = {name: seconds * 1e6 for name, seconds in medians.items()}
    wanted = (
        ("single", "structlog", "≤ 0.42", "one prediction / structlog + orjson, same event made"),
        ("block", "single", "≤ 1.35", "`with log.predict` / one prediction"),
        ("fresh", "single", "≤ 1.35", "three texts that never repeat / one prediction"),
    )
    return [
        Row(text, us[a] / us[b], bound, f"{us[a]:.2f} against {us[b]:.2f} µs")
        for a, b, bound, text in wanted
    ]


def _batch_rows(log: elkmon.emit.ElkmonLogger) -> list[Row]:
    rows: list[dict[str, Any]] = []
    columns: dict[str, Any] = {}

    def prepare() -> None:
        rows[:] = calls(BATCH)
        columns.update({name: [one[name] for one in rows] for name in rows[0]})
        for table in ("features", "segment"):
            frame = columns[table]
            columns[table] = {name: [row[name] for row in frame] for name in frame[0]}

    def single() -> None:
        for one in rows:
            log.prediction(**one)

    medians = interleaved(
        {"single": single, "batch": lambda: log.predictions(**columns)},
        rounds=9,
        per=BATCH,
        prepare=prepare,
    )
    us = {name: seconds * 1e6 for name, seconds in medians.items()}
    return [
        Row(
            "events a second: batch of 10,000 lists / single calls",
            us["single"] / us["batch"],
            "≥ 5",
            f"{us['batch']:.2f} against {us['single']:.2f} µs an event",
        )
    ]


def _constant_rows(  # noqa: C901 - a loop for each contender, none wrapped in a call
    log: elkmon.emit.ElkmonLogger,
    slog: structlog.typing.FilteringBoundLogger,
    plog: logging.Logger,
    fd: int,
    event: dict[str, Any],
) -> list[Row]:
    ready = {name: value for name, value in event.items() if name != "event"}
    ready["meta"] = event["event"]  # structlog calls its message event
    renamed = {f"x_{name}": value for name, value in event.items()}  # logging has process, too

    def floor() -> None:
        for _ in range(CALLS):
            os.write(fd, orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE))

    def single() -> None:
        for _ in range(CALLS):
            log.prediction(label="fraud", score=0.93, features=ROW, segment=SEGMENT, duration=0.012)

    def block() -> None:
        for _ in range(CALLS):
            with log.predict(features=ROW, segment=SEGMENT) as p:
                p.label, p.score = "fraud", 0.93

    def fresh() -> None:
        for _ in range(CALLS):
            row = {**ROW, "device": f"device number {next(_unique)}"}
            log.prediction(label="fraud", score=0.93, features=row, segment=SEGMENT, duration=0.012)

    def structlog_ready() -> None:
        for _ in range(CALLS):
            slog.info("prediction", **ready)

    def structlog_made() -> None:
        for _ in range(CALLS):
            slog.info("prediction", **_made(event, **CONSTANT))

    def jsonlogger_ready() -> None:
        for _ in range(CALLS):
            plog.info("prediction", extra=renamed)

    medians = interleaved(
        {
            "floor": floor,
            "single": single,
            "block": block,
            "fresh": fresh,
            "structlog": structlog_ready,
            "structlog made": structlog_made,
            "json-logger": jsonlogger_ready,
        },
        rounds=25,
        per=CALLS,
    )
    us = {name: seconds * 1e6 for name, seconds in medians.items()}
    size = len(orjson.dumps(event))
    wanted = (
        ("single", "structlog made", "≤ 0.6", "structlog + orjson, event made in the call"),
        ("single", "structlog", "", "structlog + orjson, given a finished dict"),
        ("single", "json-logger", "≤ 0.5", "python-json-logger + orjson, given a finished dict"),
        ("single", "floor", "stated", "orjson + one write of a finished dict"),
        ("block", "floor", "stated", "`with log.predict` / orjson + one write"),
        ("fresh", "floor", "stated", "one text fresh every time / orjson + one write"),
    )
    return [
        Row(
            text if "/" in text else f"prediction of {size} bytes / {text}",
            us[a] / us[b],
            bound,
            f"{us[a]:.2f} against {us[b]:.2f} µs",
        )
        for a, b, bound, text in wanted
    ]


def _table_rows(log: elkmon.emit.ElkmonLogger, fd: int, event: dict[str, Any]) -> list[Row]:
    numbers = np.random.default_rng(7).normal(size=BATCH)
    table = {
        name: (numbers + value).tolist() if isinstance(value, float) else [value] * BATCH
        for name, value in ROW.items()
    }
    scores = np.abs(numbers % 1.0)
    labels = np.where(scores > 0.5, "fraud", "legit")
    frame = pd.DataFrame(table)
    rows = frame.to_dict("records")
    score_list, label_list = scores.tolist(), labels.tolist()

    given: dict[str, Any] = {"segment": SEGMENT, "duration": 0.012}
    lists = {"label": label_list, "score": score_list, **given}
    varied = {  # nothing that a column could share
        name: [f"{value}{place % 50}" for place in range(BATCH)]
        if isinstance(value, str)
        else (numbers + value).tolist()
        for name, value in ROW.items()
    }
    varied_rows = pd.DataFrame(varied).to_dict("records")

    chunk = orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE) * CHUNK
    medians = interleaved(
        {
            "single": lambda: _one_by_one(log, rows, label_list, score_list),
            "batch": lambda: log.predictions(features=table, **lists),
            "least": lambda: _least(fd, chunk),
            "single varied": lambda: _one_by_one(log, varied_rows, label_list, score_list),
            "batch varied": lambda: log.predictions(features=varied, **lists),
            "row by row": lambda: _one_by_one(log, frame.to_dict("records"), labels, scores),
            "frame": lambda: log.predictions(label=labels, score=scores, features=frame, **given),
        },
        rounds=9,
        per=BATCH,
    )
    us = {name: seconds * 1e6 for name, seconds in medians.items()}
    return [
        Row(
            "events a second: batch of 10,000 lists / single calls with finished rows",
            us["single"] / us["batch"],
            "≥ 5",
            f"{us['batch']:.2f} against {us['single']:.2f} µs an event",
        ),
        Row(
            "the same, had the batch only to make an id, its hash and one write of ready lines",
            us["single"] / us["least"],
            "stated",
            f"{us['least']:.2f} against {us['single']:.2f} µs an event",
        ),
        Row(
            "the same, with columns of which none says the same in all rows",
            us["single varied"] / us["batch varied"],
            "stated",
            f"{us['batch varied']:.2f} against {us['single varied']:.2f} µs an event",
        ),
        Row(
            "events a second: frame of 10,000 rows / the frame row by row",
            us["row by row"] / us["frame"],
            "",
            f"{us['frame']:.2f} against {us['row by row']:.2f} µs an event",
        ),
    ]


def _one_by_one(log: elkmon.emit.ElkmonLogger, rows: Any, labels: Any, scores: Any) -> None:  # noqa: ANN401 - whatever has them
    for row, label, score in zip(rows, labels, scores, strict=True):
        log.prediction(label=label, score=score, features=row, segment=SEGMENT, duration=0.012)


def _least(fd: int, chunk: bytes) -> None:
    """Do what no batch can leave out: ids, their hashes, and ready lines in writes like ours."""
    model = blake2b(b"fraud\0", digest_size=16)
    for start in range(0, BATCH, CHUNK):
        for each in range(start, start + CHUNK):
            key = model.copy()
            key.update(b"0193a5b2-1c3d-7abc-8abc-%012x" % each)
            key.hexdigest()
        os.write(fd, chunk)


def _burst_rows(
    log: elkmon.emit.ElkmonLogger, plog: logging.Logger, event: dict[str, Any]
) -> list[Row]:
    """Compare the 99th percentile of a call in bursts, against a queue with its own thread."""
    handler = plog.handlers[0]
    calls: queue.Queue[logging.LogRecord] = queue.Queue(-1)  # as the logging cookbook has it
    queued = logging.getLogger("bench.queued")
    queued.propagate = False
    queued.setLevel(logging.INFO)
    queued.addHandler(logging.handlers.QueueHandler(calls))
    listener = logging.handlers.QueueListener(calls, handler)
    listener.start()
    ready = {f"x_{name}": value for name, value in _made(event, **CONSTANT).items()}

    def ours() -> None:
        log.prediction(label="fraud", score=0.93, features=ROW, segment=SEGMENT, duration=0.012)

    def theirs() -> None:
        made = _made(event, **CONSTANT)
        queued.info("prediction", extra={f"x_{name}": value for name, value in made.items()})

    def theirs_ready() -> None:
        queued.info("prediction", extra=ready)

    calls_of = {"ours": ours, "made": theirs, "ready": theirs_ready}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in calls_of}
    for _ in range(15):
        for name, call in calls_of.items():
            found[name].append(_burst(call))
            while not calls.empty():
                time.sleep(0.01)
    listener.stop()
    p50, p99 = (
        {name: statistics.median(each[place] for each in found[name]) * 1e6 for name in found}
        for place in (0, 1)
    )
    wanted = (
        ("p99", p99, "made", "≤ 0.35", "event made in the call"),
        ("p99", p99, "ready", "", "given a finished dict"),
        ("p50", p50, "made", "stated", "event made in the call"),
        ("p50", p50, "ready", "stated", "given a finished dict"),
    )
    return [
        Row(
            f"burst of 5,000 calls, {name} / QueueHandler + python-json-logger, {text}",
            us["ours"] / us[opponent],
            bound,
            f"{us['ours']:.1f} against {us[opponent]:.1f} µs",
        )
        for name, us, opponent, bound, text in wanted
    ]


def _burst(call: Callable[[], object], count: int = 5_000) -> tuple[float, float]:
    """Give the median and the 99th percentile of the seconds that a call takes."""
    seconds = []
    for _ in range(count):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    seconds.sort()
    return seconds[count // 2], seconds[int(count * 0.99)]


def _event(log: elkmon.emit.ElkmonLogger, folder: Path) -> dict[str, Any]:
    log.prediction(label="fraud", score=0.93, features=ROW, segment=SEGMENT, duration=0.012)
    (file,) = (folder / "spool").glob("*.ndjson")
    event: dict[str, Any] = orjson.loads(file.read_bytes().splitlines()[0])
    return event


def _structlog(folder: Path) -> structlog.typing.FilteringBoundLogger:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.BytesLoggerFactory((folder / "structlog").open("ab")),
        cache_logger_on_first_use=True,
    )
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger


def _jsonlogger(folder: Path) -> logging.Logger:
    handler = logging.FileHandler(folder / "json-logger")
    handler.setFormatter(OrjsonFormatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("bench")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    return logger


def _made(
    event: dict[str, Any],
    *,
    label: str,
    score: float,
    features: dict[str, Any],
    segment: dict[str, str],
    duration: float,
) -> dict[str, Any]:
    """Make the same event of what the application has, as short as Python lets one."""
    numbers, categories = {}, {}
    for name, value in features.items():
        if isinstance(value, str):
            categories[name] = value
        else:
            numbers[name] = value
    prediction_id = str(uuid.uuid4())
    nanoseconds = int(duration * 1e9)
    return {
        "ecs": event["ecs"],
        "service": event["service"],
        "process": event["process"],
        "meta": {
            "id": uuid.uuid4().hex,
            "dataset": "elkmon.prediction",
            "kind": "event",
            "outcome": "success",
            "duration": nanoseconds,
        },
        "ml": {
            "schema": 1,
            "model": {"name": "fraud", "version": "2.3.1"},
            "task": "binary",
            "sample": {"rate": 1.0, "weight": 1.0},
            "prediction": {
                "id": prediction_id,
                "positive": "fraud",
                "label": label,
                "score": score,
            },
            "features": {"number": numbers, "category": categories},
            "segment": segment,
            "duration_bin": int(ln(nanoseconds) / _BIN),
        },
    }
