"""Run all benchmarks, or the named ones: ``python -m benchmarks emit store``."""

from __future__ import annotations

import sys
from importlib import import_module

NAMES = ("emit", "startup", "store", "quality", "report", "elastic", "ship", "join", "logstash")


def main() -> None:
    """Run benchmarks one after the other; each prints its table."""
    for name in sys.argv[1:] or NAMES:
        if name not in NAMES:
            sys.exit(f"no such benchmark: {name}; there are {', '.join(NAMES)}")
        import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
