"""A real SMTP server on loopback for the tests of sending."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

OK = "250 OK"


class Handler:
    """Takes mail, or answers as the test has it: `answers` are used up one by one."""

    def __init__(self) -> None:
        self.received: list[Envelope] = []
        self.rcpt_answers: list[str] = []
        self.data_answers: list[str] = []
        self.hang_up_after_data = False

    @property
    def messages(self) -> list[EmailMessage]:
        """What arrived, read as a mail program would."""
        return [
            message_from_bytes(one.content or b"", _class=EmailMessage, policy=policy.default)  # type: ignore[arg-type]
            for one in self.received
        ]

    async def handle_RCPT(  # noqa: N802 - the name that the library asks for
        self, server: Any, session: Any, envelope: Envelope, address: str, options: Any
    ) -> str:
        answer = self.rcpt_answers.pop(0) if self.rcpt_answers else OK
        if answer == OK:
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802
        self, server: Any, session: Any, envelope: Envelope
    ) -> str:
        answer = self.data_answers.pop(0) if self.data_answers else OK
        if answer == OK:
            self.received.append(envelope)
        if self.hang_up_after_data:
            server.transport.abort()
        return answer


class Server(Controller):
    """The server of one test."""

    handler: Handler

    @property
    def url(self) -> str:
        """Its address for MAIL_URL, without credentials."""
        return f"smtp://127.0.0.1:{self.port}"


def free_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    *, password: str = "", tls: ssl.SSLContext | None = None, port: int = 0, utf8: bool = True
) -> Iterator[Server]:
    """A server that runs inside the block; with `password`, only "me" may send."""

    def check(
        _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any
    ) -> AuthResult:
        good = isinstance(data, LoginPassword) and data == LoginPassword(b"me", password.encode())
        return AuthResult(success=good, handled=False)

    values: dict[str, Any] = {"enable_SMTPUTF8": utf8}
    if password:
        values |= {"authenticator": check, "auth_required": True, "auth_require_tls": bool(tls)}
    if tls:
        values |= {"tls_context": tls, "require_starttls": True}
    server = Server(Handler(), hostname="127.0.0.1", port=port or free_port(), **values)
    server.start()
    try:
        yield server
    finally:
        server.stop()
