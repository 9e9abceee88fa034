"""The life of a mandate: reasons kept, signed with a document, registered, lapsed, expired."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.core import clock as clocks
from app.core import storage
from app.core.actor import COMMAND_LINE
from app.core.errors import Refused
from app.core.models import FileDownload, StoredFile
from app.extensions import db, transaction
from app.jobs import cleanup
from app.jobs.cleanup import enqueue_if_due
from app.jobs.models import Job
from app.sepa.creating import create_run
from app.sepa.expiring import expire_mandates
from app.sepa.mandate_documents import (
    hand_out_document,
    keep_document,
    media_type_of,
    sign_mandate,
)
from app.sepa.models import Collection, Mandate, MandateState
from app.sepa.operations_mandates import change_mandate_state, confirm_registration
from app.sepa.rules import is_expired, lapsed_before
from app.sepa.suspending import suspend_mandates
from tests.sepa import making

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 40 + b"\xff\xd9"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\0" * 17 + b"\0\0\0\0IEND\xaeB`\x82"


def test_why_it_is_suspended_stays_until_it_is_resumed(session: Session) -> None:
    mandate = making.mandate(session, making.payer(session))
    suspend_mandates(
        session, [mandate.id], code="AC06", reason="Account blocked", actor=COMMAND_LINE
    )
    assert (mandate.state, mandate.state_code) == ("suspended", "AC06")
    change_mandate_state(session, mandate, MandateState.ACTIVE, actor=COMMAND_LINE)
    assert (mandate.state_reason, mandate.state_code) == (None, None)
    change_mandate_state(
        session, mandate, MandateState.CANCELLED, actor=COMMAND_LINE, reason="Moved away"
    )
    assert mandate.state_reason == "Moved away"


def test_a_lapsed_mandate_is_not_resumed(
    session: Session, clock: Callable[[datetime], None]
) -> None:
    mandate = making.mandate(session, making.payer(session), signed_on=date(2024, 1, 1))
    change_mandate_state(session, mandate, MandateState.SUSPENDED, actor=COMMAND_LINE)
    clock(datetime(2027, 1, 2, 12, tzinfo=UTC))
    with pytest.raises(Refused, match="has lapsed"):
        change_mandate_state(session, mandate, MandateState.ACTIVE, actor=COMMAND_LINE)


@pytest.mark.parametrize(
    ("content", "kind"),
    [(PDF, "application/pdf"), (JPEG, "image/jpeg"), (PNG, "image/png")],
)
def test_a_document_is_known_by_its_content(content: bytes, kind: str) -> None:
    assert media_type_of(content) == kind


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"<html><script>alert(1)</script>", "neither a PDF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "neither a PDF"),
        (PDF[:-8], "not whole"),
        (b"\xff\xd8\xff" + b"x" * 3000, "not whole"),
        (PDF + b"\0" * (10 * 1024 * 1024), "larger than 10 MB"),
    ],
)
def test_anything_else_is_refused_with_what_would_be_right(content: bytes, reason: str) -> None:
    with pytest.raises(Refused, match=reason) as refused:
        media_type_of(content)
    (problem,) = refused.value.problems
    assert (problem.field, problem.hint) == ("document", "PDF, JPEG or PNG, at most 10 MB")


def test_signature_and_document_make_a_draft_active(session: Session) -> None:
    mandate = making.mandate(session, making.payer(session), signed_on=None)
    with pytest.raises(Refused, match="Signed on is missing"):
        sign_mandate(session, mandate, actor=COMMAND_LINE, document=keep_document(PDF))
    with pytest.raises(Refused, match="in the future"):
        sign_mandate(session, mandate, actor=COMMAND_LINE, signed_on=date(2099, 1, 1))
    sign_mandate(
        session, mandate, actor=COMMAND_LINE, signed_on=date(2026, 3, 1),
        document=keep_document(PDF),
    )  # fmt: skip
    assert (mandate.state, mandate.signed_on) == ("active", date(2026, 3, 1))
    stored = hand_out_document(session, mandate, actor=COMMAND_LINE)
    assert storage.read_bytes(stored) == PDF
    assert stored.media_type == "application/pdf"
    assert session.scalars(select(FileDownload)).one().file_id == stored.id


def test_a_second_document_replaces_the_first_which_stays_in_the_store(session: Session) -> None:
    mandate = making.mandate(session, making.payer(session))
    sign_mandate(session, mandate, actor=COMMAND_LINE, document=keep_document(PDF))
    first = mandate.document
    signed_on = mandate.signed_on
    sign_mandate(session, mandate, actor=COMMAND_LINE, document=keep_document(PNG))
    assert mandate.document is not None
    assert mandate.document.media_type == "image/png"
    assert mandate.signed_on == signed_on
    assert first is not None
    assert storage.read_bytes(first) == PDF
    told = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert told is not None
    assert told.changes is not None
    assert [text.partition(",")[0].rpartition(".")[2] for text in told.changes["document"]] == [
        "pdf",
        "png",
    ]


def test_only_a_b2b_mandate_is_registered_with_the_bank(session: Session) -> None:
    core = making.mandate(session, making.payer(session))
    with pytest.raises(Refused, match="Only B2B"):
        confirm_registration(session, core, date(2026, 1, 1), actor=COMMAND_LINE)
    other = making.mandate(session, making.payer(session), scheme="B2B")
    with pytest.raises(Refused, match="in the future"):
        confirm_registration(session, other, date(2099, 1, 1), actor=COMMAND_LINE)
    confirm_registration(session, other, date(2026, 1, 1), actor=COMMAND_LINE)
    assert other.bank_registered_on == date(2026, 1, 1)


@settings(max_examples=300)
@given(
    st.dates(date(2019, 1, 1), date(2032, 12, 31)), st.dates(date(2023, 1, 1), date(2032, 12, 31))
)
def test_the_database_is_asked_for_exactly_what_the_rule_calls_lapsed(
    since: date, day: date
) -> None:
    assert (since < lapsed_before(day)) == is_expired(since, None, day)


def expired(session: Session) -> set[str]:
    found = select(Mandate.reference).where(Mandate.state == MandateState.EXPIRED.value)
    return set(session.scalars(found))


def test_the_daily_job_lets_lapsed_mandates_expire_and_no_others(
    session: Session, clock: Callable[[datetime], None], run_jobs: Callable[[], int]
) -> None:
    clock(making.NOW)
    today = making.NOW.date()
    old = date(today.year - 3, today.month, today.day) - timedelta(days=1)
    mandates = {
        "OLD": making.mandate(session, making.payer(session), reference="OLD", signed_on=old),
        "SLEEPS": making.mandate(session, making.payer(session), reference="SLEEPS", signed_on=old),
        "COLLECTED": making.mandate(
            session, making.payer(session), reference="COLLECTED", signed_on=old
        ),
        "JUST": making.mandate(
            session, making.payer(session), reference="JUST", signed_on=old + timedelta(days=1)
        ),
        "DRAFT": making.mandate(session, making.payer(session), reference="DRAFT", signed_on=None),
    }
    change_mandate_state(session, mandates["SLEEPS"], MandateState.SUSPENDED, actor=COMMAND_LINE)
    mandates["COLLECTED"].last_collected_on = date(2026, 1, 7)
    version = mandates["OLD"].version
    session.commit()
    enqueue_if_due()
    run_jobs()
    assert expired(session) == {"OLD", "SLEEPS"}
    mandate = session.get_one(Mandate, mandates["OLD"].id, populate_existing=True)
    assert (mandate.state_reason, mandate.version) == (
        "36 months without a collection",
        version + 1,
    )
    job = session.scalars(select(Job).where(Job.kind == cleanup.KIND)).one()
    assert job.result is not None
    assert job.result["expired_mandates"] == 2
    told = session.scalars(
        select(AuditEntry).where(AuditEntry.entity == "mandate", AuditEntry.actor_label == "system")
    ).all()
    assert [entry.changes["state"][1] for entry in told if entry.changes] == ["expired"] * 2


def test_mandates_expire_in_portions_and_never_within_a_collection(
    session: Session, clock: Callable[[datetime], None]
) -> None:
    clock(making.NOW)
    making.debtor(session)
    create_run(
        session, making.account(session), making.DAY, policy=making.POLICY, actor=COMMAND_LINE
    )
    for _ in range(3):
        making.mandate(session, making.payer(session))
    later = making.NOW + timedelta(days=4 * 365)
    clock(later)
    assert [expire_mandates(session, most=2) for _ in range(3)] == [2, 1, 0]
    (collected,) = session.scalars(select(Collection)).all()
    assert collected.mandate.state == "active"


def test_no_retention_deletes_a_signed_document(
    session: Session, clock: Callable[[datetime], None], run_jobs: Callable[[], int]
) -> None:
    with transaction() as writing:
        mandate = making.mandate(writing, making.payer(writing))
        sign_mandate(writing, mandate, actor=COMMAND_LINE, document=keep_document(PDF))
        storage.save(writing, BytesIO(b"x"), name="old.csv", purpose="import", days=1)
    clock(clocks.now() + timedelta(days=900))
    enqueue_if_due()
    run_jobs()
    db.session.rollback()
    kept = {one.name: one.removed_at is None for one in session.scalars(select(StoredFile))}
    assert kept.pop("old.csv") is False
    assert list(kept.values()) == [True]
