"""The signed document of a mandate: taken in by its content, kept for ever, handed out with a log.

A signed mandate is the proof of the right to collect, so no retention deletes it, and one that
is replaced stays in the store.
"""

from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from app.audit.models import Action
from app.audit.rules import snapshot
from app.core import clock, storage
from app.core.actor import Actor
from app.core.errors import NotFound, Problem, Refused
from app.core.models import StoredFile
from app.core.permissions import Permission
from app.sepa.models import Mandate, MandateState
from app.sepa.operations_mandates import LIVING, tell_mandate

PURPOSE = "mandate"
MOST_BYTES = 10 * 1024 * 1024
ACCEPTED = "PDF, JPEG or PNG, at most 10 MB"
# The name that a file gets, whatever it was called: it is offered at downloads.
_ENDINGS = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}


def media_type_of(content: bytes) -> str:
    """What a document is by its own bytes, not by its name. Raises Refused for anything else."""
    if not content:
        raise _refused("The file is empty")
    if len(content) > MOST_BYTES:
        raise _refused("The file is larger than 10 MB")
    if content.startswith(b"%PDF-") and b"%%EOF" in content[-2048:]:
        return "application/pdf"
    if content.startswith(b"\xff\xd8\xff") and b"\xff\xd9" in content[-2048:]:
        return "image/jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR") and b"IEND" in content[-64:]:
        return "image/png"
    raise _refused("The file is neither a PDF nor a JPEG or PNG picture, or it is not whole")


def keep_document(content: bytes) -> tuple[storage.KeptBytes, str]:
    """Put a document into the store, before the transaction begins; with its media type."""
    media_type = media_type_of(content)
    return storage.keep_bytes(content, purpose=PURPOSE), media_type


def sign_mandate(
    session: Session,
    mandate: Mandate,
    *,
    actor: Actor,
    signed_on: date | None = None,
    document: tuple[storage.KeptBytes, str] | None = None,
) -> None:
    """Note when a mandate was signed, and keep what was signed; a draft is active from then on.

    Of one that is no draft only the document is new: what it was signed for stays.
    """
    actor.require(Permission.MANDATES_EDIT)
    state = MandateState(mandate.state)
    if state not in LIVING and document is None:
        raise Refused.because(f"A mandate that is {mandate.state} cannot be signed")
    before = snapshot(mandate)
    more: dict[str, list[Any]] = {}
    if state is MandateState.DRAFT:
        if signed_on is None:
            raise Refused.because("Signed on is missing", field="signed_on")
        if signed_on > clock.today():
            raise Refused.because("Signed on is in the future", field="signed_on")
        mandate.signed_on, mandate.state = signed_on, MandateState.ACTIVE.value
    elif document is None:
        raise Refused.because(f"The document is missing. {ACCEPTED}", field="document")
    if document is not None:
        old = session.get(StoredFile, mandate.document_id) if mandate.document_id else None
        stored = _store(session, mandate, document, actor)
        mandate.document_id = stored.id
        more["document"] = [_named(old), _named(stored)]
    session.flush()
    session.expire(mandate, ["document"])
    signed = before["state"] != mandate.state
    action = Action.STATE_CHANGED if signed else Action.CHANGED
    tell_mandate(session, mandate, before, action, actor, more=more)


def hand_out_document(session: Session, mandate: Mandate, *, actor: Actor) -> StoredFile:
    """The signed document for download, noted beforehand. It shows the account in full."""
    actor.require(Permission.MANDATES_VIEW)
    actor.require(Permission.BANK_DETAILS_VIEW)
    if mandate.document is None:
        raise NotFound("This mandate has no document")
    storage.log_download(session, mandate.document, actor=actor)
    return mandate.document


def _store(
    session: Session, mandate: Mandate, document: tuple[storage.KeptBytes, str], actor: Actor
) -> StoredFile:
    kept, media_type = document
    plain = "".join(c if c.isalnum() else "-" for c in mandate.reference)
    return storage.save(
        session, kept, name=f"Mandate-{plain}.{_ENDINGS[media_type]}", media_type=media_type,
        purpose=PURPOSE, owner_id=actor.operator_id,
    )  # fmt: skip


def _named(stored: StoredFile | None) -> str | None:
    return f"{stored.name}, SHA-256 {stored.sha256[:16]}" if stored else None


def _refused(message: str) -> Refused:
    return Refused([Problem("document", message, ACCEPTED)])
