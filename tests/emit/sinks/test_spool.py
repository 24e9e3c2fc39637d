"""The spool: rotated, capped, private, and never torn by itself."""

import contextlib
import errno
import json
import os
import resource
import stat
import threading
from pathlib import Path

import pytest

import elkmon
from elkmon.emit import process_emitter as state
from elkmon.emit.sinks import spool as module
from tests.support.emitting_processes import (
    balanced,
    complete,
    files,
    is_locked,
    read,
    run,
    start,
    whole,
)

HOUR = 3600
NOW = 1_795_507_200_000


@pytest.fixture
def folder(tmp_path):
    yield tmp_path / "spool"
    elkmon.reset()


@pytest.fixture
def time(monkeypatch):
    """Let a test turn the clock by hand: seconds that only go on, as the kernel has them."""
    now = [1000.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    return now


def logger(folder, **settings):
    elkmon.configure(spool=folder, **settings)
    return elkmon.get_logger(model="fraud", version="1", task="binary")


def emit(log, number=1, prefix="p"):
    for n in range(number):
        log.prediction(label="a", score=0.5, duration=0.01, id=f"{prefix}{n}")


def descriptors():
    return sorted(int(each.name) for each in Path("/proc/self/fd").iterdir())


class Line:
    """A spool on its own, and the lines that are given to it."""

    def __init__(self, folder, **settings):
        self.troubles = []
        self.misuses = []
        self.closed = 0
        self.spool = module.Spool(
            folder,
            entity="e",
            on_close=self.last,
            on_trouble=self.troubles.append,
            on_misuse=lambda kind, _: self.misuses.append(kind),
            **{"rotate_bytes": 10_000, "rotate_seconds": HOUR, "max_bytes": 10**9, **settings},
        )

    def last(self):
        self.closed += 1
        return b'{"last":true}\n'

    def write(self, number=1, ms=NOW):
        for _ in range(number):
            self.spool.write(b'{"n":1}\n', ms)


# ------------------------------------------------------------------------------------ rotation


def test_a_file_is_left_at_its_size_and_the_next_one_begun(folder):
    log = logger(folder, rotate_bytes=10_000)

    emit(log, 200)

    elkmon.emit.flush()
    balanced(folder)
    found = whole(folder)
    assert len(found.ids()) == 200
    assert len(files(folder)) > 4
    assert all(10_000 <= f.stat().st_size < 11_500 for f in files(folder)[:-1])
    complete(found)


def test_the_last_line_of_every_file_tells_what_became_of_the_events(folder):
    log = logger(folder, rotate_bytes=10_000)

    emit(log, 100)
    elkmon.emit.flush()

    for file in files(folder):
        events = read(file).events
        kinds = [event["event"]["dataset"] for event in events]
        assert kinds == ["elkmon.prediction"] * (len(kinds) - 1) + ["elkmon.emitter"]
        figures = events[-1]["ml"]["emitter"]
        assert figures["accepted"] == figures["written"] + sum(figures["dropped"].values())
        assert figures["written"] == events[-2]["event"]["sequence"]
    assert balanced(folder).dropped == {}


@pytest.mark.parametrize("jump", [0, -30 * 86_400_000, 30 * 86_400_000], ids=["", "back", "on"])
def test_a_file_is_left_at_its_age_whatever_the_clock_of_the_day_does(folder, time, jump):
    line = Line(folder)
    line.write()

    time[0] += HOUR - 1
    line.write(ms=NOW + jump)
    young = len(files(folder))
    time[0] += 2
    line.write(ms=NOW + jump + 3000)

    assert (young, len(files(folder))) == (1, 2)
    assert line.spool.written == 4


def test_an_idle_file_is_left_with_the_next_event(folder, time):
    line = Line(folder)
    line.write()
    time[0] += 10 * HOUR
    line.write(ms=NOW + 36_000_000)

    assert [len(read(file).events) for file in files(folder)] == [2, 1]


def test_rotation_keeps_the_descriptor(folder):
    log = logger(folder, rotate_bytes=5_000)
    emit(log)
    spool = state.current().sink
    before = spool._fd

    emit(log, 100)

    assert spool._fd == before
    assert Path(f"/proc/self/fd/{before}").readlink() == files(folder)[-1]
    balanced(folder)


def test_rotation_leaks_no_descriptor(folder):
    log = logger(folder, rotate_bytes=2_000)
    emit(log)
    before = descriptors()

    emit(log, 100)

    assert len(files(folder)) > 20
    assert descriptors() == before


def test_threads_that_emit_during_rotation_lose_nothing(folder):
    log = logger(folder, rotate_bytes=20_000)
    start_line = threading.Barrier(4)

    def work(name):
        start_line.wait()
        emit(log, 400, prefix=f"{name}-")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    elkmon.emit.flush()
    found = whole(folder)
    assert len(set(found.ids())) == len(found.ids()) == 1600
    assert len(files(folder)) > 20
    complete(found)
    assert balanced(folder).dropped == {}


def test_four_processes_with_rotation(folder):
    script = """
for n in range(1500):
    log.prediction(label="a", score=0.5, duration=0.01, id=f"{os.getpid()}-{n}")
"""
    small = {"ELKMON_ROTATE_BYTES": "30000"}
    processes = [start(script, folder, env=small) for _ in range(4)]
    for process in processes:
        _, err = process.communicate()
        assert process.returncode == 0, err

    found = whole(folder)
    assert len(set(found.ids())) == len(found.ids()) == 6000
    assert len(found.sequences()) == 4
    complete(found)
    for file in files(folder):
        events = read(file).events
        assert len({event["process"]["entity_id"] for event in events}) == 1
        assert events[-1]["event"]["dataset"] == "elkmon.emitter"


def test_many_threads_make_one_emitter(folder):
    script = """
sys.setswitchinterval(1e-6)
line = threading.Barrier(8)
def work(n):
    line.wait()
    log.prediction(label="a", score=0.5, duration=0.01, id=str(n))
threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(elkmon.stats().written)
"""
    out, _ = run(script, folder)

    found = whole(folder)
    assert int(out) == len(found.ids()) == 8
    assert len(found.sequences()) == 1


def test_a_rotation_that_fails_goes_on_with_the_present_file(folder, time, monkeypatch):
    line = Line(folder)
    line.write()

    def none_left(*_):
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(module, "_create", none_left)
        time[0] += 2 * HOUR
        line.write(5, ms=NOW + 5_000)
        during = len(files(folder))
    time[0] += 2
    line.write(ms=NOW + 10_000)

    assert (during, len(files(folder))) == (1, 2)
    assert line.spool.written == len(read(folder).events) == 8
    assert line.spool.dropped == {}
    assert "cannot begin a new file" in line.troubles[0]


# --------------------------------------------------------------------------- locks, names, rights


def test_a_file_is_locked_while_it_is_written_and_free_after(folder):
    log = logger(folder, rotate_bytes=5_000)
    emit(log, 30)

    *left, present = files(folder)
    during = is_locked(present)
    elkmon.emit.flush()

    assert during
    assert left
    assert not any(map(is_locked, [*left, present]))
    balanced(folder)


def test_a_file_is_locked_before_anybody_can_list_it(folder, monkeypatch):
    rename = Path.rename
    seen = []

    def watched(self, target):
        seen.append((self.name, Path(target).name, is_locked(self), list(files(folder))))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", watched)
    emit(logger(folder))

    ((hidden, name, locked, listed),) = seen
    assert hidden == f".{name.removesuffix('.ndjson')}.new"
    assert locked
    assert listed == []
    assert [file.name for file in files(folder)] == [name]
    balanced(folder)


@pytest.mark.parametrize("fault", [OSError(errno.EIO, "no"), KeyboardInterrupt()])
def test_a_file_that_could_not_be_named_leaves_nothing_behind(folder, monkeypatch, fault):
    line = Line(folder)
    before = descriptors()

    def failing(*_):
        raise fault

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", failing)
        with contextlib.suppress(KeyboardInterrupt):
            line.write()

    assert [path.name for path in folder.iterdir()] == [".gitignore"]
    assert descriptors() == before
    assert sum(line.spool.dropped.values()) == 1


def test_a_name_tells_the_process_and_is_its_own(folder):
    log = logger(folder)
    emit(log)
    elkmon.emit.flush()
    emit(log)

    one, other = files(folder)
    assert f"-{os.getpid()}-{state.current().entity}-00001" in one.name
    assert f"-{os.getpid()}-{state.current().entity}-00002" in other.name
    balanced(folder)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_files_and_folder_are_private_whatever_the_umask(folder, umask):
    before = os.umask(umask)
    try:
        emit(logger(folder))
    finally:
        os.umask(before)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(f.stat().st_mode) for f in files(folder)] == [0o600]
    balanced(folder)


