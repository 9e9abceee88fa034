"""How values look: one way for each kind, in lists, records and notices."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app
from markupsafe import Markup, escape
from sqlalchemy.sql.base import ExecutableOption

from admin_views.assets import asset
from app.core.money import format_amount

_HAS_LETTERS = re.compile(r"[^\W\d_]")
NOTHING = Markup('<span class="text-secondary" aria-label="none">–</span>')


@dataclass(frozen=True, slots=True)
class Badge:
    """A short coloured word. Colours: green, red, orange, yellow, blue, azure, purple, grey.

    With `url` it leads to what it tells of.
    """

    text: str
    colour: str = "grey"
    icon: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A text that leads somewhere."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a list or line of a record.

    `value` takes it from the row; without it the attribute `name` is shown (dots follow
    relations). `sort` is the name of one of the listing's sorts. `main` marks the column that
    names the record. `suffix` follows a value, such as a unit. `filter` is the name of the
    listing's filter that stands under the heading. `options` are the loader options that keep the
    column from asking the database for each row; they are used where the column is shown.
    """

    name: str
    label: str
    value: Callable[[Any], Any] | None = None
    sort: str = ""
    main: bool = False
    numeric: bool = False
    suffix: str = ""
    filter: str = ""
    options: Sequence[ExecutableOption] = ()

    def of(self, row: Any) -> Any:
        """The plain value of one row."""
        if self.value is not None:
            return self.value(row)
        found = row
        for part in self.name.split("."):
            found = getattr(found, part, None)
        return found

    def show(self, row: Any) -> Any:
        """The value of one row as it is shown."""
        value = self.of(row)
        shown = show(f"{value:,}" if self.numeric and type(value) is int else value)
        return (
            Markup("{}{}").format(shown, self.suffix) if self.suffix and shown != NOTHING else shown
        )


def show(value: Any) -> Any:
    """A value as people read it. Nothing at all is a dash, True is a word."""
    if type(value) is str and value:  # as most are
        return _text(value)
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return yes_no(value)
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        value = day(value)
    if isinstance(value, Decimal):
        value = format_amount(value)
    if isinstance(value, Badge):
        return badge(value)
    if isinstance(value, Link):
        return _wrapped(f'<a href="{escape(value.url)}">', value.text, "</a>")
    if isinstance(value, list | tuple):
        return several(value)
    return _text(value) if isinstance(value, str) else value


def _text(value: str) -> str:
    """A text; a number, a date or a phone is read in one piece."""
    if len(value) < 40 and not _HAS_LETTERS.search(value):
        return _wrapped('<span class="text-nowrap">', value, "</span>")
    return value


def several(values: list[Any] | tuple[Any, ...]) -> Any:
    """Several values stand below each other; badges stand side by side."""
    if not values:
        return NOTHING
    if all(isinstance(value, Badge) for value in values):
        badges = Markup("").join(badge(value) for value in values)
        return _wrapped('<span class="k-badges">', badges, "</span>")
    items = "".join(_wrapped("<li>", show(value), "</li>") for value in values)
    return Markup(f'<ul class="list-unstyled mb-0">{items}</ul>')  # noqa: S704 - all escaped


def _wrapped(before: str, value: Any, after: str) -> Markup:
    """A value inside tags. By plain joining: a page of a list does this some hundred times."""
    return Markup(f"{before}{escape(value)}{after}")  # noqa: S704 - the value is escaped here


def yes_no(value: bool) -> Markup:
    """Yes with a tick, no in a quiet colour: told apart without colour as well."""
    if value:
        return Markup('<span class="k-yes">{} Yes</span>').format(icon("check"))
    return Markup('<span class="text-secondary">No</span>')


def badge(value: Badge) -> Markup:
    """A badge with its optional icon."""
    picture = icon(value.icon) if value.icon else ""
    css = f"badge k-badge k-{value.colour}"
    if value.url:
        before = f'<a class="{css}" href="{escape(value.url)}">{picture}'
        return _wrapped(before, value.text, "</a>")
    return _wrapped(f'<span class="{css}">{picture}', value.text, "</span>")


def zone() -> ZoneInfo:
    """The zone in which moments are shown."""
    return ZoneInfo(current_app.config["SETTINGS"].timezone)


def day(value: date) -> str:
    """31.12.2026"""
    return f"{value.day:02}.{value.month:02}.{value.year:04}"


def moment(value: datetime) -> Markup:
    """31.12.2026 14:05 in the operator's zone; the exact moment is in the title."""
    local = value.astimezone(zone())
    title = f"{day(local)} {local:%H:%M:%S %Z}"
    return _wrapped(
        f'<time datetime="{local.isoformat()}" title="{title}">',
        f"{day(local)} {local:%H:%M}",
        "</time>",
    )


def masked(iban: str | None) -> str | None:
    """An IBAN without the permission to see it: its country and its last four characters."""
    return f"{iban[:2]}•• •••• {iban[-4:]}" if iban else None


def spaced(iban: str | None) -> str | None:
    """An IBAN in groups of four, as banks print it."""
    return " ".join(iban[i : i + 4] for i in range(0, len(iban), 4)) if iban else None


def size(octets: int) -> str:
    """The size of a file: 640 bytes, 12 KB, 3.4 MB."""
    if octets < 1000:
        return f"{octets} bytes"
    if octets < 1_000_000:
        return f"{octets / 1000:.0f} KB"
    return f"{octets / 1_000_000:.1f} MB"


def icon(name: str, extra: str = "") -> Markup:
    """One of the icons in static/vendor/tabler-icons, hidden from screen readers."""
    return _icon(asset("vendor/tabler-icons/sprite.svg"), name, extra)


@lru_cache(maxsize=500)
def _icon(address: str, name: str, extra: str) -> Markup:
    return Markup(
        '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>'
    ).format(extra, address, name)
