"""Outgoing mail: what waits, what went out, what failed and why; send again, or cancel."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from admin_views.actions import Action
from admin_views.base import KontorView
from admin_views.formatters import Badge, Column, Link
from admin_views.history import history_tab
from admin_views.records import Section
from admin_views.registry import address_of
from app.core.actor import Actor
from app.core.listing import Listing
from app.core.permissions import Permission
from app.outbox import operations, queries
from app.outbox.models import MailState, OutboxMessage
from app.outbox.rules import LINK, needs_secret

COLOURS = {
    MailState.WAITING: "blue",
    MailState.SENDING: "blue",
    MailState.SENT: "green",
    MailState.FAILED: "red",
    MailState.CANCELLED: "grey",
}


def mail_state_badge(message: OutboxMessage) -> Badge:
    """The state of a message as a badge."""
    state = MailState(message.state)
    return Badge(queries.STATE_LABELS[state], COLOURS[state])


def _purpose(message: OutboxMessage) -> str:
    return str(queries.PURPOSE_LABELS.get(message.purpose, message.purpose))  # type: ignore[call-overload]


def _retry(session: Session, ids: list[int], _answers: Mapping[str, str], actor: Actor) -> str:
    count = operations.retry(session, ids, actor=actor)
    return "The message is sent now." if count == 1 else f"{count} messages are sent now."


def _cancel(session: Session, ids: list[int], _answers: Mapping[str, str], actor: Actor) -> str:
    count = operations.cancel(session, ids, actor=actor)
    return "The message was cancelled." if count == 1 else f"{count} messages were cancelled."


def _can_leave(message: OutboxMessage) -> bool:
    if message.state == MailState.WAITING:
        return True
    given_up = message.state in {MailState.FAILED, MailState.CANCELLED}
    return given_up and not needs_secret(message.body)


class OutgoingMailView(KontorView):
    """The list of messages and the page of each. One-time links are shown nowhere."""

    model_class = OutboxMessage
    label, singular = "Outgoing mail", "message"
    menu_group, icon, endpoint_name = "Administration", "mail", "outgoing_mail"
    permissions = {"view": Permission.OUTBOX_VIEW, "export": Permission.EXPORT}
    export_kind = "mail"
    search_hint = "Recipient or subject"
    empty_hint = "Registration emails and links for new passwords appear here."
    columns = (
        Column("recipient", "To", main=True),
        Column("purpose", "Purpose", _purpose),
        Column("state", "State", mail_state_badge),
        Column("created_at", "Queued", sort="number"),
        Column("sent_at", "Sent"),
        Column("last_error", "Last error"),
    )
    actions = (
        Action(
            "try_again", "Try again", Permission.OUTBOX_MANAGE, _retry, icon="refresh",
            places=frozenset({"bulk", "row", "record"}), shown=_can_leave,
        ),
        Action(
            "cancel", "Cancel", Permission.OUTBOX_MANAGE, _cancel, icon="x", danger=True,
            confirm="Cancel {this message|# messages}? A link in it is lost.",
            places=frozenset({"bulk", "row", "record"}),
            shown=lambda message: message.state == MailState.WAITING,
        ),
    )  # fmt: skip
    tabs = (history_tab("mail"),)

    def listing(self) -> Listing:
        """All messages, the newest first."""
        return queries.MESSAGES

    def headline(self, model: OutboxMessage) -> str:
        """The subject."""
        return model.subject

    def subtitle(self, model: OutboxMessage) -> str:
        """The recipient."""
        return f"To {model.recipient}"

    def badges(self, model: OutboxMessage) -> list[Badge]:
        """The state."""
        return [mail_state_badge(model)]

    def sections(self, model: OutboxMessage) -> list[Section]:
        """What it is, what became of it, and its text without the link."""
        belongs = address_of("customers.details_view", id=model.customer_id)
        lines: list[tuple[str, Any]] = [
            ("To", model.recipient),
            ("Purpose", _purpose(model)),
            ("Belongs to", Link("The customer", belongs) if model.customer_id else None),
            ("Queued", model.created_at),
            ("Queued by", model.created_by_label),
        ]
        sending: list[tuple[str, Any]] = [("Tries", model.attempts), ("Sent", model.sent_at)]
        if model.state == MailState.WAITING:
            sending.append(("Next try", model.next_try_at))
        sending.append(("Last error", model.last_error))
        shown = model.body.replace(LINK, "(one-time link, not shown)")
        text = [("Subject", model.subject), ("Text", shown.strip())]
        return [Section("Message", lines), Section("Sending", sending), Section("Text", text)]


def views() -> list[KontorView]:
    """The views of this module."""
    return [OutgoingMailView()]
