"""Send dead letters again: delete those that are taken, and keep the others with a new reason."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from elkmon.events.errors import StoreError
from elkmon.ship.admission import Admission, NotAdmittedError
from elkmon.ship.batch import Event, RejectedLine
from elkmon.ship.deadletters import DeadLetters, Letter
from elkmon.ship.deliver import call_patiently, deliver
from elkmon.ship.destination import Destination
from elkmon.ship.pace import BatchSize, Patience
from elkmon.ship.tally import Tally
from elkmon.stores.local.file_lock import alone

__all__ = ["retry"]


def retry(
    letters: DeadLetters,
    shipper: str,
    destination: Destination,
    admission: Admission,
    patience: Patience,
    *,
    only: Collection[str] = (),
) -> Tally:
    """Send dead letters again.

    This can be interrupted anywhere, and repeated: nothing is lost, and nothing is doubled.

    Args:
        letters: dead letters of the folder.
        shipper: name of the shipper whose letters to send.
        destination: where to send them.
        admission: checks which may be sent at all.
        patience: waits while the destination takes nothing.
        only: ids of the letters to send; empty for all.

    Raises:
        StoreError: it cannot go on, or another retry is running.
        StoppedError: the process is to stop.
    """
    tally = Tally()
    with alone(letters.folder / f".{shipper}.retry.lock", f"retry {letters.folder}"):
        call_patiently(destination.check, patience)
        size = BatchSize()
        with letters.claimed(shipper) as paths:
            for batch in _batches(letters.read(paths), size()):
                selected = [letter for letter in batch if not only or letter.id in only]
                events, dead = _admit(selected, admission)
                done = deliver(events, destination, size=size, patience=patience)
                dead += done.dead
                others = [letter for letter in batch if only and letter.id not in only]
                _keep(letters, shipper, dead, others)
                tally.read += len(selected)
                tally.created += done.created
                tally.already += done.already
                tally.dead += len(dead)
    return tally


def _admit(
    letters: Iterable[Letter], admission: Admission
) -> tuple[list[Event], list[RejectedLine]]:
    """Return the letters that may be sent, and those that may not."""
    events, dead = [], []
    for letter in letters:
        rejected = letter.rejected
        if rejected.cut:
            dead.append(rejected)
            continue
        try:
            event_id, index_name = admission(rejected.line)
        except NotAdmittedError as error:
            dead.append(rejected._replace(reason=str(error)))
        else:
            events.append(Event(rejected.line, event_id, index_name, rejected.position))
    return events, dead


def _keep(
    letters: DeadLetters, shipper: str, dead: Sequence[RejectedLine], others: Sequence[Letter]
) -> None:
    try:
        letters.put(shipper, others)
        letters.add(shipper, dead)
    except OSError as error:
        raise StoreError(f"{letters.folder} cannot be written to: {error.strerror}") from error


def _batches(letters: Iterator[Letter], size: int) -> Iterator[list[Letter]]:
    """Yield letters in batches of about ``size`` bytes."""
    for first in letters:
        batch, total = [first], len(first.rejected.line)
        for letter in letters:
            batch.append(letter)
            total += len(letter.rejected.line)
            if total >= size:
                break
        yield batch
