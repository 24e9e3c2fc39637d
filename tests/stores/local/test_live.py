"""Questions to a folder that processes write to, compact, and are killed in."""

import os
import signal
import subprocess
import sys
from collections import Counter

import pytest

from elkmon import StoreError
from elkmon.stores.local import reader
from elkmon.stores.local.compact import compact
from elkmon.stores.local.files import listing
from elkmon.stores.local.store import LocalStore
from elkmon.stores.protocol import FieldValue
from tests.support.event_folders import ask, catalog, count, events, label, names, prediction, write

ID, OUTCOME = FieldValue("ml.prediction.id"), FieldValue("ml.eval.outcome")

EMIT = """
import sys, elkmon
spool, name, number = sys.argv[1:]
elkmon.configure(spool=spool, rotate_bytes=int({rotate}), strict=True)
log = elkmon.get_logger("fraud", "1", task="binary", positive="yes")
for each in range(int(number)):
    log.prediction(label="yes", score=0.5, id=f"{{name}}-{{each}}")
    log.label(f"{{name}}-{{each}}", "yes" if each % 2 else "no")
    if {wait}:
        sys.stdin.read(1)
"""
COMPACT = """
import sys
from pathlib import Path
from elkmon import StoreError
from elkmon.stores.local.compact import compact
while sys.stdin.read(1):
    try:
        done = compact(Path(sys.argv[1]))
        assert done.failed == () and done.rejected == 0, done
    except StoreError as error:
        assert "another compaction" in str(error), error
    print("x", end="", flush=True)
"""


def start(script, *arguments, **more):
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        **more,
    )


def end(process):
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_counts_are_right_and_never_go_down_while_eight_processes_append(folder):
    script = EMIT.format(rotate=20_000, wait=False)
    writers = [start(script, folder, name, 120) for name in "abcdefgh"]
    store = LocalStore(folder)
    counts = []

    while any(writer.poll() is None for writer in writers):
        counts.append(count(store))
        counts.append(sum(number for _, number in ask(store, OUTCOME)))
    for writer in writers:
        end(writer)

    assert counts == sorted(counts)
    assert count(store) == 8 * 120
    assert ask(store, OUTCOME) == [("correct", 480), ("wrong", 480)]
    store.close()
    assert len(listing(folder).ndjson) > 16
    found = catalog(folder)
    assert len(found.processes) == 8
    assert [(each.missing, each.dropped) for each in found.processes] == [(0, 0)] * 8
    assert (found.bad_lines, found.models[0].repeats, found.models[0].orphans) == (0, 0, 0)


def test_a_thousand_questions_while_events_come_and_files_are_compacted(folder):
    writers = [start(EMIT.format(rotate=70_000, wait=True), folder, name, 250) for name in "ab"]
    compactions = [start(COMPACT, folder) for _ in range(2)]
    store = LocalStore(folder)
    counts = [0]

    for number in range(1000):
        if number % 2 == 0 and number // 2 < 249:
            for writer in writers:
                writer.stdin.write(b"x")
                writer.stdin.flush()
        if number % 40 == 0:
            for compaction in compactions:
                compaction.stdin.write(b"x")
                compaction.stdin.flush()
        if number % 50 == 0:
            twice = [row for row in ask(store, ID) if row[1] > 1]
            assert twice == []
        counts.append(count(store))
    for process in (*writers, *compactions):
        end(process)
    counts.append(count(store))

    assert counts == sorted(counts)
    assert counts[-1] == 500
    assert ask(store, OUTCOME) == [("correct", 250), ("wrong", 250)]
    store.close()
    assert len(listing(folder).parquet) > 4
    compact(folder)
    assert (count(folder), listing(folder).ndjson) == (500, ())
    assert Counter(each["ml"]["prediction"]["id"] for each in events(folder)) == Counter(
        f"{name}-{number}" for name in "ab" for number in range(250)
    )


@pytest.fixture
def stale(folder, monkeypatch):
    """Let a question see a folder first as it was, and compact it before it is read."""
    for name in "abc":
        write(folder / f"{name}.ndjson", prediction(name), label(f"l{name}", name))
    seen = [listing(folder)]
    monkeypatch.setattr(reader, "listing", lambda where: seen.pop() if seen else listing(where))
    compact(folder)
    return folder


