"""What becomes of an export: masked for some, gone in time, its downloads never forgotten."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Role
from app.audit.models import AuditEntry
from app.core import storage
from app.core.actor import COMMAND_LINE
from app.core.errors import NotFound
from app.core.models import FileDownload, StoredFile
from app.customers.drafts import CustomerUpdate
from app.customers.models import Customer
from app.customers.operations import update_customers
from app.extensions import transaction
from app.jobs import cleanup
from tests.transfer.exporting import IBAN, records, three_customers

AsRole = Callable[..., FlaskClient]
START = "/admin/exports/start/?list_name="


def newest_receipt(session: Session) -> int:
    session.rollback()
    wanted = select(AuditEntry.id).where(AuditEntry.action == "exported")
    return session.scalars(wanted.order_by(AuditEntry.id.desc()).limit(1)).one()


def test_the_file_goes_after_its_time_and_who_downloaded_it_stays(
    session: Session,
    as_role: AsRole,
    run_jobs: Callable[[], int],
    clock: Callable[[datetime], None],
) -> None:
    clock(datetime(2026, 3, 1, 9, 0, tzinfo=UTC))
    three_customers()
    as_role("manager", name="Clara").get(START + "customers")
    receipt = newest_receipt(session)
    clock(datetime(2026, 3, 1, 9, 0, tzinfo=UTC) + timedelta(days=30, hours=1))
    cleanup.enqueue_if_due()
    run_jobs()
    session.rollback()
    [stored] = session.scalars(select(StoredFile)).all()
    assert stored.removed_at is not None
    with pytest.raises(NotFound):
        storage.read_bytes(stored)
    assert [one.actor_label for one in session.scalars(select(FileDownload))] == ["Clara"]
    admin = as_role("administrator")
    page = admin.get(f"/admin/exports/details/?id={receipt}").text
    assert "Clara" in page.partition("Downloaded")[2]
    assert "Download</a>" not in page
    assert admin.get(f"/admin/exports/download/?id={receipt}").status_code == 404


def test_bank_details_in_full_are_kept_from_whoever_lost_the_permission_to_see_them(
    session: Session, as_role: AsRole
) -> None:
    three_customers()
    client = as_role("accounting")
    assert IBAN in str(records(client.get(START + "customers&q=mustermann").data))
    receipt = newest_receipt(session)
    address = f"/admin/exports/download/?id={receipt}"
    assert client.get(address).status_code == 200
    # A role that sees everybody's exports, but no bank details.
    watcher = as_role("manager")
    with transaction() as writing:
        role = writing.scalars(select(Role).where(Role.name == "manager")).one()
        role.permissions = [*role.permissions, "jobs:view_all"]
    assert watcher.get(address).status_code == 403
    page = watcher.get(f"/admin/exports/details/?id={receipt}").text
    assert "Bank details in full" in page
    assert "Download</a>" not in page


@pytest.mark.parametrize("role", ["operations", "accounting", "administrator"])
def test_the_history_that_leaves_shows_no_bank_account_in_full(
    session: Session, as_role: AsRole, role: str
) -> None:
    person = three_customers()[0]
    with transaction() as writing:
        found = writing.get_one(Customer, person)
        change = CustomerUpdate(person, {"iban": "AT611904300234573201"}, version=found.version)
        update_customers(writing, [change], actor=COMMAND_LINE)
        number = found.number
    lines = records(as_role(role).get(START + f"history_customer&customer={number}").data)
    told = str(lines)
    assert any(row["Field"] == "IBAN" for row in lines)
    assert IBAN not in told
    assert "AT611904300234573201" not in told
