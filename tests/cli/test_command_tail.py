"""``elkmon tail``: a real process that follows real files."""

import os
import pty
import re
import signal
import subprocess
import sys

import pytest

import elkmon
from elkmon.events.limits import LINE

TAIL = (sys.executable, "-m", "elkmon.cli", "tail")


@pytest.fixture
def spool(tmp_path):
    """Return a folder with one event in it, so that a test can see when a follower is ready."""
    elkmon.configure(spool=tmp_path, node="host-1", service="shop")
    elkmon.get_logger("fraud", "1.0", task="binary").prediction(label="ready", id="p0")
    return tmp_path


@pytest.fixture
def tail(spool):
    """A function that starts to follow and waits for the first line; all end with the test."""
    started = []

    def start(*arguments, **more):
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | more
        process = subprocess.Popen([*TAIL, "--store", spool, *arguments], **options)
        started.append(process)
        if options["stdout"] is subprocess.PIPE:
            assert "ready" in process.stdout.readline()
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_new_events_are_shown_as_they_are_written(tail):
    process = tail()
    log = elkmon.get_logger("fraud", "2.0", task="binary")

    log.prediction(label="legit", score=0.2, id="p1")
    first = process.stdout.readline()
    log.error("the \x1b[2Jscreen [bold]is[/bold] gone")
    second = process.stdout.readline()

    assert re.match(r"2\d{3}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} prediction fraud 2\.0 legit", first)
    assert "error      fraud 2.0 the \\x1b[2Jscreen [bold]is[/bold] gone" in second


def test_only_what_is_asked_for_is_shown(tail):
    process = tail("--where", "version!=2.0", "--dataset", "prediction")
    log = elkmon.get_logger("fraud", "2.0", task="binary")

    log.prediction(label="not shown", id="p1")
    log.label("p1", "not shown")
    elkmon.get_logger("fraud", "3.0", task="binary").prediction(label="shown", id="p2")

    assert "fraud 3.0 shown" in process.stdout.readline()


def test_of_the_last_events_as_many_as_asked_for(tail):
    elkmon.get_logger("fraud", "1.0", task="binary").prediction(label="ready again", id="p1")

    process = tail("-n", "1")

    elkmon.get_logger("fraud", "1.0", task="binary").prediction(label="next", id="p2")
    assert "next" in process.stdout.readline()


def test_ctrl_c_ends_it_quietly(tail):
    process = tail()

    process.send_signal(signal.SIGINT)
    out, err = process.communicate()

    assert process.returncode == 130
    assert (out, err.strip()) == ("", "")


def test_a_reader_that_goes_ends_it_quietly(tail):
    process = tail()
    process.stdout.close()

    elkmon.get_logger("fraud", "1.0", task="binary").prediction(label="unread", id="p1")

    assert process.wait() == 0
    assert process.stderr.read() == ""


def test_a_folder_that_is_not_there_yet_is_waited_for(tmp_path):
    later = tmp_path / "later"
    process = subprocess.Popen(
        [*TAIL, "--store", later], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )

    assert "there is no folder" in process.stderr.readline()
    elkmon.configure(spool=later)
    elkmon.get_logger("fraud", "1.0", task="binary").prediction(label="here", id="p1")
    assert "here" in process.stdout.readline()

    process.kill()
    process.communicate()


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_on_a_terminal_it_is_coloured_unless_colours_are_off(tail, variables, coloured):
    ours, theirs = pty.openpty()
    environment = {
        name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR"}
    }
    environment |= {"TERM": "xterm-256color", "COLUMNS": "80", **variables}

    tail(stdout=theirs, env=environment)
    os.close(theirs)
    output = b""
    while b"ready" not in output:
        output += os.read(ours, 4096)
    os.close(ours)

    assert (b"\x1b[32m" in output) is coloured


def test_a_line_beyond_the_limit_is_told_on_standard_error(tail, spool):
    process = tail()

    (spool / "other.ndjson").write_bytes(b"{}\n" + b"x" * (LINE + 1) + b"\n")

    sentence = "other.ndjson: line 2 is 16.1 MiB long; the limit is 16 MiB: it is left out\n"
    assert process.stderr.readline() == sentence
