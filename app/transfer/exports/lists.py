"""The lists that can be exported: each with its rows, its columns and who may see it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import Session

from app.accounts.queries import OPERATORS, ROLES
from app.billing.models import Invoice
from app.billing.queries import INVOICES
from app.catalogue.models import PriceLevel
from app.catalogue.packages import PACKAGES
from app.catalogue.queries_journals import JOURNALS
from app.catalogue.queries_products import LEVELS, PRODUCTS
from app.core import clock
from app.core.actor import COMMAND_LINE, Actor
from app.core.among import one_of
from app.core.counts import exact_count
from app.core.errors import NotFound
from app.core.filters import Filter, Kind
from app.core.listing import Criteria, Listing
from app.core.permissions import Permission
from app.customers.choices import CustomerKind
from app.customers.models import (
    Group,
    SecurityQuestion,
    Store,
)
from app.customers.queries import BY_KIND, CLIENTS, WAITING
from app.customers.queries_reference import GROUPS, QUESTIONS, STORES
from app.institutions.models import Consortium
from app.institutions.queries import CONSORTIA
from app.jobs import queries as job_queries
from app.outbox.queries import MESSAGES
from app.sepa.models import CollectionRun, CreditorAccount, Mandate
from app.sepa.queries import ACCOUNTS, RUNS
from app.sepa.queries_mandates import MANDATES
from app.sepa.queries_returns import WAITING as WAITING_RETURNS
from app.sepa.queries_returns import WORKED_OFF as WORKED_OFF_RETURNS
from app.sepa.reports.models import BankReport
from app.sepa.reports.queries import ENTRIES, REPORTS
from app.subscriptions.queries import AUTHORIZATIONS, SUBSCRIPTIONS
from app.subscriptions.renewals import due_listing
from app.transfer.columns import TITLES, workbook_spec
from app.transfer.columns import lists as columns
from app.transfer.columns.base import Column
from app.transfer.exports import histories, queries, rows, work
from app.transfer.exports.customers import COLUMNS, customer_rows
from app.transfer.imports import queries as import_queries

Rows = Callable[[Session, Listing, Criteria], Iterator[Any]]
Statement = Callable[[Listing, Criteria], Select[Any]]
# The name of the condition that rows were chosen one by one.
CHOSEN = "chosen"


@dataclass(frozen=True, slots=True)
class ExportList:
    """One list as it leaves: `rows` gives values in the order of `columns`.

    `permission`, or one of `others`, is needed beside the permission to export at all. `narrowed`
    takes the rows away that a person must not see.
    """

    name: str
    title: str
    permission: Permission
    listing: Listing
    columns: Callable[[Session], Sequence[Column]]
    rows: Rows
    count: Callable[[Session, Listing, Criteria], int]
    narrowed: Callable[[Listing, Actor], Listing] = lambda listing, actor: listing
    others: Sequence[Permission] = ()

    def open_to(self, actor: Actor) -> bool:
        """Whether this person may see the list."""
        return any(actor.may(one) for one in (self.permission, *self.others))

    def require(self, actor: Actor) -> None:
        """Raise NotAllowed for whoever may not see the list."""
        if not self.open_to(actor):
            actor.require(self.permission)

    def of(self, ids: Sequence[int]) -> "ExportList":
        """The list of certain rows only; the condition CHOSEN says so in its receipt."""
        narrowed = self.narrowed
        return replace(
            self,
            listing=_only(self.listing, ids),
            narrowed=lambda listing, actor: _only(narrowed(listing, actor), ids),
        )

    def seen_by(self, actor: Actor) -> "ExportList":
        """The list without the rows that this person must not see."""
        return replace(self, listing=self.narrowed(self.listing, actor))


def _only(listing: Listing, ids: Sequence[int]) -> Listing:
    key = listing.primary_key
    chosen = Filter(CHOSEN, "Chosen by hand", Kind.TEXT, lambda _: one_of(key, ids))
    others = [one for one in listing.filters if one.name != CHOSEN]
    return replace(listing, filters=[*others, chosen])


def _count(session: Session, listing: Listing, criteria: Criteria) -> int:
    return exact_count(session, listing.where(criteria))


def _plain(
    name: str,
    title: str,
    permission: Permission,
    listing: Listing,
    offered: Sequence[Column],
    found: Rows,
) -> ExportList:
    return ExportList(name, title, permission, listing, lambda session: offered, found, _count)


def _own(
    name: str,
    title: str,
    permission: Permission,
    listing: Listing,
    model: Any,
    offered: Sequence[Column],
) -> ExportList:
    """A list whose columns are all the model's own."""
    return _plain(name, title, permission, listing, offered, rows.rows_of(model, offered))


