"""Compare answers up to the last digits of their numbers."""

import math
from dataclasses import fields


def assert_near(actual, expected, path="answer"):
    """Assert that numbers are equal within 1e-9, relative, and everything else exactly."""
    if isinstance(expected, float) and isinstance(actual, (int, float)):
        assert math.isclose(actual, expected, rel_tol=1e-9, abs_tol=1e-12), path
    elif isinstance(expected, dict):
        assert actual.keys() == expected.keys(), path
        for name, value in expected.items():
            assert_near(actual[name], value, f"{path}.{name}")
    elif isinstance(expected, (list, tuple)):
        assert len(actual) == len(expected), path
        for number, value in enumerate(expected):
            assert_near(actual[number], value, f"{path}[{number}]")
    elif hasattr(expected, "__dataclass_fields__"):
        for field in fields(expected):
            assert_near(
                getattr(actual, field.name), getattr(expected, field.name), f"{path}.{field.name}"
            )
    else:
        assert actual == expected, path
