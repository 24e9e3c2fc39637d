"""A result: a sequence of rows, a table in notebooks, a frame, a plot."""

import subprocess
import sys
from datetime import timezone

import pandas as pd
import polars as pl
import pytest

import elkmon
from elkmon import ConfigError, ErrorRow, Monitor, QueryError, Result
from tests.support.command_line import START

SPAN = {"since": "2026-11-10", "until": "2026-11-20"}
METHODS = ("error_rate", "failure_rate", "quality", "confusion", "calibration", "latency")
FRAMED = (*METHODS, "coverage", "exceptions", "issues", "compare", "metrics")


@pytest.fixture(scope="module")
def monitor(store):
    with Monitor(store) as opened:
        yield opened


@pytest.fixture
def rates(monitor):
    return monitor.error_rate("fraud", by="version", **SPAN)


def test_it_is_a_sequence_of_its_rows(rates):
    assert len(rates) == 2
    assert [row.by["version"] for row in rates] == ["1.0", "2.0"]
    assert rates[0] is rates.rows[0]
    assert rates[-1] == rates.rows[1]
    assert rates[1:].rows == rates.rows[1:]
    assert isinstance(rates[:1], Result)
    assert rates.rows[1] in rates
    with pytest.raises(IndexError):
        rates[2]


def test_its_repr_is_short(rates):
    assert repr(rates) == ("<Result of 2 ErrorRows, 2026-11-10T00:00:00Z to 2026-11-20T00:00:00Z>")


def test_in_a_notebook_it_is_a_table(rates):
    html = rates._repr_html_()

    assert '<th scope="col" class="right">error rate</th>' in html
    assert "10.0 % [5.2, 18.5] 8 / 80" in html


def test_nothing_that_a_user_named_becomes_markup(tmp_path):
    elkmon.configure(spool=tmp_path / "store")
    log = elkmon.get_logger("<script>alert(1)</script>", "\x1b[31m", task="binary")
    log.prediction(label="a", at=START)
    with Monitor(tmp_path / "store") as monitor:
        html = monitor.failure_rate(by="version", **SPAN)._repr_html_()

    assert "<script>" not in html
    assert "\x1b" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize("every", [None, "1d"])
@pytest.mark.parametrize("method", FRAMED)
def test_a_frame_has_the_same_types_with_rows_and_without(monitor, method, every):
    steps = {} if every is None or method in {"exceptions", "compare"} else {"every": every}
    full = getattr(monitor, method)(**steps, **SPAN)
    frame, empty = full.to_pandas(), full[:0].to_pandas()

    assert list(frame.columns) == list(empty.columns) == list(full.columns)
    with_rows, without = frame.dtypes.map(str), empty.dtypes.map(str)
    for name in frame.columns:
        if name.endswith(("_low", "_high", "_n_eff", "_weighted_k", "_weighted_n")):
            assert with_rows[name] == without[name] == "float64", name
        elif name.endswith(("_k", "_n")):
            assert {with_rows[name], without[name]} <= {"int64", "Int64"}, name
        if name == "time":
            assert with_rows[name] == without[name] == "datetime64[ns, UTC]"


def test_a_figure_that_is_absent_is_still_a_number(monitor):
    frame = monitor.error_rate("digits", **SPAN).to_pandas()

    assert frame["error_rate"].dtype == "float64"
    assert frame["error_rate"].isna().all()
    assert frame["error_rate_reason"].tolist() == ["no label yet"]


def test_frames_hold_the_rows(rates):
    frame, other = rates.to_pandas(), rates.to_polars()

    assert frame["error_rate"].tolist() == [row.error_rate.value for row in rates]
    assert frame["error_rate_k"].dtype == "int64"
    assert other["error_rate"].to_list() == frame["error_rate"].tolist()
    assert other.schema["error_rate_n"] == pl.Int64
    assert other.schema["time"] == pl.Datetime("us", "UTC")


def test_times_of_a_frame_are_in_utc(monitor):
    frame = monitor.error_rate("fraud", every="1d", **SPAN).to_pandas()

    assert frame["time"].iloc[0] == pd.Timestamp(START.astimezone(timezone.utc))


def test_a_plot_draws_a_figure_with_its_interval(monitor, rates):
    over_time = monitor.error_rate("fraud", every="1d", **SPAN).plot().to_dict()
    by_group = rates.plot("coverage").to_dict()

    assert over_time["layer"][0]["mark"]["type"] == "area"
    assert by_group["layer"][1]["encoding"]["x"]["field"] == "value"
    (drawn,) = by_group["datasets"].values()
    assert [row["value"] for row in drawn] == [row.coverage.value for row in rates]


def test_a_plot_of_no_such_figure_names_those_there_are(rates):
    with pytest.raises(QueryError, match="no figure f1; there are: error_rate, coverage"):
        rates.plot("f1")


def test_what_is_not_installed_is_named(rates, monkeypatch):
    monkeypatch.setitem(sys.modules, "altair", None)
    monkeypatch.setitem(sys.modules, "polars", None)

    with pytest.raises(ConfigError, match=r"pip install 'elkmon\[plots\]'"):
        rates.plot()
    with pytest.raises(ConfigError, match="pip install polars"):
        rates.to_polars()


def test_asking_needs_nothing_of_the_command_line(store):
    code = f"""
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {{"click", "rich", "jinja2", "altair", "numpy", "elasticsearch"}}:
            raise ModuleNotFoundError(name=name)
sys.meta_path.insert(0, Blocked())
from elkmon import Monitor
with Monitor({str(store)!r}) as monitor:
    for method in {FRAMED!r}:
        answer = getattr(monitor, method)(since="2026-11-10", until="2026-11-20")
        print(method, len(answer), len(answer._repr_html_()) > 0)
    print(len(monitor.catalog().models), len(list(monitor.events(limit=3))))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "3 3"
    assert len(done.stdout.splitlines()) == len(FRAMED) + 1


def test_rows_are_of_exported_types(rates):
    assert type(rates[0]) is ErrorRow
