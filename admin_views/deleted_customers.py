"""Deleted customers, and the way back for each: for administrators."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from admin_views.actions import Action
from admin_views.customer_columns import email_of
from admin_views.customer_record import kind_badge, phone
from admin_views.customers import CustomersView
from admin_views.formatters import Column
from app.core.actor import Actor
from app.core.listing import Listing
from app.core.permissions import Permission
from app.customers import operations, queries
from app.customers.models import Customer


def _restore(session: Session, ids: list[int], answers: Mapping[str, str], actor: Actor) -> str:
    for one in ids:
        operations.restore_customer(session, one, actor=actor)
    return "The customer was restored." if len(ids) == 1 else f"{len(ids)} customers were restored."


class DeletedCustomersView(CustomersView):
    """What was deleted, in all kinds; nothing here can be changed but by restoring it."""

    label, singular = "Deleted customers", "deleted customer"
    icon, endpoint_name = "trash", "deleted_customers"
    permissions = {"view": Permission.CUSTOMERS_RESTORE}
    export_kind = ""
    form_class = None
    empty_hint = "Deleted customers wait here until an administrator restores them."
    columns = (
        Column("kind", "Kind", lambda c: kind_badge(c.kind)),
        Column("number", "Number"),
        Column("name", "Name", lambda c: c.display_name, main=True),
        Column("email", "Email", email_of),
        Column("phone", "Mobile phone", lambda c: phone(c.mobile_phone)),
        Column("deleted_at", "Deleted", sort="deleted"),
    )
    actions = (
        Action(
            "restore", "Restore", Permission.CUSTOMERS_RESTORE, _restore, icon="restore",
            confirm="Restore {this customer|# customers}? They stand in all lists again.",
            places=frozenset({"bulk", "row", "record"}),
        ),
    )  # fmt: skip

    def listing(self) -> Listing:
        """Deleted customers of every kind, the latest first."""
        return queries.DELETED

    def scope(self) -> list[Any]:
        """Only deleted ones."""
        return [Customer.deleted_at.is_not(None)]

    def needed(self, name: str) -> frozenset[Permission]:
        """Everything here needs the permission to restore."""
        return frozenset({Permission.CUSTOMERS_RESTORE})

    def may(self, key: str) -> bool:
        """Nothing but looking and restoring."""
        return key == "view" and super().may(key)


def views() -> list[CustomersView]:
    """The views of this module."""
    return [DeletedCustomersView()]
