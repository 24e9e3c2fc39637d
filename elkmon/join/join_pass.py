"""Join late labels to their predictions, in Elasticsearch: one pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from elasticsearch import Elasticsearch

from elkmon.join.documents import Told
from elkmon.join.label_marks import ERASED, Mark, Marks
from elkmon.join.late_predictions import Arrivals
from elkmon.join.lock import LEASE, Lock, locked
from elkmon.join.search import View, viewed
from elkmon.join.write_merged import Merged, Merger
from elkmon.stores.elastic.indices import RETENTION

__all__ = ["JoinReport", "join"]

PAGE = 1000


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
    with (
        locked(client, prefix, now, lease) as lock,
        viewed(client, prefix) as view,
        ThreadPoolExecutor(1) as beside,
    ):
        marks = Marks(client, prefix, now(), retention)
        one = _Pass(Merger(client, prefix, lock), marks, view, lock, beside, report)
        one.late(Arrivals(client, prefix, now()), stop)
        for labels, total in view.waiting(now(), page):
            if report.stopped or stop():
                report.stopped = 1
                break
            one.join(labels)
            progress(report.read, total)
        one.finish()
        progress(report.read, report.read)
    return report


@dataclass
class _Pass:
    """One pass: what holds while it runs.

    Labels of a page are marked beside reading the next one; always behind their predictions.
    """

    merger: Merger
    marks: Marks
    view: View
    lock: Lock
    beside: ThreadPoolExecutor
    report: JoinReport
    _under_way: Callable[[], None] = lambda: None

    def late(self, arrivals: Arrivals, stop: Callable[[], bool]) -> None:
        """Join predictions that came after their labels had been looked at."""
        whole = True
        with closing(arrivals.predictions(self.view)) as pages:
            for ids in pages:
                if stop():
                    self.report.stopped = 1
                    return
                whole = self._join_late(ids) and whole
        if whole:  # else they are looked at again in the next pass
            arrivals.remember()

    def _join_late(self, ids: Mapping[str, str]) -> bool:
        """Join a page of predictions; say whether nothing was left."""
        self.lock.keep()
        labels = self.view.labels(ids.values(), _LOOKED_AT)
        merged = self.merger.merge({key: ids[key] for key in labels if key in ids}, self.view)
        self.report.written += merged.written
        self.report.late += len(merged.found)
        self.report.reasons.update(merged.left.values())
        late = (told for key in merged.found for told in merged.labels.get(key, ()))
        again = [told for told in late if told.state in _LOOKED_AT[1:]]
        unmarked = self.marks.write({told: self.marks.joined(told, merged) for told in again})
        return not unmarked and not merged.left

    def join(self, labels: Sequence[Told]) -> None:
        """Join a page of labels."""
        ids = {each.key: each.prediction_id for each in labels if each.prediction_id is not None}
        merged = self.merger.merge(ids, self.view, labels)
        self.report.written += merged.written
        marks = self.marks.decide(labels, merged)
        self.finish()
        self.lock.keep()
        writing = self.beside.submit(self.marks.write, marks)
        self._under_way = lambda: self._count(labels, merged, marks, writing.result())

    def finish(self) -> None:
        """Wait until the last page is marked, and count it."""
        under_way, self._under_way = self._under_way, lambda: None
        under_way()

    def _count(
        self,
        labels: Sequence[Told],
        merged: Merged,
        marks: Mapping[Told, Mark],
        unmarked: Mapping[Told, str],
    ) -> None:
        report = self.report
        report.read += len(labels)
        for told in labels:
            reason = merged.left.get(told.key) or unmarked.get(told)
            if reason == ERASED:
                report.gone += 1
            elif reason is not None:
                report.left += 1
                report.reasons[reason] += 1
            else:
                state = marks[told]["state"]
                report.joined += state == "joined"
                report.orphans += state == "orphan"
                report.sampled_out += state == "sampled_out"


_LOOKED_AT = ("joined", "orphan", "sampled_out")
"""States of labels that a new prediction may change."""
