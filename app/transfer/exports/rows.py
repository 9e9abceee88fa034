"""The rows of every exported list but customers: Core selects, in the order of the columns."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Select, case, func, literal, null, select
from sqlalchemy.orm import Session, aliased

from app.accounts.models import Operator, Role, operators_roles
from app.billing.models import Invoice
from app.catalogue.models import (
    Journal,
    JournalCoverage,
    JournalPackage,
    PackageJournal,
    PriceLevel,
    Product,
    ProductPrice,
)
from app.core.counts import exact_count
from app.core.listing import Criteria, Listing
from app.customers.choices import CustomerKind
from app.customers.models import Customer
from app.sepa.models import Collection, CollectionRun
from app.sepa.queries_returns import is_attempt
from app.sepa.reports.models import BankReport, ReportEntry
from app.sepa.return_codes import TODO_LABELS, return_code
from app.subscriptions.models import Authorization, Subscription
from app.subscriptions.queries import SubscriptionLine, export_lines
from app.transfer.columns.base import Column
from app.transfer.columns.catalogue import JOURNALS
from app.transfer.columns.lists import (
    AUTHORIZATIONS,
    BANK_ENTRIES,
    OPERATORS,
    PACKAGES,
    RENEWALS,
    RETURNS,
    SUBSCRIPTIONS,
)
from app.transfer.exports.streams import stream

# Aliases: the conditions of a list may ask for any customer, and must not be tied to these.
_Holder = aliased(Customer)
_Held = aliased(Journal)
_Collected = aliased(Collection)
_Owed = aliased(Invoice)
# A customer as other lists name one: a company's name, or first and last name.
_HOLDER_NAME: Any = case(
    (_Holder.kind != CustomerKind.INDIVIDUAL, _Holder.company_name),
    else_=func.trim(func.coalesce(_Holder.first_name, "") + " " + func.coalesce(_Holder.name, "")),
)


def chosen(
    listing: Listing, criteria: Criteria, model: Any, columns: Sequence[Column], **others: Any
) -> Select[Any]:
    """The rows asked for: each column's field of the model, or what `others` gives for it."""
    expressions = [
        others[column.field] if column.field in others else getattr(model, column.field)
        for column in columns
    ]
    return (
        listing.where(criteria)
        .with_only_columns(*expressions)
        .select_from(model)
        .order_by(*listing.order(criteria))
    )


def rows_of(
    model: Any, columns: Sequence[Column]
) -> Callable[[Session, Listing, Criteria], Iterator[Any]]:
    """The rows of a list whose columns are all the model's own."""

    def found(session: Session, listing: Listing, criteria: Criteria) -> Iterator[Any]:
        return stream(session, chosen(listing, criteria, model, columns))

    return found


def rows_of_customers(
    model: Any, columns: Sequence[Column], number: str, name: str
) -> Callable[[Session, Listing, Criteria], Iterator[Any]]:
    """The rows of a list that name a customer; the fields in which number and name stand."""

    def found(session: Session, listing: Listing, criteria: Criteria) -> Iterator[Any]:
        others = {number: _Holder.number, name: _HOLDER_NAME}
        statement = chosen(listing, criteria, model, columns, **others)
        return stream(session, statement.join(_Holder, _Holder.id == model.customer_id))

    return found


def bank_entry_rows(session: Session, listing: Listing, criteria: Criteria) -> Iterator[Any]:
    """Entries of bank reports with their reports, and what they were matched to."""
    others = {
        "report": BankReport.kind + " " + func.coalesce(BankReport.message_id, ""),
        "invoice": _Owed.number,
        "customer_number": _Holder.number,
        "customer": _HOLDER_NAME,
        "run": CollectionRun.number,
    }
    statement = (
        chosen(listing, criteria, ReportEntry, BANK_ENTRIES, **others)
        .join(BankReport, BankReport.id == ReportEntry.report_id)
        .outerjoin(_Collected, _Collected.id == ReportEntry.collection_id)
        .outerjoin(_Owed, _Owed.id == _Collected.invoice_id)
        .outerjoin(_Holder, _Holder.id == _Collected.customer_id)
        .outerjoin(CollectionRun, CollectionRun.id == _Collected.run_id)
    )
    return stream(session, statement)


def operator_rows(session: Session, listing: Listing, criteria: Criteria) -> Iterator[Any]:
    """Operators with the names of their roles, and whether a code is asked for at their log-in."""
    roles = (
        select(func.aggregate_strings(Role.name, ", "))
        .join(operators_roles, operators_roles.c.role_id == Role.id)
        .where(operators_roles.c.operator_id == Operator.id)
        .correlate(Operator)
        .scalar_subquery()
    )
    others = {"roles": roles, "two_factor": Operator.tf_primary_method.is_not(None)}
    return stream(session, chosen(listing, criteria, Operator, OPERATORS, **others))


def subscription_rows(session: Session, listing: Listing, criteria: Criteria) -> Iterator[Any]:
    """Ordinary subscriptions and merged rights, with their sources in words."""
    names = [column.field for column in SUBSCRIPTIONS]
    assert set(names) == {field.name for field in fields(SubscriptionLine)}
    lines = export_lines(session, criteria, listing)
    return ([getattr(line, name) for name in names] for line in lines)


