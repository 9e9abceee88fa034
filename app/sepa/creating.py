"""Making a collection run: every invoice that can be collected is claimed, once.

Nobody is collected from twice: creation claims the invoices under a lock, and the partial unique
index on live collections has the last word (sepa.md, "Run").
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.audit.models import Action
from app.billing.models import InvoiceState
from app.billing.operations import swap_states
from app.core import clock
from app.core.actor import Actor
from app.core.bulk import add_ready
from app.core.errors import NotFound, Refused
from app.core.numbering import next_numbers
from app.core.permissions import Permission
from app.sepa.candidates import Candidate, Excluded, Judge, Verdict
from app.sepa.characters import legal_id, legal_name
from app.sepa.models import CollectionRun, CreditorAccount, Mandate, MandateState, RunState
from app.sepa.operations_runs import tell_run
from app.sepa.preparing import (
    CHANGED,
    COLLECTIONS,
    HISTORY,
    Prepared,
    Share,
    as_shown,
    share_of,
)
from app.sepa.previews.models import RunPreview
from app.sepa.previews.operations import check_current
from app.sepa.previews.totals import Totals
from app.sepa.queries_candidates import Evidence, evidence_of
from app.sepa.rules import MANDATE_STATES, Policy


def create_run(
    session: Session,
    account: CreditorAccount,
    collection_date: date,
    *,
    policy: Policy,
    actor: Actor,
    seen: tuple[int, Decimal] | None = None,
    digest: int | None = None,
    left_out: Callable[[Excluded], None] | None = None,
) -> tuple[CollectionRun, Totals]:
    """Claim every invoice that can be collected and freeze what the bank will be told.

    `seen` is the number and the sum that a person has agreed to, `digest` that of the totals
    they saw; `left_out` is told of each invoice that stays. Raises Refused for an impossible date,
    an inactive account, where nothing is to collect, or where it is no longer what was seen.
    """
    # What has been claimed before a refusal is open again, also where the caller goes on.
    with session.begin_nested():
        making = _Making(session, account, collection_date, policy, actor)
        for portion in making.judge.portions():
            making.take(portion)
            if left_out is not None:
                for verdict in portion:
                    if isinstance(verdict, Excluded):
                        left_out(verdict)
        totals, collected = making.totals, making.totals.collected
        as_seen = seen is None or seen == (collected.count, collected.amount)
        if not as_seen or digest not in (None, totals.digest):
            raise Refused.because(CHANGED, hint="Look at it again, then create the run")
        return making.finish(), totals


def create_from_preview(
    session: Session, preview_id: int, prepared: Prepared, *, policy: Policy, actor: Actor
) -> CollectionRun:
    """The run of exactly the invoices that a kept preview shows; if it is there, that one.

    What was prepared is compared with what is there now, and judged anew where that differs.
    Raises Refused where an invoice is not what was shown.
    """
    actor.require(Permission.DIRECT_DEBIT_RUN)
    preview = session.get(RunPreview, preview_id, with_for_update=True)
    if preview is None:
        raise NotFound("This preview is no longer there")
    if preview.run_id is not None:
        return session.get_one(CollectionRun, preview.run_id)
    account = preview.creditor_account
    check_current(preview, account, policy)
    shown = Totals.from_json(preview.totals or {})
    with session.begin_nested():
        making = _Making(session, account, preview.collection_date, policy, actor)
        for share, evidence in prepared.shares():
            making.take_prepared(share, evidence)
        if making.totals.digest != shown.digest:
            raise Refused.because(CHANGED, hint="Work the preview out again")
        run = making.finish()
    session.execute(update(RunPreview).where(RunPreview.id == preview_id).values(run_id=run.id))
    return run


class _Making:
    """A run that is being made: claims what it takes, portion by portion, in one transaction.

    Whoever makes a run waits here for the other, whatever their accounts: on SQLite for the lock
    of the transaction, on PostgreSQL for the account and then for the number of the run.
    """

    def __init__(
        self,
        session: Session,
        account: CreditorAccount,
        collection_date: date,
        policy: Policy,
        actor: Actor,
    ) -> None:
        actor.require(Permission.DIRECT_DEBIT_RUN)
        account = session.scalars(
            select(CreditorAccount).where(CreditorAccount.id == account.id).with_for_update()
        ).one()
        policy.of_account(account).check_collection_date(collection_date, clock.now())
        if not account.active:
            raise Refused.because(f"The account {account.label} is not active", field="account")
        self._session, self._actor = session, actor
        self._run = _run(session, account, collection_date, actor)
        self._run_id, self._number = self._run.id, self._run.number
        self.judge = Judge(session, account, collection_date, policy, claiming=True)
        self.totals = Totals()

    def take(self, verdicts: Iterable[Verdict]) -> None:
        """Claim those that can be collected, and count all."""
        chosen = []
        for verdict in verdicts:
            if isinstance(verdict, Candidate):
                chosen.append(verdict)
            else:
                self.totals.add(verdict)
        if chosen:
            self._claim(share_of(self._session, chosen, self._actor))

    def take_prepared(self, share: Share, evidence: Evidence) -> None:
        """Claim what was prepared, judged anew if anything is not what it was judged by."""
        ids = share.invoice_ids
        if evidence_of(self._session, ids, claiming=True) != evidence:
            chosen = as_shown(self._session, self.judge.again(ids), ids, share.marks)
            share = share_of(self._session, chosen, self._actor)
        self._claim(share)

    def _claim(self, share: Share) -> None:
        ids, session = share.invoice_ids, self._session
        texts = zip(ids, share.id_texts, strict=True)
        late: dict[str, list[Any]] = {
            "run_id": [self._run_id] * len(ids),
            "end_to_end_id": [legal_id(f"{self._number}-{id_}", text) for id_, text in texts],
        }
        try:
            swap_states(session, ids, InvoiceState.OPEN, InvoiceState.IN_COLLECTION)
            add_ready(session, COLLECTIONS, share.collections, late)
        except (IntegrityError, Refused) as error:
            # Somebody was quicker: they hold the invoices, or the index has them.
            raise Refused.because(
                "Some of these invoices have just been claimed by another run", hint="Look again"
            ) from error
        told: dict[str, list[Any]] = {
            "at": [self._run.created_at] * len(ids),
            "reason": [f"Collection run {self._number}"] * len(ids),
        }
        add_ready(session, HISTORY, share.entries, told)
        _use_mandates(session, share.once)
        self.totals.include(share.totals, share.marks)

    def finish(self) -> CollectionRun:
        """The run with its figures, told in the history. Raises Refused for one of nothing."""
        collected = self.totals.collected
        if not collected.count:
            raise Refused.because(
                "There is nothing to collect by this date",
                hint="The preview tells what is left out and why",
            )
        self._run.collection_count, self._run.amount = collected.count, collected.amount
        self._session.flush()
        self._session.expire_all()
        tell_run(self._session, self._run, Action.CREATED, self._actor, _figures(self._run))
        return self._run


def _run(
    session: Session, account: CreditorAccount, collection_date: date, actor: Actor
) -> CollectionRun:
    now = clock.now()
    number = next_numbers(session, "collection run", 1)[0]
    run = CollectionRun(
        number=f"DD{now:%Y}-{number:05d}",
        creditor_account_id=account.id,
        creditor_name=legal_name(account.name),
        creditor_identifier=account.creditor_identifier,
        creditor_iban=account.iban,
        creditor_bic=account.bic,
        scheme=account.scheme,
        collection_date=collection_date,
        state=RunState.CREATED.value,
        collection_count=0,
        amount=Decimal(0),
        created_at=now,
        created_by_id=actor.operator_id,
        created_by_label=actor.label,
    )
    session.add(run)
    session.flush()
    return run


def _use_mandates(session: Session, once: Sequence[int]) -> None:
    """A one-off mandate serves once."""
    if once:
        MANDATE_STATES.check(MandateState.ACTIVE, MandateState.USED)
        session.execute(
            update(Mandate)
            .where(Mandate.id.in_(once))
            .values(state=MandateState.USED.value, version=Mandate.version + 1)
        )


def _figures(run: CollectionRun) -> dict[str, Any]:
    return {
        "collections": [None, run.collection_count],
        "amount": [None, str(run.amount)],
        "collection_date": [None, run.collection_date.isoformat()],
    }