def test_a_folder_that_is_there_keeps_its_rights(folder):
    folder.mkdir(mode=0o750)

    emit(logger(folder))

    assert stat.S_IMODE(folder.stat().st_mode) == 0o750
    balanced(folder)


def test_git_ignores_the_folder(folder):
    emit(logger(folder))

    assert (folder / ".gitignore").read_text() == "*\n"


def test_a_gitignore_that_is_there_stays(folder):
    folder.mkdir()
    (folder / ".gitignore").write_text("mine\n")

    emit(logger(folder))

    assert (folder / ".gitignore").read_text() == "mine\n"


def test_a_link_laid_under_the_name_of_gitignore_is_not_followed(folder, tmp_path):
    folder.mkdir()
    (folder / ".gitignore").symlink_to(tmp_path / "target")

    emit(logger(folder))

    assert not (tmp_path / "target").exists()
    assert balanced(folder).written == 1


@pytest.mark.parametrize("target", ["nothing yet", "a file of somebody"])
def test_a_link_laid_under_the_name_of_a_file_is_not_followed(
    folder, tmp_path, monkeypatch, target, time
):
    victim = tmp_path / "victim"
    if target == "a file of somebody":
        victim.write_text("theirs")
    before = victim.read_text() if victim.exists() else None
    folder.mkdir()
    create = module._create

    def attacked(path, flags):
        if path.name.endswith(".new"):
            path.symlink_to(victim)
        return create(path, flags)

    line = Line(folder)
    with monkeypatch.context() as patch:
        patch.setattr(module, "_create", attacked)
        line.write()
    time[0] += 2
    line.write()

    assert (victim.read_text() if victim.exists() else None) == before
    assert line.spool.dropped == {"unwritable": 1}
    assert len(read(folder).events) == line.spool.written == 1


