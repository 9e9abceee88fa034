"""Judges open invoices: what a run would collect, and what is left out and why.

Invoices are judged in portions, so that a million of them need no more memory than a thousand.
"""

from collections.abc import Collection as Many
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zlib import crc32

from sqlalchemy import Row
from sqlalchemy.orm import Session

from app.billing.models import Invoice, InvoiceState
from app.core import clock
from app.core.among import one_of
from app.sepa import rules
from app.sepa.characters import IllegalTextError, is_legal_id, legal_name
from app.sepa.models import CreditorAccount, MandateState, MandateType, Scheme
from app.sepa.queries_candidates import (
    ORDER,
    addresses_of,
    due_rows,
    failed_attempts,
    invoice_rows,
    mandates_of,
)
from app.sepa.rules import Caution, Exclusion, Policy

AT_ONCE = 1000


class Candidate(NamedTuple):
    """An invoice that can be collected, with everything that the collection freezes.

    `attempt` is 2 where it was collected once and the bank refused or returned it. `mark` is a
    number of 32 bits that is another one once anything that the bank is told is.
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
    mark: int


class Excluded(NamedTuple):
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
                rows = self._read(due_rows(state, self._day, last, AT_ONCE))
                if rows and state == InvoiceState.OPEN:
                    yield self._judge(rows)
                elif rows:
                    yield [_excluded(row, Exclusion.ALREADY_IN_COLLECTION, None) for row in rows]
                if len(rows) < AT_ONCE:
                    break
                last = (rows[-1].due_on, rows[-1].customer_id, rows[-1].id)

    def again(self, invoice_ids: Many[int]) -> dict[int, Verdict]:
        """Those of these invoices that are still due, as they are to be judged now."""
        wanted = invoice_rows().where(
            one_of(Invoice.id, list(invoice_ids)), Invoice.due_on <= self._day
        )  # fmt: skip
        rows = self._read(wanted.order_by(*ORDER))
        states = (InvoiceState.OPEN, InvoiceState.IN_COLLECTION)
        return {
            one.invoice_id: one for one in self._judge([row for row in rows if row.state in states])
        }

    def _read(self, wanted: Any) -> Sequence[Row[Any]]:
        wanted = wanted.with_for_update(of=Invoice) if self._claiming else wanted
        return self._session.execute(wanted).all()

    def _judge(self, rows: Sequence[Row[Any]]) -> list[Verdict]:
        customers = list(dict.fromkeys(row.customer_id for row in rows))
        mandates = mandates_of(self._session, customers)
        addresses = addresses_of(self._session, customers)
        failed = failed_attempts(self._session, [row.id for row in rows])
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
        address = address if complete else {}
        remittance_text = row.remittance_text or f"Invoice {row.number}"
        told = (
            row.id, row.amount, mandate.id, mandate.reference, mandate.signed_on, sequence.value,
            mandate.account_holder, mandate.iban, mandate.bic, mandate.original_reference,
            mandate.original_iban, remittance_text, *address.values(),
        )  # fmt: skip
        return Candidate(
            invoice_id=row.id,
            invoice=row.number,
            customer_id=row.customer_id,
            customer=row.customer,
            amount=row.amount,
            remittance_text=remittance_text,
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
            address=address,
            attempt=attempt,
            cautions=_cautions(mandate, self._changed_since),
            mark=crc32(repr(told).encode()),
        )


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
