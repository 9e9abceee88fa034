"""Every state change of mandates. Drafts come in bulk; one in use is never edited in place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from sqlalchemy import Table, exists, func, select
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.models import Action
from app.audit.rules import diff, snapshot, told_as_new
from app.core import clock, undo
from app.core.actor import Actor, Channel
from app.core.among import one_of
from app.core.bulk import insert_rows
from app.core.errors import Problem, Refused
from app.core.permissions import Permission
from app.core.portions import portions
from app.core.values import ValueProblem, bank_of, parse_bic, parse_iban
from app.customers.iban_notices import IbanChange, tell_iban_changes
from app.customers.models import Customer
from app.sepa.characters import MAX_ID, is_legal_id
from app.sepa.models import (
    Collection,
    CollectionState,
    Mandate,
    MandateState,
    MandateType,
    Scheme,
)
from app.sepa.rules import MANDATE_STATES, iban_problem, is_expired

MANDATES = cast(Table, Mandate.__table__)
LONGEST_REASON = 200
# What a person may still do with a mandate that is over: nothing.
LIVING = frozenset({MandateState.DRAFT, MandateState.ACTIVE, MandateState.SUSPENDED})


@dataclass(frozen=True, slots=True)
class MandateDraft:
    """A mandate to be made: active where a signing date is given, else a draft."""

    reference: str
    customer_id: int
    iban: str
    account_holder: str
    bic: str | None = None
    scheme: str = Scheme.CORE.value
    type: str = MandateType.RECURRENT.value
    signed_on: date | None = None
    bank_registered_on: date | None = None


def create_mandates(session: Session, drafts: Sequence[MandateDraft], *, actor: Actor) -> list[int]:
    """Make mandates; their ids in the order of the drafts. Raises Refused with every problem."""
    # Operations import customers with their mandates; the import's own permission covers them.
    actor.require(
        Permission.CUSTOMERS_IMPORT if actor.channel is Channel.IMPORT else Permission.MANDATES_EDIT
    )
    if not drafts:
        return []
    problems = [problem for draft in drafts for problem in _problems(draft)]
    problems += _taken(session, drafts)
    problems += _without_customer(session, drafts)
    if problems:
        raise Refused(problems)
    now = clock.now()
    rows: list[dict[str, Any]] = [
        {
            "reference": draft.reference,
            "customer_id": draft.customer_id,
            "iban": draft.iban,
            "bic": draft.bic or bank_of(draft.iban)[0],
            "account_holder": draft.account_holder,
            "scheme": draft.scheme,
            "type": draft.type,
            "state": (MandateState.ACTIVE if draft.signed_on else MandateState.DRAFT).value,
            "signed_on": draft.signed_on,
            "bank_registered_on": draft.bank_registered_on,
            "created_at": now,
            "version": 1,
        }
        for draft in drafts
    ]
    ids = insert_rows(session, MANDATES, rows)
    undo.note_inserted(
        session,
        MANDATES,
        [(id_,) for id_ in ids],
        # A customer and the mandate that an import brought along are taken back as one.
        units=[f"{Customer.__tablename__}:{row['customer_id']}" for row in rows],
    )
    audit.record_many(
        session,
        [
            audit.entry(
                actor=actor, action=Action.CREATED, entity="mandate", entity_id=id_,
                entity_label=row["reference"], customer_id=row["customer_id"],
                changes={name: change for name, change in told.items() if name != "customer_id"},
                at=now,
            )
            for id_, row, told in zip(ids, rows, told_as_new(Mandate, rows), strict=True)
        ],
    )  # fmt: skip
    return ids


def update_mandate(
    session: Session, mandate: Mandate, draft: MandateDraft, *, actor: Actor
) -> None:
    """Change a mandate that no collection has used yet. Raises Refused otherwise."""
    actor.require(Permission.MANDATES_EDIT)
    if MandateState(mandate.state) not in {MandateState.DRAFT, MandateState.ACTIVE}:
        raise Refused.because(f"A mandate that is {mandate.state} cannot be changed")
    if is_used(session, mandate):
        raise Refused.because(
            "This mandate was used in a collection and cannot be changed",
            hint="Amend it where account or reference are new; for another scheme, make a new one",
        )
    if draft.customer_id != mandate.customer_id:
        raise Refused.because("A mandate stays with its customer", field="customer_id")
    problems = problems_of(session, draft, mandate.id)
    if problems:
        raise Refused(problems)
    before = snapshot(mandate)
    mandate.bic = bic_for(mandate, draft.iban, draft.bic)
    if draft.iban != mandate.iban:
        mandate.iban_changed_at = clock.now()
    mandate.reference, mandate.iban = draft.reference, draft.iban
    mandate.bank_registered_on = draft.bank_registered_on
    mandate.account_holder, mandate.scheme = draft.account_holder, draft.scheme
    mandate.type, mandate.signed_on = draft.type, draft.signed_on
    if draft.signed_on and mandate.state == MandateState.DRAFT:
        mandate.state = MandateState.ACTIVE.value
    if not draft.signed_on:
        mandate.state = MandateState.DRAFT.value
    session.flush()
    tell_mandate(session, mandate, before, Action.CHANGED, actor)


def change_mandate_state(
    session: Session,
    mandate: Mandate,
    state: MandateState,
    *,
    actor: Actor,
    reason: str | None = None,
) -> None:
    """Suspend, resume or cancel a mandate. Raises Refused where the table of states forbids it.

    Why it is suspended or cancelled stays with it; resuming clears that, and the bank's code.
    """
    actor.require(Permission.MANDATES_EDIT)
    MANDATE_STATES.check(MandateState(mandate.state), state)
    resumed = state is MandateState.ACTIVE
    if mandate.state == MandateState.USED:
        # Only a run that is cancelled gives it back; else one signature would collect twice.
        raise Refused.because("A one-off mandate that was used cannot be resumed")
    if resumed and mandate.signed_on is None:
        raise Refused.because("Signed on is missing", field="signed_on")
    if (
        resumed
        and mandate.signed_on
        and is_expired(mandate.signed_on, mandate.last_collected_on, clock.today())
    ):
        raise Refused.because(
            "This mandate has lapsed: 36 months have passed without a collection",
            hint="A new one has to be signed",
        )
    before = snapshot(mandate)
    mandate.state = state.value
    mandate.state_reason = None if resumed else (reason or "")[:LONGEST_REASON] or None
    if resumed:
        mandate.state_code = None
    session.flush()
    tell_mandate(session, mandate, before, Action.STATE_CHANGED, actor, reason)


def confirm_registration(
    session: Session, mandate: Mandate, registered_on: date, *, actor: Actor
) -> None:
    """Note that the debtor's bank has registered a B2B mandate. Raises Refused for any other."""
    actor.require(Permission.MANDATES_EDIT)
    if MandateState(mandate.state) not in LIVING:
        raise Refused.because(f"A mandate that is {mandate.state} cannot be changed")
    wrong = _registration_problems(mandate.scheme, registered_on)
    if wrong:
        raise Refused(wrong)
    before = snapshot(mandate)
    mandate.bank_registered_on = registered_on
    session.flush()
    tell_mandate(session, mandate, before, Action.CHANGED, actor)