def rows_of_rights(
    model: Any, columns: Sequence[Column], number: str, name: str
) -> Callable[[Session, Listing, Criteria], Iterator[Any]]:
    """The rows of a list that name a customer and a journal; where number and name stand."""

    def found(session: Session, listing: Listing, criteria: Criteria) -> Iterator[Any]:
        others = {
            number: _Holder.number,
            name: _HOLDER_NAME,
            "issn": func.coalesce(_Held.print_issn, _Held.online_issn),
            "journal": _Held.title,
        }
        statement = chosen(listing, criteria, model, columns, **others)
        statement = statement.join(_Holder, _Holder.id == model.customer_id)
        return stream(session, statement.join(_Held, _Held.id == model.journal_id))

    return found


authorization_rows = rows_of_rights(Authorization, AUTHORIZATIONS, "customer", "customer_name")
renewal_rows = rows_of_rights(Subscription, RENEWALS, "customer_number", "customer")


def package_rows(session: Session, listing: Listing, criteria: Criteria) -> Iterator[Any]:
    """Packages with the ISSNs of their journals, as their form takes them."""
    issns = (
        select(func.aggregate_strings(func.coalesce(_Held.print_issn, _Held.online_issn), ", "))
        .join(PackageJournal, PackageJournal.journal_id == _Held.id)
        .where(PackageJournal.package_id == JournalPackage.id)
        .correlate(JournalPackage)
        .scalar_subquery()
    )
    return stream(session, chosen(listing, criteria, JournalPackage, PACKAGES, issns=issns))


_KBART: dict[str, Any] = {
    "publication_title": Journal.title,
    "print_identifier": Journal.print_issn,
    "online_identifier": Journal.online_issn,
    "date_first_issue_online": JournalCoverage.first,
    "num_first_vol_online": JournalCoverage.first_volume,
    "num_first_issue_online": JournalCoverage.first_issue,
    "date_last_issue_online": JournalCoverage.last,
    "num_last_vol_online": JournalCoverage.last_volume,
    "num_last_issue_online": JournalCoverage.last_issue,
    "title_url": Journal.title_url,
    "title_id": Journal.title_id,
    "embargo_info": JournalCoverage.embargo,
    "coverage_depth": JournalCoverage.coverage_depth,
    "notes": JournalCoverage.note,
    "publisher_name": Journal.publisher,
    "publication_type": literal("serial"),
    "access_type": Journal.access_type,
}


def _journals(listing: Listing, criteria: Criteria) -> Select[Any]:
    """A row for each coverage, as KBART has it; the columns of books stay empty."""
    expressions = [_KBART.get(column.field, null()) for column in JOURNALS.sheets[0].columns]
    return (
        listing.where(criteria)
        .with_only_columns(*expressions)
        .select_from(Journal)
        .outerjoin(JournalCoverage, JournalCoverage.journal_id == Journal.id)
        .order_by(*listing.order(criteria), JournalCoverage.first_day, JournalCoverage.id)
    )


def journal_rows(session: Session, listing: Listing, criteria: Criteria) -> Iterator[Any]:
    """Journals with their coverages, in the columns of a KBART file."""
    return stream(session, _journals(listing, criteria))


def count_journal_rows(session: Session, listing: Listing, criteria: Criteria) -> int:
    """How many coverages there are, which is more than journals."""
    return exact_count(session, _journals(listing, criteria))


def product_rows(session: Session, listing: Listing, criteria: Criteria) -> Iterator[Any]:
    """Products with a price for each price level."""
    levels = session.execute(select(PriceLevel.id, PriceLevel.name).order_by(PriceLevel.name)).all()
    own: tuple[Any, ...] = (
        Product.number,
        Product.name,
        Product.kind,
        Product.discountable,
        Product.vat_rate,
    )
    prices = [
        select(ProductPrice.price)
        .where(ProductPrice.product_id == Product.id, ProductPrice.price_level_id == id_)
        .scalar_subquery()
        for id_, _ in levels
    ]
    statement = (
        listing.where(criteria)
        .with_only_columns(*own, *prices, Product.active)
        .select_from(Product)
        .order_by(*listing.order(criteria))
    )
    return stream(session, statement)


# Aliases, too: the conditions of the list of returns may ask for any invoice and run.
_Tried, _TriedIn = aliased(Collection), aliased(CollectionRun)
_Invoiced, _In = aliased(Invoice), aliased(CollectionRun)
_CODE, _REASON, _TODO = (
    [column.field for column in RETURNS].index(name) for name in ("reason_code", "reason", "todo")
)


def return_rows(session: Session, listing: Listing, criteria: Criteria) -> Iterator[Any]:
    """Collections that the bank rejected or returned."""
    attempts = (
        select(func.count())
        .select_from(_Tried)
        .join(_TriedIn, _TriedIn.id == _Tried.run_id)
        .where(
            _Tried.customer_id == Collection.customer_id,
            _Tried.invoice_id == Collection.invoice_id,
            is_attempt(_Tried, _TriedIn),
        )
        .correlate(Collection)
        .scalar_subquery()
    )
    others = {
        "customer_number": _Holder.number,
        "customer": _HOLDER_NAME,
        "invoice": _Invoiced.number,
        "invoice_state": _Invoiced.state,
        "run": _In.number,
        "reason": Collection.reason_code,
        "todo": Collection.reason_code,
        "attempts": attempts,
    }
    statement = (
        chosen(listing, criteria, Collection, RETURNS, **others)
        .join(_Holder, _Holder.id == Collection.customer_id)
        .join(_Invoiced, _Invoiced.id == Collection.invoice_id)
        .join(_In, _In.id == Collection.run_id)
    )
    for row in stream(session, statement):
        told, reason = list(row), return_code(row[_CODE])
        told[_REASON], told[_TODO] = reason.words, TODO_LABELS[reason.todo]
        yield told
