"""What stands in which column, for every kind of workbook: one definition for all who need it."""

from dataclasses import replace
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalogue.models import PriceLevel
from app.core.errors import NotFound
from app.core.permissions import Permission
from app.transfer.columns.base import Mappings, Part, WorkbookSpec
from app.transfer.columns.catalogue import JOURNALS, products_workbook
from app.transfer.columns.export import CUSTOMERS
from app.transfer.columns.invoices import INVOICES
from app.transfer.columns.people import BUSINESS, INDIVIDUAL
from app.transfer.columns.perpetual import PERPETUAL
from app.transfer.models import ColumnMapping

_ALL = (
    INDIVIDUAL,
    BUSINESS,
    PERPETUAL,
    CUSTOMERS,
    JOURNALS,
    products_workbook(()),  # its prices follow the price levels there are
    INVOICES,
)
_FIXED = {spec.name: spec for spec in _ALL}
WORKBOOK_NAMES = tuple(_FIXED)
TITLES = {spec.name: spec.title for spec in _ALL}
TEMPLATE_NAMES = tuple(spec.name for spec in _ALL if spec.has_template)


def permission_for(name: str) -> Permission:
    """The permission that importing this kind of workbook needs."""
    spec = products_workbook(()) if name == "products" else _FIXED.get(name)
    if spec is None:
        raise NotFound(f"There is no kind of workbook named {name}")
    return spec.permission


def workbook_spec(session: Session, name: str) -> WorkbookSpec:
    """The columns of a kind of workbook, as the price list and the mappings stand now."""
    if name == "products":
        levels = list(session.scalars(select(PriceLevel.name).order_by(PriceLevel.name)))
        spec = products_workbook(levels)
    else:
        try:
            spec = _FIXED[name]
        except KeyError:
            raise NotFound(f"There is no kind of workbook named {name}") from None
    return replace(spec, mappings=partial(_mappings, session, name))


def _mappings(session: Session, kind: str) -> Mappings:
    found = session.scalars(select(ColumnMapping).where(ColumnMapping.kind == kind))
    return {(one.sheet, one.headings_key): one.columns for one in found}


def fields_of(*parts: Part) -> frozenset[str]:
    """The fields of customers that are written to these parts of theirs."""
    return frozenset(
        column.field
        for spec in (INDIVIDUAL, BUSINESS, PERPETUAL, CUSTOMERS)
        for column in spec.sheets[0].columns
        if column.part in parts
    )
