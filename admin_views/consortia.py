"""Consortia: groups of institutions that buy together."""

from typing import Any

from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy.orm import Session
from wtforms import TextAreaField

from admin_views.access import needs
from admin_views.base import KontorView
from admin_views.formatters import Column, Link
from admin_views.forms import Group, KontorForm, Longest, Required, TextField
from admin_views.history import history_tab
from admin_views.holdings import consortium_file, kbart_answer, may_take_holdings
from admin_views.records import Section
from admin_views.registry import address_of
from app.core.actor import Actor
from app.core.listing import Listing
from app.core.permissions import Permission
from app.core.text import clean_lines
from app.extensions import db
from app.institutions.models import Consortium
from app.institutions.operations import delete_consortia, save_consortium
from app.institutions.queries import CONSORTIA, count_members


class ConsortiumForm(KontorForm):
    """A consortium."""

    groups = (Group("Consortium", ("name", "note")),)

    name = TextField("Name", [Required(), Longest(120)])
    note = TextAreaField("Note", [Longest(2000)], filters=(clean_lines,))


class ConsortiaView(KontorView):
    """The list of consortia; members are entered at the customer."""

    model_class = Consortium
    label, singular = "Consortia", "consortium"
    menu_group, icon, endpoint_name = "Subscriptions", "building-community", "consortia"
    permissions = {
        "view": Permission.CUSTOMERS_VIEW,
        "create": Permission.CUSTOMERS_EDIT,
        "edit": Permission.CUSTOMERS_EDIT,
        "delete": Permission.CUSTOMERS_EDIT,
        "export": Permission.EXPORT,
    }
    export_kind = "consortia"
    form_class = ConsortiumForm
    search_hint = "Name of a consortium"
    empty_hint = "Institutions that buy together; who is a member is entered at the customer."
    columns = (Column("name", "Name", sort="name", main=True), Column("note", "Note"))
    tabs = (history_tab("consortium"),)
    details_template = "subscriptions/consortium.html"

    def listing(self) -> Listing:
        """All consortia."""
        return CONSORTIA

    def sections(self, model: Consortium) -> list[Section]:
        """The consortium, and the way to its members."""
        count = count_members(db.session(), model.id)
        members = "No members yet" if not count else f"{count:,} member{'s' if count > 1 else ''}"
        url = address_of("perpetual.index_view", consortium=model.id)
        return [
            Section(
                "Consortium",
                [
                    ("Name", model.name),
                    ("Members", Link(members, url) if count and url else members),
                    ("Note", model.note),
                ],
            )
        ]

    def perform_create(self, session: Session, form: Any, actor: Actor) -> Consortium:
        """A new consortium."""
        return self._save(session, None, form, actor)

    def perform_update(self, session: Session, model: Any, form: Any, actor: Actor) -> None:
        """A consortium as the form says."""
        self._save(session, model, form, actor)

    def perform_delete(self, session: Session, ids: list[int], actor: Actor) -> None:
        """Those without members."""
        delete_consortia(session, ids, actor=actor)

    def may_take(self) -> bool:
        """Whether the file of what is held is offered to this person."""
        return may_take_holdings()

    @expose("/kbart/")
    @needs(Permission.SUBSCRIPTIONS_VIEW)
    def kbart_view(self) -> ResponseReturnValue:
        """What the members hold together as a KBART file."""
        return kbart_answer(self, consortium_file)

    def _save(self, session: Session, model: Any, form: Any, actor: Actor) -> Consortium:
        note = form.note.data or None
        return save_consortium(session, model, name=form.name.data, note=note, actor=actor)


def views() -> list[ConsortiaView]:
    """The views of this module."""
    return [ConsortiaView()]
