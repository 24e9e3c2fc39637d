"""Join late labels to their predictions, in Elasticsearch: one pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from elasticsearch import Elasticsearch

from elkmon.events.ids import kept
from elkmon.ship.join_documents import Told, iso
from elkmon.ship.join_late import Arrivals
from elkmon.ship.join_lock import LEASE, Lock, locked
from elkmon.ship.join_merge import Merged, Merger
from elkmon.ship.join_requests import BUSY, GONE, MOVED, Update, bulk, pause
from elkmon.ship.join_search import View, lowest_rates, viewed

__all__ = ["RETENTION", "JoinReport", "join"]

RETENTION = timedelta(days=365)
PAGE = 1000
_FIRST, _LONGEST = timedelta(minutes=1), timedelta(days=7)
"""After so long an orphan is looked at again, at first and at most; each gap is twice the last."""
_TRIES = 5


@dataclass
class JoinReport:
    """What a pass did: ``read`` is the sum of the next five.

    Attributes:
        read: labels that waited.
        joined: those whose prediction has them now.
        orphans: those whose prediction is not there.
        sampled_out: those whose prediction sampling left out.
        gone: those that were erased meanwhile.
        left: those that the next pass has to do.
        written: predictions that were changed.
        late: those of them that came after their labels had been joined.
        reasons: why labels were left.
        stopped: how often it ended before all was done, as it was asked to.
    """

    read: int = 0
    joined: int = 0
    orphans: int = 0
    sampled_out: int = 0
    gone: int = 0
    left: int = 0
    written: int = 0
    late: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    stopped: int = 0

    def __add__(self, other: JoinReport) -> JoinReport:
        """Add up two passes."""
        mine, theirs = vars(self), vars(other)
        return JoinReport(**{name: mine[name] + theirs[name] for name in mine})

    def balance(self) -> str:
        """Say in one line what became of every label."""
        parts = [
            f"{self.joined:,} joined",
            f"{self.orphans:,} without a prediction",
            f"{self.sampled_out:,} sampled out",
            *([f"{self.gone:,} erased"] if self.gone else []),
            *([f"{self.left:,} left for the next pass"] if self.left else []),
        ]
        return f"read {self.read:,} labels = {' + '.join(parts)}"


def join(
    client: Elasticsearch,
    prefix: str,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    retention: timedelta = RETENTION,
    page: int = PAGE,
    lease: timedelta = LEASE,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    stop: Callable[[], bool] = lambda: False,
) -> JoinReport:
    """Join every label that waits; may be interrupted anywhere, and repeated.

    Args:
        client: of the cluster; it need not try again by itself.
        prefix: of index names.
        now: the time, aware.
        retention: how long events are kept: up to then a missing prediction is looked for.
        page: how many labels are joined at once.
        lease: how long the lock holds that nobody renews.
        progress: takes how many labels are done, of how many.
        stop: asked after each page whether to end.

    Raises:
        JoinBusyError: another join is at work.
        StoreError: shards are missing.
        ApiError, TransportError: the cluster refuses, or cannot be reached.
    """
    report = JoinReport()
    with locked(client, prefix, now, lease) as lock, viewed(client, prefix) as view:
        one = _Pass(client, prefix, lock, view, now(), retention, report)
        one.late(stop)
        for labels, total in view.waiting(now(), page):
            if report.stopped or stop():
                report.stopped = 1
                break
            one.join(labels)
            progress(report.read, total)
    return report


class _Pass:
    """One pass: what holds while it runs."""

    def __init__(
        self,
        client: Elasticsearch,
        prefix: str,
        lock: Lock,
        view: View,
        now: datetime,
        retention: timedelta,
        report: JoinReport,
    ) -> None:
        self._client = client
        self._prefix = prefix
        self._lock = lock
        self._view = view
        self._now = now
        self._retention = retention
        self._report = report
        self._merger = Merger(client, prefix, lock)
        self._rates: dict[str, float] = {}

    def late(self, stop: Callable[[], bool]) -> None:
        """Join predictions that came after their labels had been looked at."""
        arrivals = Arrivals(self._client, self._prefix, self._now)
        whole = True
        with closing(arrivals.predictions(self._view)) as pages:
            for ids in pages:
                if stop():
                    self._report.stopped = 1
                    return
                whole = self._join_late(ids) and whole
        if whole:  # else they are looked at again in the next pass
            arrivals.remember()

    def _join_late(self, ids: Mapping[str, str]) -> bool:
        """Join a page of predictions; say whether nothing was left."""
        self._lock.keep()
        labels = self._view.labels(ids.values(), _LOOKED_AT)
        merged = self._merger.merge({key: ids[key] for key in labels if key in ids}, self._view)
        self._report.written += merged.written
        self._report.late += len(merged.found)
        self._report.reasons.update(merged.left.values())
        late = (told for key in merged.found for told in merged.labels.get(key, ()))
        marks = {told: self._joined(told, merged) for told in late if told.state in _LOOKED_AT[1:]}
        return not self._mark(marks) and not merged.left

    def join(self, labels: Sequence[Told]) -> None:
        """Join a page of labels."""
        ids = {each.key: each.prediction_id for each in labels if each.prediction_id is not None}
        merged = self._merger.merge(ids, self._view, labels)
        self._report.written += merged.written
        absent = [each for each in labels if each.key not in merged.found | set(merged.left)]
        self._learn_rates({each.model for each in absent} - set(self._rates))
        marks = {told: mark for told in labels if (mark := self._decide(told, merged))}
        unmarked = self._mark(marks)
        report = self._report
        report.read += len(labels)
        for told in labels:
            reason = merged.left.get(told.key) or unmarked.get(told)
            if reason == _ERASED:
                report.gone += 1
            elif reason is not None:
                report.left += 1
                report.reasons[reason] += 1
            else:
                state = marks[told]["state"]
                report.joined += state == "joined"
                report.orphans += state == "orphan"
                report.sampled_out += state == "sampled_out"

    def _decide(self, told: Told, merged: Merged) -> dict[str, object] | None:
        """Say what to mark a label with; None where it is left as it is."""
        if told.key in merged.left:
            return None
        if told.key in merged.found:
            return self._joined(told, merged)
        mark: dict[str, object] = {"state": "orphan", "attempts": told.attempts + 1}
        mark["next_at"] = None
        if told.prediction_id is None:
            return mark  # nothing to look for
        if not kept(told.prediction_id, self._rates.get(told.model, 1.0)):
            mark["state"] = "sampled_out"
            return mark
        again = self._now + min(_FIRST * 2 ** min(told.attempts, 30), _LONGEST)
        if again < told.at + self._retention:
            mark["next_at"] = iso(again)
        return mark

    def _joined(self, told: Told, merged: Merged) -> dict[str, object]:
        mark = {"state": "joined", "attempts": told.attempts + 1, "next_at": None}
        last = told.at + self._retention
        if told.key in merged.away and last > self._now:
            mark["next_at"] = iso(last)  # it may still come where its id says: see join_late
        return mark

    def _learn_rates(self, models: set[str]) -> None:
        if models:
            known = lowest_rates(self._client, self._prefix, models)
            self._rates.update({model: known.get(model, 1.0) for model in models})

    def _mark(self, marks: Mapping[Told, dict[str, object]]) -> dict[Told, str]:
        """Write marks onto labels; give those that could not be marked, and why."""
        self._lock.keep()
        failed: dict[Told, str] = {}
        asked = list(marks)
        for attempt in range(_TRIES):
            updates = [Update(each.index, each.id, {"ml": {"join": marks[each]}}) for each in asked]
            done = zip(asked, bulk(self._client, updates), strict=True)
            failed_now = {told: (status, why) for told, (status, why) in done if status >= 400}  # noqa: PLR2004 - HTTP's
            failed.update(
                {t: _ERASED if status == GONE else why for t, (status, why) in failed_now.items()}
            )
            for told in asked:
                if told not in failed_now:
                    failed.pop(told, None)
            asked = [t for t, (status, _) in failed_now.items() if status in BUSY | {MOVED}]
            if not asked:
                break
            pause(attempt)
        return failed


_ERASED = "erased"
_LOOKED_AT = ("joined", "orphan", "sampled_out")
"""States of labels that a new prediction may change."""