def is_used(session: Session, mandate: Mandate) -> bool:
    """Tell whether a collection rests on a mandate; one of a run that was cancelled does not."""
    return mandate.last_collected_on is not None or bool(used_among(session, [mandate]))


def used_among(session: Session, mandates: Sequence[Mandate]) -> set[int]:
    """The ids of those of at most a page of mandates that a collection rests on."""
    rests = exists().where(
        Collection.mandate_id == Mandate.id, Collection.state != CollectionState.VOID.value
    )
    wanted = select(Mandate.id).where(Mandate.id.in_([one.id for one in mandates]), rests)
    collected = {one.id for one in mandates if one.last_collected_on is not None}
    return collected | set(session.scalars(wanted))


def bic_for(mandate: Mandate, iban: str, bic: str | None) -> str | None:
    """The BIC that goes with an IBAN: the given one, unless it was left from another IBAN."""
    known = bank_of(iban)[0]
    left_over = iban != mandate.iban and bic == mandate.bic
    return (known or bic) if left_over else (bic or known)


def problems_of(session: Session, draft: MandateDraft, own_id: int | None = None) -> list[Problem]:
    """Everything that is wrong with a mandate by itself, and whether its reference is free."""
    return _problems(draft) + _taken(session, [draft], own_id)


def tell_mandate(
    session: Session,
    mandate: Mandate,
    before: dict[str, Any],
    action: Action,
    actor: Actor,
    reason: str | None = None,
    *,
    more: Mapping[str, list[Any]] | None = None,
) -> None:
    """Write what changed on a flushed mandate; a second person is told of another IBAN."""
    changes = diff(Mandate, before, snapshot(mandate)) | dict(more or {})
    if changes:
        audit.record(
            session, actor=actor, action=action, entity="mandate", entity_id=mandate.id,
            entity_label=mandate.reference, customer_id=mandate.customer_id, changes=changes,
            reason=reason,
        )  # fmt: skip
    if before["iban"] != mandate.iban:
        tell_iban_changes(
            session,
            [
                IbanChange(
                    f"mandate {mandate.reference}", before["iban"], mandate.iban,
                    mandate.customer_id, f"/admin/mandates/details/?id={mandate.id}",
                )
            ],
            actor=actor,
        )  # fmt: skip


