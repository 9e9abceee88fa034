"""How the states of invoices, mandates and runs look, wherever one is shown."""

from datetime import date
from typing import Any

from admin_views.formatters import Badge
from app.billing.models import InvoiceState
from app.sepa.models import CollectionState, MandateState, RunState

_INVOICE = {
    InvoiceState.OPEN: ("yellow", ""),
    InvoiceState.IN_COLLECTION: ("blue", "hourglass"),
    InvoiceState.PAID: ("green", "check"),
    InvoiceState.RETURNED: ("red", "arrow-back-up"),
    InvoiceState.CANCELLED: ("grey", "ban"),
}
_MANDATE = {
    MandateState.DRAFT: "blue",
    MandateState.ACTIVE: "green",
    MandateState.SUSPENDED: "orange",
    MandateState.CANCELLED: "grey",
    MandateState.EXPIRED: "red",
    MandateState.USED: "purple",
}
_RUN = {
    RunState.CREATED: "yellow",
    RunState.RELEASED: "azure",
    RunState.FILED: "blue",
    RunState.HANDED_IN: "green",
    RunState.ANSWERED: "green",
    RunState.CLOSED: "grey",
    RunState.VOID: "grey",
}
_COLLECTION = {
    CollectionState.LIVE: "blue",
    CollectionState.SETTLED: "green",
    CollectionState.REJECTED: "red",
    CollectionState.RETURNED: "red",
    CollectionState.VOID: "grey",
}
SEQUENCES = {"FRST": "First", "RCUR": "Recurrent", "OOFF": "One-off", "FNAL": "Final"}


def said(state: str) -> str:
    """A state as the pages write it."""
    return state[:1].upper() + state[1:]


def invoice_badge(invoice: Any) -> Badge:
    """The state of an invoice."""
    return Badge(said(invoice.state), *_INVOICE[InvoiceState(invoice.state)])


def is_overdue(invoice: Any, today: date) -> bool:
    """Whether the invoice should have been paid by now."""
    owed = (InvoiceState.OPEN, InvoiceState.RETURNED)
    return invoice.state in owed and invoice.due_on < today


def mandate_badge(mandate: Any) -> Badge:
    """The state of a mandate."""
    return Badge(said(mandate.state), _MANDATE[MandateState(mandate.state)])


def run_badge(run: Any) -> Badge:
    """The step that a run has reached."""
    return Badge(said(run.state), _RUN[RunState(run.state)])


def collection_badge(collection: Any) -> Badge:
    """What became of a collection."""
    return Badge(said(collection.state), _COLLECTION[CollectionState(collection.state)])


def sequence(kind: str) -> str:
    """The sequence type as people say it and as the bank writes it."""
    return f"{SEQUENCES[kind]} ({kind})" if kind in SEQUENCES else kind
