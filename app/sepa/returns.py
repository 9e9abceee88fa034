"""What follows when the bank rejects or returns a collection: for its invoice and its mandate."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.billing.models import InvoiceState
from app.billing.operations import change_states
from app.core.actor import Actor


@dataclass(frozen=True, slots=True)
class Ended:
    """A collection that the bank has just rejected or returned.

    `whole_file`: the bank refused the file it stood in, which tells nothing of the debtor.
    """

    collection_id: int
    invoice_id: int
    customer_id: int
    mandate_id: int
    reason_code: str | None
    whole_file: bool = False


def follow_up(session: Session, ended: Sequence[Ended], *, reason: str, actor: Actor) -> None:
    """Let invoices and mandates follow their collections; `reason` is what their history tells.

    An invoice whose whole file was refused is open again, any other waits for a person.
    """
    again = [one.invoice_id for one in ended if one.whole_file]
    waiting = [one.invoice_id for one in ended if not one.whole_file]
    for ids, state in ((again, InvoiceState.OPEN), (waiting, InvoiceState.RETURNED)):
        if ids:
            change_states(session, ids, state, actor=actor, reason=reason)
