"""The sink for containers: a line an event on standard output."""

import json
import os
import subprocess

import pytest

import elkmon
from elkmon.emit.sinks import stdout as module
from tests.support.emitting_processes import balanced, run, start

LIMIT = 16 * 1024
SINK = {"ELKMON_SINK": "stdout"}
FIGURES = """
stats = elkmon.stats()
sys.stderr.write(f"{stats.accepted} {stats.written} {stats.dropped}\\n")
"""
LONG = """
LONG = {f"{n:125}": 0.1 + n for n in range(100)}
LONG_TOO = {f"segment {n}": "x" * 1000 for n in range(4)}
"""


@pytest.fixture
def log():
    elkmon.configure(sink="stdout")
    yield elkmon.get_logger(model="fraud", version="1", task="binary")
    elkmon.reset()


@pytest.fixture
def out(monkeypatch):
    """Take what is written instead of the descriptor; a test sets how much is taken at once."""

    class Out:
        data = b""
        takes = ()

        def write(self, fd, data):
            if fd != 1:
                return len(data)
            take, *self.takes = self.takes or (len(data),)
            if isinstance(take, BaseException):
                raise take
            if callable(take):
                take = take()
            self.data += data[:take]
            return min(take, len(data))

    fake = Out()
    monkeypatch.setattr(module.os, "write", fake.write)
    return fake


def emit(log, number=1, prefix="p"):
    for n in range(number):
        log.prediction(label="a", score=0.5, duration=0.01, id=f"{prefix}{n}")


def good(data):
    """Give the ids of the lines that are whole, and the number of others; empty ones are none."""
    ids, broken = [], 0
    for line in data.split(b"\n"):
        if line.startswith(b"{") and line.endswith(b"}}"):
            ids.append(json.loads(line)["ml"]["prediction"]["id"])
        elif line:
            broken += 1
    return ids, broken


def test_each_event_is_a_line(tmp_path):
    script = """
for n in range(20):
    log.prediction(label="a", score=0.5, duration=0.01, id=f"p{n}")
log.predictions(label=["a"] * 600, score=[0.5] * 600, duration=0.01)
log.error(ValueError("x"))
"""
    out, err = run(script + FIGURES, tmp_path / "spool", env=SINK)

    events = [json.loads(line) for line in out.splitlines()]
    assert [e["event"]["sequence"] for e in events] == list(range(1, 622))
    assert err == "621 621 {}\n"
    assert not (tmp_path / "spool").exists()


@pytest.mark.parametrize(
    "event",
    [
        """log.prediction(label="a", features={f"name {n}": "ä" * 900 for n in range(100)})""",
        """log.prediction(label="a", segment={f"name {n}": "x" * 900 for n in range(100)})""",
        """log.prediction(label="a", scores={f"class {n}": 0.001 for n in range(1000)})""",
        """log.prediction(label="a", scores={f"class {n}": float("nan") for n in range(1000)})""",
        """log.predictions(label=["a"], features={f"name {n}": ["x" * 900] for n in range(100)})""",
        """log.predictions(label=["a"], features=LONG, segment=LONG_TOO)""",
        """log.prediction(label="a", duration=0.1, features=LONG, segment=LONG_TOO)""",
        """log.info("\\x01" * 30_000)""",
        """log.info("x", payload=["y" * 1000] * 300)""",
        """log.bind(payload=["y" * 1000] * 30).prediction(label="a", duration=0.1)""",
        """log.error(ValueError("\\U0001f4a5" * 30_000))""",
        """log.error("ä" * 30_000)""",
        """log.metric("x" * 30_000, 1.0, unit="y" * 30_000)""",
        """log.label("p", "a", source="x" * 30_000)""",
        """log.info("x", **{f"password {n} " * 20: n for n in range(1000)})""",
    ],
)
def test_a_line_is_16_kib_at_most_and_says_what_was_left_out(tmp_path, event):
    twice = f"for _ in range(2):\n    {event}\n"  # the second time in the short way
    out, err = run(LONG + twice + FIGURES, tmp_path, env=SINK)

    lines = out.encode().splitlines(keepends=True)
    assert len(lines) == 2
    for line in lines:
        assert len(line) <= LIMIT
        assert json.loads(line)["ml"]["truncated"]
    assert err == "2 2 {}\n"


def test_many_long_values_stay_within_the_limit(tmp_path):
    script = """
log = elkmon.get_logger(model="m" * 200, version="v" * 200, task="binary").bind(**{
    f"bound {n}": "b" * 100 for n in range(25)
})
features = {f"number {n:03} {'n' * 10}": -1.2345678901234567e-300 / (n + 1) for n in range(60)}
features |= {f"text {n}": "t" * 250 for n in range(10)}
segment = {f"segment {n}": "s" * 250 for n in range(10)}
for _ in range(3):
    log.prediction(label="l" * 1000, score=0.123456789, duration=0.1, id="\\x01" * 200,
                   features=features, segment=segment)
"""
    out, err = run(script + FIGURES, tmp_path, env=SINK)

    assert [len(line) <= LIMIT for line in out.encode().splitlines(keepends=True)] == [True] * 3
    assert err == "3 3 {}\n"


def test_a_closed_stdout_is_counted_and_said_once(tmp_path):
    script = "os.close(1)\nfor _ in range(5): log.metric('a', 1.0)\n"
    _, err = run(script + FIGURES, tmp_path, env=SINK)

    warning, figures = err.splitlines()
    assert warning.startswith("elkmon: cannot write to standard output")
    assert figures == "5 0 {'stdout_closed': 5}"


