"""Packages: journals that are sold together, and can be granted together."""

from collections.abc import Mapping
from typing import Any

from flask import g
from sqlalchemy.orm import Session
from wtforms import TextAreaField

from admin_views.base import KontorView
from admin_views.filters import Request
from admin_views.formatters import Column
from admin_views.forms import Group, KontorForm, Longest, Required, TextField
from admin_views.history import history_tab
from admin_views.records import Section
from admin_views.rights import journal_link
from app.catalogue.models import JournalPackage
from app.catalogue.packages import (
    MOST_JOURNALS,
    PACKAGES,
    delete_packages,
    in_lines,
    journal_counts,
    read_journals,
    save_package,
)
from app.core.actor import Actor
from app.core.listing import Listing
from app.core.paging import Page
from app.core.permissions import Permission
from app.core.text import clean_lines
from app.extensions import db


class PackageForm(KontorForm):
    """A package with the ISSNs of its journals."""

    groups = (Group("Package", ("name", "journals", "note")),)

    name = TextField("Name", [Required(), Longest(120)], description="Such as Physics 2026")
    journals = TextAreaField(
        "Journals",
        [Longest(MOST_JOURNALS * 200)],
        description="One ISSN on each line, print or online; what follows on the line is ignored",
        render_kw={"rows": 12, "spellcheck": "false"},
    )
    note = TextAreaField("Note", [Longest(2000)], filters=(clean_lines,))


class PackagesView(KontorView):
    """The list of packages."""

    model_class = JournalPackage
    label, singular = "Packages", "package"
    menu_group, icon, endpoint_name = "Subscriptions", "stack-2", "packages"
    permissions = {
        "view": Permission.CATALOGUE_VIEW,
        "create": Permission.CATALOGUE_EDIT,
        "edit": Permission.CATALOGUE_EDIT,
        "delete": Permission.CATALOGUE_EDIT,
        "export": Permission.EXPORT,
    }
    export_kind = "packages"
    form_class = PackageForm
    search_hint = "Name of a package"
    empty_hint = "A package names journals that are sold together, to grant them in one go."
    columns = (
        Column("name", "Name", sort="name", main=True),
        Column("journals", "Journals", lambda row: g.journal_counts.get(row.id, 0), numeric=True),
        Column("note", "Note"),
    )
    tabs = (history_tab("package"),)

    def listing(self) -> Listing:
        """All packages."""
        return PACKAGES

    def page_of(self, listing: Listing, asked: Request) -> Page:
        """The rows, and how many journals each of them holds."""
        page = super().page_of(listing, asked)
        g.journal_counts = journal_counts(db.session(), [row.id for row in page.rows])
        return page

    def sections(self, model: JournalPackage) -> list[Section]:
        """The journals by name."""
        return [
            Section("Package", [("Name", model.name), ("Note", model.note)]),
            Section("Journals", [("Holds", [journal_link(one) for one in model.journals])]),
        ]

    def delete_question(self) -> str:
        """Rights do not hang on the package that they were granted by."""
        return "Delete {this package|# packages}? What was granted by {it|them} stays."

    def form_data(self, model: JournalPackage) -> Mapping[str, Any]:
        """The journals as lines."""
        return {"name": model.name, "note": model.note, "journals": in_lines(model)}

    def perform_create(self, session: Session, form: Any, actor: Actor) -> JournalPackage:
        """A new package."""
        return self._save(session, None, form, actor)

    def perform_update(self, session: Session, model: Any, form: Any, actor: Actor) -> None:
        """A package as the form says."""
        self._save(session, model, form, actor)

    def perform_delete(self, session: Session, ids: list[int], actor: Actor) -> None:
        """Packages alone."""
        delete_packages(session, ids, actor=actor)

    def _save(self, session: Session, model: Any, form: Any, actor: Actor) -> JournalPackage:
        ids = read_journals(session, form.journals.data or "")
        return save_package(
            session, model, name=form.name.data, note=form.note.data or None, journal_ids=ids,
            actor=actor,
        )  # fmt: skip


def views() -> list[PackagesView]:
    """The views of this module."""
    return [PackagesView()]
