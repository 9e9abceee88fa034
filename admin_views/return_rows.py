"""How a return looks in its list and on its record: reason, attempts, where it is mended."""

from collections.abc import Sequence
from typing import Any

from flask import current_app, g, request
from markupsafe import Markup

from admin_views.access import acting
from admin_views.accounting_states import (
    collection_badge,
    invoice_badge,
    mandate_badge,
    said,
    sequence,
)
from admin_views.customer_lookup import customer_in_list, customer_in_record
from admin_views.customer_payment import account_of
from admin_views.formatters import Badge, Column, Link, day, show
from admin_views.records import Section
from admin_views.registry import address_of
from app.billing.models import InvoiceState
from app.core import clock
from app.core.money import format_amount
from app.core.permissions import Permission
from app.extensions import db
from app.sepa.models import Collection, CollectionState
from app.sepa.queries_returns import alike, attempts, attempts_of, retry_policy_of
from app.sepa.return_codes import TODO_LABELS, Place, Todo, return_code
from app.sepa.return_rules import RetryPolicy, last_day_of_window, window_of

TODO_COLOURS = {
    Todo.AGAIN: "blue",
    Todo.ACCOUNT: "orange",
    Todo.MANDATE: "red",
    Todo.DATA: "purple",
    Todo.ADDRESS: "purple",
    Todo.OBJECTION: "yellow",
    Todo.DUPLICATE: "red",
    Todo.BANK: "azure",
    Todo.PERSON: "grey",
}
_SMALL = Markup('<br><span class="text-secondary">{}</span>')
_SHORT = Markup('<br><span class="text-secondary text-nowrap">{}</span>')


def policy() -> RetryPolicy:
    """When this installation collects again."""
    return retry_policy_of(current_app.config["SETTINGS"])


def today() -> Any:
    """Today, where the company is."""
    return clock.today(current_app.config["SETTINGS"].timezone)


def know_attempts(rows: Sequence[Collection]) -> None:
    """Count the attempts of a page's rows in one query; `attempts_made` finds them then."""
    g.return_attempts = attempts_of(db.session(), rows)


def attempts_made(one: Collection) -> int:
    """How often the invoice of a return reached the bank."""
    known: dict[int, int] = g.get("return_attempts", {})
    if one.invoice_id not in known:
        g.return_attempts = known = known | attempts_of(db.session(), [one])
    return known[one.invoice_id]


def against_again(one: Collection) -> str:
    """Why it may not be collected again by the policy; empty where it may."""
    reason = return_code(one.reason_code)
    return policy().against(reason, attempts_made(one), one.ended_on, today())


# Cells --------------------------------------------------------------------------------------------


def reason_in_list(one: Collection) -> Markup:
    """The reason in words; below it the code and the bank's own text."""
    reason = return_code(one.reason_code)
    told = " · ".join(part for part in (reason.code, one.reason_text) if part)
    words = Markup('<span class="k-reason">{}</span>').format(said(reason.words))
    return words + _SMALL.format(told) if told else words


def amount_in_list(one: Collection) -> Markup:
    """The amount, and below it what the bank charged."""
    amount = Markup('<span class="text-nowrap">{}\u00a0€</span>').format(format_amount(one.amount))
    if not one.fee:
        return amount
    return amount + _SHORT.format(f"fee {format_amount(one.fee)}\u00a0€")


def _invoice(one: Collection) -> Any:
    """The number, with the state where it is another than returned."""
    url = address_of("invoices.details_view", id=one.invoice_id)
    number = Markup('<span class="k-piece">{}</span>').format(one.invoice.number)
    if url and acting().may(Permission.INVOICES_VIEW):
        number = Markup('<a href="{}">{}</a>').format(url, number)
    if one.invoice.state == InvoiceState.RETURNED:
        return number
    return Markup("{}<br>{}").format(number, show(invoice_badge(one.invoice)))


def _ended(one: Collection) -> Any:
    """The day, and below it how long a debtor may return by this scheme and for this reason."""
    ended = day(one.ended_on) if one.ended_on else "–"
    return Markup("{}").format(show(ended)) + _SHORT.format(_window(one))


