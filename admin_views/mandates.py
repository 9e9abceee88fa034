"""Mandates: the customers' permissions to collect, made by form, and suspended or cancelled."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from flask import request
from sqlalchemy.orm import Session, joinedload
from wtforms import SelectField

from admin_views.accounting_states import mandate_badge
from admin_views.actions import Action, Ask
from admin_views.base import KontorView
from admin_views.customer_events import MANDATES as MANDATE_EVENTS
from admin_views.customer_fields import MASK, shut
from admin_views.customer_lookup import CUSTOMERS, customer_in_list, customer_in_record
from admin_views.customer_payment import account_of
from admin_views.formatters import Badge, Column, day, masked, spaced
from admin_views.forms import (
    Group,
    KontorForm,
    Longest,
    LookupField,
    ParsedField,
    Required,
    TextField,
    choices_of,
)
from admin_views.history import history_tab
from admin_views.records import Section
from admin_views.timeline import register_telling
from app.accounts.identity import current_actor
from app.core.actor import Actor
from app.core.filters import identifier
from app.core.listing import Listing
from app.core.permissions import Permission
from app.core.values import parse_bic, parse_date, parse_iban
from app.customers.models import Customer
from app.extensions import db
from app.sepa.characters import MAX_ID
from app.sepa.models import Mandate, MandateState, MandateType, Scheme
from app.sepa.operations_mandates import (
    MandateDraft,
    change_mandate_state,
    create_mandates,
    update_mandate,
)
from app.sepa.queries import MANDATES
from app.sepa.rules import MANDATE_STATES

CHANGEABLE = (MandateState.DRAFT, MandateState.ACTIVE)


class MandateForm(KontorForm):
    """A mandate; its customer stays as it is."""

    groups = (
        Group("Mandate", ("reference", "customer_id", "signed_on", "type", "scheme")),
        Group("Account", ("iban", "bic", "account_holder")),
    )

    reference = TextField(
        "Mandate reference", [Required(), Longest(MAX_ID)],
        description="As the customer signed it; each mandate has its own",
    )  # fmt: skip
    signed_on = ParsedField(
        "Signed on", parse=partial(parse_date, label="Signed on"), display=day,
        description="Blank: the mandate stays a draft and collects nothing",
    )  # fmt: skip
    type = SelectField(
        "Type", choices=choices_of(MandateType), description="One-off serves a single collection"
    )
    scheme = SelectField(
        "Scheme", choices=[(one.value, one.value) for one in Scheme],
        description="B2B: the customer's bank has to be told of the mandate beforehand",
    )  # fmt: skip
    iban = ParsedField(
        "IBAN", [Required()], parse=partial(parse_iban, label="IBAN"),
        display=lambda iban: iban if MASK in iban else spaced(iban) or "",
    )  # fmt: skip
    bic = ParsedField(
        "BIC", parse=partial(parse_bic, label="BIC"),
        description="Blank: taken from the IBAN where its bank is known",
    )  # fmt: skip
    account_holder = TextField("Account holder", [Required(), Longest(140)])


class NewMandateForm(MandateForm):
    """A new mandate of a customer."""

    customer_id = LookupField("Customer", [Required()], lookup="customers")


def _change_to(state: MandateState, done: str) -> Any:
    def perform(session: Session, ids: list[int], answers: Mapping[str, str], actor: Actor) -> str:
        for id_ in ids:
            change_mandate_state(
                session, session.get_one(Mandate, id_), state, actor=actor,
                reason=answers.get("reason") or None,
            )  # fmt: skip
        return f"The mandate was {done}." if len(ids) == 1 else f"{len(ids)} mandates were {done}."

    return perform


def _may_become(state: MandateState, *olds: MandateState) -> Callable[[Mandate], bool]:
    return lambda mandate: (
        (not olds or mandate.state in olds)
        and MANDATE_STATES.allows(MandateState(mandate.state), state)
    )


class MandatesView(KontorView):
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
    form_class = MandateForm
    create_form_class = NewMandateForm
    lookups = {"customers": CUSTOMERS}
    tabs = (history_tab("mandate"),)
    columns = (
        Column("reference", "Mandate reference", sort="reference", main=True, filter="reference"),
        Column("customer", "Customer", customer_in_list),
        Column("iban", "IBAN", account_of),
        Column("scheme", "Scheme", filter="scheme"),
        Column("type", "Type", lambda one: one.type.capitalize()),
        Column("state", "State", mandate_badge, filter="state"),
        Column("signed_on", "Signed on", filter="signed"),
    )
    actions = (
        Action(
            "suspend", "Suspend", Permission.MANDATES_EDIT,
            _change_to(MandateState.SUSPENDED, "suspended"), icon="hourglass",
            confirm="Suspend {this mandate|# mandates}? Nothing is collected until it is resumed.",
            ask=Ask("reason", "Reason", required=False, hint="Kept in the history"),
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
            ask=Ask("reason", "Reason", required=False, hint="Kept in the history"),
            shown=_may_become(MandateState.CANCELLED),
        ),
    )  # fmt: skip

    def listing(self) -> Listing:
        """All mandates."""
        return MANDATES

    def record_options(self) -> Sequence[Any]:
        """The record names the customer."""
        return (joinedload(Mandate.customer),)

    def editable(self, model: Mandate) -> bool:
        """Until it was collected by; then it is cancelled and a new one made."""
        return model.state in CHANGEABLE and model.last_collected_on is None

    def headline(self, model: Mandate) -> str:
        """The reference."""
        return f"Mandate {model.reference}"

    def subtitle(self, model: Mandate) -> str:
        """The customer."""
        return f"{model.customer.display_name} · {model.customer.number}"

    def badges(self, model: Mandate) -> list[Badge]:
        """Its state, and what the scheme asks for."""
        found = [mandate_badge(model)]
        if model.scheme == Scheme.B2B:
            found.append(Badge("B2B: registered with the customer's bank?", "yellow", "bell"))
        return found

    def sections(self, model: Mandate) -> list[Section]:
        """What was signed, and for which account."""
        lines = [
            ("Customer", customer_in_record(model.customer)),
            ("Type", model.type.capitalize()),
            ("Scheme", model.scheme),
            ("Signed on", model.signed_on),
            ("Last collected on", model.last_collected_on),
            ("Created", model.created_at),
        ]
        account = [
            ("IBAN", account_of(model)),
            ("BIC", model.bic),
            ("Account holder", model.account_holder),
        ]
        if model.original_reference:
            account.append(("Reference before the amendment", model.original_reference))
        if model.original_iban:
            full = current_actor().may(Permission.BANK_DETAILS_VIEW)
            before = model.original_iban
            account.append(
                ("IBAN before the amendment", spaced(before) if full else masked(before))
            )
        return [Section("Mandate", lines), Section("Account", account)]

    def prepare_form(self, form: Any, model: Mandate | None) -> None:
        """Whoever may not see the IBAN leaves its mask as it is."""
        if model is not None and not current_actor().may(Permission.BANK_DETAILS_VIEW):
            shut(form.iban, model.iban)

    def new_data(self) -> Mapping[str, Any]:
        """From a customer's record: that customer, and what is known of the account."""
        try:
            customer = db.session.get(Customer, identifier(request.args.get("customer_id", "")))
        except ValueError:
            return {}
        if customer is None or customer.deleted_at is not None:
            return {}
        known: dict[str, Any] = {"customer_id": customer.id}
        known["account_holder"] = customer.account_holder or customer.display_name
        if current_actor().may(Permission.BANK_DETAILS_VIEW):
            known |= {"iban": customer.iban, "bic": customer.bic}
        return known

    def form_data(self, model: Mandate) -> Mapping[str, Any]:
        """The stored values, masked for whoever may not see them."""
        names = ("reference", "signed_on", "type", "scheme", "iban", "bic", "account_holder")
        values = {name: getattr(model, name) for name in names}
        if not current_actor().may(Permission.BANK_DETAILS_VIEW):
            values["iban"] = masked(model.iban)
        return values

    def perform_create(self, session: Session, form: Any, actor: Actor) -> list[int]:
        """A mandate: active if it is signed, else a draft."""
        return create_mandates(session, [_draft(form, form.customer_id.data, "")], actor=actor)

    def perform_update(self, session: Session, model: Any, form: Any, actor: Actor) -> None:
        """A mandate that no collection has used yet."""
        update_mandate(session, model, _draft(form, model.customer_id, model.iban), actor=actor)


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
    )


def views() -> list[KontorView]:
    """The views of this module."""
    register_telling("customers", MANDATE_EVENTS)
    return [MandatesView()]