@pytest.mark.parametrize("closed", ["0", "1", "2", "0, 1, 2"])
def test_a_file_never_takes_the_place_of_a_closed_standard_descriptor(folder, closed):
    script = f"""
for fd in ({closed},):
    os.close(fd)
for n in range(3):
    log.prediction(label="a", score=0.5, duration=0.01)
    try:
        os.write(1, b"printed by somebody\\n")
        os.write(2, b"warned by somebody\\n")
    except OSError:
        pass
os._exit(elkmon.stats().written)
"""
    run(script, folder, code=3)

    assert len(whole(folder).ids()) == 3


# --------------------------------------------------------------------- what happens to the folder


def test_the_folder_is_removed_meanwhile(folder):
    line = Line(folder)
    line.write()
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()

    line.write(ms=NOW + 2_000)

    assert len(read(folder).events) == 1
    assert "was emptied" in line.troubles[0]


def test_the_folder_is_emptied_meanwhile(folder):
    line = Line(folder)
    line.write()
    for path in files(folder):
        path.unlink()

    line.write(2, ms=NOW + 2_000)

    assert len(read(folder).events) == 2
    assert line.spool.written == 3


def test_the_application_changes_its_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    log = logger("spool")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    emit(log)
    elkmon.emit.flush()
    emit(log)

    assert balanced(tmp_path / "spool").written == 3
    assert list((tmp_path / "elsewhere").iterdir()) == []
    elkmon.reset()


def test_the_present_directory_was_removed(tmp_path):
    script = """
os.mkdir("gone")
os.chdir("gone")
os.rmdir("../gone")
log.prediction(label="a", score=0.5, duration=0.01)
stats = elkmon.stats()
print(stats.accepted, stats.written, stats.dropped)
"""
    out, _ = run(script, "spool", cwd=tmp_path)

    assert out == "1 0 {'unwritable': 1}\n"


