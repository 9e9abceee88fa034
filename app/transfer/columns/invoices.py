"""The columns of open invoices."""

from app.core.permissions import Permission
from app.transfer.columns import parsers
from app.transfer.columns.base import Column, Form, SheetSpec, WorkbookSpec

CUSTOMER = Column(
    "Customer",
    "customer",
    parsers.text(254),
    required=True,
    hints=("Kunde", "Kundennummer", "Client", "Debitor"),
    width=30,
    example="erika@example.org",
    note="The customer number, the former number, the email or the exact company name.",
)

INVOICES = WorkbookSpec(
    "invoices",
    "Open invoices",
    "Invoices that are still to be paid, each with its customer, amount and due date.",
    (
        SheetSpec(
            "Invoices",
            (
                Column(
                    "Invoice number",
                    "number",
                    parsers.text(35),
                    required=True,
                    hints=("Rechnungsnummer", "Rechnung", "Invoice", "Belegnummer"),
                    width=18,
                    example="R-2026-00001",
                ),
                CUSTOMER,
                Column(
                    "Amount",
                    "amount",
                    parsers.amount,
                    form=Form.AMOUNT,
                    required=True,
                    hints=("Betrag", "Bruttobetrag", "Total", "Sum"),
                    width=12,
                    example=119.00,
                    note="In euros, more than zero, with at most two decimals.",
                ),
                Column(
                    "Currency",
                    "currency",
                    parsers.currency,
                    hints=("Währung",),
                    width=10,
                    example="EUR",
                    note="EUR, or blank.",
                ),
                Column(
                    "Issued on",
                    "issued_on",
                    parsers.day,
                    form=Form.DATE,
                    required=True,
                    hints=("Rechnungsdatum", "Invoice date", "Date", "Datum"),
                    width=13,
                    example="02.10.2026",
                ),
                Column(
                    "Due on",
                    "due_on",
                    parsers.day,
                    form=Form.DATE,
                    required=True,
                    hints=("Fälligkeit", "Fällig am", "Due date"),
                    width=13,
                    example="02.11.2026",
                ),
                Column(
                    "Remittance text",
                    "remittance_text",
                    parsers.text(140),
                    hints=("Verwendungszweck", "Reference", "Purpose"),
                    width=44,
                    example="Rechnung R-2026-00001",
                    note="What the debtor reads; at most 140 characters.",
                ),
            ),
            "invoice",
        ),
    ),
    Permission.INVOICES_IMPORT,
)
