"""Judges open invoices: what a run would collect, and what is left out and why.

Invoices are judged in portions, so that a million of them need no more memory than a thousand.
"""

from collections.abc import Collection as Many
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zlib import crc32

from sqlalchemy import Row, func, literal_column, select, tuple_
from sqlalchemy.orm import Session

from app.billing.models import Invoice, InvoiceState
from app.core import clock
from app.core.among import one_of
from app.customers.choices import AddressKind, PaymentMethod
from app.customers.models import Address, Customer
from app.sepa import rules
from app.sepa.characters import IllegalTextError, is_legal_id, legal_name
from app.sepa.models import (
    Collection,
    CollectionState,
    CreditorAccount,
    Mandate,
    MandateState,
    MandateType,
    Scheme,
)
from app.sepa.rules import Caution, Exclusion, Policy

AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Candidate:
    """An invoice that can be collected, with everything that the collection freezes.

    `attempt` is 2 where it was collected once and the bank refused or returned it.
    """

    invoice_id: int
    invoice: str
    customer_id: int
    customer: str
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
    attempt: int
    cautions: Sequence[Caution]

    @property
    def mark(self) -> int:
        """A number of 32 bits that is another one once anything that the bank is told is."""
        told = (
            self.invoice_id, self.amount, self.mandate_id, self.mandate_reference,
            self.mandate_signed_on, self.sequence_type, self.debtor_name, self.iban, self.bic,
            self.original_reference, self.original_iban, self.remittance_text,
            *self.address.values(),
        )  # fmt: skip
        return crc32(repr(told).encode())


@dataclass(frozen=True, slots=True)
class Excluded:
    """An invoice that is left out, why, and the mandate that comes nearest to serving."""

    invoice_id: int
    invoice: str
    customer_id: int
    customer: str
    amount: Decimal
    reason: Exclusion
    mandate_id: int | None


Verdict = Candidate | Excluded


