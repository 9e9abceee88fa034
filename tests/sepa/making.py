"""Customers who pay by direct debit, their mandates and invoices, for the tests of this room."""

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from schwifty import IBAN
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.billing.models import Invoice
from app.billing.operations import InvoiceDraft, create_invoices
from app.core.actor import COMMAND_LINE
from app.customers.drafts import CustomerDraft
from app.customers.models import Customer
from app.customers.operations import create_customers
from app.sepa.models import Collection, CreditorAccount, Mandate
from app.sepa.operations_accounts import CreditorAccountDraft, save_creditor_account
from app.sepa.operations_mandates import MandateDraft, create_mandates
from app.sepa.rules import Policy

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)  # a Monday morning, before the cut-off
DAY = date(2026, 12, 1)
POLICY = Policy()

_numbers = count(1)


def iban(country: str = "DE") -> str:
    """A valid IBAN that no other test has."""
    number = next(_numbers)
    if country == "CH":
        return str(IBAN.generate("CH", bank_code="00762", account_code=f"{number:012}"))
    return str(IBAN.generate("DE", bank_code="37040044", account_code=f"{number:010}"))


def account(session: Session, **given: Any) -> CreditorAccount:
    """A creditor account."""
    values = {
        "label": f"Account {next(_numbers)}",
        "name": "Kontor Demo GmbH",
        "creditor_identifier": "DE98ZZZ09999999999",
        "iban": "DE89370400440532013000",
    }
    return save_creditor_account(
        session, None, CreditorAccountDraft(**(values | given)), actor=COMMAND_LINE
    )


def payer(session: Session, **given: Any) -> Customer:
    """A customer who pays by SEPA direct debit."""
    addresses = given.pop("addresses", ())
    values = {
        "first_name": "Ada",
        "name": f"Lovelace {next(_numbers)}",
        "payment_method": "SEPA direct debit",
        "iban": iban(),
    }
    draft = CustomerDraft("individual", values | given, addresses=addresses)
    return session.get_one(Customer, create_customers(session, [draft], actor=COMMAND_LINE)[0])


def mandate(session: Session, customer: Customer, **given: Any) -> Mandate:
    """An active mandate for the customer's own account."""
    values = {
        "reference": f"M-{next(_numbers)}",
        "customer_id": customer.id,
        "iban": customer.iban,
        "account_holder": customer.display_name,
        "signed_on": date(2026, 1, 15),
    }
    made = create_mandates(session, [MandateDraft(**(values | given))], actor=COMMAND_LINE)
    return session.get_one(Mandate, made[0])


def invoice(session: Session, customer: Customer, amount: str = "12.34", **given: Any) -> Invoice:
    """An open invoice that is due."""
    draft = InvoiceDraft(
        **{
            "number": f"R-{next(_numbers)}",
            "customer_id": customer.id,
            "amount": Decimal(amount),
            "issued_on": date(2026, 11, 2),
            "due_on": date(2026, 11, 30),
        }
        | given
    )
    return session.get_one(Invoice, create_invoices(session, [draft], actor=COMMAND_LINE)[0])


def debtor(session: Session, amount: str = "12.34", **given: Any) -> Invoice:
    """An invoice that can be collected: with its customer and an active mandate."""
    customer = payer(session, **given.pop("customer", {}))
    mandate(session, customer, **given.pop("mandate", {}))
    return invoice(session, customer, amount, **given)


def many_debtors(session: Session, how_many: int, **given: Any) -> list[int]:
    """The ids of invoices that can be collected, each with its customer and mandate, in bulk."""
    drafts = [
        CustomerDraft("individual", {
            "first_name": "Ada", "name": f"Lovelace {next(_numbers)}",
            "payment_method": "SEPA direct debit", "iban": iban(),
        })
        for _ in range(how_many)
    ]  # fmt: skip
    customers = create_customers(session, drafts, actor=COMMAND_LINE)
    mandates = [
        MandateDraft(
            reference=f"M-{next(_numbers)}", customer_id=customer, account_holder="Ada Lovelace",
            iban=draft.values["iban"], signed_on=date(2026, 1, 15),
        )
        for customer, draft in zip(customers, drafts, strict=True)
    ]  # fmt: skip
    create_mandates(session, mandates, actor=COMMAND_LINE)
    values = {"issued_on": date(2026, 11, 2), "due_on": date(2026, 11, 30)} | given
    invoices = [
        InvoiceDraft(
            number=f"R-{next(_numbers)}", customer_id=customer, amount=Decimal("12.34"), **values
        )
        for customer in customers
    ]
    return create_invoices(session, invoices, actor=COMMAND_LINE)


def collections(session: Session, run_id: int) -> list[Collection]:
    """The collections of a run, in the order of its file."""
    wanted = select(Collection).where(Collection.run_id == run_id).order_by(Collection.id)
    return list(session.scalars(wanted))
