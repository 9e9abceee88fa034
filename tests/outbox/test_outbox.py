"""The outbox: what is queued leaves after the commit, once, whoever dies or works beside."""

import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.config import Settings
from app.core.actor import COMMAND_LINE, Actor, Channel
from app.core.errors import NotAllowed, NotFound, Refused
from app.core.permissions import ROLE_PERMISSIONS, RoleName
from app.extensions import transaction
from app.jobs import mail as mail_job
from app.jobs.models import Job
from app.outbox import operations
from app.outbox.models import MailState, OutboxMessage
from app.outbox.transport import Mail, read_mail_url
from tests.outbox.letters import LINK, message, queued

RunJobs = Callable[[], int]
Clock = Callable[[datetime], None]


def test_without_a_mail_server_mail_becomes_files_that_only_their_owner_reads(
    session: Session, mail_folder: Path, run_jobs: RunJobs
) -> None:
    number = queued()
    assert run_jobs() == 1
    [file] = mail_folder.iterdir()
    assert file.suffix == ".eml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(mail_folder.stat().st_mode) == 0o700
    letter = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert letter["To"] == "karin@example.com"
    assert LINK in letter.get_content()  # type: ignore[attr-defined]
    assert LINK.encode() in file.read_bytes(), "whoever looks into the file can use it"
    assert message(session, number).state == MailState.SENT


def test_mail_of_a_transaction_that_is_rolled_back_does_not_exist(
    session: Session, run_jobs: RunJobs
) -> None:
    with pytest.raises(RuntimeError), transaction() as work:
        operations.queue_message(
            work, purpose="x", recipient="a@example.com", subject="S", body="B", actor=COMMAND_LINE
        )
        raise RuntimeError
    assert run_jobs() == 0
    assert session.scalars(select(OutboxMessage)).all() == []


def test_many_messages_of_one_change_are_sent_by_one_job(
    session: Session, mail_folder: Path, run_jobs: RunJobs
) -> None:
    with transaction() as work:
        for number in range(5):
            operations.queue_message(
                work,
                purpose="x",
                recipient=f"a{number}@example.com",
                subject="S",
                body="B",
                actor=COMMAND_LINE,
            )
    assert run_jobs() == 1
    job = session.scalars(select(Job)).one()
    assert job.result == {"sent": 5, "not_sent": 0}
    assert len(list(mail_folder.iterdir())) == 5


def test_a_line_break_in_a_subject_begins_no_other_header(
    session: Session, mail_folder: Path, run_jobs: RunJobs
) -> None:
    queued(subject="Hello\r\nBcc: everybody@example.com\x00")
    run_jobs()
    [file] = mail_folder.iterdir()
    letter = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert letter["Bcc"] is None
    assert letter["Subject"] == "Hello Bcc: everybody@example.com"


@pytest.mark.parametrize(
    "recipient", ["", "nobody", "a@b@c", "a@example.com\nBcc: b@example.com", "a" * 300 + "@x.de"]
)
def test_a_recipient_that_is_no_address_is_refused(session: Session, recipient: str) -> None:
    with pytest.raises(Refused, match="not an address"):
        queued(recipient=recipient)


def test_a_worker_killed_while_sending_leaves_a_message_that_is_not_sent_twice(
    session: Session, mail_folder: Path, run_jobs: RunJobs, clock: Clock
) -> None:
    clock(datetime(2026, 11, 23, 9, 0, tzinfo=UTC))
    number = queued()
    with transaction() as work:
        claimed = operations.claim_next(work)
        assert claimed is not None
        assert claimed.id == number
    # The worker is killed here: perhaps before it reached the server, perhaps after.
    run_jobs()
    assert message(session, number).state == MailState.SENDING
    clock(datetime(2026, 11, 23, 9, 10, tzinfo=UTC))
    mail_job.enqueue_if_due()
    assert run_jobs() == 1
    interrupted = message(session, number)
    assert (interrupted.state, interrupted.secret) == (MailState.FAILED, None)
    assert "may have arrived" in (interrupted.last_error or "")
    assert list(mail_folder.iterdir()) == []


def test_a_slow_worker_does_not_overwrite_that_its_message_was_given_up(
    session: Session, clock: Clock
) -> None:
    clock(datetime(2026, 11, 23, 9, 0, tzinfo=UTC))
    number = queued()
    with transaction() as work:
        operations.claim_next(work)
    with transaction() as work:
        assert operations.give_up_interrupted(work, timedelta(0)) == 1
    with transaction() as work:
        operations.note_sent(work, number)
    assert message(session, number).state == MailState.FAILED


