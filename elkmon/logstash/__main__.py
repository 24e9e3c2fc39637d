"""Write ``logstash/pipeline/rules.json``: ``python -m elkmon.logstash``."""

from __future__ import annotations

from pathlib import Path

from elkmon.logstash.rules import rules

FILE = Path(__file__).parents[2] / "logstash" / "pipeline" / "rules.json"

if __name__ == "__main__":
    FILE.write_bytes(rules())
