"""``elkmon setup`` on real servers: what it creates, when it refuses, and what it removes."""

import re

import pytest
from click.testing import CliRunner

from elkmon.cli import main
from elkmon.cluster import setup, templates
from tests.support import elasticsearch_servers as servers

KINDS = ("component_template", "index_template")


@pytest.fixture
def run(server, prefix, looking):
    """A function that runs the command on a server that has nothing of this test's yet."""
    looking(server)
    return lambda *arguments: CliRunner().invoke(
        main, ["setup", "--store", server.url, *map(str, arguments)]
    )


@pytest.fixture
def template_names(server, prefix, looking):
    """A function that returns the names of all templates of this test, by kind."""
    client = looking(server)

    def names():
        templates = {
            "component_template": client.cluster.get_component_template(),
            "index_template": client.indices.get_index_template(),
        }
        return {
            kind: sorted(
                template["name"]
                for template in templates[kind][f"{kind}s"]
                if template["name"].startswith(prefix)
            )
            for kind in KINDS
        }

    return names


def put_component(client, name, meta):
    client.cluster.put_component_template(
        name=name, template={"settings": {"index.number_of_shards": 1}}, meta=meta
    )


def test_templates_are_put_there_once(run, template_names, prefix):
    first, second = run("--replicas", 0), run()

    assert first.exit_code == second.exit_code == 0
    assert first.stdout.count("new: ") == 19
    assert first.stdout.count(f"new: empty index {prefix}-") == 8
    assert template_names() == {
        "component_template": [f"{prefix}-event", f"{prefix}-settings"],
        "index_template": sorted(
            f"{prefix}-{name}"
            for name in (
                *("prediction", "label", "error", "log"),
                *("metric", "deployment", "issue", "emitter", "deadletter"),
            )
        ),
    }
    assert second.stdout == (
        "0 to change, 11 up to date; shards 1, replicas 0, retention 365 days\n"
    )


def test_a_dry_run_says_what_it_would_do_and_does_nothing(run, template_names):
    result = run("--dry-run")

    assert result.exit_code == 0
    assert result.stdout.count("new: ") == 19
    assert "19 would change" in result.stdout
    assert template_names() == {"component_template": [], "index_template": []}


def test_a_change_is_shown_before_it_is_made(run, server, prefix, looking):
    run("--shards", 1, "--replicas", 0)

    dry = run("--shards", 3, "--dry-run")
    wet = run("--shards", 3)

    for result in (dry, wet):
        assert f"changed: component template {prefix}-settings" in result.stdout
        assert re.search(r'^  -\s+"index.number_of_shards": "1"', result.stdout, re.MULTILINE)
        assert re.search(r'^  \+\s+"index.number_of_shards": "3"', result.stdout, re.MULTILINE)
    assert "9 would change, 10 up to date" in dry.stdout
    answer = looking(server).cluster.get_component_template(name=f"{prefix}-settings")
    index = answer["component_templates"][0]["component_template"]["template"]["settings"]["index"]
    assert index["number_of_shards"] == "3"


def test_fields_are_known_before_there_is_an_event(run, server, prefix, looking):
    run("--replicas", 0)

    capabilities = looking(server).field_caps(index=f"{prefix}-metric-*", fields="metric.*")

    assert "metric.value" in capabilities["fields"]


def test_indices_without_events_are_made_anew_by_what_changed(run, server, prefix, looking):
    run("--replicas", 0)
    client = looking(server)
    (full,) = client.indices.get(index=f"{prefix}-label-*")
    client.index(index=full, document={"@timestamp": "2026-11-24T00:00Z"})  # not refreshed

    run("--shards", 3)

    shards = {
        name: index["settings"]["index"]["number_of_shards"]
        for name, index in client.indices.get_settings(index=f"{prefix}-*").items()
    }
    assert shards == {name: "1" if name == full else "3" for name in shards}
    assert len(shards) == 8
    assert client.index(index=full, document={"@timestamp": "2026-11-24T00:00Z"})["result"] == (
        "created"
    )
    assert client.count(index=full)["count"] == 1  # the second is not refreshed


def test_what_is_not_given_stays_as_it_was_set_up(run):
    run("--shards", 2, "--replicas", 0, "--retention", 90)

    assert "shards 2, replicas 0, retention 90 days" in run("--shards", 2).stdout
    assert "0 to change" in run().stdout


def test_what_someone_changed_by_hand_is_put_right(run, server, prefix, looking):
    run("--replicas", 0)
    client = looking(server)
    client.indices.put_index_template(
        name=f"{prefix}-label",
        index_patterns=[f"{prefix}-label-*"],
        meta={"managed_by": "elkmon", "version": 1},
    )

    result = run()

    assert f"changed: index template {prefix}-label" in result.stdout
    assert "0 to change" in run().stdout


def test_a_missing_lifecycle_is_named_with_what_to_do(run):
    result = run("--retention", 90)

    assert "no index lifecycle management: nothing is deleted by age" in result.stderr
    assert "elkmon prune --older-than 90d" in result.stderr


