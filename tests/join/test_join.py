"""``join`` on a real server: what is on predictions and labels afterwards."""

from datetime import timedelta

import pytest

from elkmon.events.ids import kept, new_id, prediction_key
from elkmon.events.times import from_iso
from tests.support.label_joins import AT, LATER, Cluster, Hooked, joined_locally, label, prediction


@pytest.fixture
def cluster_new(installed, prefix, server_new):
    return Cluster(installed(server_new), prefix)


def id_of(at):
    """Return an id with a time in it."""
    return new_id(int(from_iso(at).timestamp() * 1000))


def only(items):
    (value,) = items.values()
    return value


def test_labels_are_joined_and_marked(cluster, tmp_path):
    timed_id = id_of(AT)
    events = [
        prediction("1"),
        prediction(timed_id, {"ml.task": "binary", "ml.prediction.positive": "a",
                         "ml.prediction.score": 0.75}),
        prediction("3", {"ml.prediction.value": 2.5, "ml.task": "regression"}),
        prediction("4"),
        label("l1", "1", {"ml.truth.label": "b"}),
        label("l2", timed_id),
        label("l3", "3", {"ml.truth.value": 2.0}),
        label("l4", "nobody"),
    ]  # fmt: skip
    cluster.load(*events)
    cluster.seen()

    report = cluster.join()

    assert cluster.joined() == joined_locally(tmp_path, events)
    assert cluster.states() == {"l1": "joined", "l2": "joined", "l3": "joined", "l4": "orphan"}
    assert report.balance() == ("read 4 labels = 3 joined + 1 without a prediction + 0 sampled out")
    assert report.written == 3


def test_a_cluster_without_any_event_is_joined(cluster):
    assert cluster.join().read == 0


def test_a_second_pass_has_nothing_to_do(cluster):
    cluster.load(prediction("1"), label("l1", "1"))
    cluster.seen()
    cluster.join()
    before = cluster.documents("prediction"), cluster.documents("label")

    again = cluster.join()

    assert (again.read, again.written) == (0, 0)
    assert (cluster.documents("prediction"), cluster.documents("label")) == before


def test_a_prediction_that_no_search_sees_yet_is_found_by_its_id(cluster):
    timed_id = id_of(AT)
    cluster.client.indices.create(
        index=f"{cluster.prefix}-prediction-2026.11.01", settings={"refresh_interval": "-1"}
    )
    cluster.load(prediction(timed_id), label("l1", timed_id))

    cluster.join()

    assert cluster.states() == {"l1": "joined"}


def test_a_correction_of_later_counts_and_one_of_before_does_not(cluster):
    cluster.load(prediction("1"), label("l1", "1", {"ml.truth.label": "b"}, at=LATER))
    cluster.seen()
    cluster.join()
    cluster.load(
        label("l2", "1", {"ml.truth.label": "c", "ml.truth.source": "old"}, at=AT),
        label("l3", "1", {"ml.truth.label": None, "ml.truth.rating": 3.0},
              at="2026-11-26T00:00:00.000Z"),
    )  # fmt: skip

    cluster.join()

    fields = only(cluster.joined())
    assert fields["truth.label"] == "b"
    assert fields["truth.rating"] == 3.0
    assert fields["eval.first_delay"] == 0.0
    assert "truth.source" not in fields


def test_what_a_correction_makes_unknown_goes(cluster):
    scores = {"ml.task": "multiclass", "ml.prediction.scores": {"a": 0.75, "b": 0.25}}
    cluster.load(prediction("1", scores), label("l1", "1", at=AT))
    cluster.seen()
    cluster.join()
    assert only(cluster.joined())["eval.log_loss"] == pytest.approx(0.2876820724517809)
    cluster.load(label("l2", "1", {"ml.truth.label": "z"}, at=LATER))

    cluster.join()

    assert "eval.log_loss" not in only(cluster.joined())
    assert only(cluster.joined())["truth.label"] == "z"


