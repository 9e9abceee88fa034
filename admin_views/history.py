"""The History tab: what was changed, when, by whom, field by field; narrowed, paged, exported."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import render_template, request
from sqlalchemy import Select
from sqlalchemy.orm import Session

from admin_views.access import acting
from admin_views.assets import address_of
from admin_views.filters import Control, Request, controls, read_request
from admin_views.records import RecordTab
from app.audit import queries
from app.audit.queries import About
from app.audit.rules import old_and_new, words
from app.audit.visibility import hidden_from
from app.core.countries import language_name
from app.core.counts import capped_count, format_count
from app.core.permissions import Permission
from app.core.values import show_phone
from app.customers.rules import PHONES
from app.transfer.exports.histories import ENTITIES, list_name

ROWS = 25
NAME = "history"
DAYS = {"date_of_birth", "collection_hold_until", "collection_date", "term_from", "term_to"}
AMOUNTS = {"amount", "max_amount", "price"}
MAX_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class History:
    """The history of records of one kind.

    `of` says whose entries are meant, for a record that is told of otherwise than by its own
    number; `labels` names the record's own fields. `export` gives what the export of one
    record's history asks for, or None where it must not leave.
    """

    entity: str
    of: Callable[[Any], About]
    labels: Mapping[str, str] = field(default_factory=dict)
    export: Callable[[Any], Mapping[str, str] | None] = lambda model: None

    def label(self, entity: str, name: str) -> str:
        """A field's name as people say it."""
        return self.labels.get(name, words(name)) if entity == self.entity else words(name)

    def about(self, model: Any) -> About:
        """The entries of a record that this person may read."""
        return replace(self.of(model), hidden=hidden_from(acting()))

    def rows(self, model: Any) -> Select[Any]:
        """The entries themselves."""
        return self.about(model).rows()

    def render(self, view: Any, session: Session, model: Any, page: int) -> str:
        """The tab: the filters in its own address, and a stretch of the entries that fit."""
        about = self.about(model)
        listing = queries.listing(about)
        asked = read_request(listing, request.args)
        wanted = listing.where(asked.criteria)
        found = queries.stretch(
            session, wanted, ROWS, before=_number("before"), after=_number("after")
        )

        own = {"id": view.get_pk_value(model), "tab": NAME}

        def url(**arguments: Any) -> str:
            return str(view.get_url(".tab_view", **own, **asked.criteria.filters, **arguments))

        return render_template(
            "admin/history.html",
            admin_view=view,
            model=model,
            history=self,
            found=found,
            count=format_count(*capped_count(session, wanted)),
            asked=asked,
            controls={one.filter.name: one for one in controls(listing, asked, session)},
            offered=queries.offered(session, about),
            url=url,
            empty_url=view.get_url(".tab_view", **own),
            export_url=self._export_url(model, asked),
            value_in_words=value_in_words,
            old_and_new=old_and_new,
        )

    def choices(self, offered: queries.Offered, control: Control) -> Sequence[tuple[str, str]]:
        """What a filter offers, and what was asked for even where it does not occur."""
        if control.filter.name == "field":
            found = {name: self.label(entity, name) for entity, name in offered.fields}
            found |= {name: self.labels[name] for name in found if name in self.labels}
        elif control.filter.name == "who":
            found = {one: one for one in offered.people}
        else:
            found = {one: one.capitalize() for one in offered.actions}
        chosen = control.values[0]
        if chosen:
            found.setdefault(chosen, words(chosen))
        return sorted(found.items(), key=lambda pair: pair[1].casefold())

    def _export_url(self, model: Any, asked: Request) -> str | None:
        given = self.export(model)
        leaves = self.entity in ENTITIES and acting().may(Permission.EXPORT)
        if given is None or not leaves:
            return None
        name = list_name(self.entity)
        return address_of("exports.start", list_name=name, **given, **asked.criteria.filters)


def history_tab(
    entity: str,
    of: Callable[[Any], About] | None = None,
    *,
    labels: Mapping[str, str] | None = None,
    export: Callable[[Any], Mapping[str, str] | None] | None = None,
) -> RecordTab:
    """The history of one record of a kind, newest first; see `History` for what is given."""
    told = History(
        entity,
        of or (lambda model: About(entity, model.id)),
        labels or {},
        export or ((lambda model: {"record": str(model.id)}) if of is None else lambda model: None),
    )
    return RecordTab(NAME, "History", told.render, rows=told.rows, order=900, history=told)


def history_of(tabs: Sequence[RecordTab], model: Any) -> About | None:
    """Whose entries the History tab of a record shows, where it has one."""
    told = next((tab.history for tab in tabs if tab.history is not None), None)
    return None if told is None else told.about(model)


def value_in_words(name: str, value: Any) -> Any:
    """A value as the pages show it: history keeps dates, amounts and phones as they are stored."""
    if not isinstance(value, str):
        return value
    if name in PHONES:
        return show_phone(value)
    if name == "gender":
        return value.capitalize()
    if name == "preferred_language":
        return language_name(value)
    try:
        if name in AMOUNTS:
            return Decimal(value)
        if name in DAYS or name.endswith("_on"):
            return date.fromisoformat(value)
        return datetime.fromisoformat(value) if name.endswith("_at") else value
    except (ValueError, InvalidOperation):
        return value


def _number(name: str) -> int | None:
    """The number of an entry in the address; nothing else is one."""
    raw = request.args.get(name, "")
    good = raw.isascii() and raw.isdecimal() and len(raw) < 20 and int(raw) <= MAX_ID
    return int(raw) if good else None
