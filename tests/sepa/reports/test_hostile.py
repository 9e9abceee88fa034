"""Files that are no reports, and reports that mean harm: each ends in a sentence, and in nothing
written."""

import io
import zipfile
from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.errors import Refused
from app.core.models import StoredFile
from app.jobs import bank_reports
from app.jobs.cleanup import _forget_files
from app.sepa.reports.models import BankReport
from app.sepa.reports.opening import reports_in
from tests.sepa.making import NOW
from tests.sepa.reports.files import block, camt, document, entry, status, told
from tests.sepa.reports.reading import (
    collections_of,
    handed_in,
    outcomes,
    read,
    read_all,
    states,
)


@pytest.fixture(autouse=True)
def _now(clock: Callable[[datetime], None]) -> None:
    clock(NOW)


def archive(**members: bytes) -> bytes:
    """A ZIP."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for name, one in members.items():
            file.writestr(name.replace("_", "."), one)
    return content.getvalue()


GOOD = camt(entry(end_to_end_id="UNKNOWN"))
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE Document [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(8))
    + b"]>"
)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The file is empty"),
        (b"  \n ", "The file is empty"),
        (b"%PDF-1.7 ...", "This is a PDF"),
        (b":20:STARTUMS", "MT940"),
        (b"\x1f\x8b\x08rest", "gzip"),
        (b"Hello, bank", "The file is not XML"),
        (b"<html><body>Log in</body></html>", "no report of a bank"),
        (b"\x00\x01\x02", "The file is not XML"),
        (document("pain.008.001.08", "<CstmrDrctDbtInitn/>"), "a file that goes to the bank"),
        (document("camt.053.001.04", "<BkToCstmrStmt/>"), "camt.053 in version 001.04"),
        (document("camt.052.001.08", "<BkToCstmrAcctRpt/>"), "This is a camt.052.001.08"),
        (b"<Document>no namespace</Document>", "no report of a bank"),
        (GOOD.replace(b"?>\n", b"?>\n<!DOCTYPE Document>", 1), "declares a document type"),
        (BOMB + GOOD.partition(b"?>")[2].replace(b"Ada", b"&h;"), "declares a document type"),
        (GOOD[: len(GOOD) // 2], "cut off"),
        (GOOD[:-30], "cut off"),
        (GOOD.replace(b"</Ntry>", b"</Wrong>"), "damaged"),
        (GOOD.replace(b">12.34<", b">much<"), "“much” in the file is not an amount"),
        (GOOD.replace(b">12.34<", b">1e999999999<"), "is not an amount"),
        (GOOD.replace(b"<Dt>2026-12-01</Dt></BookgDt>", b"<Dt>soon</Dt></BookgDt>"), "not a date"),
        (camt(account="") .replace(b"<Acct>", b"<Acx>").replace(b"</Acct>", b"</Acx>"),
         "no statement of an account"),
        (GOOD.replace(b"<BkTxCd>", b"<x>" * 300 + b"</x>" * 300 + b"<BkTxCd>", 1),
         "nested deeper"),
        (archive(), "The ZIP is empty"),
        (archive(a_pdf=b"%PDF"), "which is no XML file"),
        (archive(a_xml=GOOD, b_xml=b"%PDF-1.4"), "b.xml in the ZIP: This is a PDF"),
        (archive(a_xml=GOOD, b_xml=GOOD[:200]), "b.xml in the ZIP"),
        (archive(a_zip=archive(a_xml=GOOD)), "which is no XML file"),
        (archive(a_xml=GOOD)[:-40], "ZIP is damaged"),
    ],
)  # fmt: skip
def test_what_is_no_report_is_refused_with_a_sentence(
    session: Session, content: bytes, said: str
) -> None:
    number = handed_in("12.34")
    with pytest.raises(Refused, match=said):
        read(content, "report.xml")
    assert session.scalar(select(func.count()).select_from(BankReport)) == 0
    assert states(session, number) == [("live", "in collection")]


def test_a_text_of_a_hundred_megabytes_is_refused(session: Session) -> None:
    handed_in("12.34")
    long = GOOD.replace(b"Ada Lovelace", b"A" * 100_000_000)
    with pytest.raises(Refused, match=r"longer or nested deeper|larger than 8 MB"):
        read(long)


def test_an_entry_of_millions_of_small_parts_is_refused(session: Session) -> None:
    handed_in("12.34")
    many = GOOD.replace(b"<RltdPties>", b"<x/>" * 3_000_000 + b"<RltdPties>", 1)
    with pytest.raises(Refused, match="larger than 8 MB"):
        read(many)


def test_a_zip_that_unpacks_to_too_much_is_stopped_on_the_way() -> None:
    bomb = archive(a_xml=b" " * 30_000_000)
    assert len(bomb) < 100_000
    with pytest.raises(Refused, match="unpacks to more than 1 MB"):
        list(reports_in(io.BytesIO(bomb), "bomb.zip", 1024 * 1024))


def test_a_zip_of_several_reports_is_read_one_by_one(session: Session) -> None:
    number = handed_in("10.00", "20.00")
    a, b = (one.end_to_end_id for one in collections_of(session, number))
    both = archive(
        day1_xml=status(block(f"{number}-1-RCUR", told(a, code="AC04"))),
        day2_xml=camt(entry(amount="20.00", end_to_end_id=b)),
    )
    reports = read_all(both, "answers.zip")
    assert [one.kind for one in reports] == ["pain.002", "camt.053"]
    assert [outcomes(session, one) for one in reports] == [["rejected"], ["settled"]]
    assert [one.file.name for one in reports if one.file] == ["day1.xml", "day2.xml"]
    # The file in it, uploaded by itself, is the same file.
    assert [one.id for one in read_all(both, "again.zip")] == [one.id for one in reports]


def test_a_report_is_kept_when_other_uploads_go(session: Session) -> None:
    handed_in("10.00")
    report = read(GOOD)
    with pytest.raises(Refused):
        read(GOOD[:-30])
    kept, refused = session.scalars(
        select(StoredFile).where(StoredFile.purpose == bank_reports.PURPOSE).order_by(StoredFile.id)
    )
    assert (kept.id, kept.expires_at) == (report.file_id, None)
    assert refused.expires_at is not None
    assert _forget_files(session) == 0
