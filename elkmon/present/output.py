"""Write tables, JSON and CSV to a file or standard output, each with its own escapes."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import IO, Any, Literal

import orjson
from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from elkmon.events.errors import ConfigError
from elkmon.present.formatting import clean
from elkmon.query.times import iso

__all__ = [
    "Form",
    "Output",
    "below",
    "clean",
    "copyable",
    "fit_width",
    "output_to",
    "table",
    "write_csv",
    "write_json",
    "write_line",
]

Form = Literal["table", "json", "csv"]

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_ENDLESS = 10_000
"""The width of a pipe: no line is wrapped or cut."""


@dataclass(frozen=True, slots=True)
class Output:
    """An open stream, the form of what goes there, and how wide it is."""

    stream: IO[str]
    form: Form
    terminal: bool
    console: Console = field(repr=False)

    @property
    def width(self) -> int:
        """Return the number of columns."""
        return self.console.width

    def show(self, *parts: RenderableType) -> None:
        """Write text for people: in colour on a terminal, as plain lines elsewhere."""
        if self.terminal:
            for part in parts:
                self.console.print(part, soft_wrap=isinstance(part, Text) and bool(part.no_wrap))
            return
        buffer = StringIO()
        plain = Console(file=buffer, width=_ENDLESS, color_system=None, highlight=False)
        for part in parts:
            plain.print(part)
        lines = [line.rstrip() for line in buffer.getvalue().splitlines()]
        self.stream.write("\n".join(lines) + "\n")


@contextmanager
def output_to(form: Form, path: Path | None) -> Iterator[Output]:
    """Open the output: a file, or standard output.

    Raises:
        ConfigError: the file cannot be written.
    """
    if path is None:
        stream: IO[str] = sys.stdout
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")  # a terminal without Unicode gets question marks
        yield _output(stream, form)
        return
    try:
        file = path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise ConfigError(f"cannot write to {path}: {error.strerror}") from error
    with file:
        yield _output(file, form)


def _output(stream: IO[str], form: Form) -> Output:
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    return Output(stream, form, stream.isatty(), console)


def table(output: Output, heads: Sequence[str], right: Collection[str] = ()) -> Table:
    """Return an empty table, with rules on a terminal only.

    Args:
        output: where the table is shown.
        heads: of its columns.
        right: the heads of columns that are aligned to the right.
    """
    empty = Table(
        box=SIMPLE_HEAD if output.terminal else None,
        pad_edge=False,
        show_edge=False,
        padding=(0, 1, 0, 0),
        header_style="bold",
    )
    for head in heads:
        empty.add_column(Text(head), justify="right" if head in right else "left", overflow="fold")
    return empty


def fit_width(output: Output, build: Callable[[bool], Table]) -> Table:
    """Return a table in its wide form, or in its narrow form if the terminal is too narrow.

    Args:
        output: where the table is shown.
        build: returns the wide form for True, else the narrow form.
    """
    wide = build(True)
    if not output.terminal:
        return wide
    needed = Measurement.get(output.console, output.console.options.update(width=_ENDLESS), wide)
    return wide if needed.maximum <= output.width else build(False)


def below(*parts: Text) -> Text:
    """Return one cell with the parts below each other."""
    return Text("\n").join(parts)


def copyable(line: str) -> Text:
    """Return a command line without line breaks, so that it can be copied."""
    return Text(line, no_wrap=True)


def write_json(output: Output, document: object) -> None:
    """Write one document, indented."""
    _write(output, orjson.dumps(_clean_surrogates(document), option=orjson.OPT_INDENT_2))


def write_line(output: Output, document: object) -> None:
    """Write one document on one line."""
    _write(output, orjson.dumps(_clean_surrogates(document)))


def _write(output: Output, data: bytes) -> None:
    text = data.decode()
    # JSON allows some characters that control terminals; they may be escaped within its strings
    output.stream.write(re.sub("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]", _escaped, text))
    output.stream.write("\n")


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _clean_surrogates(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return JSON with times as text, and without surrogates, which UTF-8 cannot hold."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {str(_clean_surrogates(k)): _clean_surrogates(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean_surrogates(item) for item in value]
    return iso(value) if isinstance(value, datetime) else value


def write_csv(output: Output, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a header and rows; no cell is read as a formula."""
    writer = csv.writer(output.stream, lineterminator="\n")
    writer.writerow([_cell(name) for name in columns])
    for row in rows:
        writer.writerow([_cell(value) for value in row])


def _cell(value: object) -> object:
    if value is None or isinstance(value, (int, float)):
        return value
    text = iso(value) if isinstance(value, datetime) else str(value)
    formula = text[:1] in {"=", "+", "-", "@", "\t", "\r"} and not _NUMBER.fullmatch(text)
    return ("'" if formula else "") + clean(text)
