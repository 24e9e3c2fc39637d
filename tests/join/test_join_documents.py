"""How the join reads documents, whoever wrote them, without any server."""

from dataclasses import asdict
from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from elkmon.events.ids import prediction_key
from elkmon.events.merge import Joined, Label, Prediction, merge
from elkmon.join.documents import changes, decisive, iso, moment, read_label, read_prediction

AT = datetime(2026, 11, 24, tzinfo=timezone.utc)
LABELS = st.builds(
    Label,
    event_id=st.sampled_from("abcdef"),
    observed_at=st.sampled_from([AT + timedelta(hours=hours) for hours in range(3)]),
    label=st.sampled_from(["x", "y", None]),
    value=st.sampled_from([1.0, 2.0, None]),
    correct=st.sampled_from([True, False, None]),
    rating=st.sampled_from([1.0, None]),
    source=st.sampled_from(["people", None]),
)


@given(labels=st.lists(LABELS, max_size=12, unique_by=lambda label: label.event_id))
def test_what_is_left_of_many_labels_says_the_same(labels):
    prediction = Prediction(timestamp=AT, label="x", value=1.5)

    assert merge(prediction, decisive(labels)) == merge(prediction, labels)
    assert len(decisive(labels)) <= 6


def hit(source):
    return {"_index": "elkmon-label-2026.11.01", "_id": "l1", "_source": source}


def test_a_label_says_whose_it_is():
    document = read_label(
        hit({
            "@timestamp": "2026-11-24T00:00:00.000Z",
            "ml": {
                "model": {"name": "fraud"},
                "prediction": {"id": "1"},
                "truth": {"label": "a"},
                "join": {"state": "orphan", "attempts": 3},
            },
        })
    )  # fmt: skip

    assert (document.key, document.model) == (prediction_key("fraud", "1"), "fraud")
    assert (document.state, document.attempts) == ("orphan", 3)
    assert document.label.observed_at == document.at == AT


def test_a_document_of_other_types_is_read_as_far_as_it_can_be():
    document = read_label(
        hit({
            "@timestamp": 1795478400000,
            "ml": {
                "model": "fraud",
                "prediction": {"id": 7},
                "truth": {"label": ["a"], "value": True, "rating": 10**400, "correct": "yes",
                          "observed_at": "soon"},
                "join": None,
            },
        })
    )  # fmt: skip

    assert document.at == AT
    assert document.label == Label(event_id="l1", observed_at=AT)
    assert (document.prediction_id, document.model, document.attempts) == (None, "", 0)


def test_a_prediction_without_an_outcome_is_no_success():
    prediction = read_prediction(
        {"@timestamp": "2026-11-24T00:00:00.000Z", "ml": {"prediction": None}}
    )

    assert prediction == Prediction(timestamp=AT, failed=True)


def test_only_what_differs_is_changed():
    joined = Joined(label="a", outcome="correct", observed_at=AT)
    truth = {"label": "a", "rating": 2.0, "observed_at": iso(AT)}
    source = {"ml": {"truth": truth, "eval": {"outcome": "wrong", "log_loss": 0.5}}}

    assert changes(source, joined) == {
        "ml": {"truth": {"rating": None}, "eval": {"outcome": "correct", "log_loss": None}}
    }
    assert changes({}, Joined()) is None


def test_what_no_number_can_hold_is_absent():
    joined = merge(Prediction(timestamp=AT, value=1e200), [Label("l1", AT, value=-1e200)])

    changed = changes({}, joined)

    assert asdict(joined)["sq_residual"] == float("inf")
    assert changed["ml"]["eval"]["residual"] == 2e200
    assert "sq_residual" not in changed["ml"]["eval"]


def test_times_are_written_as_they_are_read():
    for text in ("2026-11-24T00:00:00.001Z", "2026-11-24T00:00:00.000001Z"):
        assert iso(moment(text)) == text
    assert moment(None) is None
    assert moment(1e300) is None
