"""The demo company: one log-in for each role, and customers, rights and invoices to look at."""

from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from stdnum import issn

from app.accounts.models import Operator
from app.accounts.operations import create_operator
from app.billing.models import InvoiceState
from app.billing.operations import InvoiceDraft, change_states, create_invoices
from app.catalogue.coverage import Coverage
from app.catalogue.models import Journal
from app.catalogue.operations_journals import upsert_journals
from app.catalogue.rules import Holding, JournalDraft
from app.cli.demo_debits import seed_direct_debits
from app.cli.demo_rights import seed_institutions, seed_terms
from app.cli.seed_customers import seed_customers
from app.core import clock
from app.core.actor import COMMAND_LINE
from app.core.partial_date import PartialDate
from app.core.permissions import RoleName
from app.customers.choices import CustomerKind, PaymentMethod
from app.customers.drafts import CustomerUpdate
from app.customers.models import Customer, Group
from app.customers.operations import lock_customers, update_customers
from app.customers.operations_reference import save_group
from app.extensions import db, transaction
from app.subscriptions.authorizations import create_authorizations
from app.subscriptions.drafts import AuthorizationDraft
from app.subscriptions.models import Basis

PASSWORD = "kontor-demo"  # noqa: S105 - printed at every start, and refused in production
NAMES = {
    RoleName.OPERATIONS: "Olga Operations",
    RoleName.ACCOUNTING: "Ari Accounting",
    RoleName.MANAGER: "Mara Manager",
    RoleName.ADMINISTRATOR: "Ada Administrator",
}
LOGINS = [(role.value, f"{role.value}@demo.example", PASSWORD) for role in RoleName]
CUSTOMERS = 240
SEED = 2026
DAYS_OF_TRADE = 540
INVOICED, OVERDUE = 60, frozenset({1, 3, 9})
TITLES = (
    "Annals of Demonstration", "Journal of Imaginary Chemistry", "Baltic Sea Letters",
    "Review of Applied Patience", "Archive of Quiet Physics", "Studies in Northern Weather",
)  # fmt: skip
# What each perpetual customer holds: overlapping, adjoining and apart, so that the merge shows.
SPANS = (("2001", "2006"), ("2007-01", "2012-06"), ("2015", None))
# The group whose new shop customers wait for approval, and how many of them do.
APPROVED_GROUP, WAITING = "Wholesale", 3
LOCKS = ("Three returned direct debits; ask accounting first", "Moved away without an address")


def is_empty() -> bool:
    """Tell whether there are neither customers nor operators yet."""
    session = db.session()
    return not any(
        session.scalar(select(func.count()).select_from(model)) for model in (Customer, Operator)
    )


def seed_company() -> dict[str, int]:
    """Make the operators and the company's data; how many of each."""
    with transaction() as session:
        _operators(session)
    # They came in over the last year and a half, so that the charts have something to show.
    since = clock.now().replace(hour=8, minute=0) - timedelta(days=DAYS_OF_TRADE)
    seed_customers(CUSTOMERS, SEED, since=since, days=DAYS_OF_TRADE)
    with transaction() as session:
        journals = _journals(session)
        rights = _rights(session, journals)
        seed_institutions(session, _perpetual(session), journals)
        seed_terms(session, _perpetual(session), journals, clock.today())
        invoices = _invoices(session)
        _locks(session)
        _shop_accounts(session)
    emails = {role: email for role, email, _ in LOGINS}
    invoices += seed_direct_debits(emails[RoleName.ACCOUNTING], emails[RoleName.ADMINISTRATOR])
    return {
        "operators": len(LOGINS), "customers": CUSTOMERS, "journals": len(TITLES),
        "authorizations": rights, "invoices": invoices,
    }  # fmt: skip


def _operators(session: Session) -> None:
    for role, email, password in LOGINS:
        create_operator(
            session, email=email, password=password, roles=[role],
            name=NAMES[RoleName(role)], demo=True, actor=COMMAND_LINE,
        )  # fmt: skip


