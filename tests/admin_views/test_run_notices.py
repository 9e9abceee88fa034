"""The notices of a run in the panel: sent, listed, printed, and told on the customer's record."""

from collections.abc import Callable
from datetime import datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy.orm import Session

from app.core.actor import COMMAND_LINE
from app.extensions import transaction
from app.sepa.creating import create_run
from app.sepa.models import CollectionRun
from app.sepa.notices import customers_of, send_notices
from app.sepa.operations_runs import cancel_run
from tests.sepa import making

AsRole = Callable[..., FlaskClient]
RUNS = "/admin/direct_debit/"
LETTERS = "/admin/run_notices/"


@pytest.fixture(autouse=True)
def _now(clock: Callable[[datetime], None]) -> None:
    clock(making.NOW)


@pytest.fixture
def run(app: Flask) -> tuple[int, str, int]:
    """A run of two customers, one with an email: its id, its number, that customer."""
    with app.app_context(), transaction() as session:
        account = making.account(session)
        customer = making.debtor(session, customer={"email": "ada@example.org"}).customer_id
        making.debtor(session)
        found = create_run(
            session, account, making.DAY, policy=making.POLICY, actor=COMMAND_LINE
        )[0]  # fmt: skip
        return found.id, found.number, customer


def act(client: FlaskClient, run_id: int, action: str = "notify") -> str:
    data = {"action": action, "rowid": run_id, "_confirmed": "yes"}
    return client.post(f"{RUNS}action/", data=data, follow_redirects=True).text


def tab(client: FlaskClient, run_id: int) -> str:
    text = client.get(f"{RUNS}tab/?id={run_id}&tab=notices").text
    return " ".join(text.split())


def test_notices_go_out_from_the_record_and_stand_in_its_tab(
    as_role: AsRole, run: tuple[int, str, int], run_jobs: Callable[[], int]
) -> None:
    run_id, number, customer = run
    client = as_role("accounting")
    assert "No notices yet" in tab(client, run_id)
    assert "Send notices" in client.get(f"{RUNS}details/?id={run_id}").text
    assert f"2 customers are being notified of run {number}" in act(client, run_id)
    run_jobs()
    found = tab(client, run_id)
    assert "<b>2</b> of 2 customers told: 1 by email, 1 by letter." in found
    assert "1 letter has no address" in found
    assert "Send notices" not in client.get(f"{RUNS}details/?id={run_id}").text
    answer = client.get(LETTERS, query_string={"id": run_id})
    assert answer.data.startswith(b"%PDF-")
    assert answer.headers["Content-Disposition"] == f"attachment; filename={number}_letters.pdf"
    history = client.get(f"{RUNS}tab/?id={run_id}&tab=history").text
    assert "Customers were notified" in history and "Letters" in history
    timeline = client.get(f"/admin/individual/tab/?id={customer}&tab=timeline").text
    assert "Notice of a direct debit by email" in timeline


def test_all_by_letter_sends_no_mail(
    as_role: AsRole, run: tuple[int, str, int], run_jobs: Callable[[], int]
) -> None:
    client = as_role("accounting")
    act(client, run[0], "notify_by_letter")
    run_jobs()
    assert "0 by email, 2 by letter" in tab(client, run[0])


def test_a_cancelled_run_says_whom_nobody_tells(
    app: Flask, as_role: AsRole, run: tuple[int, str, int]
) -> None:
    client = as_role("accounting")
    with app.app_context(), transaction() as session:
        found = session.get_one(CollectionRun, run[0])
        send_notices(session, found, customers_of(session, run[0]), actor=COMMAND_LINE)
    assert "1 by email (1 not sent yet), 1 by letter." in tab(client, run[0])
    with app.app_context(), transaction() as session:
        cancel_run(session, session.get_one(CollectionRun, run[0]), actor=COMMAND_LINE)
    told = tab(client, run[0])
    assert "This run was cancelled after 2 notices were made." in told
    assert "Mails that had not left were called back: 1." in told
    assert "Download" not in told
    assert "is void" in act(client, run[0])
    answer = client.get(LETTERS, query_string={"id": run[0]}, follow_redirects=True)
    assert "its letters must not go out" in answer.text


@pytest.mark.parametrize("role", ["operations", "manager"])
def test_others_send_and_print_nothing(
    as_role: AsRole, run: tuple[int, str, int], role: str
) -> None:
    client = as_role(role)
    data = {"action": "notify", "rowid": run[0], "_confirmed": "yes"}
    assert client.post(f"{RUNS}action/", data=data).status_code == 403
    assert client.get(LETTERS, query_string={"id": run[0]}).status_code == 403


@pytest.mark.parametrize("raw", ["", "x", "0", "999999", "9" * 30, "1\x00"])
def test_letters_of_no_run_are_not_found(as_role: AsRole, raw: str) -> None:
    assert as_role("accounting").get(LETTERS, query_string={"id": raw}).status_code == 404


def test_the_command_tells_everybody_once_and_writes_the_letters(
    app: Flask, runner: FlaskCliRunner, run: tuple[int, str, int], tmp_path: object
) -> None:
    import json

    out = f"{tmp_path}/letters.pdf"

    def notify(*more: str) -> dict[str, object]:
        done = runner.invoke(args=["direct-debit", "notify", run[1], *more, "--json"])
        assert done.exit_code == 0, done.output
        found: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
        return found

    assert notify() == {"run": run[1], "mails": 1, "letters": 1}
    told = {"run": run[1], "mails": 0, "letters": 0, "printed": 1, "file": out}
    assert notify("--letters", out) == told
    with open(out, "rb") as file:
        assert file.read(5) == b"%PDF-"
    with app.app_context(), transaction() as session:
        cancel_run(session, session.get_one(CollectionRun, run[0]), actor=COMMAND_LINE)
    refused = runner.invoke(args=["direct-debit", "notify", run[1], "--json"])
    assert refused.exit_code == 1 and "is void" in refused.output


def test_a_run_without_letters_writes_no_file(
    session: Session, runner: FlaskCliRunner, run: tuple[int, str, int], tmp_path: object
) -> None:
    for one in making.collections(session, run[0]):
        one.customer.email = one.customer.email or "eve@example.org"
    session.commit()
    args = ["direct-debit", "notify", run[1], "--letters", f"{tmp_path}/none.pdf", "--json"]
    done = runner.invoke(args=args)
    assert '"mails": 2, "letters": 0, "printed": 0' in done.output
