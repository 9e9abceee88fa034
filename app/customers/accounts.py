"""Everything that happens to a customer's shop account: credentials, approval, mails, links."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts import links
from app.accounts.models import LinkPurpose, OneTimeLink
from app.audit import operations as audit
from app.audit.models import Action
from app.audit.rules import diff, snapshot
from app.core import clock
from app.core.actor import Actor, Channel
from app.core.errors import NotFound, Refused
from app.core.permissions import Permission
from app.core.text import clean
from app.customers import account_rules as rules
from app.customers import letters
from app.customers.belongings import plain, register_belonging
from app.customers.choices import ApprovalState
from app.customers.drafts import Credentials
from app.customers.models import Customer, Group
from app.customers.writing import customer_entry, load, save_values
from app.outbox import operations as outbox
from app.outbox.models import MailPurpose, OutboxMessage

REGISTRATION, RESET = LinkPurpose.CUSTOMER_REGISTRATION, LinkPurpose.CUSTOMER_PASSWORD_RESET
LINKS = (REGISTRATION, RESET)
MAILS = (MailPurpose.CUSTOMER_REGISTRATION, MailPurpose.CUSTOMER_PASSWORD_RESET)
VALID = {REGISTRATION: timedelta(days=7), RESET: timedelta(hours=24)}
WRONG = "Email or password is wrong"
SHUT = "This account cannot be opened at the moment. Please get in touch with us"

Row = Mapping[str, Any]

_hasher = PasswordHasher()
_shortest = rules.SHORTEST_PASSWORD


def use_shortest_password(length: int) -> None:
    """Take over the installation's setting. Raises ValueError below what the manuals ask for."""
    global _shortest  # one for the process, as the file store and mail are
    if not rules.SHORTEST_PASSWORD <= length <= 64:
        raise ValueError(
            f"KONTOR_CUSTOMER_PASSWORD_LENGTH must be {rules.SHORTEST_PASSWORD} to 64, not {length}"
        )
    _shortest = length


def shortest_password() -> int:
    """How many characters a customer's password must have."""
    return _shortest


# While customers are saved ------------------------------------------------------------------------


def groups_with_approval(session: Session) -> frozenset[int]:
    """The groups whose new shop customers wait for approval."""
    return frozenset(session.scalars(select(Group.id).where(Group.approval_required)))


def account_values(
    old: Row, new: Row, credentials: Credentials | None, approving: frozenset[int]
) -> dict[str, Any]:
    """The fields of a shop account that follow from a change; `old` is empty for a new customer.

    Raises Refused for a password or an answer that cannot be taken.
    """
    given = credentials or Credentials()
    found = rules.credential_problems(
        old, new, given.password, given.security_answer, shortest_password()
    )
    if found:
        raise Refused(found)
    values: dict[str, Any] = {
        "approval_state": rules.approval(old, new, new.get("group_id") in approving)
    }
    if given.password:
        values["password_hash"] = _hasher.hash(rules.normal_password(given.password))
    if given.security_answer:
        values["security_answer_hash"] = _hasher.hash(rules.normal_answer(given.security_answer))
    elif not new.get("security_question_id"):
        values["security_answer_hash"] = None
    return values


def follow_up(session: Session, changes: Iterable[tuple[Row, Row]], *, actor: Actor) -> None:
    """Send and end what follows from saved customers, in their transaction.

    `changes` are rows before (empty for a new one) and after. A new account gets its registration
    email; links and mails to an address that is no longer the customer's come to an end.
    """
    for old, new in changes:
        newly_due = not rules.registration_due(old)
        moved = old.get("email_key") != new.get("email_key")
        if rules.is_open(old) and (moved or not rules.is_open(new)):
            # A registration that was under way follows the customer to the new address.
            newly_due |= _ends(session, new["id"], actor)
        if newly_due and rules.registration_due(new) and not old.get("password_hash"):
            _send(session, new, REGISTRATION, actor)


def register() -> None:
    """Let the mail of a customer move in a merge; links of the one who goes end instead."""
    register_belonging(plain("mail", "mail", "mails", OutboxMessage.__table__))


