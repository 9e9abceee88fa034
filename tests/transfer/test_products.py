"""Products come in with a price for each price level, and are known by their number again."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalogue.models import Product
from tests.transfer.conftest import Import

HEADINGS = ["Number", "Name", "VAT rate", "Discountable", "Price A", "Price C"]


def saved(path: Path, *rows: list[Any]) -> Path:
    book = openpyxl.Workbook()
    for row in [HEADINGS, *rows]:
        book.active.append(row)
    book.save(path)
    return path


def test_products_are_made_and_updated_by_their_number(
    tmp_path: Path, session: Session, run_import: Import
) -> None:
    path = tmp_path / "products.xlsx"
    first = run_import(
        "products",
        saved(
            path,
            ["X-1", "Archive access", "7", "no", "12,50", 10],
            ["X-2", "hosting", None, None, 1, 1],
            ["x-1", "Again", None, None, None, None],
            ["X-3", "Cheap", None, None, -1, None],
        ),
    )
    assert [(cell["row"], cell["column"], cell["reason"]) for cell in first["refused"]] == [
        (3, "Name", "Name is already used by the product hosting"),
        (4, "Number", "Number already used by row 2 of this file"),
        (5, "Price A", "The price is negative"),
    ]
    product = session.scalars(select(Product).where(Product.number == "X-1")).one()
    assert [price.price for price in product.prices] == [Decimal("12.50"), Decimal("10.00")]
    assert (product.vat_rate, product.discountable) == (Decimal("7.0"), False)

    second = saved(path, ["X-1", None, None, None, 13, "(empty)"], ["X-4", "New", 19, "yes", 1, 2])
    refused = run_import("products", second, "--dry-run")["refused"]
    assert refused[0]["reason"].startswith("Number is already used")
    updated = run_import("products", second, "--update")
    assert (updated["created"], updated["updated"]) == (1, 1)
    session.expire_all()
    product = session.scalars(select(Product).where(Product.number == "X-1")).one()
    assert product.name == "Archive access"
    assert [price.price for price in product.prices] == [Decimal("13.00")]
