"""The emitter: numbers, figures, warnings, traces, sizes, clocks."""

import os
import re
import sys
import threading
import time
from types import ModuleType, SimpleNamespace
from uuid import UUID

import orjson
import pytest

import elkmon
from elkmon.emit import clock as clocks
from elkmon.emit import emitter as module
from elkmon.emit import process_emitter as state
from elkmon.emit.emitter import Emitter
from elkmon.emit.to_json import Notes
from elkmon.emit.truncate import truncate
from elkmon.events.settings import Settings
from tests.support.emitting_processes import balanced, complete, files, read, run, start, whole

KIB = 1024
MS = 1_795_507_200_000


class Sink:
    """Take lines into memory; lose them when a test says so."""

    limit = 256 * KIB

    def __init__(self):
        self.lines = []
        self.written = 0
        self.dropped = {}
        self.loses = None

    def write(self, data, ms, lines=1):
        if self.loses:
            self.dropped[self.loses] = self.dropped.get(self.loses, 0) + lines
            return
        self.written += lines
        self.lines += data.splitlines()

    def events(self):
        return [orjson.loads(line) for line in self.lines]

    def close(self):
        pass

    abandon = close


@pytest.fixture
def sink():
    made = Sink()
    with state.installed(Emitter(Settings(), sink=made)):
        yield made
        balanced()


@pytest.fixture
def log(sink):
    return elkmon.get_logger(model="fraud", version="1", task="binary")


@pytest.fixture
def spool(tmp_path):
    elkmon.configure(spool=tmp_path)
    yield tmp_path
    elkmon.reset()


@pytest.fixture
def now(monkeypatch):
    """Let a test set the time of day, in milliseconds."""
    ms = [MS]
    monkeypatch.setattr(clocks, "time_ns", lambda: ms[0] * 1_000_000)
    return ms


def emit(log, number=1):
    for _ in range(number):
        log.prediction(label="a", score=0.5, duration=0.01, features={"a": 1.0})


class Broken:
    def __str__(self):
        raise RuntimeError("broken")

    __repr__ = __str__


# ------------------------------------------------------------------------- numbers and figures


def test_events_of_all_kinds_are_numbered_from_one(log, sink):
    emit(log, 2)
    log.label("p", "a")
    log.error(ValueError("x"))
    log.info("x")
    log.metric("x", 1.0)
    log.deployment("2")
    log.predictions(label=["a"] * 3)

    assert [event["event"]["sequence"] for event in sink.events()] == list(range(1, 11))
    assert balanced().written == 10


def test_a_dropped_event_takes_a_number_and_is_counted(log, sink):
    emit(log)
    sink.loses = "disk_full"
    emit(log, 2)
    log.predictions(label=["a"] * 3)
    sink.loses = None
    emit(log)

    assert [event["event"]["sequence"] for event in sink.events()] == [1, 7]
    stats = balanced()
    assert (stats.accepted, stats.written, stats.dropped) == (7, 2, {"disk_full": 5})


def test_an_event_that_cannot_be_encoded_takes_a_number_and_is_counted(log, sink):
    emitter = state.current()
    emitter.submit("elkmon.log", {"message": object()}, Notes())
    emit(log)

    assert [event["event"]["sequence"] for event in sink.events()] == [2]
    assert balanced().dropped == {"unencodable": 1}


def test_a_sampled_out_prediction_takes_no_number(sink):
    log = elkmon.get_logger(model="m", sample_rate=0.5)

    for n in range(100):
        log.prediction(label="a", id=str(n))

    stats = balanced()
    assert stats.accepted == len(sink.lines) == 100 - stats.sampled_out
    assert 20 < stats.sampled_out < 80
    assert [e["event"]["sequence"] for e in sink.events()] == list(range(1, stats.accepted + 1))


def test_reasons_of_sink_and_emitter_are_added_up(log, sink):
    sink.loses = "unencodable"
    emit(log)
    sink.loses = None
    state.current().submit("elkmon.log", {"message": object()}, Notes())

    assert balanced().dropped == {"unencodable": 2}


