"""Only one join runs at a time, on whichever host; one that sleeps too long writes nothing."""

from contextlib import ExitStack
from datetime import timedelta

import pytest

from elkmon.join.lock import JoinBusyError, locked
from tests.support.label_joins import Dying, Hooked, Killed, label, prediction


def lock_of(cluster, **options):
    return locked(cluster.client, cluster.prefix, lambda: cluster.now, **options)


def test_a_second_join_is_told_who_is_at_work(cluster):
    with lock_of(cluster) as lock:
        with pytest.raises(JoinBusyError) as caught:
            cluster.join()

        assert lock.owner in str(caught.value)
        assert "2026-12-01T00:01:00.000Z" in str(caught.value)
    cluster.join()


def test_a_lock_that_nobody_renews_is_taken_over(cluster):
    cluster.load(prediction("1"), label("l1", "1"))
    cluster.seen()
    with pytest.raises(Killed):
        cluster.join(Dying(cluster.client, 0, "before"))
    cluster.later(seconds=59)
    with pytest.raises(JoinBusyError):
        cluster.join()
    cluster.later(seconds=1)

    assert cluster.join().joined == 1


def test_a_join_that_lost_its_lock_stops_before_it_writes(cluster, monkeypatch):
    monkeypatch.setattr("elkmon.join.lock._RENEW", 0.0)
    cluster.load(prediction("1"), label("l1", "1"))
    cluster.seen()
    with ExitStack() as other:

        def asleep():
            cluster.now += timedelta(minutes=2)
            other.enter_context(lock_of(cluster))

        with pytest.raises(JoinBusyError, match="took over"):
            cluster.join(Hooked(cluster.client, "mget", behind=asleep))

        with pytest.raises(JoinBusyError):  # the other one's lock is not given back by the first
            cluster.join()
    assert cluster.states() == {"l1": None}
    assert set(map(str, cluster.joined().values())) == {"{}"}
    assert cluster.join().joined == 1


def test_a_lock_is_renewed_while_it_is_held(cluster, monkeypatch):
    monkeypatch.setattr("elkmon.join.lock._RENEW", 0.0)
    with lock_of(cluster) as lock:
        cluster.now += timedelta(seconds=50)
        lock.renew()
        cluster.now += timedelta(seconds=50)

        with pytest.raises(JoinBusyError):
            cluster.join()


def test_a_renewal_whose_answer_was_lost_is_still_the_holders(cluster, monkeypatch):
    monkeypatch.setattr("elkmon.join.lock._RENEW", 0.0)
    with lock_of(cluster) as lock:
        before = dict(lock._version)
        lock.renew()
        lock._version = before

        lock.renew()
        lock.renew()
    cluster.join()


def test_a_host_whose_clock_is_half_a_minute_ahead_takes_no_lock_that_is_kept_up(
    cluster, monkeypatch
):
    monkeypatch.setattr("elkmon.join.lock._RENEW", 0.0)
    ahead = timedelta(seconds=30)
    with lock_of(cluster) as lock:
        for _ in range(12):
            cluster.now += timedelta(seconds=10)
            lock.renew()
            right, cluster.now = cluster.now, cluster.now + ahead
            with pytest.raises(JoinBusyError):
                cluster.join()
            cluster.now = right
    assert cluster.join().read == 0


def test_one_of_two_that_begin_at_once_waits(cluster):
    with ExitStack() as other:
        client = Hooked(
            cluster.client, "index", before=lambda: other.enter_context(lock_of(cluster))
        )

        with pytest.raises(JoinBusyError):
            cluster.join(client)
