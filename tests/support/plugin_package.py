"""A package of somebody else's that brings a store, ``memory://``, by an entry point.

:func:`install` writes it into a folder as pip would: the module beside its ``dist-info``. A process
that has the folder on ``PYTHONPATH`` has the package installed.
"""

import os
import subprocess
import sys
from pathlib import Path

NAME = "elkmon-memory"

STORE = '''
"""A store of seventeen events that are made when it is opened, and gone when it is closed."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from elkmon.stores.local.store import LocalStore

AT = "2026-11-10T{:02}:00:00.000Z"


def _lines(name):
    for number in range(10):
        failed = number == 9
        prediction = {"id": f"p{number}"} if failed else {"id": f"p{number}", "label": "yes"}
        yield {
            "@timestamp": AT.format(number),
            "event": {
                "id": f"e{number}",
                "dataset": "elkmon.prediction",
                "outcome": "failure" if failed else "success",
                "created": AT.format(number),
            },
            "ml": {
                "schema": 1,
                "model": {"name": name, "version": "1"},
                "task": "binary",
                "prediction": prediction,
            },
        }
        if number < 6:
            yield {
                "@timestamp": AT.format(number + 1),
                "event": {
                    "id": f"l{number}",
                    "dataset": "elkmon.label",
                    "created": AT.format(number + 1),
                },
                "ml": {
                    "schema": 1,
                    "model": {"name": name},
                    "prediction": {"id": f"p{number}"},
                    "truth": {
                        "label": "no" if number < 2 else "yes",
                        "observed_at": AT.format(number + 1),
                    },
                },
            }


    yield {
        "@timestamp": AT.format(9),
        "event": {"id": "x9", "dataset": "elkmon.error", "created": AT.format(9)},
        "error": {"type": "ValueError", "fingerprint": "f00d", "message": "no amount"},
        "ml": {"schema": 1, "model": {"name": name, "version": "1"}, "prediction": {"id": "p9"}},
    }


class MemoryStore:
    """The three questions and no more: it cannot be examined, written to, pruned or erased."""

    def __init__(self, address):
        self._folder = TemporaryDirectory()
        lines = [json.dumps(line) + "\\n" for line in _lines(address.removeprefix("memory://"))]
        Path(self._folder.name, "events.ndjson").write_text("".join(lines))
        self._store = LocalStore(self._folder.name)

    def aggregate(self, dataset, *, by, measures, where):
        return self._store.aggregate(dataset, by=by, measures=measures, where=where)

    def events(self, dataset, *, where, limit, newest_first=True):
        return self._store.events(dataset, where=where, limit=limit, newest_first=newest_first)

    def catalog(self):
        return self._store.catalog()

    def close(self):
        self._store.close()
        self._folder.cleanup()
'''
"""10 attempts of the model that the address names: 1 failed, 6 labelled, 2 of them wrong."""


def install(folder, *, module="elkmon_memory", sources=None, entry_points=None, name=NAME):
    """Write an installed package into a folder, and return the environment that has it.

    Args:
        folder: to be on PYTHONPATH.
        module: the name of its only package.
        sources: the texts of its modules, by file name; those of the memory store where not given.
        entry_points: by group, ``name = value`` lines; the store's where not given.
        name: of the distribution.
    """
    folder = Path(folder)
    package = folder / module
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").touch()
    for file, text in ({"store.py": STORE} if sources is None else sources).items():
        (package / file).write_text(text)
    groups = entry_points or {"elkmon.stores": ["memory = elkmon_memory.store:MemoryStore"]}
    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [line for group, made in groups.items() for line in (f"[{group}]", *made, "")]
    (info / "entry_points.txt").write_text("\n".join(lines))
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "PYTHONPATH": path}


def run_elkmon(environment, *arguments):
    """Run the command line in a process of its own that has a package installed."""
    command = [sys.executable, "-m", "elkmon.cli", *map(str, arguments)]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
