"""Pre-notifications: each customer of a run is told once what will be collected, and when.

Whoever has an email gets a mail through the outbox, everybody else a letter (letters.py). The row
of a notice is what makes a second press send nothing twice: it is written together with the mail,
under a lock of the run.
"""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, Table, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.models import Action
from app.billing.models import Invoice
from app.core import clock
from app.core.actor import Actor
from app.core.bulk import add_rows
from app.core.errors import NotFound, Refused
from app.core.permissions import Permission
from app.core.portions import portions
from app.customers.models import Address, Customer
from app.outbox import operations as outbox
from app.outbox.models import MailPurpose, MailState, OutboxMessage
from app.outbox.rules import mail_address
from app.sepa.models import Collection, CollectionRun, PreNotification, RunState
from app.sepa.notice_words import WORDS, amount_in, day_in, language_of

NOTICES = cast(Table, PreNotification.__table__)
# From the bank's answer on, and for a cancelled run, there is nothing left to announce.
NOTIFIABLE = frozenset({RunState.CREATED, RunState.RELEASED, RunState.FILED})


class Way(StrEnum):
    """How a customer is told."""

    EMAIL = "email"
    LETTER = "letter"


@dataclass(frozen=True, slots=True)
class Line:
    """One collection as its notice tells it; of the account only the last characters."""

    invoice: str
    amount: Decimal
    mandate: str
    account: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What one customer is told of a run."""

    customer: Any
    language: str
    lines: Sequence[Line]

    @property
    def total(self) -> Decimal:
        """What will be collected, in euros."""
        return sum((line.amount for line in self.lines), Decimal(0))

    @property
    def name(self) -> str:
        """How the customer is addressed."""
        named = self.customer.company_name if self.customer.kind != "individual" else None
        return named or " ".join(p for p in (self.customer.first_name, self.customer.name) if p)


@dataclass(frozen=True, slots=True)
class Sent:
    """How many notices were made, by their way."""

    mails: int = 0
    letters: int = 0


@dataclass(frozen=True, slots=True)
class Summary:
    """How far the notices of a run are. `failed` mails are printed with the letters."""

    customers: int
    mails: int
    letters: int
    waiting: int
    failed: int
    cancelled: int
    without_address: int

    @property
    def open(self) -> int:
        """Customers who have had no notice yet."""
        return max(0, self.customers - self.mails - self.letters)

    @property
    def to_print(self) -> int:
        """Notices that go by post."""
        return self.letters + self.failed


def send_notices(
    session: Session,
    run: CollectionRun,
    customer_ids: Sequence[int],
    *,
    letters: bool = False,
    actor: Actor,
) -> Sent:
    """Tell those customers of a run who have not been told yet; `letters` sends no mail at all.

    Raises Refused for a run that the bank has already, or that was cancelled.
    """
    run = lock_notifiable(session, run.id, actor=actor)
    told = select(NOTICES.c.customer_id).where(
        NOTICES.c.run_id == run.id, NOTICES.c.customer_id.in_(list(customer_ids))
    )
    gone = set(session.scalars(told))
    found = notices_of(session, run, [one for one in customer_ids if one not in gone])
    if not found:
        return Sent()
    ways = [_way(one, letters) for one in found]
    drafts = [
        outbox.MailDraft(
            MailPurpose.COLLECTION_NOTICE,
            one.customer.email,
            *mail_of(run, one),
            customer_id=one.customer.id,
        )
        for one, way in zip(found, ways, strict=True)
        if way is Way.EMAIL
    ]
    message_ids = iter(outbox.queue_messages(session, drafts, actor=actor))
    now = clock.now()
    rows = [
        {
            "run_id": run.id,
            "customer_id": one.customer.id,
            "channel": way.value,
            "message_id": next(message_ids) if way is Way.EMAIL else None,
            "collection_count": len(one.lines),
            "amount": one.total,
            "made_at": now,
        }
        for one, way in zip(found, ways, strict=True)
    ]
    add_rows(session, NOTICES, rows)
    sent = Sent(len(drafts), len(rows) - len(drafts))
    changes = {"notices_by_email": [None, sent.mails], "notices_by_letter": [None, sent.letters]}
    told_of = {name: pair for name, pair in changes.items() if pair[1]}
    audit.record(
        session, actor=actor, action=Action.CHANGED, entity="collection run", entity_id=run.id,
        entity_label=run.number, changes=told_of, reason="Customers were notified",
    )  # fmt: skip
    return sent


def lock_notifiable(session: Session, run_id: int, *, actor: Actor) -> CollectionRun:
    """The run, kept from others; so that nobody is told twice, nor of what is just cancelled."""
    actor.require(Permission.DIRECT_DEBIT_RUN)
    run = session.scalar(
        select(CollectionRun)
        .where(CollectionRun.id == run_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if run is None:
        raise NotFound("There is no such run")
    if run.state not in NOTIFIABLE:
        raise Refused.because(
            f"Run {run.number} is {run.state}",
            hint="Notices go out before a run is handed in at the bank",
        )
    return run


def cancel_waiting(session: Session, run: CollectionRun, *, actor: Actor) -> int:
    """Call back the mails about a run that have not left yet. Returns how many."""
    waiting = session.scalars(
        select(PreNotification.message_id)
        .join(OutboxMessage, OutboxMessage.id == PreNotification.message_id)
        .where(PreNotification.run_id == run.id, OutboxMessage.state == MailState.WAITING.value)
    ).all()
    return outbox.cancel_many(session, [one for one in waiting if one is not None], actor=actor)


# Reads --------------------------------------------------------------------------------------------


def customers_of(session: Session, run_id: int) -> "array[int]":
    """The customers of a run by their id, in few bytes each."""
    wanted = select(Collection.customer_id).where(Collection.run_id == run_id).distinct()
    return array("q", session.scalars(wanted.order_by(Collection.customer_id)))


def notices_of(session: Session, run: CollectionRun, customer_ids: Iterable[int]) -> list[Notice]:
    """What these customers are told of a run, in the order of their ids."""
    found: list[Notice] = []
    for some in portions(customer_ids):
        lines: dict[int, list[Line]] = {}
        for row in session.execute(
            select(
                Collection.customer_id,
                Collection.amount,
                Collection.iban,
                Collection.mandate_reference,
                Invoice.number,
            )
            .join(Invoice, Invoice.id == Collection.invoice_id)
            # Plus nothing: else SQLite looks through the whole run for each portion.
            .where(Collection.run_id + 0 == run.id, Collection.customer_id.in_(some))
            .order_by(Collection.mandate_reference, Collection.id)
        ):
            line = Line(row.number, row.amount, row.mandate_reference, row.iban[-4:])
            lines.setdefault(row.customer_id, []).append(line)
        customers = session.execute(
            select(*_CUSTOMER).where(Customer.id.in_(list(lines))).order_by(Customer.id)
        )
        found += [
            Notice(one, language_of(one.preferred_language), lines[one.id]) for one in customers
        ]
    return found


_CUSTOMER = (
    *(Customer.id, Customer.number, Customer.kind, Customer.title, Customer.first_name),
    *(Customer.name, Customer.company_name, Customer.email, Customer.preferred_language),
)


def mail_of(run: CollectionRun, notice: Notice) -> tuple[str, str]:
    """Subject and body of the mail."""
    words, language = WORDS[notice.language], notice.language
    greeting = words.greeting.format(name=notice.name)
    parts = [greeting, intro_of(run, notice)]
    for mandate, account in dict.fromkeys((one.mandate, one.account) for one in notice.lines):
        own = [one for one in notice.lines if (one.mandate, one.account) == (mandate, account)]
        parts.append(
            "\n".join(
                [
                    f"{words.mandate}: {mandate}",
                    f"{words.account}: {account}",
                    *(f"{words.invoice} {one.invoice}: {amount_in(language, one.amount)}"
                      for one in own),
                ]
            )
        )  # fmt: skip
    parts += [
        "\n".join(
            [
                f"{words.creditor}: {run.creditor_name}",
                f"{words.identifier}: {run.creditor_identifier}",
                f"{words.customer}: {notice.customer.number}",
            ]
        ),
        words.closing,
        run.creditor_name,
    ]
    return subject_of(run, notice), "\n\n".join(parts) + "\n"


def subject_of(run: CollectionRun, notice: Notice) -> str:
    """What the notice is about, in a line."""
    return WORDS[notice.language].subject.format(
        total=amount_in(notice.language, notice.total),
        day=day_in(notice.language, run.collection_date),
    )


def intro_of(run: CollectionRun, notice: Notice) -> str:
    """Its first sentence: how much, when, and from which account."""
    words = WORDS[notice.language]
    accounts = {line.account for line in notice.lines}
    one = len(accounts) == 1
    account = words.one_account.format(account=accounts.pop()) if one else words.several_accounts
    return words.intro.format(
        total=amount_in(notice.language, notice.total),
        day=day_in(notice.language, run.collection_date),
        scheme=words.schemes[run.scheme],
        account=account,
    )


def of_run(run: CollectionRun) -> Select[PreNotification, Customer, str]:
    """The notices of a run with their customers and the state of their mails, in their order."""
    return (
        select(PreNotification, Customer, OutboxMessage.state)
        .join(Customer, Customer.id == PreNotification.customer_id)
        .outerjoin(OutboxMessage, OutboxMessage.id == PreNotification.message_id)
        .where(PreNotification.run_id == run.id)
        .order_by(PreNotification.customer_id, PreNotification.id)
    )


def by_post() -> ColumnElement[bool]:
    """The condition, with `of_run`, that a notice is printed: letters, and what mail refused."""
    return or_(
        PreNotification.channel == Way.LETTER.value,
        OutboxMessage.state == MailState.FAILED.value,
    )


def summary_of(session: Session, run: CollectionRun) -> Summary:
    """How many were told, how, and what became of it."""
    mail, state = PreNotification.channel == Way.EMAIL.value, OutboxMessage.state
    has_address = exists().where(Address.customer_id == PreNotification.customer_id)

    def count(condition: ColumnElement[bool]) -> Any:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    row = session.execute(
        select(
            count(mail),
            count(~mail),
            count(and_(mail, state.in_((MailState.WAITING.value, MailState.SENDING.value)))),
            count(and_(mail, state == MailState.FAILED.value)),
            count(and_(mail, state == MailState.CANCELLED.value)),
            count(and_(by_post(), ~has_address)),
        )
        .select_from(PreNotification)
        .outerjoin(OutboxMessage, OutboxMessage.id == PreNotification.message_id)
        .where(PreNotification.run_id == run.id)
    ).one()
    customers = session.scalar(
        select(func.count(Collection.customer_id.distinct())).where(Collection.run_id == run.id)
    )
    return Summary(customers or 0, *(int(one) for one in row))


def _way(notice: Notice, letters: bool) -> Way:
    email = notice.customer.email
    return Way.EMAIL if not letters and email and mail_address(email) else Way.LETTER
