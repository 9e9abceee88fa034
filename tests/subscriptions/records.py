"""Customers, journals and authorizations for the tests of this room."""

from itertools import count
from typing import Any

from sqlalchemy.orm import Session

from app.catalogue.models import Journal
from app.catalogue.operations_journals import title_values
from app.core import clock
from app.core.actor import COMMAND_LINE
from app.core.text import fold, sort_key
from app.customers.models import Customer
from app.subscriptions.authorizations import create_authorizations
from app.subscriptions.drafts import AuthorizationDraft, read_coverage
from app.subscriptions.merging import coverage_of
from app.subscriptions.models import Basis, Subscription

_numbers = count(1)
_ISSNS = ("0031-5117", "0340-5443", "1867-6936", "0256-7679", "0342-4642", "0005-8912")


def institution(session: Session, name: str = "") -> Customer:
    """A perpetual customer."""
    number = next(_numbers)
    name = name or f"University {number}"
    customer = Customer(
        number=f"T{number}",
        kind="perpetual",
        company_name=name,
        created_at=clock.now(),
        changed_at=clock.now(),
        search_text=name.lower(),
        sort_name=sort_key(name),
        name_key=fold(name),
    )
    session.add(customer)
    session.flush()
    return customer


def journal(session: Session, title: str = "Acta", issn: str = _ISSNS[0]) -> Journal:
    """A journal with a print ISSN."""
    made = Journal(print_issn=issn, **title_values(title))
    session.add(made)
    session.flush()
    return made


def right(
    customer: Customer, journal: Journal, start: str = "", end: str = "", **values: Any
) -> AuthorizationDraft:
    """A journal authorization to be."""
    plain = {name: values.pop(name) for name in ("basis", "note", "id") if name in values}
    coverage = read_coverage({"coverage_from": start, "coverage_to": end, **values})
    return AuthorizationDraft(
        customer.id, journal.id, plain.pop("basis", Basis.PURCHASE), coverage, **plain
    )


def grant(session: Session, *drafts: AuthorizationDraft) -> list[int]:
    """Store authorizations; their numbers."""
    return create_authorizations(session, drafts, actor=COMMAND_LINE)


def merged(session: Session) -> list[str]:
    """All merged rows in words: \'2010/2014 < 1 2\'."""
    session.expire_all()
    rows = session.query(Subscription).filter_by(source="perpetual")
    return sorted(
        f"{row.coverage_from or ''}/{row.coverage_to or ''}"
        f" < {' '.join(str(one.id) for one in row.sources)}"
        for row in rows
    )


def as_told(session: Session) -> list[tuple[Any, ...]]:
    """All merged rows with the coverage and basis of their sources, but without numbers."""
    session.expire_all()
    rows = session.query(Subscription).filter_by(source="perpetual")
    return sorted(
        (
            row.customer_id,
            row.journal_id,
            repr(coverage_of(row)),
            row.volume_only,
            sorted((one.basis, repr(coverage_of(one))) for one in row.sources),
        )
        for row in rows
    )
