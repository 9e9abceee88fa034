"""Amends mandates: another account, reference or holder, of which the bank is told with the next
collection (sepa.md, "Mandate").

What stood there before is kept until the bank was told. The first original stays through a second
amendment, because that is what the bank knows; amended back to it, there is none.
"""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.audit.models import Action
from app.audit.rules import snapshot
from app.core import clock
from app.core.actor import Actor
from app.core.errors import Refused
from app.core.filters import begins_with
from app.core.permissions import Permission
from app.customers.models import Customer
from app.sepa.models import Mandate, MandateState
from app.sepa.operations_mandates import MandateDraft, bic_for, problems_of, tell_mandate

AMENDABLE = frozenset({MandateState.ACTIVE, MandateState.SUSPENDED})


@dataclass(frozen=True, slots=True)
class Amendment:
    """What a mandate says from now on."""

    iban: str
    account_holder: str
    reference: str
    bic: str | None = None


def amend_mandate(session: Session, mandate: Mandate, new: Amendment, *, actor: Actor) -> None:
    """Amend a mandate. Raises Refused with every problem, and for one that is no longer in force.

    A B2B mandate for another account waits anew for the registration at the debtor's bank.
    """
    actor.require(Permission.MANDATES_EDIT)
    if MandateState(mandate.state) not in AMENDABLE:
        raise Refused.because(
            f"A mandate that is {mandate.state} cannot be amended",
            hint="A draft is edited; for any other, make a new mandate",
        )
    draft = MandateDraft(
        reference=new.reference,
        customer_id=mandate.customer_id,
        iban=new.iban,
        account_holder=new.account_holder,
        bic=new.bic,
        scheme=mandate.scheme,
        type=mandate.type,
        signed_on=mandate.signed_on,
    )
    problems = problems_of(session, draft, mandate.id)
    if problems:
        raise Refused(problems)
    before = snapshot(mandate)
    if new.iban != mandate.iban:
        mandate.original_iban = _first(mandate.original_iban, mandate.iban, new.iban)
        mandate.iban_changed_at = clock.now()
        mandate.bank_registered_on = None
    if new.reference != mandate.reference:
        first = _first(mandate.original_reference, mandate.reference, new.reference)
        mandate.original_reference = first
    mandate.bic = bic_for(mandate, new.iban, new.bic)
    mandate.iban, mandate.reference = new.iban, new.reference
    mandate.account_holder = new.account_holder
    session.flush()
    tell_mandate(session, mandate, before, Action.AMENDED, actor)


def propose_reference(session: Session, customer: Customer) -> str:
    """A reference that no mandate has: the customer's number and the first free number."""
    begun = f"{customer.number}-".lower()
    key = func.lower(Mandate.reference)
    taken = set(session.scalars(select(key).where(begins_with(key, begun))))
    number = 1
    while f"{begun}{number}" in taken:
        number += 1
    return f"{customer.number}-{number}"


def _first(original: str | None, old: str, new: str) -> str | None:
    """What the bank knows, or None where that is what stands there again."""
    known = original or old
    return None if known == new else known
