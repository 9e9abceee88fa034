"""Shop accounts: credentials are hashed and told nowhere, mails follow what happens, approvals."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts import links
from app.accounts.models import LinkPurpose
from app.core.actor import COMMAND_LINE, Actor, Channel
from app.core.errors import NotAllowed, NotFound, Refused
from app.core.permissions import ROLE_PERMISSIONS, Permission, RoleName
from app.customers import accounts, operations
from app.customers.choices import ApprovalState
from app.customers.drafts import Credentials, CustomerUpdate
from app.customers.models import Customer, SecurityQuestion
from app.customers.operations_reference import save_security_question
from app.extensions import transaction
from app.outbox.models import MailPurpose, MailState, OutboxMessage
from tests.customers.accounts import account, change, group_with_approval, mails, token_of
from tests.customers.people import customer, history

REGISTRATION, RESET = LinkPurpose.CUSTOMER_REGISTRATION, LinkPurpose.CUSTOMER_PASSWORD_RESET
PASSWORD = "five5 or more"
Clock = Callable[[datetime], None]


def fresh(session: Session, one: Customer) -> Customer:
    session.rollback()
    return session.get_one(Customer, one.id, populate_existing=True)


def question() -> int:
    with transaction() as session:
        made: SecurityQuestion = save_security_question(
            session, None, question="What was your first pet?", actor=COMMAND_LINE
        )
        return made.id


def states(session: Session) -> list[tuple[str, str]]:
    return [(one.recipient, one.state) for one in mails(session)]


def link_of(session: Session, message: OutboxMessage) -> Any:
    return links.find_link(session, token_of(message), accounts.LINKS)


def test_password_and_answer_are_hashed_and_stand_in_no_history(session: Session) -> None:
    one = account(Credentials(PASSWORD, " Bellô "), security_question_id=question())
    stored = fresh(session, one)
    assert (stored.password_hash or "").startswith("$argon2id$")
    assert (stored.security_answer_hash or "").startswith("$argon2id$")
    assert accounts.verify_answer(stored, "BELLO")
    assert not accounts.verify_answer(stored, "Hasso")
    told = str([entry.changes for entry in history(session, one.id)])
    assert "'password_hash': [None, 'changed']" in told
    assert all(secret not in told for secret in (PASSWORD, "argon2", "Bell"))
    assert PASSWORD not in repr(Credentials(PASSWORD, "Bello"))


def test_saving_without_a_password_keeps_it(session: Session) -> None:
    one = account(Credentials(PASSWORD, "Bello"), security_question_id=question())
    before = fresh(session, one)
    kept = (before.password_hash, before.security_answer_hash)
    change(one, name="Klein")
    after = fresh(session, one)
    assert (after.password_hash, after.security_answer_hash) == kept
    assert accounts.verify_credentials(session, email="KARIN@example.com", password=PASSWORD)
    change(one, security_question_id=None)
    assert fresh(session, one).security_answer_hash is None


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("karin@example.com", "wrong"),
        ("karin@example.com", ""),
        ("nobody@example.com", PASSWORD),
        ("karin@example.com", "\x00\ud800"),
        ("karin\x00\ud800", PASSWORD),
    ],
)
def test_wrong_pairs_are_refused_by_one_sentence(
    session: Session, email: str, password: str
) -> None:
    account(Credentials(PASSWORD))
    with pytest.raises(Refused, match=accounts.WRONG):
        accounts.verify_credentials(session, email=email, password=password)


def test_with_the_right_password_a_shut_account_says_why(session: Session) -> None:
    account(Credentials(PASSWORD), restricted=True)
    with pytest.raises(Refused, match="restricted"):
        accounts.verify_credentials(session, email="karin@example.com", password=PASSWORD)


def test_hashes_and_approval_cannot_be_given_from_outside(session: Session) -> None:
    for name in ("password_hash", "security_answer_hash", "approval_state"):
        with pytest.raises(ValueError, match=name):
            account(**{name: "x"})


def test_a_shop_account_needs_an_email(session: Session) -> None:
    with pytest.raises(Refused, match="Shop login needs an email"):
        account(email=None)
    one = account()
    with pytest.raises(Refused, match="Shop login needs an email"):
        change(one, email=None)


def test_a_new_account_gets_one_registration_mail(session: Session) -> None:
    one = account()
    change(one, name="Klein", restricted=False)
    [mail] = mails(session)
    assert (mail.purpose, mail.recipient, mail.customer_id) == (
        MailPurpose.CUSTOMER_REGISTRATION, "karin@example.com", one.id,
    )  # fmt: skip
    assert "Karin Groß" in mail.body
    assert "{link}" in mail.body
    assert link_of(session, mail).subject_id == one.id


def test_a_customer_without_an_account_gets_none_until_there_is_one(session: Session) -> None:
    one = customer(email="karin@example.com")
    assert mails(session) == []
    change(one, login_allowed=True)
    assert len(mails(session)) == 1


def test_a_refused_save_sends_nothing(session: Session) -> None:
    account()
    with pytest.raises(Refused):
        account()  # the email is taken
    assert len(mails(session)) == 1


def test_without_registration_email_the_account_opens_after_recovery(session: Session) -> None:
    one = account(suppress_registration_email=True)
    assert mails(session) == []
    with transaction() as work:
        accounts.send_password_reset(work, [one.id], actor=COMMAND_LINE)
    [mail] = mails(session)
    with transaction() as work:
        accounts.choose_password(work, link_of(work, mail), PASSWORD)
    assert accounts.verify_credentials(session, email="karin@example.com", password=PASSWORD)


def test_a_changed_email_takes_the_registration_along(session: Session) -> None:
    one = account()
    [old] = mails(session)
    token = token_of(old)
    change(one, email="new@example.com")
    assert states(session) == [
        ("karin@example.com", MailState.CANCELLED), ("new@example.com", MailState.WAITING),
    ]  # fmt: skip
    with pytest.raises(Refused, match="no longer counts"):
        links.find_link(session, token, accounts.LINKS)


def test_a_link_sent_to_an_email_that_was_changed_behind_our_back_opens_nothing(
    session: Session,
) -> None:
    one = account()
    [mail] = mails(session)
    # As the undo of an import does it: the row as it was before, without any operation.
    with transaction() as work:
        work.get_one(Customer, one.id).email = "before@example.com"
    with pytest.raises(Refused, match="no longer counts"), transaction() as work:
        accounts.choose_password(work, link_of(work, mail), PASSWORD)


def test_a_changed_email_ends_a_reset_and_sends_no_other(session: Session) -> None:
    one = account(Credentials(PASSWORD))
    with transaction() as work:
        accounts.send_password_reset(work, [one.id], actor=COMMAND_LINE)
    change(one, email="new@example.com")
    assert [state for _, state in states(session)] == [MailState.CANCELLED, MailState.CANCELLED]


@pytest.mark.parametrize("how", ["login taken away", "deleted"])
def test_an_account_that_ends_takes_its_links_and_mails_along(session: Session, how: str) -> None:
    one = account()
    token = token_of(mails(session)[0])
    if how == "deleted":
        with transaction() as work:
            operations.delete_customers(work, [one.id], actor=COMMAND_LINE)
    else:
        change(one, login_allowed=False)
    assert states(session) == [("karin@example.com", MailState.CANCELLED)]
    with pytest.raises(Refused):
        links.find_link(session, token, accounts.LINKS)


@pytest.mark.parametrize(
    "state", [{"restricted": True}, {"active": False}, {"locked": True, "lock_text": "No"}]
)
def test_behind_the_link_of_a_shut_account_no_password_is_set(
    session: Session, state: dict[str, Any]
) -> None:
    one = account()
    [mail] = mails(session)
    change(one, **state)
    with pytest.raises(Refused, match="get in touch"), transaction() as work:
        link = link_of(work, mail)
        links.use_link(work, link)
        accounts.choose_password(work, link, PASSWORD)
    assert link_of(session, mail).used_at is None


def test_a_chosen_password_stands_in_the_history_as_the_customers_own_doing(
    session: Session,
) -> None:
    one = account()
    with transaction() as work:
        accounts.send_password_reset(work, [one.id], actor=COMMAND_LINE)
    registration, reset = mails(session)
    tokens = [token_of(registration), token_of(reset)]
    with transaction() as work:
        link = link_of(work, reset)
        links.use_link(work, link)
        accounts.choose_password(work, link, PASSWORD)
    last = [entry for entry in history(session, one.id) if entry.entity == "customer"][-1]
    assert (last.actor_label, last.channel) == ("Karin Groß (customer)", Channel.SHOP)
    assert last.changes == {"password_hash": [None, "changed"]}
    for token in tokens:  # the other link ends with it
        with pytest.raises(Refused):
            links.find_link(session, token, accounts.LINKS)


def test_sending_again_ends_the_earlier_link_and_mail(session: Session) -> None:
    one = account()
    first = token_of(mails(session)[0])
    with transaction() as work:
        sent = accounts.send_registration(work, [one.id], actor=COMMAND_LINE)
    assert sent == ["karin@example.com"]
    assert [state for _, state in states(session)] == [MailState.CANCELLED, MailState.WAITING]
    with pytest.raises(Refused):
        links.find_link(session, first, accounts.LINKS)


def test_a_reset_link_ends_after_a_day_and_a_registration_after_a_week(
    session: Session, clock: Clock
) -> None:
    one = account()
    with transaction() as work:
        accounts.send_password_reset(work, [one.id], actor=COMMAND_LINE)
    registration, reset = mails(session)
    clock(datetime(2026, 11, 24, 9, 0, tzinfo=UTC))
    with pytest.raises(Refused, match="too old"):
        link_of(session, reset)
    assert link_of(session, registration)
    clock(datetime(2026, 11, 30, 9, 0, tzinfo=UTC))
    with pytest.raises(Refused, match="too old"):
        link_of(session, registration)


def test_links_go_to_open_accounts_only(session: Session) -> None:
    shut, entered = account(restricted=True), account(Credentials(PASSWORD), email="a@example.com")
    none = customer(email="b@example.com")
    for one in (shut, none):
        for send in (accounts.send_password_reset, accounts.send_registration):
            with pytest.raises(Refused, match="No link can be sent"), transaction() as work:
                send(work, [one.id], actor=COMMAND_LINE)
    with pytest.raises(Refused, match="set a password already"), transaction() as work:
        accounts.send_registration(work, [entered.id], actor=COMMAND_LINE)
    with pytest.raises(NotFound), transaction() as work:
        accounts.send_password_reset(work, [999_999], actor=COMMAND_LINE)


def test_in_a_group_with_approval_a_new_account_waits_and_gets_its_mail_when_approved(
    session: Session,
) -> None:
    one = account(group_id=group_with_approval())
    assert fresh(session, one).approval_state == ApprovalState.WAITING
    assert mails(session) == []
    with transaction() as work:
        assert accounts.approve_customers(work, [one.id], actor=COMMAND_LINE) == 1
        assert accounts.approve_customers(work, [one.id], actor=COMMAND_LINE) == 0
    assert fresh(session, one).approval_state == ApprovalState.APPROVED
    assert states(session) == [("karin@example.com", MailState.WAITING)]
    [told] = [e for e in history(session, one.id) if e.action == "state changed"]
    assert told.changes == {"approval_state": ["waiting", "approved"]}


def test_a_rejection_keeps_its_reason_and_can_be_taken_back_by_approving(session: Session) -> None:
    one = account(group_id=group_with_approval())
    with pytest.raises(Refused, match="Reason is missing"), transaction() as work:
        accounts.reject_customers(work, [one.id], reason="  ", actor=COMMAND_LINE)
    with transaction() as work:
        accounts.reject_customers(work, [one.id], reason="No trade licence", actor=COMMAND_LINE)
    [told] = [e for e in history(session, one.id) if e.action == "state changed"]
    assert told.reason == "No trade licence"
    assert mails(session) == []
    with transaction() as work:
        assert accounts.reject_customers(work, [one.id], reason="x", actor=COMMAND_LINE) == 0
        assert accounts.approve_customers(work, [one.id], actor=COMMAND_LINE) == 1
    assert len(mails(session)) == 1


def test_who_moves_to_a_group_without_approval_waits_no_longer(session: Session) -> None:
    one = account(group_id=group_with_approval())
    change(one, group_id=None)
    assert fresh(session, one).approval_state == ApprovalState.NOT_NEEDED
    assert len(mails(session)) == 1


@pytest.mark.parametrize("role", RoleName)
def test_who_may_edit_customers_may_do_all_this_and_nobody_else(
    session: Session, role: RoleName
) -> None:
    waiting = account(group_id=group_with_approval())
    entered = account(email="b@example.com")
    actor = Actor("somebody", ROLE_PERMISSIONS[role], Channel.PANEL)
    steps: list[Callable[[Session], object]] = [
        lambda work: accounts.send_password_reset(work, [entered.id], actor=actor),
        lambda work: accounts.send_registration(work, [entered.id], actor=actor),
        lambda work: accounts.reject_customers(work, [waiting.id], reason="x", actor=actor),
        lambda work: accounts.approve_customers(work, [waiting.id], actor=actor),
        lambda work: operations.update_customers(
            work, [CustomerUpdate(entered.id, credentials=Credentials(PASSWORD))], actor=actor
        ),
    ]
    for step in steps:
        if Permission.CUSTOMERS_EDIT in actor.permissions:
            with transaction() as work:
                step(work)
        else:
            with pytest.raises(NotAllowed), transaction() as work:
                step(work)
    made = session.scalars(select(OutboxMessage.created_by_label)).all()
    assert ("somebody" in made) == (Permission.CUSTOMERS_EDIT in actor.permissions)
