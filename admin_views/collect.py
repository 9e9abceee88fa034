"""New collection: account and date, what would be collected, what is left out and why; create."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from math import ceil
from typing import Any

from flask import abort, current_app, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import BaseView, expose
from flask_admin.helpers import get_redirect_target
from sqlalchemy.orm import Session

from admin_views.access import acting, needs
from admin_views.accounting_states import sequence
from admin_views.collect_mending import MENDING, Here, mend
from admin_views.customer_payment import account_of
from admin_views.formatters import Badge, Column, Link, day
from admin_views.jobs import register_job_page
from admin_views.registry import address_of
from app.accounts.identity import current_actor
from app.accounts.queries import allowed_by_role
from app.billing.models import InvoiceState
from app.core import clock
from app.core.errors import KontorError, NotFound, Problem, Refused
from app.core.permissions import Permission
from app.core.values import ValueProblem, parse_amount, parse_date
from app.extensions import db, transaction
from app.jobs import collecting
from app.jobs.models import Job
from app.sepa.calendar import is_target_day, target_day_from
from app.sepa.creating import create_run
from app.sepa.models import CreditorAccount
from app.sepa.previews.models import RunPreview
from app.sepa.previews.operations import check_current
from app.sepa.previews.queries import (
    AT_ONCE_MOST,
    CHANGES_COUNTED,
    Found,
    Kept,
    Key,
    Line,
    changes_since,
    judge_now,
    kept,
    latest_preview,
    lines_of,
)
from app.sepa.previews.totals import COLLECTED, is_section
from app.sepa.queries import active_accounts, policy_of, run_by_number, same_run
from app.sepa.queries_candidates import count_due
from app.sepa.rules import Caution, Exclusion, Policy

ROWS = 25
ROWS_OF_SECTION = 10
WEEKS_OFFERED = 6


def _invoice(one: Line) -> Any:
    url = address_of("invoices.details_view", id=one.invoice_id)
    number = Link(one.invoice, url) if url else one.invoice
    again = Badge(f"{_ordinal(one.attempt)} attempt", "orange") if one.attempt > 1 else None
    return [number, again] if again else number


def _ordinal(number: int) -> str:
    return {2: "2nd", 3: "3rd"}.get(number, f"{number}th")


_CUSTOMER = Column(
    "customer_name",
    "Customer",
    lambda one: Link(f"{one.customer_name} ({one.customer})", f"/customers/{one.customer}"),
    main=True,
)
_INVOICE = Column("invoice", "Invoice", _invoice)
_AMOUNT = Column("amount", "Amount", numeric=True, suffix="\u00a0€")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page was asked for: an account and a day, or what is wrong with the day."""

    accounts: Sequence[CreditorAccount]
    account: CreditorAccount | None
    typed: str
    day: date | None
    problem: Problem | None
    first: date
    roles: Sequence[tuple[str, Sequence[str]]]

    @property
    def arguments(self) -> dict[str, Any]:
        """What the address of this preview carries."""
        return {"account": self.account and self.account.id, "date": self.day and str(self.day)}

    def weeks(self) -> list[list[tuple[date, bool]]]:
        """The days from Monday to Friday to choose from, each with whether banks collect on it."""
        begin = self.first - timedelta(days=self.first.weekday())
        days = [begin + timedelta(days=count) for count in range(7 * WEEKS_OFFERED)]
        open_ = [(one, one >= self.first and is_target_day(one)) for one in days]
        return [open_[week : week + 5] for week in range(0, len(days), 7)]


