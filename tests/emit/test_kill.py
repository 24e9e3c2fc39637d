"""kill -9 loses nothing that a call returned from."""

import os
import random

from tests.support.emitting_processes import files, is_locked, read, start

EMIT_FOREVER = """
while True:
    os.write(1, (log.prediction(label="a", score=0.5, duration=0.01) + "\\n").encode())
"""
EMIT_IN_THREADS = """
def emit():
    while True:
        os.write(1, (log.prediction(label="a", score=0.5, duration=0.01) + "\\n").encode())
for _ in range(3):
    threading.Thread(target=emit).start()
"""
BATCHES_FOREVER = """
while True:
    ids = log.predictions(label=["a", "b"] * 200, score=[0.5] * 400, duration=0.01)
    os.write(1, ("\\n".join(ids) + "\\n").encode())
"""
SMALL_FILES = {"ELKMON_ROTATE_BYTES": "20000"}


def kill(script, spool, times, **kw):
    """Kill a process in the middle of its work, many times; give the ids that it acknowledged."""
    rng = random.Random(times)  # noqa: S311 - when to kill is no secret
    acknowledged = []
    for _ in range(times):
        process = start(script, spool, **kw)
        data, enough = b"", rng.randrange(2_000, 60_000)
        while len(data) < enough:
            data += os.read(process.stdout.fileno(), enough - len(data))
        process.kill()
        rest, err = process.communicate()
        assert process.returncode == -9, err
        acknowledged += (data + rest).decode().split("\n")[:-1]
    return acknowledged


def hold(spool, acknowledged, times):
    """Nothing that was acknowledged is missing; each process left one torn tail at most."""
    found = read(spool)
    ids = found.ids()
    assert len(set(ids)) == len(ids)
    assert set(acknowledged) <= set(ids)
    assert len(acknowledged) > 50 * times
    assert len(found.torn) <= times
    assert all(not line.endswith(b"\n") for line in found.torn)
    assert not any(map(is_locked, files(spool)))


def test_50_times_while_single_events_are_emitted(tmp_path):
    acknowledged = kill(EMIT_FOREVER, tmp_path, 50)
    hold(tmp_path, acknowledged, 50)


def test_while_files_are_rotated(tmp_path):
    acknowledged = kill(EMIT_FOREVER, tmp_path, 8, env=SMALL_FILES)
    hold(tmp_path, acknowledged, 8)
    assert len(files(tmp_path)) > 8


def test_while_threads_emit(tmp_path):
    acknowledged = kill(EMIT_IN_THREADS, tmp_path, 5)
    hold(tmp_path, acknowledged, 5)


def test_while_batches_are_emitted(tmp_path):
    acknowledged = kill(BATCHES_FOREVER, tmp_path, 5)
    hold(tmp_path, acknowledged, 5)
