"""Undo of an import, of every kind: all is as it was, but for what somebody edited since."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.models import Action, AuditEntry
from app.billing.models import Invoice, InvoiceState
from app.billing.operations import change_states
from app.catalogue.models import Journal, Product
from app.core.actor import COMMAND_LINE
from app.core.database import Base
from app.core.models import UndoEntry
from app.customers.drafts import CustomerUpdate
from app.customers.models import Customer
from app.customers.operations import update_customers
from app.extensions import transaction
from app.sepa.models import Mandate, MandateState
from app.sepa.operations_mandates import change_mandate_state
from app.transfer.models import Import, ImportState
from tests.transfer.conftest import Import as RunImport

RunJobs = Callable[[], int]
TABLES = (
    *("customers", "addresses", "customer_companies", "customer_products", "mandates", "invoices"),
    *("authorizations", "subscriptions", "subscription_sources", "journals", "journal_titles"),
    *("journal_coverages", "products", "product_prices"),
)
ACTION = "/admin/imports/action/"
STAMPS = {"version", "changed_at"}
Facts = dict[str, list[dict[str, Any]]]


def facts(session: Session) -> Facts:
    """Everything that imports write, but for the stamps of change."""
    session.rollback()
    found = {}
    for name in TABLES:
        table = Base.metadata.tables.get(name)
        if table is None:
            continue
        rows = session.execute(select(table).order_by(*table.primary_key)).mappings()
        found[name] = [{k: v for k, v in row.items() if k not in STAMPS} for row in rows]
    return found


def workbook(path: Path, *rows: list[Any]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


SAMPLES = {
    "individual": "individual_customers.xlsx",
    "business": "business_customers.xlsx",
    "perpetual": "perpetual_customers.xlsx",
    "journals": "journals_kbart.tsv",
    "invoices": "open_invoices.xlsx",
}


@pytest.fixture
def stock(run_import: RunImport) -> None:
    """What perpetual customers and invoices refer to."""
    run_import("journals", SAMPLES["journals"])
    run_import("business", SAMPLES["business"])
    run_import("individual", SAMPLES["individual"])


@pytest.mark.parametrize("kind", ["individual", "business", "journals"])
def test_what_an_import_made_is_gone_and_the_file_can_come_again(
    session: Session, run_import: RunImport, undo: Callable[[int], Any], kind: str
) -> None:
    before = facts(session)
    first = run_import(kind, SAMPLES[kind])
    assert facts(session) != before
    result = undo(first["job"])
    assert (result["left"], facts(session)) == ([], before)
    assert result["taken_back"] > 0
    assert session.scalars(select(UndoEntry.id).limit(1)).first() is None
    state = session.scalars(select(Import.state).order_by(Import.id)).first()
    assert state == ImportState.TAKEN_BACK
    again = run_import(kind, SAMPLES[kind])
    assert (again["created"], again["updated"]) == (first["created"], first["updated"])


def test_a_file_whose_import_was_undone_is_new_though_it_had_come_twice(
    run_import: RunImport, undo: Callable[[int], Any]
) -> None:
    first = run_import("business", SAMPLES["business"])
    assert run_import("business", SAMPLES["business"])["unchanged"] == first["created"]
    undo(first["job"])
    assert run_import("business", SAMPLES["business"])["created"] == first["created"]


@pytest.mark.parametrize("kind", ["perpetual", "invoices"])
def test_what_refers_to_others_is_gone_too(
    session: Session, run_import: RunImport, undo: Callable[[int], Any], stock: None, kind: str
) -> None:
    before = facts(session)
    first = run_import(kind, SAMPLES[kind])
    assert first["created"] > 0
    assert facts(session) != before
    assert undo(first["job"])["left"] == []
    assert facts(session) == before


def test_what_was_added_to_an_institution_is_gone_and_its_rights_are_what_they_were(
    tmp_path: Path, session: Session, run_import: RunImport, undo: Callable[[int], Any], stock: None
) -> None:
    run_import("perpetual", SAMPLES["perpetual"])
    number, name = session.execute(
        select(Customer.number, Customer.company_name).where(Customer.kind == "perpetual").limit(1)
    ).one()
    issn = session.scalar(
        select(Journal.print_issn).where(Journal.print_issn.is_not(None)).limit(1)
    )
    before = facts(session)
    book = openpyxl.Workbook()
    sheets = {
        "Customers": [["Customer number", "Company name"], [number, name]],
        "Addresses": [["Customer", "Label", "Place"], [name, "Archive", "Pirna"]],
        "Journal authorizations": [
            ["Customer", "ISSN", "Basis", "Coverage from", "Coverage to"],
            [name, issn, "purchase", "1971", "1972"],
            [name, issn, "backfile", "1975", "1976"],
        ],
    }
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    del book["Sheet"]
    book.save(tmp_path / "more.xlsx")
    done = run_import("perpetual", tmp_path / "more.xlsx", "--update")
    assert (done["created"], done["refused"]) == (3, [])
    held = facts(session)
    for table, more in (("addresses", 1), ("authorizations", 2)):
        assert len(held[table]) == len(before[table]) + more
    assert held["subscriptions"] != before["subscriptions"]
    assert undo(done["job"])["left"] == []
    after = facts(session)
    assert {name for name in after if after[name] != before[name]} == set()


def test_products_and_their_prices_are_what_they_were(
    tmp_path: Path, session: Session, run_import: RunImport, undo: Callable[[int], Any]
) -> None:
    head = ["Number", "Name", "VAT rate", "Price A", "Price B"]
    path = tmp_path / "products.xlsx"
    run_import("products", workbook(path, head, ["X-1", "Archive", 7, "12,50", None]))
    before = facts(session)
    rows = ["X-1", "Archives", 19, "(empty)", 3], ["X-2", "New", 19, 1, 2]
    second = run_import("products", workbook(path, head, *rows), "--update")
    assert (second["created"], second["updated"]) == (1, 1)
    assert undo(second["job"]) == {
        "job": second["job"] + 1, "taken_back": 2, "left": [],
        "message": "2 records were taken back; 0 were left as they are.",
    }  # fmt: skip
    assert facts(session) == before
    entry = session.scalars(
        select(AuditEntry).where(AuditEntry.entity == "product").order_by(AuditEntry.id.desc())
    ).first()
    assert entry is not None and entry.action == Action.TAKEN_BACK


def test_updates_are_taken_back_cell_by_cell_and_edited_ones_are_left_and_listed(
    tmp_path: Path, session: Session, run_import: RunImport, undo: Callable[[int], Any]
) -> None:
    run_import("individual", SAMPLES["individual"])
    numbers = list(session.scalars(select(Customer.number).order_by(Customer.id).limit(3)))
    before = facts(session)
    head = ["Customer number", "Rebate", "Place", "Products/Services", "Memo"]
    rows = [[number, 42, "Pirna", "Training", "(empty)"] for number in numbers]
    done = run_import("individual", workbook(tmp_path / "u.xlsx", head, *rows), "--update")
    assert done["updated"] == 3
    key = session.scalar(select(Customer.id).where(Customer.number == numbers[1]))
    with transaction() as work:
        update_customers(work, [CustomerUpdate(key, {"alias": "Mine"})], actor=COMMAND_LINE)
    result = undo(done["job"])
    assert result["taken_back"] == 2
    assert result["left"] == [{"record": numbers[1], "reason": "It was edited since"}]
    session.rollback()
    edited = session.get_one(Customer, key)
    assert (edited.alias, edited.rebate) == ("Mine", 42)
    after = facts(session)
    others = [row for row in before["customers"] if row["id"] != key]
    assert [row for row in after["customers"] if row["id"] != key] == others


def test_a_customer_and_the_mandate_that_came_along_are_left_together(
    session: Session, run_import: RunImport, undo: Callable[[int], Any]
) -> None:
    first = run_import("individual", SAMPLES["individual"])
    mandate = session.scalars(select(Mandate)).first()
    assert mandate is not None
    id_, number = mandate.id, session.get_one(Customer, mandate.customer_id).number
    with transaction() as work:
        change_mandate_state(
            work, work.get_one(Mandate, id_), MandateState.CANCELLED, actor=COMMAND_LINE
        )
    assert undo(first["job"])["left"] == [{"record": number, "reason": "It was edited since"}]
    session.rollback()
    assert list(session.scalars(select(Customer.number))) == [number]
    assert session.get_one(Mandate, id_).state == MandateState.CANCELLED


def test_a_paid_invoice_is_left_by_its_number_with_a_link(
    session: Session, run_import: RunImport, stock: None,
    as_role: Callable[..., FlaskClient], run_jobs: RunJobs,
) -> None:  # fmt: skip
    run_import("invoices", SAMPLES["invoices"])
    paid, number = session.execute(select(Invoice.id, Invoice.number).limit(1)).one()
    import_id = session.scalars(select(Import.id).order_by(Import.id.desc())).first()
    with transaction() as work:
        change_states(work, [paid], InvoiceState.PAID, actor=COMMAND_LINE)
    client = as_role("administrator")
    page = client.get(f"/admin/imports/details/?id={import_id}").text
    assert "Can be undone until" in page
    client.post(ACTION, data={"action": "undo", "rowid": import_id, "_confirmed": "yes"})
    assert "Being taken back" in client.get(f"/admin/imports/details/?id={import_id}").text
    run_jobs()
    page = client.get(f"/admin/imports/details/?id={import_id}").text
    assert "1 was left as it is" in page
    found = re.search(r'hx-get="([^"]+tab=left[^"]*)"', page)
    assert found
    listed = client.get(found[1].replace("&amp;", "&")).text
    assert number in listed and "It was edited since" in listed
    assert f"/admin/invoices/details/?id={paid}" in listed
    assert client.get(f"/admin/invoices/details/?id={paid}").status_code == 200
    assert list(session.scalars(select(Invoice.number))) == [number]


def test_a_journal_and_a_product_that_others_need_are_left_by_name(
    tmp_path: Path, session: Session, run_import: RunImport, undo: Callable[[int], Any]
) -> None:
    journals = run_import("journals", SAMPLES["journals"])
    run_import("perpetual", SAMPLES["perpetual"])
    result = undo(journals["job"])
    session.rollback()
    kept = {title[:120] for title in session.scalars(select(Journal.title))}
    assert kept == {one["record"] for one in result["left"]}
    assert kept
    assert {one["reason"] for one in result["left"]} == {
        "Other records have come to need it, or hold what it had"
    }
    head = ["Number", "Name"]
    made = run_import("products", workbook(tmp_path / "p.xlsx", head, ["X-9", "Needed"]))
    with transaction() as work:
        needed = work.scalars(select(Product.id).where(Product.number == "X-9")).one()
        customer = work.scalars(select(Customer.id).limit(1)).one()
        change = CustomerUpdate(customer, product_ids=frozenset({needed}))
        update_customers(work, [change], actor=COMMAND_LINE)
    assert [one["record"] for one in undo(made["job"])["left"]] == ["Needed"]


def test_only_an_import_is_undone_by_the_command_and_only_once(
    runner: FlaskCliRunner, run_import: RunImport, undo: Callable[[int], Any]
) -> None:
    first = run_import("business", SAMPLES["business"])
    undo(first["job"])
    for job, reason in ((first["job"], "taken this job back already"), (99_999, "no job"),
                        (1, "no import")):  # fmt: skip
        result = runner.invoke(args=["import", "undo", str(job), "--json"])
        assert result.exit_code == 1
        assert reason in result.output


def test_whoever_may_not_import_may_not_undo(
    session: Session, run_import: RunImport, stock: None, as_role: Callable[..., FlaskClient]
) -> None:
    run_import("invoices", SAMPLES["invoices"])
    import_id = session.scalars(select(Import.id).order_by(Import.id.desc())).first()
    before = facts(session)
    for role in ("operations", "accounting", "manager"):
        as_role(role).post(ACTION, data={"action": "undo", "rowid": import_id, "_confirmed": "yes"})
    assert facts(session) == before
    assert session.get_one(Import, import_id).state == ImportState.DONE
