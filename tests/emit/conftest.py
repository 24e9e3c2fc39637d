"""Every line that a test of the emitter writes is checked against the field table."""

import pytest

from elkmon.testing import Captured, capture
from tests.support.field_table_check import check


@pytest.fixture(autouse=True)
def faults(monkeypatch):
    """Check every line that is captured; the emitter would swallow what a sink raises."""
    found = []
    write = Captured.write

    def checked(self, data, ms, lines=1):
        try:
            check(data, lines)
        except (AssertionError, ValueError) as fault:
            found.append(f"{fault}: {data[:2000]!r}")
        return write(self, data, ms, lines)

    monkeypatch.setattr(Captured, "write", checked)
    yield found
    assert found == []


@pytest.fixture
def events():
    """Capture what is logged, as an application has it: wrong use is counted, not raised."""
    with capture(strict=False, user_key="a key") as captured:
        yield captured
