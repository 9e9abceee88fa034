"""The shop account in the panel: form, record, actions, approvals; secrets come back to no page."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.actor import COMMAND_LINE
from app.customers import accounts
from app.customers.drafts import Credentials
from app.customers.models import Customer
from app.customers.operations_reference import save_security_question
from app.extensions import transaction
from app.outbox.models import MailState
from tests.admin_views.test_customers_form import edit, new, only
from tests.customers.accounts import account, change, group_with_approval, mails, token_of
from tests.customers.people import customer, history

AsRole = Callable[..., FlaskClient]
PASSWORD = "five5 or more"


@pytest.fixture
def clerk(as_role: AsRole) -> FlaskClient:
    return as_role("operations")


def question(text: str = "What was your first pet?", active: bool = True) -> str:
    with transaction() as session:
        made = save_security_question(
            session, None, question=text, active=active, actor=COMMAND_LINE
        )
        return str(made.id)


def act(client: FlaskClient, view: str, action: str, *ids: int, **answers: str) -> str:
    data = {"action": action, "rowid": [str(one) for one in ids], "_confirmed": "yes", **answers}
    return client.post(f"/admin/{view}/action/", data=data, follow_redirects=True).text


def tab(client: FlaskClient, one: Customer) -> str:
    return client.get(f"/admin/{one.kind}/tab/?id={one.id}&tab=account").text


def test_a_customer_gets_a_shop_account_by_the_form(session: Session, clerk: FlaskClient) -> None:
    asked = question()
    answer = new(
        clerk, "individual", first_name="Karin", email="karin@example.com", login_allowed="y",
        password=PASSWORD, password_again=PASSWORD, security_question_id=asked,
        security_answer="Bello",
    )  # fmt: skip
    made = only(session)
    assert answer.location.endswith(f"id={made.id}")
    assert accounts.verify_credentials(session, email="karin@example.com", password=PASSWORD)
    assert accounts.verify_answer(made, " bello")
    assert [mail.recipient for mail in mails(session)] == ["karin@example.com"]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"password": "1234", "password_again": "1234"}, "only 4 characters"),
        ({"password": PASSWORD, "password_again": "other"}, "The two passwords differ"),
        ({"password": PASSWORD}, "The two passwords differ"),
        ({"password": "x" * 5000, "password_again": "x" * 5000}, "longer than 128"),
        ({"email": ""}, "Shop login needs an email"),
        ({"security_question_id": "QUESTION"}, "The security answer is missing"),
        ({"security_answer": "Bello"}, "The answer has no security question"),
        ({"security_question_id": "999"}, "This is not, or no longer, among the choices"),
        (
            {"password": PASSWORD, "password_again": PASSWORD, "suppress_registration_email": "y"},
            "opens only after its recovery",
        ),
    ],
)
def test_what_is_wrong_with_an_account_is_said_at_its_place(
    session: Session, clerk: FlaskClient, given: dict[str, str], reason: str
) -> None:
    asked = question()
    filled = {name: asked if value == "QUESTION" else value for name, value in given.items()}
    values = {"first_name": "Karin", "email": "karin@example.com", "login_allowed": "y"} | filled
    answer = new(clerk, "individual", **values)
    assert answer.status_code == 200
    assert reason in answer.text
    assert session.scalars(select(Customer)).all() == []


def test_secrets_come_back_to_no_page_and_the_page_says_so(
    session: Session, clerk: FlaskClient
) -> None:
    answer = new(
        clerk, "individual", first_name="", email="karin@example.com", login_allowed="y",
        password=PASSWORD, password_again=PASSWORD, security_question_id=question(),
        security_answer="Bello",
    )  # fmt: skip
    assert PASSWORD not in answer.text
    assert "Bello" not in answer.text
    assert answer.text.count("What was typed is not kept on this page") == 3


def test_saving_the_form_without_touching_the_password_keeps_it(
    session: Session, clerk: FlaskClient
) -> None:
    one = account(Credentials(PASSWORD, "Bello"), security_question_id=int(question()))
    page = clerk.get(f"/admin/individual/edit/?id={one.id}").text
    assert "argon2" not in page
    assert "There is one; blank leaves it as it is" in page
    edit(clerk, one, name="Klein")
    after = only(session)
    assert after.name == "Klein"
    assert accounts.verify_credentials(session, email="karin@example.com", password=PASSWORD)
    assert accounts.verify_answer(after, "Bello")


def test_questions_no_longer_asked_are_offered_to_who_has_one_only(
    session: Session, clerk: FlaskClient
) -> None:
    old = question("Where did you grow up?", active=False)
    one = account(Credentials(None, "Köln"), security_question_id=int(old))
    assert "Where did you grow up?" in clerk.get(f"/admin/individual/edit/?id={one.id}").text
    assert "Where did you grow up?" not in clerk.get("/admin/individual/new/").text


def test_who_edits_bank_details_alone_sets_no_password(session: Session, as_role: AsRole) -> None:
    one = account()
    accountant = as_role("accounting")
    page = accountant.get(f"/admin/individual/edit/?id={one.id}").text
    assert 'name="password"' not in page
    edit(accountant, one, password=PASSWORD, password_again=PASSWORD, login_allowed="")
    after = only(session)
    assert (after.password_hash, after.login_allowed) == (None, True)


def test_the_record_tells_the_state_of_the_account_and_its_mails(
    session: Session, clerk: FlaskClient
) -> None:
    one = account()
    page = tab(clerk, one)
    assert "The customer has set no password yet" in page
    assert "karin@example.com" in page
    assert "Waiting" in page
    assert token_of(mails(session)[0]) not in page
    change(one, restricted=True)
    assert "The account is restricted" in tab(clerk, one)


def test_a_reset_is_sent_from_the_record_and_names_the_address(
    session: Session, clerk: FlaskClient
) -> None:
    one = account(Credentials(PASSWORD))
    record = clerk.get(f"/admin/individual/details/?id={one.id}").text
    assert "Reset password" in record
    assert "Send registration email again" not in record
    answer = act(clerk, "individual", "reset_password", one.id)
    assert "A link to choose a new password goes to karin@example.com." in answer
    assert mails(session)[-1].purpose == "customer password reset"


def test_the_registration_is_sent_again_until_there_is_a_password(
    session: Session, clerk: FlaskClient
) -> None:
    one = account()
    record = clerk.get(f"/admin/individual/details/?id={one.id}").text
    assert "Send registration email again" in record
    assert ">Reset password" not in record
    answer = act(clerk, "individual", "send_registration", one.id)
    assert "The registration email goes to karin@example.com." in answer
    assert [mail.state for mail in mails(session)] == [MailState.CANCELLED, MailState.WAITING]


def test_no_link_is_offered_or_sent_where_the_account_is_shut(
    session: Session, clerk: FlaskClient
) -> None:
    one = customer(email="karin@example.com")
    record = clerk.get(f"/admin/individual/details/?id={one.id}").text
    assert "Reset password" not in record
    answer = act(clerk, "individual", "reset_password", one.id)
    assert "Shop login is not allowed" in answer
    assert mails(session) == []


def test_approvals_lists_who_waits_and_the_menu_counts_them(
    session: Session, clerk: FlaskClient
) -> None:
    group = group_with_approval()
    waiting = account(group_id=group)
    account(first_name="Olaf", email="olaf@example.com")
    page = clerk.get("/admin/approvals/").text
    assert "Karin Groß" in page
    assert "Olaf" not in page
    assert f"/admin/individual/details/?id={waiting.id}&amp;tab=account" in page
    assert "k-menu-count" in clerk.get("/admin/").text
    record = clerk.get(f"/admin/individual/details/?id={waiting.id}").text
    assert "Waits for approval" in record
    assert "The customer was approved." in act(clerk, "approvals", "approve", waiting.id)
    page = clerk.get("/admin/approvals/").text
    assert "wait here until somebody approves them" in page
    assert "k-menu-count" not in page


def test_several_are_approved_or_rejected_at_once(session: Session, clerk: FlaskClient) -> None:
    group = group_with_approval()
    four = [account(group_id=group, email=f"a{n}@example.com").id for n in range(4)]
    assert "2 customers were approved." in act(clerk, "approvals", "approve", *four[:2])
    answer = act(clerk, "approvals", "reject", *four[2:], reason="No trade licence")
    assert "2 customers were rejected." in answer
    assert {mail.recipient for mail in mails(session)} == {"a0@example.com", "a1@example.com"}
    assert history(session, four[3])[-1].reason == "No trade licence"


def test_of_two_who_decide_the_second_is_told(session: Session, clerk: FlaskClient) -> None:
    one = account(group_id=group_with_approval())
    act(clerk, "individual", "approve", one.id)
    answer = act(clerk, "individual", "reject", one.id, reason="Too late")
    assert "somebody else has decided already" in answer
    session.rollback()
    assert session.get_one(Customer, one.id, populate_existing=True).approval_state == "approved"


@pytest.mark.parametrize("role", ["accounting", "manager"])
def test_who_may_not_edit_customers_sees_no_approvals_and_no_actions(
    session: Session, as_role: AsRole, role: str
) -> None:
    one = account(group_id=group_with_approval())
    client = as_role(role)
    assert client.get("/admin/approvals/").status_code == 403
    record = client.get(f"/admin/individual/details/?id={one.id}").text
    assert "Approve" not in record
    data = {"action": "approve", "rowid": str(one.id), "_confirmed": "yes"}
    assert client.post("/admin/individual/action/", data=data).status_code == 403
