"""What became of the events that were read: the figures balance, always."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Tally"]


@dataclass(slots=True)
class Tally:
    """Count settled events.

    Attributes:
        read: lines that were read and whose fate is known; blank ones are none.
        created: new at the destination.
        already: there before.
        dead: set apart as dead letters.
        behind: bytes that wait, at the last look.
    """

    read: int = 0
    created: int = 0
    already: int = 0
    dead: int = 0
    behind: int = 0

    def balance(self, taken: str = "created") -> str:
        """Say that read = created + already there + dead.

        Args:
            taken: what is known of those that are new at the destination.
        """
        return (
            f"read {self.read:,} = {self.created:,} {taken} + {self.already:,} already there + "
            f"{self.dead:,} dead letters"
        )
