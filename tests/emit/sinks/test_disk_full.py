"""A disk that is full, and has room again: counted meanwhile, and whole afterwards."""

import errno
import os
import resource
import subprocess
from pathlib import Path

import pytest

import elkmon
from elkmon.emit import process_emitter as state
from tests.support.emitting_processes import balanced, complete, files, read, run, whole

SIZE = 256 * 1024


def pretend(monkeypatch, place):
    """Let writes fail as they do on a small disk: for where none can be mounted."""
    write = os.write

    def limited(fd, data):
        path = Path(f"/proc/self/fd/{fd}").readlink()
        if place not in path.parents:
            return write(fd, data)
        free = SIZE - sum(f.stat().st_size for f in place.rglob("*") if f.is_file())
        if free <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(fd, data[:free])

    monkeypatch.setattr("elkmon.emit.sinks.spool.os.write", limited)


@pytest.fixture(params=["mounted", "pretended"])
def small_disk(request, tmp_path, monkeypatch):
    """Give a disk of 256 KiB: a mounted one where the machine lets us, and one that is played."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = request.param == "mounted" and os.getuid() == 0
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)]
    if mounted:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    if not mounted:
        pretend(monkeypatch, place)
    try:
        yield place
    finally:
        elkmon.reset()
        if mounted:
            subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def size_limit():
    """Limit the size of files; the limit is taken back afterwards."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size or before[0], before[1]))

    yield limit
    limit(None)
    elkmon.reset()


def logger(folder, **settings):
    elkmon.configure(spool=folder, **settings)
    return elkmon.get_logger(model="fraud", version="1", task="binary")


def emit(log, number=1, prefix="p"):
    for n in range(number):
        log.prediction(label="a", score=0.5, duration=0.01, id=f"{prefix}{n}")


def gaps(found):
    """Count the numbers that are missing between the first and the last."""
    ((_, numbers),) = found.sequences().items()
    return max(numbers) - min(numbers) + 1 - len(numbers)


def test_a_full_disk_costs_events_that_are_counted(small_disk, capfd):
    log = logger(small_disk / "spool")

    emit(log, 1500)

    stats = balanced(small_disk / "spool")
    assert stats.accepted == 1500
    assert set(stats.dropped) == {"disk_full"}
    assert stats.dropped["disk_full"] > 500
    assert capfd.readouterr().err.count("elkmon: ") == 1


def test_the_first_event_after_room_was_made_is_whole(small_disk):
    filler = small_disk / "filler"
    filler.write_bytes(bytes(SIZE // 2))
    log = logger(small_disk / "spool")
    emit(log, 500, prefix="before")
    full = balanced(small_disk / "spool")
    filler.unlink()

    emit(log, 5, prefix="after")
    elkmon.emit.flush()

    found = read(small_disk / "spool")
    stats = balanced(small_disk / "spool")
    assert full.dropped["disk_full"] > 0
    assert stats.dropped == full.dropped
    assert found.ids()[-5:] == [f"after{n}" for n in range(5)]
    assert len(found.torn) <= 1
    assert found.events[-1]["ml"]["emitter"]["dropped"] == full.dropped
    assert gaps(found) == full.dropped["disk_full"]


def test_a_disk_that_is_full_again_and_again(small_disk):
    filler = small_disk / "filler"
    filler.write_bytes(bytes(SIZE - 32 * 1024))
    log = logger(small_disk / "spool")

    for room in range(SIZE - 48 * 1024, 0, -16 * 1024):
        emit(log, 60, prefix=f"{room}-")
        os.truncate(filler, room)
    elkmon.emit.flush()

    found = read(small_disk / "spool")
    stats = balanced(small_disk / "spool")
    assert stats.dropped["disk_full"] > 100
    assert len(found.torn) <= 14
    assert gaps(found) == stats.dropped["disk_full"]


def test_no_room_for_the_first_file(small_disk):
    (small_disk / "filler").write_bytes(bytes(SIZE))
    log = logger(small_disk / "spool")
    emit(log, 3)
    full = balanced()
    (small_disk / "filler").unlink()
    state.current().sink._blocked_until = 0.0  # a second later

    emit(log, 2)

    assert full.written == 0
    assert balanced(small_disk / "spool").written == 2


def test_no_room_for_the_last_line(small_disk):
    log = logger(small_disk / "spool")
    emit(log, 1500)
    full = balanced(small_disk / "spool")

    elkmon.emit.flush()

    stats = balanced(small_disk / "spool")
    assert stats.accepted == 1501
    assert stats.dropped == {"disk_full": full.dropped["disk_full"] + 1}
    assert len(read(small_disk / "spool").torn) == 1


def test_a_batch_on_a_disk_that_fills_up(small_disk):
    log = logger(small_disk / "spool")

    ids = log.predictions(label=["a"] * 2000, score=[0.5] * 2000, duration=0.01)

    found = read(small_disk / "spool")
    stats = balanced(small_disk / "spool")
    assert stats.accepted == 2000
    assert found.ids() == ids[: stats.written]
    assert stats.dropped == {"disk_full": 2000 - stats.written}


def test_a_limit_of_the_size_of_files(size_limit, tmp_path):
    log = logger(tmp_path)
    size_limit(50_000)

    emit(log, 300)

    stats = balanced(tmp_path)
    assert stats.accepted == 300
    assert stats.dropped["file_too_big"] > 0
    assert files(tmp_path)[0].stat().st_size == 50_000


def test_the_first_event_after_the_limit_was_raised_is_whole(size_limit, tmp_path):
    log = logger(tmp_path)
    size_limit(20_000)
    emit(log, 100, prefix="before")
    limited = balanced(tmp_path)
    size_limit(None)

    emit(log, 5, prefix="after")
    elkmon.emit.flush()

    found = read(tmp_path)
    assert balanced(tmp_path).dropped == limited.dropped
    assert found.ids()[-5:] == [f"after{n}" for n in range(5)]
    assert len(found.torn) == 1
    assert gaps(found) == sum(limited.dropped.values())


def test_at_a_limit_that_leaves_room_for_events_the_next_file_is_begun(size_limit, tmp_path):
    log = logger(tmp_path)
    size_limit(300_000)

    emit(log, 1500)

    stats = balanced(tmp_path)
    assert len(files(tmp_path)) == 3
    assert stats.written >= 1490
    assert stats.accepted == 1500 + 2  # and the last lines of two files


def test_a_full_disk_does_not_disturb_the_end_of_a_process(tmp_path):
    script = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, resource.RLIM_INFINITY))
for n in range(100):
    log.prediction(label="a", score=0.5, duration=0.01)
stats = elkmon.stats()
print(stats.accepted, stats.written + sum(stats.dropped.values()))
"""
    out, err = run(script, tmp_path)

    assert out == "100 100\n"
    assert err.count("elkmon: ") == 1


def test_a_disk_that_never_fills_loses_nothing(tmp_path):
    emit(logger(tmp_path), 50)
    elkmon.reset()

    complete(whole(tmp_path))
