"""flask export …: any list into a file. flask template …: the blank import workbooks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from app.cli.output import OutFile, command, progress, written_whole
from app.core.actor import COMMAND_LINE
from app.core.errors import Refused
from app.customers.choices import CustomerKind
from app.extensions import db, transaction
from app.transfer.columns import TEMPLATE_NAMES, TITLES
from app.transfer.exports import operations
from app.transfer.exports.lists import LISTS, find_list

OUT = click.option(
    "--out",
    required=True,
    type=OutFile(),
    help="Where to put the file.",
)
CONDITIONS = (
    click.option("--search", default="", help="Only what the search of the list finds."),
    click.option(
        "--filter",
        "filters",
        multiple=True,
        metavar="NAME=VALUE",
        help="Only what fits this condition; may be given several times.",
    ),
)
KIND = click.option(
    "--kind",
    type=click.Choice([kind.value for kind in CustomerKind]),
    help="Only customers of this kind.",
)
TOLD_EVERY = 50_000


def run(
    name: str, out: Path, search: str, filters: tuple[str, ...], kind: str | None = None
) -> dict[str, Any]:
    """Write a list into a file, and its receipt into the history."""
    export = find_list(name)
    conditions = _conditions(filters) | ({"kind": kind} if kind else {})
    criteria = operations.criteria_of(search, conditions)
    with written_whole(out) as file:
        written = operations.write(export, criteria, file, actor=COMMAND_LINE, watch=_tell)
    with transaction() as session:
        operations.record_export(session, written, actor=COMMAND_LINE)
    what = "an .xlsx workbook" if written.format == "xlsx" else "a ZIP of two CSV files"
    return {
        "rows": written.rows,
        "format": written.format,
        "file": str(out),
        "sha256": written.sha256,
        "message": f"{written.rows:,} rows written to {out} as {what}.",
    }


def _tell(done: int) -> None:
    if done % TOLD_EVERY == 0:
        progress(f"{done:,} rows …")


def _conditions(filters: tuple[str, ...]) -> dict[str, str]:
    """The conditions as names and values. Raises Refused for one without an equals sign."""
    found = {}
    for one in filters:
        name, equals, value = one.partition("=")
        if not equals or not name.strip():
            raise Refused.because(f"“{one}” is no condition", hint="Write it as NAME=VALUE")
        found[name.strip()] = value
    return found


def _export_command(name: str) -> click.Command:
    def exported(**arguments: Any) -> dict[str, Any]:
        return run(name, **arguments)

    names = ", ".join(LISTS[name].listing.names)
    exported.__doc__ = (
        f"Export {LISTS[name].title.lower()} into a file: an .xlsx workbook, from 100,000 rows on "
        "a ZIP of two CSV files. IBANs are written in full."
        + f"\n\nConditions: {names}."
        * bool(names)
    )
    options: tuple[Callable[..., Any], ...] = (OUT, *CONDITIONS)
    return command(name, *options, *([KIND] if name == "customers" else []))(exported)


def _template_command(name: str) -> click.Command:
    def template(out: Path) -> dict[str, Any]:
        # Loaded here: what writes workbooks cell by cell is large; exports go without.
        from app.transfer.templates import write_template

        write_template(db.session(), name, out)
        return {"file": str(out), "message": f"The template is in {out}."}

    template.__doc__ = f"Write the blank import workbook for {TITLES[name].lower()} into a file."
    return command(name, OUT)(template)


def commands() -> list[click.Command]:
    """The commands of this module."""
    export = click.Group("export", help="Write a list into a file.")
    for name in LISTS:
        export.add_command(_export_command(name))
    template = click.Group("template", help="Write a blank import workbook.")
    for name in TEMPLATE_NAMES:
        template.add_command(_template_command(name))
    return [export, template]