class Collecting(BaseView):
    """The page that makes a run, and its fragments."""

    @expose("/collect/")
    @needs(Permission.DIRECT_DEBIT_RUN)
    def collect_view(self) -> str:
        """Account and date, and below them what a run would take and leave."""
        asked, session = _asked(), db.session()
        found, preview = _found(session, asked)
        told = _told_of(session, preview, asked) if preview else {}
        sections: dict[str, Any] = {}
        if found is not None:
            sections = self._sections(session, asked, found)
        return self.render(
            "direct_debit/collect.html",
            asked=asked,
            totals=found.totals if found else None,
            large=found is None and asked.day is not None and asked.account is not None,
            preview=preview,
            sections=sections,
            mending=MENDING,
            sequence=sequence,
            ordinal=_ordinal,
            came_from=get_redirect_target(),
            import_url=_open_to_me(
                Permission.INVOICES_IMPORT, "imports.upload_view", kind="invoices"
            ),
            invoices_url=_open_to_me(
                Permission.INVOICES_VIEW, "invoices.index_view", state=InvoiceState.OPEN.value
            ),
            **told,
        )

    @expose("/collect/rows/")
    @needs(Permission.DIRECT_DEBIT_RUN)
    def rows_view(self) -> str:
        """A page of what is collected, or of what is left out for one reason, as a fragment."""
        asked, session = _asked(), db.session()
        section = request.args.get("section", "")
        found, preview = _found(session, asked)
        if found is None or not is_section(section):
            abort(404)
        if preview is not None and str(preview.id) != request.args.get("preview"):
            return self.render("direct_debit/outdated.html", asked=asked)
        number = _number(request.args.get("page", ""))
        part = self._part(asked, found, section, number)
        lines = lines_of(session, part["keys"])
        return self.render("direct_debit/rows.html", rows=_filled(part, lines))

    @expose("/collect/work-out/", methods=("POST",))
    @needs(Permission.DIRECT_DEBIT_RUN)
    def work_out_view(self) -> ResponseReturnValue:
        """Have a large preview worked out in the background."""
        asked = _asked()
        if asked.account is None or asked.day is None:
            return redirect(self.get_url(".collect_view", **asked.arguments))
        account_id, actor = asked.account.id, current_actor()
        try:
            with transaction() as session:
                account = session.get_one(CreditorAccount, account_id)
                collecting.start_preview(session, account, asked.day, actor=actor)
        except KontorError as error:
            flash(str(error), "danger")
        return redirect(self.get_url(".collect_view", account=account_id, date=asked.day))

    @expose("/collect/create/", methods=("POST",))
    @needs(Permission.DIRECT_DEBIT_RUN)
    def create_run_view(self) -> ResponseReturnValue:
        """The run, of exactly what the preview showed."""
        asked, seen = _asked(), _seen()
        if asked.account is None or asked.day is None or seen is None:
            return redirect(self.get_url(".collect_view", **asked.arguments))
        if request.form.get("_confirmed") != "yes":
            return self.render(
                "direct_debit/confirm.html", asked=asked, seen=seen,
                preview=_number(request.form.get("preview", ""), 0), digest=_digest(),
            )  # fmt: skip
        preview_id = _number(request.form.get("preview", ""), 0)
        if preview_id:
            return self._start_creating(asked, preview_id)
        account_id, actor = asked.account.id, current_actor()
        try:
            with transaction() as session:
                account = session.get_one(CreditorAccount, account_id)
                run, _ = create_run(
                    session, account, asked.day, policy=_policy(), actor=actor, seen=seen,
                    digest=_digest(),
                )  # fmt: skip
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

    def _start_creating(self, asked: Asked, preview_id: int) -> ResponseReturnValue:
        arguments, actor = asked.arguments, current_actor()
        try:
            with transaction() as session:
                collecting.start_creating(session, preview_id, actor=actor)
        except KontorError as error:
            flash(str(error), "danger")
        return redirect(self.get_url(".collect_view", **arguments))

    def _sections(self, session: Session, asked: Asked, found: Found) -> dict[str, Any]:
        """The first page of each section, all of them read at once."""
        totals = found.totals
        names = [COLLECTED, *(one.name for one in (*totals.cautions, *totals.reasons))]
        parts = {name: self._part(asked, found, name, 1) for name in names}
        keys = [key for part in parts.values() for key in part["keys"]]
        lines = lines_of(session, keys) if keys else {}
        return {name: _filled(part, lines) for name, part in parts.items()}

    def _part(self, asked: Asked, found: Found, section: str, number: int) -> dict[str, Any]:
        size = ROWS if section == COLLECTED else ROWS_OF_SECTION
        pages = max(1, ceil(found.totals.count_of(section) / size))
        number = min(number, pages)
        known = {"preview": found.preview.id} if isinstance(found, Kept) else {}

        def url(page: int) -> str:
            return str(
                self.get_url(".rows_view", page=page, section=section, **asked.arguments, **known)
            )

        back = str(self.get_url(".collect_view", **asked.arguments))
        return {
            "target": f"rows-{section.lower().replace('_', '-')}",
            "columns": _columns(section, asked, back),
            "page": number,
            "pages": pages,
            "url": url,
            "keys": found.keys(db.session(), section, (number - 1) * size, size),
        }


def _filled(part: dict[str, Any], lines: Mapping[Key, Line]) -> dict[str, Any]:
    return part | {"rows": [lines[key] for key in part["keys"] if key in lines]}


