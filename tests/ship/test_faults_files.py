"""Files that rotate, vanish, or are cut short while they are shipped; a disk that is full."""

import errno
import os
import resource
import subprocess

import pytest

from elkmon.events.errors import StoreError
from elkmon.ship.deadletters import DeadLetters
from tests.support.shipping import dead_letters, figures, ids, line, many, ship, write


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "spool"


def once(do):
    """Do something before the first request goes through."""
    return lambda request: do() if request.number == 1 else None


def test_a_file_that_vanishes_while_it_is_shipped_is_read_to_its_end(
    cluster, prefix, proxy, folder
):
    path = write(folder, "a.ndjson", *many(8000, width=1000))
    proxy.fault = once(path.unlink)

    run = ship(folder, proxy.url, prefix)

    assert figures(run) == (8000, 8000, 0, 0)
    assert len(proxy.requests) > 1


def test_a_file_that_vanished_before_it_was_shipped_is_said_with_what_is_missing(
    cluster, prefix, proxy, folder
):
    path = write(folder, "a.ndjson", line("a"))
    torn = write(folder, "b.ndjson", line("b"), b'{"to', end=b"")
    os.utime(torn)
    ship(folder, proxy.url, prefix)
    torn.unlink()
    path.unlink()

    run = ship(folder, proxy.url, prefix)

    assert run.messages == ["b.ndjson is gone, and 4 bytes of it were not shipped"]
    assert ship(folder, proxy.url, prefix).messages == []


def test_a_file_that_is_cut_short_while_it_is_shipped_is_said(cluster, prefix, proxy, folder):
    path = write(folder, "a.ndjson", *many(8000, width=1000))
    length = len(many(1, width=1000)[0]) + 1
    proxy.fault = once(lambda: os.truncate(path, 10 * length))

    run = ship(folder, proxy.url, prefix)

    assert run.printed("a.ndjson was cut short")
    write(folder, "a.ndjson", line("new"))
    run = ship(folder, proxy.url, prefix)
    assert figures(run) == (11, 1, 10, 0)
    assert "new" in ids(cluster, prefix)


def test_a_file_that_is_written_anew_is_read_from_its_beginning(cluster, prefix, proxy, folder):
    path = write(folder, "a.ndjson", *many(5))
    ship(folder, proxy.url, prefix)
    inode = path.stat().st_ino
    with path.open("r+b") as file:  # the same file, as copytruncate leaves it, and larger
        file.truncate()
        file.write(b"\n".join(many(9, start=100)) + b"\n")
    assert path.stat().st_ino == inode

    run = ship(folder, proxy.url, prefix)

    assert figures(run) == (9, 9, 0, 0)
    assert run.printed("begins differently")


def test_a_file_that_was_replaced_is_read_from_its_beginning(cluster, prefix, proxy, folder):
    path = write(folder, "a.ndjson", *many(5))
    ship(folder, proxy.url, prefix)
    write(folder, "new", *many(7)).rename(path)

    run = ship(folder, proxy.url, prefix)

    assert figures(run) == (7, 2, 5, 0)
    assert run.printed("is another file")


def test_a_file_that_is_renamed_goes_on(cluster, prefix, proxy, folder):
    path = write(folder, "a.ndjson", *many(5))
    ship(folder, proxy.url, prefix)
    path.rename(folder / "b.ndjson")
    write(folder, "b.ndjson", *many(2, start=5))
    write(folder, "a.ndjson", *many(3, start=7))

    run = ship(folder, proxy.url, prefix)

    assert figures(run) == (5, 5, 0, 0)
    assert len(ids(cluster, prefix)) == 10


def test_files_that_rotate_while_they_are_shipped_lose_nothing(cluster, prefix, proxy, folder):
    path = write(folder, "a.ndjson", *many(3000, width=1000))

    def rotate():
        path.rename(folder / "a-1.ndjson")
        write(folder, "a.ndjson", *many(10, start=3000))

    proxy.fault = once(rotate)

    runs = [ship(folder, proxy.url, prefix), ship(folder, proxy.url, prefix)]

    assert len(ids(cluster, prefix)) == 3010
    assert sum(run.tally.created for run in runs) == 3010


def test_line_numbers_go_on_after_a_restart(cluster, prefix, proxy, folder):
    write(folder, "a.ndjson", *many(3))
    ship(folder, proxy.url, prefix)
    write(folder, "a.ndjson", line("a"), b"nonsense")

    ship(folder, proxy.url, prefix)

    assert dead_letters(folder)[0]["line"] == 5