def end_for_deleted(session: Session, customer_ids: Sequence[int], *, actor: Actor) -> None:
    """End links and mails of customers who are gone."""
    links.end_links(session, LINKS, customer_ids)
    outbox.cancel_for_customers(session, customer_ids, MAILS, actor=actor)


def _ends(session: Session, customer_id: int, actor: Actor) -> bool:
    """End a customer's links and mails; tell whether a registration was under way."""
    under_way = session.scalar(
        select(OneTimeLink.id)
        .where(OneTimeLink.purpose == REGISTRATION, OneTimeLink.subject_id == customer_id)
        .where(OneTimeLink.used_at.is_(None), OneTimeLink.ended_at.is_(None))
        .limit(1)
    )
    end_for_deleted(session, [customer_id], actor=actor)
    return under_way is not None


# What operators do --------------------------------------------------------------------------------


def send_registration(session: Session, customer_ids: Sequence[int], *, actor: Actor) -> list[str]:
    """Send the registration email again; the addresses it goes to.

    Raises Refused where the account is shut, or was entered already.
    """
    actor.require(Permission.CUSTOMERS_EDIT)
    rows = _rows(session, customer_ids)
    for row in rows:
        _must_be_open(row)
        if row["password_hash"]:
            raise Refused.because(
                f"{_name(row)} has set a password already", hint="Reset the password instead"
            )
        _send(session, row, REGISTRATION, actor)
    return [row["email"] for row in rows]


def send_password_reset(
    session: Session, customer_ids: Sequence[int], *, actor: Actor
) -> list[str]:
    """Send a link to choose a new password; the addresses it goes to.

    The present password stays until the link is used. Raises Refused where the account is shut.
    """
    actor.require(Permission.CUSTOMERS_EDIT)
    rows = _rows(session, customer_ids)
    for row in rows:
        _must_be_open(row)
        _send(session, row, RESET, actor)
    return [row["email"] for row in rows]


def approve_customers(session: Session, customer_ids: Sequence[int], *, actor: Actor) -> int:
    """Approve shop accounts that wait or were rejected; each gets its registration email.

    How many changed.
    """
    return _decide(session, customer_ids, ApprovalState.APPROVED, None, actor)


def reject_customers(
    session: Session, customer_ids: Sequence[int], *, reason: str, actor: Actor
) -> int:
    """Reject shop accounts that wait. The reason stands in the history. How many changed."""
    reason = " ".join(reason.split())
    if not 1 <= len(reason) <= 400:
        raise Refused.because(
            "Reason is missing" if not reason else "Reason is longer than 400 characters",
            field="reason",
            hint="It stands in the customer's history",
        )
    return _decide(session, customer_ids, ApprovalState.REJECTED, reason, actor)


def _decide(
    session: Session,
    customer_ids: Sequence[int],
    state: ApprovalState,
    reason: str | None,
    actor: Actor,
) -> int:
    actor.require(Permission.CUSTOMERS_EDIT)
    open_to = {ApprovalState.WAITING}
    if state is ApprovalState.APPROVED:
        open_to.add(ApprovalState.REJECTED)

    def decided(old: Row) -> dict[str, Any]:
        fits = old["login_allowed"] and old["approval_state"] in open_to
        return {"approval_state": state.value} if fits else {}

    changed = _change(
        session, customer_ids, decided, Action.STATE_CHANGED, actor=actor, reason=reason
    )
    follow_up(session, changed, actor=actor)
    return len(changed)


# What customers do --------------------------------------------------------------------------------


def choose_password(session: Session, link: OneTimeLink, password: str) -> None:
    """Set the password that a customer chose behind a one-time link, and end all other links.

    Raises Refused for a password that is too short, and where the account is shut.
    """
    row = _open_behind(session, link)
    problem = rules.password_problem(password, shortest_password(), row["email"], row["number"])
    if problem:
        raise Refused([problem])
    hashed = _hasher.hash(rules.normal_password(password))
    actor = Actor(f"{_name(row)} (customer)", frozenset(), Channel.SHOP)
    _change(
        session, [row["id"]], lambda _old: {"password_hash": hashed}, Action.CHANGED, actor=actor
    )
    _ends(session, row["id"], actor)


def check_link(session: Session, link: OneTimeLink) -> None:
    """Raise Refused where the account behind a link is shut, or has moved to another email."""
    _open_behind(session, link)


