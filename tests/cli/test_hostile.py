"""Names and values that try to steer whoever looks at them stay text, in every command."""

import json
import shlex
from datetime import datetime, timedelta, timezone

import pytest

import elkmon

MINUTE = timedelta(minutes=1)
ESCAPE = "\x1b[2J\x9b31m[bold red]boo[/]\u202e\r\n"


@pytest.fixture
def hostile(tmp_path):
    """Return a store in which every name and text is hostile."""
    elkmon.configure(service=ESCAPE, node=ESCAPE, spool=tmp_path / "store")
    log = elkmon.get_logger(f"={ESCAPE}", ESCAPE, task="binary")
    log.prediction(label=ESCAPE, segment={"site": f"@{ESCAPE}"}, id=ESCAPE)
    log.label(ESCAPE, ESCAPE)
    log.error(ValueError(ESCAPE))
    log.bind(a=ESCAPE).warning(ESCAPE)
    log.error(ESCAPE)
    log.metric(ESCAPE, 1.0, unit=ESCAPE)
    elkmon.reset()
    return tmp_path / "store"


@pytest.mark.parametrize("form", ["table", "json", "csv"])
@pytest.mark.parametrize(
    "command",
    [
        ("errors", "--by", "version", "--by", "segment.site"),
        ("errors", "--every", "1h"),
        ("quality", "--by", "version", "--classes"),
        ("quality", "--every", "1h"),
        ("confusion", "--by", "segment.site"),
        ("calibration", "--by", "version"),
        ("latency",),
        ("labels", "--by", "segment.site"),
        ("issues", "list", "--no-note"),
        ("metrics", "--by", "version"),
        ("models",),
        ("events",),
    ],
    ids=" ".join,
)
def test_nothing_that_is_shown_steers_a_terminal(run, hostile, command, form):
    result = run(*command, "--store", hostile, "--format", form)

    assert result.exit_code == 0
    assert "[bold red]boo[/]" in result.stdout, "markup stays as it is"
    for char in "\x1b\x9b\u202e\r":
        assert char not in result.stdout
    if form == "csv":
        assert not any(line.startswith(("=", "@")) for line in result.stdout.splitlines())


@pytest.mark.parametrize("form", ["table", "json"])
def test_what_is_said_of_an_issue_and_of_no_comparison_is_escaped(run, hostile, form):
    options = ("--store", hostile, "--format", form)
    listed = run("issues", "list", "--no-note", "--store", hostile, "--format", "csv").stdout
    ids = [line.split(",")[0] for line in listed.splitlines()[1:]]

    results = [run("issues", "show", name, *options) for name in ids]
    results.append(run("compare", *options))

    assert len(results) == 3
    for result in results:
        assert result.exit_code == 0
        assert "[bold red]boo[/]" in result.stdout
        assert not {"\x1b", "\x9b", "\u202e", "\r"} & set(result.stdout)


def test_what_is_said_of_an_unknown_model_is_escaped_too(run, hostile):
    result = run("errors", "--store", hostile, "--model", ESCAPE)

    assert "\x1b" not in result.stdout
    assert "has no model \\x1b[2J" in result.stdout


@pytest.mark.parametrize("option", ["--since", "--where", "--by", "--every"])
def test_a_wrong_question_is_quoted_without_its_escapes(run, hostile, option):
    result = run("errors", "--store", hostile, option, ESCAPE)

    assert result.exit_code == 2
    assert "\x1b" not in result.stderr


@pytest.fixture
def odd(tmp_path):
    """Return a store in which classes and segments have names that look like conditions."""
    elkmon.configure(spool=tmp_path / "store")
    for version, day, wrong in (("1", 10, 40), ("2 ", 15, 4)):
        log = elkmon.get_logger("m", version, task="multiclass")
        times = [datetime(2026, 11, day, tzinfo=timezone.utc) + MINUTE * n for n in range(400)]
        for n, at in enumerate(times):
            segment = {" a != b\u202e": "=x\n" if n % 2 else "y "}
            log.prediction(label='"b" ', segment=segment, id=f"{version}{n}", at=at, duration=0.1)
            truth = "=a" if n % wrong == 1 else '"b" '
            log.label(f"{version}{n}", truth, observed_at=at)
    elkmon.reset()
    return tmp_path / "store"


@pytest.mark.parametrize(
    ("command", "number"),
    [
        (("issues", "list", "--no-note"), 100),
        (("confusion", "--by", "segment. a != b\u202e"), 110),
        (("latency", "--by", "segment. a != b\u202e"), None),
        (("compare",), 100),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_commands_can_be_pasted_whatever_names_and_values_are(run, odd, command, number):
    result = run(*command, "--store", odd, "--since", "2026-11-10", "--until", "2026-11-20")

    assert result.exit_code == 0
    last = shlex.split(result.stdout.rstrip("\n").rpartition("elkmon events ")[2])
    lines = run("events", *last, "--limit", "1000", "--format", "json").stdout.splitlines()
    assert len(lines) == number if number else lines
    assert {json.loads(line)["ml"]["segment"][" a != b\u202e"] for line in lines} == {"=x\n"}
