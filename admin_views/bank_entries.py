"""Entries of bank reports: what each did; the unmatched ones are assigned or looked at here."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from admin_views.access import needs
from admin_views.accounting_states import collection_badge, said
from admin_views.actions import Action, Ask
from admin_views.base import KontorView
from admin_views.customer_lookup import customer_in_record
from admin_views.customer_payment import account_of
from admin_views.formatters import Badge, Column, Link
from admin_views.records import Section
from admin_views.registry import address_of
from app.accounts.identity import current_actor
from app.core.actor import Actor
from app.core.errors import KontorError
from app.core.filters import clean, identifier
from app.core.listing import Listing
from app.core.permissions import Permission
from app.extensions import db, transaction
from app.sepa.models import Collection
from app.sepa.reports.models import EntryOutcome, ReportEntry, Told
from app.sepa.reports.operations import assign_entry, look_at_entries
from app.sepa.reports.queries import ENTRIES, WAITING, candidates
from app.sepa.return_codes import RETURN_CODES

MOST_CANDIDATES = 20
_OUTCOMES = {
    EntryOutcome.ACCEPTED: ("azure", ""),
    EntryOutcome.SETTLED: ("green", "check"),
    EntryOutcome.REJECTED: ("red", "x"),
    EntryOutcome.RETURNED: ("red", "arrow-back-up"),
    EntryOutcome.KNOWN: ("grey", ""),
    EntryOutcome.UNMATCHED: ("orange", "alert-triangle"),
    EntryOutcome.OTHER: ("grey", ""),
}
_TOLD = {
    Told.ACCEPTED: "Accepted", Told.SETTLED: "Booked", Told.REJECTED: "Rejected",
    Told.RETURNED: "Debited", Told.OTHER: "Other",
}  # fmt: skip


def outcome_badge(entry: ReportEntry) -> Badge:
    """What an entry did; one that somebody has looked at waits no longer."""
    if entry.outcome == EntryOutcome.UNMATCHED and entry.worked_off_at is not None:
        return Badge("Looked at", "grey", "eye")
    text = "Not ours" if entry.outcome == EntryOutcome.OTHER else said(entry.outcome)
    return Badge(text, *_OUTCOMES[EntryOutcome(entry.outcome)])


def told_in_words(entry: ReportEntry) -> str:
    """What the bank says."""
    return _TOLD[Told(entry.told)]


def waits(entry: ReportEntry) -> bool:
    """Whether a person has to look at it."""
    return entry.outcome == EntryOutcome.UNMATCHED and entry.worked_off_at is None


def _invoice(entry: ReportEntry) -> Any:
    one = entry.collection
    if one is None:
        return None
    url = address_of("invoices.details_view", id=one.invoice_id)
    may = current_actor().may(Permission.INVOICES_VIEW)
    if not url or not may:
        return Markup('<span class="k-piece">{}</span>').format(one.invoice.number)
    return Markup('<a class="k-piece" href="{}">{}</a>').format(url, one.invoice.number)


def _about(entry: ReportEntry) -> Any:
    """Whose it is: our customer, else whom the bank names."""
    if entry.collection is not None:
        return customer_in_record(entry.collection.customer)
    return entry.party_name


def reason_of(entry: ReportEntry) -> str:
    """The bank's reason in words, with its code and its text."""
    code = entry.reason_code
    words = f"{said(RETURN_CODES[code].words)} ({code})" if code in RETURN_CODES else code
    return ": ".join(part for part in (words, entry.reason_text) if part)


def _why(entry: ReportEntry) -> Any:
    """Why nothing fits, and the bank's reason."""
    parts = [part for part in (entry.problem, reason_of(entry)) if part]
    return [Markup('<span class="k-reason">{}</span>').format(part) for part in parts] or None


def _report(entry: ReportEntry) -> Any:
    url = address_of("bank_reports.details_view", id=entry.report_id)
    return Link(str(entry.report), url) if url else str(entry.report)


