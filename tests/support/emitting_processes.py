"""Start real processes that emit events, and read their files."""

import fcntl
import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import elkmon

LOG = """
import elkmon, os, signal, sys, threading, time
log = elkmon.get_logger(model="fraud", version="1", task="binary")
"""
"""The beginning of each script of these tests."""


class Read(NamedTuple):
    """The content of a folder: its events, file by file, and incomplete or invalid lines."""

    events: list
    torn: list

    def ids(self):
        """Return the ids of the predictions, in the order of the files."""
        return [e["ml"]["prediction"]["id"] for e in self.of("elkmon.prediction")]

    def of(self, dataset):
        return [event for event in self.events if event["event"]["dataset"] == dataset]

    def sequences(self):
        """Return the sequence numbers of each process, in the order of the files."""
        numbers = defaultdict(list)
        for event in self.events:
            numbers[event["process"]["entity_id"]].append(event["event"]["sequence"])
        return dict(numbers)


def files(folder):
    """Return the files of a spool that readers see, in the order of their creation."""
    return sorted(Path(folder).glob("*.ndjson"))


def read(*paths):
    """Read folders and files; lines without an end, or that are not JSON, are torn."""
    content = Read([], [])
    for path in paths:
        for file in files(path) if Path(path).is_dir() else [Path(path)]:
            for line in file.read_bytes().splitlines(keepends=True):
                event = parsed(line)
                if event is None:
                    content.torn.append(line)
                else:
                    content.events.append(event)
    return content


def parsed(line):
    """Return the event of a line, or None if it has no end or is not JSON."""
    try:
        return json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None


def whole(folder):
    """Read a folder, and assert that no line is torn and no event exists twice."""
    content = read(folder)
    assert content.torn == []
    assert len({event["event"]["id"] for event in content.events}) == len(content.events)
    return content


def complete(content):
    """Assert that the sequence numbers of each process have no gap."""
    for numbers in content.sequences().values():
        assert sorted(numbers) == list(range(1, len(numbers) + 1))


def is_locked(file):
    """Return whether a process still has a file locked for writing."""
    with Path(file).open("rb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def balanced(folder=None):
    """Return the counts of this process, and assert that they add up and match a folder's files."""
    stats = elkmon.stats()
    assert stats.accepted == stats.written + sum(stats.dropped.values())
    assert all(lines > 0 for lines in stats.dropped.values())
    if folder is not None:
        assert stats.written == len(read(folder).events)
    return stats


def start(script, spool, *, set_up=LOG, **kw):
    """Start a Python process that emits to a folder."""
    environment = {**os.environ, "ELKMON_SPOOL": str(spool), **kw.pop("env", {})}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", set_up + script],
        env=environment,
        stdout=kw.pop("stdout", subprocess.PIPE),
        stderr=kw.pop("stderr", subprocess.PIPE),
        **kw,
    )


def run(script, spool, *, code=0, **kw):
    """Run such a process to its end; return its output and its errors."""
    with start(script, spool, **kw) as process:
        try:
            out, err = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert process.returncode == code, (err or b"").decode()
    return (out or b"").decode(), (err or b"").decode()
