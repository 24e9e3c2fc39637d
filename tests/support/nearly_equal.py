"""Answers that are equal but for the last digits of their numbers."""

import math
from dataclasses import fields


def assert_near(found, expected, path="answer"):
    """Hold numbers to 1e-9, relative; everything else to be equal."""
    if isinstance(expected, float) and isinstance(found, (int, float)):
        assert math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-12), path
    elif isinstance(expected, dict):
        assert found.keys() == expected.keys(), path
        for name, value in expected.items():
            assert_near(found[name], value, f"{path}.{name}")
    elif isinstance(expected, (list, tuple)):
        assert len(found) == len(expected), path
        for number, value in enumerate(expected):
            assert_near(found[number], value, f"{path}[{number}]")
    elif hasattr(expected, "__dataclass_fields__"):
        for field in fields(expected):
            assert_near(
                getattr(found, field.name), getattr(expected, field.name), f"{path}.{field.name}"
            )
    else:
        assert found == expected, path
