"""How mail leaves: by SMTP where MAIL_URL names a server, otherwise as .eml files."""

import os
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from email_validator import EmailNotValidError, validate_email

from app.config import Settings
from app.core import clock

# For each answer of the server; the whole of a try stays far below rules.CLAIM_HOLDS.
TIMEOUT_SECONDS = 30
# No line of a mail may be longer than 998 octets.
LONGEST_LINE = 900
SCHEMES = {"smtp": 25, "smtps": 465}


class NotSent(Exception):
    """The message has certainly not gone out; its text may be shown to a person."""


class TryLater(NotSent):
    """The server is away, or asks for patience."""


class NeverSent(NotSent):
    """The server refuses this message for good."""


class PerhapsSent(Exception):
    """The connection broke when the message had been handed over, before the server's answer."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """What MAIL_URL says. `starttls` None means: if the server offers it."""

    host: str
    port: int
    implicit_tls: bool
    starttls: bool | None
    user: str = ""
    password: str = ""

    def __repr__(self) -> str:
        """Without the password, which must not come into a log."""
        return f"MailServer({self.host}:{self.port})"


def read_mail_url(url: str) -> MailServer:
    """Understand MAIL_URL. Raises ValueError that names the variable, never the password."""
    try:
        parts = urlsplit(url)
        port = parts.port or SCHEMES.get(parts.scheme, 0)
    except ValueError:
        raise ValueError("MAIL_URL must be like smtp://user:password@host:587") from None
    options = parse_qs(parts.query)
    starttls = options.pop("starttls", [""])[-1]
    if parts.scheme not in SCHEMES or not parts.hostname or not port:
        raise ValueError("MAIL_URL must be like smtp://user:password@host:587, or smtps://…")
    if options or starttls not in {"", "yes", "no"} or (starttls and parts.scheme == "smtps"):
        raise ValueError("MAIL_URL knows one option, for smtp:// only: ?starttls=yes or no")
    user = unquote(parts.username or "")
    # A password never travels in the clear unless that is asked for in so many words.
    wanted = {"yes": True, "no": False}.get(starttls, True if user else None)
    return MailServer(
        host=parts.hostname,
        port=port,
        implicit_tls=parts.scheme == "smtps",
        starttls=wanted,
        user=user,
        password=unquote(parts.password or ""),
    )


class Mail:
    """The way out, and the public addresses that mails lead to. One for the process."""

    def __init__(self) -> None:
        self._server: MailServer | None = None
        self._folder = Path()
        self._sender = Address("Kontor", addr_spec="kontor@localhost")
        self._public_url = ""

    def open(self, settings: Settings, instance: Path) -> None:
        """Use the settings. Raises ValueError naming the variable that does not fit."""
        self._server = read_mail_url(settings.mail_url) if settings.mail_url else None
        self._folder = instance / "mail"
        if self._server is None:
            self._folder.mkdir(mode=0o700, exist_ok=True)
        elif not settings.mail_from:
            raise ValueError("KONTOR_MAIL_FROM must be set where MAIL_URL is")
        elif settings.production and not settings.public_url:
            raise ValueError("KONTOR_PUBLIC_URL must be set where production has a MAIL_URL")
        if settings.mail_from:
            self._sender = _read_sender(settings.mail_from)
        else:
            self._sender = Address("Kontor", addr_spec="kontor@localhost")
        self._public_url = _read_public_url(settings)

    @property
    def domain(self) -> str:
        """The domain that message ids are made under."""
        return self._sender.domain

    def address(self, path: str) -> str:
        """The public address of a page, as a mail must name it."""
        return f"{self._public_url}{path}"

    def deliver(self, *, recipient: str, subject: str, body: str, message_id: str) -> None:
        """Send one message. Raises TryLater, NeverSent or PerhapsSent."""
        envelope, international = _envelope_address(recipient)
        message = EmailMessage(policy=SMTP)
        message["From"] = self._sender
        message["To"] = recipient if international else envelope
        message["Subject"] = subject
        message["Date"] = format_datetime(clock.now())
        message["Message-ID"] = message_id
        # No machine answers to it: no out-of-office replies.
        message["Auto-Submitted"] = "auto-generated"
        # As it is wherever that is safe, so that a link stays in one piece in the file, too.
        plain = body.isascii() and max(map(len, body.split("\n"))) <= LONGEST_LINE
        message.set_content(body, cte="7bit" if plain else None)
        if self._server is None:
            _write_file(self._folder, message_id, message.as_bytes())
        else:
            _send(self._server, self._sender.addr_spec, envelope, message, international)


mail = Mail()


def _read_sender(text: str) -> Address:
    name, address = parseaddr(text)
    wrong = ValueError("KONTOR_MAIL_FROM must be an address like Kontor <office@example.com>")
    try:
        found = validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise wrong from None
    if found.ascii_email is None or not text.isprintable():
        raise wrong
    return Address(name, addr_spec=found.ascii_email)


def _read_public_url(settings: Settings) -> str:
    if not settings.public_url:
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        return f"http://{host}:{settings.port}"
    parts = urlsplit(settings.public_url)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment:
        raise ValueError("KONTOR_PUBLIC_URL must be like https://kontor.example.com")
    return settings.public_url.rstrip("/")


def _envelope_address(recipient: str) -> tuple[str, bool]:
    """The address for the envelope, and whether it needs SMTPUTF8. Raises NeverSent."""
    try:
        found = validate_email(recipient, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise NeverSent("The recipient's address is not one that mail can be sent to") from None
    return found.ascii_email or found.normalized, found.ascii_email is None


def _write_file(folder: Path, message_id: str, content: bytes) -> None:
    """A file of its own for each message, readable by its owner only.

    The same message written again replaces its file.
    """
    name = "".join(c for c in message_id.partition("@")[0] if c.isalnum() or c in "-_")
    fresh = folder / f".{name}.part"
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    fresh.replace(folder / f"{name}.eml")


def _send(
    server: MailServer, sender: str, recipient: str, message: EmailMessage, international: bool
) -> None:
    try:
        smtp = _connected(server)
        try:
            _hand_over(smtp, sender, recipient, message, international)
        except BaseException:
            smtp.close()
            raise
    except (OSError, smtplib.SMTPException) as error:
        raise _in_words(error, server) from None
    # The message is out; a server that parts in bad manners must not have it sent again.
    with suppress(OSError, smtplib.SMTPException):
        smtp.quit()
    smtp.close()


def _connected(server: MailServer) -> smtplib.SMTP:
    if server.implicit_tls:
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context()
        )
    else:
        smtp = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_SECONDS)
    try:
        smtp.ehlo()
        if not server.implicit_tls and server.starttls is not False:
            if smtp.has_extn("starttls"):
                smtp.starttls(context=ssl.create_default_context())
                smtp.ehlo()
            elif server.starttls:
                raise TryLater("The mail server offers no encryption (STARTTLS)")
        if server.user:
            smtp.login(server.user, server.password)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _hand_over(
    smtp: smtplib.SMTP,
    sender: str,
    recipient: str,
    message: EmailMessage,
    international: bool,
) -> None:
    options = []
    if international:
        if not smtp.has_extn("smtputf8"):
            raise NeverSent("The mail server cannot send to addresses with such letters")
        options = ["SMTPUTF8", "BODY=8BITMIME"]
    content = message.as_bytes(policy=SMTP.clone(utf8=international))
    try:
        _must_accept(smtp.mail(sender, options), f"the sender {sender}")
    except NeverSent as error:
        # That lies with the settings, and can be mended; the message is not to blame.
        raise TryLater(str(error)) from None
    _must_accept(smtp.rcpt(recipient), "the recipient")
    try:
        answer = smtp.data(content)
    except smtplib.SMTPDataError as error:
        answer = (error.smtp_code, error.smtp_error)  # type: ignore[assignment]
    except (OSError, smtplib.SMTPServerDisconnected) as error:
        raise PerhapsSent from error
    _must_accept(answer, "the message")


def _must_accept(answer: tuple[int, bytes | str], what: str) -> None:
    code, said = answer
    if 200 <= code < 300:
        return
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    kind = NeverSent if 500 <= code < 600 else TryLater
    raise kind(f"The mail server refused {what}: {code} {' '.join(words.split())}"[:400])


def _in_words(error: Exception, server: MailServer) -> NotSent:
    """What a failed connection means. Nothing of the credentials is repeated."""
    where = f"{server.host}:{server.port}"
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return TryLater("The mail server refused the user name or password of MAIL_URL")
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return TryLater("The mail server knows no log-in, but MAIL_URL names a user")
    if isinstance(error, ssl.SSLError):
        return TryLater(f"No encrypted connection to {where}: {error.reason or error}"[:400])
    if isinstance(error, smtplib.SMTPResponseException):
        return TryLater(f"The mail server answered {error.smtp_code}")
    if isinstance(error, TimeoutError):
        return TryLater(f"The mail server at {where} did not answer in time")
    return TryLater(f"The mail server at {where} cannot be reached")