@pytest.mark.parametrize(
    "place", ["file", "file/below", "loop", "/proc/nowhere", "a\0b", "x" * 300]
)
def test_a_folder_that_cannot_be_made(tmp_path, place, capfd):
    (tmp_path / "file").write_text("I was here first")
    (tmp_path / "loop").symlink_to("loop")

    log = logger(tmp_path / place)
    emit(log, 3)

    stats = balanced()
    assert (stats.accepted, stats.written) == (3, 0)
    assert (tmp_path / "file").read_text() == "I was here first"
    assert capfd.readouterr().err.count("elkmon: ") == 1
    elkmon.reset()


def test_a_folder_of_somebody_else(tmp_path):
    folder = tmp_path / "spool"
    folder.mkdir(mode=0o755)
    for parent in [tmp_path, *tmp_path.parents][:3]:
        parent.chmod(0o755)
    script = """
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
log.prediction(label="a", score=0.5, duration=0.01)
stats = elkmon.stats()
print(stats.accepted, stats.written, stats.dropped)
"""
    if os.getuid() != 0:
        script = script.replace("os.set", "0 and os.set")
        folder.chmod(0o500)
    out, err = run(script, folder)

    assert out == "1 0 {'unwritable': 1}\n"
    assert "Permission denied" in err


def test_a_folder_that_becomes_writable_later(tmp_path, time):
    folder = tmp_path / "spool"
    folder.write_text("in the way")
    line = Line(folder)
    line.write(3)
    folder.unlink()

    line.write()  # within the second it is not even tried
    time[0] += 1.5
    line.write(2)

    assert line.spool.dropped == {"unwritable": 4}
    assert len(read(folder).events) == line.spool.written == 2


def test_no_descriptor_is_left(folder):
    log = logger(folder)
    log._logger.ready()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(descriptors()) + 20, hard))
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.open("/dev/null", os.O_RDONLY))
        emit(log, 2)
        during = balanced()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for fd in taken:
            os.close(fd)

    assert during.dropped == {"no_descriptor": 2}
    state.current().sink._blocked_until = 0.0  # a second later
    emit(log)
    assert balanced(folder).written == 1


def test_a_file_goes_on_when_no_descriptor_is_left_to_look_at_the_folder(folder, monkeypatch):
    line = Line(folder, rotate_bytes=10**6, max_bytes=800)
    line.write()

    def none_left(_):
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(module.os, "scandir", none_left)
        line.write(30)

    assert line.spool.written == len(read(folder).events) == 31


def test_somebody_closes_the_descriptor(folder):
    line = Line(folder)
    line.write()
    os.close(line.spool._fd)

    line.write(3)

    assert line.misuses == ["descriptor_closed"]
    assert line.spool.dropped == {}
    assert len(read(folder).events) == line.spool.written == 4


def taken_over(line, path):
    """Let the descriptor of a line's spool be another file's."""
    fd = line.spool._fd
    with path.open("wb") as handle:
        os.dup2(handle.fileno(), fd)
    return fd


@pytest.mark.parametrize(
    "go_on",
    [
        pytest.param(lambda line, time: line.write(), id="write"),
        pytest.param(lambda line, time: line.write(ms=NOW + 2_000), id="write later"),
        pytest.param(lambda line, time: line.write(2_000), id="rotate by size"),
        pytest.param(
            lambda line, time: (time.append(time.pop() + 2 * HOUR), line.write(ms=NOW + 3_000)),
            id="rotate by age",
        ),
        pytest.param(lambda line, time: line.spool.close(), id="close"),
        pytest.param(lambda line, time: line.spool.abandon(), id="abandon"),
    ],
)
def test_a_descriptor_that_is_another_files_by_now_is_left_alone(folder, tmp_path, time, go_on):
    line = Line(folder)
    line.write()
    theirs = tmp_path / "theirs"
    fd = taken_over(line, theirs)

    go_on(line, time)
    line.write()
    line.spool.close()

    os.write(fd, b"still open")
    os.close(fd)
    assert theirs.read_bytes() == b"still open"
    assert line.spool.dropped == {}
    assert len(read(folder).events) == line.spool.written
    assert not any(map(is_locked, files(folder)))


