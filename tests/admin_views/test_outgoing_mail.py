"""Outgoing mail in the panel: for administrators, with everything but the links."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.extensions import transaction
from app.outbox import operations
from app.outbox.models import MailState
from tests.outbox.letters import message, queued

AsRole = Callable[..., FlaskClient]


@pytest.fixture
def administrator(as_role: AsRole) -> FlaskClient:
    return as_role("administrator")


def act(client: FlaskClient, action: str, *ids: int) -> str:
    data = {"action": action, "rowid": [str(one) for one in ids], "_confirmed": "yes"}
    return client.post("/admin/outgoing_mail/action/", data=data, follow_redirects=True).text


def test_the_list_and_the_page_tell_everything_but_the_link(
    session: Session, administrator: FlaskClient
) -> None:
    number = queued(subject="<b>Your account</b>")
    with transaction() as work:
        operations.claim_next(work)
    with transaction() as work:
        operations.note_failed(work, number, "451 Grey listed", for_good=False)
    list_page = administrator.get("/admin/outgoing_mail/").text
    page = administrator.get(f"/admin/outgoing_mail/details/?id={number}").text
    for text in (list_page, page):
        assert "karin@example.com" in text
        assert "Waiting" in text
        assert "451 Grey listed" in text
        assert "the-secret-token" not in text
        assert "<b>Your account" not in text
    assert "(one-time link, not shown)" in page


def test_messages_are_found_by_state_purpose_and_recipient(
    session: Session, administrator: FlaskClient
) -> None:
    queued(recipient="first@example.com")
    queued(recipient="second@example.com", purpose="customer password reset")
    for query in ("q=SECOND", "purpose=customer+password+reset", "recipient=second"):
        page = administrator.get(f"/admin/outgoing_mail/?{query}").text
        assert "second@example.com" in page
        assert "first@example.com" not in page
    assert "Nothing fits" in administrator.get("/admin/outgoing_mail/?state=sent").text


def test_a_message_is_cancelled_and_sent_again(
    session: Session, administrator: FlaskClient
) -> None:
    plain, linked = queued(body="No link", secret=None), queued()
    assert "2 messages were cancelled." in act(administrator, "cancel", plain, linked)
    assert "The message is sent now." in act(administrator, "try_again", plain)
    assert message(session, plain).state == MailState.WAITING
    assert "Send a new one from the record" in act(administrator, "try_again", linked)
    page = administrator.get(f"/admin/outgoing_mail/details/?id={linked}").text
    assert "Try again" not in page


def test_what_is_gone_is_not_touched(session: Session, administrator: FlaskClient) -> None:
    assert "no longer there" in act(administrator, "cancel", 999_999)


@pytest.mark.parametrize("role", ["operations", "accounting", "manager"])
def test_others_see_no_outgoing_mail(session: Session, as_role: AsRole, role: str) -> None:
    number = queued()
    client = as_role(role)
    assert client.get("/admin/outgoing_mail/").status_code == 403
    assert client.get(f"/admin/outgoing_mail/details/?id={number}").status_code == 403
    data = {"action": "cancel", "rowid": str(number), "_confirmed": "yes"}
    assert client.post("/admin/outgoing_mail/action/", data=data).status_code == 403
