"""The command line: parse, call, print. Each command is loaded when it is used."""

from __future__ import annotations

import sys

try:
    from elkmon.cli.program import main
except KeyboardInterrupt:
    print("interrupted", file=sys.stderr)  # noqa: T201 - click may not be loaded yet
    raise SystemExit(130) from None
except ModuleNotFoundError as error:
    if error.name != "click":
        raise

    def main(*_args: object, **_more: object) -> None:  # type: ignore[misc]  # without click
        """Say what to install."""
        raise SystemExit("elkmon's command line needs its extra: pip install 'elkmon[cli]'")


__all__ = ["main"]
