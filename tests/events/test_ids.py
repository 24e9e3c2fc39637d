"""Events, predictions and samples are told by their ids, the same everywhere."""

import hashlib
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elkmon.events.ids import kept, new_id, prediction_key, prediction_keys

ids = st.text(max_size=20)


@given(st.integers(0, 2**48 - 1))
def test_a_new_id_is_a_uuid_of_version_7(ms):
    text = new_id(ms)

    made = uuid.UUID(text)
    assert str(made) == text
    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert made.int >> 80 == ms


def test_new_ids_of_one_moment_differ():
    assert len({new_id(1_795_507_200_000) for _ in range(1000)}) == 1000


def test_new_ids_sort_by_time():
    made = [new_id(ms) for ms in range(1_795_507_200_000, 1_795_507_200_100)]

    assert made == sorted(made)


@given(model=ids, prediction=ids)
def test_a_prediction_has_the_same_key_each_time(model, prediction):
    key = prediction_key(model, prediction)

    assert key == prediction_key(model, prediction)
    assert len(key) == 32
    int(key, 16)


def test_a_key_is_the_blake2b_128_of_model_and_id():
    expected = hashlib.blake2b(b"fraud\0p-1", digest_size=16).hexdigest()

    assert prediction_key("fraud", "p-1") == expected


def test_the_keys_of_a_model_begin_with_one_hash():
    begun = prediction_keys("fraud")
    begun.update(b"p-1")

    assert begun.hexdigest() == prediction_key("fraud", "p-1")


@pytest.mark.parametrize(("one", "two"), [(("a", "bc"), ("ab", "c")), (("", "a"), ("a", ""))])
def test_model_and_id_are_kept_apart(one, two):
    assert prediction_key(*one) != prediction_key(*two)


def test_a_lone_surrogate_has_a_key():
    assert len(prediction_key("\ud800", "\udfff")) == 32
    assert kept("\ud800", 1.0)


# --- sampling ---------------------------------------------------------------------------------


@given(ids)
def test_all_are_kept_at_rate_one_and_none_at_zero(prediction):
    assert kept(prediction, 1.0)
    assert not kept(prediction, 0.0)


@given(prediction=ids, low=st.floats(0, 1), high=st.floats(0, 1))
def test_what_a_low_rate_keeps_a_higher_one_keeps_too(prediction, low, high):
    low, high = sorted((low, high))

    assert kept(prediction, high) or not kept(prediction, low)


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5, 0.9])
def test_the_share_that_is_kept_is_the_rate(rate):
    number = 20_000

    share = sum(kept(f"p-{each}", rate) for each in range(number)) / number

    assert abs(share - rate) < 4 * (rate * (1 - rate) / number) ** 0.5


@pytest.mark.parametrize("made", [new_id, lambda ms: f"{ms:08d}"])
def test_ids_in_a_row_are_sampled_as_well(made):
    share = sum(kept(made(each), 0.25) for each in range(8000)) / 8000

    assert 0.22 < share < 0.28


def test_the_hash_is_sha256_which_sql_has_too():
    digest = hashlib.sha256(b"p-1").digest()
    at = int.from_bytes(digest[:4], "big") / 2**32

    assert not kept("p-1", at)
    assert kept("p-1", at + 2**-32)
