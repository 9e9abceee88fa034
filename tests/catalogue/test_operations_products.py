"""Products and price levels: what is refused, and that prices belong to the product."""

from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.catalogue.models import PriceLevel, Product
from app.catalogue.operations_products import (
    ProductDraft,
    delete_price_levels,
    delete_products,
    save_price_level,
    save_products,
)
from app.core import clock
from app.core.actor import COMMAND_LINE, Actor, Channel
from app.core.errors import NotAllowed, Refused
from app.customers.models import Customer

NOBODY = Actor("nobody", frozenset(), Channel.PANEL)


def level(session: Session, name: str) -> PriceLevel:
    return save_price_level(session, None, name=name, actor=COMMAND_LINE)


def product(session: Session, number: str, name: str, **values: object) -> Product:
    draft = ProductDraft(number=number, name=name, **values)  # type: ignore[arg-type]
    return save_products(session, [draft], actor=COMMAND_LINE)[0]


def test_a_price_that_changes_is_a_change_of_the_product(session: Session) -> None:
    a, b = level(session, "A"), level(session, "B")
    found = product(session, "1", "Atlas", prices={a.id: Decimal("10"), b.id: Decimal("9")})
    draft = ProductDraft("1", "Atlas", prices={a.id: Decimal("11")}, id=found.id)
    save_products(session, [draft], actor=COMMAND_LINE)
    assert found.version == 2
    session.expire(found)
    assert [(price.price_level_id, price.price) for price in found.prices] == [
        (a.id, Decimal("11.00"))
    ]
    told = session.scalars(select(AuditEntry).where(AuditEntry.entity == "product")).all()
    assert told[-1].changes == {"price A": ["10.00", "11.00"], "price B": ["9.00", None]}


@pytest.mark.parametrize(
    ("draft", "reason"),
    [
        (ProductDraft("1", "Other"), "Number 1 is already in use"),
        (ProductDraft("2", "ATLAS"), "Name ATLAS is already in use"),
        (ProductDraft(" ", "Other"), "Number is missing"),
        (ProductDraft("2", "x" * 121), "Name is longer than 120 characters"),
        (ProductDraft("2", "Other", vat_rate=Decimal("101")), "VAT rate is not between 0 and 100"),
        (ProductDraft("2", "Other", vat_rate=Decimal("7.05")), "more than one decimal"),
        (ProductDraft("2", "Other", prices={1: Decimal("-1")}), "Price is negative"),
    ],
)
def test_a_product_that_breaks_a_rule_is_refused(
    session: Session, draft: ProductDraft, reason: str
) -> None:
    product(session, "1", "Atlas")
    with pytest.raises(Refused, match=reason):
        save_products(session, [draft], actor=COMMAND_LINE)


def test_what_is_in_use_is_not_deleted(session: Session) -> None:
    a = level(session, "A")
    atlas = product(session, "1", "Atlas", prices={a.id: Decimal("10")})
    session.add(
        Customer(
            number="1",
            kind="individual",
            first_name="Ada",
            search_text="",
            sort_name="",
            name_key="",
            created_at=clock.now(),
            changed_at=clock.now(),
            products=[atlas],
        )
    )
    session.commit()
    with pytest.raises(Refused, match=r"Atlas is still in use\. Set it to inactive instead"):
        delete_products(session, [atlas.id], actor=COMMAND_LINE)
    session.rollback()
    with pytest.raises(Refused, match="Price level A is still in use"):
        delete_price_levels(session, [a.id], actor=COMMAND_LINE)


def test_a_product_and_a_level_that_nobody_uses_are_deleted(session: Session) -> None:
    a = level(session, "A")
    atlas = product(session, "1", "Atlas", prices={a.id: Decimal("10")})
    delete_products(session, [atlas.id], actor=COMMAND_LINE)
    delete_price_levels(session, [a.id], actor=COMMAND_LINE)
    assert session.scalars(select(Product)).all() == []
    assert session.scalars(select(PriceLevel)).all() == []


def test_a_level_has_a_short_name_of_its_own(session: Session) -> None:
    level(session, "A")
    for name, reason in (("a", "There is a price level a already"), ("", "1 to 20 characters")):
        with pytest.raises(Refused, match=reason):
            level(session, name)


def test_nothing_is_changed_without_the_permission(session: Session) -> None:
    with pytest.raises(NotAllowed):
        save_products(session, [ProductDraft("1", "Atlas")], actor=NOBODY)
    with pytest.raises(NotAllowed):
        delete_products(session, [1], actor=NOBODY)
    with pytest.raises(NotAllowed):
        save_price_level(session, None, name="A", actor=NOBODY)
