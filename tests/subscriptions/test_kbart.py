"""KBART files of what customers and consortia hold, and the rights statement."""

import csv
import hashlib
import io
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.catalogue.coverage import Coverage
from app.catalogue.kbart import journal_draft
from app.catalogue.operations_journals import upsert_journals
from app.core.actor import COMMAND_LINE
from app.core.errors import NotFound
from app.core.pdf import typeset
from app.customers.models import Customer
from app.institutions.drafts import InstitutionDraft
from app.institutions.operations import save_consortium, save_institution
from app.subscriptions.holdings import customer_kbart
from app.subscriptions.kbart import COLUMNS, Holding, file_name, kbart_text
from app.subscriptions.merging import coverage_of
from app.subscriptions.models import Authorization, Subscription, SubscriptionStatus
from app.subscriptions.operations import change_status
from app.subscriptions.statements import TEMPLATE
from tests.subscriptions.kbart_checker import FIELDS, check
from tests.subscriptions.records import grant, institution, journal, right
from tests.subscriptions.test_sample import drafts as drafts
from tests.subscriptions.test_subscriptions import ordinary

DAY = date(2026, 11, 24)
Post = Callable[..., Any]


def held(session: Session, customer: Customer, day: date = DAY) -> list[dict[str, str]]:
    made = customer_kbart(
        session, customer.id, provider="Kontor Verlag", day=day, actor=COMMAND_LINE
    )
    return check(made.text.encode(), made.name)