def _window(one: Collection) -> str:
    if one.state == CollectionState.REJECTED:
        return "not booked"
    return window_of(one.run.scheme, return_code(one.reason_code))


def _attempts(one: Collection) -> str:
    made = attempts_made(one)
    if return_code(one.reason_code).may_retry and policy().attempts > 1:
        return f"{made} of {policy().attempts}"
    return str(made)


def _todo(one: Collection) -> Markup:
    """What to do as a badge, how often it was tried, and the links to where it is mended."""
    links = [show(link) for link in mends(one, request.full_path)]
    if return_code(one.reason_code).may_retry:
        links.insert(0, f"attempt {_attempts(one)}")
    badge = show(todo_badge(one))
    return badge + _SMALL.format(Markup(" · ").join(links)) if links else badge


def todo_badge(one: Collection) -> Badge:
    """What is to be done; once it is no more returned, that."""
    if one.worked_off_at is not None:
        return Badge("Worked off", "green", "check")
    if one.invoice.state != InvoiceState.RETURNED:
        return Badge(f"Invoice is {one.invoice.state}", "green")
    reason = return_code(one.reason_code)
    return Badge(TODO_LABELS[reason.todo], TODO_COLOURS[reason.todo])


def mends(one: Collection, back: str) -> list[Link]:
    """The pages where what is wrong can be mended, and from which one comes back."""
    actor, found = acting(), []
    for place in return_code(one.reason_code).places:
        live = one.customer.deleted_at is None
        url = ""
        if place is Place.BANK_DETAILS and live and actor.may(Permission.BANK_DETAILS_EDIT):
            page = f"{one.customer.kind}.edit_view"
            url = address_of(page, id=one.customer_id, part="payment", url=back)
        elif place is Place.CUSTOMER and live:
            view = "edit_view" if actor.may(Permission.CUSTOMERS_EDIT) else "details_view"
            url = address_of(f"{one.customer.kind}.{view}", id=one.customer_id, url=back)
        elif place is Place.MANDATE and actor.may(Permission.MANDATES_VIEW):
            url = address_of("mandates.details_view", id=one.mandate_id, url=back)
        elif place is Place.CREDITOR and actor.may(Permission.CREDITOR_ACCOUNTS_VIEW):
            account = one.run.creditor_account_id
            url = address_of("creditor_accounts.details_view", id=account, url=back)
        if url:
            found.append(Link(said(place.value), url))
    return found


COLUMNS = (
    Column("customer", "Customer", customer_in_list, main=True, filter="customer"),
    Column("invoice", "Invoice", _invoice),
    Column("amount", "Amount", amount_in_list, numeric=True, filter="amount"),
    Column("reason", "Reason", reason_in_list, filter="code"),
    Column("ended_on", "Ended on", _ended, sort="ended", filter="ended"),
    Column("todo", "What to do", _todo, filter="todo"),
)
MORE_COLUMNS = (
    Column("attempts", "Attempts", _attempts),
    Column("state", "State", collection_badge, filter="state"),
    Column("advice", "Advice", lambda one: return_code(one.reason_code).advice),
    Column("fee", "Fee", numeric=True, suffix="\u00a0€"),
    Column("reason_text", "Text of the bank"),
    Column("run", "Run", lambda one: one.run.number, filter="run"),
    Column("mandate", "Mandate", lambda one: one.mandate_reference),
    Column("iban", "IBAN", account_of),
)
WORKED_OFF_COLUMNS = (
    *(c for c in COLUMNS if c.name != "todo"),
    Column("note", "What was done", lambda one: one.worked_off_note),
    Column("worked_off", "Worked off", lambda one: [one.worked_off_at, one.worked_off_by_label]),
)


# The record ---------------------------------------------------------------------------------------


