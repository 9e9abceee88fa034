"""Journal authorizations: where merged rights come from. Entered and changed at the customer."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import joinedload

from admin_views.base import KontorView
from admin_views.formatters import Column
from admin_views.history import history_tab
from admin_views.records import Section
from admin_views.rights import (
    coverage_in_words,
    customer_link,
    journal_in_words,
    journal_link,
    subscription_links,
)
from app.audit.queries import About
from app.core.listing import Listing
from app.core.permissions import Permission
from app.customers.models import Customer
from app.subscriptions.models import Authorization
from app.subscriptions.queries import AUTHORIZATIONS


def _told_of(row: Authorization) -> About:
    """Its own history only: on SQLite an earlier authorization may have borne its number."""
    return About("journal authorization", row.id, since=row.created_at)


class AuthorizationsView(KontorView):
    """The rights as they were given, before the merge."""

    model_class = Authorization
    label, singular = "Journal authorizations", "journal authorization"
    menu_group, icon, endpoint_name = "Subscriptions", "key", "authorizations"
    permissions = {"view": Permission.SUBSCRIPTIONS_VIEW, "export": Permission.EXPORT}
    export_kind = "authorizations"
    search_hint = "ISSN, words of a title, customer number or name"
    empty_hint = "They are added on the form of a perpetual customer, or imported with customers."
    columns = (
        Column("customer", "Customer", lambda row: row.customer.display_name),
        Column("journal", "Journal", journal_in_words, main=True),
        Column("basis", "Basis", filter="basis"),
        Column("coverage", "Coverage", coverage_in_words),
        Column("embargo", "Embargo"),
        Column("note", "Note"),
    )
    tabs = (history_tab("journal authorization", _told_of),)

    def listing(self) -> Listing:
        """Those of live customers."""
        return AUTHORIZATIONS

    def record_options(self) -> Sequence[Any]:
        """The record names customer and journal."""
        return (joinedload(Authorization.customer), joinedload(Authorization.journal))

    def scope(self) -> list[ColumnElement[bool]]:
        """Those of live customers."""
        return [Authorization.customer.has(Customer.deleted_at.is_(None))]

    def headline(self, model: Authorization) -> str:
        """The journal."""
        return model.journal.title

    def subtitle(self, model: Authorization) -> str:
        """The customer."""
        return f"{model.customer.display_name} · {model.customer.number}"

    def sections(self, model: Authorization) -> list[Section]:
        """What was given, and what it was merged into."""
        return [
            Section(
                "Authorization",
                [
                    ("Customer", customer_link(model.customer)),
                    ("Journal", journal_link(model.journal)),
                    ("Basis", model.basis),
                    ("Coverage", coverage_in_words(model)),
                    ("Embargo", model.embargo),
                    ("Note", model.note),
                    ("Given", model.created_at),
                ],
            ),
            Section("Merged into", [("Subscriptions", subscription_links(model))]),
        ]


def views() -> list[AuthorizationsView]:
    """The views of this module."""
    return [AuthorizationsView()]
