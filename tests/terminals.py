"""Run a program on a terminal of so many columns, as a person does."""

import os
import pty
import re
import subprocess

STYLE = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")


def shown_on_terminal(columns, *command):
    """Give the lines that stand there in the end, without their style."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(columns)}
    environment.pop("NO_COLOR", None)
    with subprocess.Popen(command, stdout=theirs, env=environment) as process:
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
    assert b"\x1b[" in shown, "a terminal gets style"
    return STYLE.sub("", shown.decode()).splitlines()
