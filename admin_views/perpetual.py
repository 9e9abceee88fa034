"""Perpetual customers: institutions with rights to journals that do not end, and their files."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy.orm import Session

from admin_views.access import needs
from admin_views.authorization_rows import authorization_data, authorization_drafts
from admin_views.base import KontorView
from admin_views.customer_forms import PerpetualForm
from admin_views.customers import CustomersView
from admin_views.filters import Request
from admin_views.grants import grant_bar
from admin_views.holdings import (
    customer_file,
    kbart_answer,
    may_take_holdings,
    statement_answer,
)
from admin_views.institution_fields import (
    institution_data,
    institution_draft,
    institution_sections,
)
from admin_views.mass_changes import MassBar
from admin_views.records import Section
from app.core.actor import Actor
from app.core.paging import Page
from app.core.permissions import Permission
from app.customers.choices import CustomerKind
from app.customers.models import Customer
from app.extensions import db
from app.institutions.operations import save_institution
from app.jobs.grants import Side
from app.subscriptions.authorizations import replace_authorizations


class PerpetualView(CustomersView):
    """Institutions with perpetual rights to journals."""

    kind = CustomerKind.PERPETUAL
    label, singular = "Perpetual customers", "perpetual customer"
    icon, endpoint_name = "building-bank", "perpetual"
    export_kind = mass_list = "perpetual"
    empty_hint = "Add the first institution with its journal authorizations, or import many."
    form_class = PerpetualForm
    details_template = "customers/perpetual.html"

    def form_data(self, model: Customer) -> Mapping[str, Any]:
        """With the journal authorizations."""
        rights = authorization_data(db.session(), model.id)
        library = institution_data(db.session(), model.id)
        return {**super().form_data(model), "authorizations": rights, **library}

    def sections(self, model: Customer) -> list[Section]:
        """With what is kept of the library."""
        first, *rest = super().sections(model)
        return [first, *institution_sections(db.session(), model.id), *rest]

    def save_rights(self, session: Session, form: Any, customer_id: int, actor: Actor) -> None:
        """Details and authorizations; what these merge into follows in the same transaction."""
        if "ip_ranges" in form:
            save_institution(session, customer_id, institution_draft(form), actor=actor)
        if "authorizations" in form:
            drafts = authorization_drafts(form.authorizations, customer_id)
            replace_authorizations(session, customer_id, drafts, actor=actor)

    def mass_bar(self, page: Page, asked: Request) -> MassBar | None:
        """The changes of all customers, and rights for many."""
        bar, grants = super().mass_bar(page, asked), grant_bar(Side.CUSTOMERS, page, asked)
        if bar is None or grants is None:
            return bar or grants
        return replace(bar, offers=[*bar.offers, *grants.offers])

    def may_take(self) -> bool:
        """Whether the files of what is held are offered to this person."""
        return may_take_holdings()

    @expose("/kbart/")
    @needs(Permission.SUBSCRIPTIONS_VIEW)
    def kbart_view(self) -> ResponseReturnValue:
        """What the customer holds today as a KBART file."""
        return kbart_answer(self, customer_file)

    @expose("/statement/", methods=("POST",))
    @needs(Permission.SUBSCRIPTIONS_VIEW)
    def statement_view(self) -> ResponseReturnValue:
        """The rights statement."""
        return statement_answer(self)


def views() -> list[KontorView]:
    """The views of this module."""
    return [PerpetualView()]
