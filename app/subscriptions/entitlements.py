"""Reads what customers hold of journals, and answers for it: entitlement, lapse, coverage."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, contains_eager, selectinload

from app.catalogue.coverage import in_words, parse_coverage_date
from app.catalogue.models import Journal
from app.catalogue.queries_journals import match_journals
from app.core.actor import Actor
from app.core.errors import NotFound, Problem, Refused
from app.core.permissions import Permission
from app.core.values import ValueProblem, parse_issn
from app.customers.models import Customer
from app.customers.queries import find_customers
from app.subscriptions.drafts import NUMBER_LENGTH
from app.subscriptions.lapse import Lapse, lapse
from app.subscriptions.merging import coverage_of
from app.subscriptions.models import (
    Authorization,
    Subscription,
    SubscriptionSource,
    SubscriptionStatus,
)
from app.subscriptions.verdicts import Answer, Claim, Question, answer

# What the simulator looks at together; nobody reads more on one page.
MOST_LAPSING = 500


@dataclass(frozen=True, slots=True)
class Holding:
    """What a customer holds of a journal: the claims, and the merged rows as they stand."""

    customer: Customer
    journal: Journal
    claims: Sequence[Claim]
    merged: Sequence[Subscription]


def holding(session: Session, customer_id: int, journal_id: int, *, actor: Actor) -> Holding:
    """What a live customer holds of a journal. Raises NotFound."""
    actor.require(Permission.SUBSCRIPTIONS_VIEW)
    customer = session.get(Customer, customer_id)
    journal = session.get(Journal, journal_id)
    if customer is None or customer.deleted_at is not None:
        raise NotFound("This customer is no longer there")
    if journal is None:
        raise NotFound("This journal is no longer there")
    found = _claims(session, customer_id, Subscription.journal_id == journal_id,
                    Authorization.journal_id == journal_id)  # fmt: skip
    merged = session.scalars(
        select(Subscription)
        .where(
            Subscription.customer_id == customer_id,
            Subscription.journal_id == journal_id,
            Subscription.source == SubscriptionSource.PERPETUAL.value,
        )
        .options(selectinload(Subscription.sources))
        .order_by(Subscription.first_day, Subscription.id)
    ).all()
    return Holding(customer, journal, found.get(journal_id, []), merged)


def entitlement(held: Holding, question: Question) -> Answer:
    """Whether the customer has what is asked for, and why."""
    return answer(question, held.claims)


def read_question(content: str, volume: str, day: date) -> Question:
    """A question as it was typed. Raises Refused for a date that is none, or nothing asked."""
    problems = []
    asked = None
    try:
        asked = parse_coverage_date(content, "Year")
    except ValueProblem as problem:
        problems.append(Problem("content", problem.reason, problem.hint))
    wanted = volume.replace("\x00", "").strip()
    if len(wanted) > NUMBER_LENGTH:
        problems.append(Problem("volume", f"Volume is longer than {NUMBER_LENGTH} characters"))
    if not problems and asked is None and not wanted:
        problems.append(Problem("content", "Year is missing", "Give a year, a date or a volume"))
    if problems:
        raise Refused(problems)
    return Question(asked, wanted or None, day)


def find_holding(session: Session, customer: str, issn: str, *, actor: Actor) -> Holding:
    """What a customer (number, email or exact company name) holds of the journal of an ISSN.

    Raises Refused for either that is unknown.
    """
    [whom] = find_customers(session, [customer.replace("\x00", "")])
    problems = [whom] if isinstance(whom, Problem) else []
    which: Any = None
    try:
        [which] = match_journals(session, [(parse_issn(issn, "ISSN"), None)])
        problems += [which] if isinstance(which, Problem) else []
    except ValueProblem as problem:
        problems.append(Problem("issn", problem.reason, problem.hint))
    if problems or isinstance(whom, Problem):
        raise Refused(problems)
    return holding(session, whom.id, which.id, actor=actor)


@dataclass(frozen=True, slots=True)
class JournalLapse:
    """What becomes of one of a customer's journals."""

    journal: Journal
    lapse: Lapse


