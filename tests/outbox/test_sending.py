"""Mail leaves by a real SMTP server: what it accepts, puts off, refuses, and what breaks."""

import logging
import shutil
import ssl
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from app.core import clock as product_clock
from app.core.actor import COMMAND_LINE
from app.extensions import transaction
from app.jobs import mail as mail_job
from app.outbox.models import MailState
from app.outbox.operations import retry
from tests.outbox.letters import LINK, message, queued
from tests.outbox.mailserver import free_port, running

SendBy = Callable[[str], None]
RunJobs = Callable[[], int]
Clock = Callable[[datetime], None]
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def send_now(number: int) -> None:
    """What [Try again] does."""
    with transaction() as work:
        retry(work, [number], actor=COMMAND_LINE)


def test_a_message_goes_out_once_with_its_link_which_is_then_wiped(
    session: Session, send_by: SendBy, run_jobs: RunJobs
) -> None:
    with running() as server:
        send_by(server.url)
        number = queued(subject="Ihr Zugang zum Straßen-Café", recipient="karin@müller.example")
        assert run_jobs() == 1
        mail_job.enqueue_if_due()
        assert run_jobs() == 0
    [received] = server.handler.received
    assert received.rcpt_tos == ["karin@xn--mller-kva.example"]
    assert received.mail_from == "office@example.com"
    [letter] = server.handler.messages
    assert letter["Subject"] == "Ihr Zugang zum Straßen-Café"
    assert letter["From"].addresses[0].display_name == "Küche & Söhne"
    assert LINK in letter.get_content()
    sent = message(session, number)
    assert letter["Message-ID"] == sent.message_id
    assert (sent.state, sent.secret, sent.attempts) == (MailState.SENT, None, 1)
    assert sent.sent_at is not None


def test_what_the_server_puts_off_is_tried_again_later_as_the_same_message(
    session: Session, send_by: SendBy, run_jobs: RunJobs, clock: Clock
) -> None:
    with running() as server:
        send_by(server.url)
        server.handler.rcpt_answers = ["451 Grey listed, come back"]
        number = queued()
        run_jobs()
        waiting = message(session, number)
        assert waiting.state == MailState.WAITING
        assert waiting.next_try_at == START + timedelta(minutes=1)
        assert "451 Grey listed, come back" in (waiting.last_error or "")
        assert waiting.secret == LINK
        mail_job.enqueue_if_due()
        assert run_jobs() == 0, "it is not due yet"
        clock(START + timedelta(minutes=1))
        mail_job.enqueue_if_due()
        assert run_jobs() == 1
    sent = message(session, number)
    assert (sent.state, sent.attempts, sent.last_error) == (MailState.SENT, 2, None)
    assert len(server.handler.received) == 1


@pytest.mark.parametrize("where", ["rcpt_answers", "data_answers"])
def test_what_the_server_refuses_for_good_fails_at_once(
    session: Session, send_by: SendBy, run_jobs: RunJobs, where: str
) -> None:
    with running() as server:
        send_by(server.url)
        setattr(server.handler, where, ["550 No such user here"])
        refused, fine = queued(), queued(recipient="other@example.com")
        run_jobs()
    failed = message(session, refused)
    assert (failed.state, failed.secret, failed.attempts) == (MailState.FAILED, None, 1)
    assert "550 No such user here" in (failed.last_error or "")
    assert message(session, fine).state == MailState.SENT


def test_a_server_that_is_down_is_waited_for_with_growing_pauses_then_given_up(
    session: Session, send_by: SendBy, run_jobs: RunJobs, clock: Clock
) -> None:
    clock(START)
    port = free_port()
    send_by(f"smtp://127.0.0.1:{port}")
    number = queued()
    pauses = []
    for _ in range(6):
        mail_job.enqueue_if_due()
        run_jobs()
        tried = message(session, number)
        if tried.state != MailState.WAITING:
            break
        pauses.append((tried.next_try_at - product_clock.now()).total_seconds() / 60)
        clock(tried.next_try_at)
    assert pauses == [1, 5, 30, 120, 360]
    failed = message(session, number)
    assert (failed.state, failed.secret, failed.attempts) == (MailState.FAILED, None, 6)
    assert failed.last_error == f"The mail server at 127.0.0.1:{port} cannot be reached"


def test_wrong_credentials_are_waited_out_and_stand_in_no_log(
    session: Session, send_by: SendBy, run_jobs: RunJobs, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with running(password="right") as server:
        send_by(server.url.replace("//", "//me:wr0ng-pass@") + "?starttls=no")
        number = queued()
        run_jobs()
        waiting = message(session, number)
        assert waiting.state == MailState.WAITING
        assert "user name or password of MAIL_URL" in (waiting.last_error or "")
        send_by(server.url.replace("//", "//me:right@") + "?starttls=no")
        send_now(number)
        run_jobs()
    assert message(session, number).state == MailState.SENT
    # What the product says; the test's own server repeats whatever it hears.
    told = "\n".join(one.getMessage() for one in caplog.records if one.name != "mail.log")
    assert "was not sent" in told
    assert "wr0ng-pass" not in told
    assert "the-secret-token" not in told


def test_a_password_is_not_sent_to_a_server_without_encryption(
    session: Session, send_by: SendBy, run_jobs: RunJobs
) -> None:
    with running(password="right") as server:
        send_by(server.url.replace("//", "//me:right@"))
        number = queued()
        run_jobs()
    waiting = message(session, number)
    assert "offers no encryption" in (waiting.last_error or "")
    assert server.handler.received == []


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate")
def test_mail_goes_out_encrypted_by_starttls_and_not_to_a_server_with_a_wrong_name(
    session: Session,
    send_by: SendBy,
    run_jobs: RunJobs,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-keyout", key, "-out", certificate, "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with running(password="right", tls=tls) as server:
        send_by(f"smtp://me:right@127.0.0.1:{server.port}")
        number = queued()
        run_jobs()
        assert "No encrypted connection" in (message(session, number).last_error or "")
        send_by(f"smtp://me:right@localhost:{server.port}")
        send_now(number)
        run_jobs()
    assert message(session, number).state == MailState.SENT
    assert len(server.handler.received) == 1


def test_a_connection_that_breaks_after_the_message_is_not_followed_by_a_second_one(
    session: Session, send_by: SendBy, run_jobs: RunJobs
) -> None:
    with running() as server:
        send_by(server.url)
        server.handler.hang_up_after_data = True
        number = queued(body="No link in here", secret=None)
        run_jobs()
        lost = message(session, number)
        assert lost.state == MailState.FAILED
        assert "may have arrived" in (lost.last_error or "")
        mail_job.enqueue_if_due()
        assert run_jobs() == 0
    assert len(server.handler.received) == 1


def test_letters_beyond_ascii_before_the_at_need_a_server_that_knows_them(
    session: Session, send_by: SendBy, run_jobs: RunJobs
) -> None:
    with running() as able, running(utf8=False) as unable:
        send_by(unable.url)
        refused = queued(recipient="jürgen@example.com")
        run_jobs()
        send_by(able.url)
        fine = queued(recipient="jürgen@example.com")
        run_jobs()
    assert message(session, refused).state == MailState.FAILED
    assert message(session, fine).state == MailState.SENT
    assert able.handler.received[0].rcpt_tos == ["jürgen@example.com"]
