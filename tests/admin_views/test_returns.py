"""Returns in the panel: the work list, the record, each step, many at once, who sees what."""

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.billing.models import Invoice, InvoiceState
from app.extensions import transaction
from app.jobs.models import Job
from app.sepa.models import Collection
from tests.sepa import making
from tests.sepa.returning import end, handed_in
from tests.transfer.exporting import records

LIST, DONE = "/admin/returns/", "/admin/returns_done/"
AsRole = Callable[..., FlaskClient]
Codes = tuple[str | None, ...]


@pytest.fixture(autouse=True)
def _now(clock: Callable[[datetime], None]) -> None:
    clock(making.NOW)


@pytest.fixture
def returns(app: Flask) -> Callable[..., list[int]]:
    """Make returns with these codes; the ids of their collections."""

    def make(*codes: str | None) -> list[int]:
        with app.app_context(), transaction() as session:
            account = making.account(session, label="Main")
            for _ in codes:
                making.debtor(session, "10.00")
            some = making.collections(session, handed_in(session, account=account).id)
            for one, code in zip(some, codes, strict=True):
                end(
                    session, [one], code, fee=Decimal("3.00"), reason_text=f"Text <b>{one.id}</b>",
                    ended_on=making.NOW.date(),
                )  # fmt: skip
            return [one.id for one in some]

    return make


def act(client: FlaskClient, one: int, action: str, note: str = "") -> str:
    data = {"action": action, "rowid": one, "_confirmed": "yes", "note": note}
    return client.post(f"{LIST}action/", data=data, follow_redirects=True).text


def state_of(session: Session, one: int) -> str:
    session.rollback()
    wanted = select(Invoice.state).join(Collection, Collection.invoice_id == Invoice.id)
    return str(session.scalar(wanted.where(Collection.id == one)))


def test_the_list_tells_what_came_back_why_and_where_it_is_mended(
    as_role: AsRole, returns: Callable[..., list[int]]
) -> None:
    returns("AM04", "AC01", None)
    page = as_role("accounting").get(LIST).text
    assert "Not enough money on the account" in page
    assert "AM04 · Text &lt;b&gt;" in page
    assert "No reason given" in page
    assert "attempt 1 of 2" in page
    assert "8 weeks" in page
    [mend] = re.findall(r'href="(/admin/individual/edit/[^"]+)"', page)
    form = as_role("accounting").get(mend.replace("&amp;", "&"))
    assert form.status_code == 200
    assert 'name="iban"' in form.text
    assert "%2Fadmin%2Freturns%2F" in mend


def test_the_list_adds_up_and_leads_to_the_parts(
    as_role: AsRole, returns: Callable[..., list[int]]
) -> None:
    returns("AM04", "AM04", "MD06")
    client = as_role("manager")
    told = client.get(f"{LIST}sums/").text
    assert "30.00" in told
    assert "9.00" in told
    assert f"{LIST}?todo=objection" in told
    assert "20.00" in client.get(f"{LIST}sums/?todo=again").text


def test_the_menu_and_the_first_page_count_what_waits(
    as_role: AsRole, returns: Callable[..., list[int]]
) -> None:
    returns("AM04", "MD06")
    page = as_role("accounting").get("/admin/").text
    assert "Returns to work off" in page
    assert re.search(r'k-menu-count">2<', page)


def test_a_return_is_collected_again_from_its_row_and_leaves_the_list(
    as_role: AsRole, returns: Callable[..., list[int]], session: Session
) -> None:
    [one, other] = returns("AM04", "MD06")
    client = as_role("accounting")
    page = client.get(LIST).text
    assert f"rowid={one}" in page[page.index('value="again"') - 300 :]
    assert page.count('value="again"') == 2  # the row's, and the one for many
    assert "worked off: collect again" in act(client, one, "again")
    assert state_of(session, one) == InvoiceState.OPEN
    assert "Worked off" in client.get(f"{LIST}details/?id={one}").text
    assert f"id={one}" not in client.get(LIST).text
    assert "Collect again" in client.get(DONE).text
    assert "reopen it with a reason" in act(client, other, "again")


def test_the_second_person_is_told_and_a_repeated_post_changes_nothing(
    as_role: AsRole, returns: Callable[..., list[int]], session: Session
) -> None:
    [one] = returns("MD06")
    assert "worked off: paid otherwise" in act(as_role("accounting"), one, "paid", "Cash")
    told = act(as_role("accounting", name="Second"), one, "reopen", "I know better")
    assert "already: Paid otherwise: Cash" in told
    assert state_of(session, one) == InvoiceState.PAID


@pytest.mark.parametrize(
    ("action", "note", "told"),
    [
        ("reopen", "", "Note is missing"),
        ("done", " ", "Note is missing"),
        ("written-off", "x" * 5000, "at most 400"),
        ("reopen", "a\x00b", "worked off"),
    ],
)
def test_a_bad_note_is_refused_in_words(
    as_role: AsRole, returns: Callable[..., list[int]], action: str, note: str, told: str
) -> None:
    [one] = returns("MD06")
    assert told in act(as_role("accounting"), one, action, note)


def test_the_record_says_what_to_do_and_shows_our_own_duplicate(
    as_role: AsRole, returns: Callable[..., list[int]], app: Flask
) -> None:
    with app.app_context(), transaction() as session:
        account = making.account(session)
        first = making.debtor(session, "12.00")
        making.invoice(session, first.customer, "12.00")
        number = first.number
        some = making.collections(session, handed_in(session, account=account).id)
        twice = next(one for one in some if one.invoice_id != first.id)
        end(session, [twice], "AM05")
        key = twice.id
    page = as_role("accounting").get(f"{LIST}details/?id={key}").text
    assert "Find our own duplicate first" in page
    assert f"Invoice {number}" in page
    assert "Collect again?" in page


