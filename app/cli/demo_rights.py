"""What the demo company keeps of institutions: a consortium, IP ranges, a package, terms."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from app.catalogue.packages import save_package
from app.core.actor import COMMAND_LINE
from app.institutions.drafts import InstitutionDraft
from app.institutions.operations import save_consortium, save_institution
from app.institutions.rules import parse_range
from app.subscriptions.drafts import SubscriptionDraft
from app.subscriptions.models import Format, SubscriptionStatus
from app.subscriptions.operations import change_status, create_subscription

CONSORTIUM, MEMBERS = "Demo Library Consortium", 4
PACKAGE = "Demo Natural Sciences"
# How many days the terms of the first subscriptions still run; below zero they are over.
DAYS_LEFT = (-12, 9, 23, 37, 58, 76, 114, 170)
CONTACTS = ("Ines Hartmann", "Paul Okafor", "Mei Tanaka", "Jonas Lindqvist")


def seed_institutions(session: Session, customers: Sequence[int], journals: Sequence[int]) -> None:
    """Details of the first institutions, a package, and ordinary subscriptions that end soon."""
    club = save_consortium(session, None, name=CONSORTIUM, note=None, actor=COMMAND_LINE)
    for place, customer in enumerate(customers[:MEMBERS]):
        # Networks that are kept for documentation, so that they belong to nobody.
        ranges = [f"198.51.100.{place * 32}/27", f"2001:db8:{place + 1:x}::/48"]
        draft = InstitutionDraft(
            contact_name=CONTACTS[place],
            contact_role="Head of e-resources",
            consortium_ids=frozenset({club.id}),
            ip_ranges=[parse_range(one) for one in ranges],
        )
        save_institution(session, customer, draft, actor=COMMAND_LINE)
    save_package(
        session, None, name=PACKAGE, note=None, journal_ids=journals[:4], actor=COMMAND_LINE
    )


def seed_terms(
    session: Session, customers: Sequence[int], journals: Sequence[int], today: date
) -> int:
    """Ordinary subscriptions of a year; how many."""
    ids = []
    for place, left in enumerate(DAYS_LEFT):
        end = today + timedelta(days=left)
        draft = SubscriptionDraft(
            customer_id=customers[place % len(customers)],
            journal_id=journals[place % len(journals)],
            term_from=end - timedelta(days=364),
            term_to=end,
            copies=1,
            format=list(Format)[place % len(Format)],
            price=Decimal(180 + 35 * place),
            renewal=place % 4 != 3,
        )
        ids.append(create_subscription(session, draft, actor=COMMAND_LINE).id)
    change_status(session, ids, SubscriptionStatus.ACTIVE, actor=COMMAND_LINE)
    return len(ids)
