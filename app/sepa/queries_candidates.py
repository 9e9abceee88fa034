"""Reads what invoices are judged by: the open ones, their payers, mandates and addresses."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Row, Select, func, literal_column, select, tuple_, type_coerce
from sqlalchemy.orm import Session
from sqlalchemy.types import NULLTYPE

from app.billing.models import Invoice, InvoiceState
from app.core.among import one_of
from app.customers.choices import AddressKind, PaymentMethod
from app.customers.models import Address, Customer
from app.sepa.models import Collection, CollectionState, Mandate

# The rows of the invoices, of the mandates and of the addresses.
Evidence = tuple[list[tuple[Any, ...]], ...]

ORDER = (Invoice.due_on, Invoice.customer_id, Invoice.id)


def invoice_rows() -> Select[*tuple[Any, ...]]:
    """Invoices of those who pay by direct debit, with what of their payers matters."""
    return (
        select(
            Invoice.id, Invoice.number, Invoice.customer_id, Invoice.amount, Invoice.state,
            Invoice.issued_on, Invoice.due_on, Invoice.remittance_text,
            Customer.number.label("customer"), Customer.iban, Customer.deleted_at,
            Customer.collection_hold, Customer.collection_hold_until, Customer.notice_days,
        )
        .join(Customer, Customer.id == Invoice.customer_id)
        .where(Customer.payment_method == PaymentMethod.DIRECT_DEBIT.value)
    )  # fmt: skip


def due_rows(
    state: InvoiceState, day: date, after: tuple[date, int, int] | None, most: int
) -> Select[*tuple[Any, ...]]:
    """Some invoices in a state that are due by a day, after one of them in their order."""
    # The state is written out: only then do both databases see that a partial index serves.
    in_state = Invoice.state == literal_column(f"'{state}'")
    wanted = invoice_rows().where(in_state, Invoice.due_on <= day)
    if after is not None:
        wanted = wanted.where(tuple_(*ORDER) > after)
    return wanted.order_by(*ORDER).limit(most)


def count_due(session: Session, day: date, at_most: int) -> int:
    """How many invoices are due by a day, whoever pays them how; counted up to `at_most`."""
    found = 0
    for state in (InvoiceState.OPEN, InvoiceState.IN_COLLECTION):
        some = (
            select(Invoice.id)
            .where(Invoice.state == literal_column(f"'{state}'"), Invoice.due_on <= day)
            .limit(at_most)
        )
        found += session.scalar(select(func.count()).select_from(some.subquery())) or 0
    return min(found, at_most)


def mandates_of(session: Session, customer_ids: Sequence[int]) -> dict[int, list[Row[Any]]]:
    """The mandates of each customer, the newest first."""
    found: dict[int, list[Row[Any]]] = {}
    for row in session.execute(_mandates(customer_ids)):
        found.setdefault(row.customer_id, []).append(row)
    return found


def addresses_of(session: Session, customer_ids: Sequence[int]) -> dict[int, dict[str, str | None]]:
    """The default main address of each customer, as the bank is told it."""
    return {
        id_: {"street": street, "postcode": postcode, "place": place, "country": country}
        for id_, street, postcode, place, country in session.execute(_addresses(customer_ids))
    }


def evidence_of(
    session: Session, invoice_ids: Sequence[int], *, claiming: bool = False
) -> Evidence:
    """All that invoices are judged by, as the database keeps it: equal if nothing has changed.

    Versions are in it, so that what was changed and changed back is not equal. `claiming`: nobody
    changes the invoices until the transaction ends.
    """
    invoices = invoice_rows().where(one_of(Invoice.id, invoice_ids)).order_by(Invoice.id)
    invoices = invoices.add_columns(Invoice.version, Customer.version.label("payers"))
    if claiming:
        invoices = invoices.with_for_update(of=Invoice)
    rows = _as_kept(session, invoices)
    customer_ids = list(dict.fromkeys(row[2] for row in rows))
    mandates = _mandates(customer_ids).add_columns(Mandate.version)
    addresses = _addresses(customer_ids).order_by(Address.customer_id)
    return rows, _as_kept(session, mandates), _as_kept(session, addresses)


def _as_kept(session: Session, wanted: Select[*tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The rows without what makes days and amounts of them; that costs more than reading them."""
    bare = (type_coerce(one, NULLTYPE) for one in wanted.selected_columns)
    rows = session.connection().execute(wanted.with_only_columns(*bare, maintain_column_froms=True))
    return [tuple(row) for row in rows.all()]


def _mandates(customer_ids: Sequence[int]) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Mandate.id, Mandate.customer_id, Mandate.reference, Mandate.iban, Mandate.bic,
            Mandate.account_holder, Mandate.scheme, Mandate.type, Mandate.state,
            Mandate.signed_on, Mandate.last_collected_on, Mandate.original_reference,
            Mandate.original_iban, Mandate.iban_changed_at, Mandate.bank_registered_on,
        )
        .where(one_of(Mandate.customer_id, customer_ids))
        .order_by(Mandate.id.desc())
    )  # fmt: skip


def _addresses(customer_ids: Sequence[int]) -> Select[*tuple[Any, ...]]:
    return select(
        Address.customer_id, Address.street, Address.postcode, Address.place, Address.country
    ).where(
        one_of(Address.customer_id, customer_ids),
        Address.kind == AddressKind.MAIN.value,
        Address.is_default,
    )


def failed_attempts(session: Session, invoice_ids: Sequence[int]) -> dict[int, int]:
    """How often each invoice was collected already, and the bank refused or returned it."""
    ended = (CollectionState.REJECTED.value, CollectionState.RETURNED.value)
    rows = session.execute(
        select(Collection.invoice_id, func.count().label("failed"))
        .where(one_of(Collection.invoice_id, invoice_ids), Collection.state.in_(ended))
        .group_by(Collection.invoice_id)
    )
    return {row.invoice_id: row.failed for row in rows}