def test_all_found_are_worked_off_by_one_job_with_a_preview(
    as_role: AsRole,
    returns: Callable[..., list[int]],
    session: Session,
    run_jobs: Callable[[], int],
) -> None:
    some = returns("AM04", "MS03", "MD06")
    client = as_role("accounting")
    page = client.get(f"{LIST}work-off/?change=again").text
    assert "1 of them cannot be collected again" in page
    form = dict(re.findall(r'name="(token|max_id|found|change)" value="([^"]*)"', page))
    for _ in range(2):
        answer = client.post(f"{LIST}work-off/start/", data=form)
        assert answer.status_code == 302
    assert session.scalar(select(func.count(Job.id))) == 1
    run_jobs()
    assert [state_of(session, one) for one in some] == ["open", "open", "returned"]
    told = client.get(answer.headers["Location"]).text
    assert "Collect again" in told
    assert "reopen it with a reason" in told


def test_the_ticked_ones_are_reopened_with_a_reason(
    as_role: AsRole,
    returns: Callable[..., list[int]],
    session: Session,
    run_jobs: Callable[[], int],
) -> None:
    some = returns("MD06", "MD06", "MD06")
    client = as_role("accounting")
    page = client.post(f"{LIST}work-off/", data={"change": "reopen", "rowid": some[:2]}).text
    form = dict(re.findall(r'name="(token|max_id|found|change)" value="([^"]*)"', page))
    form["rowid"] = [str(one) for one in some[:2]]  # type: ignore[assignment]
    refused = client.post(f"{LIST}work-off/start/", data=form)
    assert "Note is missing" in refused.text
    client.post(f"{LIST}work-off/start/", data=form | {"note": "All agreed"})
    run_jobs()
    assert [state_of(session, one) for one in some] == ["open", "open", "returned"]


def test_whoever_may_not_work_off_sees_no_button_and_is_refused(
    as_role: AsRole, returns: Callable[..., list[int]]
) -> None:
    [one] = returns("AM04")
    manager = as_role("manager")
    page = manager.get(LIST).text
    assert "Not enough money" in page
    assert 'value="again"' not in page
    assert manager.get(f"{LIST}work-off/?change=again").status_code == 403
    answer = manager.post(f"{LIST}action/", data={"action": "paid", "rowid": one})
    assert answer.status_code == 403
    assert as_role("operations").get(LIST).status_code == 403


def test_the_account_is_masked_for_whoever_may_not_see_it(
    as_role: AsRole, returns: Callable[..., list[int]], session: Session
) -> None:
    [one] = returns("AM04")
    iban = session.scalar(select(Collection.iban).where(Collection.id == one)) or ""
    manager = as_role("manager").get(f"{LIST}details/?id={one}").text
    assert iban[-4:] in manager
    assert iban not in manager.replace(" ", "")
    assert iban in as_role("accounting").get(f"{LIST}details/?id={one}").text.replace(" ", "")


def test_invoice_and_customer_tell_of_reason_text_and_fee(
    as_role: AsRole, returns: Callable[..., list[int]], session: Session
) -> None:
    [one] = returns("AM04")
    row = session.get_one(Collection, one)
    invoice, customer = row.invoice_id, row.customer_id
    client = as_role("accounting")
    tab = client.get(f"/admin/invoices/tab/?id={invoice}&tab=returns").text
    assert "Not enough money on the account" in tab
    assert "fee 3.00" in tab
    timeline = client.get(f"/admin/individual/tab/?id={customer}&tab=timeline").text
    assert "AM04, not enough money on the account" in timeline
    assert "fee 3.00" in timeline
    assert "pain.002 of the bank" in timeline
    act(client, one, "done", "Wrote a letter")
    timeline = client.get(f"/admin/individual/tab/?id={customer}&tab=timeline").text
    assert "Wrote a letter" in timeline


def test_returns_leave_in_words_with_their_attempts(
    as_role: AsRole, returns: Callable[..., list[int]]
) -> None:
    returns("AM04", None)
    client = as_role("manager")
    first, second = records(
        client.get("/admin/exports/start/?list_name=returns&ended_from=01.01.2026").data
    )
    assert (first["Reason code"], first["What to do"]) == ("AM04", "Collect again")
    assert (first["Attempts"], first["Fee"], first["Amount"]) == (1, 3, 10)
    assert second["What to do"] == "Look into it"
    [only] = records(client.get("/admin/exports/start/?list_name=returns&run=DD&code=AM04").data)
    assert only["Reason"] == "not enough money on the account"


def test_a_page_of_returns_takes_as_many_queries_for_two_as_for_twenty(
    as_role: AsRole, returns: Callable[..., list[int]], queries: Callable[..., int]
) -> None:
    client = as_role("accounting")
    returns("AM04", "MD06")
    few = queries(lambda: client.get(LIST))
    with client.application.app_context(), transaction() as session:
        for _ in range(18):
            making.debtor(session)
        end(session, making.collections(session, handed_in(session).id), "AC01")
    assert queries(lambda: client.get(LIST)) == few


@pytest.mark.parametrize(
    "address",
    [
        f"{LIST}?code=%00&todo=x&amount_from=abc&ended_from=99.99.2026&q=%00",
        f"{LIST}details/?id=99999999999999999999999",
        f"{LIST}work-off/?change=nothing",
        f"{LIST}sums/?todo=x",
        f"{DONE}?sort=ended",
    ],
)
def test_hostile_addresses_are_answered_in_words(as_role: AsRole, address: str) -> None:
    assert as_role("accounting").get(address).status_code in (200, 404)
