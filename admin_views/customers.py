"""The lists, records and forms of individual, business and perpetual customers."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from flask import current_app, request
from flask_admin import expose
from flask_limiter.util import get_remote_address
from flask_login import current_user
from sqlalchemy.orm import Session, joinedload, selectinload

from admin_views import customer_record as record
from admin_views.account_fields import given_credentials
from admin_views.actions import Action, Ask
from admin_views.authorization_rows import JOURNALS
from admin_views.base import KontorView
from admin_views.customer_account import ACCOUNT_ACTIONS
from admin_views.customer_checks import CHECKS
from admin_views.customer_columns import COLUMNS, MORE_COLUMNS
from admin_views.customer_fields import filled_addresses, filled_companies
from admin_views.customer_forms import (
    BusinessForm,
    IndividualForm,
    given_values,
    leave_out,
    set_choices,
    tell_usual_notice,
)
from admin_views.formatters import Badge, masked
from admin_views.lookups import Lookup
from admin_views.mass_changes import MassChangesView, register_job_pages
from admin_views.records import Section
from app.accounts import queries as accounts
from app.accounts.identity import current_actor
from app.core.actor import Actor
from app.core.countries import country_names
from app.core.errors import Problem
from app.core.listing import Listing
from app.core.permissions import Permission
from app.customers import operations, queries
from app.customers.choices import CustomerKind
from app.customers.collisions import collisions
from app.customers.drafts import CustomerDraft, CustomerUpdate
from app.customers.models import Customer
from app.customers.rules import problems
from app.extensions import db, limiter

EDITING = frozenset({Permission.CUSTOMERS_EDIT, Permission.BANK_DETAILS_EDIT})
ADDRESS_PARTS = ("kind", "label", "street", "line_2", "postcode", "place", "state", "country",
                 "care_of", "po_box", "is_default")  # fmt: skip


def _lock(session: Session, ids: list[int], answers: Mapping[str, str], actor: Actor) -> str:
    count = operations.lock_customers(session, ids, text=answers["lock_text"], actor=actor)
    return _told(count, "locked")


def _unlock(session: Session, ids: list[int], answers: Mapping[str, str], actor: Actor) -> str:
    return _told(operations.unlock_customers(session, ids, actor=actor), "unlocked")


def _told(count: int, done: str) -> str:
    return f"The customer was {done}." if count == 1 else f"{count} customers were {done}."


LOCK = Action(
    "lock", "Lock", Permission.CUSTOMERS_EDIT, _lock, icon="lock",
    confirm="Lock {this customer|# customers}? Till and shop then take no order.",
    ask=Ask("lock_text", "Lock text", hint="Till and panel show it to whoever serves the customer"),
    shown=lambda customer: not customer.locked,
)  # fmt: skip
UNLOCK = Action(
    "unlock", "Unlock", Permission.CUSTOMERS_EDIT, _unlock, icon="lock-open",
    confirm="Unlock {this customer|# customers}? The lock text goes.",
    shown=lambda customer: customer.locked,
)  # fmt: skip


class CustomersView(MassChangesView):
    """What the three kinds have in common."""

    kind: ClassVar[CustomerKind]

    model_class = Customer
    menu_group = "Customers"
    permissions = {
        "view": Permission.CUSTOMERS_VIEW,
        "create": Permission.CUSTOMERS_EDIT,
        "edit": Permission.CUSTOMERS_EDIT,
        "delete": Permission.CUSTOMERS_DELETE,
        "export": Permission.EXPORT,
    }
    records_name = record.RECORDS
    columns = COLUMNS
    more_columns = MORE_COLUMNS
    heading_filters = True
    search_hint = "Name, email, phone or number"
    first_tab = "Personal information"
    tabs = record.TABS
    actions: ClassVar[Sequence[Action]] = (*ACCOUNT_ACTIONS, LOCK, UNLOCK)
    checks = CHECKS
    lookups = {
        "operators": Lookup(accounts.search_operators, accounts.operator_label),
        "companies": Lookup(
            queries.search_companies, queries.company_label, labels=queries.company_labels
        ),
        "journals": JOURNALS,
    }
    details_template = "customers/record.html"
    create_template = edit_template = "customers/form.html"

    def listing(self) -> Listing:
        """The live customers of this kind."""
        return queries.BY_KIND[self.kind]

    def scope(self) -> list[Any]:
        """Only this kind, only live ones."""
        return [*super().scope(), Customer.kind == self.kind.value]

    def record_options(self) -> Sequence[Any]:
        """What the record's head and first tab name; what is saved shows none of it."""
        if request.method == "POST":
            return ()
        return (
            joinedload(Customer.group),
            joinedload(Customer.store),
            joinedload(Customer.price_level),
            joinedload(Customer.dedicated_operator),
            selectinload(Customer.products),
        )

    # Access: whoever may edit bank details alone may open the form, and sees only those ----------

    def needed(self, name: str) -> frozenset[Permission]:
        """Bank details are a part of the form that accounting may edit alone."""
        return super().needed(name) | (EDITING if name in {"edit_view", "check_view"} else set())

    def may(self, key: str) -> bool:
        """As declared; editing is open to whoever may edit a part."""
        if key == "edit":
            return any(current_actor().may(one) for one in EDITING)
        return super().may(key)

    # The record -----------------------------------------------------------------------------------

    def subtitle(self, model: Customer) -> str:
        """The number."""
        return f"Customer {model.number}"

    def badges(self, model: Customer) -> list[Badge]:
        """Kind, state and group."""
        return record.header_badges(model)

    def sections(self, model: Customer) -> list[Section]:
        """Personal information."""
        return record.sections(model)

    def delete_question(self) -> str:
        """Deleting is marking: an administrator can take it back."""
        return (
            "Delete {this customer|# customers}? They are gone from every list, search and export; "
            "an administrator can restore them."
        )

    # The form -------------------------------------------------------------------------------------

    def prepare_form(self, form: Any, model: Customer | None) -> None:
        """Choices, and only what this person may change, or what the page is about."""
        set_choices(form, db.session(), model)
        tell_usual_notice(form, current_app.config["SETTINGS"].notice_days)
        payment_alone = model is not None and request.args.get("part") == "payment"
        leave_out(form, current_actor(), model, payment_alone=payment_alone)
        form.beyond_reading = lambda: self._broken_rules(form, model)

    def _broken_rules(self, form: Any, model: Customer | None) -> list[Problem]:
        """What is wrong with the values that can be read: rules, and who has them already."""
        stored = vars(model) if model is not None else {}
        values = {**stored, **given_values(form)}
        email = values.get("email")
        keys = {"email_key": email and email.casefold(), "mobile_phone": values.get("mobile_phone")}
        own = [model.id] if model is not None else [None]
        taken = collisions(db.session(), [keys], own_ids=own).get(0, [])
        return [*problems(self.kind, values), *taken]

    def new_data(self) -> Mapping[str, Any]:
        """The default store, and one address to fill in."""
        store = queries.default_store_id(db.session())
        return {"addresses": [{"is_default": True}], "store_id": str(store or "")}

    def form_data(self, model: Customer) -> Mapping[str, Any]:
        """The stored values, masked for whoever may not see them."""
        values = dict(super().form_data(model))
        for name in ("group_id", "price_level_id", "store_id", "security_question_id"):
            values[name] = str(getattr(model, name) or "")
        if not current_actor().may(Permission.BANK_DETAILS_VIEW):
            values["iban"] = masked(model.iban)
        session = db.session()
        return values | {
            "addresses": [
                {"id": one.id} | {name: getattr(one, name) for name in ADDRESS_PARTS}
                for one in queries.addresses_of(session, [model.id])[model.id]
            ],
            "companies": [
                {"id": one.id, "company_id": one.company_id, "company_name": one.company_name,
                 "role": one.role} for one in model.companies
            ],
            "product_ids": [product.id for product in model.products],
        }  # fmt: skip

    def perform_create(self, session: Session, form: Any, actor: Actor) -> int:
        """A new customer with all that belongs to it, in one transaction."""
        draft = CustomerDraft(
            self.kind.value,
            given_values(form),
            filled_addresses(form.addresses),
            filled_companies(form.companies),
            frozenset(form.product_ids.data),
            given_credentials(form),
        )
        made = operations.create_customers(session, [draft], actor=actor)[0]
        self.save_rights(session, form, made, actor)
        return made

    def perform_update(self, session: Session, model: Any, form: Any, actor: Actor) -> None:
        """The customer as the form says; parts that the form leaves out stay."""
        update = CustomerUpdate(
            model.id,
            given_values(form),
            filled_addresses(form.addresses) if "addresses" in form else None,
            filled_companies(form.companies) if "companies" in form else None,
            frozenset(form.product_ids.data) if "product_ids" in form else None,
            given_credentials(form),
            version=model.version,
        )
        key = model.id
        operations.update_customers(session, [update], actor=actor)
        self.save_rights(session, form, key, actor)

    def save_rights(self, session: Session, form: Any, customer_id: int, actor: Actor) -> None:
        """The journal authorizations of the form, where it has any."""

    def perform_delete(self, session: Session, ids: list[int], actor: Actor) -> None:
        """Mark as deleted."""
        operations.delete_customers(session, ids, actor=actor)

    def country_names(self) -> list[str]:
        """The countries that the form suggests."""
        return country_names()

    @expose("/check/", methods=("POST",))
    @limiter.limit("120 per minute", key_func=lambda: _asker())
    def check_view(self) -> Any:
        """One field, when it is left; not so often that addresses could be tried in bulk."""
        return super().check_view()


def _asker() -> str:
    return str(current_user.get_id() or get_remote_address())


class IndividualView(CustomersView):
    """Persons."""

    kind = CustomerKind.INDIVIDUAL
    label, singular = "Individual customers", "individual customer"
    icon, endpoint_name = "user", "individual"
    export_kind = mass_list = "individual"
    empty_hint = "Add the first person, or import many at once from a workbook."
    form_class = IndividualForm


class BusinessView(CustomersView):
    """Companies."""

    kind = CustomerKind.BUSINESS
    label, singular = "Business customers", "business customer"
    icon, endpoint_name = "building", "business"
    export_kind = mass_list = "business"
    empty_hint = "Add the first company, or import many at once from a workbook."
    form_class = BusinessForm


def views() -> list[KontorView]:
    """The views of this module."""
    register_job_pages()
    return [IndividualView(), BusinessView()]
