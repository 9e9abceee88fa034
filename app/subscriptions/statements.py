"""Rights statements: what an institution has for ever, as a PDF with a fingerprint."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.models import Action
from app.catalogue.coverage import in_words
from app.catalogue.models import Journal
from app.core.actor import Actor
from app.core.errors import NotFound
from app.core.permissions import Permission
from app.customers.models import Customer
from app.customers.queries import addresses_of
from app.customers.rules import one_line
from app.subscriptions.kbart import file_name
from app.subscriptions.merging import coverage_of
from app.subscriptions.models import (
    Authorization,
    Subscription,
    SubscriptionSource,
    SubscriptionSourceLink,
)

TEMPLATE = Path(__file__).with_name("statement.typ")


@dataclass(frozen=True, slots=True)
class Statement:
    """An issued statement: the PDF, its checksum, and the fingerprint of what it states."""

    name: str
    pdf: bytes
    rights: int
    fingerprint: str
    sha256: str


def issue_statement(
    session: Session, customer_id: int, *, company: str, day: date, at: datetime, actor: Actor
) -> Statement:
    """Set a statement of a customer's perpetual rights; the history keeps both its checksums.

    Raises NotFound for a customer that is not there.
    """
    actor.require(Permission.SUBSCRIPTIONS_VIEW)
    actor.require(Permission.EXPORT)
    customer = session.get(Customer, customer_id)
    if customer is None or customer.deleted_at is not None:
        raise NotFound("This customer is no longer there")
    addresses = addresses_of(session, [customer_id])[customer_id]
    stated = {
        "customer": customer.display_name,
        "number": customer.number,
        "company": company,
        "date": day.isoformat(),
        "rows": _rows(session, customer_id),
    }
    fingerprint = fingerprint_of(stated)
    address = one_line(vars(addresses[0])) if addresses else ""
    values = {**stated, "address": address, "fingerprint": fingerprint}
    title = f"Rights statement, {customer.display_name}, {day.isoformat()}"
    # Loaded here: the typesetter is large, and few processes ever set a page.
    from app.core.pdf import typeset

    pdf = typeset(TEMPLATE.read_text("utf-8"), values, at=at, title=title)
    sha256 = hashlib.sha256(pdf).hexdigest()
    audit.record(
        session,
        actor=actor,
        action=Action.EXPORTED,
        entity="rights statement",
        entity_id=customer_id,
        entity_label=customer.display_name,
        customer_id=customer_id,
        changes={
            "rights": [None, len(stated["rows"])],
            "fingerprint": [None, fingerprint],
            "file_sha256": [None, sha256],
        },
    )
    name = f"Rights_{file_name(company, customer.display_name, day).removesuffix('.txt')}.pdf"
    return Statement(name, pdf, len(stated["rows"]), fingerprint, sha256)


def fingerprint_of(stated: Mapping[str, Any]) -> str:
    """The SHA-256 of what a statement says: the same rights on the same day, the same digits."""
    canonical = json.dumps(stated, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _rows(session: Session, customer_id: int) -> list[dict[str, Any]]:
    """The merged rights by journal and coverage, each with what it stands on."""
    mine = (
        Subscription.customer_id == customer_id,
        Subscription.source == SubscriptionSource.PERPETUAL.value,
    )
    sources: dict[int, list[Any]] = {}
    for row in session.execute(
        select(SubscriptionSourceLink.subscription_id, *Authorization.__table__.columns)
        .join(Authorization, Authorization.id == SubscriptionSourceLink.authorization_id)
        .join(Subscription, Subscription.id == SubscriptionSourceLink.subscription_id)
        .where(*mine)
        .order_by(Authorization.first_day, Authorization.id)
    ):
        sources.setdefault(row.subscription_id, []).append(row)
    rights = session.execute(
        select(
            *Subscription.__table__.columns, Journal.title, Journal.print_issn, Journal.online_issn
        )
        .join(Journal, Journal.id == Subscription.journal_id)
        .where(*mine)
        .order_by(Journal.sort_title, Journal.id, Subscription.first_day, Subscription.id)
    )
    return [_row(row, sources.get(row.id, [])) for row in rights]


def _row(row: Any, sources: list[Any]) -> dict[str, Any]:
    coverage = coverage_of(row)
    volumes = "" if coverage.volume_only else _volumes(row)
    return {
        "title": row.title,
        "issn": row.print_issn or row.online_issn,
        "coverage": in_words(coverage),
        "volumes": volumes,
        "embargo": ", ".join(sorted({one.embargo for one in sources if one.embargo})),
        "sources": [f"{one.basis} {in_words(coverage_of(one))}" for one in sources],
    }


def _volumes(row: Any) -> str:
    first, last = row.first_volume or "", row.last_volume or ""
    return first if first == last else f"{first}–{last}"