def test_a_label_that_comes_during_a_pass_is_merged_by_the_next(cluster):
    cluster.load(prediction("1"), label("l1", "1", {"ml.truth.rating": 1.0}, at=AT))
    cluster.seen()
    late = label("l2", "1", {"ml.truth.label": "b"}, at=LATER)
    client = Hooked(
        cluster.client, "open_point_in_time", behind=lambda: (cluster.load(late), cluster.seen())
    )

    first = cluster.join(client)
    assert (first.read, cluster.states()["l2"]) == (1, None)
    cluster.join()

    fields = only(cluster.joined())
    assert (fields["truth.label"], fields["truth.rating"]) == ("b", 1.0)
    assert cluster.states() == {"l1": "joined", "l2": "joined"}


def test_one_id_in_two_months_counts_in_both(cluster, tmp_path):
    timed_id = id_of("2026-10-31T23:59:59.999Z")
    events = [
        prediction("1", at="2026-10-02T00:00:00.000Z"),
        prediction("1", at=AT),
        prediction(timed_id, at="2026-10-31T23:59:59.999Z"),
        prediction(timed_id, {"ml.prediction.label": "b"}, at="2026-11-01T00:00:00.000Z"),
        label("l1", "1"),
        label("l2", timed_id),
    ]
    cluster.load(*events)
    cluster.seen()

    cluster.join()

    assert len(cluster.joined()) == 4
    assert cluster.joined() == joined_locally(tmp_path, events)


@pytest.mark.parametrize(
    "prediction_id", ["1", id_of("2026-10-02T00:00:00.000Z")], ids=["own", "UUIDv7"]
)
def test_a_prediction_that_comes_again_in_a_later_month_is_joined_then(
    cluster, tmp_path, prediction_id
):
    events = [prediction(prediction_id, at="2026-10-02T00:00:00.000Z"), label("l1", prediction_id)]
    cluster.load(*events)
    cluster.seen()
    cluster.join()
    cluster.later(minutes=5)
    cluster.join()
    events.append(prediction(prediction_id, {"ml.prediction.label": "b"}, at=AT))
    cluster.load(events[-1])
    cluster.later(minutes=5)

    report = cluster.join()

    assert (report.read, report.late) == (0, 1)
    assert cluster.joined() == joined_locally(tmp_path, events)
    cluster.later(minutes=5)
    assert cluster.join().late == 0


def test_a_prediction_that_comes_to_where_its_id_says_behind_others_is_joined(cluster, tmp_path):
    timed_id = id_of(AT)
    events = [prediction(timed_id, at="2026-10-02T00:00:00.000Z"), label("l1", timed_id)]
    cluster.load(*events)
    cluster.seen()
    cluster.join()
    cluster.later(minutes=5)
    cluster.join()
    events.append(prediction(timed_id))
    cluster.load(events[-1])
    cluster.later(minutes=5)

    report = cluster.join()

    assert (report.read, report.late) == (0, 1)
    assert cluster.joined() == joined_locally(tmp_path, events)
    cluster.later(days=365)
    assert cluster.join().read == 1
    assert only(cluster.marks())["next_at"] is None


@pytest.mark.parametrize("wrong", [timedelta(hours=2), -timedelta(hours=2)])
def test_a_join_whose_clock_was_wrong_hides_nothing_from_the_next(cluster, tmp_path, wrong):
    events = [prediction("1", at="2026-10-02T00:00:00.000Z"), label("l1", "1"), label("l2", "2")]
    cluster.load(*events)
    cluster.seen()
    cluster.now += wrong
    cluster.join()
    cluster.now -= wrong
    events += [prediction("1", {"ml.prediction.label": "b"}), prediction("2")]
    cluster.load(*events[-2:])
    cluster.later(minutes=1)

    cluster.join()
    cluster.later(hours=3)
    cluster.join()

    assert cluster.joined() == joined_locally(tmp_path, events)
    assert set(cluster.states().values()) == {"joined"}


def test_models_that_use_the_same_id_are_told_apart(cluster, tmp_path):
    events = [
        prediction("1", model="fraud"),
        prediction("1", model="churn"),
        label("l1", "1", {"ml.truth.label": "b"}, model="churn"),
    ]
    cluster.load(*events)
    cluster.seen()

    cluster.join()

    assert cluster.joined() == joined_locally(tmp_path, events)