def verify_credentials(session: Session, *, email: str, password: str) -> Customer:
    """The customer who may enter the shop with this email and password.

    Raises Refused: with one sentence for every wrong pair, and with the reason where the
    password is right and the account shut. Guessing is to be limited by who calls.
    """
    customer = session.scalar(
        select(Customer).where(
            Customer.email_key == (clean(email) or "").casefold(), Customer.deleted_at.is_(None)
        )
    )
    stored = customer.password_hash if customer else None
    right = _verified(stored or _nobody(), rules.normal_password(password))
    if customer is None or stored is None or not right:
        raise Refused.because(WRONG)
    problem = rules.login_problem(snapshot(customer))
    if problem:
        raise Refused.because(problem)
    return customer


def verify_answer(customer: Customer, answer: str) -> bool:
    """Tell whether this is the customer's answer to the security question."""
    right = _verified(customer.security_answer_hash or _nobody(), rules.normal_answer(answer))
    return right and customer.security_answer_hash is not None


# Inner works --------------------------------------------------------------------------------------


@cache
def _nobody() -> str:
    """Verified in the place of a hash that is not there, so that the time taken tells nothing."""
    return _hasher.hash("nobody's password")


def _verified(hashed: str, given: str) -> bool:
    try:
        return _hasher.verify(hashed, given)
    except (Argon2Error, InvalidHashError, UnicodeError):
        return False


def _open_behind(session: Session, link: OneTimeLink) -> dict[str, Any]:
    row = load(session, [link.subject_id]).get(link.subject_id)
    if row is None or rules.account_problem(row):
        raise Refused.because(SHUT)
    if not links.still_at(link, row["email"]):
        raise Refused.because(links.REPLACED)
    return row


def _rows(session: Session, customer_ids: Sequence[int]) -> list[dict[str, Any]]:
    rows = load(session, customer_ids)
    found = [rows[one] for one in customer_ids if one in rows]
    if len(found) != len(customer_ids) or any(row["deleted_at"] for row in found):
        raise NotFound("This customer was deleted in the meantime")
    return found


def _must_be_open(row: Row) -> None:
    problem = rules.account_problem(row)
    if problem:
        raise Refused.because(f"No link can be sent to {_name(row)}. {problem}")


def _name(row: Row) -> str:
    named = row["company_name"] if row["kind"] != "individual" else None
    return named or " ".join(p for p in (row["first_name"], row["name"]) if p)


def _change(
    session: Session,
    customer_ids: Sequence[int],
    values_for: Callable[[Row], dict[str, Any]],
    action: Action,
    *,
    actor: Actor,
    reason: str | None = None,
) -> list[tuple[Row, Row]]:
    """Change live customers one by one; the rows before and after of those that changed."""
    before = {
        id_: row for id_, row in load(session, customer_ids).items() if row["deleted_at"] is None
    }
    now = clock.now()
    changed, entries = [], []
    for id_, old in before.items():
        values = values_for(old)
        changes = diff(Customer, old, {**old, **values})
        if not changes:
            continue
        new = {**old, **values, "changed_at": now, "version": old["version"] + 1}
        changed.append(new)
        entries.append(customer_entry(actor, action, id_, new, changes) | {"reason": reason})
    save_values(session, before, changed)
    audit.record_many(session, entries)
    return [(before[row["id"]], row) for row in changed]


def _send(session: Session, row: Row, purpose: LinkPurpose, actor: Actor) -> None:
    """Queue the mail with a new link; an older one that still waits would lead nowhere."""
    outbox.cancel_for_customers(session, [row["id"]], [purpose.value], actor=actor)
    token = links.make_link(
        session, purpose, row["id"], sent_to=row["email"], valid=VALID[purpose], actor=actor
    )
    subject, body = (
        (letters.REGISTRATION_SUBJECT, letters.REGISTRATION)
        if purpose is REGISTRATION
        else (letters.RESET_SUBJECT, letters.RESET)
    )
    outbox.queue_message(
        session,
        purpose=purpose.value,
        recipient=row["email"],
        subject=subject,
        body=body.format(name=_name(row), email=row["email"]),
        secret=links.address(token),
        customer_id=row["id"],
        actor=actor,
    )
