"""Every state change of mandates. Drafts come in bulk; one in use is never edited in place."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from sqlalchemy import Table, func, select
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
from app.customers.models import Customer
from app.sepa.characters import MAX_ID, is_legal_id
from app.sepa.models import Collection, Mandate, MandateState, MandateType, Scheme
from app.sepa.rules import MANDATE_STATES, iban_problem

MANDATES = cast(Table, Mandate.__table__)


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
    if session.scalar(select(Collection.id).where(Collection.mandate_id == mandate.id).limit(1)):
        raise Refused.because(
            "This mandate was used in a collection and cannot be changed",
            hint="Cancel it and make a new one",
        )
    if draft.customer_id != mandate.customer_id:
        raise Refused.because("A mandate stays with its customer", field="customer_id")
    problems = _problems(draft) + _taken(session, [draft], own_id=mandate.id)
    if problems:
        raise Refused(problems)
    before = snapshot(mandate)
    mandate.reference, mandate.iban = draft.reference, draft.iban
    mandate.bic = draft.bic or bank_of(draft.iban)[0]
    mandate.account_holder, mandate.scheme = draft.account_holder, draft.scheme
    mandate.type, mandate.signed_on = draft.type, draft.signed_on
    if draft.signed_on and mandate.state == MandateState.DRAFT:
        mandate.state = MandateState.ACTIVE.value
    if not draft.signed_on:
        mandate.state = MandateState.DRAFT.value
    session.flush()
    _tell(session, mandate, before, Action.CHANGED, actor)


def change_mandate_state(
    session: Session,
    mandate: Mandate,
    state: MandateState,
    *,
    actor: Actor,
    reason: str | None = None,
) -> None:
    """Suspend, resume or cancel a mandate. Raises Refused where the table of states forbids it."""
    actor.require(Permission.MANDATES_EDIT)
    MANDATE_STATES.check(MandateState(mandate.state), state)
    if state is MandateState.ACTIVE and mandate.signed_on is None:
        raise Refused.because("Signed on is missing", field="signed_on")
    before = snapshot(mandate)
    mandate.state = state.value
    session.flush()
    _tell(session, mandate, before, Action.STATE_CHANGED, actor, reason)


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
    return found


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


def _tell(
    session: Session,
    mandate: Mandate,
    before: dict[str, Any],
    action: Action,
    actor: Actor,
    reason: str | None = None,
) -> None:
    changes = diff(Mandate, before, snapshot(mandate))
    if changes:
        audit.record(
            session, actor=actor, action=action, entity="mandate", entity_id=mandate.id,
            entity_label=mandate.reference, customer_id=mandate.customer_id, changes=changes,
            reason=reason,
        )  # fmt: skip
