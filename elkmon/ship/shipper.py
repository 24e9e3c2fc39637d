"""Ship the events of a folder to their destination: each once, whatever happens in between."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from elkmon.events.errors import StoreError
from elkmon.ship.batch import Batch, RejectedLine
from elkmon.ship.deadletters import DeadLetters
from elkmon.ship.deliver import Delivery, call_patiently, deliver
from elkmon.ship.destination import Destination
from elkmon.ship.pace import BatchSize, Patience, StoppedError
from elkmon.ship.spool_reader import SpoolReader
from elkmon.ship.tally import Tally
from elkmon.stores.local.file_lock import alone
from elkmon.stores.local.reader_registration import Registration, lock_of, save

__all__ = ["Shipper"]

_SAVE_EVERY = 1.0
"""Seconds between two saves of the offsets; after a crash, what came since is sent again."""
_LOOK_EVERY = 1.0
"""Seconds between two looks at a folder that is followed."""


@dataclass(frozen=True, slots=True)
class _Sent:
    batch: Batch
    delivery: Future[Delivery]


class Shipper:
    """Ship a folder.

    Offsets move only past what is settled, and are saved in ``readers/<name>.json``, so that
    compaction keeps what was not shipped.

    Args:
        folder: folder of the events.
        name: name of this shipper; each destination of a folder has its own.
        registration: how far it has read.
        reader: reads what is new.
        destination: where to send it.
        letters: store what the destination does not take.
        patience: waits while the destination takes nothing, and knows when to stop.
        progress: called with the counts now and then.
        parallel: requests at a time.
        size: how much to send at a time.

    Attributes:
        tally: what became of the events so far.
        success: what became of events that are new at the destination: created, or accepted.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        registration: Registration,
        reader: SpoolReader,
        destination: Destination,
        letters: DeadLetters,
        *,
        patience: Patience,
        progress: Callable[[Tally], None],
        parallel: int,
        size: BatchSize | None = None,
    ) -> None:
        self.tally = Tally()
        self.success = destination.success
        self._folder = folder
        self._name = name
        self._registration = registration
        self._reader = reader
        self._destination = destination
        self._letters = letters
        self._patience = patience
        self._progress = progress
        self._parallel = parallel
        self._size = size or BatchSize()
        self._saved = 0.0
        self._unsaved: str | None = None

    def run(self, *, follow: bool) -> None:
        """Ship what is there; with ``follow``, also what comes, until the process is to stop.

        Raises:
            StoreError: it cannot go on; what is settled by then is saved.
        """
        with alone(lock_of(self._folder, self._name), f"ship {self._folder}"):
            self._save()  # registered from now on: what is not shipped is not removed
            try:
                call_patiently(self._destination.check, self._patience)
                self._pass()
                while follow and not self._patience.stop.wait(_LOOK_EVERY):
                    self._pass()
                if not follow:
                    self._reader.look()  # reports what became of files meanwhile
            except StoppedError:
                pass
            finally:
                self._save()
                self._show()
        if self._unsaved is not None:
            raise StoreError(
                f"{self._unsaved}: how far it was shipped could not be saved; the next elkmon ship "
                "sends some events again, and none is doubled"
            )

    def _pass(self) -> None:
        """Ship what is there now: several requests at a time, settled in the order of reading."""
        stop = self._patience.stop
        sent: deque[_Sent] = deque()
        with ThreadPoolExecutor(self._parallel, "elkmon-ship") as pool:
            try:
                for batch in self._reader.batches(self._size):
                    if stop.is_set():
                        break
                    sent.append(_Sent(batch, pool.submit(self._deliver, batch)))
                    while len(sent) >= self._parallel or (sent and sent[0].delivery.done()):
                        self._settle(sent.popleft())
                while sent:
                    self._settle(sent.popleft())
            except BaseException:
                stop.set()  # the others need not wait for a destination that fails
                for waiting in sent:
                    waiting.delivery.cancel()
                raise

    def _deliver(self, batch: Batch) -> Delivery:
        return deliver(batch.events, self._destination, size=self._size, patience=self._patience)

    def _settle(self, sent: _Sent) -> None:
        """Wait for a batch's fate, store its dead letters, then move the offsets past it."""
        batch, delivery = sent.batch, sent.delivery.result()
        dead = batch.rejected + delivery.dead
        if dead:
            self._store(dead)
        self.tally.read += batch.lines
        self.tally.created += delivery.created
        self.tally.already += delivery.already
        self.tally.dead += len(dead)
        self._reader.settle(batch)
        if monotonic() - self._saved >= _SAVE_EVERY:
            self._save()
        self._show()

    def _store(self, dead: Sequence[RejectedLine]) -> None:
        attempt = 0
        while True:
            try:
                self._letters.add(self._name, dead)
                break
            except OSError as error:
                reason = f"{self._letters.folder} cannot be written to ({error.strerror})"
            self._patience.wait(attempt, reason)
            attempt += 1

    def _save(self) -> None:
        self._saved = monotonic()
        try:
            save(self._folder, self._name, self._registration)
        except OSError as error:
            before = self._unsaved
            self._unsaved = f"{self._folder / 'readers'} cannot be written to ({error.strerror})"
            if self._unsaved != before:
                self._patience.tell(f"{self._unsaved}; shipping goes on, and will try again")
        else:
            self._unsaved = None

    def _show(self) -> None:
        self.tally.behind = self._reader.behind
        self._progress(self.tally)
