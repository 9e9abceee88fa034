"""What every command shares: --json, the exit codes, and refusals in words."""

import json
import os
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from inspect import getdoc
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any, BinaryIO

import click
from flask.cli import with_appcontext

from app.core.errors import KontorError, Refused

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


@dataclass(frozen=True, slots=True)
class ReadLater:
    """A list of a command's result that is read while it is printed: a million would not fit."""

    read: Callable[[], Iterable[Any]]


@contextmanager
def written_whole(out: Path) -> Iterator[BinaryIO]:
    """An open file that stands at `out` once all went well; a failure or a kill leaves nothing."""
    try:
        place = os.open(out.parent, os.O_TMPFILE | os.O_RDWR, 0o666)
    except (AttributeError, OSError):
        # Where files cannot go without a name, it waits under another; a kill would leave that.
        with TemporaryDirectory(dir=out.parent) as folder:
            fresh = Path(folder) / out.name
            with fresh.open("w+b") as file:
                yield file
            fresh.replace(out)
        return
    with os.fdopen(place, "w+b") as file:
        yield file
        file.flush()
        # A name that is taken cannot be given at once: another one is, for a moment.
        fresh = out.with_name(f".{uuid.uuid4().hex}")
        # Only with a folder's descriptor does Python follow the link to the nameless file.
        os.link(f"/proc/self/fd/{place}", fresh, src_dir_fd=place, follow_symlinks=True)
        fresh.replace(out)


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


class Lines:
    """Values that wait in a file, a line each, to be told after the sums: they may be a million."""

    def __init__(self) -> None:
        self._file = TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - as long as the command

    def add(self, value: Any) -> None:
        """Put one more at the end."""
        self._file.write(_dumped(value) + "\n")

    def later(self) -> ReadLater:
        """The list of them, for the JSON object."""
        return ReadLater(self._read)

    def _read(self) -> Iterator[Any]:
        self._file.seek(0)
        return map(json.loads, self._file)


def progress(text: str) -> None:
    """Tell a person how far it is, on standard error."""
    click.echo(text, err=True)


def _print(result: dict[str, Any], as_json: bool) -> None:
    shown = {key: value for key, value in result.items() if key not in {"refused_whole"}}
    message = shown.pop("message", None) if not as_json else shown.get("message")
    if as_json:
        sys.stdout.writelines(_object(shown))
        sys.stdout.write("\n")
        return
    if message:
        click.echo(message)
        return
    for key, value in shown.items():
        click.echo(f"{key}: {''.join(_value(value))}")


def _object(shown: dict[str, Any]) -> Iterator[str]:
    """A JSON object in pieces, so that long lists in it are never whole in memory."""
    yield "{"
    for place, (key, value) in enumerate(shown.items()):
        yield f"{', ' if place else ''}{_dumped(key)}: "
        yield from _value(value)
    yield "}"


def _value(value: Any) -> Iterator[str]:
    if not isinstance(value, ReadLater):
        yield _dumped(value)
        return
    yield "["
    for place, one in enumerate(value.read()):
        yield f"{', ' if place else ''}{_dumped(one)}"
    yield "]"


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _refuse(error: KontorError, as_json: bool) -> None:
    problems = error.problems if isinstance(error, Refused) else []
    if as_json:
        listed = [{"field": one.field, "reason": one.message, "hint": one.hint} for one in problems]
        click.echo(json.dumps({"error": str(error), "problems": listed}, ensure_ascii=False))
    for line in [str(one) for one in problems] or [str(error)]:
        click.echo(line, err=True)
    sys.exit(1)
