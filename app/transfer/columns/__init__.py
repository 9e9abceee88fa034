"""What stands in which column, for every kind of workbook: one definition for all who need it."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalogue.models import PriceLevel
from app.core.errors import NotFound
from app.core.permissions import Permission
from app.transfer.columns.base import WorkbookSpec
from app.transfer.columns.catalogue import JOURNALS, products_workbook
from app.transfer.columns.export import CUSTOMERS
from app.transfer.columns.invoices import INVOICES
from app.transfer.columns.people import BUSINESS, INDIVIDUAL
from app.transfer.columns.perpetual import PERPETUAL

WORKBOOK_NAMES = (
    "individual",
    "business",
    "perpetual",
    "customers",
    "journals",
    "products",
    "invoices",
)
TITLES = {
    "individual": INDIVIDUAL.title,
    "business": BUSINESS.title,
    "perpetual": PERPETUAL.title,
    "customers": CUSTOMERS.title,
    "journals": JOURNALS.title,
    "products": products_workbook(()).title,
    "invoices": INVOICES.title,
}
TEMPLATE_NAMES = tuple(name for name in WORKBOOK_NAMES if name != "customers")

_FIXED = {
    spec.name: spec for spec in (INDIVIDUAL, BUSINESS, PERPETUAL, CUSTOMERS, JOURNALS, INVOICES)
}


def permission_for(name: str) -> Permission:
    """The permission that importing this kind of workbook needs."""
    spec = products_workbook(()) if name == "products" else _FIXED.get(name)
    if spec is None:
        raise NotFound(f"There is no kind of workbook named {name}")
    return spec.permission


def workbook_spec(session: Session, name: str) -> WorkbookSpec:
    """The columns of a kind of workbook, as the price list stands now."""
    if name == "products":
        levels = list(session.scalars(select(PriceLevel.name).order_by(PriceLevel.name)))
        return products_workbook(levels)
    try:
        return _FIXED[name]
    except KeyError:
        raise NotFound(f"There is no kind of workbook named {name}") from None
