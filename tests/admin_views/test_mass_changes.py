"""Mass changes in the panel: ticked ones at once, all found by a preview and a job with Undo."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.customers.models import Customer, Group
from app.extensions import transaction
from app.jobs.models import Job
from tests.customers.people import customer, many

AsRole = Callable[..., FlaskClient]
Run = Callable[[], int]
LISTS = ("individual", "business", "perpetual", "clients")


def group(name: str) -> int:
    with transaction() as session:
        made = Group(name=name)
        session.add(made)
        session.flush()
        return made.id


def crowd(size: int, kind: str = "individual", **values: object) -> list[int]:
    return [one.id for one in many([(kind, {"name": f"N{n}", **values}) for n in range(size)])]


def in_group(session: Session, group_id: int) -> int:
    session.rollback()
    return session.scalar(select(func.count(Customer.id)).where(Customer.group_id == group_id)) or 0


def form_of(page: str) -> dict[str, str]:
    """The hidden fields of the form that starts the job."""
    form = re.search(r"<form[^>]*mass/start.*?</form>", page, re.DOTALL)
    assert form, page
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[0])
    return dict(found)


@pytest.mark.parametrize("listed", LISTS)
def test_a_list_offers_the_changes_and_all_that_it_has_found(
    session: Session, as_role: AsRole, listed: str
) -> None:
    crowd(30, "individual" if listed == "clients" else listed)
    page = as_role("operations").get(f"/admin/{listed}/?size=25").text
    assert "Assign group" in page
    assert "Choose all 30 found" in page
    assert "All 25 on this page are chosen." in page
    whole = as_role("operations").get(f"/admin/{listed}/?size=50").text
    assert "Choose all" not in whole.replace("Choose all on this page", "")


def test_who_may_not_change_is_offered_nothing(session: Session, as_role: AsRole) -> None:
    crowd(2)
    for role in ("manager", "accounting"):
        client = as_role(role)
        assert "Assign group" not in client.get("/admin/individual/").text
        assert client.get("/admin/individual/mass/?change=group").status_code == 403
        answer = client.post("/admin/individual/mass/start/", data={"change": "group"})
        assert answer.status_code == 403


def test_ticked_customers_are_previewed_changed_by_a_job_and_undone(
    session: Session, as_role: AsRole, run_jobs: Run
) -> None:
    library = group("Library")
    ids, others = crowd(3), crowd(2)
    olga = as_role("operations")
    chosen = {"change": "group", "rowid": ids, "url": "/admin/individual/?q=N"}
    page = olga.post("/admin/individual/mass/", data=chosen).text
    assert "3 chosen customers" in page and "mass/start" not in page
    assert all(f'name="rowid" value="{id_}"' in page for id_ in ids)
    page = olga.post("/admin/individual/mass/", data=chosen | {"value": library}).text
    assert [int(n) for n in re.findall(r"k-figure-text\"><b>(\d+)<", page)] == [3, 3, 0, 0]
    form = form_of(page) | {"rowid": ids}
    assert form["url"] == "/admin/individual/?q=N"
    started = olga.post("/admin/individual/mass/start/", data=form)
    assert olga.post("/admin/individual/mass/start/", data=form).location == started.location
    assert in_group(session, library) == 0
    assert run_jobs() == 1
    assert in_group(session, library) == 3
    done = olga.get(started.location).text
    assert "3 customers" in done and 'value="undo"' in done
    post = {"action": "undo", "rowid": started.location.rpartition("=")[2], "_confirmed": "yes"}
    olga.post("/admin/jobs/action/", data=post)
    assert run_jobs() == 1
    assert in_group(session, library) == 0
    assert all(session.get_one(Customer, id_).group_id is None for id_ in [*ids, *others])


def test_a_bad_value_for_ticked_customers_is_told_at_its_field_and_the_ticks_stay(
    session: Session, as_role: AsRole
) -> None:
    ids = crowd(2)
    page = as_role("operations").post(
        "/admin/individual/mass/", data={"change": "lock", "value": " \x00 ", "rowid": ids}
    )
    assert page.status_code == 200
    assert "Lock text is missing" in page.text
    assert all(f'name="rowid" value="{id_}"' in page.text for id_ in ids)


def test_a_list_changes_only_its_own_kind(session: Session, as_role: AsRole, run_jobs: Run) -> None:
    library = group("Library")
    person, company = crowd(1)[0], customer("business").id
    olga = as_role("operations")
    data = {"change": "group", "value": str(library), "rowid": [company]}
    answer = olga.post("/admin/individual/mass/", data=data, follow_redirects=True)
    assert "Nothing was chosen" in answer.text
    page = olga.post("/admin/individual/mass/", data=data | {"rowid": [person]}).text
    forged = form_of(page) | {"rowid": [person, company]}
    olga.post("/admin/individual/mass/start/", data=forged)
    assert run_jobs() == 1
    assert in_group(session, library) == 1
    assert session.get_one(Customer, company).group_id is None


def test_all_found_are_previewed_changed_by_a_job_and_undone(
    session: Session, as_role: AsRole, run_jobs: Run
) -> None:
    old, library = group("Retail"), group("Library")
    crowd(12, group_id=old)
    crowd(3, group_id=library)
    crowd(4, newsletter=False)
    olga = as_role("operations", name="Olga")
    to_choose = olga.post(
        "/admin/individual/mass/?newsletter=yes&sort=-number",
        data={"change": "group", "all": "yes", "rowid": "1"},
    )
    assert to_choose.status_code == 303
    choose = olga.get(to_choose.location)
    assert "Newsletter:" in choose.text and "Preview" in choose.text
    assert "mass/start" not in choose.text
    page = olga.get(f"{to_choose.location}&value={library}").text
    assert "Assign the group Library" in page
    assert [int(n) for n in re.findall(r"k-figure-text\"><b>(\d+)<", page)] == [15, 12, 3, 0]
    assert page.count('<span class="k-old">Retail</span>') == 10

    form = form_of(page)
    started = olga.post("/admin/individual/mass/start/?newsletter=yes", data=form)
    again = olga.post("/admin/individual/mass/start/?newsletter=yes", data=form)
    assert started.location == again.location
    assert run_jobs() == 1
    assert in_group(session, library) == 15

    done = olga.get(started.location).text
    assert "Individual customers: Assign the group Library" in done
    assert "Newsletter" in done and "Had it already" in done
    assert 'value="undo"' in done
    job_id = started.location.rpartition("=")[2]
    asked = olga.post("/admin/jobs/action/", data={"action": "undo", "rowid": job_id})
    assert "Take back everything" in asked.text
    post = {"action": "undo", "rowid": job_id, "_confirmed": "yes"}
    olga.post("/admin/jobs/action/", data=post)
    assert "Being taken back by Olga" in olga.get(started.location).text
    assert "already" in olga.post("/admin/jobs/action/", data=post, follow_redirects=True).text
    assert run_jobs() == 1
    assert in_group(session, old) == 12
    undone = olga.get(started.location).text
    assert "Taken back</b> by Olga" in undone and "12 records" in undone
    assert 'value="undo"' not in undone


def test_what_an_undo_left_is_listed_on_its_page_with_the_way_to_the_customer(
    session: Session, as_role: AsRole, run_jobs: Run
) -> None:
    crowd(30)
    olga = as_role("operations")
    page = olga.get("/admin/individual/mass/?change=lock&value=Ask+first").text
    started = olga.post("/admin/individual/mass/start/", data=form_of(page))
    run_jobs()
    job_id = started.location.rpartition("=")[2]
    with transaction() as work:
        for row in work.scalars(select(Customer)):
            row.memo = "by hand"
    olga.post("/admin/jobs/action/", data={"action": "undo", "rowid": job_id, "_confirmed": "yes"})
    run_jobs()
    session.rollback()
    undo_id = session.scalar(select(func.max(Job.id)))
    assert "Left as they were" in olga.get(f"/admin/jobs/details/?id={undo_id}").text
    first = olga.get(f"/admin/jobs/tab/?id={undo_id}&tab=left").text
    number = session.scalar(select(func.max(Customer.number)))
    assert f'href="/customers/{number}"' in first
    assert first.count("It was edited since") == 25
    assert (
        olga.get(f"/admin/jobs/tab/?id={undo_id}&tab=left&page=2").text.count("edited since") == 5
    )


@pytest.mark.parametrize("condition", ["group=x", "created_from=yesterday"])
def test_a_condition_that_cannot_be_followed_is_never_left_out_of_a_mass_change(
    session: Session, as_role: AsRole, condition: str
) -> None:
    crowd(2)
    olga = as_role("operations")
    page = olga.get(f"/admin/individual/mass/?{condition}&change=delete").text
    assert "Mend or remove this condition first" in page
    assert "mass/start" not in page
    form = form_of(olga.get("/admin/individual/mass/?change=delete").text)
    olga.post(f"/admin/individual/mass/start/?{condition}", data=form)
    session.rollback()
    assert session.scalar(select(Job.id)) is None


@pytest.mark.parametrize(
    "forged",
    [
        {"max_id": "x"},
        {"max_id": "9" * 40},
        {"found": "-1"},
        {"token": ""},
        {"token": "a'b"},
        {"value": "987654"},
        {"value": "9" * 5000},
        {"change": "nothing"},
        {"max_id": "0"},
    ],
)
def test_a_forged_form_starts_nothing_and_is_answered(
    session: Session, as_role: AsRole, forged: dict[str, str]
) -> None:
    crowd(1)
    library = group("Library")
    olga = as_role("operations")
    page = olga.get(f"/admin/individual/mass/?change=group&value={library}").text
    answer = olga.post("/admin/individual/mass/start/", data=form_of(page) | forged)
    assert answer.status_code in (302, 400, 404)
    session.rollback()
    assert session.scalar(select(Job.id)) is None


@pytest.mark.parametrize(
    "address",
    [
        "?change=group&value=%00",
        "?change=lock&value=" + "x" * 5000,
        "?change=delete&q=" + "x" * 5000,
        "?change=delete&q=%00%27%22",
        "?change=unlock&number=%00",
        "?change=newsletter&value=",
        "?change=add_product&value=1e9",
        "?change=",
        "",
    ],
)
def test_whatever_stands_in_the_address_is_answered(
    session: Session, as_role: AsRole, address: str
) -> None:
    crowd(1)
    assert as_role("operations").get(f"/admin/clients/mass/{address}").status_code in (200, 404)


def test_zero_found_offers_nothing_to_start(session: Session, as_role: AsRole) -> None:
    crowd(1)
    page = as_role("operations").get("/admin/individual/mass/?change=delete&q=nobody+at+all").text
    assert "Nobody fits these conditions" in page
    assert "mass/start" not in page


def test_a_text_alone_in_clients_means_everybody_who_holds_the_words(
    session: Session, as_role: AsRole, run_jobs: Run
) -> None:
    many([("individual", {"name": "Common", "first_name": f"N{n}"}) for n in range(230)])
    olga = as_role("operations")
    assert "Choose all found" in olga.get("/admin/clients/?q=common").text
    page = olga.get("/admin/clients/mass/?q=common&change=newsletter&value=no").text
    assert "<b>230</b>" in page
    olga.post("/admin/clients/mass/start/?q=common", data=form_of(page))
    run_jobs()
    session.rollback()
    assert session.scalar(select(func.count(Customer.id)).where(~Customer.newsletter)) == 230


def test_the_history_leads_to_the_job(session: Session, as_role: AsRole, run_jobs: Run) -> None:
    one = crowd(1)[0]
    olga, other = as_role("operations"), as_role("operations")
    page = olga.get("/admin/individual/mass/?change=newsletter&value=no").text
    started = olga.post("/admin/individual/mass/start/", data=form_of(page))
    run_jobs()
    tab = f"/admin/individual/tab/?id={one}&tab=history"
    assert started.location in olga.get(tab).text
    assert started.location not in other.get(tab).text
    assert started.location in as_role("administrator").get(tab).text


def test_the_preview_asks_the_database_as_often_for_200_customers_as_for_20(
    session: Session, as_role: AsRole, queries: Callable[[Callable[[], object]], int]
) -> None:
    olga = as_role("operations")
    library = group("Library")
    address = f"/admin/individual/mass/?change=group&value={library}"
    crowd(20)
    few = queries(lambda: olga.get(address))
    crowd(180)
    assert queries(lambda: olga.get(address)) == few
