"""Any value becomes strict JSON."""

import dataclasses
import enum
import json
import math
import pathlib
import uuid
from collections import OrderedDict
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import orjson
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elkmon.emit.redaction.redactor import Redactor
from elkmon.emit.to_json import Notes, clean_text, to_json


def made(value, notes=None, **kw):
    result = to_json(value, "x", Notes() if notes is None else notes, Redactor(), **kw)
    assert orjson.loads(orjson.dumps(result)) == result
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    return result


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


@dataclasses.dataclass
class Row:
    a: int
    password: str


class Attrs:
    __attrs_attrs__ = (SimpleNamespace(name="a"),)
    a = 5


class Model:
    def model_dump(self):
        return {"a": 1}


class Text(str):
    __slots__ = ()

    def __str__(self):
        raise RuntimeError


class Point(NamedTuple):
    x: int
    y: int


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (1.5, 1.5),
        ("ä", "ä"),
        (np.float64(0.5), 0.5),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7),
        (np.bool_(True), True),
        (np.str_("x"), "x"),
        (np.array([1, 2]), [1, 2]),
        (np.array(5), 5),
        (np.datetime64("2026-11-24"), "2026-11-24"),
        (pd.Series([1.0, 2.0]), [1.0, 2.0]),
        (pd.Timestamp("2026-11-24", tz="UTC"), "2026-11-24T00:00:00Z"),
        (pd.NA, None),
        (pd.NaT, None),
        (Decimal("1.10"), "1.10"),
        (Fraction(1, 3), "Fraction(1, 3)"),
        (complex(1, 2), "(1+2j)"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (date(2026, 11, 24), "2026-11-24"),
        (datetime(2026, 11, 24, 8, tzinfo=timezone.utc), "2026-11-24T08:00:00Z"),
        (datetime(2026, 11, 24, 8),  # noqa: DTZ001 - a naive one is left as it is
         "2026-11-24T08:00:00"),
        (time(8, 30), "08:30:00"),
        (timedelta(seconds=90), 90.0),
        (Colour.RED, "red"),
        (Level.HIGH, 3),
        (b"abc", "abc"),
        (b"\xff\x00", "base64:/wA="),
        (bytearray(b"abc"), "abc"),
        (memoryview(b"abc"), "abc"),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset({"a", 1}), ["a", 1]),
        (range(3), "range(0, 3)"),
        (pathlib.PurePosixPath("/a/b"), "/a/b"),
        (Row(1, "x"), {"a": 1, "password": "[redacted]"}),
        (Row, f"{__name__}.Row"),
        (Point(1, 2), {"x": 1, "y": 2}),
        (Attrs(), {"a": 5}),
        (Model(), {"a": 1}),
        (Text("abc"), "abc"),
        (ValueError("bad"), "ValueError: bad"),
        (OrderedDict(a=1), {"a": 1}),
        (2**63, "9223372036854775808"),
        (-(2**63), -(2**63)),
        (2**5000, "<5001 bit integer>"),
        ("a\0b", "a␀b"),
        ("\ud83d\ude00", "😀"),
        ("\ud800x", "�x"),
        ({3: "a", None: "b", True: "c", b"k": "d", Colour.RED: "e", (1, 2): "f"},
         {"3": "a", "None": "b", "true": "c", "k": "d", "red": "e", "(1, 2)": "f"}),
        ({1: "a", "1": "b"}, {"1": "a", "1#2": "b"}),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_a_value_becomes_json(value, expected):
    assert made(value) == expected


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, Decimal("NaN"), np.float64("nan")]
)
def test_what_is_not_finite_becomes_null_and_is_named(value):
    notes = Notes()

    assert made({"a": [1, value]}, notes) == {"a": [1, None]}
    assert notes["nonfinite"] == ["x.a"]


def test_a_cycle_is_cut():
    row = {"name": "a"}
    row["self"] = [row]

    assert made(row) == {"name": "a", "self": ["<cycle>"]}


def test_the_same_object_twice_is_no_cycle():
    shared = [1]

    assert made([shared, shared]) == [[1], [1]]


def test_deep_nesting_is_cut_and_named():
    value = []
    for _ in range(10_000):
        value = [value]
    notes = Notes()

    made(value, notes)

    assert notes["truncated"]


def test_wide_values_are_cut_and_named():
    for value in (list(range(5000)), {str(i): i for i in range(5000)}, np.arange(5000.0)):
        notes = Notes()

        assert len(made(value, notes)) == 1000
        assert notes["truncated"] == ["x"]


def test_many_values_are_cut_as_a_whole():
    notes = Notes()

    result = made([[[i] * 100 for i in range(900)] for _ in range(3)], notes)

    assert notes["truncated"]
    assert len(orjson.dumps(result)) < 200_000


def test_a_long_text_is_cut_with_a_marker():
    notes = Notes()

    assert made("x" * 100, notes, limit=10) == "xxxxxxxxxx…[cut 90 characters]"
    assert notes["truncated"] == ["x"]


def test_a_secret_across_the_cut_does_not_show():
    text = "x" * 40 + " bob.the.builder@example.com"

    assert "bob" not in made(text, limit=48)


def test_a_secret_in_a_text_is_named_by_its_path():
    notes = Notes()

    made({"to": ["bob@example.com"], "api_key": {"deep": 1}}, notes)

    assert notes["redacted"] == ["x.to", "x.api_key"]


class Broken:
    def __init__(self, *names):
        self.names = names

    def __getattr__(self, name):
        raise RuntimeError(name)

    def __repr__(self):
        raise ValueError("no repr")


class BrokenMapping(dict):
    def items(self):
        raise OSError("gone")


class BrokenIterator(list):
    def __getitem__(self, index):
        raise RecursionError

    def __len__(self):
        return 3


class BrokenKey:
    def __str__(self):
        raise ValueError

    def __hash__(self):
        return 1


def test_a_value_whose_methods_raise_is_named_by_its_type():
    assert made(Broken()) == "<Broken that raises RuntimeError>"
    assert made(BrokenMapping(a=1)) == "<BrokenMapping that raises OSError>"
    assert made(BrokenIterator([1])) == "<BrokenIterator that raises RecursionError>"
    assert made({BrokenKey(): 1}) == {"<BrokenKey>": 1}


def test_an_interrupt_is_let_through():
    class Interrupting:
        def __repr__(self):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        to_json(Interrupting(), "x", Notes(), Redactor())


def test_a_generator_is_not_consumed():
    numbers = (n for n in range(3))

    made(numbers)

    assert list(numbers) == [0, 1, 2]


def test_notes_are_bounded():
    notes = Notes()

    made({f"k{i}": math.nan for i in range(500)}, notes)

    assert len(notes["nonfinite"]) == 50


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.decimals(),
    st.uuids(), st.datetimes(), st.timedeltas(), st.fractions(), st.complex_numbers(),
    st.just("\ud800"),
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.one_of(st.text(), st.integers(), st.booleans(), st.none()), inner)
        | st.tuples(inner, inner)
    ),
    max_leaves=30,
)


@settings(max_examples=300)
@given(values)
def test_any_value_survives_strict_json(value):
    made(value)


@given(st.text(st.characters(categories=None)))
def test_a_cleaned_text_is_utf8_without_nul(text):
    cleaned = clean_text(text)

    assert "\0" not in cleaned
    assert cleaned.encode().decode() == cleaned
