"""The direct debits of the demo company: a run with the bank's answer, one to go on with, mandates.

All of it is done by the operations that the pages call, as of the days on which a company would
have done it. No invoice stays open that could be collected soon: whoever imports the samples
collects those, and nothing of the demo with them.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from io import BytesIO

from flask import current_app
from schwifty import IBAN
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.identity import actor_for
from app.accounts.models import Operator
from app.billing.operations import InvoiceDraft, create_invoices
from app.cli import demo_bank
from app.cli.demo_bank import Refusal
from app.core import clock
from app.core.actor import Actor
from app.customers.choices import CustomerKind, PaymentMethod
from app.customers.models import Customer
from app.extensions import transaction
from app.jobs import bank_reports
from app.jobs import operations as jobs
from app.sepa import operations_runs as runs
from app.sepa.amending import Amendment, amend_mandate, propose_reference
from app.sepa.calendar import is_target_day, target_day_from
from app.sepa.creating import create_run
from app.sepa.expiring import expire_mandates
from app.sepa.models import (
    Collection,
    CollectionRun,
    Mandate,
    MandateState,
    MandateType,
    Scheme,
)
from app.sepa.notices import customers_of, send_notices
from app.sepa.operations_mandates import (
    MandateDraft,
    change_mandate_state,
    create_mandates,
    update_mandate,
)
from app.sepa.operations_returns import Step, work_off
from app.sepa.queries import account_by_label
from app.sepa.return_rules import RetryPolicy
from app.sepa.rules import Policy, lapsed_before

COLLECTED, AGAIN = 18, 9
ISSUED_BEFORE = timedelta(days=60)
# A run that is only created collects so late that nothing of it is due when the samples are.
LATER = timedelta(days=45)
OTHER_BANK = "37040044"


def seed_direct_debits(collector: str, releaser: str) -> int:
    """Make the history; how many invoices. Both are emails of operators."""
    today = clock.today()
    with transaction() as session:
        doer, other = _actor(session, collector), _actor(session, releaser)
        payers = _payers(session, today - ISSUED_BEFORE)
    collected, rest = payers[:COLLECTED], payers[COLLECTED:]
    run_id = _collect(collected, today, doer, other)
    _answer(run_id, doer)
    _collect_later(collected[-AGAIN:], today, doer)
    with transaction() as session:
        _mandates(session, rest, today, doer)
    return len(collected) + AGAIN


def _actor(session: Session, email: str) -> Actor:
    return actor_for(session.scalars(select(Operator).where(Operator.email == email)).one())


def _payers(session: Session, since: date) -> list[int]:
    """The mandates of customers within the EEA who have paid by direct debit since long ago."""
    wanted = (
        select(Mandate.id)
        .join(Customer, Customer.id == Mandate.customer_id)
        .where(
            Customer.payment_method == PaymentMethod.DIRECT_DEBIT.value,
            Customer.locked.is_(False),
            Customer.created_at < _at(since, 0),
            Mandate.bic.is_not(None),
            Mandate.iban.not_like("CH%"),
        )
        .order_by(Mandate.id)
    )
    return list(session.scalars(wanted))


def _collect(mandates: Sequence[int], today: date, doer: Actor, other: Actor) -> int:
    """A run from its invoices to the day it was handed in; its id."""
    day = target_day_from(today - timedelta(days=20))
    made = _target_day_before(day - timedelta(days=14))
    with transaction() as session:
        with clock.frozen(_at(made - timedelta(days=16), 9)):
            _one_off(session, session.get_one(Mandate, mandates[5]), doer)
            _invoice(session, mandates, day - timedelta(days=1), "membership", doer)
        with clock.frozen(_at(made, 8)):
            run = _create(session, day, doer)
            # By letter: nobody whom the demo has invented gets a mail.
            send_notices(session, run, customers_of(session, run.id), letters=True, actor=doer)
        with clock.frozen(_at(made, 9)):
            runs.release_run(session, run, policy=_policy(), actor=other)
        with clock.frozen(_at(made, 10)):
            runs.file_run(session, run, policy=_policy(), actor=doer)
            runs.hand_out_files(session, run, actor=doer)
            runs.hand_in_run(session, run, actor=doer)
        return run.id


def _answer(run_id: int, doer: Actor) -> None:
    """What the bank says of it: rejected, booked, returned; one return is worked off."""
    with transaction() as session:
        run = session.get_one(CollectionRun, run_id)
        wanted = select(Collection).where(Collection.run_id == run_id).order_by(Collection.id)
        closed, objected, poor, paid, *others = session.scalars(wanted)
        refused = [
            Refusal(objected, "MD06", "Return requested by the customer"),
            Refusal(poor, "AM04", "Insufficient funds"),
            Refusal(paid, "AM04", "Insufficient funds"),
        ]
        told = _at(target_day_from(run.collection_date - timedelta(days=13)), 6)
        booked = _at(run.collection_date, 17)
        back = _at(target_day_from(run.collection_date + timedelta(days=5)), 6)
        gone = [Refusal(closed, "AC04", "Account closed")]
        answers = [
            (told, "pain002", demo_bank.rejections(run, gone, told)),
            (booked, "camt053", demo_bank.statement(
                run, [objected, poor, paid, *others], booked
            )),
            (back, "camt054", demo_bank.returns(run, refused, Decimal("37.50"), back)),
        ]  # fmt: skip
        paid_id = paid.id
    for moment, kind, content in answers:
        with clock.frozen(moment + timedelta(hours=2)):
            _read(content, f"{kind}-{moment:%Y-%m-%d}.xml", doer)
    with transaction() as session, clock.frozen(back + timedelta(days=2)):
        work_off(
            session, [paid_id], Step.PAID, note="Paid by transfer", policy=RetryPolicy(),
            today=clock.today(), actor=doer,
        )  # fmt: skip


def _read(content: bytes, name: str, doer: Actor) -> None:
    kept = bank_reports.keep(BytesIO(content))
    with transaction() as session:
        job_id = bank_reports.start_reading(session, kept, name, actor=doer, foreground=True).id
    jobs.run_now(job_id)


def _collect_later(mandates: Sequence[int], today: date, doer: Actor) -> None:
    """A run that waits for its release; its collection date is some weeks ahead."""
    day = target_day_from(today + LATER)
    made = _at(_target_day_before(today), 8)
    with transaction() as session, clock.frozen(made):
        _invoice(session, mandates, day - timedelta(days=1), "subscription", doer)
        _create(session, day, doer)


def _create(session: Session, day: date, doer: Actor) -> CollectionRun:
    return create_run(session, account_by_label(session), day, policy=_policy(), actor=doer)[0]


def _invoice(
    session: Session, mandates: Sequence[int], due_on: date, what: str, doer: Actor
) -> None:
    """An invoice for the customer of each mandate, issued today."""
    issued = clock.today()
    owners = session.scalars(
        select(Mandate.customer_id).where(Mandate.id.in_(mandates)).order_by(Mandate.id)
    )
    drafts = [
        InvoiceDraft(
            number=f"DEMO-{issued:%Y%m}-{place:03}",
            customer_id=customer_id,
            amount=Decimal(2_900 + place * 3_170 % 40_000) / 100,
            issued_on=issued,
            due_on=due_on,
            remittance_text=f"Annual {what}, invoice DEMO-{issued:%Y%m}-{place:03}",
        )
        for place, customer_id in enumerate(owners, start=1)
    ]
    create_invoices(session, drafts, actor=doer)


def _one_off(session: Session, mandate: Mandate, doer: Actor) -> None:
    """A mandate for a single collection; it is the newest of its customer, and so serves next."""
    draft = _like(mandate, propose_reference(session, mandate.customer))
    create_mandates(
        session,
        [replace(draft, type=MandateType.ONE_OFF.value, signed_on=clock.today())],
        actor=doer,
    )


def _mandates(session: Session, mandates: Sequence[int], today: date, doer: Actor) -> None:
    """One of each kind that the work list of mandates tells of, and one that has expired."""
    wanted = select(Mandate).where(Mandate.id.in_(mandates)).order_by(Mandate.id)
    ended, ending, taken_over, moved, *others = session.scalars(wanted)
    change_mandate_state(
        session, ended, MandateState.CANCELLED, reason="Withdrawn by the customer", actor=doer
    )
    drafts = [_like(ended, propose_reference(session, ended.customer))]
    lapsed = lapsed_before(today)
    # Nothing was collected by it yet: its day of signing is corrected.
    corrected = replace(_like(ending, ending.reference), signed_on=lapsed + timedelta(days=30))
    update_mandate(session, ending, corrected, actor=doer)
    old = _like(taken_over, propose_reference(session, taken_over.customer))
    drafts.append(replace(old, signed_on=lapsed - timedelta(days=30)))
    iban = str(IBAN.generate("DE", bank_code=OTHER_BANK, account_code="0532013001"))
    new = Amendment(iban=iban, account_holder=moved.account_holder, reference=moved.reference)
    amend_mandate(session, moved, new, actor=doer)
    company = next(one for one in others if one.customer.kind == CustomerKind.BUSINESS.value)
    business = _like(company, propose_reference(session, company.customer))
    drafts.append(replace(business, scheme=Scheme.B2B.value, signed_on=today - timedelta(days=3)))
    create_mandates(session, drafts, actor=doer)
    expire_mandates(session, len(drafts))


def _like(mandate: Mandate, reference: str) -> MandateDraft:
    """A draft for the customer and account of a mandate."""
    return MandateDraft(
        reference=reference,
        customer_id=mandate.customer_id,
        iban=mandate.iban,
        bic=mandate.bic,
        account_holder=mandate.account_holder,
    )


def _policy() -> Policy:
    """The rules as they are without settings: what the demo has done suits any of them."""
    return Policy(zone=current_app.config["SETTINGS"].timezone)


def _at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), UTC)


def _target_day_before(day: date) -> date:
    day -= timedelta(days=1)
    while not is_target_day(day):
        day -= timedelta(days=1)
    return day
