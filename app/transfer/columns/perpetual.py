"""The three sheets of perpetual customers: institutions, their addresses, their authorizations."""

from dataclasses import replace
from typing import Any

from app.core.permissions import Permission
from app.customers.choices import AddressKind
from app.subscriptions.drafts import parse_embargo
from app.subscriptions.models import Basis
from app.transfer.columns import commerce, customers, parsers
from app.transfer.columns.base import Column, Form, RowContext, SheetSpec, WorkbookSpec

_COVERAGE_NOTE = "A year, a month or a day: 2010, 2010-03 or 2010-03-15. Blank is open."

CUSTOMER = Column(
    "Customer",
    "customer",
    parsers.text(254),
    required=True,
    hints=("Kunde", "Einrichtung", "Institution"),
    width=32,
    example="Universität Heidelberg",
    note="A customer of this file or of the system: the customer number, the former number, "
    "the email or the exact company name.",
)
ADDRESS_KIND = Column(
    "Kind",
    "kind",
    parsers.member_of(AddressKind),
    form=Form.CHOICE,
    choices="address_kinds",
    in_template=False,
)
LABEL = Column("Label", "label", parsers.text(80), width=20, example="Main library")
ISSN = Column(
    "ISSN",
    "issn",
    parsers.issn,
    width=11,
    example="0031-5117",
    note="Of the print or of the online edition.",
)
JOURNAL = Column(
    "Journal",
    "journal",
    parsers.text(500),
    hints=("Zeitschrift", "Titel", "Title"),
    width=50,
    note="The exact title; needed only where no ISSN is given.",
)
BASIS = Column(
    "Basis",
    "basis",
    parsers.member_of(Basis, postcancellation="POST_CANCELLATION", back_file="BACKFILE"),
    form=Form.CHOICE,
    choices="bases",
    required=True,
    hints=("Grundlage",),
    width=18,
    example="purchase",
    note="purchase, post-cancellation or backfile.",
)
COVERAGE_FROM = Column(
    "Coverage from",
    "coverage_from",
    parsers.coverage_date,
    form=Form.COVERAGE,
    hints=("Von", "From", "Start"),
    width=14,
    example="2010",
    note=_COVERAGE_NOTE,
)
COVERAGE_TO = Column(
    "Coverage to",
    "coverage_to",
    parsers.coverage_date,
    form=Form.COVERAGE,
    hints=("Bis", "To", "End"),
    width=14,
    example="2014-06",
    note=_COVERAGE_NOTE,
)
FIRST_VOLUME = Column("First volume", "first_volume", parsers.text(20), width=12)
LAST_VOLUME = Column("Last volume", "last_volume", parsers.text(20), width=12)
FIRST_ISSUE = Column("First issue", "first_issue", parsers.text(20), in_template=False)
LAST_ISSUE = Column("Last issue", "last_issue", parsers.text(20), in_template=False)


def _embargo(raw: Any, label: str, context: RowContext) -> str | None:
    return parse_embargo(raw, label)


EMBARGO = Column("Embargo", "embargo", _embargo, in_template=False)
NOTE = Column("Note", "note", parsers.text(2000, lines=True), width=36)

CUSTOMERS_SHEET = SheetSpec(
    "Customers",
    (
        customers.NUMBER,
        replace(customers.COMPANY_NAME, example=CUSTOMER.example),
        replace(customers.CONTACT_NAME, example="Erika Mustermann"),
        replace(customers.EMAIL, example="library@example.org"),
        customers.BUSINESS_TELEPHONE,
        customers.COUNTRY,
        customers.MEMO,
        customers.FORMER_NUMBER,
        customers.VAT_ID.hidden(),
        customers.MOBILE_PHONE.hidden(),
        customers.FAX.hidden(),
        customers.HOMEPAGE.hidden(),
        commerce.IBAN.hidden(),
        commerce.BIC.hidden(),
        commerce.ACCOUNT_HOLDER,
        commerce.REBATE.hidden(),
        commerce.PRICE_LEVEL.hidden(),
        commerce.PAYMENT_METHOD.hidden(),
        commerce.TERM_OF_PAYMENT.hidden(),
        commerce.INVOICES_BY_EMAIL.hidden(),
        commerce.NEWSLETTER.hidden(),
        commerce.GROUP.hidden(),
        commerce.STORE.hidden(),
        customers.PREFERRED_LANGUAGE,
        commerce.FAVOURITE,
        commerce.MANDATE_REFERENCE.hidden(),
        commerce.MANDATE_SIGNED_ON.hidden(),
    ),
    "customer",
)
ADDRESSES_SHEET = SheetSpec(
    "Addresses",
    (
        CUSTOMER,
        LABEL,
        customers.STREET,
        replace(customers.LINE_2, in_template=True),
        customers.POSTCODE,
        customers.PLACE,
        replace(customers.STATE, in_template=True),
        customers.COUNTRY,
        ADDRESS_KIND,
        customers.CARE_OF.hidden(),
        customers.PO_BOX.hidden(),
    ),
    "address",
    optional=True,
)
AUTHORIZATIONS_SHEET = SheetSpec(
    "Journal authorizations",
    (
        CUSTOMER,
        ISSN,
        JOURNAL,
        BASIS,
        COVERAGE_FROM,
        COVERAGE_TO,
        FIRST_VOLUME,
        LAST_VOLUME,
        NOTE,
        FIRST_ISSUE,
        LAST_ISSUE,
        EMBARGO,
    ),
    "authorization",
    optional=True,
)

PERPETUAL = WorkbookSpec(
    "perpetual",
    "Perpetual customers",
    "Institutions with perpetual rights to journals: three sheets with the institutions, their "
    "addresses and their journal authorizations.",
    (CUSTOMERS_SHEET, ADDRESSES_SHEET, AUTHORIZATIONS_SHEET),
    Permission.CUSTOMERS_IMPORT,
)