def test_a_sink_that_raises_does_not_reach_the_caller(log, sink, monkeypatch, capfd):
    def broken(*_):
        raise RuntimeError("a broken sink")

    with monkeypatch.context() as patch:
        patch.setattr(sink, "write", broken)
        emit(log)
    emit(log)

    assert "a broken sink" in capfd.readouterr().err
    assert balanced().written == 1


def test_a_sink_that_cannot_be_closed_does_not_reach_the_caller(sink, monkeypatch, capfd):
    def broken():
        raise RuntimeError("a broken sink")

    monkeypatch.setattr(sink, "close", broken)
    state.current().close()

    assert "cannot close" in capfd.readouterr().err


def test_figures_hold_while_threads_emit(spool):
    log = elkmon.get_logger(model="m", task="binary")
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    threads = [threading.Thread(target=emit, args=(log, 500)) for _ in range(4)]
    seen = []
    try:
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            seen.append(balanced().accepted)
    finally:
        sys.setswitchinterval(before)
        for thread in threads:
            thread.join()

    assert seen == sorted(seen)
    assert balanced(spool).written == 2000


def test_counts_of_drops_hold_while_threads_race(sink):
    emitter = state.current()
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def drop():
        for _ in range(300):
            emitter.submit("elkmon.log", {"message": object()}, Notes())
            emitter.misuse("some_kind", "x")

    threads = [threading.Thread(target=drop) for _ in range(4)]
    try:
        for thread in threads:
            thread.start()
    finally:
        for thread in threads:
            thread.join()
        sys.setswitchinterval(before)

    stats = balanced()
    assert stats.dropped == {"unencodable": 1200}
    assert stats.misused == {"some_kind": 1200}


def test_the_emitter_event_tells_all_figures(spool):
    log = elkmon.get_logger(model="m", task="regression", sample_rate=0.5)
    for n in range(20):
        log.prediction(value=1.0, id=str(n))
    log.prediction(label="a", id="4")  # a class of a regression
    state.current().submit("elkmon.log", {"message": object()}, Notes())
    stats = balanced(spool)

    elkmon.emit.flush()

    (event,) = read(spool).of("elkmon.emitter")
    assert event["ml"]["emitter"] == {
        "last_sequence": stats.accepted,
        "accepted": stats.accepted,
        "written": stats.written,
        "dropped": {"unencodable": 1},
        "sampled_out": stats.sampled_out,
        "misused": stats.misused,
    }
    assert event["event"]["sequence"] == stats.accepted + 1


def test_switched_off_nothing_is_written_at_all(tmp_path):
    elkmon.configure(spool=tmp_path / "spool", enabled=False)
    log = elkmon.get_logger(model="m", task="binary")
    with log.predict() as p:
        p.label = "a"
    with pytest.raises(ZeroDivisionError), log.predict():
        1 / 0  # noqa: B018
    ids = log.predictions(label=["a", "b"])
    log.label(p.id, "a")
    log.error("x")
    log.info("x")
    log.metric("x", 1.0)
    log.deployment("2")
    elkmon.reset()

    assert len(ids) == 2
    assert not (tmp_path / "spool").exists()


def test_switched_off_nothing_is_accepted(tmp_path):
    elkmon.configure(spool=tmp_path / "spool", enabled=False)
    log = elkmon.get_logger(model="m", task="binary")

    emit(log, 3)
    log.error("x")

    assert balanced().accepted == 0
    elkmon.reset()


# ------------------------------------------------------------------------------------- warnings


def test_one_warning_a_minute_at_most(sink, capfd, monkeypatch):
    seconds = [0.0]
    monkeypatch.setattr(module, "monotonic", lambda: seconds[0])
    emitter = state.current()

    for seconds[0] in (1000.0, 1001.0, 1059.9, 1060.0, 1070.0, 1200.0):
        emitter.warn(f"at {seconds[0]}")

    assert capfd.readouterr().err.splitlines() == [
        "elkmon: at 1000.0",
        "elkmon: at 1060.0 (2 more warnings were not shown)",
        "elkmon: at 1200.0 (1 more warnings were not shown)",
    ]