class Judge:
    """Judges invoices for one account and day, and remembers which one-off mandates are taken.

    `claiming`: what it reads is to be collected now, so nobody changes those invoices until the
    transaction ends; a sum that was corrected meanwhile would be collected as it had been.
    """

    def __init__(
        self,
        session: Session,
        account: CreditorAccount,
        collection_date: date,
        policy: Policy,
        *,
        claiming: bool = False,
    ) -> None:
        self._session, self._claiming = session, claiming
        self._scheme, self._max_amount = account.scheme, account.max_amount
        self._day, self._policy = collection_date, policy
        self._today = clock.today(policy.zone)
        self._changed_since = clock.now() - timedelta(days=policy.iban_change_days)
        self._used_once: set[int] = set()

    def portions(self) -> Iterator[list[Verdict]]:
        """Every invoice due by the day of customers who pay by direct debit, some at a time.

        Each portion is read by itself, so that nothing is held between two, and whoever claims
        invoices on the way does not meet them again as claimed ones: these come first.
        """
        for state in (InvoiceState.IN_COLLECTION, InvoiceState.OPEN):
            last = None
            while True:
                rows = self._read(_due(state, self._day, last))
                if rows and state == InvoiceState.OPEN:
                    yield self._judge(rows)
                elif rows:
                    yield [_excluded(row, Exclusion.ALREADY_IN_COLLECTION, None) for row in rows]
                if len(rows) < AT_ONCE:
                    break
                last = (rows[-1].due_on, rows[-1].customer_id, rows[-1].id)

    def again(self, invoice_ids: Many[int]) -> dict[int, Verdict]:
        """Those of these invoices that are still due, as they are to be judged now."""
        wanted = _rows().where(
            one_of(Invoice.id, list(invoice_ids)), Invoice.due_on <= self._day
        )  # fmt: skip
        rows = self._read(wanted.order_by(*_ORDER))
        states = (InvoiceState.OPEN, InvoiceState.IN_COLLECTION)
        return {
            one.invoice_id: one for one in self._judge([row for row in rows if row.state in states])
        }

    def _read(self, wanted: Any) -> Sequence[Row[Any]]:
        wanted = wanted.with_for_update(of=Invoice) if self._claiming else wanted
        return self._session.execute(wanted).all()

    def _judge(self, rows: Sequence[Row[Any]]) -> list[Verdict]:
        customers = list(dict.fromkeys(row.customer_id for row in rows))
        mandates = _mandates(self._session, customers)
        addresses = _addresses(self._session, customers)
        failed = _failed_attempts(self._session, [row.id for row in rows])
        return [
            self._one(
                row,
                mandates.get(row.customer_id, []),
                addresses.get(row.customer_id, {}),
                failed.get(row.id, 0) + 1,
            )
            for row in rows
        ]

    def _one(
        self,
        row: Row[Any],
        mandates: Sequence[Row[Any]],
        address: Mapping[str, str | None],
        attempt: int,
    ) -> Verdict:
        if row.state != InvoiceState.OPEN:
            return _excluded(row, Exclusion.ALREADY_IN_COLLECTION, None)
        mandate, reason = self._choose(row, mandates)
        reason = (
            reason
            or self._against(row)
            or self._against_mandate(mandate, address)
            or self._against_day(row, mandate)
        )
        if reason is not None or mandate is None:
            return _excluded(row, reason or Exclusion.NO_MANDATE, mandate)
        return self._candidate(row, mandate, address, attempt)

    def _choose(
        self, row: Row[Any], mandates: Iterable[Row[Any]]
    ) -> tuple[Row[Any] | None, Exclusion | None]:
        """The newest mandate that fits; else the one nearest to fitting, and why it does not."""
        nearest: Row[Any] | None = None
        least, why = 0, Exclusion.NO_MANDATE
        for mandate in mandates:
            if mandate.state == MandateState.EXPIRED:
                step, reason = 2, Exclusion.MANDATE_EXPIRED
            elif mandate.state != MandateState.ACTIVE:
                # What can become active again is nearer than what has ended for good.
                ended = mandate.state in (MandateState.CANCELLED, MandateState.USED)
                step, reason = (1 if ended else 3), Exclusion.MANDATE_NOT_ACTIVE
            elif mandate.scheme != self._scheme:
                step, reason = 4, Exclusion.MANDATE_OTHER_SCHEME
            elif row.iban and mandate.iban != row.iban:
                step, reason = 5, Exclusion.MANDATE_OTHER_IBAN
            elif rules.is_expired(mandate.signed_on, mandate.last_collected_on, self._day):
                step, reason = 6, Exclusion.MANDATE_EXPIRED
            else:
                return mandate, None
            if step > least:
                nearest, least, why = mandate, step, reason
        return nearest, why

    def _against(self, row: Row[Any]) -> Exclusion | None:
        if row.deleted_at is not None:
            return Exclusion.CUSTOMER_DELETED
        held_until = row.collection_hold_until
        if row.collection_hold and (held_until is None or held_until >= self._day):
            return Exclusion.COLLECTION_HOLD
        if not rules.amount_fits(row.amount):
            return Exclusion.AMOUNT
        if row.amount > self._max_amount:
            return Exclusion.AMOUNT_OVER_FILE
        return None

    def _against_mandate(self, mandate: Any, address: Mapping[str, str | None]) -> Exclusion | None:
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
        try:
            legal_name(mandate.account_holder)
        except IllegalTextError:
            return Exclusion.NAME_ILLEGAL
        return None

    def _against_day(self, row: Row[Any], mandate: Any) -> Exclusion | None:
        if mandate.signed_on > self._day:
            return Exclusion.MANDATE_NOT_SIGNED
        noticed = rules.noticed_by(row.issued_on, self._today, row.notice_days, self._policy)
        if noticed > self._day:
            return Exclusion.NOTICE_TOO_SHORT
        if mandate.type == MandateType.ONE_OFF:
            if mandate.id in self._used_once:
                return Exclusion.ONE_OFF_TAKEN
            self._used_once.add(mandate.id)
        return None

    def _candidate(
        self, row: Row[Any], mandate: Any, address: Mapping[str, str | None], attempt: int
    ) -> Candidate:
        complete = bool(address.get("place") and address.get("country"))
        sequence = rules.sequence_type(
            mandate.type,
            mandate.last_collected_on,
            first_as_recurrent=self._policy.first_as_recurrent,
        )
        return Candidate(
            invoice_id=row.id,
            invoice=row.number,
            customer_id=row.customer_id,
            customer=row.customer,
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
            attempt=attempt,
            cautions=_cautions(mandate, self._changed_since),
        )


