"""Start real processes that emit, and read what is in their files afterwards."""

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
"""How a script of these tests begins."""


class Read(NamedTuple):
    """What a folder holds: its events, file by file, and the lines that are none."""

    events: list
    torn: list

    def ids(self):
        """Give the ids of the predictions, in the order of the files."""
        return [e["ml"]["prediction"]["id"] for e in self.of("elkmon.prediction")]

    def of(self, dataset):
        return [event for event in self.events if event["event"]["dataset"] == dataset]

    def sequences(self):
        """Give the sequence numbers of each process, in the order of the files."""
        numbers = defaultdict(list)
        for event in self.events:
            numbers[event["process"]["entity_id"]].append(event["event"]["sequence"])
        return dict(numbers)


def files(folder):
    """List the files of a spool that a reader lists, in the order that they were begun in."""
    return sorted(Path(folder).glob("*.ndjson"))


def read(*paths):
    """Read folders and files by lines; what does not end, or is no JSON, is torn."""
    found = Read([], [])
    for path in paths:
        for file in files(path) if Path(path).is_dir() else [Path(path)]:
            for line in file.read_bytes().splitlines(keepends=True):
                event = parsed(line)
                if event is None:
                    found.torn.append(line)
                else:
                    found.events.append(event)
    return found


def parsed(line):
    """Give the event of a line; None where it does not end, or is no JSON."""
    try:
        return json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None


def whole(folder):
    """Read a folder in which nothing is torn, and nothing is there twice."""
    found = read(folder)
    assert found.torn == []
    assert len({event["event"]["id"] for event in found.events}) == len(found.events)
    return found


def complete(found):
    """Hold that no process lacks a number: nothing that was numbered is missing."""
    for numbers in found.sequences().values():
        assert sorted(numbers) == list(range(1, len(numbers) + 1))


def is_locked(file):
    """Say whether somebody still holds a file that is written."""
    with Path(file).open("rb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def balanced(folder=None):
    """Give the figures of this process; they hold, and are true of a folder's files."""
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
    """Run such a process to its end; give what it printed, and what it said on stderr."""
    with start(script, spool, **kw) as process:
        try:
            out, err = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert process.returncode == code, (err or b"").decode()
    return (out or b"").decode(), (err or b"").decode()
