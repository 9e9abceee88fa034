"""How journals and products are named and told of when an import is taken back."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from app.audit.taking_back import TableRecords
from app.catalogue.coverage import in_words
from app.catalogue.models import Journal, JournalCoverage, JournalTitle, Product, ProductPrice
from app.catalogue.operations_journals import holding_of
from app.core import taking_back


def register() -> None:
    """Make it known."""
    taking_back.register(
        Journal.__tablename__,
        TableRecords(
            Journal, "journal", "title",
            {
                JournalTitle.__tablename__: ("former_titles", lambda row: str(row["title"])),
                JournalCoverage.__tablename__: ("coverages", _coverage),
            },
        ),
    )  # fmt: skip
    taking_back.register(
        Product.__tablename__,
        TableRecords(Product, "product", "name", {ProductPrice.__tablename__: ("prices", _price)}),
    )


def _coverage(row: Mapping[str, Any]) -> str:
    return in_words(holding_of(SimpleNamespace(**row)).coverage)


def _price(row: Mapping[str, Any]) -> str:
    return f"{row['price']:.2f}"
