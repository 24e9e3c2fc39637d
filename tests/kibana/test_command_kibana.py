"""``elkmon kibana``: what people see, and what each command writes where."""

import json

import pytest
from click.testing import CliRunner

from elkmon.cli import kibana as module
from elkmon.cli import main
from elkmon.events.cluster_settings import Access
from tests.support.kibana_target import KibanaTarget


@pytest.fixture
def target(fake_kibana):
    """The default space and prefix on the fake Kibana."""
    return KibanaTarget(fake_kibana.url, Access(), "default", "elkmon")


@pytest.fixture
def run(target, objects, monkeypatch):
    """A function that runs a command on it, with two saved objects."""
    monkeypatch.setattr(module, "saved_objects", lambda *_: objects)
    monkeypatch.setenv("ELKMON_KIBANA_URL", target.url)
    return lambda *arguments: CliRunner().invoke(main, ["kibana", *arguments])


def test_provisioning_lists_what_is_new_and_a_second_run_changes_nothing(run):
    first, second = run("provision"), run("provision")

    assert first.exit_code == second.exit_code == 0
    assert first.stdout.splitlines()[0] == "new: tag elkmon"
    assert first.stdout.count("new: ") == 10
    assert first.stdout.splitlines()[-1] == (
        "10 changed, 0 as they should be; space default, Kibana 8.12.2"
    )
    assert second.stdout == "0 changed, 10 as they should be; space default, Kibana 8.12.2\n"


def test_the_first_provisioning_adds_panels_for_existing_features(fake_kibana, monkeypatch):
    monkeypatch.setenv("ELKMON_KIBANA_URL", fake_kibana.url)
    view, field = "elkmon-view-predictions", "ml.features.number.amount"

    def fault(_, path):
        if path.endswith(f"/data_view/{view}") and ("index-pattern", view) in fake_kibana.saved:
            return 200, {"data_view": {"fields": {field: {"type": "number"}}}}
        return None

    fake_kibana.fault = fault
    first, second = (CliRunner().invoke(main, ["kibana", "provision"]) for _ in range(2))

    assert first.exit_code == second.exit_code == 0, first.output
    assert field in json.dumps(fake_kibana.saved["dashboard", "elkmon-dashboard-data"])
    assert second.stdout.startswith("0 changed, ")


def test_a_dry_run_changes_nothing(run, fake_kibana):
    result = run("provision", "--space", "models", "--dry-run")

    assert result.exit_code == 0
    assert "new: space models" in result.stdout
    assert "11 would change" in result.stdout
    assert fake_kibana.changing_requests() == []


def test_a_missing_space_is_created(run, fake_kibana):
    result = run("provision", "--space", "models")

    assert result.exit_code == 0
    assert "models" in fake_kibana.spaces
    assert "11 changed, 0 as they should be; space models" in result.stdout


def test_kept_rules_are_listed_with_how_they_differ(run, fake_kibana):
    run("provision")
    (rule,) = (
        body for body in fake_kibana.rules.values() if body["name"] == "elkmon: dead letters"
    )
    rule["params"]["threshold"], rule["revision"] = [10], 1

    kept, overwritten = run("provision"), run("provision", "--overwrite")

    first, last = kept.stdout.splitlines()
    assert first == "kept: rule elkmon: dead letters (params.threshold[0] is 10, elkmon's is 0)"
    assert last.startswith("0 changed, 9 as they should be, 1 kept (--overwrite replaces them);")
    assert "changed: rule elkmon: dead letters" in overwritten.stdout
    (rule,) = (
        body for body in fake_kibana.rules.values() if body["name"] == "elkmon: dead letters"
    )
    assert rule["params"]["threshold"] == [0]


