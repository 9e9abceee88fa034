"""Two customers side by side: every value of both, what differs, and what somebody chose."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from admin_views.customer_record import bank_account, phone
from admin_views.formatters import show
from app.audit.models import AuditEntry
from app.catalogue.models import Product
from app.core.countries import language_name
from app.customers import merge_parts, rules
from app.customers.duplicate_models import DuplicatePair
from app.customers.merge_choices import BANK, Choice, takes_loser
from app.customers.merging import CHOICES, MergePlan
from app.customers.models import Customer
from app.customers.parts import company_lines
from app.customers.writing import CUSTOMERS

SIDES = ("first", "second")
_REFERENCES = {
    "store_id": "store",
    "group_id": "group",
    "price_level_id": "price_level",
    "dedicated_operator_id": "dedicated_operator",
    "security_question_id": "security_question",
}
_UNITS = {"rebate": " %", "term_of_payment": " days"}


@dataclass(frozen=True, slots=True)
class Line:
    """One choice: what each side says, whether that differs, and which side is taken."""

    choice: Choice
    first: Any
    second: Any
    differs: bool
    taken: str
    # Which side is taken by default, by the side of who stays.
    defaults: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Tick:
    """An address, a company or a product, and whether it is kept."""

    id: int
    text: str
    side: str
    kept: bool


@dataclass(frozen=True, slots=True)
class Sides:
    """All that the page shows, and all that the plan is made of."""

    pair: DuplicatePair
    winner: str
    lines: Sequence[Line]
    addresses: Sequence[Tick]
    companies: Sequence[Tick]
    products: Sequence[Tick]
    versions: Mapping[str, int]
    seen: int

    @property
    def differing(self) -> list[Line]:
        """What has to be decided."""
        return [line for line in self.lines if line.differs]

    @property
    def equal(self) -> list[Line]:
        """What both say alike, but for what neither says."""
        return [line for line in self.lines if not line.differs]

    def customer(self, side: str) -> Customer:
        """The customer of a side."""
        return self.pair.first if side == "first" else self.pair.second

    @property
    def loser(self) -> str:
        """The side of the customer who goes."""
        return "second" if self.winner == "first" else "first"

    def plan(self) -> MergePlan:
        """What was decided, as the operation takes it."""
        return MergePlan(
            pair_id=self.pair.id,
            winner_id=self.customer(self.winner).id,
            loser_id=self.customer(self.loser).id,
            winner_version=self.versions[self.winner],
            loser_version=self.versions[self.loser],
            from_loser=frozenset(
                line.choice.name for line in self.differing if line.taken == self.loser
            ),
            addresses=_kept(self.addresses),
            companies=_kept(self.companies),
            products=_kept(self.products),
        )


def _kept(ticks: Iterable[Tick]) -> frozenset[int]:
    return frozenset(tick.id for tick in ticks if tick.kept)


def read_sides(session: Session, pair: DuplicatePair, posted: MultiDict[str, str] | None) -> Sides:
    """The two sides with the defaults, or with what was posted; what nobody offered is left out."""
    given = posted if posted is not None else MultiDict()
    customers = {"first": pair.first, "second": pair.second}
    rows = {
        side: {column.name: getattr(one, column.name) for column in CUSTOMERS.columns}
        for side, one in customers.items()
    }
    # The one who was there first keeps the number by default.
    winner = given["winner"] if given.get("winner") in SIDES else "first"
    loser = "second" if winner == "first" else "first"
    found = merge_parts.read(session, customers[winner].id, customers[loser].id)
    addresses, companies, products = merge_parts.kept_by_default(found)
    if posted is not None:
        addresses, companies, products = (
            _ids(posted.getlist(name)) for name in ("address", "company", "product")
        )
    side_of = {one.id: side for side, one in customers.items()}
    return Sides(
        pair=pair,
        winner=winner,
        lines=[_line(choice, customers, rows, winner, given) for choice in CHOICES],
        addresses=[
            Tick(
                row["id"], rules.one_line(row), side_of[row["customer_id"]], row["id"] in addresses
            )
            for row in _by_side(found.addresses)
        ],
        companies=[
            Tick(
                row["id"],
                company_lines(session, [row])[0],
                side_of[row["customer_id"]],
                row["id"] in companies,
            )
            for row in _by_side(found.companies)
        ],
        products=_products(session, found.products, products, pair),
        versions={
            side: number(given.get(f"version-{side}"), customers[side].version) for side in SIDES
        },
        seen=number(given.get("seen"), _newest_entry(session)),
    )


def _by_side(rows: Sequence[Any]) -> list[Any]:
    return sorted(rows, key=lambda row: (row["customer_id"], row["id"]))


def _line(
    choice: Choice,
    customers: Mapping[str, Customer],
    rows: Mapping[str, Mapping[str, Any]],
    winner: str,
    given: Mapping[str, str],
) -> Line:
    defaults = {
        "first": "second" if takes_loser(choice, rows["first"], rows["second"]) else "first",
        "second": "first" if takes_loser(choice, rows["second"], rows["first"]) else "second",
    }
    taken = given.get(f"take-{choice.name}", "")
    return Line(
        choice,
        value_of(choice, customers["first"]),
        value_of(choice, customers["second"]),
        choice.differs(rows["first"], rows["second"]),
        taken if taken in SIDES else defaults[winner],
        defaults,
    )


def _products(
    session: Session, used: frozenset[int], kept: frozenset[int], pair: DuplicatePair
) -> list[Tick]:
    names = session.execute(
        select(Product.id, Product.name).where(Product.id.in_(used)).order_by(Product.name)
    )
    of_first = {product.id for product in pair.first.products}
    of_second = {product.id for product in pair.second.products}

    def side(id_: int) -> str:
        if id_ in of_first and id_ in of_second:
            return "both"
        return "first" if id_ in of_first else "second"

    return [Tick(id_, name, side(id_), id_ in kept) for id_, name in names]


def value_of(choice: Choice, customer: Customer) -> Any:
    """What one customer says to a choice, as this person may see it."""
    if choice.name == BANK:
        parts = [bank_account(customer), customer.bic, customer.institute, customer.account_holder]
        return [part for part in parts if part]
    if choice.name == "collection_hold":
        until = customer.collection_hold_until
        told = [customer.collection_hold, until and Markup("until {}").format(show(until))]
        return [part for part in (*told, customer.collection_hold_reason) if part is not None]
    if choice.name == "lock":
        return [part for part in (customer.locked, customer.lock_text) if part is not None]
    if choice.name == "shop_account":
        return [
            "May log in" if customer.login_allowed else "May not log in",
            *(["Has a password"] if customer.password_hash else []),
            *([str(customer.security_question)] if customer.security_question else []),
        ]
    if len(choice.fields) > 1:
        return _consent(customer, choice.name)
    value = getattr(customer, _REFERENCES.get(choice.name, choice.name))
    if choice.name in rules.PHONES:
        return phone(value)
    if choice.name == "gender":
        return value and value.capitalize()
    if choice.name == "preferred_language":
        return value and language_name(value)
    if choice.name in _REFERENCES:
        return value and str(value)
    return f"{value}{_UNITS.get(choice.name, '')}" if type(value) is int else value


def _consent(customer: Customer, name: str) -> list[Any]:
    when = getattr(customer, f"{name}_set_at")
    told: list[Any] = [getattr(customer, name)]
    if when is not None:
        since = Markup('<span class="text-secondary">since {}</span>')
        told.append(since.format(show(when)))
    return told


def changed_since(session: Session, pair: DuplicatePair, seen: int) -> list[AuditEntry]:
    """What the history tells of both since the page was opened."""
    both = (pair.first_id, pair.second_id)
    return list(
        session.scalars(
            select(AuditEntry)
            .where(AuditEntry.customer_id.in_(both), AuditEntry.id > seen)
            .order_by(AuditEntry.id.desc())
            .limit(20)
        )
    )


def _newest_entry(session: Session) -> int:
    return session.scalar(select(func.max(AuditEntry.id))) or 0


def _ids(raw: Sequence[str]) -> frozenset[int]:
    return frozenset(
        int(one) for one in raw if one.isascii() and one.isdecimal() and len(one) <= 18
    )


def number(raw: str | None, default: int) -> int:
    """A number that was posted; the default for what is none."""
    if raw and raw.isascii() and raw.isdecimal() and len(raw) <= 18:
        return int(raw)
    return default
