"""Names and values that try to steer whoever looks at them stay text, in every command."""

import pytest

import elkmon

ESCAPE = "\x1b[2J\x9b31m[bold red]boo[/]\u202e\r\n"


@pytest.fixture
def hostile(tmp_path):
    """Give a store in which every name and text is hostile."""
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
    asked = ("--store", hostile, "--format", form)
    listed = run("issues", "list", "--no-note", "--store", hostile, "--format", "csv").stdout
    ids = [line.split(",")[0] for line in listed.splitlines()[1:]]

    shown = [run("issues", "show", each, *asked) for each in ids] + [run("compare", *asked)]

    assert len(shown) == 3
    for result in shown:
        assert result.exit_code == 0
        assert "[bold red]boo[/]" in result.stdout
        assert not {"\x1b", "\x9b", "\u202e", "\r"} & set(result.stdout)


def test_what_is_said_of_an_unknown_model_is_escaped_too(run, hostile):
    result = run("errors", "--store", hostile, "--model", ESCAPE)

    assert "\x1b" not in result.stdout
    assert "knows no model \\x1b[2J" in result.stdout


@pytest.mark.parametrize("option", ["--since", "--where", "--by", "--every"])
def test_a_wrong_question_is_quoted_without_its_escapes(run, hostile, option):
    result = run("errors", "--store", hostile, option, ESCAPE)

    assert result.exit_code == 2
    assert "\x1b" not in result.stderr
