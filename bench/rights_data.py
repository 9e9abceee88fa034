"""Customers, journals, rights and subscriptions to measure the merge and the list with."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session
from stdnum import issn

from bench.data import analyse
from bench.installation import EMAIL, PASSWORD, Installation
from bench.timing import say

# What the merge is measured with (domain.md, section 4), and how long the list gets.
CUSTOMERS, JOURNALS, AUTHORIZATIONS, ROWS = 1_000, 10_000, 100_000, 1_000_000
# Whose form is saved: so many authorizations.
OF_ONE = 500
BUYERS = 20_000
AT_ONCE = 10_000
MADE = datetime(2024, 1, 1, 8, tzinfo=UTC)
STATUSES = ("active",) * 6 + ("expired",) * 2 + ("draft", "cancelled")


def prepare_rights(installation: Installation) -> None:
    """Customers, journals and authorizations that nothing was merged from yet."""
    installation.command("db", "upgrade")
    installation.command("seed", "basics")
    app = installation.application()
    with app.app_context():
        from app.extensions import db

        session = db.session()
        if not _count(session, "operators"):
            made = ("operator", "create", EMAIL, "--role", "administrator", "--password-stdin")
            session.rollback()
            installation.command(*made, given=PASSWORD)
        if not _count(session, "journals"):
            say("customers, journals and authorizations are made")
            _institutions(session)
            _many(session, "journals", _journals())
            _many(session, "authorizations", _authorizations(session))
            analyse(session)
        session.rollback()
        missing = BUYERS - (_count(session, "customers") - CUSTOMERS)
        session.rollback()
        if missing > 0:
            installation.command("seed", "customers", "--count", str(missing), "--seed", "5")
        db.session.remove()
        db.engine.dispose()


def forget_merged(installation: Installation) -> None:
    """Take away what an earlier run has merged, so that the next one merges from nothing."""
    app = installation.application()
    with app.app_context():
        from app.extensions import db

        session = db.session()
        rows = _table("subscriptions")
        session.execute(delete(_table("subscription_sources")))
        session.execute(delete(rows).where(rows.c.source == "perpetual"))
        session.commit()
        db.session.remove()
        db.engine.dispose()


def prepare_list(session: Session) -> None:
    """Ordinary subscriptions besides, until the list has a million rows."""
    missing = ROWS - _count(session, "subscriptions")
    if missing > 0:
        say(f"{missing:,} ordinary subscriptions are made")
        _many(session, "subscriptions", _subscriptions(session, missing))
        analyse(session)
    session.rollback()


def customer_with_rights(session: Session) -> int:
    """The customer whose form has `OF_ONE` authorizations."""
    from app.customers.models import Customer

    found = session.scalars(select(Customer.id).order_by(Customer.id).limit(1)).one()
    session.rollback()
    return found


def _table(name: str) -> Any:
    from app.core.database import Base

    return Base.metadata.tables[name]


def _count(session: Session, name: str) -> int:
    return session.scalar(select(func.count()).select_from(_table(name))) or 0


def _many(session: Session, name: str, rows: Iterator[dict[str, Any]]) -> None:
    some: list[dict[str, Any]] = []
    for row in rows:
        some.append(row)
        if len(some) == AT_ONCE:
            session.execute(insert(_table(name)), some)
            some = []
    if some:
        session.execute(insert(_table(name)), some)
    session.commit()


def _institutions(session: Session) -> None:
    from app.core.actor import COMMAND_LINE
    from app.customers.drafts import CustomerDraft
    from app.customers.operations import create_customers

    drafts = [
        CustomerDraft("perpetual", {"company_name": f"University Library {place:04}"})
        for place in range(CUSTOMERS)
    ]
    create_customers(session, drafts, actor=COMMAND_LINE)
    session.commit()


def _journals() -> Iterator[dict[str, Any]]:
    for place in range(JOURNALS):
        digits = f"{9_000_000 + place:07}"
        title = f"{_WORDS[place % len(_WORDS)]} of {_FIELDS[place // 10 % len(_FIELDS)]} {place:05}"
        yield {
            "print_issn": f"{digits[:4]}-{digits[4:]}{issn.calc_check_digit(digits)}",
            "title": title,
            "title_key": title.lower(),
            "sort_title": title.lower(),
            "version": 1,
        }


_WORDS = ("Annals", "Journal", "Archive", "Review", "Letters", "Studies", "Bulletin", "Acta",
          "Proceedings", "Quarterly")  # fmt: skip
_FIELDS = ("Chemistry", "Physics", "Botany", "Law", "Medicine", "History", "Geology", "Music",
           "Economics", "Theology", "Zoology", "Logic")  # fmt: skip


def _authorizations(session: Session) -> Iterator[dict[str, Any]]:
    """Years, months, days, open ends and volumes alone; the first customer has `OF_ONE` of them."""
    chance = random.Random(4)
    customers = list(session.scalars(select(_table("customers").c.id).order_by("id")))
    journals = list(session.scalars(select(_table("journals").c.id).order_by("id")))
    first, *others = customers
    for place in range(OF_ONE):
        yield _authorization(first, journals[place // 5], chance)
    for place in range(AUTHORIZATIONS - OF_ONE):
        # Three rights of a customer to a journal, on the average of the holdings of libraries.
        customer = others[place // 3 * 7919 % len(others)]
        yield _authorization(customer, journals[place // 3 * 31 % len(journals)], chance)


def _authorization(customer: int, journal: int, chance: random.Random) -> dict[str, Any]:
    from app.catalogue.coverage import Coverage
    from app.core.partial_date import PartialDate
    from app.subscriptions.merging import coverage_columns

    begin = chance.randint(1950, 2020)
    length = chance.randint(0, 6)
    shape = chance.randrange(10)
    if shape < 5:
        coverage = Coverage(PartialDate(begin), PartialDate(begin + length))
    elif shape < 7:
        coverage = Coverage(PartialDate(begin, 3), PartialDate(begin + length, 9))
    elif shape < 8:
        coverage = Coverage(PartialDate(begin, 3, 1), PartialDate(begin + length, 8, 31))
    elif shape < 9:
        coverage = Coverage(PartialDate(begin))
    else:
        coverage = Coverage(first_volume=str(length + 1), last_volume=str(length + 5))
    return {
        "customer_id": customer,
        "journal_id": journal,
        "basis": "purchase",
        "created_at": MADE,
        **coverage_columns(coverage),
    }


def _subscriptions(session: Session, count: int) -> Iterator[dict[str, Any]]:
    chance = random.Random(5)
    customers = list(session.scalars(select(_table("customers").c.id).order_by("id")))
    journals = list(session.scalars(select(_table("journals").c.id).order_by("id")))
    for _ in range(count):
        begin = date(2019, 1, 1) + timedelta(days=chance.randrange(2700))
        last = begin + timedelta(days=364)
        yield {
            "customer_id": customers[chance.randrange(len(customers))],
            "journal_id": journals[int(len(journals) * chance.random() ** 2)],
            "source": "ordinary",
            "status": chance.choice(STATUSES),
            "term_from": begin,
            "term_to": last,
            "coverage_from": str(begin),
            "coverage_to": str(last),
            "first_day": begin,
            "last_day": last,
            "copies": 1,
            "price": Decimal("99.00"),
            "version": 1,
            "created_at": MADE,
        }