DAEMON = """
def emit(name, number=20):
    for n in range(number):
        log.prediction(label="a", score=0.5, duration=0.01, id=f"{name}{n}")

emit("before")
os.closerange(3, 256)
own = [os.open(f"{sys.argv[1]}/own{n}", os.O_WRONLY | os.O_CREAT | os.O_APPEND) for n in range(9)]
"""
"""A process that closes all descriptors, as one that becomes a daemon does, and opens its own."""


@pytest.mark.parametrize(
    "rotate_bytes", [pytest.param(10**8, id="one file"), pytest.param(5_000, id="rotated")]
)
@pytest.mark.parametrize(
    ("after", "ids"),
    [
        pytest.param('emit("after")', 20, id="log on"),
        pytest.param(
            'if os.fork() == 0:\n    emit("after")\n    elkmon.emit.flush()\n'
            "    end()\n    os._exit(0)\nos.wait()",
            20,
            id="fork",
        ),
        pytest.param("elkmon.emit.flush()", 0, id="close"),
    ],
)
def test_a_process_that_closes_all_descriptors_keeps_its_files(
    folder, tmp_path, after, ids, rotate_bytes
):
    end = """
def end():
    for n, fd in enumerate(own):
        os.write(fd, f"own {n}".encode())
"""
    show = """
if not os.path.getsize(f"{sys.argv[1]}/own0"):
    end()
elkmon.emit.flush()
stats = elkmon.stats()
print(stats.accepted == stats.written, dict(stats.dropped), stats.misused.get("descriptor_closed"))
"""
    script = f"sys.argv.append({str(tmp_path)!r})\n{DAEMON}{end}{after}\n{show}"

    out, _ = run(script, folder, env={"ELKMON_ROTATE_BYTES": str(rotate_bytes)})

    for n in range(9):
        assert (tmp_path / f"own{n}").read_bytes() == f"own {n}".encode()
    found = whole(folder)
    assert len(found.ids()) == 20 + ids
    assert out == "True {} 1\n"
    assert not any(map(is_locked, files(folder)))


# ------------------------------------------------------------------------------------ the size cap


def test_at_the_size_cap_writing_stops_with_counts_and_nothing_is_deleted(folder, capfd):
    folder.mkdir()
    (folder / "old.ndjson").write_bytes(b'{"event":{}}\n' * 4_000)
    log = logger(folder, max_bytes=50_000)

    emit(log, 5)

    stats = balanced()
    assert stats.dropped == {"spool_full": 5}
    assert stats.written == 0
    assert (folder / "old.ndjson").stat().st_size == 52_000
    assert "ELKMON_MAX_BYTES" in capfd.readouterr().err


def test_the_cap_is_kept_to_an_eighth(folder):
    log = logger(folder, max_bytes=50_000)

    emit(log, 500)

    stats = balanced(folder)
    assert stats.dropped["spool_full"] > 300
    assert 50_000 <= sum(f.stat().st_size for f in folder.iterdir()) < 57_000


def test_writing_goes_on_after_room_is_made(folder, time):
    folder.mkdir()
    (folder / "old.parquet").write_bytes(bytes(60_000))
    line = Line(folder, max_bytes=50_000)
    line.write(2)

    (folder / "old.parquet").unlink()
    line.write()  # it looks once a second
    time[0] += 1.5
    line.write(2)

    assert line.spool.dropped == {"spool_full": 3}
    assert line.spool.written == len(read(folder).events) == 2


def test_a_file_that_is_compacted_while_the_folder_is_measured(folder, monkeypatch):
    folder.mkdir()
    (folder / "a.ndjson").write_bytes(b"{}\n")
    (folder / "b.parquet").write_bytes(bytes(60_000))
    line = Line(folder, max_bytes=50_000)
    scandir = os.scandir

    class Racing:
        def __init__(self, path):
            with scandir(path) as entries:
                self.found = sorted(entries, key=lambda entry: entry.name)
            (folder / "a.ndjson").unlink(missing_ok=True)

        def __enter__(self):
            return iter(self.found)

        def __exit__(self, *_):
            return None

    with monkeypatch.context() as patch:
        patch.setattr(module.os, "scandir", Racing)
        line.write()

    assert line.spool.dropped == {"spool_full": 1}


# ---------------------------------------------------------------------------------- closing, faults