def renewable(session: Session, customer_id: int, *, actor: Actor) -> Sequence[Subscription]:
    """The customer's subscriptions that could lapse, by the end of their terms."""
    actor.require(Permission.SUBSCRIPTIONS_VIEW)
    return session.scalars(
        select(Subscription)
        .join(Journal)
        .where(
            Subscription.customer_id == customer_id,
            Subscription.source == SubscriptionSource.ORDINARY.value,
            Subscription.status == SubscriptionStatus.ACTIVE.value,
        )
        .options(contains_eager(Subscription.journal))
        .order_by(Subscription.term_to.is_(None), Subscription.term_to, Journal.sort_title,
                  Subscription.id)
        .limit(MOST_LAPSING)
    ).all()  # fmt: skip


def simulate(
    session: Session, customer_id: int, chosen: Collection[int], today: date, *, actor: Actor
) -> list[JournalLapse]:
    """What goes and what stays if these subscriptions are not renewed; by title of the journal.

    Numbers of other customers, of merged rows and of what cannot lapse are passed over.
    """
    actor.require(Permission.SUBSCRIPTIONS_VIEW)
    rows = [row for row in renewable(session, customer_id, actor=actor) if row.id in chosen]
    journals = sorted({row.journal_id for row in rows})
    found = _claims(session, customer_id, Subscription.journal_id.in_(journals),
                    Authorization.journal_id.in_(journals))  # fmt: skip
    ids = {row.id for row in rows}
    named = session.scalars(
        select(Journal).where(Journal.id.in_(journals)).order_by(Journal.sort_title, Journal.id)
    )
    return [JournalLapse(one, lapse(found[one.id], ids, today)) for one in named]


def _claims(
    session: Session, customer_id: int, subscribed: ColumnElement[bool],
    granted: ColumnElement[bool],
) -> Mapping[int, list[Claim]]:  # fmt: skip
    """The authorizations and the ordinary subscriptions of a customer, by journal."""
    found: dict[int, list[Claim]] = defaultdict(list)
    rights = select(Authorization).where(Authorization.customer_id == customer_id, granted)
    for right in session.scalars(rights.order_by(Authorization.first_day, Authorization.id)):
        found[right.journal_id].append(
            Claim(
                SubscriptionSource.PERPETUAL,
                right.id,
                coverage_of(right),
                right.basis,
                right.embargo,
            )
        )
    ordinary = select(Subscription).where(
        Subscription.customer_id == customer_id,
        Subscription.source == SubscriptionSource.ORDINARY.value,
        subscribed,
    )
    for row in session.scalars(ordinary.order_by(Subscription.term_from, Subscription.id)):
        found[row.journal_id].append(claim_of(row))
    return found


def claim_of(row: Subscription) -> Claim:
    """An ordinary subscription as a claim."""
    return Claim(
        SubscriptionSource.ORDINARY,
        row.id,
        coverage_of(row),
        status=SubscriptionStatus(row.status),
        term_from=row.term_from,
        term_to=row.term_to,
        renewal=row.renewal,
        format=row.format,
    )


def source_as_json(claim: Claim) -> dict[str, Any]:
    """A source of an answer as commands and machines get it."""
    coverage = claim.coverage
    return {
        "source": str(claim.kind),
        "id": claim.id,
        "basis": claim.basis or None,
        "coverage": in_words(coverage),
        "coverage_from": str(coverage.start) if coverage.start else None,
        "coverage_to": str(coverage.end) if coverage.end else None,
        "first_volume": coverage.first_volume,
        "last_volume": coverage.last_volume,
        "embargo": claim.embargo,
        "usable_from": None if claim.perpetual else str(claim.term_from),
        "usable_to": str(claim.term_to) if claim.term_to else None,
    }
