"""The work list about mandates: each reason why direct debits cannot be collected, or soon cannot.

Every row leads to the page where it is mended, and from there back here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from flask import abort, render_template, request
from flask_admin import expose
from sqlalchemy import Select

from admin_views.access import KontorPage, needs
from admin_views.accounting_states import mandate_badge
from admin_views.customer_lookup import customer_in_record
from admin_views.customer_payment import account_of
from admin_views.formatters import Column, Link
from admin_views.mandate_record import amend_url
from admin_views.registry import address_of
from app.accounts.identity import current_actor
from app.core.counts import CAP, capped_count, format_count
from app.core.permissions import Permission
from app.customers.models import Customer
from app.extensions import db
from app.sepa.models import Mandate
from app.sepa.queries_mandates import (
    WAITING_LABELS,
    Waiting,
    customers_without_mandate,
    waiting_mandates,
)
from app.sepa.suspending import advice_for, reason_of

ROWS = 10
ENDPOINT = "mandate_attention"
ABOUT = {
    Waiting.UNSIGNED: "Print the form, have it signed, and enter the day of the signature.",
    Waiting.SUSPENDED: "Nothing is collected until the reason is settled.",
    Waiting.EXPIRING: "36 months pass without a collection: collect in time, or have a new one "
    "signed.",
    Waiting.NO_MANDATE: "They pay by direct debit, but nothing can be collected.",
    Waiting.OTHER_IBAN: "The customer's IBAN was changed: amend the mandate to it.",
    Waiting.REGISTRATION: "Their bank refuses B2B collections that it was not told of.",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason as the page shows it."""

    name: str
    label: str
    about: str
    list_url: str


def here(why: Waiting) -> str:
    """This page, at one of its reasons."""
    return f"{address_of(f'{ENDPOINT}.index')}#{why.value}"


def _mandate(one: Mandate) -> Link:
    url = address_of("mandates.details_view", id=one.id)
    return Link(one.reference, url)


def _customer(one: Mandate) -> Any:
    return customer_in_record(one.customer)


def _to(page: str, label: str, why: Waiting) -> Callable[[Mandate], Any]:
    """The link that mends it, for whoever may; on the record everybody sees what it is about."""

    def link(one: Mandate) -> Any:
        may = current_actor().may(Permission.MANDATES_EDIT)
        if not may:
            return None
        return Link(label, address_of(f"mandates.{page}", id=one.id, url=here(why)))

    return link


def _new_mandate(one: Customer) -> Any:
    if not current_actor().may(Permission.MANDATES_EDIT):
        return None
    back = here(Waiting.NO_MANDATE)
    return Link("New mandate", address_of("mandates.create_view", customer_id=one.id, url=back))


def _amend(one: Mandate) -> Any:
    may = current_actor().may(Permission.MANDATES_EDIT)
    return Link("Amend", amend_url(one, here(Waiting.OTHER_IBAN))) if may else None


def _why(one: Mandate) -> list[str]:
    return [reason_of(one), advice_for(one.state_code)]


_REFERENCE = Column("reference", "Mandate", _mandate, main=True)
_WHOSE = Column("customer", "Customer", _customer)
_IBAN = Column("iban", "IBAN", account_of)
COLUMNS: dict[Waiting, Sequence[Column]] = {
    Waiting.UNSIGNED: (
        _REFERENCE, _WHOSE, Column("created_at", "Created"),
        Column("print", "Form", _to("form_view", "Print", Waiting.UNSIGNED)),
        Column("mend", "Mend", _to("sign_view", "Enter signature", Waiting.UNSIGNED)),
    ),
    Waiting.SUSPENDED: (
        _REFERENCE, _WHOSE, Column("why", "Why", _why),
        Column("mend", "Mend", lambda one: list(filter(None, (
            _to("amend_view", "Amend", Waiting.SUSPENDED)(one),
            _to("details_view", "Resume or cancel", Waiting.SUSPENDED)(one),
        )))),
    ),
    Waiting.EXPIRING: (
        _REFERENCE, _WHOSE, Column("state", "State", mandate_badge),
        Column("signed_on", "Signed on"), Column("last_collected_on", "Last collected"),
        Column("mend", "Mend", lambda one: _new_mandate_of(one)),
    ),
    Waiting.NO_MANDATE: (
        Column("customer", "Customer", customer_in_record, main=True), _IBAN,
        Column("mend", "Mend", _new_mandate),
    ),
    Waiting.OTHER_IBAN: (_REFERENCE, _WHOSE, _IBAN, Column("mend", "Mend", _amend)),
    Waiting.REGISTRATION: (
        _REFERENCE, _WHOSE, Column("signed_on", "Signed on"),
        Column("mend", "Mend", _to("details_view", "Confirm", Waiting.REGISTRATION)),
    ),
}  # fmt: skip


def _new_mandate_of(one: Mandate) -> Any:
    if not current_actor().may(Permission.MANDATES_EDIT):
        return None
    back = here(Waiting.EXPIRING)
    url = address_of("mandates.create_view", customer_id=one.customer_id, url=back)
    return Link("New mandate", url)


def _rows(why: Waiting) -> Select[Any]:
    return customers_without_mandate() if why is Waiting.NO_MANDATE else waiting_mandates(why)


class AttentionPage(KontorPage):
    """In the menu below the mandates."""

    def __init__(self) -> None:
        super().__init__(
            name="Mandate work list", category="Accounting", endpoint=ENDPOINT,
            menu_icon_value="list-check",
        )  # fmt: skip

    @expose("/")
    @needs(Permission.MANDATES_VIEW)
    def index(self) -> str:
        """The reasons; each is looked for by itself, so that the page is there at once."""
        return self.render("mandates/attention.html", title=self.name, reasons=[
            Reason(why.value, WAITING_LABELS[why], ABOUT[why], _list_url(why)) for why in Waiting
        ])  # fmt: skip

    @expose("/rows/")
    @needs(Permission.MANDATES_VIEW)
    def rows(self) -> str:
        """What waits for one reason, as a fragment."""
        try:
            why = Waiting(request.args.get("reason", ""))
        except ValueError:
            abort(404)
        raw = request.args.get("page", "1")
        session = db.session()
        wanted = _rows(why)
        total, capped = capped_count(session, wanted)
        pages = max(1, ceil(min(total, CAP) / ROWS))
        asked = int(raw[:9]) if raw.isascii() and raw.isdecimal() else 1
        page = min(max(1, asked), pages)
        return render_template(
            "mandates/attention_rows.html",
            rows=session.scalars(wanted.offset((page - 1) * ROWS).limit(ROWS)).all(),
            columns=COLUMNS[why],
            label=WAITING_LABELS[why],
            reason=why.value,
            count=format_count(total, capped),
            page=page,
            pages=pages,
            rows_url=lambda number: self.get_url(".rows", reason=why.value, page=number),
        )


def _list_url(why: Waiting) -> str:
    if why is Waiting.NO_MANDATE:
        return ""
    return address_of("mandates.index_view", attention=why.value)


def views() -> list[KontorPage]:
    """The views of this module."""
    return [AttentionPage()]