def _party_account(entry: ReportEntry) -> Any:
    return account_of(_Account(entry.party_iban))


class _Account:
    """An account, to be shown by the same rule as everybody's."""

    def __init__(self, iban: str | None) -> None:
        self.iban = iban


def _mandate(entry: ReportEntry) -> Any:
    reference = entry.mandate_reference
    return Markup('<span class="k-piece">{}</span>').format(reference) if reference else None


# What a report's own page shows, too.
ENTRY_COLUMNS = (
    Column("booked_on", "Booked on", main=True),
    Column("told", "The bank says", told_in_words),
    Column("amount", "Amount", numeric=True, suffix="\u00a0€"),
    Column("outcome", "Outcome", outcome_badge),
    Column("invoice", "Invoice", _invoice),
    Column("about", "Customer", _about),
    Column("why", "Reason", _why),
)


def _look_at(session: Session, ids: list[int], answers: Mapping[str, str], actor: Actor) -> str:
    count = look_at_entries(session, ids, answers.get("note", ""), actor=actor)
    return "The entry was looked at." if count == 1 else f"{count:,} entries were looked at."


class BankEntriesView(KontorView):
    """Every entry of every report."""

    model_class = ReportEntry
    label, singular = "Bank entries", "bank entry"
    menu_group, icon, endpoint_name = "Accounting", "list-search", "bank_entries"
    permissions = {"view": Permission.BANK_REPORTS_VIEW, "export": Permission.EXPORT}
    export_kind = "bank_entries"
    details_template = "bank_reports/entry.html"
    search_hint = "Invoice, customer, end-to-end id, mandate or bank reference"
    empty_hint = "Read in a report of the bank: its entries appear here."
    columns = (
        Column("booked_on", "Booked on", main=True, filter="booked"),
        Column("told", "The bank says", told_in_words, filter="told"),
        Column("amount", "Amount", numeric=True, suffix="\u00a0€", filter="amount"),
        Column("outcome", "Outcome", outcome_badge, filter="outcome"),
        Column("invoice", "Invoice", _invoice),
        Column("about", "Customer", _about),
        Column("why", "Reason", _why),
    )
    actions = (
        Action(
            "look_at", "Looked at", Permission.BANK_REPORTS_IMPORT, _look_at, icon="eye",
            confirm="Note what came of {this entry|# entries}: it then waits for nobody.",
            ask=Ask("note", "What came of it", hint="Kept with the entry", max_length=500),
            shown=waits,
        ),
    )  # fmt: skip

    def listing(self) -> Listing:
        """All entries."""
        return ENTRIES

    def record_options(self) -> Sequence[Any]:
        """The record names the report, and the collection with its invoice."""
        own = joinedload(ReportEntry.collection)
        return (
            joinedload(ReportEntry.report),
            own.joinedload(Collection.invoice),
            own.joinedload(Collection.customer),
            own.joinedload(Collection.run),
        )

    def counted_in_menu(self) -> Select[Any]:
        """Those that wait for a person."""
        return select(ReportEntry.id).where(WAITING)

    def headline(self, model: ReportEntry) -> str:
        """Its place in its report."""
        return f"Entry {model.position:,} of {model.report}"

    def subtitle(self, model: ReportEntry) -> str:
        """Why it waits."""
        return model.problem or ""

    def badges(self, model: ReportEntry) -> list[Badge]:
        """What it did."""
        return [outcome_badge(model)]

    def sections(self, model: ReportEntry) -> list[Section]:
        """What the bank wrote, and what it was matched to."""
        bank = [
            ("Report", _report(model)),
            ("The bank says", told_in_words(model)),
            ("Booked on", model.booked_on),
            ("Amount", Markup("{} {}").format(f"{model.amount:,.2f}", model.currency or "EUR")
             if model.amount is not None else None),
            ("Transactions", model.transactions),
            ("Fee", Markup("{} €").format(f"{model.fee:,.2f}") if model.fee is not None else None),
            ("Reason code", model.reason_code),
            ("Reason", model.reason_text),
            ("Name", model.party_name),
            ("Account", _party_account(model)),
            ("Text", model.remittance_text),
        ]  # fmt: skip
        ids = [
            ("End-to-end id", model.end_to_end_id),
            ("Mandate", _mandate(model)),
            ("Message", model.message_id),
            ("Payment block", model.block_id),
            ("Bank reference", model.bank_reference),
        ]
        found = [
            Section("What the bank says", [line for line in bank if line[1] is not None]),
            Section(
                "References",
                [line for line in ids if line[1]] or [("References", "The bank gives none")],
            ),
        ]
        if model.collection is not None:
            found.insert(1, Section("Matched to", self._matched(model, model.collection)))
        if model.worked_off_at is not None:
            found.append(
                Section("Looked at", [
                    ("When", [model.worked_off_at, model.worked_off_by_label]),
                    ("Note", model.worked_off_note),
                ])
            )  # fmt: skip
        return found

    def _matched(self, model: ReportEntry, one: Collection) -> list[tuple[str, Any]]:
        run = address_of("direct_debit.details_view", id=one.run_id)
        return [
            ("Invoice", _invoice(model)),
            ("Customer", customer_in_record(one.customer)),
            ("Run", Link(one.run.number, run) if run else one.run.number),
            ("Collected", Markup("{} €").format(f"{one.amount:,.2f}")),
            ("State", collection_badge(one)),
            ("Found by", model.matched_by and said(model.matched_by)),
        ]

    # For the template, and the page that assigns ---------------------------------------------

    def may_assign(self, model: ReportEntry) -> bool:
        """Whether this person may say which collection the entry is about."""
        may = current_actor().may(Permission.BANK_REPORTS_IMPORT)
        return may and waits(model) and model.told != Told.OTHER

    @expose("/assign/", methods=("GET", "POST"))
    @needs(Permission.BANK_REPORTS_IMPORT)
    def assign_view(self) -> ResponseReturnValue:
        """Find the collection that an entry is about, and say so."""
        entry = self.record_or_404()
        if not waits(entry):
            flash("This entry waits for nobody any more.", "info")
            return redirect(self.record_url(entry))
        text = clean(request.args.get("q", ""))[:200]
        problem = ""
        if request.method == "POST":
            try:
                return self._assign(entry)
            except KontorError as refused:
                problem = str(refused)
                entry = self.record_or_404()
        page = self.render(
            "bank_reports/assign.html",
            model=entry,
            text=text,
            problem=problem,
            found=candidates(db.session(), entry, text, MOST_CANDIDATES),
            most=MOST_CANDIDATES,
            facts=self._facts(entry),
            badge=collection_badge,
        )
        return page, 422 if problem else 200

    def _facts(self, entry: ReportEntry) -> list[tuple[str, Any]]:
        """What the bank says, as far as it helps to find the collection."""
        lines = [
            ("Entry", told_in_words(entry)),
            ("Amount", entry.amount),
            ("Booked on", entry.booked_on),
            ("Reason", reason_of(entry)),
            ("Name", entry.party_name),
            ("Account", _party_account(entry)),
            ("Mandate", _mandate(entry)),
            ("End-to-end id", entry.end_to_end_id),
            ("Text", entry.remittance_text),
        ]
        return [line for line in lines if line[1]]

    def _assign(self, entry: ReportEntry) -> ResponseReturnValue:
        try:
            collection_id = identifier(request.form.get("collection", ""))
        except ValueError:
            abort(400)
        entry_id, report_id = entry.id, entry.report_id
        with transaction() as session:
            assign_entry(session, entry_id, collection_id, actor=current_actor())
        flash("The entry was assigned.", "success")
        back = address_of("bank_reports.details_view", id=report_id, tab="waiting")
        return redirect(back or self.get_url(".index_view"))


def views() -> list[KontorView]:
    """The views of this module."""
    return [BankEntriesView()]