def test_threads_warn_once(sink, capfd):
    emitter = state.current()
    line = threading.Barrier(8)

    def warn():
        line.wait()
        emitter.warn("trouble")

    threads = [threading.Thread(target=warn) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert capfd.readouterr().err.count("elkmon: trouble") == 1


def test_a_warning_is_one_short_line_whatever_it_is_about(sink, capfd):
    state.current().warn("\ud800 ä " + "x" * 10_000)

    err = capfd.readouterr().err
    assert err.startswith("elkmon: \\ud800 \\xe4 x")
    assert len(err) < 4096


def test_a_closed_stderr(tmp_path):
    (tmp_path / "spool").write_text("in the way")

    script = "os.close(2)\nlog.info('a')\nprint(elkmon.stats().dropped)"
    out, _ = run(script, tmp_path / "spool")

    assert out == "{'unwritable': 1}\n"


def test_a_stderr_that_nobody_reads_does_not_block(tmp_path):
    (tmp_path / "spool").write_text("in the way")
    script = """
os.set_blocking(2, False)
try:
    while True:
        os.write(2, bytes(4096))
except BlockingIOError:
    os.set_blocking(2, True)
log.info("a")
print(elkmon.stats().dropped)
"""
    process = start(script, tmp_path / "spool")
    out = process.stdout.read()
    process.communicate()

    assert out == b"{'unwritable': 1}\n"


# --------------------------------------------------------------------------------------- traces


def tracer(monkeypatch, span):
    fake = ModuleType("opentelemetry.trace")
    fake.get_current_span = span
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", fake)


def span_of(trace_id, span_id, *, valid=True):
    context = SimpleNamespace(trace_id=trace_id, span_id=span_id, is_valid=valid)
    return lambda: SimpleNamespace(get_span_context=lambda: context)


def test_the_active_trace_is_picked_up(log, sink, monkeypatch):
    tracer(monkeypatch, span_of(0xABC, 0x12))

    emit(log, 2)
    log.error(ValueError("x"))
    log.predictions(label=["a", "b"])

    for event in sink.events():
        assert event["trace"] == {"id": "00000000000000000000000000000abc"}
        assert event["span"] == {"id": "0000000000000012"}


def test_no_active_trace(log, sink, monkeypatch):
    tracer(monkeypatch, span_of(0, 0, valid=False))

    emit(log)

    assert "trace" not in sink.events()[0]


@pytest.mark.parametrize(
    "span",
    [lambda: 1 / 0, lambda: None, span_of("text", None), span_of(None, None)],
    ids=["raises", "none", "texts", "nones"],
)
def test_a_broken_tracer_costs_no_event(log, sink, monkeypatch, span):
    tracer(monkeypatch, span)

    emit(log)

    assert "trace" not in sink.events()[0]
    assert balanced().written == 1


def test_a_tracer_that_is_only_half_imported_costs_no_event(log, sink, monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", ModuleType("opentelemetry.trace"))

    emit(log)

    assert balanced().written == 1


# ----------------------------------------------------------------------------------------- sizes


def test_an_event_that_fits_sheds_nothing(log, sink):
    log.info("x" * 20_000)

    (event,) = sink.events()
    assert len(event["message"]) == 20_000
    assert "truncated" not in event["ml"]


def test_features_are_shed_first(log, sink):
    log.prediction(
        label="a",
        features={f"name {n}": "\U0001f4a5" * 1000 for n in range(100)},
        segment={"country": "de"},
    )

    (event,) = sink.events()
    assert event["ml"]["features"] == {"dropped": 100}
    assert event["ml"]["segment"] == {"country": "de"}
    assert event["ml"]["truncated"] == ["ml.features"]
    assert len(sink.lines[0]) <= sink.limit


def test_then_the_middle_of_the_stack(log, sink):
    def fail(depth):
        if depth == 0:
            raise ValueError("\x01" * 30_000)
        fail(depth - 1)

    try:
        fail(3)
    except ValueError as error:
        log.error(error, payload=["\x02" * 1000] * 20)  # noqa: TRY400 - ours takes exceptions

    (event,) = sink.events()
    stack = event["error"]["stack_trace"]
    assert event["ml"]["truncated"][0] == "error.stack_trace"
    assert stack.startswith("Traceback (most recent call last)")
    assert re.search(r"\n…\[cut \d+ characters\]…\n", stack)
    assert len(sink.lines[0]) <= sink.limit


def long_event():
    return {
        "message": "ä" * 3000,
        "error": {"message": "\x01" * 3000, "stack_trace": "a\n" * 3000},
        "labels": {"a": "b" * 3000},
        "log": {"logger": "l" * 3000},
        "metric": {"name": "n" * 3000, "unit": "u" * 3000},
        "ml": {
            "features": {"number": {"a": 1.0}, "category": {"b": "c" * 3000}, "dropped": 2},
            "segment": {"a": "b" * 3000},
            "prediction": {"id": "p", "scores": {"a" * 3000: 1.0}},
            "truth": {"source": "s" * 3000},
            "nonfinite": [f"{n:100}" for n in range(50)],
            "redacted": [f"{n:100}" for n in range(50)],
            "truncated": [f"{n:100}" for n in range(50)],
        },
    }


@pytest.mark.parametrize("limit", [8_000, 10_000, 16_000, 20_000, 30_000])
def test_what_is_left_fits_and_says_what_is_not(limit):
    line = truncate(long_event(), limit)

    event = orjson.loads(line)
    assert len(line) <= limit
    assert "ml.features" in event["ml"]["truncated"]
    assert event["ml"]["features"] == {"dropped": 4}
    assert event["ml"]["prediction"]["id"] == "p"


def test_what_cannot_fit_is_dropped_and_counted(sink, log):
    state.current().static["service"] = {"name": "x" * 300_000}

    log.info("a")

    assert balanced().dropped == {"unencodable": 1}


# ---------------------------------------------------------------------------------------- clocks


@pytest.mark.parametrize(
    "jumps",
    [
        [0] * 50,
        [-1] * 50,
        [1, -1] * 25,
        [-3_600_000, 3_600_000] * 10,
        [10 * 365 * 86_400_000, -20 * 365 * 86_400_000],
    ],
    ids=["stands", "back", "to and fro", "hours", "years"],
)
def test_ids_are_unique_and_times_are_the_clocks_whatever_it_does(log, sink, now, jumps):
    expected = []
    for jump in jumps:
        now[0] += jump
        emit(log, 30)
        log.info("x")
        expected += [now[0]] * 31

    events = sink.events()
    for given in ("id", "sequence"):
        assert len({event["event"][given] for event in events}) == len(events)
    ids = [e["ml"]["prediction"]["id"] for e in events if "prediction" in e["ml"]]
    assert len(set(ids)) == len(ids)
    assert [event["@timestamp"] for event in events] == [clocks.iso(ms) for ms in expected]


def test_ids_are_uuids_of_version_7_with_the_time_in_them(log, sink, now):
    log.info("x")

    (event,) = sink.events()
    uuid = UUID(event["event"]["id"])
    assert (uuid.version, uuid.variant) == (7, "specified in RFC 4122")
    assert uuid.int >> 80 == MS


def test_more_ids_of_one_millisecond_than_the_counter_has(log, sink, now):
    ids = log.predictions(label=["a"] * 10_000)

    assert len(set(ids)) == 10_000
    assert balanced().written == 10_000


@pytest.mark.parametrize("jump", [-86_400_000, 86_400_000])
def test_files_are_complete_over_a_jump_of_the_clock(spool, now, jump):
    log = elkmon.get_logger(model="m", task="binary")
    emit(log, 10)
    now[0] += jump
    emit(log, 10)
    elkmon.emit.flush()

    found = whole(spool)
    complete(found)
    assert len(files(spool)) == 1
    assert balanced(spool).written == 21


def test_a_clock_that_jumps_does_not_hide_that_the_folder_was_emptied(spool, now):
    log = elkmon.get_logger(model="m", task="binary")
    emit(log)
    files(spool)[0].unlink()
    now[0] -= 86_400_000

    emit(log, 2)

    assert len(read(spool).events) == 2
    assert balanced().written == 3


def test_a_second_is_the_same_in_every_text_of_an_event(log, sink):
    before = time.time_ns() // 1_000_000
    log.info("x")
    after = time.time_ns() // 1_000_000

    (event,) = sink.events()
    assert clocks.iso(before) <= event["@timestamp"] <= clocks.iso(after)
    assert event["event"]["created"] == event["@timestamp"]
    assert event["process"]["pid"] == os.getpid()
