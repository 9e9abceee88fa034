"""What imports stand on: the reference data that the sample files name, and the commands."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import select

from app.catalogue.models import PriceLevel, Product
from app.customers.models import Group, Store
from app.extensions import transaction

DATA = Path(__file__).resolve().parents[1] / "data"
Import = Callable[..., dict[str, Any]]


@pytest.fixture
def basics(app: Flask) -> None:
    """One store, and the groups, price levels and products of `seed basics`."""
    products = (
        "Print subscription", "Online access", "Hosting", "Maintenance contract", "Training",
        "Consulting",
    )  # fmt: skip
    with app.app_context(), transaction() as session:
        session.add(Store(name="Main store", is_default=True, active=True))
        session.add_all(Group(name=name) for name in ("Retail", "Wholesale", "Library", "Press"))
        session.add_all(PriceLevel(name=name) for name in "ABC")
        session.add_all(
            Product(number=f"P-{number}", name=name) for number, name in enumerate(products, 1)
        )


@pytest.fixture
def run_import(app: Flask, basics: None) -> Import:
    """`flask import …` as a person at the command line runs it; gives the JSON object."""

    def run(kind: str, file: Path | str, *options: str, code: int = 0) -> dict[str, Any]:
        path = DATA / file if isinstance(file, str) else file
        result = app.test_cli_runner().invoke(args=["import", kind, str(path), "--json", *options])
        assert result.exit_code == code, result.output
        found: dict[str, Any] = json.loads(result.stdout.strip().splitlines()[-1])
        return found

    return run


@pytest.fixture
def make_product(app: Flask) -> Callable[[str], None]:
    """Make a product, unless there is one of this name."""

    def make(name: str) -> None:
        with transaction() as session:
            if session.scalar(select(Product.id).where(Product.name == name)) is None:
                session.add(Product(number=name[:40], name=name))

    return make


@pytest.fixture
def undo(runner: FlaskCliRunner) -> Callable[[int], dict[str, Any]]:
    """`flask import undo JOB`."""

    def run(job: int) -> dict[str, Any]:
        result = runner.invoke(args=["import", "undo", str(job), "--json"])
        assert result.exit_code == 0, result.output
        found: dict[str, Any] = json.loads(result.stdout.strip().splitlines()[-1])
        return found

    return run