def test_a_file_that_took_the_place_of_standard_output_gets_no_line(tmp_path):
    script = f"""
own = {str(tmp_path / "own")!r}
log.metric("a", 1.0)
os.closerange(0, 256)
fds = [os.open(f"{{own}}{{n}}", os.O_WRONLY | os.O_CREAT | os.O_APPEND) for n in range(5)]
for _ in range(5):
    log.metric("a", 1.0)
log.metric("a", "no number")
stats = elkmon.stats()
assert (stats.accepted, stats.written, stats.dropped) == (6, 1, {{"stdout_closed": 5}})
os.dup2(os.open(f"{{own}}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 1)
log.metric("a", 1.0)
os._exit(elkmon.stats().written)
"""
    out, _ = run(script, tmp_path, env=SINK, code=2)

    assert len(out.splitlines()) == 1
    assert [(tmp_path / f"own{n}").read_bytes() for n in (0, 2, 3, 4)] == [b""] * 4
    (line,) = (tmp_path / "own.log").read_bytes().splitlines()
    assert json.loads(line)["metric"]["name"] == "a"


def test_a_reader_that_went_away_is_counted(tmp_path):
    script = """
log.metric("a", 1.0)
sys.stdin.readline()
for _ in range(5):
    log.metric("a", 1.0)
"""
    process = start(script + FIGURES, tmp_path, env=SINK, stdin=subprocess.PIPE)
    first = process.stdout.readline()
    process.stdout.close()
    process.stdin.write(b"go on\n")
    process.stdin.flush()
    err = process.stderr.read().decode()
    process.stdin.close()
    process.stderr.close()

    assert process.wait(60) == 0
    assert json.loads(first)["metric"]["name"] == "a"
    assert err.splitlines()[-1] == "6 1 {'stdout_closed': 5}"


def test_a_full_pipe_that_does_not_block_is_counted_and_the_next_line_is_whole(tmp_path):
    script = """
os.set_blocking(1, False)
for n in range(400):
    log.prediction(label="a", score=0.5, duration=0.01, id=f"full{n}")
sys.stdin.readline()
for n in range(5):
    log.prediction(label="a", score=0.5, duration=0.01, id=f"after{n}")
"""
    figures = FIGURES.replace('sys.stderr.write(f"', 'sys.stderr.write(f"figures ')
    waiting = script.replace(
        "sys.stdin", "sys.stderr.write('full\\n'); sys.stderr.flush(); sys.stdin"
    )
    process = start(waiting + figures, tmp_path, env=SINK, stdin=subprocess.PIPE)
    while process.stderr.readline() != b"full\n":
        pass
    data = os.read(process.stdout.fileno(), 1 << 20)
    process.stdin.write(b"go on\n")
    process.stdin.flush()
    rest, err = process.communicate()
    ids, broken = good(data + rest)
    line = err.decode().splitlines()[-1]
    _, accepted, written, dropped = line.split(maxsplit=3)

    assert process.returncode == 0
    assert ids[-5:] == [f"after{n}" for n in range(5)]
    assert broken <= 1
    assert (int(accepted), int(written)) == (405, len(ids))
    assert dropped == f"{{'stdout_full': {405 - len(ids)}}}"


def test_a_write_that_a_signal_cut_short_goes_on(log, out):
    out.takes = [100, 7]

    emit(log, 2)

    assert good(out.data) == (["p0", "p1"], 0)
    stats = balanced()
    assert (stats.written, stats.dropped) == (2, {})


@pytest.mark.parametrize(
    ("number", "reason"), [(11, "stdout_full"), (5, "io_error"), (32, "stdout_closed")]
)
@pytest.mark.parametrize("sent", [0, 100])
def test_a_line_after_a_failed_one_is_whole(log, out, number, reason, sent):
    out.takes = [sent, OSError(number, "no")] if sent else [OSError(number, "no")]

    emit(log, 2)

    assert good(out.data) == (["p1"], 1 if sent else 0)
    stats = balanced()
    assert (stats.accepted, stats.written, stats.dropped) == (2, 1, {reason: 1})


def test_a_batch_counts_the_lines_that_got_through(log, out):
    out.takes = [1200, BlockingIOError(11, "no")]

    log.predictions(label=["a"] * 10, score=[0.5] * 10, duration=0.01)

    ids, broken = good(out.data)
    stats = balanced()
    assert broken == 1
    assert stats.accepted == 10
    assert stats.written == len(ids) > 0
    assert stats.dropped == {"stdout_full": 10 - len(ids)}


@pytest.mark.parametrize("cut", [100, 100_000], ids=["in the middle", "at the end"])
def test_a_signal_handler_that_logs_while_a_line_is_written(log, out, cut):
    def handler():
        emit(log, prefix="handler")
        return cut

    out.takes = [100, handler] if cut == 100_000 else [handler]
    emit(log, 2)

    ids, broken = good(out.data)
    stats = balanced()
    assert {"handler0", "p1"} <= set(ids)
    assert stats.accepted == 3
    assert stats.written == len(ids)
    assert broken <= 2


def test_an_interrupt_is_counted_and_goes_on(log, out):
    out.takes = [KeyboardInterrupt()]

    with pytest.raises(KeyboardInterrupt):
        emit(log)
    emit(log, 1, prefix="after")

    assert good(out.data) == (["after0"], 0)
    stats = balanced()
    assert (stats.accepted, stats.dropped) == (2, {"interrupted": 1})