def sections_of(one: Collection) -> list[Section]:
    """What the bank said, what was collected, and each attempt."""
    reason = return_code(one.reason_code)
    told: list[tuple[str, Any]] = [
        ("Reason", said(reason.words)),
        ("Reason code", one.reason_code),
        ("Text of the bank", one.reason_text),
        ("Ended on", one.ended_on),
        ("Fee", _euros(one.fee)),
        ("Time to return", _time_to_return(one)),
        ("Collect again?", _again_in_words(one)),
    ]
    found = [Section("What the bank said", told), Section("Collection", _collection(one))]
    if one.worked_off_at is not None:
        found.append(Section("Worked off", [
            ("What was done", one.worked_off_note),
            ("By", one.worked_off_by_label or "nobody had to"),
            ("Worked off", one.worked_off_at),
        ]))  # fmt: skip
    if return_code(one.reason_code).todo is Todo.DUPLICATE:
        found.append(_duplicates(one))
    return found


def _collection(one: Collection) -> list[tuple[str, Any]]:
    run = address_of("direct_debit.details_view", id=one.run_id)
    mandate = address_of("mandates.details_view", id=one.mandate_id)
    seen = acting().may(Permission.MANDATES_VIEW) and mandate
    lines: list[tuple[str, Any]] = [
        ("Customer", customer_in_record(one.customer)),
        ("Invoice", _invoice(one)),
        ("Amount", _euros(one.amount)),
        ("Run", _link(one.run.number, run, Permission.DIRECT_DEBIT_VIEW)),
        ("Collection date", one.run.collection_date),
        ("Booked on", one.settled_on),
        ("Sequence", sequence(one.sequence_type)),
        ("Account", account_of(one)),
        ("Account holder", one.debtor_name),
        ("Mandate", Link(one.mandate_reference, mandate) if seen else one.mandate_reference),
        ("End-to-end id", one.end_to_end_id),
    ]
    if seen:
        lines.insert(10, ("Mandate now", mandate_badge(one.mandate)))
    return lines


def _link(text: str, url: str, permission: Permission) -> Any:
    return Link(text, url) if url and acting().may(permission) else text


def _euros(amount: Any) -> Any:
    if amount is None:
        return None
    return Markup('<span class="text-nowrap">{}\u00a0€</span>').format(format_amount(amount))


def _time_to_return(one: Collection) -> str:
    """Until when the debtor may return; one that came later is worth a word with the bank."""
    if one.state == CollectionState.REJECTED:
        return "It was rejected before it was booked"
    reason, collected = return_code(one.reason_code), one.settled_on or one.run.collection_date
    last = last_day_of_window(one.run.scheme, reason, collected)
    words = f"{one.run.scheme}: {window_of(one.run.scheme, reason)}, until {day(last)}"
    late = one.ended_on is not None and one.ended_on > last
    return f"{words}. It came later than that: ask your bank" if late else words


def _again_in_words(one: Collection) -> str:
    if one.worked_off_at is not None:
        return f"Collected {attempts_made(one)}\u00d7 so far"
    return (
        against_again(one) or f"Possible: attempt {attempts_made(one) + 1} of {policy().attempts}"
    )


def _duplicates(one: Collection) -> Section:
    """Other collections of the customer with this amount and of about this time, each linked."""
    lines: list[tuple[str, Any]] = []
    for other in alike(db.session(), one):
        url = address_of("invoices.details_view", id=other.invoice_id)
        same = ", the same invoice" if other.invoice_id == one.invoice_id else ""
        lines.append((
            f"Invoice {other.invoice.number}",
            [
                _link(f"{format_amount(other.amount)} € on {day(other.run.collection_date)},"
                      f" run {other.run.number}{same}", url, Permission.INVOICES_VIEW),
                collection_badge(other),
            ],
        ))  # fmt: skip
    nothing = [("Nothing found", "No other collection of this customer has this amount")]
    return Section("Our own duplicate?", lines or nothing)


ATTEMPT_COLUMNS = (
    Column("run", "Run", lambda one: one.run.number, main=True),
    Column("day", "Collection date", lambda one: one.run.collection_date),
    Column("state", "State", collection_badge),
    Column("amount", "Amount", amount_in_list, numeric=True),
    Column("reason", "Reason", lambda one: reason_in_list(one) if one.ended_on else None),
    Column("ended", "Ended on", lambda one: one.ended_on),
    Column("note", "What was done", lambda one: one.worked_off_note),
)


def attempts_for(invoice: Any) -> Sequence[Collection]:
    """Every collection of an invoice, for a tab of its record."""
    return attempts(db.session(), invoice)