def _columns(section: str, asked: Asked, back: str) -> tuple[Column, ...]:
    """The columns of a section; where something is to be mended, with the way to the place."""
    assert asked.account is not None and asked.day is not None
    mandate = (
        Column("iban", "IBAN", lambda one: account_of(one) if one.iban else None),
        Column("mandate_reference", "Mandate"),
    )
    if section == COLLECTED:
        return (_CUSTOMER, _INVOICE, _AMOUNT, *mandate, Column("due_on", "Due on"))
    reason = Exclusion[section] if section in Exclusion.__members__ else Caution[section]
    here = Here(asked.account, asked.accounts, asked.day, _policy(), back, asked.roles)
    way = Column("mend", "Mend", lambda one: mend(reason, one, here))
    changed = Column("iban_changed_at", "Changed")
    if reason is Caution.IBAN_CHANGED:
        return (_CUSTOMER, _INVOICE, _AMOUNT, *mandate, changed, way)
    if reason is Exclusion.NOTICE_TOO_SHORT:
        return (_CUSTOMER, _INVOICE, _AMOUNT, Column("issued_on", "Issued on"), way)
    return (_CUSTOMER, _INVOICE, _AMOUNT, way)


def register_pages() -> None:
    """Let the pages of the jobs lead to the preview, and to the run that was made of it."""
    register_job_page(collecting.WORK_OUT, _preview_of)
    register_job_page(collecting.CREATE, _run_of)


def _preview_of(job: Job) -> Link:
    asked = {name: job.params[name] for name in ("account", "date")}
    return Link("See the preview", address_of("direct_debit.collect_view", **asked))


def _run_of(job: Job) -> Link:
    if not job.result:
        return _preview_of(job)
    run = run_by_number(db.session(), job.result["run"])
    return Link(f"Run {run.number}", address_of("direct_debit.details_view", id=run.id))


def _found(session: Session, asked: Asked) -> tuple[Found | None, RunPreview | None]:
    """What there is to show: judged at once where it is little, else as it was worked out."""
    if asked.account is None or asked.day is None:
        return None, None
    if count_due(session, asked.day, AT_ONCE_MOST + 1) <= AT_ONCE_MOST:
        return judge_now(session, asked.account, asked.day, _policy()), None
    preview = latest_preview(session, asked.account.id, asked.day)
    done = preview is not None and preview.state == "done"
    return (kept(preview) if preview is not None and done else None), preview


def _told_of(session: Session, preview: RunPreview, asked: Asked) -> dict[str, Any]:
    """How a kept preview stands: under way, out of date, or already a run."""
    problem = ""
    if preview.state == "done" and preview.run_id is None and asked.account is not None:
        try:
            check_current(preview, asked.account, _policy())
        except Refused as refused:
            problem = str(refused)
    job = session.get(Job, preview.job_id) if preview.job_id else None
    creating = session.get(Job, preview.creating_job_id) if preview.creating_job_id else None
    return {
        "job": job,
        "creating": creating if preview.run_id is None else None,
        "may_follow": _may_follow,
        "problem": problem,
        "changes": changes_since(session, preview) if preview.state == "done" else 0,
        "most_changes": CHANGES_COUNTED,
    }


def _may_follow(job: Job) -> bool:
    """Whether this person may see how far a job is: one's own, or all with the permission."""
    actor = acting()
    return actor.may(Permission.JOBS_VIEW_ALL) or job.created_by_id == actor.operator_id


def _open_to_me(permission: Permission, endpoint: str, **arguments: str) -> str | None:
    return address_of(endpoint, **arguments) if acting().may(permission) else None


def _policy() -> Policy:
    return policy_of(current_app.config["SETTINGS"])


def _asked() -> Asked:
    now = clock.now()
    accounts = active_accounts(db.session())
    raw = request.values.get("account", "")
    account = next((one for one in accounts if str(one.id) == raw), None)
    if raw and account is None:
        raise NotFound("There is no such active creditor account")
    account = account or next(iter(accounts), None)
    policy = _policy().of_account(account) if account is not None else _policy()
    first = policy.next_collection_day(now)
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
        account=account,
        typed=typed if problem else day(chosen),
        day=None if problem else chosen,
        problem=problem,
        first=target_day_from(first),
        roles=allowed_by_role(db.session()),
    )


def _seen() -> tuple[int, Decimal] | None:
    """The number and the sum that the person agreed to; None for what no preview can show."""
    try:
        count = int(request.form["count"][:12])
        amount = parse_amount(Decimal(request.form["amount"][:20]), "Amount")
    except (KeyError, ValueError, InvalidOperation):
        return None
    return count, amount


def _digest() -> int | None:
    raw = request.form.get("digest", "")[:12]
    return int(raw) if raw.isascii() and raw.isdecimal() else None


def _number(raw: str, least: int = 1) -> int:
    return max(least, int(raw[:9])) if raw.isascii() and raw.isdecimal() else least
