"""A worker that is killed by force in the middle of sending: the message does not go out twice."""

import asyncio
import signal
from collections.abc import Callable
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from flask import Flask

from app.core import clock
from app.extensions import db
from app.jobs import mail as mail_job
from app.jobs import recovery
from app.outbox.models import MailState
from tests.jobs.conftest import Worker
from tests.outbox.letters import message, queued
from tests.outbox.mailserver import Handler, Server, free_port


class Holding(Handler):
    """A server that has the whole message and lets the sender wait for the answer."""

    def __init__(self) -> None:
        super().__init__()
        self.has_it = Event()

    async def handle_DATA(  # noqa: N802 - the name that the library asks for
        self, server: Any, session: Any, envelope: Any
    ) -> str:
        self.received.append(envelope)
        self.has_it.set()
        await asyncio.sleep(60)
        return "250 OK"


def test_a_worker_killed_between_sending_and_noting_it_sends_nothing_twice(
    app: Flask,
    start_worker: Callable[[], Worker],
    run_jobs: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = Server(Holding(), hostname="127.0.0.1", port=free_port())
    server.start()
    handler = server.handler
    assert isinstance(handler, Holding)
    monkeypatch.setenv("MAIL_URL", f"smtp://127.0.0.1:{server.port}")
    monkeypatch.setenv("KONTOR_MAIL_FROM", "office@example.com")
    try:
        with app.app_context():
            number = queued(body="No link", secret=None)
        worker = start_worker()
        assert handler.has_it.wait(40)
        worker.send_signal(signal.SIGKILL)
        worker.wait(10)
        with app.app_context():
            assert message(db.session(), number).state == MailState.SENDING
            recovery.set_abandoned_right()
            run_jobs()
            assert message(db.session(), number).state == MailState.SENDING
            with clock.frozen(clock.now() + timedelta(minutes=11)):
                mail_job.enqueue_if_due()
                assert run_jobs() == 1
            given_up = message(db.session(), number)
            assert given_up.state == MailState.FAILED
            assert "may have arrived" in (given_up.last_error or "")
        assert len(handler.received) == 1
    finally:
        server.stop()
