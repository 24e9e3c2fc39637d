"""The demo in its own processes: the store holds what the ground truth says."""

import os
from datetime import datetime, timedelta

import orjson
import pytest

from elkmon import ConfigError, StoreError
from elkmon.demo import DemoOptions, make_plan, run_demo
from elkmon.demo.story import DIGITS, DIGITS_RATE, TRIAGE, V1, V2
from elkmon.events.merge import Label, Prediction, merge


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def recount(events, model, group_of, group):
    """Count stored, failed, labelled and wrong predictions of a group by the pure merge."""
    labels = {}
    for event in events["label"]:
        if event["ml"]["model"]["name"] == model:
            truth = event["ml"]["truth"]
            label = Label(event["event"]["id"], moment(truth["observed_at"]), label=truth["label"])
            labels.setdefault(event["ml"]["prediction"]["id"], []).append(label)
    counts = {"stored": 0, "failures": 0, "labelled": 0, "wrong": 0}
    for event in events["prediction"]:
        if event["ml"]["model"]["name"] != model or group_of(event) != group:
            continue
        counts["stored"] += 1
        if event["event"]["outcome"] == "failure":
            counts["failures"] += 1
            continue
        answer = event["ml"]["prediction"]
        outcome = merge(
            Prediction(moment(event["@timestamp"]), label=answer["label"]),
            labels.get(answer["id"], []),
        ).outcome
        counts["labelled"] += outcome is not None
        counts["wrong"] += outcome == "wrong"
    return counts


def expected(group):
    return {name: group[name] for name in ("stored", "failures", "labelled", "wrong")}


@pytest.mark.parametrize("model", [TRIAGE, DIGITS])
def test_the_store_holds_what_the_truth_says_by_version(demo, events, model):
    for version, group in demo.truth["models"][model]["version"].items():
        counts = recount(events, model, lambda event: event["ml"]["model"]["version"], version)
        assert counts == expected(group)


@pytest.mark.parametrize("model", [TRIAGE, DIGITS])
@pytest.mark.parametrize("name", ["site", "channel"])
def test_the_store_holds_what_the_truth_says_by_segment(demo, events, model, name):
    for value, group in demo.truth["models"][model][f"segment.{name}"].items():
        counts = recount(events, model, lambda event: event["ml"]["segment"][name], value)
        assert counts == expected(group)


def test_every_prediction_has_the_time_and_version_of_the_plan(demo, events):
    plan = make_plan(4_000, 3, moment(demo.truth["to"]))
    planned = {request.id: (request.at, request.version) for request in plan.requests}

    for event in events["prediction"]:
        at, version = planned[event["ml"]["prediction"]["id"]]
        assert moment(event["@timestamp"]) == at
        assert event["ml"]["model"]["version"] == version


def test_several_processes_served_the_week(events):
    served = {event["process"]["entity_id"] for event in events["prediction"]}

    assert len(served) == 2


def test_events_carry_features_of_both_kinds_and_segments(events):
    for event in events["prediction"]:
        assert len(event["ml"]["features"]["number"]) >= 9
        assert len(event["ml"]["features"]["category"]) == 3
        assert set(event["ml"]["segment"]) == {"site", "channel"}


def test_the_new_exception_is_real_linked_and_in_version_2_only(demo, events):
    errors = [event for event in events["error"] if event["error"]["type"] == "ValueError"]

    assert len(errors) == demo.truth["injected"]["exception"]["failures"] > 0
    assert {event["ml"]["model"]["version"] for event in errors} == {V2}
    assert len({event["error"]["fingerprint"] for event in errors}) == 1
    assert "_logarithms" in errors[0]["error"]["stack_trace"]
    failed = {
        event["ml"]["prediction"]["id"]
        for event in events["prediction"]
        if event["event"]["outcome"] == "failure"
    }
    assert {event["ml"]["prediction"]["id"] for event in errors} <= failed


def test_an_exception_has_the_time_of_its_request(demo, events):
    plan = make_plan(4_000, 3, moment(demo.truth["to"]))
    planned = {request.id: request.at for request in plan.requests}

    assert events["error"]
    for event in events["error"]:
        assert moment(event["@timestamp"]) == planned[event["ml"]["prediction"]["id"]]


def test_an_old_exception_is_in_both_versions(events):
    versions = {
        event["ml"]["model"]["version"]
        for event in events["error"]
        if event["error"]["type"].endswith("IncompleteReadingError")
    }

    assert versions == {V1, V2}


