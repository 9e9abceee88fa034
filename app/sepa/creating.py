"""Making a collection run: every invoice that can be collected is claimed, once.

Nobody is collected from twice: creation claims the invoices under a lock, and the partial unique
index on live collections has the last word (sepa.md, "Run").
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, cast

from sqlalchemy import Table, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.audit.models import Action
from app.billing.models import Invoice, InvoiceState
from app.billing.operations import change_states
from app.core import clock
from app.core.actor import Actor
from app.core.bulk import add_rows
from app.core.errors import NotFound, Refused
from app.core.numbering import next_numbers
from app.core.permissions import Permission
from app.sepa.candidates import AT_ONCE, Candidate, Excluded, Judge, Verdict
from app.sepa.characters import MAX_REMITTANCE, legal_id, legal_name, legal_text
from app.sepa.models import (
    Collection,
    CollectionRun,
    CollectionState,
    CreditorAccount,
    Mandate,
    MandateState,
    MandateType,
    RunState,
)
from app.sepa.operations_runs import tell_run
from app.sepa.previews.models import PreviewLine, RunPreview
from app.sepa.previews.operations import check_current
from app.sepa.previews.totals import COLLECTED, Totals
from app.sepa.rules import MANDATE_STATES, Policy

_COLLECTIONS = cast(Table, Collection.__table__)
_CHANGED = "What can be collected has changed since this preview"


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
            raise Refused.because(_CHANGED, hint="Look at it again, then create the run")
        return making.finish(), totals


def create_from_preview(
    session: Session, preview_id: int, *, policy: Policy, actor: Actor
) -> CollectionRun:
    """The run of exactly the invoices that a kept preview shows; if it is there, that one.

    Each invoice is judged anew. Raises Refused where one of them is not what was shown.
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
        place = 0
        while lines := _lines(session, preview_id, place):
            now = making.judge.again([id_ for id_, _ in lines])
            changed = [id_ for id_, mark in lines if not _is_as_shown(now.get(id_), mark)]
            if changed:
                raise Refused.because(
                    f"{_CHANGED}: {_named(session, changed)}",
                    hint="Work the preview out again, then create the run",
                )
            making.take([now[id_] for id_, _ in lines])
            place += AT_ONCE
        if making.totals.digest != shown.digest:
            raise Refused.because(_CHANGED, hint="Work the preview out again")
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
            self.totals.add(verdict)
            if isinstance(verdict, Candidate):
                chosen.append(verdict)
        if not chosen:
            return
        try:
            change_states(
                self._session, [one.invoice_id for one in chosen], InvoiceState.IN_COLLECTION,
                actor=self._actor, reason=f"Collection run {self._number}",
            )  # fmt: skip
            add_rows(
                self._session,
                _COLLECTIONS,
                [_collection(self._run_id, self._number, one) for one in chosen],
            )
        except (IntegrityError, Refused) as error:
            # Somebody was quicker: they hold the invoices, or the index has them.
            raise Refused.because(
                "Some of these invoices have just been claimed by another run", hint="Look again"
            ) from error
        _use_mandates(self._session, chosen)

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
        tell_run(self._session, self._run, Action.CREATED, self._actor, _figures(self._run))
        return self._run


def _lines(session: Session, preview_id: int, place: int) -> list[tuple[int, int]]:
    """Some invoices that a preview shows as collected, from a place on, each with its mark."""
    rows = session.execute(
        select(PreviewLine.invoice_id, PreviewLine.mark)
        .where(
            PreviewLine.preview_id == preview_id,
            PreviewLine.section == COLLECTED,
            PreviewLine.place >= place,
            PreviewLine.place < place + AT_ONCE,
        )
        .order_by(PreviewLine.place)
    )
    return [(invoice_id, mark) for invoice_id, mark in rows]


def _is_as_shown(verdict: Verdict | None, mark: int) -> bool:
    return isinstance(verdict, Candidate) and verdict.mark == mark


def _named(session: Session, invoice_ids: Sequence[int]) -> str:
    """Some invoices by their numbers: the first three, then how many more."""
    first = session.scalars(
        select(Invoice.number).where(Invoice.id.in_(invoice_ids[:3])).order_by(Invoice.number)
    )
    numbers = ", ".join(first) or "an invoice that is gone"
    more = len(invoice_ids) - 3
    return f"{numbers} and {more:,} more" if more > 0 else numbers


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


def _collection(run_id: int, number: str, one: Candidate) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "invoice_id": one.invoice_id,
        "customer_id": one.customer_id,
        "mandate_id": one.mandate_id,
        "state": CollectionState.LIVE.value,
        "end_to_end_id": legal_id(f"{number}-{one.invoice_id}", one.invoice),
        "sequence_type": one.sequence_type,
        "amount": one.amount,
        "debtor_name": legal_name(one.debtor_name),
        "iban": one.iban,
        "bic": one.bic,
        "mandate_reference": one.mandate_reference,
        "mandate_signed_on": one.mandate_signed_on,
        "original_reference": one.original_reference,
        "original_iban": one.original_iban,
        # A text in a script that banks cannot read leaves the invoice's number.
        "remittance_text": legal_text(one.remittance_text, MAX_REMITTANCE)
        or legal_text(f"Invoice {one.invoice}", MAX_REMITTANCE),
        **{name: one.address.get(name) for name in ("street", "postcode", "place", "country")},
    }


def _use_mandates(session: Session, chosen: Sequence[Candidate]) -> None:
    """A one-off mandate serves once."""
    once = [one.mandate_id for one in chosen if one.mandate_type == MandateType.ONE_OFF]
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