def test_a_setting_that_the_server_does_not_know_is_left_out_and_named(
    run, monkeypatch, template_names
):
    tomorrow = {"index.mapping.of_tomorrow": "tomorrow's events are lost"}
    monkeypatch.setattr(templates, "OPTIONAL", tomorrow)
    monkeypatch.setattr(setup, "OPTIONAL", tomorrow)

    result = run()

    assert result.exit_code == 0
    assert "does not know the setting index.mapping.of_tomorrow, which is left out: tomo" in (
        result.stderr
    )
    assert len(template_names()["index_template"]) == 9


def test_templates_of_a_newer_elkmon_are_left_alone(run, server, prefix, looking, template_names):
    meta = {"managed_by": "elkmon", "version": templates.VERSION + 1}
    put_component(looking(server), f"{prefix}-event", meta)

    result = run()

    assert result.exit_code == 3
    assert f"component template {prefix}-event is version 2, from a newer elkmon" in (result.stderr)
    assert template_names()["index_template"] == []


def test_what_others_put_there_is_neither_overwritten_nor_removed(
    run, server, prefix, looking, template_names
):
    put_component(looking(server), f"{prefix}-event", {"managed_by": "someone"})

    result = run()
    removed = run("--remove")

    assert result.exit_code == 3
    assert "that elkmon did not create" in result.stderr
    assert removed.exit_code == 0
    assert f"kept: component template {prefix}-event" in removed.stdout
    assert template_names()["component_template"] == [f"{prefix}-event"]


def test_removing_takes_out_all_of_it_and_leaves_events(
    run, server, prefix, looking, template_names
):
    run("--replicas", 0)
    client = looking(server)
    put_component(client, f"{prefix}-mine", {})
    (full,) = client.indices.get(index=f"{prefix}-label-*")
    client.index(index=full, document={"@timestamp": "2026-11-24T00:00Z"}, refresh=True)

    dry = run("--remove", "--dry-run")
    after_dry = template_names()
    removed = run("--remove")

    assert dry.stdout.count("would remove: ") == removed.stdout.count("removed: ") == 18
    assert len(after_dry["index_template"]) == 9
    assert template_names() == {"component_template": [f"{prefix}-mine"], "index_template": []}
    assert [*client.indices.get(index=f"{prefix}-*")] == [full]
    assert "elkmon has nothing there to remove" in run("--remove").stdout
    client.cluster.delete_component_template(name=f"{prefix}-mine")


def test_an_older_server_is_refused(run, monkeypatch, template_names):
    monkeypatch.setattr(setup, "OLDEST", (99, 0))

    result = run()

    assert result.exit_code == 3
    assert re.search(r"runs Elasticsearch \d+\.\d+\.\d+: elkmon needs 99.0 or later", result.stderr)
    assert template_names()["index_template"] == []


def test_there_is_no_key_without_security(run):
    result = run("--api-keys")

    assert result.exit_code == 3
    assert "this cluster has no security" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--store", "elkmon-data"), "a folder, which needs no setup"),
        (("--store", "http://localhost:1", "-o", "keys"), "give both"),
        (("--store", "http://localhost:1", "--remove", "--shards", "2"), "removes everything"),
    ],
)
def test_wrong_usage_is_refused_with_what_would_do(arguments, message):
    result = CliRunner().invoke(main, ["setup", *arguments])

    assert result.exit_code == 2
    assert message in result.stderr


def test_a_server_that_is_not_there_is_said_to_be():
    url = f"http://localhost:{servers._free_port()}"

    result = CliRunner().invoke(main, ["setup", "--store", url])

    assert result.exit_code == 3
    assert f"{url}: cannot be set up: it cannot be reached" in result.stderr


@pytest.mark.parametrize("pattern", ["{}-*", "{}-label-2026*", "*-prediction-*"])
def test_a_template_that_wins_over_ours_is_named(run, prefix, looking, server, pattern):
    pattern = pattern.format(prefix) if "{}" in pattern else f"{prefix}{pattern}"
    client = looking(server)
    run("--replicas", 0)
    client.indices.put_index_template(
        name=f"their-{prefix}", index_patterns=[pattern], priority=201, template={}
    )
    try:
        refused = run()
        doctor = CliRunner().invoke(main, ["doctor", "--store", server.url])
    finally:
        client.indices.delete_index_template(name=f"their-{prefix}")

    assert refused.exit_code != 0
    for text in (str(refused.exception) + refused.output, doctor.stdout):
        assert f"their-{prefix} (priority 201, {pattern})" in text.replace("\n", " ")
    assert doctor.exit_code == 1


def test_templates_below_ours_and_beside_ours_are_harmless(run, prefix, looking, server):
    client = looking(server)
    theirs = {"lower": (f"{prefix}-*", 199), "beside": (f"{prefix}x-*", 500)}
    for name, (pattern, priority) in theirs.items():
        client.indices.put_index_template(
            name=f"{name}-{prefix}", index_patterns=[pattern], priority=priority, template={}
        )
    try:
        assert run("--replicas", 0).exit_code == 0
    finally:
        for name in theirs:
            client.indices.delete_index_template(name=f"{name}-{prefix}")


def test_retention_is_said_once_and_an_option_overrides(run, monkeypatch):
    monkeypatch.setenv("ELKMON_RETENTION", "90")

    assert "retention 90 days" in run("--dry-run").stdout
    assert "retention 30 days" in run("--dry-run", "--retention", 30).stdout
