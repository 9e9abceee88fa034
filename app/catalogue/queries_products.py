"""Reads the price list: products and services, and the levels of their prices."""

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import selectinload

from app.catalogue.models import PriceLevel, Product, ProductKind, ProductPrice
from app.core import filters
from app.core.filters import lowered
from app.core.listing import Listing


def _any_price(span: filters.Span) -> ColumnElement[bool]:
    """Products that cost between the two at any price level."""
    parts = [ProductPrice.price >= span.low] if span.low is not None else []
    parts += [ProductPrice.price <= span.high] if span.high is not None else []
    return Product.prices.any(and_(*parts))


PRODUCTS = Listing(
    statement=select(Product),
    filters=(
        filters.choice(
            "kind",
            "Kind",
            Product.kind,
            [(kind.value, kind.value.capitalize()) for kind in ProductKind],
        ),
        filters.yes_no("discountable", "Discountable", Product.discountable),
        filters.number_between("vat", "VAT rate", Product.vat_rate, decimals=1),
        filters.Filter("price", "Price", filters.Kind.NUMBER, _any_price, decimals=2),
        filters.yes_no("active", "Active", Product.active),
    ),
    sorts={"number": Product.number, "name": lowered(Product.name)},
    default_sort="name",
    search=lambda text: (
        lowered(Product.name).contains(text.lower(), autoescape=True)
        | func.lower(Product.number).contains(text.lower(), autoescape=True)
    ),
    options=(selectinload(Product.prices),),
)
LEVELS = Listing(statement=select(PriceLevel), sorts={"name": PriceLevel.name}, default_sort="name")
