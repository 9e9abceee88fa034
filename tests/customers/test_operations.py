"""What happens to customers: made, changed, locked, deleted, restored; each told in the history."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.actor import COMMAND_LINE, Actor, Channel
from app.core.errors import Conflict, NotAllowed, NotFound, Problem, Refused
from app.core.permissions import ROLE_PERMISSIONS, Permission, RoleName
from app.customers import guards, operations
from app.customers.drafts import CustomerDraft, CustomerUpdate
from app.customers.models import Address, Customer
from app.customers.operations_reference import save_store
from app.extensions import transaction
from tests.customers.people import customer, history, many

IBAN = "DE89370400440532013000"
ACCOUNTING = Actor("Ari", ROLE_PERMISSIONS[RoleName.ACCOUNTING], Channel.PANEL)
MANAGER = Actor("Mara", ROLE_PERMISSIONS[RoleName.MANAGER], Channel.PANEL)


def update(customer_id: int, actor: Actor = COMMAND_LINE, **given: Any) -> list[int]:
    parts = {
        name: given.pop(name)
        for name in ("addresses", "companies", "product_ids", "version")
        if name in given
    }
    with transaction() as session:
        change = CustomerUpdate(customer_id, given, **parts)
        return operations.update_customers(session, [change], actor=actor)


def delete(*ids: int) -> None:
    with transaction() as session:
        operations.delete_customers(session, ids, actor=COMMAND_LINE)


def problems_of(refusal: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [problem.message for problem in refusal.value.problems]


def test_a_new_customer_has_the_defaults_of_the_manuals(session: Session) -> None:
    with transaction() as work:
        save_store(work, None, name="Main", is_default=True, actor=COMMAND_LINE)
    made = customer(first_name="Ada")
    assert (made.newsletter, made.source, made.active) == (True, "Telephone", True)
    assert made.store is not None and made.store.name == "Main"
    assert made.newsletter_set_by == "command line" and made.newsletter_set_at is not None


def test_a_number_is_never_given_twice_also_after_deleting(session: Session) -> None:
    first, second = customer(), customer()
    delete(first.id)
    third = customer()
    assert len({first.number, second.number, third.number}) == 3


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        ("individual", {"first_name": None}, "First name is missing"),
        ("business", {"company_name": None}, "Company name is missing"),
        ("perpetual", {"company_name": None}, "Company name is missing"),
        ("individual", {"payment_method": "SEPA direct debit"}, "SEPA direct debit needs an IBAN"),
        ("individual", {"invoices_by_email": True}, "Invoices by email need an email address"),
        ("individual", {"memo": "x" * 201}, "Memo is longer than 200 characters"),
        ("individual", {"rebate": 101}, "Rebate is not between 0 and 100"),
        ("individual", {"term_of_payment": 366}, "Term of payment is not between 0 and 365"),
        ("individual", {"alias": "x" * 121}, "Alias is longer than 120 characters"),
    ],
)
def test_what_breaks_a_rule_is_refused_in_words(
    session: Session, kind: str, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(Refused) as refusal, transaction() as work:
        operations.create_customers(work, [CustomerDraft(kind, values)], actor=COMMAND_LINE)
    assert message in problems_of(refusal)
    assert session.scalars(select(Customer)).all() == []


def test_an_email_is_unique_whatever_its_case_and_the_refusal_leads_to_its_holder(
    session: Session,
) -> None:
    holder = customer(email="Ada@Example.com")
    with pytest.raises(Refused) as refusal:
        customer(email="ada@example.COM")
    [problem] = refusal.value.problems
    assert problem.field == "email"
    assert problem.link == (f"Customer {holder.number}", f"/customers/{holder.number}")


def test_a_mobile_phone_is_unique_among_the_living(session: Session) -> None:
    holder = customer(mobile_phone="+491701234567")
    with pytest.raises(Refused):
        customer(mobile_phone="+491701234567")
    delete(holder.id)
    assert customer(mobile_phone="+491701234567").mobile_phone == "+491701234567"


def test_two_new_customers_of_one_batch_cannot_share_an_email(session: Session) -> None:
    with pytest.raises(Refused) as refusal:
        many([("individual", {"email": "a@example.com"}), ("business", {"email": "A@example.com"})])
    assert problems_of(refusal) == ["Email is given twice"]


def test_keeping_ones_own_email_is_no_collision(session: Session) -> None:
    one = customer(email="ada@example.com")
    assert update(one.id, email="ADA@example.com", name="Lovelace") == [one.id]


def test_the_institute_follows_from_the_iban(session: Session) -> None:
    one = customer(iban=IBAN)
    assert (one.bic, one.institute) == ("COBADEFFXXX", "Commerzbank")
    update(one.id, iban=None)
    session.expire_all()
    assert one.institute is None


def test_a_change_is_told_with_old_and_new_and_the_iban_masked(session: Session) -> None:
    one = customer(first_name="Ada", name="Byron")
    update(one.id, name="Lovelace", iban=IBAN)
    changed = history(session, one.id)[-1]
    assert changed.action == "changed"
    assert changed.changes is not None
    assert changed.changes["name"] == ["Byron", "Lovelace"]
    assert changed.changes["iban"][1].endswith("3000")
    assert IBAN not in str([entry.changes for entry in history(session, one.id)])


def test_saving_what_is_stored_already_changes_nothing(session: Session) -> None:
    one = customer(first_name="Ada", addresses=[{"place": "London"}])
    stored = [{"id": a.id, "kind": "main", "place": "London"} for a in one.addresses]
    assert update(one.id, first_name="Ada", addresses=stored) == []
    assert len(history(session, one.id)) == 1


def test_the_first_address_of_a_kind_is_its_default_unless_another_is_marked(
    session: Session,
) -> None:
    one = customer(
        addresses=[
            {"place": "Wien"},
            {"kind": "shipping", "place": "Graz"},
            {"kind": "shipping", "place": "Linz", "is_default": True},
        ]
    )
    assert [a.place for a in one.addresses if a.is_default] == ["Wien", "Linz"]


def test_addresses_are_kept_changed_added_and_removed_in_one_step(session: Session) -> None:
    one = customer(addresses=[{"place": "Wien"}, {"kind": "billing", "place": "Graz"}])
    wien = one.addresses[0].id
    update(one.id, addresses=[{"id": wien, "place": "Wien", "street": "Ring 1"}, {"place": "Rom"}])
    session.expire_all()
    assert [(a.place, a.street, a.is_default) for a in one.addresses] == [
        ("Wien", "Ring 1", True),
        ("Rom", None, False),
    ]
    told = history(session, one.id)[-1].changes
    assert told is not None and told["addresses"][0] == ["main: Wien", "billing: Graz"]


def test_nobody_takes_an_address_away_from_another_customer(session: Session) -> None:
    mine, other = customer(addresses=[{"place": "Wien"}]), customer()
    stolen = mine.addresses[0].id
    update(other.id, addresses=[{"id": stolen, "place": "Rom"}])
    session.expire_all()
    address = session.get_one(Address, stolen)
    assert (address.customer_id, address.place) == (mine.id, "Wien")


def test_a_company_that_is_a_customer_is_told_by_its_number(session: Session) -> None:
    company = customer("business", company_name="Muster GmbH")
    one = customer(companies=[{"company_id": company.id, "role": "buyer"}])
    told = history(session, one.id)[0].changes
    assert told is not None
    assert told["companies"][1] == [f"{company.number} Muster GmbH (buyer)"]


def test_a_later_save_loses_against_an_earlier_one(session: Session) -> None:
    one = customer()
    seen = one.version
    update(one.id, name="First", version=seen)
    with pytest.raises(Conflict):
        update(one.id, name="Second", version=seen)


def test_locking_needs_a_text_and_unlocking_takes_it_away(session: Session) -> None:
    one = customer()
    with pytest.raises(Refused, match="Lock text is missing"), transaction() as work:
        operations.lock_customers(work, [one.id], text="  ", actor=COMMAND_LINE)
    with transaction() as work:
        assert operations.lock_customers(work, [one.id], text="Owes us", actor=COMMAND_LINE) == 1
    session.expire_all()
    assert (one.locked, one.lock_text) == (True, "Owes us")
    with transaction() as work:
        operations.unlock_customers(work, [one.id], actor=COMMAND_LINE)
    session.expire_all()
    assert (one.locked, one.lock_text) == (False, None)
    assert [e.action for e in history(session, one.id)] == ["created", "locked", "unlocked"]


def test_a_deleted_customer_cannot_be_changed(session: Session) -> None:
    one = customer()
    delete(one.id)
    with pytest.raises(NotFound):
        update(one.id, name="Late")


def test_deleting_is_refused_with_the_reason_that_another_room_gives(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = customer()
    reason = Problem("", f"A collection of {one.number} is under way")
    monkeypatch.setattr(guards, "_guards", {})
    guards.register_delete_guard(lambda work, ids: {one.id: reason}, select(Customer.id))
    with pytest.raises(Refused, match="under way"):
        delete(one.id)


def test_restoring_brings_everything_back_unless_the_email_is_taken(session: Session) -> None:
    old = customer(email="ada@example.com", addresses=[{"place": "London"}])
    delete(old.id)
    new = customer(email="ada@example.com")
    with pytest.raises(Refused) as refusal, transaction() as work:
        operations.restore_customer(work, old.id, actor=COMMAND_LINE)
    assert refusal.value.problems[0].link == (f"Customer {new.number}", f"/customers/{new.number}")
    delete(new.id)
    with transaction() as work:
        operations.restore_customer(work, old.id, actor=COMMAND_LINE)
    session.expire_all()
    assert old.deleted_at is None and [a.place for a in old.addresses] == ["London"]
    assert history(session, old.id)[-1].action == "restored"


def test_accounting_changes_bank_details_and_nothing_else(session: Session) -> None:
    one = customer()
    assert update(one.id, ACCOUNTING, iban=IBAN, account_holder="Ada") == [one.id]
    hold = {"collection_hold": True, "collection_hold_reason": "Asked to wait", "notice_days": 5}
    assert update(one.id, ACCOUNTING, **hold) == [one.id]
    with pytest.raises(NotAllowed):
        update(one.id, ACCOUNTING, iban=IBAN, rebate=50)
    for more in ({"addresses": []}, {"companies": []}, {"product_ids": frozenset()}):
        forged = CustomerUpdate(one.id, {"notice_days": 3}, **more)  # type: ignore[arg-type]
        with pytest.raises(NotAllowed), transaction() as work:
            operations.update_customers(work, [forged], actor=ACCOUNTING)


def test_who_may_not_edit_bank_details_edits_the_rest_of_a_customer(session: Session) -> None:
    one = customer(iban=IBAN)
    clerk = Actor("Clerk", frozenset({Permission.CUSTOMERS_EDIT}), Channel.PANEL)
    assert update(one.id, clerk, rebate=5, notice_days=7) == [one.id]
    for field in ("iban", "bic", "account_holder"):
        with pytest.raises(NotAllowed):
            update(one.id, clerk, **{field: None})


def test_a_manager_changes_nothing(session: Session) -> None:
    one = customer()
    with pytest.raises(NotAllowed):
        update(one.id, MANAGER, iban=IBAN)
    with pytest.raises(NotAllowed), transaction() as work:
        operations.delete_customers(work, [one.id], actor=MANAGER)


def test_nobody_is_born_tomorrow(session: Session) -> None:
    customer(date_of_birth=clock.today())
    with pytest.raises(Refused) as refusal:
        customer(date_of_birth=clock.today() + timedelta(days=1))
    assert problems_of(refusal) == ["Date of birth is in the future"]


def test_a_company_is_a_company_and_nobody_belongs_to_themselves(session: Session) -> None:
    press, person = customer("business"), customer()
    for own, wrong in ((person, person), (person, customer()), (press, press)):
        first = [{"company_id": press.id}] if own is person else []
        with pytest.raises(Refused) as refusal:
            update(own.id, companies=[*first, {"company_id": wrong.id}])
        [problem] = refusal.value.problems
        assert problem.message == "This is no company among the customers"
        assert problem.field == f"companies-{len(first)}-company_id"
    with pytest.raises(Refused):
        customer(companies=[{"company_id": 987654321}])
    # Other than one that was stored: a company may have been merged with a person since.
    update(person.id, companies=[{"company_id": press.id}])
    press.kind, press.first_name = "individual", "Paula"
    session.commit()
    update(person.id, companies=[{"company_id": press.id, "role": "Editor"}])


def test_a_dedicated_operator_is_one_there_is(session: Session) -> None:
    for make in (lambda: customer(dedicated_operator_id=987654321),
                 lambda: update(customer().id, dedicated_operator_id=987654321)):  # fmt: skip
        with pytest.raises(Refused) as refusal:
            make()
        assert [one.field for one in refusal.value.problems] == ["dedicated_operator_id"]