def spans(rows: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [(row["date_first_issue_online"], row["date_last_issue_online"]) for row in rows]


def test_the_columns_are_those_of_the_standard() -> None:
    assert list(COLUMNS) == FIELDS


def test_the_sample_gives_files_that_the_checker_passes_and_the_same_coverage_back(
    session: Session, drafts: list[Any]
) -> None:
    grant(session, *drafts)
    for customer in session.scalars(select(Customer)):
        rows = held(session, customer)
        back = {
            (row["print_identifier"] or row["online_identifier"], journal_draft(row))
            for row in rows
        }
        stored = session.scalars(
            select(Subscription).where(Subscription.customer_id == customer.id)
        ).all()
        assert len(rows) == len(stored)
        assert {(issn, repr(draft.holding.coverage)) for issn, draft in back} == {
            (one.journal.print_issn or one.journal.online_issn, repr(coverage_of(one)))
            for one in stored
        }


def test_one_s_own_file_imported_gives_the_coverage_to_the_journals(session: Session) -> None:
    library, acta = institution(session), journal(session)
    grant(session, right(library, acta, "2006-03", "2008"), right(library, acta, "2012"))
    made = customer_kbart(session, library.id, provider="K", day=DAY, actor=COMMAND_LINE)
    rows = csv.DictReader(io.StringIO(made.text), delimiter="\t")
    upsert_journals(session, [journal_draft(row) for row in rows], actor=COMMAND_LINE)
    session.expire_all()
    assert [(one.first, one.last) for one in acta.coverages] == [
        ("2006-03", "2008"),
        ("2012", None),
    ]


def test_a_running_subscription_counts_and_a_lapsed_one_goes(session: Session) -> None:
    library, acta = institution(session), journal(session)
    grant(session, right(library, acta, "2010", "2025"))
    row = ordinary(session, customer_id=library.id, journal_id=acta.id)
    assert spans(held(session, library)) == [("2010", "2025")]
    change_status(session, [row.id], SubscriptionStatus.ACTIVE, actor=COMMAND_LINE)
    assert spans(held(session, library)) == [("2010", "2026-12-31")]
    assert spans(held(session, library, date(2027, 1, 1))) == [("2010", "2025")]


def test_an_embargo_has_a_row_of_its_own_unless_the_content_is_free_of_it(
    session: Session,
) -> None:
    library, acta = institution(session), journal(session)
    made = grant(session, right(library, acta, "2010", "2014"), right(library, acta, "2012"))
    session.get_one(Authorization, made[1]).embargo = "P1Y"
    session.flush()
    assert [(row["embargo_info"], *span) for row, span in zip(
        held(session, library), spans(held(session, library)), strict=True
    )] == [("", "2010", "2014"), ("P1Y", "2012", "")]  # fmt: skip
    grant(session, right(library, acta, "2009"))
    assert spans(held(session, library)) == [("2009", "")]


def test_volumes_alone_have_no_dates_and_tabs_no_place(session: Session) -> None:
    text = kbart_text(
        [Holding("A\tb\nc", "0031-5117", None, Coverage(first_volume="5", last_volume="9"))]
    )
    [row] = check(text.encode())
    assert (row["publication_title"], row["num_first_vol_online"]) == ("A b c", "5")
    assert spans([row]) == [("", "")]


def test_names_of_files_are_plain() -> None:
    assert file_name("Kontor Verlag", "Universität Wien (UB)", DAY) == (
        "KontorVerlag_UniversitaetWienUB_2026-11-24.txt"
    )
    assert file_name("K", "北京大学", DAY).startswith("K_BeiJing")


def test_a_deleted_customer_has_no_file(session: Session) -> None:
    library = institution(session)
    library.deleted_at = datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(NotFound):
        held(session, library)


def test_the_commands_write_files_for_a_customer_and_a_consortium(
    session: Session, runner: FlaskCliRunner, tmp_path: Path
) -> None:
    one, other = institution(session, "Universität Wien"), institution(session, "Uni Graz")
    acta, beta = journal(session), journal(session, "Beta", "0340-5443")
    grant(session, right(one, acta, "2010", "2012"), right(other, acta, "2013", "2014"))
    grant(session, right(other, beta, "2001"))
    club = save_consortium(session, None, name="KEMÖ", note=None, actor=COMMAND_LINE)
    for member in (one, other):
        draft = InstitutionDraft(consortium_ids=frozenset({club.id}))
        save_institution(session, member.id, draft, actor=COMMAND_LINE)
    number = one.number
    session.commit()
    out = tmp_path / "file"

    def run(*arguments: str, code: int = 0) -> Any:
        result = runner.invoke(args=[*arguments, "--out", str(out), "--json"])
        assert result.exit_code == code, result.output
        return json.loads(result.stdout.splitlines()[-1]) if code < 2 else None

    assert run("kbart", number)["rows"] == 1
    assert spans(check(out.read_bytes())) == [("2010", "2012")]
    answer = run("kbart", "--consortium", "KEMÖ")
    rows = check(out.read_bytes(), answer["suggested_name"])
    assert spans(rows) == [("2010", "2014"), ("2001", "")]
    assert [row["notes"] for row in rows] == ["", "Held by 1 of 2 members: Uni Graz"]
    run("kbart", "nobody", code=1)
    run("kbart", code=2)
    answer = run("rights-statement", number)
    pdf = out.read_bytes()
    assert pdf.startswith(b"%PDF-") and answer["sha256"] == hashlib.sha256(pdf).hexdigest()


def test_the_panel_gives_both_files_and_keeps_the_checksums(
    session: Session, as_role: Callable[..., FlaskClient]
) -> None:
    library, acta = institution(session, "Universität Wien"), journal(session)
    grant(session, right(library, acta, "2010", "2012"))
    session.commit()
    manager = as_role("manager")
    page = manager.get(f"/admin/perpetual/details/?id={library.id}").text
    assert "KBART" in page and "Rights statement" in page
    answer = manager.get(f"/admin/perpetual/kbart/?id={library.id}")
    assert "Kontor_UniversitaetWien_" in answer.headers["Content-Disposition"]
    assert len(check(answer.data)) == 1
    token = page.split('name="csrf-token" content="')[1].split('"')[0]
    form = {"csrf_token": token, "id": library.id}
    pdf = manager.post("/admin/perpetual/statement/", data=form)
    assert (pdf.mimetype, pdf.data[:5]) == ("application/pdf", b"%PDF-")
    told = session.scalars(
        select(AuditEntry.changes).where(AuditEntry.entity == "rights statement")
    ).one()
    assert told is not None
    assert told["file_sha256"] == [None, hashlib.sha256(pdf.data).hexdigest()]
    assert manager.get("/admin/perpetual/kbart/?id=99999999999999999999").status_code == 404


def test_the_same_values_are_set_to_the_same_bytes_whatever_script_they_are_in() -> None:
    values = {
        "customer": "Universität 北京大学 مكتبة Αθήνα #let x = 1", "number": "1", "company": "K",
        "date": "2026-11-24", "address": "", "fingerprint": "0" * 64, "rows": [],
    }  # fmt: skip
    at = datetime(2026, 11, 24, tzinfo=UTC)
    first, second = (
        typeset(TEMPLATE.read_text("utf-8"), values, at=at, title="T") for _ in range(2)
    )
    assert first == second and b"%PDF" in first[:10]