def test_orphans_are_looked_for_in_growing_gaps_until_retention(cluster_new):
    cluster_new.load(label("l1", "nobody"))
    gaps = []
    while True:
        cluster_new.join(retention=timedelta(days=30))
        mark = only(cluster_new.marks())
        if mark["next_at"] is None:
            break
        assert mark["attempts"] == len(gaps) + 1
        gaps.append(from_iso(mark["next_at"]) - cluster_new.now)
        cluster_new.now += gaps[-1] - timedelta(seconds=1)
        assert cluster_new.join(retention=timedelta(days=30)).read == 0
        cluster_new.now += timedelta(seconds=1)

    assert gaps[:4] == [timedelta(minutes=minutes) for minutes in (1, 2, 4, 8)]
    assert gaps == sorted(gaps)
    assert max(gaps) == timedelta(days=7)
    assert cluster_new.now < from_iso(LATER) + timedelta(days=30)
    assert mark["state"] == "orphan"


def test_an_orphan_is_joined_when_its_prediction_has_come(cluster):
    cluster.load(label("l1", "1"))
    cluster.join()
    assert cluster.states() == {"l1": "orphan"}
    cluster.load(prediction("1"))
    cluster.later(minutes=1)

    report = cluster.join()

    assert report.orphans == 0
    assert cluster.states() == {"l1": "joined"}
    assert only(cluster.joined())["truth.label"] == "a"


def test_a_label_of_no_prediction_at_all_is_looked_at_once(cluster_new):
    cluster_new.load(label("l1", None))

    report = cluster_new.join()

    assert report.orphans == 1
    assert only(cluster_new.marks()) == {"state": "orphan", "attempts": 1, "next_at": None}


def test_labels_of_sampled_out_predictions_are_told_apart_and_left_alone(cluster):
    out = next(name for name in map(str, range(100)) if not kept(name, 0.25))
    inside = next(name for name in map(str, range(100)) if kept(name, 0.25))
    cluster.load(
        prediction("x", {"ml.sample.rate": 0.25}),
        prediction("y", {"ml.sample.rate": 1.0}),
        label("l1", out),
        label("l2", inside),
        label("l3", out, model="churn"),
    )
    cluster.seen()

    report = cluster.join()

    assert cluster.states() == {"l1": "sampled_out", "l2": "orphan", "l3": "orphan"}
    assert (report.sampled_out, report.orphans) == (1, 2)
    cluster.later(days=300)
    assert cluster.join().read == 2


def test_a_failure_that_comes_behind_its_sampled_out_label_is_joined(cluster, tmp_path):
    moments = (f"2026-11-24T12:00:0{second}.000Z" for second in range(10))
    out = next(name for name in map(id_of, moments) if not kept(name, 0.25))
    failure = prediction(out, {"event.outcome": "failure", "ml.sample.rate": 1.0})
    events = [prediction("x", {"ml.sample.rate": 0.25}), label("l1", out), failure]
    cluster.load(*events[:2])
    cluster.seen()
    cluster.join()
    assert cluster.states() == {"l1": "sampled_out"}
    cluster.load(failure)
    cluster.later(minutes=1)

    cluster.join()

    assert cluster.joined() == joined_locally(tmp_path, events)
    assert cluster.states() == {"l1": "joined"}


def test_pages_are_joined_one_after_the_other(cluster_new):
    pairs = [(f"l{number}", str(number % 7)) for number in range(25)]
    cluster_new.load(*(prediction(str(number)) for number in range(7)))
    cluster_new.load(*(label(name, prediction_id) for name, prediction_id in pairs))
    cluster_new.seen()
    steps = []

    report = cluster_new.join(page=4, progress=lambda done, total: steps.append((done, total)))

    assert report.joined == 25
    assert report.written == 7
    assert steps == [*((done, 25) for done in (0, 4, 8, 12, 16, 20, 24)), (25, 25)]