@pytest.mark.parametrize("question", [count, events, lambda folder: catalog(folder).datasets])
def test_files_that_vanish_between_listing_and_reading_are_listed_again(stale, question):
    given = question(stale)

    assert (len(given) if isinstance(given, list) else given) in (
        3, {"elkmon.label": 3, "elkmon.prediction": 3})  # fmt: skip


def test_a_corrupt_file_may_vanish_too(folder, monkeypatch):
    write(folder / "a.ndjson", prediction("a"))
    write(folder / "b.ndjson", prediction("b"), b"x" * 34_000_000 + b"\n")
    scan = reader.scan

    def vanishing(file):
        if (folder / "b.ndjson").exists():
            compact(folder)
        return scan(file)

    monkeypatch.setattr(reader, "scan", vanishing)

    assert count(folder) == 2


def test_a_folder_that_never_holds_still_is_told(folder, monkeypatch):
    write(folder / "a.ndjson", prediction("a"))
    gone = listing(folder)
    (folder / "a.ndjson").unlink()
    monkeypatch.setattr(reader, "listing", lambda _folder: gone)

    with pytest.raises(StoreError, match="changes faster than it can be read"):
        count(folder)


KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from elkmon.stores.local.compact import compact

template, target = map(Path, sys.argv[1:])
TOLD = {"open", "os.rename", "os.remove", "os.chmod", "os.mkdir", "os.scandir", "os.listdir"}
seen = 0

def hook(name, arguments):
    global seen
    if name in TOLD and str(folder) in str(arguments[0]):
        seen += 1
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)

for number in range(1, 1000):
    folder = target / f"{number:03d}"
    shutil.copytree(template, folder)
    child = os.fork()
    if child == 0:
        sys.addaudithook(hook)
        compact(folder)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status):
        break
    assert os.WTERMSIG(status) == signal.SIGKILL, status
"""
"""Kill a compaction at its first step in the folder, another at its second, and so on."""


def test_a_compaction_that_is_killed_at_any_step_loses_and_doubles_nothing(tmp_path):
    template, target = tmp_path / "template", tmp_path / "killed"
    write(template / "a.ndjson", prediction("a"), prediction("a"), label("l", "a"))
    write(template / "b.ndjson", prediction("b"), b"torn\n", prediction("a"))
    target.mkdir()

    end(start(KILLED, template, target))

    killed = sorted(target.iterdir())
    assert len(killed) > 25
    stages = set()
    for folder in killed:
        stages.add(tuple(names(folder)))
        assert ask(folder, ID) == [("a", 1), ("b", 1)], folder
        again = compact(folder)
        assert again.failed == ()
        assert ask(folder, ID) == [("a", 1), ("b", 1)], folder
        assert count(folder, "elkmon.label") == 1
        assert names(folder) == [".repeats.parquet", "a.parquet", "b.parquet", "rejected"]
        assert (folder / "rejected" / "b.ndjson").read_bytes().count(b"\n") == 1
    assert len(stages) > 5


def test_compactions_that_are_killed_at_any_time_lose_and_double_nothing(folder):
    for number in range(40):
        write(folder / f"{number:02d}.ndjson", *(prediction(f"{number}-{i}") for i in range(50)))
    script = COMPACT.replace("while sys.stdin.read(1):", "for _ in range(1):")

    for kill in range(6):
        process = start(script, folder)
        while len(listing(folder).parquet) < kill * 5 and process.poll() is None:
            assert count(folder) == 2000
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert count(folder) == 2000
    compact(folder)

    assert count(folder) == 2000
    assert len(listing(folder).parquet) == 40
    assert not [each for each in names(folder) if each.endswith((".part", ".ndjson"))]


def test_compactions_at_once_do_each_file_once(folder):
    for number in range(10):
        write(folder / f"{number}.ndjson", prediction(str(number)))
    both = [start(COMPACT, folder) for _ in range(2)]

    for process in both:
        process.stdin.write(b"xxx")
        process.stdin.flush()
    for process in both:
        end(process)

    assert count(folder) == 10
    assert len(listing(folder).parquet) == 10
    assert listing(folder).ndjson == ()


def test_the_last_events_of_a_killed_process_are_there(folder):
    script = EMIT.format(rotate=10**9, wait=False) + "\nprint('done', flush=True)\nsys.stdin.read()"
    writer = start(script, folder, "a", 50)
    assert writer.stdout.readline() == b"done\n"
    assert compact(folder).live == 1

    os.kill(writer.pid, signal.SIGKILL)
    writer.communicate()

    assert count(folder) == 50
    assert compact(folder).files == 1
    assert count(folder) == 50