def _problems(draft: MandateDraft) -> list[Problem]:
    found = []
    if not draft.reference:
        found.append(Problem("reference", "Mandate reference is missing"))
    elif len(draft.reference) > MAX_ID:
        found.append(Problem("reference", f"Mandate reference is longer than {MAX_ID} characters"))
    elif not is_legal_id(draft.reference):
        found.append(
            Problem(
                "reference",
                "Mandate reference has characters that banks refuse",
                "Letters without accents, digits, blanks and / - ? : ( ) . , ' +",
            )
        )
    try:
        parse_iban(draft.iban, "IBAN")
    except ValueProblem as error:
        found.append(Problem("iban", error.reason, error.hint))
    else:
        wrong = iban_problem(draft.iban)
        if wrong:
            found.append(Problem("iban", wrong.value))
    if draft.bic:
        try:
            parse_bic(draft.bic, "BIC")
        except ValueProblem as error:
            found.append(Problem("bic", error.reason, error.hint))
    if not draft.account_holder:
        found.append(Problem("account_holder", "Account holder is missing"))
    if draft.signed_on and draft.signed_on > clock.today():
        found.append(Problem("signed_on", "Signed on is in the future"))
    return found + _registration_problems(draft.scheme, draft.bank_registered_on)


def _registration_problems(scheme: str, registered_on: date | None) -> list[Problem]:
    if registered_on is None:
        return []
    if scheme != Scheme.B2B:
        wrong = "Only B2B mandates are registered with the customer's bank"
    elif registered_on > clock.today():
        wrong = "Registered with the bank on is in the future"
    else:
        return []
    return [Problem("bank_registered_on", wrong)]


def _taken(
    session: Session, drafts: Sequence[MandateDraft], own_id: int | None = None
) -> list[Problem]:
    key = func.lower(Mandate.reference)
    wanted = [draft.reference.lower() for draft in drafts]
    holders: dict[str, int] = {}
    for some in portions(wanted):
        rows = session.execute(select(key, Mandate.id).where(one_of(key, some)))
        holders |= {reference: id_ for reference, id_ in rows if id_ != own_id}
    seen: set[str] = set()
    found = []
    for reference in wanted:
        if reference in holders or reference in seen:
            found.append(
                Problem(
                    "reference",
                    "Mandate reference is already used by another mandate",
                    "Every mandate needs its own",
                )
            )
        seen.add(reference)
    return found


def _without_customer(session: Session, drafts: Sequence[MandateDraft]) -> list[Problem]:
    """A problem for each draft whose customer is not there, or deleted."""
    live: set[int] = set()
    for some in portions(sorted({draft.customer_id for draft in drafts})):
        there = one_of(Customer.id, some), Customer.deleted_at.is_(None)
        live.update(session.scalars(select(Customer.id).where(*there)))
    gone = Problem("customer_id", "The customer is no longer there", "Choose another customer")
    return [gone for draft in drafts if draft.customer_id not in live]