def test_version_2_fails_more_often_and_the_injected_segment_is_wrong_more_often(demo):
    triage = demo.truth["models"][TRIAGE]
    failed = {
        name: counts["failures"] / counts["requests"] for name, counts in triage["version"].items()
    }
    hit = demo.truth["injected"]["unit_error"]

    assert failed[V2] > 3 * failed[V1]
    assert hit["true_error_rate"] > 2 * triage["total"]["true_error_rate"]
    assert hit["labelled"] > 30


def test_only_the_low_risk_stream_is_sampled_and_its_labels_are_not(demo, events):
    stored = [event for event in events["prediction"] if event["ml"]["model"]["name"] == DIGITS]
    group = demo.truth["models"][DIGITS]["total"]

    assert {event["ml"]["sample"]["rate"] for event in stored} == {DIGITS_RATE}
    assert len(stored) == group["stored"] < group["requests"] / 2
    assert len(events["label"]) == demo.truth["injected"]["labels"]["sent"]


def test_the_weighted_error_rate_of_the_sample_is_near_the_true_one(demo):
    group = demo.truth["models"][DIGITS]["total"]

    rate = group["wrong"] / group["labelled"]

    assert abs(rate - group["true_error_rate"]) < 4 * (0.07 * 0.93 / group["labelled"]) ** 0.5


def test_no_label_is_from_the_future_and_deployments_are_told(demo, events):
    end = moment(demo.truth["to"])

    assert all(moment(event["ml"]["truth"]["observed_at"]) < end for event in events["label"])
    deployed = {
        event["ml"]["model"]["version"]: event["@timestamp"] for event in events["deployment"]
    }
    assert set(deployed) == {V1, V2, "3.1.0"}
    assert moment(deployed[V2]) == moment(demo.truth["injected"]["version"]["from"])


def test_the_truth_is_kept_apart_from_the_events(demo):
    assert demo.truth_file.parent == demo.store / "ground-truth"
    assert orjson.loads(demo.truth_file.read_bytes()) == demo.truth
    assert not any("ground-truth" in path.name for path in demo.store.glob("*.ndjson"))


def test_the_truth_and_progress_go_where_they_are_told(tmp_path, demo):
    end = moment(demo.truth["to"]) - timedelta(hours=3)
    seen = []
    options = DemoOptions(
        tmp_path / "store", end, requests=200, workers=1, truth=tmp_path / "apart" / "truth.json"
    )

    result = run_demo(options, lambda done, total: seen.append((done, total)))

    assert result.truth_file == tmp_path / "apart" / "truth.json"
    assert orjson.loads(result.truth_file.read_bytes())["requests"] == 200
    done, total = seen[-1]
    assert done == total == 200 + result.truth["injected"]["labels"]["sent"]


def test_a_folder_that_holds_something_is_refused(tmp_path, demo):
    (tmp_path / "mine.txt").write_text("keep me")

    with pytest.raises(ConfigError, match=r"is not empty \(mine\.txt is in it\)"):
        run_demo(DemoOptions(tmp_path, moment(demo.truth["to"])))


def test_a_file_in_place_of_the_folder_is_refused(tmp_path, demo):
    (tmp_path / "store").write_text("")

    with pytest.raises(ConfigError, match="is not a folder"):
        run_demo(DemoOptions(tmp_path / "store", moment(demo.truth["to"])))


def test_a_folder_that_cannot_be_made_is_named(demo):
    with pytest.raises(StoreError, match="cannot use"):
        run_demo(DemoOptions(demo.store / ("x" * 300), moment(demo.truth["to"])))


def test_too_few_requests_are_refused(tmp_path, demo):
    with pytest.raises(ConfigError, match="at least 200"):
        run_demo(DemoOptions(tmp_path, moment(demo.truth["to"]), requests=199))


def test_a_truth_that_cannot_be_written_is_said(tmp_path, demo):
    (tmp_path / "file").write_text("")
    options = DemoOptions(
        tmp_path / "store",
        moment(demo.truth["to"]),
        requests=200,
        workers=1,
        truth=tmp_path / "file" / "truth.json",
    )

    with pytest.raises(StoreError, match="cannot write the ground truth"):
        run_demo(options)


def test_lost_events_end_the_demo(tmp_path, demo, monkeypatch):
    monkeypatch.setitem(os.environ, "ELKMON_MAX_BYTES", "20000")

    with pytest.raises(StoreError, match="events of the demo could not be written"):
        run_demo(DemoOptions(tmp_path, moment(demo.truth["to"]), requests=200, workers=1))