def test_a_changed_connector_is_kept_unless_overwritten(run, fake_kibana):
    run("provision")
    (connector,) = (
        body for body in fake_kibana.rules.values() if body["name"] == "elkmon: index elkmon-alerts"
    )
    connector["config"] = {**connector["config"], "index": "all-alerts"}

    kept, overwritten = run("provision"), run("provision", "--overwrite")

    assert (
        'kept: connector elkmon: index elkmon-alerts (config.index is "all-alerts", '
        'elkmon\'s is "elkmon-alerts")'
    ) in kept.stdout
    assert "changed: connector elkmon: index elkmon-alerts" in overwritten.stdout
    assert connector["config"]["index"] == "elkmon-alerts"


def test_what_kibana_cannot_have_is_a_warning(run, fake_kibana):
    fake_kibana.status["version"]["number"] = "8.11.1"

    result = run("provision")

    assert result.exit_code == 0
    assert result.stderr.count("warning: the rule ") == 2
    assert "needs Kibana 8.12 or later" in result.stderr


def test_each_reason_for_waiting_is_printed_once(run, fake_kibana):
    responses = [(503, "Kibana server is not ready yet")] * 2
    fake_kibana.fault = lambda *_: responses.pop() if responses else None

    result = run("provision", "--dry-run")

    assert result.exit_code == 0
    assert (
        result.stderr == f"{fake_kibana.url}: Kibana is not ready: Kibana server is not ready yet; "
        "waiting\n"
    )


def test_a_kibana_that_is_not_ready_in_time_is_exit_code_3(run, fake_kibana):
    fake_kibana.fault = lambda *_: (503, "Kibana server is not ready yet")

    result = run("provision", "--patience", "0")

    assert result.exit_code == 3
    assert "Error: " in result.stderr
    assert "waited for 0 seconds" in result.stderr


def test_an_older_kibana_is_exit_code_3_after_a_single_request(run, fake_kibana):
    fake_kibana.status["version"]["number"] = "7.17.18"

    result = run("provision")

    assert result.exit_code == 3
    assert "this is Kibana 7.17.18: elkmon needs 8.6 or later" in result.stderr
    assert len(fake_kibana.requests) == 1


def test_an_export_is_ndjson_on_standard_output_or_in_a_file(run, tmp_path):
    run("provision")

    to_stdout = run("export")
    to_file = run("export", "-o", str(tmp_path / "mine.ndjson"))

    lines = [json.loads(line) for line in to_stdout.stdout.splitlines()]
    assert [item["type"] for item in lines] == ["index-pattern", "dashboard", "tag"]
    assert (tmp_path / "mine.ndjson").read_text() == to_stdout.stdout
    assert to_file.stdout == ""
    assert "3 saved objects are in" in to_file.stderr


def test_a_file_that_cannot_be_written_is_wrong_usage(run, tmp_path):
    run("provision")

    result = run("export", "-o", str(tmp_path / "nowhere" / "mine.ndjson"))

    assert result.exit_code == 2
    assert "cannot write to" in result.stderr


def test_removing_lists_what_is_removed_and_a_second_run_removes_nothing(run):
    run("provision", "--space", "models")

    dry_run, first, second = (
        run("remove", "--space", "models", *more) for more in (["--dry-run"], [], [])
    )

    assert dry_run.stdout.count("would remove: ") == first.stdout.count("removed: ") == 10
    assert "stays: space models: everything else in it would be deleted with it" in first.stdout
    assert second.stdout == "the space models has nothing of elkmon to remove\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("provision", "--space", "Of Models"), "lowercase letters"),
        (("provision", "--kibana", "https://me:secret@kibana"), "must not hold a password"),
    ],
)
def test_wrong_usage_is_refused_with_advice(run, arguments, message):
    result = run(*arguments)

    assert result.exit_code == 2
    assert message in result.stderr


def test_the_address_of_kibana_is_required():
    result = CliRunner().invoke(main, ["kibana", "provision"])

    assert result.exit_code == 2
    assert "use --kibana, or set ELKMON_KIBANA_URL" in result.stderr
