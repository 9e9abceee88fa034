"""Mandates: the customers' permissions to collect, from draft and signature to their end."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from flask import g, request
from sqlalchemy.orm import Session, joinedload

from admin_views import mandate_record as record
from admin_views.actions import Action, Ask
from admin_views.base import KontorView
from admin_views.customer_events import MANDATES as MANDATE_EVENTS
from admin_views.customer_fields import MASK, shut
from admin_views.customer_lookup import CUSTOMERS, customer_in_list
from admin_views.customer_payment import account_of
from admin_views.filters import Request
from admin_views.formatters import Badge, Column, day, masked
from admin_views.history import history_tab
from admin_views.mandate_forms import MandateForm, NewMandateForm, take_masks
from admin_views.mandate_pages import MandatePages, sees_ibans
from admin_views.records import Section, register_badges
from admin_views.timeline import register_telling
from app.core import clock
from app.core.actor import Actor
from app.core.errors import Refused
from app.core.filters import identifier
from app.core.listing import Listing
from app.core.paging import Page
from app.core.permissions import Permission
from app.core.values import ValueProblem, parse_date
from app.customers.models import Customer
from app.extensions import db
from app.sepa.amending import propose_reference
from app.sepa.models import Mandate, MandateState
from app.sepa.operations_mandates import (
    LONGEST_REASON,
    MandateDraft,
    change_mandate_state,
    confirm_registration,
    create_mandates,
    is_used,
    update_mandate,
    used_among,
)
from app.sepa.queries_mandates import MANDATES
from app.sepa.rules import MANDATE_STATES

CHANGEABLE = (MandateState.DRAFT, MandateState.ACTIVE)
SHOWN = "Shown on the mandate, and kept in the history"


def _change_to(state: MandateState, done: str) -> Any:
    def perform(session: Session, ids: list[int], answers: Mapping[str, str], actor: Actor) -> str:
        for id_ in ids:
            change_mandate_state(
                session, session.get_one(Mandate, id_), state, actor=actor,
                reason=answers.get("reason") or None,
            )  # fmt: skip
        return f"The mandate was {done}." if len(ids) == 1 else f"{len(ids)} mandates were {done}."

    return perform


def _confirm(session: Session, ids: list[int], answers: Mapping[str, str], actor: Actor) -> str:
    given = answers.get("registered_on", "")
    try:
        registered_on: date = parse_date(given, record.REGISTERED_ON) if given else clock.today()
    except ValueProblem as error:
        raise Refused.because(error.reason, field="registered_on", hint=error.hint) from None
    for id_ in ids:
        confirm_registration(session, session.get_one(Mandate, id_), registered_on, actor=actor)
    return f"Noted: registered with the bank on {day(registered_on)}."


def _may_become(state: MandateState, *olds: MandateState) -> Callable[[Mandate], bool]:
    return lambda mandate: (
        (not olds or mandate.state in olds)
        and MANDATE_STATES.allows(MandateState(mandate.state), state)
    )


class MandatesView(MandatePages, KontorView):
    """The mandates of all customers."""

    model_class = Mandate
    label, singular = "Mandates", "mandate"
    menu_group, icon, endpoint_name = "Accounting", "signature", "mandates"
    permissions = {
        "view": Permission.MANDATES_VIEW,
        "create": Permission.MANDATES_EDIT,
        "edit": Permission.MANDATES_EDIT,
        "export": Permission.EXPORT,
    }
    export_kind = "mandates"
    search_hint = "Mandate reference, customer number or name"
    empty_hint = "A mandate comes with the import of a customer, or is entered here by hand."
    list_template = "mandates/list.html"
    details_template = "mandates/record.html"
    form_class = MandateForm
    create_form_class = NewMandateForm
    lookups = {"customers": CUSTOMERS}
    tabs = (history_tab("mandate"),)
    columns = (
        Column("reference", "Mandate reference", sort="reference", main=True, filter="reference"),
        Column("customer", "Customer", customer_in_list),
        Column("iban", "IBAN", account_of),
        Column("scheme", "Scheme", filter="scheme"),
        Column("state", "State", record.list_badges, filter="state"),
        Column("signed_on", "Signed on", filter="signed"),
    )
    more_columns = (
        Column("last_collected_on", "Last collected", filter="collected"),
        Column("type", "Type", lambda one: one.type.capitalize(), filter="type"),
        Column("account_holder", "Account holder"),
        Column("state_reason", "Reason"),
        Column("bank_registered_on", "Bank registration", filter="unregistered"),
        Column(
            "document_id", "Document", lambda one: one.document_id is not None, filter="document"
        ),
    )
    actions = (
        Action(
            "suspend", "Suspend", Permission.MANDATES_EDIT,
            _change_to(MandateState.SUSPENDED, "suspended"), icon="hourglass",
            confirm="Suspend {this mandate|# mandates}? Nothing is collected until it is resumed.",
            ask=Ask("reason", "Reason", hint=SHOWN, max_length=LONGEST_REASON),
            shown=_may_become(MandateState.SUSPENDED),
        ),
        Action(
            "resume", "Resume", Permission.MANDATES_EDIT,
            _change_to(MandateState.ACTIVE, "resumed"), icon="player-play",
            confirm="Resume {this mandate|# mandates}? Open invoices are collected again.",
            shown=_may_become(MandateState.ACTIVE, MandateState.SUSPENDED),
        ),
        Action(
            "cancel", "Cancel mandate", Permission.MANDATES_EDIT,
            _change_to(MandateState.CANCELLED, "cancelled"), icon="ban", danger=True,
            confirm="Cancel {this mandate|# mandates} for good? A new one has to be signed then.",
            ask=Ask("reason", "Reason", hint=SHOWN, max_length=LONGEST_REASON),
            shown=_may_become(MandateState.CANCELLED),
        ),
        Action(
            "registered", "Bank registration confirmed", Permission.MANDATES_EDIT, _confirm,
            icon="building-bank",
            confirm="Has the customer's bank registered {this mandate|these # mandates}?",
            ask=Ask("registered_on", record.REGISTERED_ON, required=False, hint="Blank is today",
                    max_length=20),
            shown=record.registration_missing,
        ),
    )  # fmt: skip

    def listing(self) -> Listing:
        """All mandates."""
        return MANDATES

    def record_options(self) -> Sequence[Any]:
        """The record names the customer and the document."""
        return (joinedload(Mandate.customer), joinedload(Mandate.document))

    def page_of(self, listing: Listing, asked: Request) -> Page:
        """The page, and at once which of its mandates were used already."""
        page = super().page_of(listing, asked)
        g.used_mandates = used_among(db.session(), page.rows)
        return page

    def editable(self, model: Mandate) -> bool:
        """Until it was collected by; then it is amended."""
        if model.state not in CHANGEABLE:
            return False
        if "used_mandates" in g:
            return model.id not in g.used_mandates
        return not is_used(db.session(), model)

    def headline(self, model: Mandate) -> str:
        """The reference."""
        return f"Mandate {model.reference}"

    def subtitle(self, model: Mandate) -> str:
        """The customer."""
        return f"{model.customer.display_name} · {model.customer.number}"

    def badges(self, model: Mandate) -> list[Badge]:
        """Its state, and what is still to be done for it."""
        return record.state_badges(model)

    def sections(self, model: Mandate) -> list[Section]:
        """What was signed, for which account, and its document."""
        return record.sections(self, model)

    # For the templates --------------------------------------------------------------------------

    def as_it_stands(self, model: Mandate) -> list[tuple[str, Any]]:
        """What an amendment may change."""
        return record.account_lines(model)

    def ways(self, model: Mandate) -> list[record.Way]:
        """The pages that do something with this mandate."""
        return record.ways(self, model)

    def told(self, model: Mandate) -> list[record.Told]:
        """What somebody has to know or do about this mandate, above its facts."""
        return record.told(self, model)

    # The forms ----------------------------------------------------------------------------------

    def prepare_form(self, form: Any, model: Mandate | None) -> None:
        """Whoever may not see the IBAN leaves its mask as it is."""
        if sees_ibans():
            return
        if model is not None:
            shut(form.iban, model.iban)
        elif customer := _customer_meant():
            take_masks(form.iban, customer.iban)

    def new_data(self) -> Mapping[str, Any]:
        """From a customer's record: that customer, a free reference, and the account."""
        customer = _customer_meant()
        if customer is None:
            return {}
        return {
            "customer_id": customer.id,
            "reference": propose_reference(db.session(), customer),
            "account_holder": customer.account_holder or customer.display_name,
            "iban": customer.iban if sees_ibans() else masked(customer.iban),
            "bic": customer.bic,
        }

    def form_data(self, model: Mandate) -> Mapping[str, Any]:
        """The stored values, masked for whoever may not see them."""
        names = ("reference", "signed_on", "type", "scheme", "iban", "bic", "account_holder",
                 "bank_registered_on")  # fmt: skip
        values = {name: getattr(model, name) for name in names}
        if not sees_ibans():
            values["iban"] = masked(model.iban)
        return values

    def perform_create(self, session: Session, form: Any, actor: Actor) -> list[int]:
        """A mandate: active if it is signed, else a draft."""
        return create_mandates(session, [_draft(form, form.customer_id.data, "")], actor=actor)

    def perform_update(self, session: Session, model: Any, form: Any, actor: Actor) -> None:
        """A mandate that no collection has used yet."""
        update_mandate(session, model, _draft(form, model.customer_id, model.iban), actor=actor)


def _customer_meant() -> Customer | None:
    """The customer that a new mandate's form or its address names, if it is a live one."""
    raw = request.form.get("customer_id") or request.args.get("customer_id", "")
    try:
        customer = db.session.get(Customer, identifier(raw))
    except ValueError:
        return None
    return customer if customer is not None and customer.deleted_at is None else None


def _draft(form: Any, customer_id: int, stored_iban: str) -> MandateDraft:
    iban = form.iban.data or ""
    return MandateDraft(
        reference=form.reference.data,
        customer_id=customer_id,
        iban=stored_iban if MASK in iban else iban,
        bic=form.bic.data,
        account_holder=form.account_holder.data,
        scheme=form.scheme.data,
        type=form.type.data,
        signed_on=form.signed_on.data,
        bank_registered_on=form.bank_registered_on.data,
    )


def views() -> list[KontorView]:
    """The views of this module."""
    register_telling("customers", MANDATE_EVENTS)
    register_badges("customers", record.mismatch_badge)
    return [MandatesView()]
