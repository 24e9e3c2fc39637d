"""``elkmon kibana``: what people see of it, and what each command writes where."""

import json

import pytest
from click.testing import CliRunner

from elkmon.cli import kibana as module
from elkmon.cli import main
from elkmon.events.cluster_settings import Access
from tests.support.kibana_places import Place


@pytest.fixture
def place(standin):
    """The default space and prefix, on what stands in for Kibana."""
    return Place(standin.url, Access(), "default", "elkmon")


@pytest.fixture
def run(place, objects, monkeypatch):
    """A function that runs a command on it; two saved objects are enough here."""
    monkeypatch.setattr(module, "saved_objects", lambda *_: objects)
    monkeypatch.setenv("ELKMON_KIBANA_URL", place.url)
    return lambda *arguments: CliRunner().invoke(main, ["kibana", *arguments])


def test_provisioning_says_what_is_new_and_then_that_nothing_is(run):
    first, second = run("provision"), run("provision")

    assert first.exit_code == second.exit_code == 0
    assert first.stdout.splitlines()[0] == "new: tag elkmon"
    assert first.stdout.count("new: ") == 10
    assert first.stdout.splitlines()[-1] == (
        "10 changed, 0 as they should be; space default, Kibana 8.12.2"
    )
    assert second.stdout == "0 changed, 10 as they should be; space default, Kibana 8.12.2\n"


def test_the_first_provisioning_makes_panels_of_features_that_are_there(standin, monkeypatch):
    monkeypatch.setenv("ELKMON_KIBANA_URL", standin.url)
    view, field = "elkmon-view-predictions", "ml.features.number.amount"

    def fault(_, path):
        if path.endswith(f"/data_view/{view}") and ("index-pattern", view) in standin.saved:
            return 200, {"data_view": {"fields": {field: {"type": "number"}}}}
        return None

    standin.fault = fault
    first, second = (CliRunner().invoke(main, ["kibana", "provision"]) for _ in range(2))

    assert first.exit_code == second.exit_code == 0, first.output
    assert field in json.dumps(standin.saved["dashboard", "elkmon-dashboard-data"])
    assert second.stdout.startswith("0 changed, ")


def test_a_dry_run_changes_nothing(run, standin):
    result = run("provision", "--space", "models", "--dry-run")

    assert result.exit_code == 0
    assert "new: space models" in result.stdout
    assert "11 would change" in result.stdout
    assert standin.changing() == []


def test_a_space_is_made(run, standin):
    result = run("provision", "--space", "models")

    assert result.exit_code == 0
    assert "models" in standin.spaces
    assert "11 changed, 0 as they should be; space models" in result.stdout


def test_what_is_kept_is_named_with_how_it_differs(run, standin):
    run("provision")
    (rule,) = (body for body in standin.made.values() if body["name"] == "elkmon: dead letters")
    rule["params"]["threshold"], rule["revision"] = [10], 1

    kept, overwritten = run("provision"), run("provision", "--overwrite")

    first, last = kept.stdout.splitlines()
    assert first == "kept: rule elkmon: dead letters (params.threshold[0] is 10, elkmon's is 0)"
    assert last.startswith("0 changed, 9 as they should be, 1 kept (--overwrite replaces them);")
    assert "changed: rule elkmon: dead letters" in overwritten.stdout
    (rule,) = (body for body in standin.made.values() if body["name"] == "elkmon: dead letters")
    assert rule["params"]["threshold"] == [0]


def test_a_connector_that_was_changed_is_kept_unless_it_is_to_be_overwritten(run, standin):
    run("provision")
    (connector,) = (
        body for body in standin.made.values() if body["name"] == "elkmon: index elkmon-alerts"
    )
    connector["config"] = {**connector["config"], "index": "alerts-of-all"}

    kept, overwritten = run("provision"), run("provision", "--overwrite")

    assert (
        'kept: connector elkmon: index elkmon-alerts (config.index is "alerts-of-all", '
        'elkmon\'s is "elkmon-alerts")'
    ) in kept.stdout
    assert "changed: connector elkmon: index elkmon-alerts" in overwritten.stdout
    assert connector["config"]["index"] == "elkmon-alerts"


def test_what_kibana_cannot_have_is_a_warning(run, standin):
    standin.status["version"]["number"] = "8.11.1"

    result = run("provision")

    assert result.exit_code == 0
    assert result.stderr.count("warning: the rule ") == 2
    assert "needs Kibana 8.12 or later" in result.stderr


def test_what_is_waited_for_is_said_once_a_reason(run, standin):
    answers = [(503, "Kibana server is not ready yet")] * 2
    standin.fault = lambda *_: answers.pop() if answers else None

    result = run("provision", "--dry-run")

    assert result.exit_code == 0
    assert (
        result.stderr == f"{standin.url}: Kibana is not ready: Kibana server is not ready yet; "
        "waiting\n"
    )


def test_a_kibana_that_is_not_ready_in_time_is_exit_code_3(run, standin):
    standin.fault = lambda *_: (503, "Kibana server is not ready yet")

    result = run("provision", "--patience", "0")

    assert result.exit_code == 3
    assert "Error: " in result.stderr
    assert "waited for 0 seconds" in result.stderr


def test_an_older_kibana_is_exit_code_3_and_nothing_is_asked_of_it(run, standin):
    standin.status["version"]["number"] = "7.17.18"

    result = run("provision")

    assert result.exit_code == 3
    assert "this is Kibana 7.17.18: elkmon needs 8.6 or later" in result.stderr
    assert len(standin.requests) == 1


def test_an_export_is_ndjson_on_standard_output_or_in_a_file(run, tmp_path):
    run("provision")

    printed = run("export")
    written = run("export", "-o", str(tmp_path / "mine.ndjson"))

    lines = [json.loads(line) for line in printed.stdout.splitlines()]
    assert [each["type"] for each in lines] == ["index-pattern", "dashboard", "tag"]
    assert (tmp_path / "mine.ndjson").read_text() == printed.stdout
    assert written.stdout == ""
    assert "3 saved objects are in" in written.stderr


def test_a_file_that_cannot_be_written_is_wrong_usage(run, tmp_path):
    run("provision")

    result = run("export", "-o", str(tmp_path / "nowhere" / "mine.ndjson"))

    assert result.exit_code == 2
    assert "cannot write to" in result.stderr


def test_removing_says_what_goes_and_then_that_nothing_is_there(run):
    run("provision", "--space", "models")

    dry, wet, again = (
        run("remove", "--space", "models", *more) for more in (["--dry-run"], [], [])
    )

    assert dry.stdout.count("would remove: ") == wet.stdout.count("removed: ") == 10
    assert "stays: space models: all else in it would go with it" in wet.stdout
    assert again.stdout == "nothing of elkmon's is in the space models to remove\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("provision", "--space", "Of Models"), "small letters"),
        (("provision", "--kibana", "https://me:secret@kibana"), "must not hold a password"),
    ],
)
def test_wrong_usage_is_refused_with_what_would_do(run, arguments, said):
    result = run(*arguments)

    assert result.exit_code == 2
    assert said in result.stderr


def test_which_kibana_has_to_be_said():
    result = CliRunner().invoke(main, ["kibana", "provision"])

    assert result.exit_code == 2
    assert "Give --kibana, or set ELKMON_KIBANA_URL" in result.stderr
