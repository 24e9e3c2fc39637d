"""``python -m elkmon.cli``: the same as ``elkmon``."""

from __future__ import annotations

from elkmon.cli import main

if __name__ == "__main__":
    main(prog_name="elkmon")
