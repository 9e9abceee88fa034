"""Very many refused cells: every page of them, a report that can be mended, and their end."""

import io
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.actor import SYSTEM
from app.core.models import StoredFile
from app.extensions import transaction
from app.jobs import cleanup
from app.jobs import operations as jobs
from app.transfer.imports import report
from app.transfer.models import Import, ImportRefusal
from tests.transfer.conftest import Import as RunImport

REFUSED = 130
PLACE = r'data-label="Row"[^>]*>(\d+)<.*?data-label="Column">([^<]+)<'


def crowd(path: Path) -> Path:
    lines = [f";P{at};p{at}@example" for at in range(REFUSED)]
    path.write_text("\n".join(["First name;Name;Email", "Good;G;", *lines]), encoding="utf-8")
    return path


def test_the_preview_pages_through_all_refused_cells(
    tmp_path: Path,
    session: Session,
    as_role: Callable[..., FlaskClient],
    basics: None,
    run_jobs: Callable[[], int],
) -> None:
    path = crowd(tmp_path / "crowd.csv")
    client = as_role("operations")
    client.post(
        "/admin/imports/upload/?kind=individual",
        data={"file": (io.BytesIO(path.read_bytes()), path.name)},
    )
    run_jobs()
    number = session.scalars(select(Import.id)).one()
    seen = []
    for page in range(1, 7):
        text = client.get(f"/admin/imports/refused/?id={number}&page={page}").text
        assert f"{2 * REFUSED} refused cells" in text
        seen += re.findall(
            r'data-label="Row"[^>]*>(\d+)<.*?data-label="Column">([^<]+)<', text, re.S
        )
    assert seen == [
        (str(row), column) for row in range(3, REFUSED + 3) for column in ("First name", "Email")
    ]
    for odd in ("0", "-1", "99999999999999999999", "x", "%00"):
        assert client.get(f"/admin/imports/refused/?id={number}&page={odd}").status_code == 200


def test_more_refused_rows_than_a_workbook_is_for_come_back_as_text(
    tmp_path: Path, run_import: RunImport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "WORKBOOK_ROWS", 100)
    back = tmp_path / "report.csv"
    result = run_import("individual", crowd(tmp_path / "crowd.csv"), "--report", str(back))
    assert (result["created"], len(result["refused"])) == (1, 2 * REFUSED)
    lines = back.read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == "First name;Name;Email;Reason"
    assert lines[1].startswith(";P0;p0@example;First name: First name is missing.")
    assert len(lines) == REFUSED + 1
    mended = [f"X{line}".replace("@example;", "@example.org;") for line in lines[1:]]
    back.write_text("\n".join([lines[0], *mended]), encoding="utf-8")
    again = run_import("individual", back)
    assert (again["created"], again["refused"]) == (REFUSED, [])


def test_refused_cells_go_with_their_upload(
    tmp_path: Path, app: Flask, session: Session, run_import: RunImport
) -> None:
    path = crowd(tmp_path / "crowd.csv")
    run_import("individual", path)
    with transaction() as writing:
        for stored in writing.scalars(select(StoredFile)):
            stored.expires_at = clock.now() - timedelta(days=1)
    with transaction() as writing:
        job_id = jobs.enqueue(
            writing, cleanup.KIND, {}, actor=SYSTEM, title="Daily clean-up", foreground=True
        ).id
    jobs.run_now(job_id)
    session.expire_all()
    assert session.scalar(select(func.count()).select_from(ImportRefusal)) == 0
    again = run_import("individual", path)
    assert len(again["refused"]) == 2 * REFUSED, "what was refused is not taken for imported"
