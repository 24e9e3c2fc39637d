"""Write tables of figures as HTML, for the report and for notebooks."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from elkmon.present.formatting import clean

__all__ = ["Table", "html_table"]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of figures as text."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = "The figures"
    right: frozenset[int] = frozenset()
    """Columns that are aligned to the right."""


def html_table(table: Table, *, hide: bool = False) -> str:
    """Return a table as HTML, with its cells escaped.

    Args:
        table: to write.
        hide: whether the caption is for screen readers only.
    """
    caption = _text(table.caption)
    heads = _cells(table, table.heads, "th", ' scope="col"')
    rows = "\n".join(
        f'<tr><th scope="row">{_text(row[0])}</th>{_cells(table, row[1:], "td", first=1)}</tr>'
        for row in table.rows
    )
    hidden = ' class="hidden"' if hide else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{caption}">\n<table>\n'
        f"<caption{hidden}>{caption}</caption>\n<thead><tr>{heads}</tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody>\n</table>\n</div>"
    )


def _cells(
    table: Table, cells: tuple[str, ...], tag: str, attributes: str = "", first: int = 0
) -> str:
    return "".join(
        f"<{tag}{attributes}{_aligned(table, place)}>{_text(cell)}</{tag}>"
        for place, cell in enumerate(cells, first)
    )


def _aligned(table: Table, place: int) -> str:
    return ' class="right"' if place in table.right else ""


def _text(text: str) -> str:
    return escape(clean(text))
