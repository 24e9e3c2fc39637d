"""The program ``elkmon``: its commands, loaded on demand, and its exit codes.

Exit codes: 0 fine, 1 a check failed, 2 wrong usage, 3 a store cannot be read or reached,
130 interrupted.
"""

from __future__ import annotations

import difflib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any

import click

from elkmon import __version__
from elkmon.events.errors import ConfigError, ElkmonError, StoreError
from elkmon.questions.registry import built_in, questions

__all__ = ["COMMANDS", "Program", "main"]

USAGE, UNREADABLE, INTERRUPTED = 2, 3, 130

_MODULES = {
    "issues": ("issues", "Show what goes wrong, as one list."),
    "report": ("report", "Say what changed, and write why as one page of HTML."),
    "models": ("models", "Show what is in the store, and how complete it is."),
    "events": ("events", "List events, as they were written."),
    "tail": ("tail", "Follow events live."),
    "host": ("host", "Write readings of this host next to the events of its models."),
    "import": ("import_", "Turn FILE, a table of predictions, into events."),
    "compact": ("compact", "Turn closed files into Parquet, for speed."),
    "ship": ("ship", "Send events to Elasticsearch, or to Logstash."),
    "deadletter": ("deadletter", "Look at the lines that could not be sent, and send them again."),
    "worker": ("worker", "Ship and join in one process, for containers and systemd."),
    "join": ("join", "Join late labels to their predictions, in Elasticsearch."),
    "setup": ("setup", "Put templates, retention, roles and keys on Elasticsearch."),
    "kibana": ("kibana", "Provision dashboards and alert rules in Kibana."),
    "prune": ("prune", "Delete old events for good, by age."),
    "forget": ("forget", "Erase a person's events, or those of one prediction."),
    "doctor": ("doctor", "Look for what is wrong with a store."),
    "demo": ("demo", "Serve a simulated week with real models, and report its errors."),
}
"""Each command that is no question, or more than one: its module and its line of help."""

COMMANDS = {
    **{record.command: record.summary for record in built_in() if record.command is not None},
    **{name: summary for name, (_, summary) in _MODULES.items()},
}
"""The commands of elkmon itself with their lines of help, so that help loads no command."""

_EXTRAS = {
    "duckdb": "cli",
    "rich": "cli",
    "elastic_transport": "elastic",
    "elasticsearch": "elastic",
    "psutil": "host",
}


_BROKEN = "(plug-ins)"
"""What stands in the list of commands where a plug-in cannot be loaded."""


def _plugged() -> dict[str, str]:
    """Return the commands of plug-ins with their lines of help; a broken one says so there."""
    try:
        records = questions().values()
    except ConfigError as error:
        return {_BROKEN: str(error)}
    return {
        record.command: record.summary
        for record in records
        if record.command is not None and record.command not in COMMANDS
    }


def _loaded(name: str) -> click.Command | None:
    command: object = None
    if name in _MODULES:
        command = import_module(f"elkmon.cli.{_MODULES[name][0]}").command
    else:
        for record in built_in() if name in COMMANDS else questions().values():
            if record.command == name:
                from elkmon.cli.question_command import question_command  # noqa: PLC0415 - an extra

                command = question_command(record)
    return command if isinstance(command, click.Command) else None


class Program(click.Group):
    """A group that imports a command's module when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of the commands, in the order of help."""
        return [*COMMANDS, *_plugged()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load a command."""
        try:
            return _loaded(cmd_name)
        except ModuleNotFoundError as error:
            if error.name not in _EXTRAS:
                raise
            raise click.UsageError(
                f"elkmon {cmd_name} needs {error.name}: install it with pip install "
                f"'elkmon[{_EXTRAS[error.name]}]'"
            ) from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command of some arguments, or suggest one with a similar name."""
        name = args[0]
        exists = name in COMMANDS or name.startswith("-") or ctx.resilient_parsing
        if not exists and name not in _plugged():
            if _BROKEN in _plugged():
                raise click.UsageError(f"no such command: {name}; {_plugged()[_BROKEN]}", ctx)
            names = self.list_commands(ctx)
            close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]}?" if close else f"use one of: {', '.join(names)}"
            raise click.UsageError(f"no such command: {name}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([*COMMANDS.items(), *_plugged().items()])

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        """Run a command, quietly if the reader of its output ends first (``| head``)."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()  # so that a closed pipe is noticed here, not at exit
        except BrokenPipeError:
            _forget_output()
            return None
        return result

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,  # noqa: ANN401 - click's own
    ) -> Any:  # noqa: ANN401
        """Run, and exit with the exit code; without ``standalone_mode``, behave as click does."""

        def run() -> Any:  # noqa: ANN401
            return super(Program, self).main(
                args, prog_name, complete_var, standalone_mode=False, **extra
            )

        if not standalone_mode:
            return run()
        with _ended_cleanly():
            code = _exit_code(run)
        sys.exit(code)


@contextmanager
def _ended_cleanly() -> Iterator[None]:
    """Treat SIGTERM like Ctrl-C, so that a store's temporary folders are removed."""
    in_main = threading.current_thread() is threading.main_thread()  # others may set no handler
    if not in_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _exit_code(run: Callable[[], Any]) -> int:
    """Run the program, print what went wrong, and return the exit code."""
    try:
        code = run()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except ElkmonError as error:
        click.echo(f"Error: {error}", err=True)
        return UNREADABLE if isinstance(error, StoreError) else USAGE
    except (click.Abort, KeyboardInterrupt) as stopped:
        click.echo(str(stopped.__cause__ or stopped) or "interrupted", err=True)
        return INTERRUPTED
    except RuntimeError as error:
        if "interrupted" not in str(error).lower():  # what DuckDB makes of Ctrl-C
            raise
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except OSError as error:
        click.echo(f"Error: {error.filename or 'output'}: {error.strerror}", err=True)
        return UNREADABLE
    return code if isinstance(code, int) else 0


def _forget_output() -> None:
    """Discard what is still buffered, as nobody reads it any more (``| head``)."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Times: 24h, 7d, 2026-11-01, 2026-11-01T08:30:00+01:00, now. Conditions: version=2.0.0, "
    "segment.country!=de, ml.prediction.score>=0.9.",
)
@click.version_option(__version__, prog_name="elkmon", message="%(prog)s %(version)s")
def main() -> None:
    """Track the errors of models, from predictions, late labels and failures in plain files."""
