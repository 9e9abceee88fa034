"""Entitlement: whether a customer has a journal's content and why; and what goes with a lapse."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import abort, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy.orm import Session

from admin_views.access import KontorPage, acting, needs
from admin_views.authorization_rows import JOURNALS
from admin_views.coverage_picture import KINDS, Picture, picture_of
from admin_views.customer_lookup import CUSTOMERS
from admin_views.formatters import Badge, Link, zone
from admin_views.lookups import MOST_HITS
from admin_views.records import RecordTab, register_tab
from admin_views.registry import address_of
from admin_views.rights import customer_link, journal_link
from app.core import clock
from app.core.errors import NotFound, Problem, Refused
from app.core.filters import clean, identifier
from app.core.permissions import Permission
from app.customers.models import Customer
from app.extensions import db
from app.subscriptions import spans
from app.subscriptions.entitlements import (
    Holding,
    entitlement,
    holding,
    read_question,
    renewable,
    simulate,
)
from app.subscriptions.models import Subscription, SubscriptionSource, SubscriptionStatus
from app.subscriptions.verdicts import Answer, Claim, Verdict

VERDICTS = {
    Verdict.YES: Badge("Yes", "green", "circle-check"),
    Verdict.PARTLY: Badge("In part", "yellow", "alert-triangle"),
    Verdict.UNKNOWN: Badge("Cannot be told", "orange", "help-circle"),
    Verdict.NO: Badge("No", "red", "circle-x"),
}
LOOKUPS = {"customers": CUSTOMERS, "journals": JOURNALS}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the form was sent with, what is wrong with it, and what was found."""

    customer: int | None = None
    journal: int | None = None
    content: str = ""
    volume: str = ""
    problems: tuple[Problem, ...] = ()
    held: Holding | None = None
    answer: Answer | None = None
    picture: Picture | None = None

    def problem(self, name: str) -> Problem | None:
        """What is wrong with a field."""
        return next((one for one in self.problems if one.field == name), None)


class EntitlementPage(KontorPage):
    """Asks and simulates; nothing is ever written here."""

    def __init__(self) -> None:
        super().__init__(
            name="Entitlement", category="Subscriptions", endpoint="entitlement",
            menu_icon_value="help-circle",
        )  # fmt: skip

    @expose("/")
    @needs(Permission.SUBSCRIPTIONS_VIEW)
    def index(self) -> str:
        """The question, the answer, and all that the customer holds of the journal."""
        asked = ask(db.session(), request.args.get)
        return self.render("entitlement/page.html", title="Entitlement", asked=asked, **_words())

    @expose("/answer/")
    @needs(Permission.SUBSCRIPTIONS_VIEW)
    def answer(self) -> ResponseReturnValue:
        """The same as a fragment, for the record of a customer; without scripts the whole page."""
        if not request.headers.get("HX-Request"):
            return redirect(self.get_url(".index", **request.args))
        asked = ask(db.session(), request.args.get)
        return render_template("entitlement/answer.html", asked=asked, **_words())

    @expose("/lookup/")
    @needs(Permission.SUBSCRIPTIONS_VIEW)
    def lookup(self) -> ResponseReturnValue:
        """Customers or journals, found while typing."""
        source = LOOKUPS.get(request.args.get("name", ""))
        if source is None:
            abort(404)
        if source.permission is not None and not acting().may(source.permission):
            abort(403)
        found = source.search(db.session(), clean(request.args.get("query", "")), MOST_HITS)
        return [{"value": str(value), "text": text} for value, text in found[:MOST_HITS]]

    @expose("/lapse/")
    @needs(Permission.SUBSCRIPTIONS_VIEW)
    def lapse(self) -> str:
        """What goes and what stays if subscriptions of a customer are not renewed."""
        session = db.session()
        customer = session.get(Customer, _number(request.args.get("customer", "")) or 0)
        if customer is not None and customer.deleted_at is not None:
            customer = None
        chosen = {_number(raw) for raw in request.args.getlist("subscription")} - {None}
        rows = renewable(session, customer.id, actor=acting()) if customer else []
        ids = {row.id for row in rows} & chosen
        found = (
            simulate(session, customer.id, ids, today(), actor=acting()) if customer and ids else []
        )
        return self.render(
            "entitlement/lapse.html", title="If not renewed", customer=customer, rows=rows,
            chosen=ids, found=found, missed=bool(chosen - ids), in_words=spans.in_words, **_words(),
        )  # fmt: skip

    def lookup_label(self, name: str, value: int) -> str:
        """The text of a chosen record."""
        return LOOKUPS[name].label(db.session(), value) or f"#{value}"


