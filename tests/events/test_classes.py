"""A class has one name, wherever it comes from."""

import enum
import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elkmon.events.classes import TASKS, class_name


class Colour(enum.Enum):
    RED = "red"
    ONE = 1.0
    NONE = None


class Word(str, enum.Enum):
    A = "a"


class Level(enum.IntEnum):
    HIGH = 3


class Holder:
    """Has the attributes that other libraries' scalars have, as data."""

    item = "no method"
    value = "x"

    def __str__(self):
        return "holder"


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("fraud", "fraud"),
        (" padded ", " padded "),
        ("1.0", "1.0"),
        ("nan", "nan"),
        ("NaT", "NaT"),
        (1, "1"),
        (-7, "-7"),
        (1.0, "1"),
        (-0.0, "0"),
        (0.5, "0.5"),
        (1e22, "10000000000000000000000"),
        (math.inf, "inf"),
        (True, "true"),
        (False, "false"),
        (Decimal("1.00"), "1"),
        (Decimal("0.10"), "0.10"),
        (Decimal("1E+3"), "1000"),
        (Decimal("Infinity"), "Infinity"),
        (Decimal("1E+1000000"), "1E+1000000"),
        (Fraction(1, 2), "1/2"),
        (b"abc", "abc"),
        (b"\xff", "�"),
        (Colour.RED, "red"),
        (Colour.ONE, "1"),
        (Word.A, "a"),
        (Level.HIGH, "3"),
        (np.float64(1.0), "1"),
        (np.float32(0.5), "0.5"),
        (np.int64(1), "1"),
        (np.bool_(True), "true"),
        (np.str_("a"), "a"),
        (np.array(1.0), "1"),
        (np.array(["a"]), "a"),
        (pd.Series(["a"]), "a"),
        (Holder(), "holder"),
        (("a", 1), "('a', 1)"),
    ],
)
def test_a_class_becomes_its_string(given, name):
    assert class_name(given) == name


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        math.nan,
        np.nan,
        np.float32("nan"),
        pd.NA,
        pd.NaT,
        Decimal("NaN"),
        Decimal("sNaN"),
        b"",
        np.str_(""),
    ],
)
def test_what_is_missing_is_no_class(given):
    assert class_name(given) is None


@pytest.mark.parametrize("given", [np.array(["a", "b"]), pd.Series(["a", "b"])])
def test_several_are_no_class(given):
    with pytest.raises(ValueError, match=r"size 1|scalar"):
        class_name(given)


@given(st.integers(-(2**53), 2**53))
def test_a_number_has_one_name_whichever_type_it_has(number):
    names = {class_name(number), class_name(float(number)), class_name(Decimal(number))}

    assert names == {str(number)}


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.decimals())
def test_a_name_is_the_name_of_itself(value):
    name = class_name(value)

    assert class_name(name) == name


def test_there_are_four_tasks():
    assert {"binary", "multiclass", "regression", "generation"} == TASKS
