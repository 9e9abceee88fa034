"""Subscriptions: merged perpetual rights, read-only with their sources, beside ordinary ones."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session, joinedload, selectinload
from wtforms import BooleanField, SelectField, TextAreaField

from admin_views.actions import Action, Ask
from admin_views.authorization_rows import (
    JOURNALS,
    CoverageRow,
    coverage_data,
    coverage_in,
    date_field,
)
from admin_views.base import KontorView
from admin_views.customer_events import RIGHTS as RIGHT_EVENTS
from admin_views.customer_events import TERMS as TERM_EVENTS
from admin_views.customer_lookup import CUSTOMERS
from admin_views.formatters import Badge, Column
from admin_views.forms import (
    Group,
    Longest,
    LookupField,
    ParsedField,
    Required,
    TextField,
    choices_of,
)
from admin_views.history import history_tab
from admin_views.records import Section, register_tab
from admin_views.rights import (
    RIGHT_COLUMNS,
    SUBSCRIPTIONS_TAB,
    coverage_in_words,
    customer_link,
    journal_link,
    source_badge,
    source_links,
    status_badge,
)
from admin_views.timeline import register_telling, register_timeline
from app.audit.queries import About
from app.core.actor import Actor
from app.core.listing import Listing
from app.core.permissions import Permission
from app.core.values import parse_amount, parse_date, parse_whole_number
from app.customers.models import Customer
from app.customers.queries import addresses_of
from app.extensions import db
from app.subscriptions.drafts import NOTE_LENGTH, NUMBER_LENGTH, SubscriptionDraft
from app.subscriptions.merging import coverage_of
from app.subscriptions.models import (
    Format,
    Subscription,
    SubscriptionSource,
    SubscriptionStatus,
)
from app.subscriptions.operations import change_status, create_subscription, update_subscription
from app.subscriptions.queries import SUBSCRIPTIONS
from app.subscriptions.rules import SUBSCRIPTION_STATES

_COVERAGE_HINT = "2010, 2010-03 or 2010-03-15; both blank is the term"


class TermForm(CoverageRow):
    """An ordinary subscription; its customer and its journal stay as they are."""

    groups = (
        Group("Subscription", ("customer_id", "journal_id")),
        Group("Term", ("term_from", "term_to", "renewal")),
        Group("Delivery and price", ("format", "copies", "price", "ship_to_address_id")),
        Group(
            "Coverage",
            ("coverage_from", "coverage_to", "first_volume", "last_volume", "first_issue",
             "last_issue"),
            "The content that the subscription gives, which need not be that of its term",
        ),
        Group("Note", ("note",)),
    )  # fmt: skip

    term_from = ParsedField(
        "Term from", [Required()], parse=partial(parse_date, label="Term from"),
        display=lambda day: f"{day:%d.%m.%Y}",
    )  # fmt: skip
    term_to = ParsedField(
        "Term to", parse=partial(parse_date, label="Term to"),
        display=lambda day: f"{day:%d.%m.%Y}", description="Blank is until cancelled",
    )  # fmt: skip
    renewal = BooleanField("Renewal", default=True, description="Renewed when the term is over")
    format = SelectField("Format", choices=choices_of(Format, "not stated"))
    copies = ParsedField(
        "Copies", parse=partial(parse_whole_number, label="Copies", minimum=1, maximum=100_000)
    )
    price = ParsedField(
        "Price", parse=partial(parse_amount, label="Price"), description="In euros for one term"
    )
    ship_to_address_id = SelectField("Ship to")
    coverage_from = date_field("Coverage from", _COVERAGE_HINT)
    coverage_to = date_field("Coverage to")
    first_volume = TextField("First volume", [Longest(NUMBER_LENGTH)])
    first_issue = TextField("First issue", [Longest(NUMBER_LENGTH)])
    last_volume = TextField("Last volume", [Longest(NUMBER_LENGTH)])
    last_issue = TextField("Last issue", [Longest(NUMBER_LENGTH)])
    note = TextAreaField("Note", [Longest(NOTE_LENGTH)])


class NewSubscriptionForm(TermForm):
    """A new ordinary subscription of a customer to a journal."""

    customer_id = LookupField("Customer", [Required()], lookup="customers")
    journal_id = LookupField("Journal", [Required()], lookup="journals")


def _change_to(status: SubscriptionStatus, done: str) -> Any:
    def perform(session: Session, ids: list[int], answers: Mapping[str, str], actor: Actor) -> str:
        reason = answers.get("reason") or None
        count = change_status(session, ids, status, actor=actor, reason=reason)
        return f"The subscription was {done}." if count == 1 else f"{count} were {done}."

    return perform


def _may_become(status: SubscriptionStatus) -> Any:
    return lambda row: (
        editable(row) and SUBSCRIPTION_STATES.allows(SubscriptionStatus(row.status), status)
    )


def editable(row: Subscription) -> bool:
    """Merged perpetual rights are read-only: they follow from their authorizations."""
    return row.source == SubscriptionSource.ORDINARY


def _told_of(row: Subscription) -> About:
    """What the history tells of a row: of a merged one, all of the customer's rights to the
    journal, since rows come and go with every merge."""
    if editable(row):
        return About("subscription", row.id)
    return About("perpetual rights", row.journal_id, customer=row.customer_id)


class SubscriptionsView(KontorView):
    """What every customer has a right to."""

    model_class = Subscription
    label, singular = "Subscriptions", "subscription"
    menu_group, icon, endpoint_name = "Subscriptions", "certificate", "subscriptions"
    permissions = {
        "view": Permission.SUBSCRIPTIONS_VIEW,
        "create": Permission.SUBSCRIPTIONS_EDIT,
        "edit": Permission.SUBSCRIPTIONS_EDIT,
        "export": Permission.EXPORT,
    }
    export_kind = "subscriptions"
    search_hint = "ISSN, words of a title, customer number or name"
    empty_hint = (
        "Perpetual rights appear here once a perpetual customer has journal authorizations."
    )
    form_class = TermForm
    create_form_class = NewSubscriptionForm
    lookups = {
        "customers": CUSTOMERS,
        "journals": JOURNALS,
    }
    tabs = (history_tab("subscription", _told_of),)
    columns = (
        Column("customer", "Customer", lambda row: row.customer.display_name),
        *RIGHT_COLUMNS,
    )
    actions = (
        Action(
            "activate", "Activate", Permission.SUBSCRIPTIONS_EDIT,
            _change_to(SubscriptionStatus.ACTIVE, "activated"),
            confirm="Activate {this subscription|# subscriptions}?",
            shown=_may_become(SubscriptionStatus.ACTIVE),
        ),
        Action(
            "expire", "Mark as expired", Permission.SUBSCRIPTIONS_EDIT,
            _change_to(SubscriptionStatus.EXPIRED, "marked as expired"), icon="clock",
            confirm="Mark {this subscription|# subscriptions} as expired? Perpetual rights stay.",
            shown=_may_become(SubscriptionStatus.EXPIRED),
        ),
        Action(
            "cancel", "Cancel subscription", Permission.SUBSCRIPTIONS_EDIT,
            _change_to(SubscriptionStatus.CANCELLED, "cancelled"), icon="ban", danger=True,
            confirm="Cancel {this subscription|# subscriptions} for good? Perpetual rights stay.",
            ask=Ask("reason", "Reason", required=False),
            shown=_may_become(SubscriptionStatus.CANCELLED),
        ),
    )  # fmt: skip

    def listing(self) -> Listing:
        """All rights of live customers."""
        return SUBSCRIPTIONS

    def editable(self, model: Subscription) -> bool:
        """Only ordinary ones."""
        return editable(model)

    def record_options(self) -> Sequence[Any]:
        """The record names customer, journal, address and sources."""
        return (
            joinedload(Subscription.customer),
            joinedload(Subscription.journal),
            joinedload(Subscription.ship_to_address),
            selectinload(Subscription.sources),
        )

    def scope(self) -> list[ColumnElement[bool]]:
        """Those of live customers."""
        return [Subscription.customer.has(Customer.deleted_at.is_(None))]

    def headline(self, model: Subscription) -> str:
        """The journal."""
        return model.journal.title

    def subtitle(self, model: Subscription) -> str:
        """The customer."""
        return f"{model.customer.display_name} · {model.customer.number}"

    def badges(self, model: Subscription) -> list[Badge]:
        """Where the right comes from, and its state."""
        return [source_badge(model), status_badge(model)]

    def sections(self, model: Subscription) -> list[Section]:
        """What is covered, and by which right."""
        right = Section(
            "Right",
            [
                ("Customer", customer_link(model.customer)),
                ("Journal", journal_link(model.journal)),
                ("Coverage", coverage_in_words(model)),
            ],
        )
        if not editable(model):
            return [
                right,
                Section(
                    "Merged from",
                    [("Journal authorizations", source_links(model)), ("Usable", "For ever")],
                ),
            ]
        term = Section(
            "Term",
            [
                ("Term from", model.term_from),
                ("Term to", model.term_to or "until cancelled"),
                ("Renewal", model.renewal),
                ("Format", model.format and model.format.capitalize()),
                ("Copies", model.copies),
                ("Price (euros)", model.price),
                ("Ship to", model.ship_to_address and address_in_words(model.ship_to_address)),
                ("Note", model.note),
            ],
        )
        return [right, term]

    def prepare_form(self, form: Any, model: Subscription | None) -> None:
        """The customer's addresses; a new subscription has no customer yet."""
        if model is None:
            del form.ship_to_address_id
            return
        addresses = addresses_of(db.session(), [model.customer_id])[model.customer_id]
        form.ship_to_address_id.choices = [("", "the customer's main address")] + [
            (str(one.id), address_in_words(one)) for one in addresses
        ]

    def form_data(self, model: Subscription) -> Mapping[str, Any]:
        """The stored values."""
        names = ("term_from", "term_to", "renewal", "format", "copies", "price", "note")
        return {
            **{name: getattr(model, name) for name in names},
            "ship_to_address_id": str(model.ship_to_address_id or ""),
            **coverage_data(coverage_of(model)),
        }

    def perform_create(self, session: Session, form: Any, actor: Actor) -> Subscription:
        """A new ordinary subscription, not active yet."""
        draft = draft_in(form, form.customer_id.data, form.journal_id.data)
        return create_subscription(session, draft, actor=actor)

    def perform_update(self, session: Session, model: Any, form: Any, actor: Actor) -> None:
        """An ordinary subscription as the form says."""
        draft = draft_in(form, model.customer_id, model.journal_id)
        update_subscription(session, model, draft, actor=actor)


def draft_in(form: Any, customer_id: int, journal_id: int) -> SubscriptionDraft:
    """The subscription that a valid form states."""
    ship_to = form.ship_to_address_id.data if "ship_to_address_id" in form else ""
    return SubscriptionDraft(
        customer_id=customer_id,
        journal_id=journal_id,
        term_from=form.term_from.data,
        term_to=form.term_to.data,
        coverage=coverage_in(form),
        copies=form.copies.data,
        format=Format(form.format.data) if form.format.data else None,
        price=form.price.data,
        renewal=form.renewal.data,
        ship_to_address_id=int(ship_to) if ship_to else None,
        note=form.note.data or None,
    )


def address_in_words(address: Any) -> str:
    """An address in one line."""
    parts = (address.label, address.street, address.postcode, address.place, address.country)
    return ", ".join(part for part in parts if part)


def views() -> list[SubscriptionsView]:
    """The views of this module."""
    register_tab("customers", SUBSCRIPTIONS_TAB)
    register_telling("customers", RIGHT_EVENTS)
    register_timeline("customers", TERM_EVENTS)
    return [SubscriptionsView()]