_ORDER = (Invoice.due_on, Invoice.customer_id, Invoice.id)


def _rows() -> Any:
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


def _due(state: InvoiceState, day: date, after: tuple[date, int, int] | None) -> Any:
    # The state is written out: only then do both databases see that a partial index serves.
    wanted = _rows().where(Invoice.state == literal_column(f"'{state}'"), Invoice.due_on <= day)
    if after is not None:
        wanted = wanted.where(tuple_(*_ORDER) > after)
    return wanted.order_by(*_ORDER).limit(AT_ONCE)


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


def _mandates(session: Session, customer_ids: list[int]) -> dict[int, list[Any]]:
    """The mandates of each customer, the newest first."""
    found: dict[int, list[Any]] = {}
    rows = session.execute(
        select(
            Mandate.id, Mandate.customer_id, Mandate.reference, Mandate.iban, Mandate.bic,
            Mandate.account_holder, Mandate.scheme, Mandate.type, Mandate.state,
            Mandate.signed_on, Mandate.last_collected_on, Mandate.original_reference,
            Mandate.original_iban, Mandate.iban_changed_at, Mandate.bank_registered_on,
        )
        .where(one_of(Mandate.customer_id, customer_ids))
        .order_by(Mandate.id.desc())
    )  # fmt: skip
    for row in rows:
        found.setdefault(row.customer_id, []).append(row)
    return found


def _addresses(session: Session, customer_ids: list[int]) -> dict[int, dict[str, str | None]]:
    """The default main address of each customer, as the bank is told it."""
    rows = session.execute(
        select(
            Address.customer_id, Address.street, Address.postcode, Address.place, Address.country
        ).where(
            one_of(Address.customer_id, customer_ids),
            Address.kind == AddressKind.MAIN.value,
            Address.is_default,
        )
    )
    return {
        id_: {"street": street, "postcode": postcode, "place": place, "country": country}
        for id_, street, postcode, place, country in rows
    }


def _failed_attempts(session: Session, invoice_ids: list[int]) -> dict[int, int]:
    """How often each invoice was collected already, and the bank refused or returned it."""
    ended = (CollectionState.REJECTED.value, CollectionState.RETURNED.value)
    rows = session.execute(
        select(Collection.invoice_id, func.count().label("failed"))
        .where(one_of(Collection.invoice_id, invoice_ids), Collection.state.in_(ended))
        .group_by(Collection.invoice_id)
    )
    return {row.invoice_id: row.failed for row in rows}


def _cautions(mandate: Any, changed_since: datetime) -> tuple[Caution, ...]:
    changed = mandate.iban_changed_at is not None and mandate.iban_changed_at > changed_since
    unknown = mandate.scheme == Scheme.B2B and mandate.bank_registered_on is None
    if not (changed or unknown):
        return ()
    return ((Caution.IBAN_CHANGED,) if changed else ()) + (
        (Caution.NOT_REGISTERED,) if unknown else ()
    )


def _excluded(row: Row[Any], reason: Exclusion, mandate: Row[Any] | None) -> Excluded:
    return Excluded(
        invoice_id=row.id,
        invoice=row.number,
        customer_id=row.customer_id,
        customer=row.customer,
        amount=row.amount,
        reason=reason,
        mandate_id=None if mandate is None else mandate.id,
    )
