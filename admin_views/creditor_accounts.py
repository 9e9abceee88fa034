"""Creditor accounts: our own accounts that direct debits are paid into."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy.orm import Session
from wtforms import BooleanField, SelectField

from admin_views.base import KontorView
from admin_views.customer_payment import account_of
from admin_views.formatters import Badge, Column, spaced
from admin_views.forms import Group, KontorForm, Longest, ParsedField, Required, TextField
from admin_views.history import history_tab
from admin_views.records import Section
from app.core.actor import Actor
from app.core.listing import Listing
from app.core.money import format_amount
from app.core.permissions import Permission
from app.core.values import parse_amount, parse_bic, parse_iban, parse_whole_number
from app.sepa.characters import MAX_NAME
from app.sepa.models import CreditorAccount, Scheme
from app.sepa.operations_accounts import CreditorAccountDraft, save_creditor_account
from app.sepa.queries import ACCOUNTS
from app.sepa.rules import MAX_AMOUNT

MOST_TRANSACTIONS = 1_000_000


class CreditorAccountForm(KontorForm):
    """A creditor account."""

    groups = (
        Group("Account", ("label", "name", "creditor_identifier", "iban", "bic")),
        Group("Use", ("scheme", "active", "is_default")),
        Group("Limits of one bank file", ("max_transactions", "max_amount"),
              "As agreed on with the bank; a larger run gets several files"),
    )  # fmt: skip

    label = TextField(
        "Label", [Required(), Longest(80)], description="As this program names the account"
    )
    name = TextField(
        "Name", [Required(), Longest(MAX_NAME)], description="As customers read it at their bank"
    )
    creditor_identifier = TextField(
        "Creditor identifier", [Required(), Longest(35)], description="Like DE98ZZZ09999999999"
    )
    iban = ParsedField(
        "IBAN", [Required()], parse=partial(parse_iban, label="IBAN"),
        display=lambda iban: spaced(iban) or "",
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
        """The account, and the limits of its files."""
        return [
            Section("Account", [
                ("Name", model.name),
                ("Creditor identifier", model.creditor_identifier),
                ("IBAN", account_of(model)),
                ("BIC", model.bic),
                ("Scheme", model.scheme),
                ("Active", model.active),
            ]),
            Section("Limits of one bank file", [
                ("Collections", f"{model.max_transactions:,}"),
                ("Amount", f"{format_amount(model.max_amount)} €"),
            ]),
        ]  # fmt: skip

    def perform_create(self, session: Session, form: Any, actor: Actor) -> CreditorAccount:
        """A new account."""
        return save_creditor_account(session, None, _draft(form.data), actor=actor)

    def perform_update(self, session: Session, model: Any, form: Any, actor: Actor) -> None:
        """The account as the form says; runs keep what they were created with."""
        save_creditor_account(session, model, _draft(form.data), actor=actor)


def _draft(values: Mapping[str, Any]) -> CreditorAccountDraft:
    return CreditorAccountDraft(**values)


def views() -> list[KontorView]:
    """The views of this module."""
    return [CreditorAccountsView()]
