"""How rights to journals look in lists and records, and the tab that a customer's record has."""

from math import ceil
from typing import Any

from flask import render_template
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session, object_session

from admin_views.accounting_states import said
from admin_views.formatters import Badge, Column, Link, day, show
from admin_views.records import RecordTab
from admin_views.registry import address_of
from app.catalogue.coverage import in_words
from app.catalogue.models import Journal
from app.core.permissions import Permission
from app.customers.models import Customer
from app.subscriptions.merging import coverage_of
from app.subscriptions.models import (
    Authorization,
    Subscription,
    SubscriptionSource,
    SubscriptionStatus,
)
from app.subscriptions.queries import count_subscriptions, merged_from, subscriptions_of

ROWS = 50

_STATUS_COLOURS = {
    SubscriptionStatus.DRAFT: "blue",
    SubscriptionStatus.ACTIVE: "green",
    SubscriptionStatus.EXPIRED: "orange",
    SubscriptionStatus.CANCELLED: "grey",
}


def source_badge(row: Any) -> Badge:
    """Perpetual rights carry a lock: nobody changes them here."""
    if row.source == SubscriptionSource.PERPETUAL:
        return Badge("Perpetual", "purple", "lock")
    return Badge("Ordinary", "azure")


def status_badge(row: Any) -> Badge:
    """The status of a subscription."""
    return Badge(said(row.status), _STATUS_COLOURS[SubscriptionStatus(row.status)])


def coverage_in_words(row: Any) -> Any:
    """The content covered; a right stated by volume alone is flagged."""
    coverage = coverage_of(row)
    lines = [Markup('<span class="text-nowrap">{}</span>').format(in_words(coverage))]
    if coverage.volume_only:
        lines.append(show(Badge("By volume alone", "yellow", "alert-triangle")))
    elif volumes := volumes_in_words(row):
        lines.append(Markup('<span class="text-secondary">volumes {}</span>').format(volumes))
    return Markup("<br>").join(lines)


def journal_in_words(row: Any) -> Markup:
    """The title of a row's journal, and below it the ISSN."""
    journal = row.journal
    return Markup('{}<br><span class="text-secondary text-nowrap fw-normal">{}</span>').format(
        journal.title, journal.print_issn or journal.online_issn
    )


def basis_of(row: Any) -> Any:
    """What a row stands on: the authorizations it was merged from, or the term it is paid for."""
    if row.source == SubscriptionSource.PERPETUAL:
        return source_links(row)
    return Markup('<span class="text-nowrap">term to {}</span>').format(
        day(row.term_to) if row.term_to else "cancellation"
    )


def volumes_in_words(row: Any) -> str:
    """The volumes and issues stated, also beside dates."""
    first = _place(row.first_volume, row.first_issue)
    last = _place(row.last_volume, row.last_issue)
    if not first and not last:
        return ""
    return first if first == last else f"{first}–{last}"


def _place(volume: str | None, issue: str | None) -> str:
    return f"{volume or ''}({issue})" if issue else volume or ""


def source_links(row: Any) -> list[Link | str]:
    """The authorizations that a merged row came from, each a link to itself."""
    return [authorization_link(one) for one in row.sources]


def authorization_link(one: Authorization) -> Link | str:
    """An authorization by its basis and coverage."""
    return _link(f"{one.basis} {in_words(coverage_of(one))}", "authorizations.details_view", one.id)


def subscription_links(one: Authorization) -> list[Link | str]:
    """The merged rows that an authorization went into."""
    session = object_session(one)
    assert session is not None
    return [
        _link(in_words(coverage_of(row)), "subscriptions.details_view", row.id)
        for row in merged_from(session, one.id)
    ]


def journal_link(journal: Journal) -> Link | str:
    """A journal by its title."""
    return _link(journal.title, "journals.details_view", journal.id)


def customer_link(customer: Customer) -> Link | str:
    """A customer by name and number."""
    text = f"{customer.display_name} ({customer.number})"
    return _link(text, f"{customer.kind}.details_view", customer.id)


def _link(text: str, endpoint: str, key: int) -> Link | str:
    url = address_of(endpoint, id=key)
    return Link(text, url) if url else text


RIGHT_COLUMNS = (
    Column("journal", "Journal", journal_in_words, main=True, filter="journal"),
    Column("source", "Source", source_badge, filter="source"),
    Column("coverage", "Coverage", coverage_in_words),
    Column("status", "Status", status_badge, filter="status"),
    Column("basis", "Stands on", basis_of),
)


def _tab(view: Any, session: Session, customer: Customer, page: int) -> str:
    total = count_subscriptions(session, customer.id)
    pages = max(1, ceil(total / ROWS))
    page = min(page, pages)
    wanted = subscriptions_of(customer.id).offset((page - 1) * ROWS).limit(ROWS)
    return render_template(
        "subscriptions/tab.html",
        admin_view=view,
        customer=customer,
        columns=RIGHT_COLUMNS,
        rows=session.scalars(wanted).all(),
        url_of=lambda row: address_of("subscriptions.details_view", id=row.id),
        page=page,
        pages=pages,
        tab_url=lambda number: view.get_url(
            ".tab_view", id=view.get_pk_value(customer), tab="subscriptions", page=number
        ),
    )


SUBSCRIPTIONS_TAB = RecordTab(
    "subscriptions",
    "Subscriptions",
    _tab,
    permission=Permission.SUBSCRIPTIONS_VIEW,
    rows=lambda customer: select(Subscription.id).where(Subscription.customer_id == customer.id),
    order=60,
)
