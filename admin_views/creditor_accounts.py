"""Creditor accounts: our own accounts that direct debits are paid into."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import time
from functools import partial
from typing import Any

from flask import current_app
from sqlalchemy.orm import Session
from wtforms import BooleanField, SelectField

from admin_views.base import KontorView
from admin_views.customer_fields import MASK, shut
from admin_views.customer_payment import account_of
from admin_views.formatters import Badge, Column, masked, spaced
from admin_views.forms import Group, KontorForm, Longest, ParsedField, Required, TextField
from admin_views.history import history_tab
from admin_views.records import Section
from app.accounts.identity import current_actor
from app.core.actor import Actor
from app.core.countries import country_name
from app.core.listing import Listing
from app.core.money import format_amount
from app.core.permissions import Permission
from app.core.text import clean
from app.core.values import (
    parse_amount,
    parse_bic,
    parse_country,
    parse_iban,
    parse_time_of_day,
    parse_whole_number,
)
from app.sepa.characters import MAX_NAME
from app.sepa.models import CreditorAccount, Scheme
from app.sepa.operations_accounts import (
    ADDRESS_LIMITS,
    CreditorAccountDraft,
    save_creditor_account,
)
from app.sepa.queries import ACCOUNTS, policy_of
from app.sepa.rules import MAX_AMOUNT, MOST_TRANSACTIONS


def _hour(moment: time) -> str:
    return f"{moment:%H:%M}"


class CreditorAccountForm(KontorForm):
    """A creditor account."""

    groups = (
        Group("Account", ("label", "name", "creditor_identifier", "iban", "bic")),
        Group("Use", ("scheme", "active", "is_default")),
        Group("What the bank takes",
              ("max_transactions", "max_amount", "cutoff", "one_block_per_file",
               "hybrid_addresses"),
              "As agreed on with the bank; a larger run gets several files"),
        Group("Address", ("street", "postcode", "place", "country"),
              "For mandate forms and letters; no bank file carries it"),
    )  # fmt: skip

    label = TextField(
        "Label", [Required(), Longest(80)], filters=(clean,),
        description="As this program names the account",
    )  # fmt: skip
    name = TextField(
        "Name", [Required(), Longest(MAX_NAME)], filters=(clean,),
        description="As customers read it at their bank",
    )  # fmt: skip
    creditor_identifier = TextField(
        "Creditor identifier", [Required(), Longest(50)], description="Like DE98ZZZ09999999999"
    )
    iban = ParsedField(
        "IBAN", [Required()], parse=partial(parse_iban, label="IBAN"),
        display=lambda iban: iban if MASK in iban else spaced(iban) or "",
    )  # fmt: skip
    bic = ParsedField(
        "BIC", parse=partial(parse_bic, label="BIC"),
        description="Blank: taken from the IBAN where its bank is known",
    )  # fmt: skip
    scheme = SelectField(
        "Scheme", choices=[(one.value, one.value) for one in Scheme],
        description="B2B needs mandates of its own; for both, keep two accounts",
    )  # fmt: skip
    active = BooleanField("Active", default=True, description="Only active accounts collect")
    is_default = BooleanField(
        "Default account", description="Proposed for new runs; takes the place of the old one"
    )
    max_transactions = ParsedField(
        "Collections in a file", [Required()], default=50_000,
        parse=partial(
            parse_whole_number, label="Collections in a file", minimum=1, maximum=MOST_TRANSACTIONS
        ),
    )  # fmt: skip
    max_amount = ParsedField(
        "Amount of a file (euros)", [Required()], default=MAX_AMOUNT,
        parse=partial(parse_amount, label="Amount of a file"),
    )  # fmt: skip
    cutoff = ParsedField(
        "Cut-off", parse=partial(parse_time_of_day, label="Cut-off"), display=_hour,
        description="Until when the bank takes files for the next day, like 14:00;"
        " blank: as this installation is set",
    )  # fmt: skip
    one_block_per_file = BooleanField(
        "One payment block in a file",
        description="Another sequence type then gets a file of its own",
    )
    hybrid_addresses = BooleanField(
        "Hybrid addresses",
        description="Streets as address lines beside place and country; Austrian banks refuse them",
    )
    street = TextField("Street/No.", [Longest(ADDRESS_LIMITS["street"])], filters=(clean,))
    postcode = TextField("Postcode", [Longest(ADDRESS_LIMITS["postcode"])], filters=(clean,))
    place = TextField("Place", [Longest(ADDRESS_LIMITS["place"])], filters=(clean,))
    country = ParsedField(
        "Country", parse=partial(parse_country, label="Country"), display=country_name,
        description="A name like Germany, or a code like DE",
    )  # fmt: skip


class CreditorAccountsView(KontorView):
    """The creditor accounts: accounting sees them, administrators keep them."""

    model_class = CreditorAccount
    label, singular = "Creditor accounts", "creditor account"
    menu_group, icon, endpoint_name = "Accounting", "wallet", "creditor_accounts"
    permissions = {
        "view": Permission.CREDITOR_ACCOUNTS_VIEW,
        "create": Permission.CREDITOR_ACCOUNTS_EDIT,
        "edit": Permission.CREDITOR_ACCOUNTS_EDIT,
        "export": Permission.EXPORT,
    }
    export_kind = "creditor_accounts"
    empty_hint = "An account with its creditor identifier is what direct debits are paid into."
    form_class = CreditorAccountForm
    tabs = (history_tab("creditor account"),)
    columns = (
        Column("label", "Label", sort="label", main=True),
        Column("name", "Name"),
        Column("creditor_identifier", "Creditor identifier"),
        Column("iban", "IBAN", account_of),
        Column("scheme", "Scheme"),
        Column("max_transactions", "Collections in a file", numeric=True),
        Column("is_default", "Default"),
        Column("active", "Active"),
    )

    def listing(self) -> Listing:
        """All accounts."""
        return ACCOUNTS

    def badges(self, model: CreditorAccount) -> list[Badge]:
        """Whether it is the default, and in use."""
        found = [Badge("Default", "green")] if model.is_default else []
        return found if model.active else [*found, Badge("Inactive")]

    def sections(self, model: CreditorAccount) -> list[Section]:
        """The account, what its bank takes, and the address of its letters."""
        cutoff = model.cutoff or policy_of(current_app.config["SETTINGS"]).cutoff
        whose = "" if model.cutoff else ", as this installation is set"
        return [
            Section("Account", [
                ("Name", model.name),
                ("Creditor identifier", model.creditor_identifier),
                ("IBAN", account_of(model)),
                ("BIC", model.bic),
                ("Scheme", model.scheme),
                ("Active", model.active),
            ]),
            Section("What the bank takes", [
                ("Collections in a file", f"{model.max_transactions:,}"),
                ("Amount of a file", f"{format_amount(model.max_amount)} €"),
                ("Cut-off", f"{_hour(cutoff)}{whose}"),
                ("One payment block in a file", model.one_block_per_file),
                ("Hybrid addresses", model.hybrid_addresses),
            ]),
            Section("Address", [
                ("Street/No.", model.street),
                ("Postcode", model.postcode),
                ("Place", model.place),
                ("Country", country_name(model.country) if model.country else None),
            ]),
        ]  # fmt: skip

    def prepare_form(self, form: Any, model: CreditorAccount | None) -> None:
        """Whoever may not see the IBAN leaves its mask as it is."""
        if model is not None and not _sees_ibans():
            shut(form.iban, model.iban)

    def form_data(self, model: CreditorAccount) -> Mapping[str, Any]:
        """The stored values, the IBAN masked for whoever may not see it."""
        values = {one.name: getattr(model, one.name) for one in fields(CreditorAccountDraft)}
        return values if _sees_ibans() else values | {"iban": masked(model.iban)}

    def perform_create(self, session: Session, form: Any, actor: Actor) -> CreditorAccount:
        """A new account."""
        return save_creditor_account(session, None, _draft(form.data), actor=actor)

    def perform_update(self, session: Session, model: Any, form: Any, actor: Actor) -> None:
        """The account as the form says; runs keep what they were created with."""
        values = dict(form.data)
        if MASK in values["iban"]:
            values["iban"] = model.iban
        save_creditor_account(session, model, _draft(values), actor=actor)


def _sees_ibans() -> bool:
    return current_actor().may(Permission.BANK_DETAILS_VIEW)


def _draft(values: Mapping[str, Any]) -> CreditorAccountDraft:
    return CreditorAccountDraft(**values)


def views() -> list[KontorView]:
    """The views of this module."""
    return [CreditorAccountsView()]
