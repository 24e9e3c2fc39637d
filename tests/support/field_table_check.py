"""Hold lines to the field table: what every event that is emitted must be."""

import json
import re

from elkmon.events.datasets import DATASETS
from elkmon.events.fields import BY_NAME, Kind

LIMIT = 256 * 1024
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
ALWAYS = {
    "@timestamp",
    "ecs.version",
    "event.id",
    "event.dataset",
    "event.kind",
    "event.created",
    "event.sequence",
    "service.name",
    "service.node.name",
    "process.pid",
    "process.entity_id",
    "ml.schema",
}


def is_text(value):
    return isinstance(value, str) and "\0" not in value and value == value.encode().decode()


def is_long(value):
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def is_double(value):
    return isinstance(value, float) or is_long(value)


def is_map_of(test):
    return lambda value: (
        isinstance(value, dict) and all(map(is_text, value)) and all(map(test, value.values()))
    )


FITS = {
    Kind.KEYWORD: is_text,
    Kind.TEXT: is_text,
    Kind.DATE: lambda value: is_text(value) and TIME.fullmatch(value) is not None,
    Kind.DOUBLE: is_double,
    Kind.LONG: is_long,
    Kind.BOOLEAN: lambda value: isinstance(value, bool),
    Kind.KEYWORDS: lambda value: isinstance(value, list) and value and all(map(is_text, value)),
    Kind.CATEGORIES: is_map_of(is_text),
    Kind.LABELS: is_map_of(lambda _: True),
    Kind.NUMBERS: is_map_of(lambda value: value is None or is_double(value)),
}


def leaves(event, path=""):
    """Give each field's name with its value; what the table does not know is a leaf as it is."""
    for name, value in event.items():
        full = f"{path}{name}"
        if full not in BY_NAME and isinstance(value, dict) and value:
            yield from leaves(value, f"{full}.")
        else:
            yield full, value


def conforms(event):
    """Hold an event to the field table: names, kinds, datasets, what is always there."""
    dataset = event["event"]["dataset"]
    assert dataset in DATASETS
    nonfinite = event["ml"].get("nonfinite", [])
    found = set()
    for name, value in leaves(event):
        assert name in BY_NAME, f"{name} is not in the field table"
        field = BY_NAME[name]
        assert dataset in field.datasets, f"{name} is no field of {dataset}"
        assert field.writer == "emit", f"{name} is written by the join"
        if value is None:
            assert name in nonfinite, f"{name} is null, and nobody says why"
        else:
            assert FITS[field.kind](value), f"{name} is {value!r}, not {field.kind.name}"
        found.add(name)
    assert found >= ALWAYS, f"not there: {ALWAYS - found}"


def strict_json(line):
    """Read one line as a strict reader would."""

    def refuse(constant):
        raise ValueError(f"{constant} is no JSON")

    def pairs(given):
        names = [name for name, _ in given]
        assert len(names) == len(set(names)), f"a name twice: {names}"
        return dict(given)

    return json.loads(line.decode("utf-8"), parse_constant=refuse, object_pairs_hook=pairs)


def check(data, lines):
    """Hold what a sink was given to be so many whole lines, each of them an event."""
    assert data.endswith(b"\n")
    split = data[:-1].split(b"\n")
    assert len(split) == lines, "a line more or less than was told"
    for line in split:
        assert len(line) < LIMIT
        conforms(strict_json(line))