def test_two_workers_never_take_the_same_message(app: Flask) -> None:
    with app.app_context():
        numbers = {queued(recipient=f"a{n}@example.com") for n in range(20)}
    ready, taken = Barrier(2), []

    def work() -> None:
        with app.app_context():
            ready.wait(5)
            while True:
                with transaction() as session:
                    message = operations.claim_next(session)
                    if message is None:
                        return
                    taken.append(message.id)

    threads = [Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(taken) == 20
    assert set(taken) == numbers


def test_a_message_is_sent_again_or_cancelled_by_whoever_may(
    session: Session, mail_folder: Path, run_jobs: RunJobs
) -> None:
    plain = queued(body="Without a link", secret=None)
    cancelled = queued()
    with transaction() as work:
        operations.cancel(work, [plain, cancelled], actor=COMMAND_LINE)
    assert run_jobs() == 1
    assert list(mail_folder.iterdir()) == []
    assert message(session, cancelled).secret is None
    with transaction() as work:
        operations.retry(work, [plain], actor=COMMAND_LINE)
    run_jobs()
    assert message(session, plain).state == MailState.SENT
    with pytest.raises(Refused, match="one-time link"), transaction() as work:
        operations.retry(work, [cancelled], actor=COMMAND_LINE)
    for change in (operations.retry, operations.cancel):
        with pytest.raises(Refused), transaction() as work:
            change(work, [plain], actor=COMMAND_LINE)
        with pytest.raises(NotFound), transaction() as work:
            change(work, [999_999], actor=COMMAND_LINE)


@pytest.mark.parametrize("role", [RoleName.OPERATIONS, RoleName.ACCOUNTING, RoleName.MANAGER])
def test_only_administrators_touch_the_outbox(session: Session, role: RoleName) -> None:
    number = queued()
    actor = Actor("somebody", ROLE_PERMISSIONS[role], Channel.PANEL)
    for change in (operations.retry, operations.cancel):
        with pytest.raises(NotAllowed), transaction() as work:
            change(work, [number], actor=actor)


def test_the_history_tells_of_mail_without_its_link(session: Session) -> None:
    number = queued(customer_id=7)
    with transaction() as work:
        operations.cancel(work, [number], actor=COMMAND_LINE)
    told = session.scalars(select(AuditEntry).where(AuditEntry.customer_id == 7)).all()
    assert [one.entity for one in told] == ["mail", "mail"]
    assert "the-secret-token" not in str([one.changes for one in told])


@pytest.mark.parametrize(
    ("url", "port", "implicit", "starttls"),
    [
        ("smtp://mail.example.com", 25, False, None),
        ("smtp://me:p%40ss@mail.example.com:587", 587, False, True),
        ("smtp://me:p@mail.example.com?starttls=no", 25, False, False),
        ("smtps://me:p@mail.example.com", 465, True, True),
    ],
)
def test_the_address_of_a_mail_server_is_understood(
    url: str, port: int, implicit: bool, starttls: bool | None
) -> None:
    server = read_mail_url(url)
    assert (server.port, server.implicit_tls, server.starttls) == (port, implicit, starttls)
    assert "p@ss" not in repr(server)


@pytest.mark.parametrize(
    "values",
    [
        {"mail_url": "http://me:s3cret@host"},
        {"mail_url": "smtp://me:s3cret@host:99999"},
        {"mail_url": "smtp://me:s3cret@"},
        {"mail_url": "smtp://me:s3cret@host?tls=1"},
        {"mail_url": "smtps://me:s3cret@host?starttls=yes"},
        {"mail_url": "smtp://me:s3cret@host"},
        {"mail_url": "smtp://host", "mail_from": "office@example.com", "production": True},
        {"mail_from": "nobody"},
        {"mail_from": "Office <office@example.com>\nBcc: <x@example.com>"},
        {"public_url": "kontor.example.com"},
        {"public_url": "javascript:alert(1)"},
    ],
)
def test_a_mail_setting_that_does_not_fit_is_refused_by_its_name_without_the_password(
    tmp_path: Path, values: dict[str, Any]
) -> None:
    settings = Settings(instance=str(tmp_path), **values)
    with pytest.raises(ValueError, match=r"MAIL_URL|KONTOR_MAIL_FROM|KONTOR_PUBLIC_URL") as why:
        Mail().open(settings, tmp_path)
    assert "s3cret" not in str(why.value)
