"""Every column that a customer may have; the workbooks choose from them.

The field names are those of the tables: a customer's own, its address's (`ADDRESS_FIELDS`), its
`product_ids`, and its mandate's (`mandate_reference`, `mandate_signed_on`).
"""

from app.core.permissions import Permission
from app.customers.choices import Gender, PaymentMethod, Source
from app.transfer.columns import parsers
from app.transfer.columns.base import Column, Form

ADDRESS_FIELDS = frozenset(
    {"street", "line_2", "postcode", "place", "state", "country", "care_of", "po_box"}
)

_PHONE_NOTE = "In any usual spelling; without +49 or the like it is read with the country."

NUMBER = Column(
    "Customer number",
    "number",
    parsers.text(20),
    width=16,
    example="1000001",
    note="Leave blank for a new customer: the system gives the number. "
    "In an update it says which customer is meant.",
)
FORMER_NUMBER = Column(
    "Former number",
    "former_number",
    parsers.text(40),
    in_template=False,
    example="K-4711",
    note="The number in the system that the customer comes from.",
)
TITLE = Column("Title", "title", parsers.text(40), width=10, example="Dr.")
FIRST_NAME = Column("First name", "first_name", parsers.text(120), required=True, example="Erika")
NAME = Column("Name", "name", parsers.text(120), example="Mustermann", note="The family name.")
ALIAS = Column("Alias", "alias", parsers.text(120))
GENDER = Column(
    "Gender",
    "gender",
    parsers.member_of(
        Gender,
        f="FEMALE",
        w="FEMALE",
        weiblich="FEMALE",
        m="MALE",
        männlich="MALE",
        d="DIVERSE",
        divers="DIVERSE",
        x="DIVERSE",
        other="DIVERSE",
    ),
    form=Form.CHOICE,
    choices="genders",
    width=10,
    example="female",
    note="female, male or diverse; f, m and d will do.",
)
DATE_OF_BIRTH = Column(
    "Date of birth",
    "date_of_birth",
    parsers.day,
    form=Form.DATE,
    width=14,
    example="31.12.1980",
    note="A date, or as text 31.12.1980 or 1980-12-31.",
)
STREET = Column("Street/No.", "street", parsers.text(200), width=28, example="Heidestraße 17")
LINE_2 = Column("Address line 2", "line_2", parsers.text(200), in_template=False)
POSTCODE = Column(
    "Postcode",
    "postcode",
    parsers.text(20),
    width=11,
    example="01097",
    note="Text: leading zeros are kept.",
    aliases=("Zip code", "Postal code"),
)
PLACE = Column("Place", "place", parsers.text(120), example="Dresden", aliases=("City", "Town"))
STATE = Column("State", "state", parsers.text(80), in_template=False)
CARE_OF = Column("c/o", "care_of", parsers.text(120))
PO_BOX = Column("PO Box", "po_box", parsers.text(40), width=10)
COUNTRY = Column(
    "Country",
    "country",
    parsers.country,
    form=Form.CHOICE,
    choices="countries",
    width=14,
    example="Germany",
    note="The name in English, German or the country's own language, or the ISO code.",
)
TELEPHONE_PRIVATE = Column(
    "Telephone private", "telephone_private", parsers.phone, needs=("country",), note=_PHONE_NOTE
)
BUSINESS_TELEPHONE = Column(
    "Business telephone",
    "business_telephone",
    parsers.phone,
    needs=("country",),
    note=_PHONE_NOTE,
)
MOBILE_PHONE = Column(
    "Mobile phone",
    "mobile_phone",
    parsers.phone,
    needs=("country",),
    example="+49 170 1234567",
    note=_PHONE_NOTE + " No two customers share one.",
)
FAX = Column("Fax", "fax", parsers.phone, needs=("country",), note=_PHONE_NOTE)
EMAIL = Column(
    "Email",
    "email",
    parsers.email,
    width=30,
    example="erika@example.org",
    aliases=("E-mail",),
    note="No two customers share one.",
)
HOMEPAGE = Column("Homepage", "homepage", parsers.text(255), width=24)
PREFERRED_LANGUAGE = Column(
    "Preferred language", "preferred_language", parsers.text(10), in_template=False, example="de"
)
IBAN = Column(
    "IBAN",
    "iban",
    parsers.iban,
    width=28,
    example="DE89 3704 0044 0532 0130 00",
    masked=True,
    permission=Permission.BANK_DETAILS_VIEW,
    note="With or without blanks.",
)
BIC = Column("BIC", "bic", parsers.bic, width=14, note="May be left out where the IBAN tells it.")
ACCOUNT_HOLDER = Column(
    "Account holder",
    "account_holder",
    parsers.text(140),
    in_template=False,
    note="If it is not the customer.",
)
REBATE = Column(
    "Rebate",
    "rebate",
    parsers.whole_number(0, 100),
    form=Form.WHOLE,
    width=8,
    example=10,
    note="In per cent: a whole number from 0 to 100, without point or comma.",
)
PRICE_LEVEL = Column(
    "Price level",
    "price_level_id",
    parsers.stored("price_levels", "price level"),
    form=Form.CHOICE,
    choices="price_levels",
    width=11,
    example="A",
)
REASON_FOR_LOSS = Column("Reason for loss", "reason_for_loss", parsers.text(200), in_template=False)
FAVOURITE = Column(
    "Favourite",
    "favourite",
    parsers.yes_no,
    form=Form.YES_NO,
    choices="yes_no",
    width=10,
    in_template=False,
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
)
TERM_OF_PAYMENT = Column(
    "Term of payment",
    "term_of_payment",
    parsers.whole_number(0, 365),
    form=Form.WHOLE,
    width=16,
    example=14,
    note="In whole days, 0 to 365.",
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
)
GROUP = Column(
    "Group",
    "group_id",
    parsers.stored("groups", "group"),
    form=Form.CHOICE,
    choices="groups",
    width=14,
    example="Retail",
)
STORE = Column(
    "Store",
    "store_id",
    parsers.stored("stores", "store"),
    form=Form.CHOICE,
    choices="stores",
    width=14,
    note="The default store if left blank for a new customer.",
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
)
CITIZENSHIP = Column("Citizenship", "citizenship", parsers.text(60))
ID_NUMBER = Column("ID number", "id_number", parsers.text(60))
ID_NUMBER_ISSUED_BY = Column("ID number issued by", "id_number_issued_by", parsers.text(120))
MEMO = Column(
    "Memo", "memo", parsers.text(200, lines=True), width=36, note="At most 200 characters."
)
MANDATE_REFERENCE = Column(
    "Mandate reference",
    "mandate_reference",
    parsers.text(35),
    width=20,
    example="M-0001",
    note="With the signing date beside it, the customer arrives with an active mandate.",
)
MANDATE_SIGNED_ON = Column(
    "Mandate signed on",
    "mandate_signed_on",
    parsers.day,
    form=Form.DATE,
    width=18,
    example="15.03.2025",
)
COMPANY_NAME = Column(
    "Company name",
    "company_name",
    parsers.text(200),
    required=True,
    width=30,
    example="Muster GmbH",
)
VAT_ID = Column("VAT ID", "vat_id", parsers.vat_id, width=16, example="DE136695976")
REGISTRATION_NUMBER = Column(
    "Registration number", "registration_number", parsers.text(60), example="HRB 12345"
)
CONTACT_FIRST_NAME = Column(
    "First name", "first_name", parsers.text(120), example="Erika", note="Of the contact."
)
CONTACT_FAMILY_NAME = Column(
    "Name", "name", parsers.text(120), example="Mustermann", note="Of the contact."
)
CONTACT_NAME = Column("Contact name", "contact_name", parsers.text(120), width=24)
