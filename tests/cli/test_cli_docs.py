"""The pages of the command line are true: every option is there, every shape is what comes out."""

import json
import re
import shutil
from pathlib import Path

import click
import pytest

from elkmon.cli import main
from elkmon.cli.program import COMMANDS
from elkmon.events.fields import _SHORT
from elkmon.query.conditions import conditions
from elkmon.questions.quality.metrics import METRICS

DOCS = Path(__file__).parents[2] / "docs/reference"
CLI = (DOCS / "cli.md").read_text(encoding="utf-8")
JSON = (DOCS / "json.md").read_text(encoding="utf-8")


def section(page, title):
    """Return the text below a heading, up to the next heading."""
    match = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE)
    assert match is not None, f"no section {title}"
    return match[1]


def options_of(name):
    """Return the options of a command, and of the commands below it."""
    command = main.get_command(click.Context(main), name)
    below = command.commands.values() if isinstance(command, click.Group) else ()
    parameters = [parameter for part in (command, *below) for parameter in part.params]
    return {name for item in parameters if isinstance(item, click.Option) for name in item.opts}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_every_command_is_documented(name):
    text = section(CLI, f"elkmon {name}")

    for option in options_of(name):
        assert f"`{option}`" in text, f"elkmon {name} {option}"


def test_every_command_is_in_the_list():
    assert set(re.findall(r"^\| \[`(\w+)`\]\(#elkmon-\1\)", CLI, re.MULTILINE)) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_no_option_is_documented_that_does_not_exist(name):
    rows = [line for line in section(CLI, f"elkmon {name}").splitlines() if line[:2] == "| "]
    named = {option for row in rows for option in re.findall(r"`(-[\w-]+)`", row.split("|")[1])}

    assert named <= options_of(name)


def test_every_condition_that_is_shown_is_understood():
    rows = re.findall(r"^\| `([^`]+[=<>][^`]*)` \|", CLI, re.MULTILINE)
    helped = re.findall(r"[\w.]+(?:!=|>=|=)[\w.]*\w", main.epilog.split("Conditions:")[1])

    assert len(rows) >= 5
    assert len(helped) >= 3
    conditions([*rows, *helped])


def test_every_short_name_of_a_field_is_documented():
    for name in _SHORT:
        assert f"`{name}`" in section(CLI, "What holds for all of them"), name


def shape(value):
    """Reduce a document to its names and types; of a list its elements' shape."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def assert_shaped(document, documented, path=""):
    """Hold a document to a shape: the same names, and types unless one of them is null."""
    if isinstance(documented, dict):
        assert set(document) == set(documented), path
        for name, item in documented.items():
            assert_shaped(document[name], item, f"{path}.{name}")
    elif isinstance(documented, list):
        for item in document:
            if documented:
                assert_shaped(item, documented[0], f"{path}[]")
    else:
        assert "NoneType" in {documented, shape(document)} or shape(document) == documented, path


def example(title):
    return json.loads(re.search(r"```json\n(.*?)```", section(JSON, title), re.DOTALL)[1])


FIGURE = example("elkmon quality")["quality"][0]["figures"]["auc"]


@pytest.mark.parametrize("arguments", [(), ("--every", "1d"), ("--where", "segment.country=de")])
def test_errors_have_the_documented_shape(ask_json, arguments):
    document = ask_json("errors", "--by", "version", *arguments)

    assert document["rates"]
    assert_shaped(document, shape(example("elkmon errors")))


def test_a_rate_has_the_documented_names():
    named = set(re.findall(r"`(\w+)`", " ".join(
        row.split("|")[1] for row in section(JSON, "A rate").splitlines() if row[:3] == "| `"
    )))  # fmt: skip

    assert named == set(example("elkmon errors")["rates"][0]["error_rate"])


@pytest.mark.parametrize("name", ["quality", "confusion", "calibration", "latency", "labels"])
@pytest.mark.parametrize("arguments", [(), ("--every", "2d")])
def test_figures_have_the_documented_shape(ask_json, name, arguments):
    document = ask_json(name, *arguments)
    documented = shape(example(f"elkmon {name}"))

    assert document[name]
    if name == "quality":
        figures = [row.pop("figures") for row in document[name]]
        metrics = set(documented[name][0].pop("figures"))
        assert_shaped([value for row in figures for value in row.values()], [shape(FIGURE)])
        assert metrics <= {metric for row in figures for metric in row}
    assert_shaped(document, documented)


def test_a_figure_has_the_documented_names():
    named = set(re.findall(r"`(\w+)`", " ".join(
        row.split("|")[1] for row in section(JSON, "A figure").splitlines() if row[:3] == "| `"
    )))  # fmt: skip

    assert named == set(FIGURE)


def test_every_metric_is_documented():
    text = section(CLI, "elkmon quality")

    for name in METRICS:
        stem = name.removesuffix("_macro").removesuffix("_weighted")
        assert f"`{name}`" in text or (f"`{stem}`" in text and name != stem), name


def test_models_have_the_documented_shape(run, store):
    document = json.loads(run("models", "--store", store, "--format", "json").stdout)

    documented = shape(example("elkmon models"))
    documented["datasets"] = dict.fromkeys(document["datasets"], "int")
    assert_shaped(document, documented)


def test_findings_have_the_documented_shape(run, store, tmp_path):
    folder = shutil.copytree(store, tmp_path / "store")
    (folder / "torn.ndjson").write_bytes(b'{"event": \n')

    document = json.loads(run("doctor", "--store", folder, "--format", "json").stdout)

    assert document
    assert_shaped(document, shape(example("elkmon doctor")))


def test_events_have_at_least_what_is_documented(ask):
    text = ask("events", "--format", "json", "--where", "ml.eval.outcome=wrong", "--limit", "1")

    def within(documented, event, path=""):
        for name, value in documented.items():
            assert name in event, f"{path}.{name}"
            if isinstance(value, dict):
                within(value, event[name], f"{path}.{name}")

    within(example("elkmon events"), json.loads(text))


def test_every_exit_code_is_documented():
    text = section(CLI, "What holds for all of them")

    for code in ("0 fine", "1 a check failed", "2 wrong usage", "3 the store", "130 interrupted"):
        assert code in text
