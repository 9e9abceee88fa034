"""The columns of what customers buy and how they pay: payment, price, consent, mandate.

Beside those in customers.py; the same holds for them.
"""

from app.core.permissions import Permission
from app.customers.choices import PaymentMethod, Source
from app.transfer.columns import parsers
from app.transfer.columns.base import Column, Form, Part

IBAN = Column(
    "IBAN",
    "iban",
    parsers.iban,
    width=28,
    example="DE89 3704 0044 0532 0130 00",
    masked=True,
    permission=Permission.BANK_DETAILS_VIEW,
    note="With or without blanks.",
    hints=("Bankverbindung", "Kontonummer", "Account number"),
)
BIC = Column(
    "BIC",
    "bic",
    parsers.bic,
    width=14,
    note="May be left out where the IBAN tells it.",
    hints=("SWIFT", "SWIFT code"),
)
ACCOUNT_HOLDER = Column(
    "Account holder",
    "account_holder",
    parsers.text(140),
    in_template=False,
    note="If it is not the customer.",
    hints=("Kontoinhaber",),
)
REBATE = Column(
    "Rebate",
    "rebate",
    parsers.whole_number(0, 100),
    form=Form.WHOLE,
    width=8,
    example=10,
    note="In per cent: a whole number from 0 to 100, without point or comma.",
    hints=("Rabatt", "Discount"),
)
PRICE_LEVEL = Column(
    "Price level",
    "price_level_id",
    parsers.stored("price_levels", "price level"),
    form=Form.CHOICE,
    choices="price_levels",
    width=11,
    example="A",
    hints=("Preisstufe", "Preisgruppe", "Price group"),
)
REASON_FOR_LOSS = Column(
    "Reason for loss",
    "reason_for_loss",
    parsers.text(200),
    in_template=False,
    hints=("Kündigungsgrund",),
)
FAVOURITE = Column(
    "Favourite",
    "favourite",
    parsers.yes_no,
    form=Form.YES_NO,
    choices="yes_no",
    width=10,
    in_template=False,
    hints=("Favorit", "Favorite"),
)
PAYMENT_METHOD = Column(
    "Method of payment",
    "payment_method",
    parsers.one_of(
        {method.value: method.value for method in PaymentMethod}
        | {
            "Direct debit": PaymentMethod.DIRECT_DEBIT.value,
            "Lastschrift": PaymentMethod.DIRECT_DEBIT.value,
            "SEPA-Lastschrift": PaymentMethod.DIRECT_DEBIT.value,
            "Rechnung": PaymentMethod.INVOICE.value,
            "Kreditkarte": PaymentMethod.CREDIT_CARD.value,
            "Bar": PaymentMethod.CASH.value,
            "Vorkasse": PaymentMethod.PREPAYMENT.value,
        }
    ),
    form=Form.CHOICE,
    choices="payment_methods",
    example="SEPA direct debit",
    note="SEPA direct debit needs an IBAN.",
    hints=("Zahlungsart", "Zahlungsweise", "Payment method", "Payment"),
)
TERM_OF_PAYMENT = Column(
    "Term of payment",
    "term_of_payment",
    parsers.whole_number(0, 365),
    form=Form.WHOLE,
    width=16,
    example=14,
    note="In whole days, 0 to 365.",
    hints=("Zahlungsziel", "Payment term", "Payment days"),
)
NEWSLETTER = Column(
    "Newsletter",
    "newsletter",
    parsers.yes_no,
    form=Form.YES_NO,
    choices="yes_no",
    width=11,
    example="yes",
    note="Yes if left blank for a new customer.",
)
PROMOTIONAL_SMS = Column(
    "Promotional SMS",
    "promotional_sms",
    parsers.yes_no,
    form=Form.YES_NO,
    choices="yes_no",
    width=16,
)
INVOICES_BY_EMAIL = Column(
    "Invoices by email",
    "invoices_by_email",
    parsers.yes_no,
    form=Form.YES_NO,
    choices="yes_no",
    width=17,
    note="Yes needs an email address.",
)
SOURCE = Column(
    "Source",
    "source",
    parsers.one_of({source.value: source.value for source in Source}),
    form=Form.CHOICE,
    choices="sources",
    width=12,
    note="Import if left blank.",
    hints=("Herkunft", "Quelle"),
)
GROUP = Column(
    "Group",
    "group_id",
    parsers.stored("groups", "group"),
    form=Form.CHOICE,
    choices="groups",
    width=14,
    example="Retail",
    hints=("Gruppe", "Kundengruppe", "Customer group"),
)
STORE = Column(
    "Store",
    "store_id",
    parsers.stored("stores", "store"),
    form=Form.CHOICE,
    choices="stores",
    width=14,
    note="The default store if left blank for a new customer.",
    hints=("Filiale", "Branch", "Shop"),
)
DEDICATED_OPERATOR = Column(
    "Dedicated operator",
    "dedicated_operator_id",
    parsers.stored("operators", "operator"),
    form=Form.CHOICE,
    choices="operators",
    width=26,
    in_template=False,
    note="By email or name: any order of this customer is assigned to them.",
    hints=("Betreuer", "Sachbearbeiter", "Account manager", "Operator"),
)
PRODUCTS = Column(
    "Products/Services",
    "product_ids",
    parsers.stored_list("products", "product or service"),
    form=Form.LIST,
    choices="products",
    width=34,
    example="Hosting; Training",
    note="Several are separated by semicolons.",
    aliases=("Products", "Products and services"),
    part=Part.PRODUCTS,
    hints=("Produkte", "Leistungen", "Services"),
)
MANDATE_REFERENCE = Column(
    "Mandate reference",
    "mandate_reference",
    parsers.text(35),
    width=20,
    example="M-0001",
    note="With the signing date beside it, the customer arrives with an active mandate.",
    part=Part.MANDATE,
    hints=("Mandatsreferenz", "SEPA mandate"),
)
MANDATE_SIGNED_ON = Column(
    "Mandate signed on",
    "mandate_signed_on",
    parsers.day,
    form=Form.DATE,
    width=18,
    example="15.03.2025",
    part=Part.MANDATE,
    hints=("Mandatsdatum", "Mandat unterschrieben am", "Mandate date"),
)
