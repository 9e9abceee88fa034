"""New collection: account and date, what would be collected, what is left out and why; create."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from math import ceil
from typing import Any

from flask import abort, current_app, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import BaseView, expose

from admin_views.access import needs
from admin_views.accounting_states import sequence
from admin_views.customer_payment import account_of
from admin_views.formatters import Column, Link, day
from admin_views.registry import address_of
from app.accounts.identity import current_actor
from app.core import clock
from app.core.errors import KontorError, NotFound, Problem, Refused
from app.core.permissions import Permission
from app.core.values import ValueProblem, parse_amount, parse_date
from app.extensions import db, transaction
from app.sepa.calendar import target_day_from
from app.sepa.candidates import Assessment, Candidate, Excluded, assess
from app.sepa.creating import create_run
from app.sepa.models import CreditorAccount
from app.sepa.queries import active_accounts, policy_of, same_run
from app.sepa.rules import Exclusion, Policy

ROWS = 25
ROWS_LEFT_OUT = 10
DAYS_OFFERED = 5
# What to do about each reason; the customer's link leads to the place.
MENDING = {
    Exclusion.NO_MANDATE: "Have a mandate signed and enter it, or choose another method.",
    Exclusion.MANDATE_NOT_ACTIVE: "Resume the mandate, or enter the day on which it was signed.",
    Exclusion.MANDATE_EXPIRED: "36 months have passed without a collection: have a new one signed.",
    Exclusion.MANDATE_OTHER_SCHEME: "Collect it with an account of that scheme.",
    Exclusion.MANDATE_OTHER_IBAN: "Correct the customer's IBAN, or have a new mandate signed.",
    Exclusion.MANDATE_REFERENCE: "Have a new mandate signed under another reference.",
    Exclusion.MANDATE_NOT_SIGNED: "Choose a later collection date.",
    Exclusion.ONE_OFF_TAKEN: "Have another mandate signed.",
    Exclusion.IBAN_INVALID: "Ask the customer for the right IBAN.",
    Exclusion.IBAN_OUTSIDE_SEPA: "Choose another method of payment.",
    Exclusion.BIC_NEEDED: "Enter the BIC of the customer's bank.",
    Exclusion.BIC_INVALID: "Correct the BIC.",
    Exclusion.ADDRESS_NEEDED: "Enter a main address with place and country.",
    Exclusion.NAME_ILLEGAL: "Write the account holder in Latin letters.",
    Exclusion.COLLECTION_HOLD: "Lift the hold once the reason is settled.",
    Exclusion.CUSTOMER_DELETED: "An administrator can restore the customer.",
    Exclusion.AMOUNT: "Correct the invoice.",
    Exclusion.AMOUNT_OVER_FILE: "Raise the limit of the account, or split the invoice.",
    Exclusion.ALREADY_IN_COLLECTION: "Nothing is to be done: another run collects it.",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why some invoices are left out, how many, and what they come to."""

    reason: Exclusion
    rows: Sequence[Excluded]

    @property
    def amount(self) -> Decimal:
        """The sum of the invoices, in euros."""
        return sum((one.amount for one in self.rows), Decimal(0))

    @property
    def mending(self) -> str:
        """What to do about it."""
        return MENDING[self.reason]


def by_reason(found: Assessment) -> list[Reason]:
    """What is left out, the most frequent reason first."""
    groups: dict[Exclusion, list[Excluded]] = {}
    for one in found.excluded:
        groups.setdefault(one.reason, []).append(one)
    return sorted(
        (Reason(reason, rows) for reason, rows in groups.items()),
        key=lambda group: (-len(group.rows), group.reason.value),
    )


def _invoice(one: Candidate | Excluded) -> Link | str:
    url = address_of("invoices.details_view", id=one.invoice_id)
    return Link(one.invoice, url) if url else one.invoice


