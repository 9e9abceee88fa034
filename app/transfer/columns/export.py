"""The 31 columns in which customers of all kinds leave, and come back as an update.

The order is the contract of domain.md, section 3. `name` holds the company name of a business or
an institution; `first_name` its contact's first name.
"""

from dataclasses import replace
from typing import Any

from app.core.permissions import Permission
from app.transfer.columns import commerce, customers, parsers
from app.transfer.columns.base import Column, Form, RowContext, SheetSpec, WorkbookSpec

MASK = "•"


def _masked_or_iban(raw: Any, label: str, context: RowContext) -> str:
    """An IBAN; one that the export has masked stays so, to be compared with the stored one."""
    return str(raw).strip() if MASK in str(raw) else parsers.iban(raw, label, context)


INSTITUTE = Column(
    "Institute",
    "institute",
    parsers.text(120),
    width=24,
    read_only=True,
    note="Follows from the IBAN; changing it here changes nothing.",
)
CUSTOMER_CREATED = Column(
    "Customer created",
    "created_at",
    parsers.text(40),
    form=Form.MOMENT,
    width=22,
    read_only=True,
    note="Changing it here changes nothing.",
)
CLIENT_LAST_CHANGED = Column(
    "Client last changed",
    "changed_at",
    parsers.text(40),
    form=Form.MOMENT,
    width=22,
    read_only=True,
    note="Tells whether somebody edited the customer since the export.",
)
LOCKED_CUSTOMER = Column(
    "Locked customer", "locked", parsers.yes_no, form=Form.YES_NO, choices="yes_no", width=15
)

CUSTOMERS = WorkbookSpec(
    "customers",
    "Customers of all kinds",
    "An export of customers, edited and brought back.",
    (
        SheetSpec(
            "Customers",
            (
                replace(customers.NUMBER, required=True),
                customers.TITLE,
                customers.CONTACT_FIRST_NAME,
                customers.NAME,
                customers.ALIAS,
                customers.GENDER,
                customers.DATE_OF_BIRTH,
                customers.STREET,
                customers.POSTCODE,
                customers.PLACE,
                customers.CARE_OF,
                customers.PO_BOX,
                customers.COUNTRY,
                customers.TELEPHONE_PRIVATE,
                customers.BUSINESS_TELEPHONE,
                customers.MOBILE_PHONE,
                customers.FAX,
                customers.EMAIL,
                customers.HOMEPAGE,
                replace(commerce.IBAN, parse=_masked_or_iban),
                commerce.BIC,
                INSTITUTE,
                commerce.REBATE,
                commerce.PRICE_LEVEL,
                replace(commerce.REASON_FOR_LOSS, in_template=True),
                commerce.PAYMENT_METHOD,
                commerce.TERM_OF_PAYMENT,
                CUSTOMER_CREATED,
                CLIENT_LAST_CHANGED,
                replace(commerce.FAVOURITE, in_template=True),
                LOCKED_CUSTOMER,
            ),
            "customer",
        ),
    ),
    Permission.CUSTOMERS_IMPORT,
    has_template=False,
)
