"""Try dead letters again: those that are taken now go, the others stay with the new reason."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from elkmon.events.errors import StoreError
from elkmon.ship.admission import Admission, NotAdmittedError
from elkmon.ship.batch import Event, Unfit
from elkmon.ship.deadletters import DeadLetters, Letter
from elkmon.ship.deliver import deliver, patiently
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

    May be interrupted anywhere, and repeated: nothing is lost, and nothing is doubled.

    Args:
        letters: of the folder.
        shipper: whose letters.
        destination: takes them.
        admission: says which may be sent at all.
        patience: waits where nothing is taken.
        only: ids; all where none are given.

    Raises:
        StoreError: it cannot go on; another retry is under way.
        StoppedError: the process is to stop.
    """
    tally = Tally()
    with alone(letters.folder / f".{shipper}.retry.lock", f"retry {letters.folder}"):
        patiently(destination.check, patience)
        size = BatchSize()
        with letters.taken(shipper) as taken:
            for batch in _batches(letters.read(taken), size()):
                chosen = [letter for letter in batch if not only or letter.id in only]
                events, dead = _sorted(chosen, admission)
                done = deliver(events, destination, size=size, patience=patience)
                dead += done.dead
                others = [letter for letter in batch if only and letter.id not in only]
                _keep(letters, shipper, dead, others)
                tally.read += len(chosen)
                tally.created += done.created
                tally.already += done.already
                tally.dead += len(dead)
    return tally


def _sorted(letters: Iterable[Letter], admission: Admission) -> tuple[list[Event], list[Unfit]]:
    """Give the letters that may be sent, and those that stay."""
    events, dead = [], []
    for letter in letters:
        unfit = letter.unfit
        if unfit.cut:
            dead.append(unfit)
            continue
        try:
            event_id, into = admission(unfit.line)
        except NotAdmittedError as error:
            dead.append(unfit._replace(reason=str(error)))
        else:
            events.append(Event(unfit.line, event_id, into, unfit.place))
    return events, dead


def _keep(
    letters: DeadLetters, shipper: str, dead: Sequence[Unfit], others: Sequence[Letter]
) -> None:
    try:
        letters.put(shipper, others)
        letters.add(shipper, dead)
    except OSError as error:
        raise StoreError(f"{letters.folder} cannot be written to: {error.strerror}") from error


def _batches(letters: Iterator[Letter], size: int) -> Iterator[list[Letter]]:
    """Give letters by some bytes at a time."""
    for first in letters:
        batch, held = [first], len(first.unfit.line)
        for letter in letters:
            batch.append(letter)
            held += len(letter.unfit.line)
            if held >= size:
                break
        yield batch
