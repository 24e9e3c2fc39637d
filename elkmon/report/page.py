"""Build the page: one file that holds all it needs, and makes no request."""

from __future__ import annotations

import json
import os
import shlex
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup, escape

from elkmon import __version__
from elkmon.events.errors import ConfigError
from elkmon.present.formatting import clean, when
from elkmon.present.html_table import Table, html_table
from elkmon.present.plots import Spec
from elkmon.query.conditions import condition_texts
from elkmon.query.question import Question
from elkmon.report.answers import Answers, ask
from elkmon.report.completeness import completeness
from elkmon.report.model_sections import Section, sections
from elkmon.stores.location import Place
from elkmon.stores.protocol import Store

__all__ = ["KINDS", "Report", "build_report", "render"]

KINDS = {
    "worse": "Worse",
    "regressed": "Came back",
    "new": "New",
    "slower": "Slower",
    "better": "Better",
    "faster": "Faster",
    "unclear": "Unclear",
    "ongoing": "Ongoing",
}
_READABLE = 0o644
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Report:
    """A page of HTML."""

    html: str
    answers: Answers
    """The answers that it shows."""
    sections: tuple[Section, ...]
    """The sections, one for each model, the worst first."""

    @property
    def served(self) -> bool:
        """Return whether there are any predictions in it."""
        return bool(self.sections)

    def save(self, path: str | Path) -> None:
        """Write the page to a file, whole or not at all.

        Raises:
            ConfigError: it cannot be written.
        """
        path = Path(path)
        try:
            with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as file:
                draft = Path(file.name)
                try:
                    file.write(self.html.encode())
                    file.flush()
                    # as any other file that people make: readable, unless they say otherwise
                    mask = os.umask(0)
                    os.umask(mask)
                    draft.chmod(_READABLE & ~mask)
                    draft.replace(path)
                except BaseException:
                    draft.unlink(missing_ok=True)
                    raise
        except OSError as error:
            raise ConfigError(f"cannot write to {path}: {error.strerror}") from error

    @property
    def alarms(self) -> int:
        """Return how many things got worse."""
        return sum(len(section.alarms) for section in self.sections)


def build_report(
    store: Store, question: Question, folder: Place, progress: Progress = lambda _done, _of: None
) -> Report:
    """Ask a store for everything, and return it as one HTML page.

    Args:
        store: the store.
        question: model, span and conditions.
        folder: the store's location, for the commands on the page.
        progress: called with the number of steps that are done, and of all.

    Raises:
        ConfigError: the package that draws plots is not installed.
        QueryError: the question is invalid.
        StoreError: the store cannot be read.
    """
    answers = ask(store, question, lambda done, of: progress(done, of + 1))
    report = render(answers, folder)
    progress(1, 1)
    return report


def render(answers: Answers, folder: Place) -> Report:
    """Return answers as one HTML page; see :func:`build_report`."""
    model_sections = sections(answers, folder)
    specs = {
        section.anchor(block.name): block.spec
        for section in model_sections
        for block in section.blocks
        if block.spec is not None
    }
    library, script, style = _library(), _asset("report.js"), _asset("report.css")
    html = (
        _environment()
        .get_template("report.html")
        .render(
            question=answers.question,
            since=when(answers.question.since),
            until=when(answers.question.until),
            conditions=condition_texts(answers.question.conditions),
            generated=when(datetime.now(timezone.utc)),
            program=__version__,
            folder=str(folder),
            sections=model_sections,
            alarms=sum(len(section.alarms) for section in model_sections),
            complete=completeness(answers),
            models_command=clean(shlex.join(["elkmon", "models", "--store", str(folder)])),
            notes=answers.notes,
            specs={name: _json(spec) for name, spec in specs.items()},
            style=Markup(style),  # noqa: S704 - ours
            library=Markup(library),  # noqa: S704 - vega's
            script=Markup(script),  # noqa: S704 - ours
            policy=_policy(library, script),
        )
    )
    return Report(html, answers, tuple(model_sections))


@cache
def _library() -> str:
    """Return Vega, Vega-Lite and the code that embeds their plots, as one script.

    Raises:
        ConfigError: the package is not installed.
    """
    try:
        from vl_convert import javascript_bundle  # noqa: PLC0415 - only reports need it
    except ImportError as error:
        raise ConfigError(
            "a report needs vl-convert-python: install it with pip install 'elkmon[report]'"
        ) from error
    bundle = str(javascript_bundle("window.vegaEmbed = vegaEmbed;"))
    # what a page's parser would take for the end, or for a comment
    bundle = bundle.replace("\r\n", "\n").replace("</script", "<\\/script")
    return bundle.replace("<!--", "<\\!--")


def _asset(name: str) -> str:
    return files("elkmon.report").joinpath("templates", name).read_text(encoding="utf-8")


def _json(spec: Spec) -> Markup:
    """Return JSON that an HTML parser takes for text up to its end."""
    text = json.dumps(spec, separators=(",", ":"), allow_nan=False)
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Markup(text)  # noqa: S704 - nothing is left in it that markup begins with


def _policy(*scripts: str) -> str:
    """Return a policy that allows these scripts only: no request, no eval, no other code."""
    digests = (b64encode(sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("elkmon.report"),
        autoescape=True,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["spark"] = _spark
    environment.filters["lines"] = _lines
    environment.filters["tied"] = _tied
    environment.globals["kinds"] = KINDS
    environment.globals["html_table"] = _html_table
    return environment


def _shown(value: Any) -> Any:  # noqa: ANN401 - whatever a template shows
    """Return a value with control and direction characters written out."""
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _html_table(table: Table, hide: bool = False) -> Markup:
    return Markup(html_table(table, hide=hide))  # noqa: S704 - its cells are escaped


def _lines(text: str) -> Markup:
    """Return text with its line breaks, and no other control characters."""
    return Markup("\n").join(escape(clean(line)) for line in text.split("\n"))


def _tied(text: str) -> str:
    """Return text that keeps a number and its unit on one line."""
    return text.replace(" %", "\u00a0%")


def _spark(values: Sequence[float | None]) -> Markup:
    """Return a sparkline of bars; the text beside it says what it shows."""
    top = max((value for value in values if value is not None), default=0.0)
    if not top:
        return Markup("")  # nothing to draw
    wide, high = 120, 28
    step = wide / len(values)
    bars = "".join(
        f'<rect x="{place * step:.1f}" y="{high - size:.1f}" width="{max(step - 0.6, 0.6):.1f}" '
        f'height="{size:.1f}"/>'
        for place, size in (
            (place, max(high * value / top, 1.0))
            for place, value in enumerate(values)
            if value is not None
        )
    )
    return Markup(  # noqa: S704 - numbers only
        f'<svg class="spark" viewBox="0 0 {wide} {high}" preserveAspectRatio="xMinYMid" '
        f'aria-hidden="true">{bars}</svg>'
    )
