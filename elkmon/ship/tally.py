"""Count what became of the lines that were read; the counts always balance."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Tally"]


@dataclass(slots=True)
class Tally:
    """Counts of settled lines.

    Attributes:
        read: lines whose fate is known, without blank ones.
        created: events that are new at the destination.
        already: events that were there before.
        dead: dead letters.
        behind: bytes that were waiting at the last look.
    """

    read: int = 0
    created: int = 0
    already: int = 0
    dead: int = 0
    behind: int = 0

    def balance(self, success: str = "created") -> str:
        """Return the counts as an equation: read = created + already there + dead letters.

        Args:
            success: what became of the events that are new at the destination.
        """
        return (
            f"read {self.read:,} = {self.created:,} {success} + {self.already:,} already there + "
            f"{self.dead:,} dead letters"
        )
