"""The history of one record as it leaves: one line for each changed field, like the History tab."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.audit.queries import FILTERS, line_count
from app.audit.rules import old_and_new, words
from app.audit.visibility import hidden_from
from app.core import filters
from app.core.actor import Actor
from app.core.counts import exact_count
from app.core.errors import Refused
from app.core.filters import Condition, Filter, Kind
from app.core.listing import Criteria, Listing
from app.core.permissions import Permission
from app.customers.models import Customer
from app.customers.rules import FIELD_LABELS
from app.transfer.columns.base import Form
from app.transfer.columns.lists import told
from app.transfer.exports.streams import stream

COLUMNS: Final = (
    told("When", "at", Form.MOMENT, 24),
    told("Who", "actor_label", width=30),
    told("Way in", "channel", width=14),
    told("Action", "action", width=16),
    told("Record", "record", width=36),
    told("Field", "field", width=26),
    told("Old", "old", width=34),
    told("New", "new", width=34),
    told("Reason", "reason", width=34),
)
# Whose history may leave, and who must be allowed to see such records.
ENTITIES: Final[Mapping[str, Permission]] = {
    "customer": Permission.CUSTOMERS_VIEW,
    "invoice": Permission.INVOICES_VIEW,
    "mandate": Permission.MANDATES_VIEW,
    "creditor account": Permission.CREDITOR_ACCOUNTS_VIEW,
    "collection run": Permission.DIRECT_DEBIT_VIEW,
    "bank report": Permission.BANK_REPORTS_VIEW,
    "journal": Permission.CATALOGUE_VIEW,
    "product": Permission.CATALOGUE_VIEW,
    "store": Permission.STORES_MANAGE,
    "group": Permission.GROUPS_MANAGE,
    "price level": Permission.SETTINGS_MANAGE,
    "security question": Permission.SETTINGS_MANAGE,
    "operator": Permission.OPERATORS_MANAGE,
    "role": Permission.ROLES_MANAGE,
}


def list_name(entity: str) -> str:
    """The name of the list that holds the histories of such records."""
    return "history_" + entity.replace(" ", "_")


@dataclass(frozen=True, slots=True)
class OneRecord(Listing):
    """A history that is always that of one record: `whose` is the filter that names it."""

    whose: str = ""

    def where(self, criteria: Criteria) -> Select[Any]:
        """The entries asked for. Raises Refused where no record is named."""
        if not criteria.filters.get(self.whose):
            raise Refused.because(
                f"Whose history is meant: {self.whose} is missing", field=self.whose
            )
        # By name: a class with slots is made anew, and a bare super() would not find it.
        return Listing.where(self, criteria)


def listing_of(entity: str) -> Listing:
    """The entries of one record of this kind; of a customer, everything that belongs to it."""
    if entity == "customer":
        whose = Filter("customer", "Customer", Kind.TEXT, _of_customer)
        statement = select(AuditEntry).where(AuditEntry.customer_id.is_not(None))
    else:
        whose = filters.choice(
            "record", entity.capitalize(), AuditEntry.entity_id, (), coerce=filters.identifier
        )
        statement = select(AuditEntry).where(AuditEntry.entity == entity)
    return OneRecord(
        statement,
        filters=(whose, *FILTERS),
        sorts={"number": ()},
        default_sort="-number",
        whose=whose.name,
    )


def narrowed(listing: Listing, actor: Actor) -> Listing:
    """Without the entries that this person must not read."""
    hidden = hidden_from(actor)
    if not hidden:
        return listing
    return replace(listing, statement=listing.statement.where(AuditEntry.entity.not_in(hidden)))


def history_rows(session: Session, listing: Listing, criteria: Criteria) -> Iterator[Any]:
    """One row for each changed field; only the field asked for, where one is."""
    statement = (
        listing.where(criteria)
        .with_only_columns(
            AuditEntry.at, AuditEntry.actor_label, AuditEntry.channel, AuditEntry.action,
            AuditEntry.entity, AuditEntry.entity_label, AuditEntry.changes, AuditEntry.reason,
        )
        .order_by(*listing.order(criteria))
    )  # fmt: skip
    wanted = criteria.filters.get("field")
    for entry in stream(session, statement):
        at, who, channel, action, entity, label, changes, reason = entry
        record = f"{entity.capitalize()} {label}".strip()
        head = (at, who, channel, action.capitalize(), record)
        fields = {wanted: changes[wanted]} if wanted else changes or {}
        for name, change in fields.items():
            old, new = old_and_new(change)
            shown = FIELD_LABELS.get(name, words(name)) if entity == "customer" else words(name)
            yield (*head, shown, _text(old), _text(new), reason)
        if not fields:
            yield (*head, None, None, None, reason)


def count_lines(session: Session, listing: Listing, criteria: Criteria) -> int:
    """How many rows that gives."""
    wanted = listing.where(criteria)
    if criteria.filters.get("field"):
        return exact_count(session, wanted)
    lines = wanted.with_only_columns(line_count().label("lines")).subquery()
    return session.scalar(select(func.coalesce(func.sum(lines.c.lines), 0))) or 0


def _of_customer(number: str) -> Condition:
    """Of the live customer of this number; what belongs to a deleted one stays here."""
    live = select(Customer.id).where(Customer.number == number, Customer.deleted_at.is_(None))
    return AuditEntry.customer_id == live.scalar_subquery()


def _text(value: Any) -> str | None:
    if value is None or value == "" or value == []:
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "; ".join(_text(one) or "" for one in value)
    return str(value)
