"""Perpetual customers in the panel: the library's details, grants in bulk, renewals, packages."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app.catalogue.packages import save_package
from app.core.actor import COMMAND_LINE
from app.customers.models import Customer
from app.institutions.drafts import InstitutionDraft
from app.institutions.models import Consortium
from app.institutions.operations import save_consortium, save_institution
from app.institutions.queries import institution_of
from app.institutions.rules import parse_range
from app.subscriptions.models import Authorization, Subscription
from tests.admin_views.test_customers_form import fields_of
from tests.subscriptions.records import institution, journal
from tests.subscriptions.test_renewals import active

AsRole = Callable[..., FlaskClient]
Run = Callable[[], int]


@pytest.fixture
def clerk(as_role: AsRole) -> FlaskClient:
    return as_role("operations")


def post(client: FlaskClient, url: str, **data: Any) -> TestResponse:
    page = client.get("/admin/perpetual/").text
    found = re.search(r'name="csrf-token" content="([^"]+)"', page)
    assert found
    return client.post(url, data={"csrf_token": found[1], **data})


def library(session: Session, name: str = "Universität Wien", *ranges: str) -> Customer:
    made = institution(session, name)
    draft = InstitutionDraft("Ada Blum", ip_ranges=[parse_range(one) for one in ranges])
    save_institution(session, made.id, draft, actor=COMMAND_LINE)
    session.commit()
    return made


def test_an_address_that_another_has_is_refused_at_its_field_and_nothing_is_lost(
    session: Session, clerk: FlaskClient
) -> None:
    library(session, "Universität Wien", "192.0.2.0/24")
    club = save_consortium(session, None, name="Friedrich", note=None, actor=COMMAND_LINE)
    session.commit()
    url = "/admin/perpetual/new/"
    form = fields_of(clerk.get(url).text) | {
        "company_name": "Graz", "ip_ranges": "198.51.100.0/24\r\n192.0.2.9",
        "consortium_ids": [str(club.id)], "library_contact_name": "Bo",
    }  # fmt: skip
    page = post(clerk, url, **form).text
    assert "192.0.2.9 shares addresses with 192.0.2.0/24 of Universität Wien" in page
    assert "198.51.100.0/24" in page and 'value="Bo"' in page
    assert re.search(rf'<option selected value="{club.id}">', page)
    assert session.scalars(select(Customer).where(Customer.company_name == "Graz")).all() == []
    form["ip_ranges"] = "198.51.100.0/24\r\n\r\n 2001:db8::1 "
    assert post(clerk, url, **form).status_code == 302
    session.rollback()
    made = session.scalars(select(Customer).where(Customer.company_name == "Graz")).one()
    stored = institution_of(session, made.id)
    assert [str(one) for one in stored.ip_ranges] == ["198.51.100.0/24", "2001:db8::1"]
    page = clerk.get(f"/admin/perpetual/details/?id={made.id}").text
    assert "Friedrich" in page and "198.51.100.0/24" in page
    assert "Graz" in clerk.get("/admin/perpetual/?ip=198.51.100.77").text
    assert "Graz" not in clerk.get("/admin/perpetual/?ip=192.0.2.1").text
    assert "is not an IP address" in clerk.get("/admin/perpetual/?ip=nonsense").text


@pytest.mark.parametrize("typed", ["a\0b", "9" * 5000, "1.2.3.4/99", "\n" * 400 + "x"])
def test_bad_ranges_get_a_sentence(clerk: FlaskClient, typed: str) -> None:
    url = "/admin/perpetual/new/"
    form = fields_of(clerk.get(url).text) | {"company_name": "Graz", "ip_ranges": typed}
    answer = post(clerk, url, **form)
    assert answer.status_code == 200 and "Line" in answer.text


def test_two_people_at_the_same_ranges_see_both_versions(
    session: Session, clerk: FlaskClient
) -> None:
    one = library(session, "Universität Wien", "192.0.2.0/24")
    url = f"/admin/perpetual/edit/?id={one.id}"
    form = fields_of(clerk.get(url).text)
    draft = InstitutionDraft("Ada Blum", ip_ranges=[parse_range("192.0.2.0/25")])
    save_institution(session, one.id, draft, actor=COMMAND_LINE)
    session.commit()
    page = post(clerk, url, **form | {"ip_ranges": "192.0.2.0/26"})
    assert page.status_code == 200
    assert "192.0.2.0/25" in page.text and "192.0.2.0/26" in page.text


def test_a_right_is_granted_from_the_list_by_preview_and_job(
    session: Session, clerk: FlaskClient, run_jobs: Run
) -> None:
    for name in ("Wien", "Graz", "Linz"):
        library(session, name)
    package = save_package(
        session, None, name="All", note=None, actor=COMMAND_LINE,
        journal_ids=[journal(session).id, journal(session, "Beta", "0340-5443").id],
    )  # fmt: skip
    session.commit()
    assert "Grant a right" in clerk.get("/admin/perpetual/").text
    first = post(clerk, "/admin/grants/?side=customers", all="yes")
    assert first.status_code == 303
    url = "/admin/grants/?side=customers"
    form = {"basis": "purchase", "coverage_from": "2020", "package_id": str(package.id)}
    missing = post(clerk, url, **form | {"package_id": ""}).text
    assert "Journal is missing" in missing and "to be granted" not in missing
    page = post(clerk, url, **form).text
    assert "Grant 6 rights" in page and "Graz" in page
    sent = fields_of(page) | form
    start = "/admin/grants/start/?side=customers"
    changed = post(clerk, start, **sent | {"coverage_from": "2021"})
    assert changed.status_code == 200 and "changed after the preview" in changed.text
    answer = post(clerk, start, **sent)
    again = post(clerk, start, **sent)
    assert answer.status_code == 302 and answer.location == again.location
    assert run_jobs() == 1
    session.rollback()
    assert session.scalar(select(func.count()).select_from(Authorization)) == 6
    job = clerk.get(answer.location).text
    assert "purchase from 2020" in job and "Undo" in job
    assert "all of this was granted before" in post(clerk, url, **form).text


def test_forged_requests_of_grants_and_renewals_are_refused(
    session: Session, clerk: FlaskClient, as_role: AsRole
) -> None:
    library(session)
    assert clerk.get("/admin/grants/?side=everything").status_code == 404
    assert post(clerk, "/admin/grants/?side=journals", rowid="x").status_code == 400
    start = "/admin/grants/start/?side=journals"
    assert post(clerk, start, basis="theft", customer_id="1").status_code == 200
    assert post(clerk, "/admin/renewals/renew/start/", token="t" * 20).status_code in {302, 400}
    manager = as_role("manager")
    assert manager.get("/admin/grants/?side=journals").status_code == 403
    assert post(manager, "/admin/renewals/renew/", rowid="1").status_code == 403
    assert "Grant" not in manager.get("/admin/journals/").text
    assert session.scalar(select(func.count()).select_from(Authorization)) == 0


def test_the_work_list_renews_what_was_ticked(
    session: Session, clerk: FlaskClient, run_jobs: Run, clock: Callable[[datetime], None]
) -> None:
    clock(datetime(2026, 11, 24, 9, tzinfo=UTC))
    one = library(session)
    acta = journal(session)
    rows = [active(session, customer_id=one.id, journal_id=acta.id) for _ in range(2)]
    session.commit()
    page = clerk.get("/admin/renewals/?within=60").text
    assert page.count("37 days") == 2 and "Renew" in page
    page = post(clerk, "/admin/renewals/renew/", rowid=str(rows[0].id)).text
    assert "01.01.2027 – 31.12.2027" in page
    sent = dict(re.findall(r'name="(token|max_id|found)" value="([^"]*)"', page))
    answer = post(clerk, "/admin/renewals/renew/start/", rowid=str(rows[0].id), **sent)
    assert answer.status_code == 302
    run_jobs()
    session.rollback()
    session.expire_all()
    ends = [session.get_one(Subscription, row.id).term_to for row in rows]
    assert [str(end) for end in ends] == ["2027-12-31", "2026-12-31"]


def test_one_is_renewed_from_its_record(session: Session, clerk: FlaskClient) -> None:
    row = active(session, customer_id=library(session).id, journal_id=journal(session).id)
    session.commit()
    page = clerk.get(f"/admin/subscriptions/details/?id={row.id}").text
    assert 'value="renew"' in page
    form = {"action": "renew", "rowid": str(row.id), "_confirmed": "yes"}
    post(clerk, "/admin/subscriptions/action/", **form)
    session.rollback()
    session.expire_all()
    assert str(session.get_one(Subscription, row.id).term_to) == "2027-12-31"
    page = clerk.get(f"/admin/subscriptions/details/?id={row.id}&tab=history").text
    assert "01.01.2027" in page


def test_packages_and_consortia_are_kept_by_whoever_may(
    session: Session, clerk: FlaskClient, as_role: AsRole
) -> None:
    journal(session)
    session.commit()
    wrong = post(clerk, "/admin/packages/new/", name="P", journals="0031-5117\n1234-5678")
    assert "Line 2: ISSN check digit is wrong" in wrong.text
    good = post(clerk, "/admin/packages/new/", name="P", journals="0031-5117 Acta")
    assert good.status_code == 302
    assert "Acta" in clerk.get(good.location).text
    assert "already" in post(clerk, "/admin/packages/new/", name="p", journals="0031-5117").text
    assert post(clerk, "/admin/consortia/new/", name="Friedrich").status_code == 302
    club = session.scalars(select(Consortium)).one()
    assert "No members yet" in clerk.get(f"/admin/consortia/details/?id={club.id}").text
    kbart = as_role("manager").get(f"/admin/consortia/kbart/?id={club.id}")
    assert kbart.text.count("\n") == 1
    assert post(as_role("manager"), "/admin/packages/new/", name="Q").status_code == 403


@pytest.mark.parametrize("name", ["packages", "consortia", "renewals"])
def test_a_list_asks_no_more_for_more_rows(
    session: Session, clerk: FlaskClient, queries: Callable[..., int], name: str
) -> None:
    def more(number: int) -> None:
        one, acta = institution(session), session.scalars(select(Authorization.id)).first()
        assert acta is None
        save_consortium(session, None, name=f"C{number}", note=None, actor=COMMAND_LINE)
        save_package(
            session, None, name=f"P{number}", note=None, journal_ids=[held.id], actor=COMMAND_LINE
        )
        active(session, customer_id=one.id, journal_id=held.id)

    held = journal(session)
    counts = []
    for size in (range(3), range(3, 30)):
        for number in size:
            more(number)
        session.commit()
        clerk.get(f"/admin/{name}/")
        counts.append(queries(lambda: clerk.get(f"/admin/{name}/")))
    assert counts[0] == counts[1]
