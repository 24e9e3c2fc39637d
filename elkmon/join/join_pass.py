"""One pass of the join: join all labels that wait, and predictions that came after their labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from elasticsearch import Elasticsearch

from elkmon.join.documents import LabelDocument
from elkmon.join.label_marks import ERASED, Mark, Marks
from elkmon.join.late_predictions import Arrivals
from elkmon.join.lock import LEASE, Lock, locked
from elkmon.join.search import LabelView, open_labels
from elkmon.join.write_merged import Merger, MergeResult
from elkmon.stores.elastic.indices import RETENTION

__all__ = ["JoinReport", "join"]

PAGE = 1000


@dataclass
class JoinReport:
    """What a pass did: ``read`` is the sum of the next five counts.

    Attributes:
        read: labels that waited.
        joined: labels that are on their prediction now.
        orphans: labels without a prediction.
        sampled_out: labels whose prediction was left out by sampling.
        gone: labels that were erased meanwhile.
        left: labels that are left for the next pass.
        written: predictions that were changed.
        late: predictions that were joined because they came after their labels.
        reasons: why labels were left.
        stopped: passes that were told to stop before all was done.
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
        """Return the sum of two reports."""
        mine, theirs = vars(self), vars(other)
        return JoinReport(**{name: mine[name] + theirs[name] for name in mine})

    def balance(self) -> str:
        """Return one line with what became of every label."""
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
    """Join every label that waits; this can be interrupted anywhere, and repeated.

    Args:
        client: client of the cluster; it need not retry by itself.
        prefix: what the names of indices begin with.
        now: returns the time, aware.
        retention: how long events are kept; that long a missing prediction is looked for.
        page: number of labels that are joined at once.
        lease: how long the lock holds without being renewed.
        progress: called with the number of labels that are done, and the total.
        stop: called after each page; returns whether to end.

    Raises:
        JoinBusyError: another join is running.
        StoreError: a shard did not answer.
        ApiError, TransportError: the cluster refuses, or cannot be reached.
    """
    report = JoinReport()
    with (
        locked(client, prefix, now, lease) as lock,
        open_labels(client, prefix) as view,
        ThreadPoolExecutor(1) as executor,
    ):
        marks = Marks(client, prefix, now(), retention)
        run = _Pass(Merger(client, prefix, lock), marks, view, lock, executor, report)
        run.join_late(Arrivals(client, prefix, now()), stop)
        for labels, total in view.waiting(now(), page):
            if report.stopped or stop():
                report.stopped = 1
                break
            run.join(labels)
            progress(report.read, total)
        run.finish()
        progress(report.read, report.read)
    return report


@dataclass
class _Pass:
    """A pass while it runs.

    The labels of a page are marked while the next page is read, but always after their predictions
    were written.
    """

    merger: Merger
    marks: Marks
    view: LabelView
    lock: Lock
    executor: ThreadPoolExecutor
    report: JoinReport
    _finish_page: Callable[[], None] = lambda: None

    def join_late(self, arrivals: Arrivals, stop: Callable[[], bool]) -> None:
        """Join predictions that came after their labels were joined."""
        complete = True
        with closing(arrivals.predictions(self.view)) as pages:
            for ids in pages:
                if stop():
                    self.report.stopped = 1
                    return
                complete = self._join_late_page(ids) and complete
        if complete:  # else the next pass looks at them again
            arrivals.remember()

    def _join_late_page(self, ids: Mapping[str, str]) -> bool:
        """Join a page of predictions; return whether nothing was left."""
        self.lock.renew()
        labels = self.view.labels(ids.values(), _DONE)
        merged = self.merger.merge({key: ids[key] for key in labels if key in ids}, self.view)
        self.report.written += merged.written
        self.report.late += len(merged.merged)
        self.report.reasons.update(merged.left.values())
        late = (label for key in merged.merged for label in merged.labels.get(key, ()))
        unjoined = [label for label in late if label.state in _DONE[1:]]
        unmarked = self.marks.write({label: self.marks.joined(label, merged) for label in unjoined})
        return not unmarked and not merged.left

    def join(self, labels: Sequence[LabelDocument]) -> None:
        """Join a page of labels."""
        ids = {
            label.key: label.prediction_id for label in labels if label.prediction_id is not None
        }
        merged = self.merger.merge(ids, self.view, labels)
        self.report.written += merged.written
        marks = self.marks.decide(labels, merged)
        self.finish()
        self.lock.renew()
        writing = self.executor.submit(self.marks.write, marks)
        self._finish_page = lambda: self._count(labels, merged, marks, writing.result())

    def finish(self) -> None:
        """Wait until the last page is marked, and count it."""
        finish_page, self._finish_page = self._finish_page, lambda: None
        finish_page()

    def _count(
        self,
        labels: Sequence[LabelDocument],
        merged: MergeResult,
        marks: Mapping[LabelDocument, Mark],
        unmarked: Mapping[LabelDocument, str],
    ) -> None:
        report = self.report
        report.read += len(labels)
        for label in labels:
            reason = merged.left.get(label.key) or unmarked.get(label)
            if reason == ERASED:
                report.gone += 1
            elif reason is not None:
                report.left += 1
                report.reasons[reason] += 1
            else:
                state = marks[label]["state"]
                report.joined += state == "joined"
                report.orphans += state == "orphan"
                report.sampled_out += state == "sampled_out"


_DONE = ("joined", "orphan", "sampled_out")
"""States of labels that a new prediction may change."""