def today() -> date:
    """The present day in the operator's zone."""
    return clock.today(zone().key)


def ask(session: Session, given: Any) -> Asked:
    """Read the question and answer it; never fails."""
    content, volume = clean(given("content", "")), clean(given("volume", ""))
    if not any((content, volume, given("customer", ""), given("journal", ""))):
        return Asked()
    customer, journal = _number(given("customer", "")), _number(given("journal", ""))
    problems = [
        Problem(name, f"{name.capitalize()} is missing", "Type a few letters and choose")
        for name, value in (("customer", customer), ("journal", journal))
        if value is None
    ]
    question = held = None
    if content or volume:
        try:
            question = read_question(content, volume, today())
        except Refused as refused:
            problems += refused.problems
    if customer is not None and journal is not None:
        try:
            held = holding(session, customer, journal, actor=acting())
        except NotFound as gone:
            name = "customer" if "customer" in str(gone) else "journal"
            problems.append(Problem(name, str(gone)))
    return Asked(
        customer,
        journal,
        content,
        volume,
        tuple(problems),
        held,
        entitlement(held, question) if held and question else None,
        picture_of(held, today()) if held else None,
    )


def _number(raw: str) -> int | None:
    try:
        return identifier(raw)
    except ValueError:
        return None


def _words() -> dict[str, Any]:
    return {
        "verdicts": VERDICTS, "kinds": KINDS, "customer_link": customer_link,
        "journal_link": journal_link, "claim_link": claim_link, "usable": usable,
    }  # fmt: skip


def claim_link(claim: Claim) -> Link | str:
    """An authorization or a subscription, each a link to itself."""
    endpoint = "authorizations" if claim.perpetual else "subscriptions"
    url = address_of(f"{endpoint}.details_view", id=claim.id)
    return Link(str(claim), url) if url else str(claim)


def usable(claim: Claim) -> str:
    """How long a claim may be used."""
    if claim.perpetual:
        return "for ever"
    if claim.term_to is None:
        return "until it is cancelled"
    return f"to {claim.term_to:%d.%m.%Y}"


def _coverage(view: Any, session: Session, row: Subscription, page: int) -> str:
    """The tab of a subscription: the picture of all that its customer holds of its journal."""
    held = holding(session, row.customer_id, row.journal_id, actor=acting())
    asked = Asked(row.customer_id, row.journal_id, held=held, picture=picture_of(held, today()))
    return render_template("entitlement/coverage_tab.html", asked=asked, **_words())


def _if_not_renewed(view: Any, session: Session, row: Subscription, page: int) -> str:
    found = simulate(session, row.customer_id, {row.id}, today(), actor=acting())
    return render_template(
        "entitlement/lapse_tab.html", row=row, found=found, in_words=spans.in_words, **_words()
    )


COVERAGE_TAB = RecordTab("coverage", "Coverage", _coverage, order=10)
LAPSE_TAB = RecordTab(
    "lapse", "If not renewed", _if_not_renewed, order=20,
    shown=lambda row: (
        row.source == SubscriptionSource.ORDINARY and row.status == SubscriptionStatus.ACTIVE
    ),
)  # fmt: skip


def views() -> list[EntitlementPage]:
    """The views of this module."""
    register_tab("subscriptions", COVERAGE_TAB)
    register_tab("subscriptions", LAPSE_TAB)
    return [EntitlementPage()]
