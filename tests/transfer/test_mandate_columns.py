"""Mandates that come with imported customers, and the mail about IBANs that an import changes."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.customers import iban_notices
from app.customers.models import Customer
from app.extensions import transaction
from app.outbox.models import OutboxMessage
from app.sepa.models import Mandate
from tests.sepa import making
from tests.transfer.conftest import Import

HEADS = ("Customer number", "First name", "Name", "IBAN", "Mandate reference", "Mandate signed on")


@pytest.fixture
def told() -> Iterator[None]:
    iban_notices.use_recipients("second@example.org")
    yield
    iban_notices.use_recipients("")


def file(folder: Path, rows: list[tuple[str, ...]]) -> Path:
    path = folder / "people.csv"
    path.write_text("\n".join(";".join(row) for row in [HEADS, *rows]), "utf-8")
    return path


def mails(session: Session) -> list[OutboxMessage]:
    session.rollback()
    return list(session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)))


def test_a_row_with_reference_and_date_arrives_with_an_active_mandate(
    session: Session, tmp_path: Path, run_import: Import
) -> None:
    iban = making.iban()
    done = run_import(
        "individual", file(tmp_path, [("", "Ada", "Lovelace", iban, "M 1/2", "15.01.2026")])
    )
    assert (done["created"], done["refused"]) == (1, [])
    mandate = session.scalars(select(Mandate)).one()
    assert (mandate.state, mandate.reference, mandate.iban) == ("active", "M 1/2", iban)
    assert (mandate.account_holder, mandate.scheme) == ("Ada Lovelace", "CORE")
    assert mandate.bic == "COBADEFFXXX"


@pytest.mark.parametrize(
    ("iban", "reference", "signed_on", "column", "reason"),
    [
        ("", "M-1", "15.01.2026", "IBAN", "A mandate needs an IBAN"),
        ("own", "M-1", "", "Mandate signed on", "Mandate signed on is missing"),
        ("own", "", "15.01.2026", "Mandate reference", "Mandate reference is missing"),
        ("own", "M-1", "15.01.2099", "Mandate signed on", "Mandate signed on is in the future"),
        ("own", "Ü-1", "15.01.2026", "Mandate reference",
         "Mandate reference has characters that banks refuse"),
        ("own", "taken", "15.01.2026", "Mandate reference",
         "Mandate reference is already used by another mandate"),
        ("TR330006100519786457841326", "M-1", "15.01.2026", "IBAN",
         "IBAN is not of a SEPA country"),
    ],
)  # fmt: skip
def test_a_mandate_that_could_not_be_collected_by_is_refused_with_its_row(
    session: Session, tmp_path: Path, run_import: Import,
    iban: str, reference: str, signed_on: str, column: str, reason: str,
) -> None:  # fmt: skip
    with transaction() as work:
        making.mandate(work, making.payer(work), reference="TAKEN")
    row = ("", "Ada", "", making.iban() if iban == "own" else iban, reference, signed_on)
    done = run_import("individual", file(tmp_path, [row]))
    found = [(one["row"], one["column"], one["reason"]) for one in done["refused"]]
    assert found == [(2, column, reason)]


def test_an_update_brings_a_mandate_for_the_new_account(
    session: Session, tmp_path: Path, run_import: Import
) -> None:
    with transaction() as work:
        number = making.payer(work).number
    iban = making.iban()
    done = run_import(
        "individual", file(tmp_path, [(number, "", "", iban, "M-9", "15.01.2026")]), "--update"
    )
    assert done["updated"] == 1
    mandate = session.scalars(select(Mandate)).one()
    assert mandate.iban == mandate.customer.iban == iban


@pytest.mark.usefixtures("told")
def test_an_import_tells_of_all_its_changed_ibans_in_one_mail(
    session: Session, tmp_path: Path, run_import: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction() as work:
        numbers = [making.payer(work).number for _ in range(5)]
    rows: list[tuple[str, ...]] = [(n, "", "", making.iban(), "", "") for n in numbers[:4]]
    rows += [(numbers[4], "New name", "", "", "", "")]
    rows += [("", "Somebody", "New", making.iban(), "", "")]
    run_import("customers", file(tmp_path, rows), "--update")
    (mail,) = mails(session)
    assert mail.subject == "4 IBANs were changed"
    assert "command line" in mail.body


@pytest.mark.usefixtures("told")
def test_so_does_the_undo_of_an_import_but_not_of_what_it_had_created(
    session: Session, tmp_path: Path, run_import: Import, undo: Callable[[int], Any]
) -> None:
    with transaction() as work:
        number = making.payer(work).number
    rows = [
        (number, "", "", making.iban(), "", ""), ("", "Ada", "", making.iban(), "M-1", "15.01.2026")
    ]  # fmt: skip
    done = run_import("individual", file(tmp_path, rows), "--update")
    undo(done["job"])
    assert [mail.subject for mail in mails(session)] == ["An IBAN was changed"] * 2
    assert session.scalars(select(Customer.number)).all() == [number]
