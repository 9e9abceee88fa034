"""The columns of lists that leave as exports only; what comes in, too, keeps its own definition."""

from dataclasses import replace

from app.transfer.columns import commerce, customers, parsers, perpetual
from app.transfer.columns.base import Column, Form
from app.transfer.columns.invoices import INVOICES as INVOICE_WORKBOOK


def told(
    label: str, field: str, form: Form = Form.TEXT, width: int = 16, choices: str = ""
) -> Column:
    """A column that is written and never read."""
    return Column(
        label, field, parsers.text(2000), form=form, width=width, choices=choices, read_only=True
    )


CUSTOMER_NUMBER = replace(customers.NUMBER, field="customer_number")
CUSTOMER_NAME = told("Customer", "customer", width=34)

_COVERAGE = (
    perpetual.COVERAGE_FROM,
    perpetual.COVERAGE_TO,
    perpetual.FIRST_VOLUME,
    perpetual.LAST_VOLUME,
)

# At least the columns that publishers ask of a list of rights, in this order.
SUBSCRIPTIONS = (
    CUSTOMER_NUMBER,
    CUSTOMER_NAME,
    perpetual.ISSN,
    perpetual.JOURNAL,
    told("Source", "source", width=12),
    *_COVERAGE,
    told("Status", "status", width=12),
    told("Sources", "sources", width=44),
)

AUTHORIZATIONS = (
    # The customer's number in the column that the import of authorizations looks customers up by.
    replace(perpetual.CUSTOMER, width=14),
    told("Customer name", "customer_name", width=34),
    perpetual.ISSN,
    perpetual.JOURNAL,
    perpetual.BASIS,
    *_COVERAGE,
    replace(perpetual.FIRST_ISSUE, width=12),
    replace(perpetual.LAST_ISSUE, width=12),
    perpetual.NOTE,
)

INVOICES = (
    *(
        replace(column, width=14) if column.field == "customer" else column
        for column in INVOICE_WORKBOOK.sheets[0].columns
    ),
    told("Customer name", "customer_name", width=34),
    told("State", "state", width=14),
)

MANDATES = (
    replace(commerce.MANDATE_REFERENCE, field="reference", width=22),
    CUSTOMER_NUMBER,
    CUSTOMER_NAME,
    replace(commerce.ACCOUNT_HOLDER, width=30),
    commerce.IBAN,
    commerce.BIC,
    told("Scheme", "scheme", width=10),
    told("Type", "type", width=12),
    told("State", "state", width=12),
    told("Signed on", "signed_on", Form.DATE, 13),
    told("Last collected on", "last_collected_on", Form.DATE, 18),
)

CREDITOR_ACCOUNTS = (
    told("Label", "label", width=24),
    told("Creditor", "name", width=30),
    told("Creditor identifier", "creditor_identifier", width=24),
    commerce.IBAN,
    commerce.BIC,
    told("Scheme", "scheme", width=10),
    told("Default", "is_default", Form.YES_NO, 10),
    told("Active", "active", Form.YES_NO, 10),
)

RUNS = (
    told("Run", "number", width=12),
    told("Creditor", "creditor_name", width=30),
    told("Scheme", "scheme", width=10),
    told("Collection date", "collection_date", Form.DATE, 16),
    told("State", "state", width=12),
    told("Collections", "collection_count", Form.WHOLE, 12),
    told("Amount", "amount", Form.AMOUNT, 14),
    told("Created", "created_at", Form.MOMENT, 24),
    told("Created by", "created_by_label", width=28),
)

STORES = (
    told("Name", "name", width=30),
    told("Default", "is_default", Form.YES_NO, 10),
    told("Active", "active", Form.YES_NO, 10),
)
GROUPS = (
    told("Name", "name", width=24),
    told("Approval required", "approval_required", Form.YES_NO, 18),
    told("Description", "description", width=50),
)
PRICE_LEVELS = (told("Name", "name", width=14), told("Description", "description", width=50))
SECURITY_QUESTIONS = (
    told("Question", "question", width=60),
    told("Active", "active", Form.YES_NO, 10),
)
OPERATORS = (
    told("Email", "email", width=32),
    told("Name", "name", width=28),
    told("Roles", "roles", width=30),
    told("Active", "active", Form.YES_NO, 10),
    told("Last log-in", "last_login_at", Form.MOMENT, 24),
)
ROLES = (told("Name", "name", width=24), told("Description", "description", width=50))
