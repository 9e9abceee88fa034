"""Approvals: new shop customers of groups with approval, waiting for somebody's decision."""

from dataclasses import replace
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import joinedload

from admin_views.base import KontorView
from admin_views.customer_account import ACCOUNT_TAB, APPROVE, MAIL, REJECT, approval_badge
from admin_views.customer_columns import COLUMNS, created_on, email_of
from admin_views.customer_record import RECORDS, kind_badge
from admin_views.formatters import Column
from admin_views.records import register_badges, register_tab
from admin_views.timeline import register_timeline
from app.core.listing import Listing
from app.core.permissions import Permission
from app.customers import queries
from app.customers.models import Customer

EVERYWHERE = frozenset({"bulk", "row"})


class ApprovalsView(KontorView):
    """Who waits; a click opens the customer's record."""

    model_class = Customer
    label, singular = "Approvals", "waiting customer"
    menu_group, icon, endpoint_name = "Customers", "user-check", "approvals"
    permissions = {"view": Permission.CUSTOMERS_EDIT, "export": Permission.EXPORT}
    export_kind = "approvals"
    search_hint = "Name, email, phone or number"
    empty_hint = (
        "New shop customers of a group with approval wait here until somebody approves them."
    )
    columns = (
        replace(COLUMNS[0], filter=""),
        Column("name", "Name", lambda c: c.display_name, main=True),
        Column("email", "Email", email_of),
        Column("group", "Group", lambda c: c.group and c.group.name),
        Column("created_at", "Created", created_on),
    )
    # The two decisions take the room; who wants to see the kind can choose it.
    more_columns = (Column("kind", "Kind", lambda c: kind_badge(c.kind)),)
    # Both decisions in words at each row; the red of the other lists' Delete would hide one.
    actions = (
        replace(APPROVE, places=EVERYWHERE),
        replace(REJECT, places=EVERYWHERE, danger=False),
    )

    def listing(self) -> Listing:
        """Live customers that wait, the longest known first."""
        return queries.WAITING

    def record_url(self, row: Customer) -> str:
        """The record stands with its kind."""
        return str(self.get_url(f"{row.kind}.details_view", id=row.id, tab="account"))

    def record_options(self) -> Any:
        """With the group."""
        return (joinedload(Customer.group),)

    def counted_in_menu(self) -> Select[Any]:
        """Who waits."""
        return queries.WAITING.statement


def views() -> list[KontorView]:
    """The views of this module; records of customers get their tab and badge."""
    register_tab(RECORDS, ACCOUNT_TAB)
    register_badges(RECORDS, approval_badge)
    register_timeline(RECORDS, MAIL)
    return [ApprovalsView()]