def fill(place):
    """Write to a disk until it is full."""
    with (place / "ballast").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


@pytest.fixture
def small_disk():
    """Return a function that mounts a small disk at a place, and returns whether it could."""
    mounted = []

    def put(place):
        place.mkdir(parents=True)
        command = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(place)]
        if os.getuid() != 0 or subprocess.run(command, check=False).returncode != 0:
            return False
        mounted.append(place)
        return True

    yield put
    for place in mounted:
        subprocess.run(["umount", str(place)], check=True)


@pytest.fixture(params=["mounted", "pretended"])
def full_disk(request, folder, monkeypatch, small_disk):
    """Return a function that fills the disk below the spool: a mounted one, if that is possible."""
    place = folder / "readers"
    mounted = request.param == "mounted" and small_disk(place)

    def full(_fd):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def make_full():
        if mounted:
            with pytest.raises(OSError, match="space"):
                fill(place)
        else:
            monkeypatch.setattr("elkmon.stores.local.atomic_file.os.fsync", full)

    return make_full


def test_a_full_disk_for_offsets_loses_and_doubles_nothing(
    cluster, prefix, proxy, folder, full_disk, monkeypatch
):
    write(folder, "a.ndjson", *many(5))
    ship(folder, proxy.url, prefix)
    write(folder, "a.ndjson", *many(5, start=5))
    full_disk()

    with pytest.raises(StoreError, match="none is doubled"):
        ship(folder, proxy.url, prefix)
    monkeypatch.undo()
    monkeypatch.setenv("ELKMON_INDEX_PREFIX", prefix)
    (folder / "readers" / "ballast").unlink(missing_ok=True)
    run = ship(folder, proxy.url, prefix)

    assert figures(run) == (5, 0, 5, 0)
    assert ids(cluster, prefix) == [f"e{n:07d}" for n in range(10)]


def test_a_full_disk_for_dead_letters_is_waited_for(cluster, prefix, proxy, folder, monkeypatch):
    write(folder, "a.ndjson", *many(5), b"nonsense", b"more of it")
    write_bytes = os.write
    turns = []

    def full(fd, data):
        if b"nonsense" in data and len(turns) < 3:
            turns.append(1)
            if len(turns) == 1:
                return write_bytes(fd, data[:20])  # the last bytes of the disk
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write_bytes(fd, data)

    monkeypatch.setattr("elkmon.ship.deadletters.os.write", full)

    run = ship(folder, proxy.url, prefix)

    assert figures(run) == (7, 5, 0, 2)
    assert [letter["raw"] for letter in dead_letters(folder)] == ["nonsense", "more of it"]
    assert run.printed("deadletter cannot be written to")


@pytest.fixture(params=["mounted", "limited"])
def full_for_letters(request, folder, small_disk):
    """Leave some bytes for dead letters, on a disk or by a limit; yield what makes room again."""
    place = folder / "deadletter"
    if request.param == "mounted" and small_disk(place):
        with pytest.raises(OSError, match="space"):
            fill(place)
        letters = place / "ship.ndjson"
        with (place / "ballast").open("r+b") as file:
            file.truncate(file.seek(0, os.SEEK_END) - 8192)  # one page for this, one beside it
        letters.write_bytes(bytes(4090) + b"\n")
        yield (place / "ballast").unlink
        return
    place.mkdir(parents=True, exist_ok=True)
    (place / "ship.ndjson").write_bytes(bytes(999_990) + b"\n")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before)
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_is_really_full_for_dead_letters_is_waited_for(
    cluster, prefix, proxy, folder, full_for_letters
):
    bad = [b"nonsense " * 400, b"more of it " * 400]
    write(folder, "a.ndjson", *many(5), *bad)
    there = (folder / "deadletter" / "ship.ndjson").read_bytes()
    waits = []

    def draw():
        waits.append((folder / "deadletter" / "ship.ndjson").read_bytes())
        if len(waits) == 3:
            full_for_letters()
        return 0.01

    run = ship(folder, proxy.url, prefix, draw=draw, limit=60)

    assert figures(run) == (7, 5, 0, 2)
    assert waits == [there] * 3  # no half a letter
    assert run.printed("deadletter cannot be written to")
    assert [letter.rejected.line for letter in DeadLetters(folder).letters()] == bad
