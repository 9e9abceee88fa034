"""The reference data that every installation begins with; making it twice changes nothing."""

from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.catalogue.models import PriceLevel, Product, ProductKind
from app.catalogue.operations_products import ProductDraft, save_price_level, save_products
from app.core.actor import COMMAND_LINE
from app.customers.models import Group, SecurityQuestion, Store
from app.customers.operations_reference import save_group, save_security_question, save_store
from app.sepa.models import CreditorAccount, Scheme

GROUPS = {
    "Retail": "People who buy for themselves",
    "Wholesale": "Companies that sell on",
    "Library": "Libraries and other institutions",
    "Press": "Newspapers, magazines and their writers",
}
PRICE_LEVELS = {"A": "List price", "B": "Regular customers", "C": "Resellers"}
PRODUCTS = (
    ("P-001", "Print subscription", ProductKind.PRODUCT, "7.0", "120.00"),
    ("P-002", "Online access", ProductKind.PRODUCT, "19.0", "96.00"),
    ("S-001", "Hosting", ProductKind.SERVICE, "19.0", "240.00"),
    ("S-002", "Maintenance contract", ProductKind.SERVICE, "19.0", "480.00"),
    ("S-003", "Training", ProductKind.SERVICE, "19.0", "690.00"),
    ("S-004", "Consulting", ProductKind.SERVICE, "19.0", "140.00"),
)
# What the price levels are of the list price, in per cent.
SHARES = {"A": 100, "B": 95, "C": 85}
QUESTIONS = (
    "What was the name of your first pet?",
    "In which town did your parents meet?",
    "What was the name of your first school?",
    "What is the title of your favourite book?",
    "Which street did you grow up in?",
)
# The German Bundesbank's creditor identifier for tests, and an account number for examples.
TEST_IDENTIFIER = "DE98ZZZ09999999999"
TEST_IBAN = "DE89370400440532013000"


def seed_reference(session: Session) -> int:
    """Make what is missing, by name; how many records that were."""
    made = 0
    if not session.scalar(select(func.count()).select_from(Store)):
        save_store(session, None, name="Main store", is_default=True, actor=COMMAND_LINE)
        made += 1
    known = {name.lower() for name in session.scalars(select(Group.name))}
    for name, description in GROUPS.items():
        if name.lower() not in known:
            save_group(session, None, name=name, description=description, actor=COMMAND_LINE)
            made += 1
    levels = set(session.scalars(select(PriceLevel.name)))
    for name, description in PRICE_LEVELS.items():
        if name not in levels:
            save_price_level(session, None, name=name, description=description, actor=COMMAND_LINE)
            made += 1
    questions = {
        question.lower() for question in session.scalars(select(SecurityQuestion.question))
    }
    for question in QUESTIONS:
        if question.lower() not in questions:
            save_security_question(session, None, question=question, actor=COMMAND_LINE)
            made += 1
    return made + _products(session) + _creditor_account(session)


def _products(session: Session) -> int:
    levels = dict(session.execute(select(PriceLevel.name, PriceLevel.id)).all())
    known = {name.lower() for name in session.scalars(select(Product.name))}
    drafts = [
        ProductDraft(
            number=number,
            name=name,
            kind=kind,
            vat_rate=Decimal(rate),
            prices={
                levels[level]: (Decimal(price) * share / 100).quantize(Decimal("0.01"))
                for level, share in SHARES.items()
                if level in levels
            },
        )
        for number, name, kind, rate, price in PRODUCTS
        if name.lower() not in known
    ]
    save_products(session, drafts, actor=COMMAND_LINE)
    return len(drafts)


def _creditor_account(session: Session) -> int:
    if session.scalar(select(func.count()).select_from(CreditorAccount)):
        return 0
    account = CreditorAccount(
        label="Main account",
        name="Kontor Demo GmbH",
        creditor_identifier=TEST_IDENTIFIER,
        iban=TEST_IBAN,
        bic="COBADEFFXXX",
        scheme=Scheme.CORE,
        is_default=True,
    )
    session.add(account)
    session.flush()
    audit.record_change(
        session, account, {}, actor=COMMAND_LINE, entity="creditor account",
        entity_label=account.label,
    )  # fmt: skip
    return 1
