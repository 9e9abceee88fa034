"""The worklist of duplicates in the panel: filters, side by side, merge, undo, permissions."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from admin_views import duplicates
from app.core.actor import COMMAND_LINE
from app.customers.drafts import CustomerUpdate
from app.customers.duplicate_models import DuplicatePair
from app.customers.models import Customer
from app.customers.operations import delete_customers, update_customers
from app.extensions import transaction
from app.jobs.models import Job
from tests.customers.merging_cases import pair as made_pair
from tests.customers.merging_cases import picture
from tests.customers.people import customer
from tests.sepa.making import iban

AsRole = Callable[..., FlaskClient]
LIST = "/admin/duplicates/"


def page_of(pair_id: int) -> str:
    return f"{LIST}details/?id={pair_id}"


@pytest.fixture
def pair(session: Session) -> DuplicatePair:
    first = customer(first_name="Anna", name="Müller", email="anna@example.com", iban=iban())
    second = customer(first_name="Ana", name="Mueller", email="ana@example.com", memo="At noon")
    return made_pair(first, second)


def form(pair: DuplicatePair, step: str, **given: Any) -> dict[str, Any]:
    """What the page would post."""
    return {
        "id": pair.id,
        "winner": "first",
        "version-first": pair.first.version,
        "version-second": pair.second.version,
        "seen": 0,
        "step": step,
    } | given


def test_the_worklist_shows_both_the_score_and_the_reasons(
    as_role: AsRole, pair: DuplicatePair
) -> None:
    text = as_role("operations").get(LIST).text
    for told in ("Anna Müller", "Ana Mueller", pair.first.number, "Same phone", "80"):
        assert told in text


def test_a_second_click_on_merge_leads_to_what_the_first_one_did(
    as_role: AsRole, pair: DuplicatePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the second request had read the pair before the first one was through."""
    admin, other = as_role("administrator"), as_role("administrator")
    sent = form(pair, "merge")
    merge_now = duplicates.jobs.merge_now

    def overtaken(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(duplicates.jobs, "merge_now", merge_now)
        assert other.post(f"{LIST}merge/", data=sent).status_code == 302
        return merge_now(*args, **kwargs)

    monkeypatch.setattr(duplicates.jobs, "merge_now", overtaken)
    answer = admin.post(f"{LIST}merge/", data=sent)
    assert answer.status_code == 302 and answer.location == page_of(pair.id)
    assert "merged already" in admin.get(answer.location).text


def test_a_record_tells_that_it_may_be_there_twice(as_role: AsRole, pair: DuplicatePair) -> None:
    olga, address = as_role("operations"), f"/admin/individual/details/?id={pair.first_id}"
    hint = f'href="{page_of(pair.id)}"'
    assert hint in olga.get(address).text
    assert "Possible duplicate" not in as_role("manager").get(address).text  # not theirs to decide
    third = customer(first_name="Anne", name="Muller")
    made_pair(pair.first, third)
    page = olga.get(address).text
    assert hint not in page and f'href="{LIST}?q={pair.first.number}"' in page
    with transaction() as work:
        delete_customers(work, [third.id], actor=COMMAND_LINE)
    assert hint in olga.get(address).text
    olga.post(f"{LIST}action/", data={"action": "dismiss", "rowid": pair.id, "_confirmed": "yes"})
    assert "Possible duplicate" not in olga.get(address).text


@pytest.mark.parametrize(
    ("asked", "there"),
    [
        ("score_from=80", True), ("score_from=81", False), ("reason=phone", True),
        ("reason=vat_id", False), ("kind=individual", True), ("kind=business", False),
        ("state=open", True), ("state=dismissed", False), ("q=mueller", True), ("q=nobody", False),
        ("reason=%00", True), ("state=nonsense", True),
    ],
)  # fmt: skip
def test_the_worklist_is_filtered(
    as_role: AsRole, pair: DuplicatePair, asked: str, there: bool
) -> None:
    response = as_role("operations").get(f"{LIST}?{asked}")
    assert response.status_code == 200
    assert (pair.first.number in response.text) == there


def test_the_worklist_asks_no_more_of_the_database_when_it_grows(
    as_role: AsRole, session: Session, queries: Callable[[Callable[[], object]], int]
) -> None:
    people = [customer(first_name=f"Anna {n}") for n in range(12)]
    client = as_role("operations")
    made_pair(*people[:2])
    few = queries(lambda: client.get(LIST))
    for one in people[2:]:
        made_pair(people[0], one)
    assert queries(lambda: client.get(LIST)) == few


def test_the_page_masks_the_iban_and_marks_what_differs(
    as_role: AsRole, pair: DuplicatePair
) -> None:
    full = pair.first.iban
    assert full is not None
    text = as_role("operations").get(page_of(pair.id)).text
    assert full[-4:] in text
    assert full not in text.replace(" ", "")
    assert 'name="take-email"' in text
    assert 'name="take-title"' not in text
    assert full in as_role("administrator").get(page_of(pair.id)).text.replace(" ", "")


def test_a_bank_account_is_taken_without_being_seen(
    as_role: AsRole, session: Session, pair: DuplicatePair
) -> None:
    full = pair.first.iban
    given = {"winner": "second", "take-bank_account": "first"}
    as_role("operations").post(f"{LIST}merge/", data=form(pair, "merge", **given))
    session.rollback()
    assert session.get_one(Customer, pair.second_id).iban == full


def test_the_preview_writes_nothing_and_keeps_the_choices(
    as_role: AsRole, session: Session, pair: DuplicatePair
) -> None:
    before = picture(session)
    data = form(pair, "preview", **{"take-email": "second"})
    text = as_role("operations").post(f"{LIST}merge/", data=data).text
    assert picture(session) == before
    assert "anna@example.com is not taken" in text
    assert 'name="take-email" value="second"' in text


def test_merge_and_undo(as_role: AsRole, session: Session, pair: DuplicatePair) -> None:
    before = picture(session)
    client = as_role("operations")
    response = client.post(f"{LIST}merge/", data=form(pair, "merge", **{"take-email": "second"}))
    assert response.status_code == 302
    text = client.get(response.location).text
    assert f"{pair.second.number} merged into {pair.first.number}" in text
    job_id = session.query(Job.id).scalar()
    assert page_of(pair.id) in client.get(f"/admin/jobs/details/?id={job_id}").text
    led = client.get(f"/customers/{pair.second.number}", follow_redirects=True)
    assert f"was merged into customer {pair.first.number}" in led.text
    assert "ana@example.com" in led.text
    undo = {"action": "undo", "rowid": pair.id, "_confirmed": "yes"}
    told = client.post(f"{LIST}action/", data=undo, follow_redirects=True).text
    assert "both customers are as they were" in told
    assert picture(session) == before


def test_an_undo_that_would_lose_work_is_refused_with_the_way_there(
    as_role: AsRole, session: Session, pair: DuplicatePair
) -> None:
    client = as_role("operations")
    client.post(f"{LIST}merge/", data=form(pair, "merge"))
    with transaction() as writing:
        update = CustomerUpdate(pair.first_id, {"memo": "Since"})
        update_customers(writing, [update], actor=COMMAND_LINE)
    undo = {"action": "undo", "rowid": pair.id, "_confirmed": "yes"}
    told = client.post(f"{LIST}action/", data=undo, follow_redirects=True).text
    assert "was changed after the merge" in told
    assert f"/customers/{pair.first.number}" in told


def test_who_was_overtaken_sees_what_changed_and_keeps_the_choices(
    as_role: AsRole, session: Session, pair: DuplicatePair
) -> None:
    data = form(pair, "merge", **{"take-email": "second"})
    with transaction() as writing:
        update = CustomerUpdate(pair.second_id, {"memo": "Never before ten"})
        update_customers(writing, [update], actor=COMMAND_LINE)
    before = picture(session)
    response = as_role("operations").post(f"{LIST}merge/", data=data)
    assert response.status_code == 409
    assert "Never before ten" in response.text
    assert "Memo" in response.text
    assert 'name="take-email" value="second" aria-label="Email of ' in response.text
    assert picture(session) == before


def test_a_refused_merge_says_why_and_keeps_the_page(
    as_role: AsRole, session: Session, pair: DuplicatePair
) -> None:
    with transaction() as writing:
        update = CustomerUpdate(pair.second_id, {"payment_method": "SEPA direct debit",
                                                 "iban": iban()})  # fmt: skip
        update_customers(writing, [update], actor=COMMAND_LINE)
        update = CustomerUpdate(pair.first_id, {"iban": None})
        update_customers(writing, [update], actor=COMMAND_LINE)
    session.rollback()
    given = {"take-payment_method": "second", "take-bank_account": "first"}
    client = as_role("operations")
    text = client.post(f"{LIST}merge/", data=form(pair, "preview", **given)).text
    assert "SEPA direct debit needs an IBAN" in text
    assert 'value="merge"' not in text
    response = client.post(f"{LIST}merge/", data=form(pair, "merge", **given))
    assert response.status_code == 422
    assert "SEPA direct debit needs an IBAN" in response.text


def test_dismissed_and_taken_up_again(
    as_role: AsRole, session: Session, pair: DuplicatePair
) -> None:
    client = as_role("operations")
    data = {"action": "dismiss", "rowid": pair.id, "reason": "Sisters", "_confirmed": "yes"}
    client.post(f"{LIST}action/", data=data)
    assert pair.first.number not in client.get(LIST).text
    assert pair.first.number in client.get(f"{LIST}?state=dismissed").text
    assert "Sisters" in client.get(page_of(pair.id)).text
    client.post(f"{LIST}action/", data={"action": "again", "rowid": pair.id})
    assert pair.first.number in client.get(LIST).text


@pytest.mark.parametrize(
    "given",
    [
        {"winner": "third"}, {"version-first": "x"}, {"version-first": "77"}, {"seen": "\0"},
        {"address": ["1", "x", "9" * 40, "-1"]}, {"take-email": "\0"}, {"take-email": "a" * 5000},
        {"product": "7", "company": "\0"}, {"seen": "9" * 30},
    ],
)  # fmt: skip
@pytest.mark.parametrize("step", ["preview", "back", "merge", "nonsense"])
def test_nonsense_in_the_form_is_no_fault_of_ours(
    as_role: AsRole, pair: DuplicatePair, step: str, given: dict[str, Any]
) -> None:
    response = as_role("operations").post(f"{LIST}merge/", data=form(pair, step, **given))
    assert response.status_code < 500


@pytest.mark.parametrize("id", ["0", "x", "9" * 30, "\0", ""])
def test_a_pair_that_is_not_there_is_not_found(as_role: AsRole, id: str) -> None:
    client = as_role("operations")
    assert client.get(f"{LIST}details/", query_string={"id": id}).status_code == 404
    assert client.post(f"{LIST}merge/", data={"id": id, "step": "merge"}).status_code == 404


def test_two_merges_at_once_are_one(as_role: AsRole, pair: DuplicatePair) -> None:
    client = as_role("operations")
    data = form(pair, "merge")
    client.post(f"{LIST}merge/", data=data)
    told = client.post(f"{LIST}merge/", data=data, follow_redirects=True).text
    assert "merged already" in told


@pytest.mark.parametrize("role", ["accounting", "manager"])
def test_others_have_no_worklist(as_role: AsRole, pair: DuplicatePair, role: str) -> None:
    client = as_role(role)
    assert client.get(LIST).status_code == 403
    assert client.post(f"{LIST}merge/", data=form(pair, "merge")).status_code == 403
    undo = {"action": "undo", "rowid": pair.id, "_confirmed": "yes"}
    assert client.post(f"{LIST}action/", data=undo).status_code == 403


def test_looking_from_the_page(
    as_role: AsRole, session: Session, run_jobs: Callable[[], int]
) -> None:
    customer(first_name="Anna", telephone_private="+49301")
    customer(first_name="Otto", business_telephone="+49301")
    client = as_role("operations")
    assert "Nobody has looked" in client.get(LIST).text
    assert "Waiting for a worker" in client.post(f"{LIST}find/", follow_redirects=True).text
    again = client.post(f"{LIST}find/", follow_redirects=True).text
    assert "is looking for duplicates already" in again
    assert "is looking for duplicates" in as_role("operations").get(LIST).text
    run_jobs()
    text = client.get(LIST).text
    assert "2 customers compared" in text
    assert "Same phone" in text


def test_a_search_that_found_nobody_says_so(
    as_role: AsRole, session: Session, run_jobs: Callable[[], int]
) -> None:
    client = as_role("operations")
    client.post(f"{LIST}find/")
    run_jobs()
    text = client.get(LIST).text
    assert "No pair waits for a decision" in text and "appear here" not in text
