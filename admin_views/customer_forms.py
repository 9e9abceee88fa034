"""The forms of the three kinds of customers: groups of fields, and what is left out for whom."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy.orm import Session
from wtforms import BooleanField, FieldList, FormField, SelectField, SelectMultipleField

from admin_views import account_fields as account
from admin_views import customer_fields as fields
from admin_views import institution_fields as institution
from admin_views.authorization_rows import authorization_rows
from admin_views.forms import (
    Group,
    KontorForm,
    LookupField,
    Required,
    choices_of,
)
from app.catalogue.models import PriceLevel, Product
from app.core.actor import Actor
from app.core.errors import Problem
from app.core.permissions import Permission
from app.core.stored_choices import named, read
from app.customers.choices import Gender, PaymentMethod, Source
from app.customers.models import Customer, Store
from app.customers.models import Group as CustomerGroup
from app.customers.rules import (
    BANK_FIELDS,
    FIELD_LABELS,
    MOST_NOTICE_DAYS,
    PAYMENT_FIELDS,
    PHONES,
)

COMMERCE = Group(
    "Commerce",
    (
        "product_ids", "group_id", "price_level_id", "rebate", "dedicated_operator_id", "source",
        "store_id", "reason_for_loss", "favourite",
    ),
    wide=("product_ids",),
)  # fmt: skip
PAYMENT = Group(
    "Payment",
    (
        "payment_method", "term_of_payment", "iban", "bic", "account_holder", "collection_hold",
        "collection_hold_until", "collection_hold_reason", "notice_days",
    ),
    hint="The institute follows from the IBAN.",
)  # fmt: skip
ADDRESSES = Group(
    "Addresses", ("addresses",), hint="The first of each kind is its default unless another is."
)
COMPANIES = Group(
    "Companies", ("companies",), hint="Companies that this customer belongs to or orders for."
)
CONSENT = Group("Consent", ("newsletter", "promotional_sms", "invoices_by_email"))
NOTES = Group("Notes", ("memo",))


class CustomerForm(KontorForm):
    """What every kind has."""

    former_number = fields.text(
        "former_number", 40, description="From the system that the customer comes from"
    )
    alias = fields.text("alias", 120)
    email = fields.email_field()
    telephone_private = fields.phone_field("telephone_private")
    business_telephone = fields.phone_field("business_telephone")
    mobile_phone = fields.phone_field(
        "mobile_phone", **{"data-check": "mobile_phone", "data-check-with": "addresses-*"}
    )
    fax = fields.phone_field("fax")
    homepage = fields.text("homepage", 255)
    preferred_language = fields.text(
        "preferred_language", 10, description="A code such as de or en-GB"
    )
    addresses = FieldList(
        FormField(fields.AddressRow),
        label="Addresses",
        render_kw={"add": "Add address", "row": "Address"},
    )
    companies = FieldList(
        FormField(fields.CompanyRow),
        label="Companies",
        render_kw={"add": "Add company", "row": "Company"},
    )
    product_ids = SelectMultipleField("Products/Services in use", coerce=int, validate_choice=True)
    group_id = SelectField(FIELD_LABELS["group_id"])
    price_level_id = SelectField(FIELD_LABELS["price_level_id"])
    rebate = fields.number_field("rebate", 100, description="In %, a whole number from 0 to 100")
    dedicated_operator_id = LookupField(
        FIELD_LABELS["dedicated_operator_id"],
        lookup="operators",
        description="Every order of this customer goes to them",
    )
    source = SelectField(
        FIELD_LABELS["source"],
        choices=[(one.value, one.value) for one in Source],
        default=Source.TELEPHONE.value,
    )
    store_id = SelectField(FIELD_LABELS["store_id"])
    reason_for_loss = fields.text("reason_for_loss", 200)
    favourite = BooleanField(FIELD_LABELS["favourite"])
    payment_method = SelectField(
        FIELD_LABELS["payment_method"],
        choices=[("", "not stated"), *((one.value, one.value) for one in PaymentMethod)],
    )
    term_of_payment = fields.number_field("term_of_payment", 365, description="In days, 0 to 365")
    iban = fields.iban_field()
    bic = fields.bic_field()
    account_holder = fields.text(
        "account_holder", 140, description="Where it is not the customer's own name"
    )
    collection_hold = BooleanField(
        FIELD_LABELS["collection_hold"],
        description="Meanwhile direct debits leave them out",
    )
    collection_hold_until = fields.day_field(
        "collection_hold_until", description="Like 31.12.2026; blank is until further notice"
    )
    collection_hold_reason = fields.text("collection_hold_reason", 200)
    notice_days = fields.number_field("notice_days", MOST_NOTICE_DAYS, least=1)
    newsletter = BooleanField(FIELD_LABELS["newsletter"], default=True)
    promotional_sms = BooleanField(FIELD_LABELS["promotional_sms"])
    invoices_by_email = BooleanField(FIELD_LABELS["invoices_by_email"])
    memo = fields.memo_field()
    active = BooleanField(FIELD_LABELS["active"], default=True)
    restricted = account.restricted_field()
    login_allowed = account.login_field()
    suppress_registration_email = account.suppress_field()
    password = account.password_field()
    password_again = account.password_again_field()
    security_question_id = account.question_field()
    security_answer = account.answer_field()

    # What the operation would say besides; the view sets it. Asked when fields cannot be read.
    beyond_reading: Callable[[], Sequence[Problem]] = staticmethod(lambda: ())

    def validate(self, extra_validators: Any = None) -> bool:
        """The fields one by one, then the phones with the country of the address."""
        valid = super().validate(extra_validators)
        country = fields.reading_country([fields.values_of(row) for row in self.addresses or ()])
        readable = [
            fields.read_phone(self[name], country)
            for name in PHONES
            if name in self and not self[name].errors
        ]
        if valid and all(readable):
            return True
        # Told together with what could not be read, so that nobody mends the form twice.
        sound = {field.short_name for field in self if not field.errors}
        self.place(one for one in self.beyond_reading() if one.field in sound)
        return False


class IndividualForm(CustomerForm):
    """A person."""

    groups = (
        Group(
            "Identity",
            (
                "title", "gender", "first_name", "name", "alias", "date_of_birth", "citizenship",
                "id_number", "id_number_issued_by", "former_number",
            ),
        ),
        Group(
            "Reach",
            (
                "email", "mobile_phone", "telephone_private", "business_telephone", "fax",
                "homepage", "preferred_language",
            ),
        ),
        ADDRESSES, COMPANIES, COMMERCE, PAYMENT, CONSENT, account.ACCOUNT, NOTES,
    )  # fmt: skip

    title = fields.text("title", 40)
    first_name = fields.text("first_name", 120, Required())
    name = fields.text("name", 120, description="The family name")
    gender = SelectField(FIELD_LABELS["gender"], choices=choices_of(Gender, "not stated"))
    date_of_birth = fields.day_field("date_of_birth", description="Like 31.12.1980")
    citizenship = fields.text("citizenship", 60)
    id_number = fields.text("id_number", 60)
    id_number_issued_by = fields.text("id_number_issued_by", 120)


class BusinessForm(CustomerForm):
    """A company, with the person to talk to."""

    groups: Sequence[Group] = (
        Group(
            "Identity",
            ("company_name", "alias", "vat_id", "registration_number", "former_number"),
            wide=("company_name",),
        ),
        Group("Contact", ("title", "contact_name", "first_name", "name")),
        Group(
            "Reach",
            (
                "email", "business_telephone", "mobile_phone", "telephone_private", "fax",
                "homepage", "preferred_language",
            ),
        ),
        ADDRESSES, COMPANIES, COMMERCE, PAYMENT, CONSENT, account.ACCOUNT, NOTES,
    )  # fmt: skip

    company_name = fields.text("company_name", 200, Required())
    vat_id = fields.vat_field()
    registration_number = fields.text("registration_number", 60, description="Such as HRB 12345")
    title = fields.text("title", 40)
    contact_name = fields.text("contact_name", 120, description="As letters address the person")
    first_name = fields.text("first_name", 120)
    name = fields.text("name", 120)


class PerpetualForm(BusinessForm):
    """An institution with perpetual rights to journals."""

    groups = (
        *BusinessForm.groups[:4],
        institution.INSTITUTION,
        Group(
            "Journal authorizations",
            ("authorizations",),
            hint="They are merged into Subscriptions as soon as the customer is saved.",
        ),
        *BusinessForm.groups[4:],
    )

    authorizations = authorization_rows()
    library_contact_name = institution.contact_name()
    library_contact_role = institution.contact_role()
    library_contact_email = institution.contact_email()
    library_contact_phone = institution.contact_phone()
    consortium_ids = institution.consortia_field()
    ip_ranges = institution.ranges_field()


_GROUPS, _PRICE_LEVELS, _PRODUCTS, _STORES = (
    named(model.id, model.name) for model in (CustomerGroup, PriceLevel, Product, Store)
)


def set_choices(form: Any, session: Session, model: Customer | None) -> None:
    """Offer the groups, levels, stores and products there are; one store is no choice."""
    offered = read(session, [_GROUPS, _PRICE_LEVELS, _PRODUCTS, _STORES])
    form.group_id.choices = [("", "none"), *offered[_GROUPS]]
    form.price_level_id.choices = [("", "none"), *offered[_PRICE_LEVELS]]
    form.product_ids.choices = offered[_PRODUCTS]
    account.set_questions(form, session, model)
    institution.set_consortia(form, session)
    stores = offered[_STORES]
    if len(stores) > 1:
        form.store_id.choices = stores
    else:
        del form.store_id


def tell_usual_notice(form: Any, days: int) -> None:
    """Say at the agreed days of notice what holds for a customer without any."""
    form.notice_days.description = (
        "How long before a direct debit they are told of it, in days, "
        f"1 to {MOST_NOTICE_DAYS}; blank is the usual {days}"
    )


def leave_out(
    form: Any, actor: Actor, model: Customer | None, *, payment_alone: bool = False
) -> None:
    """Remove what this person may not change, and mask the IBAN for whom may not see it.

    `payment_alone`: only the bank details and what belongs to collecting are asked for.
    """
    if payment_alone or not actor.may(Permission.CUSTOMERS_EDIT):
        for name in [field.short_name for field in form if field.short_name not in PAYMENT_FIELDS]:
            del form[name]
    if not actor.may(Permission.BANK_DETAILS_EDIT):
        for name in BANK_FIELDS:
            del form[name]
    if "authorizations" in form and not actor.may(Permission.SUBSCRIPTIONS_EDIT):
        del form.authorizations
    if "iban" in form and model is not None and not actor.may(Permission.BANK_DETAILS_VIEW):
        fields.shut(form.iban, model.iban)


def given_values(form: Any) -> dict[str, Any]:
    """The fields of the customers table that a valid form states; a masked IBAN is none."""
    apart = {"addresses", "companies", "product_ids", "authorizations"}
    apart |= {*account.SECRETS, *institution.NAMES}
    found = {field.short_name: field.data for field in form if field.short_name not in apart}
    if fields.MASK in (found.get("iban") or ""):
        del found["iban"]
    for name in ("group_id", "price_level_id", "store_id", "security_question_id"):
        if name in found:  # also asked while a choice is wrong; its field says so then
            found[name] = int(found[name]) if found[name] and not form[name].errors else None
    return {name: None if value == "" else value for name, value in found.items()}
