"""Every list of the panel has an export, of the same rows, behind the same door."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from admin_views.base import KontorView
from app.core import clock
from app.core.actor import COMMAND_LINE
from app.core.listing import Criteria
from app.core.permissions import Permission
from app.customers.duplicate_models import DuplicatePair
from app.customers.duplicate_rules import LABELS, Sign
from app.extensions import transaction
from app.outbox.operations import queue_message
from app.transfer.exports.lists import CHOSEN, LISTS
from app.transfer.exports.operations import write
from app.transfer.imports import operations as imports
from tests.transfer.exporting import records, three_customers

AsRole = Callable[..., FlaskClient]
START = "/admin/exports/start/?list_name="
# A list without an export fails the test below until it stands here with its reason.
WITHOUT = {"deleted_customers": "what is deleted stays at home (domain.md, section 3)"}


def list_views(app: Flask) -> list[KontorView]:
    """Every list of the panel."""
    found = [view for admin in app.extensions["admin"] for view in admin._views]
    return [view for view in found if isinstance(view, KontorView)]


def test_every_list_of_the_panel_can_be_exported(app: Flask) -> None:
    without = {view.endpoint for view in list_views(app) if not view.export_kind}
    assert without == set(WITHOUT)
    assert {view.export_kind for view in list_views(app)} - {""} == set(LISTS)


def test_an_export_asks_what_its_list_asks_and_opens_to_whom_it_opens(
    app: Flask, as_role: AsRole
) -> None:
    wrong = []
    with app.test_request_context():
        for view in list_views(app):
            if not view.export_kind:
                continue
            export, listing = LISTS[view.export_kind], view.listing()
            if {export.permission, *export.others} != view.needed("index_view"):
                wrong.append(f"{view.endpoint} opens to others than its export")
            if view.permissions.get("export") != Permission.EXPORT:
                wrong.append(f"{view.endpoint} does not ask for the permission to export")
            # Who is nobody sees fewer filters of the lists that show one's own.
            if not set(listing.names) <= set(export.listing.names):
                wrong.append(f"{view.endpoint} filters by what its export does not know")
            if listing.sorts.keys() != export.listing.sorts.keys():
                wrong.append(f"{view.endpoint} and its export know different orders")
            if listing.default_sort != export.listing.default_sort:
                wrong.append(f"{view.endpoint} and its export stand in different orders")
    assert wrong == []


@pytest.mark.parametrize("name", LISTS)
def test_every_list_gives_a_workbook_to_whoever_may_see_it(
    session: Session, as_role: AsRole, basics: None, name: str
) -> None:
    three_customers()
    answer = as_role("administrator").get(START + name)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].endswith("spreadsheetml.sheet")


def test_pairs_leave_with_both_customers_and_the_reasons_in_words(
    session: Session, as_role: AsRole
) -> None:
    first, second, third = three_customers()
    with transaction() as writing:
        for other, state in ((second, "open"), (third, "dismissed")):
            writing.add(
                DuplicatePair(
                    first_id=first, second_id=other, score=70, reasons=["email"], state=state,
                    fingerprint="x", found_at=clock.now(),
                )
            )  # fmt: skip
    client = as_role("operations")
    [pair] = records(client.get(START + "duplicates").data)
    assert (pair["Customer"], pair["Looks like"]) == ("Erika Mustermann", "Muster GmbH")
    assert (pair["Score"], pair["State"]) == (70, "To decide")
    assert pair["Reasons"] == LABELS[Sign.EMAIL]
    [decided] = records(client.get(START + "duplicates&state=dismissed").data)
    assert decided["Looks like"] == "Universität Graz"


def test_jobs_imports_and_downloads_of_others_stay_with_them(
    session: Session, as_role: AsRole, basics: None
) -> None:
    with transaction() as writing:
        imports.start_check(
            writing, "individual", BytesIO(b"no workbook"), name="theirs.xlsx", actor=COMMAND_LINE
        )
    as_role("administrator").get(START + "stores")
    operations, admin = as_role("operations"), as_role("administrator")

    def told(client: FlaskClient, name: str) -> list[Any]:
        rows = records(client.get(START + name).data)
        return [row for row in rows if any(value is not None for value in row.values())]

    assert told(operations, "imports") == told(operations, "jobs") == []
    assert told(operations, "downloads")[0]["List"] != "Stores"
    assert [row["File"] for row in told(admin, "imports")] == ["theirs.xlsx"]
    assert [row["State"] for row in told(admin, "jobs")] == ["Waiting"]
    [stores] = [row for row in told(admin, "downloads") if row["List"] == "Stores"]
    assert (stores["Conditions"], stores["Rows"]) == ("The whole list", 1)
    assert len(stores["Checksum (SHA-256)"]) == 64


def test_the_list_of_mail_leaves_without_texts_and_one_time_links(
    session: Session, as_role: AsRole
) -> None:
    with transaction() as writing:
        queue_message(
            writing, purpose="operator invitation", recipient="new@example.com", actor=COMMAND_LINE,
            subject="Welcome", body="Go to {link}", secret="https://kontor.example/secret",
        )  # fmt: skip
    [row] = records(as_role("administrator").get(START + "mail").data)
    assert (row["To"], row["Purpose"]) == ("new@example.com", "Operator's invitation")
    assert "secret" not in str(row)
    assert "Go to" not in str(row)


def test_roles_leave_with_what_they_allow_in_words(session: Session, as_role: AsRole) -> None:
    rows = records(as_role("administrator").get(START + "roles").data)
    manager = next((row for row in rows if row["Name"] == "administrator"), rows[0])
    assert "Export lists" in str(manager["Permissions"])


@pytest.mark.parametrize("name", LISTS)
def test_rows_of_every_list_can_be_exported_by_themselves(session: Session, name: str) -> None:
    chosen = LISTS[name].of([1, 2])
    asked = Criteria(filters={CHOSEN: "2 rows"})
    with BytesIO() as file:
        written = write(chosen, asked, file, actor=COMMAND_LINE)
    assert ("Chosen by hand", "2 rows") in written.conditions
