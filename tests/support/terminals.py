"""Run a program on a terminal of so many columns, as a person does."""

import os
import pty
import re
import subprocess

STYLE = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")


def shown_on_terminal(columns, *command, stdout=None, stderr=False):
    """Return the lines that were put there, without their style.

    What is drawn over and over, as a bar is, is there as often as it was drawn.

    Args:
        columns: how wide it is.
        command: the program, and its arguments.
        stdout: a file for standard output, which is on the terminal where none is given.
        stderr: whether standard error is on the terminal, too.
    """
    shown = styled_on_terminal(columns, *command, stdout=stdout, stderr=stderr)
    assert "\x1b[" in shown, "a terminal gets style"
    return STYLE.sub("", shown).splitlines()


def styled_on_terminal(columns, *command, stdout=None, stderr=False, cwd=None):
    """Return what was put there, with its style; the arguments are those above."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(columns)}
    environment.pop("NO_COLOR", None)
    streams = {"stdout": stdout or theirs, "stderr": theirs if stderr else None}
    with subprocess.Popen(command, **streams, env=environment, cwd=cwd) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # what a terminal says when the other side has gone
                break
            if not part:
                break
            shown += part
    os.close(ours)
    assert process.returncode == 0
    return shown.decode()