def test_closing_twice_writes_one_last_line(folder):
    log = logger(folder)
    emit(log)
    elkmon.emit.flush()
    elkmon.emit.flush()

    assert len(whole(folder).of("elkmon.emitter")) == 1
    balanced(folder)


def test_a_spool_that_was_never_written_to_leaves_nothing(folder):
    logger(folder)
    elkmon.emit.flush()
    elkmon.reset()

    assert not folder.exists()


def test_an_event_after_closing_begins_another_file(folder):
    log = logger(folder)
    emit(log)
    elkmon.emit.flush()
    emit(log)

    assert len(files(folder)) == 2
    assert balanced(folder).written == 3


@pytest.mark.parametrize("cut", [0, 1, 6])
def test_a_short_write_is_seen_and_the_next_line_is_whole(folder, monkeypatch, cut):
    line = Line(folder)
    line.write()
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(module.os, "write", lambda fd, data: write(fd, data[:cut]))
        line.write()
    line.write()
    line.spool.close()

    found = read(folder)
    assert len(found.events) == line.spool.written == 3
    assert len(found.torn) == (1 if cut else 0)
    assert line.spool.dropped == {"disk_full": 1}


def test_a_line_that_lacks_only_its_newline_is_written(folder, monkeypatch):
    line = Line(folder)
    line.write()
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(module.os, "write", lambda fd, data: write(fd, data[:-1]))
        line.write()
    line.write()

    assert len(read(folder).events) == line.spool.written == 3
    assert line.spool.dropped == {}


def test_a_short_write_of_a_batch_counts_the_lines_that_are_whole(folder, monkeypatch):
    line = Line(folder)
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(module.os, "write", lambda fd, data: write(fd, data[:20]))
        line.spool.write(b'{"n":1}\n' * 5, NOW, 5)
    line.write()

    found = read(folder)
    assert len(found.events) == line.spool.written == 3
    assert line.spool.dropped == {"disk_full": 3}


@pytest.mark.parametrize("end", ["close", "rotate"])
def test_the_last_line_after_a_short_write_is_whole(folder, monkeypatch, time, end):
    line = Line(folder)
    line.write()
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(module.os, "write", lambda fd, data: write(fd, data[:3]))
        line.write()
    if end == "close":
        line.spool.close()
    else:
        time[0] += 2 * HOUR
        line.write(ms=NOW + 7_200_000)

    first = read(files(folder)[0])
    assert first.events == [{"n": 1}, {"last": True}]
    assert len(first.torn) == 1


def test_a_last_line_that_cannot_be_written_is_counted(folder, monkeypatch):
    log = logger(folder)
    emit(log)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(module.os, "write", full)
        elkmon.emit.flush()

    assert balanced(folder).dropped == {"disk_full": 1}


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "disk_full"),
        (errno.EDQUOT, "disk_full"),
        (errno.EFBIG, "file_too_big"),
        (errno.EIO, "io_error"),
        (errno.EROFS, "unwritable"),
    ],
)
def test_a_failed_write_is_counted_by_its_reason(folder, monkeypatch, number, reason):
    log = logger(folder)
    emit(log)
    write = os.write
    with monkeypatch.context() as patch:

        def failing(fd, data):
            if fd == 2:
                return write(fd, data)
            raise OSError(number, os.strerror(number))

        patch.setattr(module.os, "write", failing)
        emit(log, 2)
    emit(log)

    stats = balanced(folder)
    assert (stats.written, stats.dropped) == (2, {reason: 2})


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_interrupt_around_the_write_is_counted_as_what_happened(folder, monkeypatch, when):
    log = logger(folder)
    emit(log)
    write = os.write

    def interrupted(fd, data):
        if when == "after":
            write(fd, data)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module.os, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            emit(log)
    emit(log)

    stats = balanced(folder)
    assert stats.accepted == 3
    assert stats.dropped == ({} if when == "after" else {"interrupted": 1})


def test_the_lines_are_strict_json_and_say_who_wrote_them(folder):
    emit(logger(folder, service="scoring", environment="prod"), 2)

    for line in files(folder)[0].read_bytes().splitlines():
        event = json.loads(line)
        assert event["service"]["name"] == "scoring"
        assert event["service"]["environment"] == "prod"
        assert event["process"]["pid"] == os.getpid()
    balanced(folder)
