"""The shop account on a customer's record: its state, its mails, and what can be done about it."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import render_template
from sqlalchemy import select
from sqlalchemy.orm import Session

from admin_views.actions import Action, Ask
from admin_views.formatters import Badge, Column
from admin_views.outgoing_mail import mail_state_badge
from admin_views.records import RecordTab, Section
from admin_views.registry import address_of
from admin_views.timeline import Event, TimelineSource, older_than, position_of
from app.accounts.identity import current_actor
from app.audit.rules import snapshot
from app.core.actor import Actor
from app.core.permissions import Permission
from app.customers import account_rules, accounts
from app.customers.choices import ApprovalState
from app.customers.models import Customer
from app.customers.rules import FIELD_LABELS
from app.outbox.models import OutboxMessage
from app.outbox.queries import PURPOSE_LABELS, last_for_customer

MAILS = 10
APPROVALS = {
    ApprovalState.NOT_NEEDED: Badge("Not needed"),
    ApprovalState.WAITING: Badge("Waits for approval", "orange", "hourglass"),
    ApprovalState.APPROVED: Badge("Approved", "green", "user-check"),
    ApprovalState.REJECTED: Badge("Rejected", "red", "user-x"),
}
MAIL_COLUMNS = (
    Column("purpose", "Mail", lambda m: PURPOSE_LABELS.get(m.purpose, m.purpose), main=True),
    Column("recipient", "To"),
    Column("created_at", "Queued"),
    Column("state", "State", lambda m: mail_state_badge(m)),
    Column("sent_at", "Sent"),
    Column("last_error", "Last error"),
)

# Actions -----------------------------------------------------------------------------------------


def _reset(session: Session, ids: list[int], _answers: Mapping[str, str], actor: Actor) -> str:
    sent = accounts.send_password_reset(session, ids, actor=actor)
    return f"A link to choose a new password goes to {', '.join(sent)}."


def _register(session: Session, ids: list[int], _answers: Mapping[str, str], actor: Actor) -> str:
    sent = accounts.send_registration(session, ids, actor=actor)
    return f"The registration email goes to {', '.join(sent)}."


def _approve(session: Session, ids: list[int], _answers: Mapping[str, str], actor: Actor) -> str:
    return told(accounts.approve_customers(session, ids, actor=actor), "approved")


def _reject(session: Session, ids: list[int], answers: Mapping[str, str], actor: Actor) -> str:
    count = accounts.reject_customers(session, ids, reason=answers["reason"], actor=actor)
    return told(count, "rejected")


def told(count: int, done: str) -> str:
    """What was done to how many; none, where somebody else was faster."""
    if not count:
        return f"Nothing was {done}: somebody else has decided already."
    return f"The customer was {done}." if count == 1 else f"{count} customers were {done}."


def _is_open(customer: Customer) -> bool:
    return account_rules.account_problem(snapshot(customer)) is None


def _awaits_registration(customer: Customer) -> bool:
    return (
        _is_open(customer)
        and not customer.password_hash
        and not customer.suppress_registration_email
    )


RECORD = frozenset({"record"})
RESET = Action(
    "reset_password", "Reset password", Permission.CUSTOMERS_EDIT, _reset, icon="key",
    confirm="Send this customer a link to choose a new password? It goes to the email on the "
    "record and works for 24 hours; the present password stays until then.",
    places=RECORD,
    shown=lambda c: _is_open(c) and not _awaits_registration(c),
)  # fmt: skip
REGISTER = Action(
    "send_registration", "Send registration email again", Permission.CUSTOMERS_EDIT, _register,
    icon="mail", places=RECORD, shown=_awaits_registration,
    confirm="Send the registration email again? The link in the earlier one ends.",
)  # fmt: skip
APPROVE = Action(
    "approve", "Approve", Permission.CUSTOMERS_EDIT, _approve, icon="user-check",
    confirm="Approve {this customer|# customers}? Each gets the registration email, unless "
    "that is suppressed.",
    places=RECORD,
    shown=lambda c: c.login_allowed
    and c.approval_state in {ApprovalState.WAITING, ApprovalState.REJECTED},
)  # fmt: skip
REJECT = Action(
    "reject", "Reject", Permission.CUSTOMERS_EDIT, _reject, icon="user-x", danger=True,
    confirm="Reject {this customer|# customers}? They cannot log in to the shop.",
    ask=Ask("reason", "Reason", hint="It stands in the history; the customer is not told"),
    places=RECORD,
    shown=lambda c: c.approval_state == ApprovalState.WAITING,
)  # fmt: skip
ACCOUNT_ACTIONS = (APPROVE, REJECT, REGISTER, RESET)

# The tab -----------------------------------------------------------------------------------------


def login_state(customer: Customer) -> Badge:
    """Whether the customer can log in, and if not, why."""
    problem = account_rules.login_problem(snapshot(customer))
    return Badge(problem, "grey", "ban") if problem else Badge("Open", "green", "check")


def _sections(customer: Customer) -> list[Section]:
    question = customer.security_question
    state = [
        ("Log-in to the shop", login_state(customer)),
        (FIELD_LABELS["login_allowed"], customer.login_allowed),
        (FIELD_LABELS["approval_state"], APPROVALS[ApprovalState(customer.approval_state)]),
        (FIELD_LABELS["active"], customer.active),
        (FIELD_LABELS["restricted"], customer.restricted),
    ]
    credentials = [
        ("Password set", customer.password_hash is not None),
        (FIELD_LABELS["security_question_id"], question and question.question),
        ("Security answer stored", customer.security_answer_hash is not None),
        (FIELD_LABELS["suppress_registration_email"], customer.suppress_registration_email),
    ]
    return [Section("State", state), Section("Credentials", credentials)]


def _render(view: Any, session: Session, customer: Customer, page: int) -> str:
    return render_template(
        "customers/account_tab.html",
        admin_view=view,
        sections=_sections(customer),
        mails=last_for_customer(session, customer.id, MAILS),
        mail_columns=MAIL_COLUMNS,
        mail_url=(
            (lambda one: address_of("outgoing_mail.details_view", id=one.id))
            if current_actor().may(Permission.OUTBOX_VIEW)
            else None
        ),
    )


def approval_badge(_actor: Actor, customer: Customer) -> list[Badge]:
    """What a decision stands out for, or went against."""
    state = ApprovalState(customer.approval_state)
    told_of = {ApprovalState.WAITING, ApprovalState.REJECTED}
    return [APPROVALS[state]] if customer.login_allowed and state in told_of else []


def _mails(session: Session, customer: Customer, position: str, limit: int) -> Sequence[Event]:
    """Mails to the customer, when each was queued, and whether it left."""
    mine = select(OutboxMessage).where(OutboxMessage.customer_id == customer.id)
    found = older_than(mine, position, OutboxMessage.created_at, OutboxMessage.id).limit(limit)
    return [
        Event(
            one.created_at,
            "mail",
            f"{PURPOSE_LABELS.get(one.purpose, one.purpose)}: {mail_state_badge(one).text.lower()}",
            f"To {one.recipient}",
            None,
            one.created_by_label,
            position_of(one.created_at, one.id),
        )
        for one in session.scalars(found)
    ]


MAIL = TimelineSource("mail", "Mail", _mails)
ACCOUNT_TAB = RecordTab("account", "Shop account", _render, order=55)