def _workbook(session: Session, name: str) -> Sequence[Column]:
    return workbook_spec(session, name).sheets[0].columns


_CUSTOMERS = (
    ("customers", "Customers", CLIENTS),
    ("individual", "Individual customers", BY_KIND[CustomerKind.INDIVIDUAL]),
    ("business", "Business customers", BY_KIND[CustomerKind.BUSINESS]),
    ("perpetual", "Perpetual customers", BY_KIND[CustomerKind.PERPETUAL]),
)
_SEE = Permission
_ALL = (
    *(
        _plain(name, title, _SEE.CUSTOMERS_VIEW, listing, COLUMNS, customer_rows)
        for name, title, listing in _CUSTOMERS
    ),
    _plain(
        "subscriptions",
        "Subscriptions",
        _SEE.SUBSCRIPTIONS_VIEW,
        SUBSCRIPTIONS,
        columns.SUBSCRIPTIONS,
        rows.subscription_rows,
    ),
    replace(
        _plain(
            "renewals",
            "Renewals",
            _SEE.SUBSCRIPTIONS_VIEW,
            due_listing(clock.today()),
            columns.RENEWALS,
            rows.renewal_rows,
        ),
        # What is due is counted from the day on which it is asked.
        narrowed=lambda _all, actor: due_listing(clock.today()),
    ),
    _own(
        "consortia",
        "Consortia",
        _SEE.CUSTOMERS_VIEW,
        CONSORTIA,
        Consortium,
        columns.CONSORTIA,
    ),
    _plain(
        "packages",
        "Packages",
        _SEE.CATALOGUE_VIEW,
        PACKAGES,
        columns.PACKAGES,
        rows.package_rows,
    ),
    _plain(
        "authorizations",
        "Journal authorizations",
        _SEE.SUBSCRIPTIONS_VIEW,
        AUTHORIZATIONS,
        columns.AUTHORIZATIONS,
        rows.authorization_rows,
    ),
    ExportList(
        "journals",
        "Journals",
        _SEE.CATALOGUE_VIEW,
        JOURNALS,
        lambda session: _workbook(session, "journals"),
        rows.journal_rows,
        rows.count_journal_rows,
    ),
    ExportList(
        "products",
        "Products",
        _SEE.CATALOGUE_VIEW,
        PRODUCTS,
        lambda session: _workbook(session, "products"),
        rows.product_rows,
        _count,
    ),
    _plain(
        "invoices",
        "Invoices",
        _SEE.INVOICES_VIEW,
        INVOICES,
        columns.INVOICES,
        rows.rows_of_customers(Invoice, columns.INVOICES, "customer", "customer_name"),
    ),
    _plain(
        "mandates",
        "Mandates",
        _SEE.MANDATES_VIEW,
        MANDATES,
        columns.MANDATES,
        rows.rows_of_customers(Mandate, columns.MANDATES, "customer_number", "customer"),
    ),
    _own("runs", "Direct-debit runs", _SEE.DIRECT_DEBIT_VIEW, RUNS, CollectionRun, columns.RUNS),
    _plain(
        "returns",
        "Returns",
        _SEE.BANK_REPORTS_VIEW,
        WAITING_RETURNS,
        columns.RETURNS,
        rows.return_rows,
    ),
    _plain(
        "returns_done",
        "Returns worked off",
        _SEE.BANK_REPORTS_VIEW,
        WORKED_OFF_RETURNS,
        columns.RETURNS,
        rows.return_rows,
    ),
    _own(
        "creditor_accounts",
        "Creditor accounts",
        _SEE.CREDITOR_ACCOUNTS_VIEW,
        ACCOUNTS,
        CreditorAccount,
        columns.CREDITOR_ACCOUNTS,
    ),
    _own(
        "bank_reports",
        "Bank reports",
        _SEE.BANK_REPORTS_VIEW,
        REPORTS,
        BankReport,
        columns.BANK_REPORTS,
    ),
    _plain(
        "bank_entries",
        "Bank entries",
        _SEE.BANK_REPORTS_VIEW,
        ENTRIES,
        columns.BANK_ENTRIES,
        rows.bank_entry_rows,
    ),
    _own("stores", "Stores", _SEE.STORES_MANAGE, STORES, Store, columns.STORES),
    _own("groups", "Groups", _SEE.GROUPS_MANAGE, GROUPS, Group, columns.GROUPS),
    _own(
        "price_levels",
        "Price levels",
        _SEE.SETTINGS_MANAGE,
        LEVELS,
        PriceLevel,
        columns.PRICE_LEVELS,
    ),
    _own(
        "security_questions",
        "Security questions",
        _SEE.SETTINGS_MANAGE,
        QUESTIONS,
        SecurityQuestion,
        columns.SECURITY_QUESTIONS,
    ),
    _plain(
        "operators",
        "Operators",
        _SEE.OPERATORS_MANAGE,
        OPERATORS,
        columns.OPERATORS,
        rows.operator_rows,
    ),
    _plain("roles", "Roles", _SEE.ROLES_MANAGE, ROLES, columns.ROLES, work.role_rows),
    _plain(
        "approvals",
        "Customers waiting for approval",
        _SEE.CUSTOMERS_EDIT,
        WAITING,
        COLUMNS,
        customer_rows,
    ),
    _plain(
        "duplicates",
        "Duplicates",
        _SEE.CUSTOMERS_EDIT,
        work.PAIRS,
        columns.DUPLICATES,
        work.pair_rows,
    ),
    _plain("mail", "Outgoing mail", _SEE.OUTBOX_VIEW, MESSAGES, columns.MAIL, work.mail_rows),
    # One's own, or everybody's.
    replace(
        _plain(
            "imports",
            "Imports",
            _SEE.CUSTOMERS_IMPORT,
            import_queries.listing(COMMAND_LINE, list(TITLES.items())),
            columns.IMPORTS,
            work.import_rows,
        ),
        narrowed=lambda _all, actor: import_queries.listing(actor, list(TITLES.items())),
        others=(_SEE.CATALOGUE_IMPORT, _SEE.INVOICES_IMPORT),
    ),
    replace(
        _plain(
            "downloads",
            "Downloads",
            _SEE.JOBS_VIEW,
            queries.listing(COMMAND_LINE),
            columns.DOWNLOADS,
            work.download_rows,
        ),
        narrowed=lambda _all, actor: queries.listing(actor),
    ),
    replace(
        _plain(
            "jobs",
            "Jobs",
            _SEE.JOBS_VIEW,
            job_queries.listing(COMMAND_LINE),
            columns.JOBS,
            work.job_rows,
        ),
        narrowed=lambda _all, actor: job_queries.listing(actor),
    ),
)
LISTS: dict[str, ExportList] = {one.name: one for one in _ALL}
# Not lists of their own: what the History tab of a record shows.
_HISTORIES = {
    histories.list_name(entity): ExportList(
        histories.list_name(entity),
        f"History of {entity}",
        permission,
        histories.listing_of(entity),
        lambda session: histories.COLUMNS,
        histories.history_rows,
        histories.count_lines,
        histories.narrowed,
    )
    for entity, permission in histories.ENTITIES.items()
}


def find_list(name: str) -> ExportList:
    """The list of this name. Raises NotFound."""
    found = LISTS.get(name) or _HISTORIES.get(name)
    if found is None:
        raise NotFound(f"There is no list {name} to export")
    return found
