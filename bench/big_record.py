"""One customer with 10,000 history entries and 5,000 rows that belong to it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session
from stdnum import issn

from bench.timing import say

BIG = "BENCH-RECORD"
HISTORY = 10_000
INVOICES, RIGHTS, TERMS, ADDRESSES, MANDATES, COMPANIES = 3_000, 1_000, 500, 200, 200, 100
JOURNALS = 250
BEGIN = datetime(2020, 1, 1, 8, tzinfo=UTC)


def make_big_record(session: Session) -> int:
    """Write the record unless it is there; how many were written: 1 or 0."""
    from app.core.actor import COMMAND_LINE
    from app.customers.drafts import CustomerDraft
    from app.customers.models import Customer
    from app.customers.operations import create_customers
    from app.extensions import transaction
    from app.subscriptions.authorizations import create_authorizations

    if session.scalar(select(Customer.id).where(Customer.former_number == BIG)):
        session.rollback()
        return 0
    say("the record with 10,000 history entries and 5,000 related rows is made")
    with transaction() as writing:
        values = {"company_name": "Library with a long record", "former_number": BIG,
                  "email": "long.record@example.com"}  # fmt: skip
        draft = CustomerDraft("perpetual", values)
        owner = create_customers(writing, [draft], actor=COMMAND_LINE)[0]
        journals = _journals(writing)
        create_authorizations(writing, list(_rights(owner, journals)), actor=COMMAND_LINE)
        for model, rows in _rows(owner, journals):
            writing.execute(insert(model), rows)
        _history(writing, owner)
    return 1


def _journals(session: Session) -> list[int]:
    from app.catalogue.models import Journal

    rows = []
    for place in range(JOURNALS):
        digits = f"{9_000_000 + place:07}"
        title = f"Journal of measured things {place:03}"
        rows.append(
            {
                "print_issn": f"{digits[:4]}-{digits[4:]}{issn.calc_check_digit(digits)}",
                "title": title,
                "title_key": title.lower(),
                "sort_title": title.lower(),
                "version": 1,
            }
        )
    session.execute(insert(Journal), rows)
    numbers = [row["print_issn"] for row in rows]
    wanted = select(Journal.id).where(Journal.print_issn.in_(numbers)).order_by(Journal.id)
    return list(session.scalars(wanted))


def _rights(owner: int, journals: list[int]) -> Iterator[Any]:
    """Four rights to each journal: two that meet, and two with gaps before them."""
    from app.catalogue.coverage import Coverage
    from app.core.partial_date import PartialDate
    from app.subscriptions.drafts import AuthorizationDraft
    from app.subscriptions.models import Basis

    for place in range(RIGHTS):
        first = (1980, 1990, 2000, 2005)[place % 4]
        span = Coverage(PartialDate(first), PartialDate(first + 4))
        yield AuthorizationDraft(owner, journals[place // 4], Basis.PURCHASE, span)


def _rows(owner: int, journals: list[int]) -> Iterator[tuple[Any, list[dict[str, Any]]]]:
    from app.billing.models import Invoice
    from app.customers.models import Address, CustomerCompany
    from app.sepa.models import Mandate
    from app.subscriptions.models import Subscription

    own = {"customer_id": owner}
    versioned = own | {"version": 1, "created_at": BEGIN}
    yield Invoice, [versioned | one for one in _invoices()]
    yield Subscription, [versioned | one for one in _terms(journals)]
    yield Address, [own | one for one in _addresses()]
    yield Mandate, [versioned | one for one in _mandates()]
    yield (
        CustomerCompany,
        [
            own | {"company_name": f"Publisher {place:03}", "role": "Buyer"}
            for place in range(COMPANIES)
        ],
    )


def _invoices() -> Iterator[dict[str, Any]]:
    for place in range(INVOICES):
        day = date(2020, 1, 1) + timedelta(days=place // 2)
        yield {
            "number": f"BENCH-{place:06}",
            "amount": Decimal(1000 + place) / 100,
            "issued_on": day,
            "due_on": day + timedelta(days=14),
            "state": "open" if place % 10 == 0 else "paid",
        }


def _terms(journals: list[int]) -> Iterator[dict[str, Any]]:
    for place in range(TERMS):
        year = 2024 + place // JOURNALS
        first, last = date(year, 1, 1), date(year, 12, 31)
        yield {
            "journal_id": journals[place % JOURNALS],
            "source": "ordinary",
            "status": "active",
            "term_from": first,
            "term_to": last,
            "coverage_from": str(first),
            "coverage_to": str(last),
            "first_day": first,
            "last_day": last,
            "copies": 1,
            "price": Decimal("99.00"),
        }


def _addresses() -> Iterator[dict[str, Any]]:
    for place in range(ADDRESSES):
        yield {
            "kind": "main" if place == 0 else "shipping",
            "is_default": place < 2,
            "street": f"Hauptstraße {place + 1}",
            "postcode": "80331",
            "place": "München",
            "place_key": "munchen",
            "country": "DE",
        }


def _mandates() -> Iterator[dict[str, Any]]:
    for place in range(MANDATES):
        yield {
            "reference": f"BENCH-{place:06}",
            "iban": "DE89370400440532013000",
            "account_holder": "Library with a long record",
            "scheme": "CORE",
            "type": "recurrent",
            "state": "active" if place == 0 else "cancelled",
            "signed_on": date(2020, 1, 1),
        }


def _history(session: Session, owner: int) -> None:
    """Fill the history up to what is measured; the operations above have told a part of it."""
    from app.audit.models import AuditEntry

    there = session.scalar(select(func.count(AuditEntry.id)).where(AuditEntry.customer_id == owner))
    rows = [
        {
            "at": BEGIN + timedelta(hours=place),
            "actor_label": f"operator{place % 5}@example.com",
            "channel": "panel",
            "action": "changed",
            "entity": "customer",
            "entity_id": owner,
            "entity_label": "Library with a long record",
            "customer_id": owner,
            "changes": {"memo": [f"Note {place}", f"Note {place + 1}"], "rebate": [1, 2]},
        }
        for place in range(HISTORY - (there or 0))
    ]
    session.execute(insert(AuditEntry), rows)