def test_very_many_labels_of_one_prediction_are_merged(cluster_new):
    cluster_new.load(prediction("1"))
    many = [
        label(f"l{number}", "1", {"ml.truth.label": None, "ml.truth.rating": float(number)},
              at=f"2026-11-25T{number // 60 % 24:02}:{number % 60:02}:00.{number // 1440:03}Z")
        for number in range(6000)
    ]  # fmt: skip
    cluster_new.load(*many, label("l-class", "1", at="2026-11-24T13:00:00.000Z"))
    cluster_new.seen()

    report = cluster_new.join()

    fields = only(cluster_new.joined())
    newest = max(many, key=lambda event: event["@timestamp"])["ml"]["truth"]["rating"]
    assert (fields["truth.label"], fields["truth.rating"]) == ("a", newest)
    assert fields["eval.first_delay"] == 3600.0
    assert (report.joined, report.written) == (6001, 1)


def test_a_pass_that_is_told_to_stop_says_so(cluster_new):
    cluster_new.load(prediction("1"), *(label(f"l{number}", "1") for number in range(9)))
    cluster_new.seen()
    answers = iter([False, True])

    report = cluster_new.join(page=2, stop=lambda: next(answers))

    assert (report.stopped, report.read) == (1, 2)
    assert cluster_new.join().read == 7


def test_a_prediction_that_another_join_changes_meanwhile_is_read_again(cluster):
    cluster.load(prediction("1"), label("l1", "1", at=AT))
    cluster.seen()

    def beside():
        cluster.load(label("l2", "1", {"ml.truth.label": "b"}, at=LATER))
        other = {
            "ml": {"truth": {"label": "b", "observed_at": LATER}, "eval": {"outcome": "wrong"}}
        }
        cluster.client.update(
            index=f"{cluster.prefix}-prediction-2026.11.01",
            id=prediction_key("fraud", "1"),
            doc=other,
        )

    report = cluster.join(Hooked(cluster.client, "mget", behind=beside))

    fields = only(cluster.joined())
    assert (fields["truth.label"], fields["eval.outcome"]) == ("b", "wrong")
    assert report.joined == 1


def test_a_prediction_that_is_erased_meanwhile_leaves_an_orphan(cluster_new):
    cluster_new.load(prediction("1"), label("l1", "1"), label("l2", "1"))
    cluster_new.seen()

    def erase():
        for index, name in [*cluster_new.documents("prediction"),
                            (f"{cluster_new.prefix}-label-2026.11.01", "l1")]:  # fmt: skip
            cluster_new.client.delete(index=index, id=name)

    report = cluster_new.join(Hooked(cluster_new.client, "mget", behind=erase))

    assert (report.read, report.orphans, report.gone, report.left) == (2, 1, 1, 0)
    assert cluster_new.states() == {"l2": "orphan"}


def test_what_cannot_be_written_is_left_with_its_reason(cluster):
    cluster.load(prediction("1"), prediction("2", at="2026-10-02T00:00:00.000Z"))
    cluster.load(label("l1", "1"), label("l2", "2"))
    cluster.seen()
    index = f"{cluster.prefix}-prediction-2026.11.01"
    cluster.client.indices.put_settings(index=index, settings={"index.blocks.write": True})

    report = cluster.join()

    assert (report.read, report.joined, report.left) == (2, 1, 1)
    assert "1 left for the next pass" in report.balance()
    assert any("cluster_block_exception" in reason for reason in report.reasons)
    assert cluster.states() == {"l1": None, "l2": "joined"}
    cluster.client.indices.put_settings(index=index, settings={"index.blocks.write": False})
    assert cluster.join().joined == 1


def test_a_late_prediction_that_cannot_be_written_is_written_by_a_later_pass(cluster_new):
    cluster_new.load(prediction("1", at="2026-10-02T00:00:00.000Z"), label("l1", "1"))
    cluster_new.seen()
    cluster_new.join()
    cluster_new.load(prediction("1"))
    cluster_new.later(minutes=5)
    index = f"{cluster_new.prefix}-prediction-2026.11.01"
    cluster_new.client.indices.put_settings(index=index, settings={"index.blocks.write": True})
    assert cluster_new.join().reasons
    cluster_new.client.indices.put_settings(index=index, settings={"index.blocks.write": False})
    cluster_new.later(minutes=5)

    assert cluster_new.join().late == 1
    assert all(fields["truth.label"] == "a" for fields in cluster_new.joined().values())
