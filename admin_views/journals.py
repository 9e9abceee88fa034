"""Journals: the list, the form with former titles and coverages, and the record."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy.orm import Session, selectinload
from wtforms import FieldList, FormField, SelectField, TextAreaField

from admin_views.authorization_rows import CoverageRow, coverage_data, coverage_in, date_field
from admin_views.base import KontorView
from admin_views.filters import Request
from admin_views.formatters import Column, Link
from admin_views.forms import (
    Group,
    KontorForm,
    Longest,
    ParsedField,
    Required,
    TextField,
)
from admin_views.grants import grant_bar
from admin_views.history import history_tab
from admin_views.mass_changes import MassBar
from admin_views.records import Section
from admin_views.registry import address_of
from app.catalogue.coverage import in_words
from app.catalogue.journal_records import (
    JournalRecord,
    create_journal,
    delete_journals,
    update_journal,
)
from app.catalogue.models import Journal, JournalCoverage
from app.catalogue.operations_journals import holding_of
from app.catalogue.queries_journals import JOURNALS
from app.catalogue.rules import Holding
from app.core.actor import Actor
from app.core.listing import Listing
from app.core.paging import Page
from app.core.permissions import Permission
from app.core.values import parse_issn, parse_whole_number
from app.jobs.grants import Side

ACCESS = {"P": "Paid", "F": "Free"}


def issn_field(label: str, description: str) -> ParsedField:
    """A field for an ISSN, checked by its check digit."""
    return ParsedField(label, parse=partial(parse_issn, label=label), description=description)


class FormerTitleRow(KontorForm):
    """A title that the journal has borne before."""

    title = TextField("Former title", [Required(), Longest(500)])


class HoldingRow(CoverageRow):
    """A span of issues that the publisher holds."""

    coverage_from = date_field("Coverage from", "2010, 2010-03 or 2010-03-15; blank is open")
    coverage_to = date_field("Coverage to", "Blank is to the present")
    first_volume = TextField("First volume", [Longest(20)])
    first_issue = TextField("First issue", [Longest(20)])
    last_volume = TextField("Last volume", [Longest(20)])
    last_issue = TextField("Last issue", [Longest(20)])
    embargo = TextField("Embargo", [Longest(40)], description="P2Y and the like")
    coverage_depth = TextField("Coverage depth", [Longest(40)], description="Such as fulltext")
    note = TextField("Note", [Longest(2000)])


class JournalForm(KontorForm):
    """A journal with its former titles and coverages."""

    groups = (
        Group("Journal", ("title", "print_issn", "online_issn", "publisher"), wide=("title",)),
        Group("Details", ("title_id", "title_url", "access_type", "volumes_per_year", "note")),
        Group("Former titles", ("former_titles",), "Found by search and by imports"),
        Group("Coverage", ("coverages",), "What the publisher holds, one row for each span"),
    )

    title = TextField("Title", [Required(), Longest(500)])
    print_issn = issn_field("Print ISSN", "Like 0031-5117; one print ISSN is one journal")
    online_issn = issn_field("Online ISSN", "At least one of the two is needed")
    publisher = TextField("Publisher", [Longest(255)])
    title_id = TextField("Title ID", [Longest(80)], description="The publisher's own number")
    title_url = TextField("Web address", [Longest(500)])
    access_type = SelectField("Access", choices=[("", "not stated"), *ACCESS.items()])
    volumes_per_year = ParsedField(
        "Volumes per year",
        parse=partial(parse_whole_number, label="Volumes per year", minimum=1, maximum=365),
    )
    note = TextAreaField("Note", [Longest(2000)])
    former_titles = FieldList(
        FormField(FormerTitleRow),
        label="Former titles",
        render_kw={"add": "Add former title", "row": "Former title"},
    )
    coverages = FieldList(
        FormField(HoldingRow),
        label="Coverage",
        render_kw={"add": "Add coverage", "row": "Coverage"},
    )


class JournalsView(KontorView):
    """Everything the publisher knows of its journals."""

    model_class = Journal
    label, singular = "Journals", "journal"
    menu_group, icon, endpoint_name = "Subscriptions", "books", "journals"
    permissions = {
        "view": Permission.CATALOGUE_VIEW,
        "create": Permission.CATALOGUE_EDIT,
        "edit": Permission.CATALOGUE_EDIT,
        "delete": Permission.CATALOGUE_EDIT,
        "export": Permission.EXPORT,
    }
    export_kind = "journals"
    search_hint = "ISSN or words of a title, former ones too"
    empty_hint = "Import a KBART title list, or enter a journal by hand."
    form_class = JournalForm
    tabs = (history_tab("journal", labels={"title_url": "Web address", "access_type": "Access"}),)
    columns = (
        Column("title", "Title", sort="title", main=True, filter="title"),
        Column("print_issn", "Print ISSN", sort="print_issn", filter="print_issn"),
        Column("online_issn", "Online ISSN", filter="online_issn"),
        Column("publisher", "Publisher", filter="publisher"),
        Column("coverages", "Coverage", lambda row: coverages_in_words(row.coverages)),
    )

    def listing(self) -> Listing:
        """All journals, by title."""
        return JOURNALS

    def record_options(self) -> Sequence[Any]:
        """The record shows former titles and coverages."""
        return (selectinload(Journal.former_titles), selectinload(Journal.coverages))

    def mass_bar(self, page: Page, asked: Request) -> MassBar | None:
        """Rights to many journals for one customer."""
        return grant_bar(Side.JOURNALS, page, asked)

    def subtitle(self, model: Journal) -> str:
        """The ISSNs below the title."""
        named = (("print", model.print_issn), ("online", model.online_issn))
        return " · ".join(f"ISSN {issn} ({kind})" for kind, issn in named if issn)

    def sections(self, model: Journal) -> list[Section]:
        """The facts, the former titles and what the publisher holds."""
        return [
            Section(
                "Journal",
                [
                    ("Print ISSN", model.print_issn),
                    ("Online ISSN", model.online_issn),
                    ("Publisher", model.publisher),
                    ("Title ID", model.title_id),
                    ("Web address", web_address(model.title_url)),
                    ("Access", ACCESS.get(model.access_type or "", model.access_type)),
                    ("Volumes per year", model.volumes_per_year),
                    ("Note", model.note),
                ],
            ),
            Section("Titles", [("Former titles", [one.title for one in model.former_titles])]),
            Section("Coverage", [("Held", coverages_in_words(model.coverages))]),
            Section("Rights", [("Customers", rights_link(model))]),
        ]

    def form_data(self, model: Journal) -> Mapping[str, Any]:
        """The stored values, one row for each former title and each coverage."""
        data = {name: getattr(model, name) for name in _PLAIN}
        data["former_titles"] = [{"title": one.title} for one in model.former_titles]
        data["coverages"] = [holding_data(holding_of(one)) for one in model.coverages]
        return data

    def perform_create(self, session: Session, form: Any, actor: Actor) -> Journal:
        """A new journal."""
        return create_journal(session, record_in(form), actor=actor)

    def perform_update(self, session: Session, model: Any, form: Any, actor: Actor) -> None:
        """A journal as the form says."""
        update_journal(session, model, record_in(form), actor=actor)

    def perform_delete(self, session: Session, ids: list[int], actor: Actor) -> None:
        """Journals to which nobody has a right."""
        delete_journals(session, ids, actor=actor)


_PLAIN = (
    *("title", "print_issn", "online_issn", "publisher", "title_id", "title_url"),
    *("access_type", "volumes_per_year", "note"),
)


def record_in(form: Any) -> JournalRecord:
    """The journal that a valid form states."""
    facts: dict[str, Any] = {name: form[name].data or None for name in _PLAIN}
    return JournalRecord(
        **facts,
        former_titles=[row.title.data for row in form.former_titles],
        holdings=[holding_in(row) for row in form.coverages],
    )


def holding_in(row: Any) -> Holding:
    """The span that a row of the form states."""
    return Holding(coverage_in(row), row.embargo.data, row.coverage_depth.data, row.note.data)


def holding_data(holding: Holding) -> dict[str, Any]:
    """A span as the fields of a row name it."""
    return {
        **coverage_data(holding.coverage),
        "embargo": holding.embargo,
        "coverage_depth": holding.coverage_depth,
        "note": holding.note,
    }


def coverages_in_words(rows: Sequence[JournalCoverage]) -> list[str]:
    """What the publisher holds, one line for each span, with its embargo."""
    lines = []
    for row in rows:
        holding = holding_of(row)
        volumes = _volumes(holding)
        parts = [
            in_words(holding.coverage),
            volumes,
            holding.embargo and f"embargo {holding.embargo}",
        ]
        lines.append(", ".join(part for part in parts if part))
    return lines


def _volumes(holding: Holding) -> str:
    """The volumes of a span that is stated by date as well."""
    span = holding.coverage
    if span.volume_only or not (span.first_volume or span.last_volume):
        return ""
    return f"volumes {span.first_volume or ''}–{span.last_volume or ''}"


def rights_link(journal: Journal) -> Link:
    """The list of everybody's rights to a journal."""
    issn = journal.print_issn or journal.online_issn
    return Link("Show subscriptions", address_of("subscriptions.index_view", journal=issn))


def web_address(address: str | None) -> Link | str | None:
    """A link, but only to the web: a title list comes from outside."""
    if address and address.lower().startswith(("http://", "https://")):
        return Link(address, address)
    return address


def views() -> list[JournalsView]:
    """The views of this module."""
    return [JournalsView()]
