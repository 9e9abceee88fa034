"""Which open invoices a run would collect, and which are left out and why."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from app.billing.models import Invoice, InvoiceState
from app.core.portions import portions
from app.customers.choices import AddressKind, PaymentMethod
from app.customers.collisions import record_address
from app.customers.models import Address, Customer
from app.sepa import rules
from app.sepa.characters import IllegalTextError, is_legal_id, legal_name
from app.sepa.models import CreditorAccount, Mandate, MandateState, MandateType
from app.sepa.rules import Exclusion, Policy


@dataclass(frozen=True, slots=True)
class Candidate:
    """An invoice that can be collected, with everything that the collection freezes."""

    invoice_id: int
    invoice: str
    customer_id: int
    customer: str
    customer_name: str
    amount: Decimal
    remittance_text: str
    mandate_id: int
    mandate_reference: str
    mandate_signed_on: date
    mandate_type: str
    sequence_type: str
    debtor_name: str
    iban: str
    bic: str | None
    original_reference: str | None
    original_iban: str | None
    address: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Excluded:
    """An invoice that is left out, why, and where that can be mended."""

    invoice_id: int
    invoice: str
    customer: str
    customer_name: str
    amount: Decimal
    reason: Exclusion
    link: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """All that a run for one account and date would take and leave."""

    candidates: list[Candidate]
    excluded: list[Excluded]

    @property
    def amount(self) -> Decimal:
        """The sum of what can be collected, in euros."""
        return sum((one.amount for one in self.candidates), Decimal("0.00"))

    def groups(self) -> list[tuple[str, int, Decimal]]:
        """Sequence type, number and sum of each payment block."""
        found: dict[str, list[Decimal]] = {}
        for one in self.candidates:
            found.setdefault(one.sequence_type, []).append(one.amount)
        return [(kind, len(sums), sum(sums, Decimal(0))) for kind, sums in sorted(found.items())]


def assess(
    session: Session, account: CreditorAccount, collection_date: date, policy: Policy
) -> Assessment:
    """Judge every invoice due by the collection date of customers who pay by direct debit."""
    rows = session.execute(_due(collection_date)).all()
    ids = list(dict.fromkeys(row.customer_id for row in rows))
    mandates = _mandates(session, ids)
    addresses = _addresses(session, ids)
    used_once: set[int] = set()
    result = Assessment([], [])
    for row in rows:
        mandate, reason = _choose(row, mandates.get(row.customer_id, []), account, collection_date)
        if reason is None:
            reason = _against(row, account, collection_date)
        if reason is None and mandate is not None:
            address = addresses.get(row.customer_id, {})
            reason = _against_mandate(mandate, collection_date, address)
            if mandate.type == MandateType.ONE_OFF and reason is None:
                reason = Exclusion.ONE_OFF_TAKEN if mandate.id in used_once else None
                used_once.add(mandate.id)
        if reason is not None or mandate is None:
            result.excluded.append(_excluded(row, reason or Exclusion.NO_MANDATE))
        else:
            result.candidates.append(_candidate(row, mandate, address, policy))
    return result


def _due(collection_date: date) -> Any:
    return (
        select(
            Invoice.id, Invoice.number, Invoice.customer_id, Invoice.amount, Invoice.state,
            Invoice.remittance_text, Customer.number.label("customer"), Customer.kind,
            Customer.first_name, Customer.name, Customer.company_name, Customer.iban,
            Customer.deleted_at, Customer.collection_hold, Customer.collection_hold_until,
        )
        .join(Customer, Customer.id == Invoice.customer_id)
        .where(
            Invoice.state.in_([InvoiceState.OPEN.value, InvoiceState.IN_COLLECTION.value]),
            Invoice.due_on <= collection_date,
            Customer.payment_method == PaymentMethod.DIRECT_DEBIT.value,
        )
        .order_by(Invoice.due_on, Invoice.id)
    )  # fmt: skip


def _mandates(session: Session, customer_ids: Sequence[int]) -> dict[int, list[Row[Any]]]:
    found: dict[int, list[Row[Any]]] = {}
    for some in portions(customer_ids, 5000):
        rows = session.execute(
            select(Mandate.__table__)
            .where(Mandate.customer_id.in_(some))
            .order_by(Mandate.id.desc())
        )
        for row in rows:
            found.setdefault(row.customer_id, []).append(row)
    return found


def _addresses(session: Session, customer_ids: Sequence[int]) -> dict[int, dict[str, str | None]]:
    """The default main address of each customer, as the bank is told it."""
    found: dict[int, dict[str, str | None]] = {}
    for some in portions(customer_ids, 5000):
        rows = session.execute(
            select(
                Address.customer_id, Address.street, Address.postcode, Address.place,
                Address.country,
            ).where(
                Address.customer_id.in_(some),
                Address.kind == AddressKind.MAIN.value,
                Address.is_default,
            )
        ).mappings()  # fmt: skip
        found |= {
            row["customer_id"]: {k: v for k, v in row.items() if k != "customer_id"} for row in rows
        }
    return found


def _choose(
    row: Row[Any], mandates: Iterable[Row[Any]], account: CreditorAccount, day: date
) -> tuple[Row[Any] | None, Exclusion | None]:
    """The newest mandate that fits, or why the one nearest to fitting does not."""
    nearest: tuple[int, Exclusion] = (0, Exclusion.NO_MANDATE)
    for mandate in mandates:
        if mandate.state == MandateState.EXPIRED:
            step = (2, Exclusion.MANDATE_EXPIRED)
        elif mandate.state != MandateState.ACTIVE:
            step = (1, Exclusion.MANDATE_NOT_ACTIVE)
        elif mandate.scheme != account.scheme:
            step = (3, Exclusion.MANDATE_OTHER_SCHEME)
        elif row.iban and mandate.iban != row.iban:
            step = (4, Exclusion.MANDATE_OTHER_IBAN)
        elif rules.is_expired(mandate.signed_on, mandate.last_collected_on, day):
            step = (5, Exclusion.MANDATE_EXPIRED)
        else:
            return mandate, None
        nearest = max(nearest, step, key=lambda one: one[0])
    return None, nearest[1]


def _against(row: Row[Any], account: CreditorAccount, day: date) -> Exclusion | None:
    if row.state != InvoiceState.OPEN:
        return Exclusion.ALREADY_IN_COLLECTION
    if row.deleted_at is not None:
        return Exclusion.CUSTOMER_DELETED
    held_until = row.collection_hold_until
    if row.collection_hold and (held_until is None or held_until >= day):
        return Exclusion.COLLECTION_HOLD
    if not rules.amount_fits(row.amount):
        return Exclusion.AMOUNT
    if row.amount > account.max_amount:
        return Exclusion.AMOUNT_OVER_FILE
    return None


def _against_mandate(
    mandate: Row[Any], day: date, address: Mapping[str, str | None]
) -> Exclusion | None:
    wrong = rules.iban_problem(mandate.iban)
    if wrong is not None:
        return wrong
    if mandate.iban[:2] in rules.COUNTRIES_NEEDING_ADDRESS:
        if not mandate.bic:
            return Exclusion.BIC_NEEDED
        if not (address.get("place") and address.get("country")):
            return Exclusion.ADDRESS_NEEDED
    if mandate.bic and not rules.is_valid_bic(mandate.bic):
        return Exclusion.BIC_INVALID
    if not is_legal_id(mandate.reference):
        return Exclusion.MANDATE_REFERENCE
    if mandate.signed_on > day:
        return Exclusion.MANDATE_NOT_SIGNED
    try:
        legal_name(mandate.account_holder)
    except IllegalTextError:
        return Exclusion.NAME_ILLEGAL
    return None


def _name(row: Row[Any]) -> str:
    if row.kind != "individual" and row.company_name:
        return str(row.company_name)
    return " ".join(part for part in (row.first_name, row.name) if part)


def _excluded(row: Row[Any], reason: Exclusion) -> Excluded:
    return Excluded(
        invoice_id=row.id,
        invoice=row.number,
        customer=row.customer,
        customer_name=_name(row),
        amount=row.amount,
        reason=reason,
        link=record_address(row.customer),
    )


def _candidate(
    row: Row[Any], mandate: Row[Any], address: Mapping[str, str | None], policy: Policy
) -> Candidate:
    complete = bool(address.get("place") and address.get("country"))
    sequence = rules.sequence_type(
        mandate.type, mandate.last_collected_on, first_as_recurrent=policy.first_as_recurrent
    )
    return Candidate(
        invoice_id=row.id,
        invoice=row.number,
        customer_id=row.customer_id,
        customer=row.customer,
        customer_name=_name(row),
        amount=row.amount,
        remittance_text=row.remittance_text or f"Invoice {row.number}",
        mandate_id=mandate.id,
        mandate_reference=mandate.reference,
        mandate_signed_on=mandate.signed_on,
        mandate_type=mandate.type,
        sequence_type=sequence.value,
        debtor_name=mandate.account_holder,
        iban=mandate.iban,
        bic=mandate.bic,
        original_reference=mandate.original_reference,
        original_iban=mandate.original_iban,
        address=address if complete else {},
    )
