"""The rows of the lists of what was done: imports, exports, jobs, mail, and pairs of customers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, case, func
from sqlalchemy.orm import Session, aliased

from app.audit.models import AuditEntry
from app.core.listing import Criteria, Listing
from app.core.models import StoredFile
from app.core.permissions import PERMISSION_LABELS, Permission
from app.customers.choices import CustomerKind
from app.customers.duplicate_models import DuplicatePair
from app.customers.duplicate_pairs import OPEN_PAIRS, STATE_LABELS, WORKLIST
from app.customers.duplicate_rules import LABELS
from app.customers.models import Customer
from app.jobs import queries as job_queries
from app.jobs.models import Job
from app.outbox import queries as mail_queries
from app.outbox.models import OutboxMessage
from app.transfer.columns import TITLES
from app.transfer.columns.base import Column
from app.transfer.columns.lists import DOWNLOADS, DUPLICATES, IMPORTS, JOBS, MAIL, ROLES
from app.transfer.exports.rows import chosen
from app.transfer.exports.streams import stream
from app.transfer.models import Import

_First, _Second = aliased(Customer), aliased(Customer)


@dataclass(frozen=True, slots=True)
class _OpenPairs(Listing):
    """The worklist of the panel: what waits for a decision, unless a state is asked for."""

    def where(self, criteria: Criteria) -> Select[Any]:
        """The pairs asked for. Raises Refused."""
        # By name: a class with slots is made anew, and a bare super() would not find it.
        asked = criteria.filters.get("state")
        listing = self if asked else replace(OPEN_PAIRS, filters=self.filters)
        return Listing.where(listing, criteria)


PAIRS: Listing = _OpenPairs(
    WORKLIST.statement, WORKLIST.filters, WORKLIST.sorts, WORKLIST.default_sort, WORKLIST.search
)


def pair_rows(session: Session, listing: Listing, criteria: Criteria) -> Iterator[Any]:
    """Pairs with number and name of both, and the reasons in words."""
    others = {
        "first_number": _First.number,
        "first": _name_of(_First),
        "second_number": _Second.number,
        "second": _name_of(_Second),
    }
    statement = chosen(listing, criteria, DuplicatePair, DUPLICATES, **others)
    statement = statement.join(_First, _First.id == DuplicatePair.first_id)
    statement = statement.join(_Second, _Second.id == DuplicatePair.second_id)
    found = stream(session, statement)
    signs = {sign.value: label for sign, label in LABELS.items()}
    return _in_words(
        found,
        DUPLICATES,
        reasons=lambda told: "; ".join(signs.get(one, one) for one in told),
        state=_word(STATE_LABELS),
    )


def import_rows(session: Session, listing: Listing, criteria: Criteria) -> Iterator[Any]:
    """Imports with the names of their files."""
    statement = chosen(listing, criteria, Import, IMPORTS, file=StoredFile.name)
    found = stream(session, statement.join(StoredFile, StoredFile.id == Import.file_id))
    return _in_words(found, IMPORTS, kind=_word(TITLES), state=str.capitalize)


def job_rows(session: Session, listing: Listing, criteria: Criteria) -> Iterator[Any]:
    """Jobs with their states in words."""
    found = stream(session, chosen(listing, criteria, Job, JOBS))
    return _in_words(found, JOBS, state=_word(job_queries.STATE_LABELS))


def mail_rows(session: Session, listing: Listing, criteria: Criteria) -> Iterator[Any]:
    """Messages without their texts, which may hold one-time links."""
    found = stream(session, chosen(listing, criteria, OutboxMessage, MAIL))
    return _in_words(
        found,
        MAIL,
        purpose=_word(mail_queries.PURPOSE_LABELS),
        state=_word(mail_queries.STATE_LABELS),
    )


def download_rows(session: Session, listing: Listing, criteria: Criteria) -> Iterator[Any]:
    """The receipts of exports, with what they tell."""
    own = {"list": AuditEntry.entity_label, "by": AuditEntry.actor_label, "at": AuditEntry.at}
    others = {column.field: own.get(column.field, AuditEntry.changes) for column in DOWNLOADS}
    for row in stream(session, chosen(listing, criteria, AuditEntry, DOWNLOADS, **others)):
        yield [
            value if column.field in own else _told(value, column.field)
            for column, value in zip(DOWNLOADS, row, strict=True)
        ]


def role_rows(session: Session, listing: Listing, criteria: Criteria) -> Iterator[Any]:
    """Roles with what they allow, in words."""
    labels = {one.value: PERMISSION_LABELS[one] for one in Permission}

    def allowed(names: list[str]) -> str:
        return "; ".join(labels.get(name, name) for name in names)

    role = listing.statement.column_descriptions[0]["entity"]
    return _in_words(
        stream(session, chosen(listing, criteria, role, ROLES)), ROLES, permissions=allowed
    )


def _name_of(customer: Any) -> Any:
    person = func.coalesce(customer.first_name, "") + " " + func.coalesce(customer.name, "")
    return case(
        (customer.kind != CustomerKind.INDIVIDUAL, customer.company_name), else_=func.trim(person)
    )


def _in_words(
    rows: Iterator[Any], columns: tuple[Column, ...], **words: Any
) -> Iterator[list[Any]]:
    """Rows in which the values of some fields are told by a function; None stays None."""
    tell = [words.get(column.field) for column in columns]
    for row in rows:
        yield [
            value if one is None or value is None else one(value)
            for one, value in zip(tell, row, strict=True)
        ]


def _word(labels: Mapping[Any, str]) -> Any:
    known = {str(value): label for value, label in labels.items()}
    return lambda value: known.get(str(value), str(value))


def _told(changes: Mapping[str, Any], name: str) -> Any:
    """What a receipt tells under a name."""
    value = changes.get(name, [None, None])[1]
    if isinstance(value, list):
        return "; ".join(value) or "The whole list"
    if name == "kept_until" and value:
        return datetime.fromisoformat(value)
    return value
