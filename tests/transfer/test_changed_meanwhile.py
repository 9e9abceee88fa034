"""What happens between the check and the run makes refusals of single rows, never a crash."""

from pathlib import Path

import openpyxl
import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.core.actor import COMMAND_LINE
from app.customers.drafts import CustomerDraft
from app.customers.models import Customer, Group
from app.customers.operations import create_customers, delete_customers
from app.extensions import transaction
from app.jobs.models import Job, JobState
from app.jobs.operations import run_now
from app.transfer.imports import operations, queries
from app.transfer.models import Import, ImportState

COLUMNS = ["Customer number", "First name", "Email", "Group"]


def checked(path: Path, rows: list[list[object]], *, update: bool = False) -> int:
    book = openpyxl.Workbook()
    for row in [COLUMNS, *rows]:
        book.active.append(row)
    book.save(path)
    with path.open("rb") as content, transaction() as session:
        found = operations.start_check(
            session,
            "individual",
            content,
            name=path.name,
            actor=COMMAND_LINE,
            update=update,
            foreground=True,
        )
        import_id, job_id = found.id, found.check_job_id
    run_now(job_id)
    return import_id


def written(session: Session, import_id: int, *, all_or_nothing: bool = False) -> Import:
    with transaction() as work:
        job_id = operations.start_run(
            work, import_id, actor=COMMAND_LINE, all_or_nothing=all_or_nothing, foreground=True
        ).run_job_id
    run_now(job_id)
    session.rollback()
    assert session.get_one(Job, job_id).state in (JobState.DONE, JobState.FAILED)
    return session.get_one(Import, import_id)


def reasons(session: Session, import_id: int) -> list[tuple[int, str, str]]:
    cells = session.scalars(queries.refusals_of(import_id))
    return [(cell.row, cell.column, cell.reason) for cell in cells]


def make(email: str) -> str:
    with transaction() as session:
        draft = CustomerDraft("individual", {"first_name": "Other", "email": email})
        (made,) = create_customers(session, [draft], actor=COMMAND_LINE)
        return session.get_one(Customer, made).number


@pytest.fixture
def two(tmp_path: Path, session: Session, basics: None) -> int:
    """A checked import of two people."""
    rows = [[None, "One", "one@example.org", "Retail"], [None, "Two", "two@example.org", "Press"]]
    return checked(tmp_path / "two.xlsx", rows)


def test_an_email_taken_since_the_check_refuses_its_row_only(session: Session, two: int) -> None:
    number = make("TWO@example.org")
    found = written(session, two)
    assert (found.state, found.created, found.refused_rows) == (ImportState.DONE, 1, 1)
    assert reasons(session, two) == [(3, "Email", f"Email is already used by customer {number}")]
    assert found.report_file_id is not None


def test_a_group_deleted_since_the_check_refuses_its_row_only(session: Session, two: int) -> None:
    with transaction() as work:
        work.execute(delete(Group).where(Group.name == "Press"))
    found = written(session, two)
    assert (found.state, found.created, found.refused_rows) == (ImportState.DONE, 1, 1)
    assert reasons(session, two)[0][0] == 3


def test_all_or_nothing_takes_everything_back_for_one_such_row(session: Session, two: int) -> None:
    make("two@example.org")
    found = written(session, two, all_or_nothing=True)
    assert found.state == ImportState.TAKEN_BACK
    assert "Nothing was written" in (found.message or "")
    assert session.scalars(select(Customer.first_name)).all() == ["Other"]


def test_a_customer_deleted_since_the_check_is_not_updated(
    tmp_path: Path, session: Session, basics: None
) -> None:
    number = make("gone@example.org")
    import_id = checked(tmp_path / "gone.xlsx", [[number, "New", None, None]], update=True)
    with transaction() as work:
        ids = work.scalars(select(Customer.id)).all()
        delete_customers(work, ids, actor=COMMAND_LINE)
    found = written(session, import_id)
    assert (found.updated, found.refused_rows) == (0, 1)
    assert reasons(session, import_id) == [
        (2, "Customer number", "This customer was deleted since the check")
    ]
