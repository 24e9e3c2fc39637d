"""Carry what is emitted to files to its destination: each event once, whatever happens between."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from elkmon.events.errors import StoreError
from elkmon.ship.batch import Batch, Unfit
from elkmon.ship.deadletters import DeadLetters
from elkmon.ship.deliver import Delivered, deliver, patiently
from elkmon.ship.destination import Destination
from elkmon.ship.pace import BatchSize, Patience, StoppedError
from elkmon.ship.spool_reader import SpoolReader
from elkmon.ship.tally import Tally
from elkmon.stores.local.file_lock import alone
from elkmon.stores.local.reader_registration import Registration, lock_of, save

__all__ = ["Shipper"]

_SAVE_EVERY = 1.0
"""Seconds between two times that offsets are kept: what a crash costs is to ask that again."""
_LOOK_EVERY = 1.0
"""Seconds between two looks at a folder that is followed."""


@dataclass(frozen=True, slots=True)
class _Sent:
    batch: Batch
    delivered: Future[Delivered]


class Shipper:
    """Ship a folder.

    Offsets move on only behind what is settled, and are kept in ``readers/<name>.json``, so that
    compaction keeps what was not shipped.

    Args:
        folder: of the events.
        name: of this shipper: each destination of a folder has one.
        registration: how far it is.
        reader: gives what is new.
        destination: takes it.
        letters: keep what it does not take.
        patience: waits where it takes nothing, tells people, and knows when to stop.
        progress: is shown the figures now and then.
        parallel: requests at a time.
        size: how much is sent at a time.

    Attributes:
        tally: what became of the events so far.
        taken: what is known of those that are new at the destination.
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
        self.taken = destination.taken
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
        """Ship what is there; to follow, until the process is to stop.

        Raises:
            StoreError: it cannot go on, with what to do; what is settled by then is kept.
        """
        with alone(lock_of(self._folder, self._name), f"ship {self._folder}"):
            self._save()  # registered from now on: what is not shipped is not removed
            try:
                patiently(self._destination.check, self._patience)
                self._pass()
                while follow and not self._patience.stop.wait(_LOOK_EVERY):
                    self._pass()
                if not follow:
                    self._reader.look()  # tells what became of files meanwhile
            except StoppedError:
                pass
            finally:
                self._save()
                self._show()
        if self._unsaved is not None:
            raise StoreError(
                f"{self._unsaved}: how far it is could not be kept; the next elkmon ship sends "
                "some events again, of which none is doubled"
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
                    while len(sent) >= self._parallel or (sent and sent[0].delivered.done()):
                        self._settle(sent.popleft())
                while sent:
                    self._settle(sent.popleft())
            except BaseException:
                stop.set()  # the others need not wait for a destination that fails
                for each in sent:
                    each.delivered.cancel()
                raise

    def _deliver(self, batch: Batch) -> Delivered:
        return deliver(batch.events, self._destination, size=self._size, patience=self._patience)

    def _settle(self, sent: _Sent) -> None:
        """Wait for a batch's fate, keep its dead letters, then move on behind it."""
        batch, delivered = sent.batch, sent.delivered.result()
        dead = batch.unfit + delivered.dead
        if dead:
            self._keep(dead)
        self.tally.read += batch.lines
        self.tally.created += delivered.created
        self.tally.already += delivered.already
        self.tally.dead += len(dead)
        self._reader.settle(batch)
        if monotonic() - self._saved >= _SAVE_EVERY:
            self._save()
        self._show()

    def _keep(self, dead: Sequence[Unfit]) -> None:
        attempt = 0
        while (error := self._failure(dead)) is not None:
            reason = f"{self._letters.folder} cannot be written to ({error.strerror})"
            self._patience.wait(attempt, reason)
            attempt += 1

    def _failure(self, dead: Sequence[Unfit]) -> OSError | None:
        try:
            self._letters.add(self._name, dead)
        except OSError as error:
            return error
        return None

    def _save(self) -> None:
        self._saved = monotonic()
        try:
            save(self._folder, self._name, self._registration)
        except OSError as error:
            before = self._unsaved
            self._unsaved = f"{self._folder / 'readers'} cannot be written to ({error.strerror})"
            if self._unsaved != before:
                self._patience.tell(f"{self._unsaved}; shipping goes on, and it is tried again")
        else:
            self._unsaved = None

    def _show(self) -> None:
        self.tally.behind = self._reader.behind
        self._progress(self.tally)