COLLECTED = (
    Column("customer_name", "Customer", lambda one: Link(
        f"{one.customer_name} ({one.customer})", f"/customers/{one.customer}"), main=True),
    Column("invoice", "Invoice", _invoice),
    Column("amount", "Amount", numeric=True, suffix="\u00a0€"),
    Column("iban", "IBAN", account_of),
    Column("mandate_reference", "Mandate"),
    Column("sequence_type", "Sequence", lambda one: sequence(one.sequence_type)),
)  # fmt: skip
LEFT_OUT = (
    Column("customer_name", "Customer", lambda one: Link(
        f"{one.customer_name} ({one.customer})", one.link), main=True),
    Column("invoice", "Invoice", _invoice),
    Column("amount", "Amount", numeric=True, suffix="\u00a0€"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page was asked for: an account and a day, or what is wrong with the day."""

    accounts: Sequence[CreditorAccount]
    account: CreditorAccount | None
    typed: str
    day: date | None
    problem: Problem | None
    days: Sequence[date]

    @property
    def arguments(self) -> dict[str, Any]:
        """What the address of this preview carries."""
        return {"account": self.account and self.account.id, "date": self.day and str(self.day)}


class Collecting(BaseView):
    """The page that makes a run, and its fragments."""

    @expose("/collect/")
    @needs(Permission.DIRECT_DEBIT_RUN)
    def collect_view(self) -> str:
        """Account and date, and below them what a run would take and leave."""
        asked = _asked()
        found = _assessed(asked) if asked.day and asked.account else None
        return self.render(
            "direct_debit/collect.html",
            asked=asked,
            found=found,
            reasons=by_reason(found) if found else [],
            amount_left_out=sum((one.amount for one in found.excluded), Decimal(0)) if found else 0,
            collected=self._page(asked, found, 1) if found else None,
            left_out=lambda reason: self._left_out(asked, reason, 1),
            sequence=sequence,
        )

    @expose("/collect/collections/")
    @needs(Permission.DIRECT_DEBIT_RUN)
    def collected_view(self) -> str:
        """A page of what would be collected, as a fragment."""
        asked = _asked()
        if asked.account is None or asked.day is None:
            abort(404)
        rows = self._page(asked, _assessed(asked), _number(request.args.get("page", "")))
        return self.render("direct_debit/rows.html", rows=rows)

    @expose("/collect/left-out/")
    @needs(Permission.DIRECT_DEBIT_RUN)
    def left_out_view(self) -> str:
        """A page of what is left out for one reason, as a fragment."""
        asked = _asked()
        wanted = request.args.get("reason", "")
        if asked.account is None or asked.day is None or wanted not in Exclusion.__members__:
            abort(404)
        reason = Exclusion[wanted]
        rows = [one for one in _assessed(asked).excluded if one.reason is reason]
        number = _number(request.args.get("page", ""))
        part = self._left_out(asked, Reason(reason, rows), number)
        return self.render("direct_debit/rows.html", rows=part)

    @expose("/collect/create/", methods=("POST",))
    @needs(Permission.DIRECT_DEBIT_RUN)
    def create_run_view(self) -> ResponseReturnValue:
        """The run, of exactly what the preview showed."""
        asked = _asked()
        seen = _seen()
        if asked.account is None or asked.day is None or seen is None:
            return redirect(self.get_url(".collect_view", **asked.arguments))
        if request.form.get("_confirmed") != "yes":
            return self.render("direct_debit/confirm.html", asked=asked, seen=seen)
        account_id, actor = asked.account.id, current_actor()
        try:
            with transaction() as session:
                account = session.get_one(CreditorAccount, account_id)
                run, _ = create_run(
                    session, account, asked.day, policy=_policy(), actor=actor, seen=seen
                )
                run_id, told = run.id, f"Run {run.number} was created."
        except KontorError as error:
            # The button was pressed twice: the first press has made the very same run.
            twin = same_run(db.session(), account_id, asked.day, seen, actor=actor)
            if twin is not None:
                return redirect(self.get_url(".details_view", id=twin.id))
            flash(str(error), "danger")
            return redirect(self.get_url(".collect_view", account=account_id, date=asked.day))
        flash(told, "success")
        return redirect(self.get_url(".details_view", id=run_id))

    def _page(self, asked: Asked, found: Assessment, number: int) -> dict[str, Any]:
        def url(page: int) -> str:
            return str(self.get_url(".collected_view", page=page, **asked.arguments))

        return _part("collected", COLLECTED, found.candidates, number, ROWS, url)

    def _left_out(self, asked: Asked, reason: Reason, number: int) -> dict[str, Any]:
        name = reason.reason.name

        def url(page: int) -> str:
            return str(self.get_url(".left_out_view", page=page, reason=name, **asked.arguments))

        target = f"left-{name.lower().replace('_', '-')}"
        return _part(target, LEFT_OUT, reason.rows, number, ROWS_LEFT_OUT, url)


def _part(
    target: str, columns: Sequence[Column], rows: Sequence[Any], number: int, size: int, url: Any
) -> dict[str, Any]:
    pages = max(1, ceil(len(rows) / size))
    number = min(number, pages)
    return {
        "target": target, "columns": columns, "page": number, "pages": pages, "url": url,
        "rows": rows[(number - 1) * size : number * size],
    }  # fmt: skip


def _policy() -> Policy:
    return policy_of(current_app.config["SETTINGS"])


def _assessed(asked: Asked) -> Assessment:
    assert asked.account is not None and asked.day is not None
    return assess(db.session(), asked.account, asked.day, _policy())


def _asked() -> Asked:
    policy, now = _policy(), clock.now()
    accounts = active_accounts(db.session())
    raw = request.values.get("account", "")
    account = next((one for one in accounts if str(one.id) == raw), None)
    if raw and account is None:
        raise NotFound("There is no such active creditor account")
    first = policy.next_collection_day(now)
    days = [first]
    while len(days) < DAYS_OFFERED:
        days.append(target_day_from(days[-1] + timedelta(days=1)))
    typed, chosen, problem = request.values.get("date", "").strip(), first, None
    if typed:
        try:
            chosen = parse_date(typed, "Collection date")
            policy.check_collection_date(chosen, now)
        except ValueProblem as error:
            problem = Problem("date", error.reason, error.hint)
        except Refused as refused:
            problem = refused.problems[0]
    return Asked(
        accounts=accounts,
        account=account or next(iter(accounts), None),
        typed=typed if problem else day(chosen),
        day=None if problem else chosen,
        problem=problem,
        days=days,
    )


def _seen() -> tuple[int, Decimal] | None:
    """The number and the sum that the person agreed to; None for what no preview can show."""
    try:
        count = int(request.form["count"][:12])
        amount = parse_amount(Decimal(request.form["amount"][:20]), "Amount")
    except (KeyError, ValueError, InvalidOperation):
        return None
    return count, amount


def _number(raw: str) -> int:
    return max(1, int(raw[:9])) if raw.isascii() and raw.isdecimal() else 1
