"""What every command shares: --json, the exit codes, and refusals in words."""

import json
import sys
from collections.abc import Callable, Iterator
from functools import wraps
from inspect import getdoc
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any
from weakref import finalize

import click
from flask.cli import with_appcontext

from app.core.errors import KontorError, Refused
from app.core.portions import portions

JSON_HELP = (
    "\b\nWith --json the last line on standard output is one JSON object; progress goes to"
    " standard error.\nExit code 0: done. 1: the input was refused whole. 2: wrong usage."
)


class OutFile(click.ParamType[Path]):
    """A file to write, in a folder that is there."""

    name = "file"

    def convert(self, value: Any, param: Any, ctx: Any) -> Path:
        """The path; fails as wrong usage, before any work is done."""
        path = Path(value)
        if path.is_dir():
            self.fail(f"{path} is a folder", param, ctx)
        if not path.parent.is_dir():
            self.fail(f"there is no folder {path.parent}", param, ctx)
        return path


def command(
    name: str, *options: Callable[..., Any]
) -> Callable[[Callable[..., dict[str, Any]]], click.Command]:
    """Make a command from a function that returns its JSON object.

    The function may return a "message" for people; it is printed instead of the bare figures.
    Whatever Kontor refuses ends in exit code 1 with the reasons.
    """

    def decorate(function: Callable[..., dict[str, Any]]) -> click.Command:
        @with_appcontext
        @wraps(function)
        def run(as_json: bool, **arguments: Any) -> None:
            try:
                result = function(**arguments)
            except KontorError as error:
                _refuse(error, as_json)
            except OSError as error:
                if error.filename is None:
                    raise
                _refuse(Refused.because(f"{error.filename}: {error.strerror}"), as_json)
            _print(result, as_json)
            if result.get("refused_whole"):
                sys.exit(1)

        made: Any = run
        for option in reversed(options):
            made = option(made)
        made = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(made)
        text = getdoc(function) or ""
        return click.command(name, help=f"{text}\n\n{JSON_HELP}")(made)

    return decorate


class LinesLater(list[Any]):
    """A list for the JSON object that waits in a file, one line each, until it is printed.

    What is left out of a run may be a million invoices, and is told after the sums.
    """

    def __init__(self) -> None:
        super().__init__()
        self._file = TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - as long as the list
        finalize(self, self._file.close)
        self._count = 0

    def add(self, value: Any) -> None:
        """Put one more at the end."""
        self._file.write(json.dumps(value, ensure_ascii=False) + "\n")
        self._count += 1

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Any]:
        self._file.seek(0)
        return map(json.loads, self._file)


def progress(text: str) -> None:
    """Tell a person how far it is, on standard error."""
    click.echo(text, err=True)


def _print(result: dict[str, Any], as_json: bool) -> None:
    shown = {key: value for key, value in result.items() if key not in {"refused_whole"}}
    message = shown.pop("message", None) if not as_json else shown.get("message")
    if as_json:
        _write_json(shown)
        return
    if message:
        click.echo(message)
        return
    for key, value in shown.items():
        click.echo(f"{key}: ", nl=False)
        _write_json(value)


def _write_json(value: Any) -> None:
    """Piece by piece, so that a long list is never a long text as well."""
    encoder = json.JSONEncoder(ensure_ascii=False, default=str)
    for some in portions(encoder.iterencode(value), 10_000):
        click.echo("".join(some), nl=False)
    click.echo()


def _refuse(error: KontorError, as_json: bool) -> None:
    problems = error.problems if isinstance(error, Refused) else []
    if as_json:
        listed = [{"field": one.field, "reason": one.message, "hint": one.hint} for one in problems]
        click.echo(json.dumps({"error": str(error), "problems": listed}, ensure_ascii=False))
    for line in [str(one) for one in problems] or [str(error)]:
        click.echo(line, err=True)
    sys.exit(1)