def _journals(session: Session) -> list[int]:
    drafts = [
        JournalDraft(
            title=title,
            # Invented, with the right check digit.
            print_issn=_issn(9_990_000 + place),
            publisher="Demo Press",
            holding=Holding(Coverage(start=PartialDate(1995))),
        )
        for place, title in enumerate(TITLES)
    ]
    upsert_journals(session, drafts, actor=COMMAND_LINE)
    numbers = [draft.print_issn for draft in drafts]
    return list(session.scalars(select(Journal.id).where(Journal.print_issn.in_(numbers))))


def _issn(number: int) -> str:
    digits = f"{number:07}"
    return issn.format(digits + issn.calc_check_digit(digits))


def _perpetual(session: Session) -> list[int]:
    mine = Customer.kind == CustomerKind.PERPETUAL.value
    return list(session.scalars(select(Customer.id).where(mine).order_by(Customer.id)))


def _rights(session: Session, journal_ids: list[int]) -> int:
    drafts = [
        AuthorizationDraft(
            customer_id=customer_id,
            journal_id=journal_ids[(place + step) % len(journal_ids)],
            basis=list(Basis)[(place + span) % len(Basis)],
            coverage=Coverage(PartialDate.parse(start), PartialDate.parse(end) if end else None),
        )
        for place, customer_id in enumerate(_perpetual(session))
        for step in range(2)
        for span, (start, end) in enumerate(SPANS)
    ]
    create_authorizations(session, drafts, actor=COMMAND_LINE)
    return len(drafts)


def _invoices(session: Session) -> int:
    """Invoices of customers who pay otherwise than by direct debit: paid, open, some overdue."""
    today = clock.today()
    otherwise = Customer.payment_method != PaymentMethod.DIRECT_DEBIT.value
    customers = session.scalars(
        select(Customer.id).where(otherwise).order_by(Customer.id).limit(INVOICED)
    ).all()
    drafts = [_invoice(place, id_, today) for place, id_ in enumerate(customers)]
    ids = create_invoices(session, drafts, actor=COMMAND_LINE)
    paid = [
        id_ for place, (id_, draft) in enumerate(zip(ids, drafts, strict=True))
        if draft.due_on < today and place not in OVERDUE
    ]  # fmt: skip
    change_states(session, paid, InvoiceState.PAID, actor=COMMAND_LINE)
    return len(ids)


def _invoice(place: int, customer_id: int, today: date) -> InvoiceDraft:
    issued = today - timedelta(days=40 + place) if place % 2 else today - timedelta(days=place % 9)
    return InvoiceDraft(
        number=f"DEMO-{issued:%Y}-{place + 1:05}",
        customer_id=customer_id,
        amount=Decimal(2_500 + place * 1_337 % 48_000) / 100,
        issued_on=issued,
        due_on=issued + timedelta(days=30),
        remittance_text=f"Invoice DEMO-{issued:%Y}-{place + 1:05}",
    )


def _locks(session: Session) -> None:
    some = session.scalars(select(Customer.id).order_by(Customer.id).offset(17).limit(len(LOCKS)))
    for id_, text in zip(list(some), LOCKS, strict=True):
        lock_customers(session, [id_], text=text, actor=COMMAND_LINE)


def _shop_accounts(session: Session) -> None:
    """One person with a shop account, and companies that wait for theirs to be approved."""
    group = session.scalars(select(Group).where(Group.name == APPROVED_GROUP)).one()
    save_group(
        session, group, name=group.name, approval_required=True, description=group.description,
        actor=COMMAND_LINE,
    )  # fmt: skip
    reached = select(Customer.id).where(Customer.email.is_not(None)).order_by(Customer.id)
    person = reached.where(Customer.kind == CustomerKind.INDIVIDUAL.value).limit(1)
    companies = reached.where(Customer.kind == CustomerKind.BUSINESS.value).limit(WAITING)
    updates = [CustomerUpdate(id_, {"login_allowed": True}) for id_ in session.scalars(person)]
    updates += [
        CustomerUpdate(id_, {"login_allowed": True, "group_id": group.id})
        for id_ in session.scalars(companies)
    ]
    update_customers(session, updates, actor=COMMAND_LINE)
